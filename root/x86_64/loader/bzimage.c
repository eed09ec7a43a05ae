/* SPDX-License-Identifier: MIT */
/*
 * Linux bzImage (Linux Documentation/arch/x86/boot.rst). The file is a real-mode part, which is
 * not run, and the kernel proper. From the setup header in the first comes what the kernel needs;
 * a copy of it goes into the zero page, which tells the kernel everything else. Kernels that
 * offer a 64-bit entry are started there with 4 GiB mapped one to one, others at their 32-bit
 * entry.
 */
#include <loader/loader.h>

#include <string.h>

#include <loader/bytes.h>
#include <loader/boot_data.h>
#include <loader/placement.h>

/* The setup header; the same offsets hold in the file and in the zero page. */
#define HDR_SETUP_SECTS	     0x1f1
#define HDR_SYSSIZE	     0x1f4
#define HDR_VID_MODE	     0x1fa
#define HDR_BOOT_FLAG	     0x1fe
#define HDR_JUMP_LENGTH	     0x201
#define HDR_MAGIC	     0x202
#define HDR_VERSION	     0x206
#define HDR_TYPE_OF_LOADER   0x210
#define HDR_LOADFLAGS	     0x211
#define HDR_CODE32_START     0x214
#define HDR_RAMDISK_IMAGE    0x218
#define HDR_RAMDISK_SIZE     0x21c
#define HDR_CMD_LINE_PTR     0x228
#define HDR_INITRD_ADDR_MAX  0x22c
#define HDR_KERNEL_ALIGNMENT 0x230
#define HDR_RELOCATABLE	     0x234
#define HDR_XLOADFLAGS	     0x236
#define HDR_CMDLINE_SIZE     0x238
#define HDR_PAYLOAD_OFFSET   0x248
#define HDR_PAYLOAD_LENGTH   0x24c
#define HDR_SETUP_DATA	     0x250
#define HDR_PREF_ADDRESS     0x258
#define HDR_INIT_SIZE	     0x260
#define HDR_END_2_06	     0x23c
#define HDR_END_2_10	     0x264
#define HDR_END_MAX	     0x290 /* the zero page has other things from here on */
#define HDR_READ_SIZE	     0x268 /* bytes of a file that are needed for all fields */

/* Other fields of the zero page (Documentation/arch/x86/zero-page.rst). */
#define ZERO_ACPI_RSDP	     0x070
#define ZERO_E820_ENTRIES    0x1e8
#define ZERO_E820_TABLE	     0x2d0
#define ZERO_E820_ENTRY_SIZE 20
#define ZERO_E820_MAX	     128

#define BOOT_FLAG	     0xaa55
#define HEADER_MAGIC	     0x53726448u /* "HdrS" */
#define VERSION_OLDEST	     0x206
#define VERSION_PREF_ADDRESS 0x20a
#define VERSION_XLOADFLAGS   0x20c
#define LOADED_HIGH	     0x01
#define XLF_KERNEL_64	     0x01
#define LOADER_UNDEFINED     0xff
#define VID_MODE_NORMAL	     0xffff
#define SECTOR_SIZE	     512u
#define SETUP_SECTS_DEFAULT  4 /* what 0 means */
#define ENTRY_64_OFFSET	     0x200
#define LOAD_ADDRESS_OLD     0x100000u

/* Paging structures for the first 4 GiB in 2-MiB pages: PML4, PDPT, four page directories. */
#define TABLE_COUNT   6u
#define TABLE_DIRS    4u
#define TABLE_ENTRIES 512u
#define PTE_PRESENT   0x01u
#define PTE_WRITE     0x02u
#define PTE_LARGE     0x80u

/* What the header says, checked. */
struct bzimage {
	const uint8_t *file;
	uint16_t version;
	bool entry_64;
	uint64_t setup_size;   /* of the real-mode part */
	const uint8_t *kernel; /* the protected-mode part */
	uint64_t kernel_size;
	uint64_t init_size; /* RAM that it needs from its load address; >= kernel_size */
	uint64_t alignment; /* a power of two */
	bool relocatable;
	gpa_t preferred;
	gpa_t initrd_limit;
	uint64_t cmdline_max; /* characters, without the NUL */
};

/* Sizes of the two parts of the file. */
static enum load_result parts_check(struct bzimage *image, const struct load_request *request,
				    struct load_error *error)
{
	const uint8_t *p = image->file;
	uint64_t size = request->kernel.size;
	uint64_t sectors = p[HDR_SETUP_SECTS] ? p[HDR_SETUP_SECTS] : SETUP_SECTS_DEFAULT;
	uint64_t system = (uint64_t)bytes_get32(p + HDR_SYSSIZE) * 16;

	image->setup_size = (sectors + 1) * SECTOR_SIZE;
	if (image->setup_size >= size)
		return load_fail(request, error, LOAD_TRUNCATED,
				 "the file has %llu bytes, its real-mode part alone %llu",
				 (unsigned long long)size, (unsigned long long)image->setup_size);
	image->kernel = p + image->setup_size;
	image->kernel_size = size - image->setup_size;
	/* syssize counts paragraphs, so up to 15 bytes of it need not be there. */
	if (system > image->kernel_size + 15)
		return load_fail(request, error, LOAD_TRUNCATED,
				 "the header says %#llx bytes of kernel, the file has %#llx",
				 (unsigned long long)system,
				 (unsigned long long)image->kernel_size);
	/* What follows the kernel (signatures) is not for the guest. */
	if (system > 0)
		image->kernel_size = MIN(image->kernel_size, system);
	return LOAD_OK;
}

static enum load_result address_fields_check(struct bzimage *image,
					     const struct load_request *request,
					     struct load_error *error)
{
	const uint8_t *p = image->file;
	uint64_t payload = bytes_get32(p + HDR_PAYLOAD_OFFSET);
	uint64_t payload_size = bytes_get32(p + HDR_PAYLOAD_LENGTH);

	image->alignment = bytes_get32(p + HDR_KERNEL_ALIGNMENT);
	image->relocatable = p[HDR_RELOCATABLE] != 0;
	image->preferred = LOAD_ADDRESS_OLD;
	image->init_size = image->kernel_size;
	if (image->version < VERSION_PREF_ADDRESS)
		return LOAD_OK;

	if (!range_within(payload, payload_size, image->kernel_size))
		return load_fail(request, error, LOAD_BAD_SIZE,
				 "the payload (%#llx bytes at %#llx) leaves the kernel",
				 (unsigned long long)payload_size, (unsigned long long)payload);
	image->preferred = bytes_get64(p + HDR_PREF_ADDRESS);
	image->init_size = bytes_get32(p + HDR_INIT_SIZE);
	if (image->init_size < image->kernel_size)
		return load_fail(request, error, LOAD_BAD_SIZE,
				 "init_size %#llx is less than the kernel's %#llx bytes",
				 (unsigned long long)image->init_size,
				 (unsigned long long)image->kernel_size);
	if (image->alignment == 0 || (image->alignment & (image->alignment - 1)) != 0)
		return load_fail(request, error, LOAD_BAD_SIZE,
				 "kernel_alignment %#llx is no power of two",
				 (unsigned long long)image->alignment);
	return LOAD_OK;
}

static enum load_result header_check(struct bzimage *image, const struct load_request *request,
				     struct load_error *error)
{
	const uint8_t *p = request->kernel.data;
	unsigned int header_end;
	enum load_result result;

	*image = (struct bzimage){.file = p};
	if (request->kernel.size < HDR_READ_SIZE)
		return load_fail(request, error, LOAD_TRUNCATED,
				 "%llu bytes are too few for a setup header",
				 (unsigned long long)request->kernel.size);
	if (bytes_get16(p + HDR_BOOT_FLAG) != BOOT_FLAG ||
	    bytes_get32(p + HDR_MAGIC) != HEADER_MAGIC)
		return load_fail(request, error, LOAD_BAD_MAGIC,
				 "there is no Linux setup header (0xaa55, HdrS)");
	image->version = bytes_get16(p + HDR_VERSION);
	if (image->version < VERSION_OLDEST)
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "boot protocol %u.%02u is older than 2.06", image->version >> 8,
				 image->version & 0xff);
	if (!(p[HDR_LOADFLAGS] & LOADED_HIGH))
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "this is a zImage, which loads below 1 MiB");
	header_end = HDR_MAGIC + p[HDR_JUMP_LENGTH];
	if (header_end < (image->version < VERSION_PREF_ADDRESS ? HDR_END_2_06 : HDR_END_2_10))
		return load_fail(request, error, LOAD_BAD_SIZE,
				 "the setup header ends at %#x, too early for protocol %u.%02u",
				 header_end, image->version >> 8, image->version & 0xff);
	image->entry_64 = image->version >= VERSION_XLOADFLAGS &&
			  (bytes_get16(p + HDR_XLOADFLAGS) & XLF_KERNEL_64);
	image->initrd_limit = (gpa_t)bytes_get32(p + HDR_INITRD_ADDR_MAX) + 1;
	image->cmdline_max = bytes_get32(p + HDR_CMDLINE_SIZE);
	result = parts_check(image, request, error);
	if (result != LOAD_OK)
		return result;
	return address_fields_check(image, request, error);
}

/* Chooses the load address, claims all that the kernel unpacks itself into, and copies it. A kernel
 * that finds itself below its preferred address unpacks itself there all the same. */
static enum load_result kernel_place(const struct bzimage *image, struct placement *placement,
				     gpa_t *load)
{
	const struct load_request *request = placement->request;
	enum load_result result =
		placement_claim(placement, image->preferred, image->init_size, "the kernel");

	*load = image->preferred;
	if (result == LOAD_OUT_OF_RAM && image->relocatable &&
	    image->version >= VERSION_PREF_ADDRESS) {
		const struct placement_wish wish = {
			.size = image->init_size,
			.alignment = image->alignment,
			.lowest = MAX(LOAD_ADDRESS_OLD, image->preferred),
			.limit = LAYOUT_DEVICE_BASE,
			.what = "the kernel",
		};

		result = placement_find(placement, &wish, load);
	}
	if (result != LOAD_OK)
		return result;
	if (*load > UINT32_MAX)
		return load_fail(request, placement->error, LOAD_UNSUPPORTED,
				 "the kernel wants to be loaded at %#llx, above 4 GiB",
				 (unsigned long long)*load);
	if (guest_memory_write(request->memory, *load, image->kernel, image->kernel_size) !=
	    STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	return LOAD_OK;
}

/* As high as the kernel allows, so that it is not in the way of the kernel's own growth. */
static enum load_result initrd_place(const struct bzimage *image, struct placement *placement,
				     gpa_t *initrd)
{
	const struct load_request *request = placement->request;
	const struct placement_wish wish = {
		.size = request->initrd.size,
		.alignment = PAGE_SIZE,
		.lowest = LOAD_ADDRESS_OLD,
		.limit = MIN(image->initrd_limit, LAYOUT_DEVICE_BASE),
		.high = true,
		.what = "the initrd",
	};
	enum load_result result;

	*initrd = 0;
	if (request->initrd.size == 0)
		return LOAD_OK;
	result = placement_find(placement, &wish, initrd);
	if (result != LOAD_OK)
		return result;
	if (guest_memory_write(request->memory, *initrd, request->initrd.data,
			       request->initrd.size) != STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	return LOAD_OK;
}

static enum load_result cmdline_place(const struct bzimage *image, struct placement *placement,
				      gpa_t *cmdline)
{
	uint64_t length = strlen(placement->request->cmdline);

	if (length > image->cmdline_max)
		return load_fail(placement->request, placement->error, LOAD_UNSUPPORTED,
				 "the command line has %llu characters, the kernel takes %llu",
				 (unsigned long long)length,
				 (unsigned long long)image->cmdline_max);
	return boot_data_string(placement, "", placement->request->cmdline, "the command line",
				cmdline);
}

static void e820_fill(uint8_t *zero_page, const struct memory_layout *layout)
{
	size_t count = MIN(layout->map_count, ZERO_E820_MAX);

	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = zero_page + ZERO_E820_TABLE + i * ZERO_E820_ENTRY_SIZE;

		bytes_put64(entry, layout->map[i].gpa);
		bytes_put64(entry + 8, layout->map[i].size);
		bytes_put32(entry + 16, layout->map[i].kind);
	}
	bytes_put8(zero_page + ZERO_E820_ENTRIES, (uint8_t)count);
}

/* Where everything has been put. */
struct bzimage_places {
	gpa_t kernel, initrd, cmdline, zero_page;
};

static enum load_result zero_page_place(const struct bzimage *image, struct placement *placement,
					struct bzimage_places *places)
{
	const struct load_request *request = placement->request;
	unsigned int header_end = MIN(HDR_MAGIC + image->file[HDR_JUMP_LENGTH], HDR_END_MAX);
	uint8_t *p;
	enum load_result result = boot_data_allocate(placement, PAGE_SIZE, PAGE_SIZE,
						     "the zero page", &places->zero_page, &p);

	if (result != LOAD_OK)
		return result;
	header_end = MIN(header_end, request->kernel.size);
	memcpy(p + HDR_SETUP_SECTS, image->file + HDR_SETUP_SECTS, header_end - HDR_SETUP_SECTS);
	bytes_put16(p + HDR_VID_MODE, VID_MODE_NORMAL);
	bytes_put8(p + HDR_TYPE_OF_LOADER, LOADER_UNDEFINED);
	bytes_put32(p + HDR_CODE32_START, (uint32_t)places->kernel);
	bytes_put32(p + HDR_RAMDISK_IMAGE, (uint32_t)places->initrd);
	bytes_put32(p + HDR_RAMDISK_SIZE, (uint32_t)request->initrd.size);
	bytes_put32(p + HDR_CMD_LINE_PTR, (uint32_t)places->cmdline);
	/* A list of further data in the guest's memory, of which there is none. */
	bytes_put64(p + HDR_SETUP_DATA, 0);
	bytes_put64(p + ZERO_ACPI_RSDP, request->rsdp);
	e820_fill(p, request->layout);
	return LOAD_OK;
}

static enum load_result page_tables_place(struct placement *placement, gpa_t *root)
{
	uint8_t *tables;
	enum load_result result = boot_data_allocate(placement, TABLE_COUNT * PAGE_SIZE, PAGE_SIZE,
						     "the page tables", root, &tables);

	if (result != LOAD_OK)
		return result;
	uint8_t *pdpt = tables + PAGE_SIZE;
	uint8_t *directories = tables + 2 * PAGE_SIZE;

	bytes_put64(tables, (*root + PAGE_SIZE) | PTE_PRESENT | PTE_WRITE);
	for (unsigned int i = 0; i < TABLE_DIRS; i++)
		bytes_put64(pdpt + 8 * i, (*root + (2 + i) * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE);
	for (uint64_t i = 0; i < TABLE_DIRS * TABLE_ENTRIES; i++)
		bytes_put64(directories + 8 * i,
			    i * LARGE_PAGE_SIZE | PTE_PRESENT | PTE_WRITE | PTE_LARGE);
	return LOAD_OK;
}

static enum load_result state_fill(const struct bzimage *image, struct placement *placement,
				   const struct bzimage_places *places, struct boot_state *state)
{
	gpa_t gdt, tables;
	enum load_result result = boot_data_gdt(placement, image->entry_64, &gdt);

	if (result != LOAD_OK)
		return result;
	if (image->entry_64) {
		result = page_tables_place(placement, &tables);
		if (result != LOAD_OK)
			return result;
		boot_state_set_long(state, BOOT_DATA_CODE_SELECTOR, BOOT_DATA_DATA_SELECTOR, gdt,
				    BOOT_DATA_GDT_LIMIT, tables);
		state->rip = places->kernel + ENTRY_64_OFFSET;
	} else {
		boot_state_set_protected(state, BOOT_DATA_CODE_SELECTOR, BOOT_DATA_DATA_SELECTOR,
					 gdt, BOOT_DATA_GDT_LIMIT);
		state->rip = places->kernel;
	}
	state->rsi = places->zero_page;
	return LOAD_OK;
}

static enum load_result image_place(const struct bzimage *image, struct placement *placement,
				    struct boot_state *state)
{
	struct bzimage_places places;
	enum load_result result = kernel_place(image, placement, &places.kernel);

	if (result == LOAD_OK)
		result = initrd_place(image, placement, &places.initrd);
	if (result == LOAD_OK)
		result = cmdline_place(image, placement, &places.cmdline);
	if (result == LOAD_OK)
		result = zero_page_place(image, placement, &places);
	if (result == LOAD_OK)
		result = state_fill(image, placement, &places, state);
	return result;
}

enum load_result bzimage_load(const struct load_request *request, struct boot_state *state,
			      struct load_error *error)
{
	struct bzimage image;
	struct placement placement;
	enum load_result result = header_check(&image, request, error);

	if (result != LOAD_OK)
		return result;
	if (request->module_count > 0)
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "a Linux kernel takes no modules, only an initrd");
	if (image.entry_64 && image.kernel_size <= ENTRY_64_OFFSET)
		return load_fail(request, error, LOAD_BAD_ENTRY,
				 "the kernel ends before its 64-bit entry point");
	result = boot_data_open(&placement, request, error);
	if (result == LOAD_OK)
		result = image_place(&image, &placement, state);
	placement_close(&placement);
	return result;
}

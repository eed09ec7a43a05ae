/* SPDX-License-Identifier: MIT */
/*
 * Kernels that start by multiboot 1 (Multiboot Specification 0.6.96): ELF of either class, or any
 * file whose header says where it goes. They start in 32-bit protected mode, EBX at the
 * information structure. Of what a header can require, a video mode is not provided: flags in the
 * information structure say so, and what can run without it does.
 */
#include <loader/multiboot.h>

#include <loader/bytes.h>
#include <loader/elf.h>
#include <loader/loader.h>
#include <loader/modules.h>
#include <loader/boot_data.h>
#include <loader/placement.h>

#define HEADER_SEARCH_SIZE 8192u
#define HEADER_SIZE	   12u
#define HEADER_LONG_SIZE   32u
#define HEADER_MAGIC	   0x1badb002u
#define BOOTLOADER_MAGIC   0x2badb002u

/* Bits 0 to 15 of the flags are requirements. Those that are known: */
#define FLAG_ALIGN_MODULES 0x0001u
#define FLAG_MEMORY_INFO   0x0002u
#define FLAG_VIDEO_MODE	   0x0004u
#define FLAGS_REQUIRED	   0xffffu
#define FLAGS_KNOWN	   (FLAG_ALIGN_MODULES | FLAG_MEMORY_INFO | FLAG_VIDEO_MODE)

/* The information structure (3.3). */
#define INFO_FLAGS	 0
#define INFO_MEM_LOWER	 4
#define INFO_MEM_UPPER	 8
#define INFO_CMDLINE	 16
#define INFO_MODS_COUNT	 20
#define INFO_MODS	 24
#define INFO_MMAP_LENGTH 44
#define INFO_MMAP	 48
#define INFO_LOADER_NAME 64
#define INFO_SIZE	 116
#define HAS_MEMORY	 0x001u
#define HAS_CMDLINE	 0x004u
#define HAS_MODULES	 0x008u
#define HAS_MEMORY_MAP	 0x040u
#define HAS_LOADER_NAME	 0x200u

#define MODULE_START  0
#define MODULE_END    4
#define MODULE_STRING 8
#define MODULE_ENTRY  16

/* The size field does not count itself. */
#define MEMORY_ENTRY_SIZE 0
#define MEMORY_BASE	  4
#define MEMORY_LENGTH	  12
#define MEMORY_TYPE	  20
#define MEMORY_ENTRY	  24

bool multiboot_header_find(const void *data, uint64_t size, struct multiboot_header *header)
{
	const uint8_t *bytes = data;
	uint64_t limit = MIN(size, HEADER_SEARCH_SIZE);

	for (uint64_t at = 0; at + HEADER_SIZE <= limit; at += 4) {
		const uint8_t *p = bytes + at;
		uint32_t magic = bytes_get32(p);
		uint32_t flags = bytes_get32(p + 4);

		if (magic != HEADER_MAGIC || magic + flags + bytes_get32(p + 8) != 0)
			continue;
		*header = (struct multiboot_header){.offset = at, .flags = flags};
		if (!(flags & MULTIBOOT_HAS_ADDRESSES))
			return true;
		if (size - at < HEADER_LONG_SIZE)
			return false;
		header->header_address = bytes_get32(p + 12);
		header->load_address = bytes_get32(p + 16);
		header->load_end = bytes_get32(p + 20);
		header->bss_end = bytes_get32(p + 24);
		header->entry = bytes_get32(p + 28);
		return true;
	}
	return false;
}

/* What a kernel has become. */
struct multiboot_kernel {
	gpa_t entry;
	gpa_t end; /* behind its last byte */
};

/* A file of which the header says what goes where (3.1.3, "address fields"). */
static enum load_result flat_load(const struct multiboot_header *header,
				  struct placement *placement, struct multiboot_kernel *kernel)
{
	const struct load_request *request = placement->request;
	uint64_t skip = (uint64_t)header->header_address - header->load_address;
	uint64_t offset = header->offset - skip;
	uint64_t available, size, total;
	enum load_result result;

	if (header->header_address < header->load_address || skip > header->offset)
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "the multiboot header at %#x lies outside what is loaded at %#x",
				 header->header_address, header->load_address);
	available = request->kernel.size - offset;
	size = header->load_end ? (uint64_t)header->load_end - header->load_address : available;
	if (header->load_end != 0 && header->load_end <= header->load_address)
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "load_end_addr %#x is not above load_addr %#x", header->load_end,
				 header->load_address);
	if (size > available)
		return load_fail(request, placement->error, LOAD_TRUNCATED,
				 "the header wants %#llx bytes, the file has %#llx",
				 (unsigned long long)size, (unsigned long long)available);
	total = header->bss_end ? (uint64_t)header->bss_end - header->load_address : size;
	if (header->bss_end != 0 && (header->bss_end < header->load_address || total < size))
		return load_fail(request, placement->error, LOAD_BAD_SIZE,
				 "bss_end_addr %#x lies below the end of the data",
				 header->bss_end);
	if (header->entry < header->load_address || header->entry - header->load_address >= size)
		return load_fail(request, placement->error, LOAD_BAD_ENTRY,
				 "the entry point %#x is not in what is loaded", header->entry);
	result = placement_claim(placement, header->load_address, total, "the kernel");
	if (result != LOAD_OK)
		return result;
	if (guest_memory_write(request->memory, header->load_address,
			       (const uint8_t *)request->kernel.data + offset, size) != STATUS_OK ||
	    guest_memory_fill(request->memory, header->load_address + size, 0, total - size) !=
		    STATUS_OK)
		return load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	*kernel = (struct multiboot_kernel){header->entry, header->load_address + total};
	return LOAD_OK;
}

static enum load_result elf_kernel_load(struct placement *placement,
					struct multiboot_kernel *kernel)
{
	struct elf_file file;
	struct elf_placed placed;
	enum load_result result = elf_file_open(&file, placement->request, placement->error);

	if (result != LOAD_OK)
		return result;
	result = elf_load(&file, placement, &placed);
	if (result != LOAD_OK)
		return result;
	kernel->end = placed.end;
	return elf_entry_find(&file, file.entry, placement, &kernel->entry);
}

static enum load_result memory_fill(struct placement *placement, uint8_t *info)
{
	const struct memory_layout *layout = placement->request->layout;
	size_t length = layout->map_count * MEMORY_ENTRY;
	uint8_t *map;
	gpa_t map_gpa;
	enum load_result result =
		boot_data_allocate(placement, length, 8, "the memory map", &map_gpa, &map);

	if (result != LOAD_OK)
		return result;
	for (size_t i = 0; i < layout->map_count; i++) {
		uint8_t *entry = map + i * MEMORY_ENTRY;

		bytes_put32(entry + MEMORY_ENTRY_SIZE, MEMORY_ENTRY - 4);
		bytes_put64(entry + MEMORY_BASE, layout->map[i].gpa);
		bytes_put64(entry + MEMORY_LENGTH, layout->map[i].size);
		bytes_put32(entry + MEMORY_TYPE, layout->map[i].kind);
	}
	bytes_put32(info + INFO_MEM_LOWER, LAYOUT_EBDA_BASE / KIB(1));
	bytes_put32(info + INFO_MEM_UPPER,
		    (uint32_t)((memory_layout_low_end(layout) - LAYOUT_BIOS_END) / KIB(1)));
	bytes_put32(info + INFO_MMAP_LENGTH, (uint32_t)length);
	bytes_put32(info + INFO_MMAP, (uint32_t)map_gpa);
	return LOAD_OK;
}

static enum load_result modules_fill(struct placement *placement, uint8_t *info, gpa_t lowest)
{
	size_t count = modules_count(placement->request);
	uint8_t *list;
	gpa_t list_gpa;
	enum load_result result;

	if (count == 0)
		return LOAD_OK;
	if (count > UINT32_MAX / MODULE_ENTRY)
		return load_fail(placement->request, placement->error, LOAD_UNSUPPORTED,
				 "there are too many modules");
	result = boot_data_allocate(placement, count * MODULE_ENTRY, 4, "the module list",
				    &list_gpa, &list);
	for (size_t i = 0; i < count && result == LOAD_OK; i++) {
		uint8_t *entry = list + i * MODULE_ENTRY;
		struct module_placed placed;

		result = module_place(placement, i, lowest, &placed);
		if (result != LOAD_OK)
			break;
		bytes_put32(entry + MODULE_START, (uint32_t)placed.gpa);
		bytes_put32(entry + MODULE_END, (uint32_t)(placed.gpa + placed.size));
		bytes_put32(entry + MODULE_STRING, (uint32_t)placed.string);
	}
	if (result == LOAD_OK) {
		bytes_put32(info + INFO_MODS_COUNT, (uint32_t)count);
		bytes_put32(info + INFO_MODS, (uint32_t)list_gpa);
	}
	return result;
}

static enum load_result info_place(struct placement *placement, gpa_t lowest, gpa_t *info_gpa)
{
	const struct load_request *request = placement->request;
	uint8_t *info;
	gpa_t cmdline, loader_name;
	enum load_result result = boot_data_allocate(placement, INFO_SIZE, 8,
						     "the multiboot information", info_gpa, &info);

	if (result != LOAD_OK)
		return result;
	/* Kernels expect their own name as the first word, as GRUB and QEMU give it. */
	result = boot_data_string(placement, request->kernel.name, request->cmdline,
				  "the command line", &cmdline);
	if (result == LOAD_OK)
		result = boot_data_string(placement, "trivet", "", "the loader's name",
					  &loader_name);
	if (result == LOAD_OK)
		result = memory_fill(placement, info);
	if (result == LOAD_OK)
		result = modules_fill(placement, info, lowest);
	if (result != LOAD_OK)
		return result;
	bytes_put32(info + INFO_FLAGS,
		    HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MEMORY_MAP | HAS_LOADER_NAME);
	bytes_put32(info + INFO_CMDLINE, (uint32_t)cmdline);
	bytes_put32(info + INFO_LOADER_NAME, (uint32_t)loader_name);
	return LOAD_OK;
}

static enum load_result kernel_place(const struct multiboot_header *header,
				     struct placement *placement, struct boot_state *state)
{
	struct multiboot_kernel kernel;
	gpa_t gdt, info;
	enum load_result result;

	if (header->flags & MULTIBOOT_HAS_ADDRESSES)
		result = flat_load(header, placement, &kernel);
	else
		result = elf_kernel_load(placement, &kernel);
	if (result != LOAD_OK)
		return result;
	result = boot_data_gdt(placement, false, &gdt);
	if (result != LOAD_OK)
		return result;
	result = info_place(placement, kernel.end, &info);
	if (result != LOAD_OK)
		return result;
	boot_state_set_protected(state, BOOT_DATA_CODE_SELECTOR, BOOT_DATA_DATA_SELECTOR, gdt,
				 BOOT_DATA_GDT_LIMIT);
	state->rip = kernel.entry;
	state->rax = BOOTLOADER_MAGIC;
	state->rbx = info;
	return LOAD_OK;
}

enum load_result multiboot_load(const struct load_request *request, struct boot_state *state,
				struct load_error *error)
{
	struct multiboot_header header;
	struct placement placement;
	enum load_result result;

	if (!multiboot_header_find(request->kernel.data, request->kernel.size, &header))
		return load_fail(request, error, LOAD_BAD_MAGIC,
				 "no multiboot header with a right checksum in the first 8 KiB");
	if (header.flags & FLAGS_REQUIRED & ~FLAGS_KNOWN)
		return load_fail(request, error, LOAD_UNSUPPORTED,
				 "the multiboot header requires unknown features (flags %#x)",
				 header.flags);
	result = boot_data_open(&placement, request, error);
	if (result == LOAD_OK)
		result = kernel_place(&header, &placement, state);
	placement_close(&placement);
	return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * The kernel as an application of UEFI: takes from the firmware what the boot protocol would give (memory, command
 * line, bundle, device tree or ACPI), puts a copy of the image at a multiple of 2 MiB, leaves the firmware, and
 * enters the copy as the boot protocol does. All of this runs where the firmware has loaded the image, with the
 * firmware's translation: there is no variable in its place, only code and constants, found by their distance. What is to last
 * is written into the copy.
 *
 * The bundle is what the firmware's loader offers as an initrd, or the file that a word bundle=NAME of
 * the command line names, on the volume that the image came from.
 */
#include <arch/boot.h>
#include <arch/efi.h>
#include <arch/machine.h>
#include <arch/paging.h>
#include <arch/sysreg.h>
#include <kernel/string.h>

#define ALLOCATE_ANY	 0u
#define MAP_SLACK	 8u /* entries that the map may grow by while room for it is made */
#define LEAVE_TRIES	 4u
#define FILE_READ	 1u
#define FILE_END	 UINT64_MAX
#define BUNDLE_NAME_SIZE 128u
#define MMFR4_E2H0_SHIFT 24 /* ID_AA64MMFR4_EL1 */
#define PARANGE_40	 2u /* ID_AA64MMFR0_EL1 */

efi_status_t efi_main(void *image, struct efi_system_table *system);
__noreturn void efi_enter(hpa_t entry, hpa_t tree); /* entry.S */
extern char image_start[], efi_enter_end[], __data_end[], __image_end[];

struct stub {
	void *image;
	struct efi_boot_services *boot;
	struct efi_loaded_image *loaded;
	struct machine_given *given; /* of the copy */
	char *copy;
	hpa_t tree;
};

static const struct efi_guid loaded_image_protocol = {
	0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid load_file_protocol = {
	0x4006c0c1, 0xfcb3, 0x403e, {0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d}};
static const struct efi_guid file_system_protocol = {
	0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid tree_table = {
	0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};
static const struct efi_guid acpi_table = {
	0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};

/* The device path by which Linux' boot stub finds its initrd: a vendor's media path, and the end. */
struct initrd_path {
	uint8_t type, subtype, size[2];
	struct efi_guid vendor;
	uint8_t end[4];
};
static const struct initrd_path initrd_path = {
	4,
	3,
	{20, 0},
	{0x5568e427, 0x68fc, 0x4f3d, {0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68}},
	{0x7f, 0xff, 4, 0}};

static efi_status_t say(struct efi_system_table *system, const char *words, efi_status_t status)
{
	efi_char_t letter[2] = {0, 0};

	for (; *words; words++) {
		letter[0] = (efi_char_t)*words;
		(void)system->output->write(system->output, letter);
	}
	return status;
}

/* 0: there is none. */
static hpa_t pages_take(const struct stub *stub, uint64_t bytes)
{
	uint64_t base = 0;

	if (stub->boot->allocate_pages(ALLOCATE_ANY, EFI_LOADER_DATA,
				       ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE,
				       &base) != EFI_SUCCESS)
		return 0;
	return base;
}

/* ---- the image ---- */

static bool image_copy(struct stub *stub)
{
	uint64_t size = (uint64_t)(__image_end - image_start);
	hpa_t base = pages_take(stub, size + LARGE_PAGE_SIZE);

	if (!base)
		return false;
	stub->copy = (char *)ALIGN_UP(base, LARGE_PAGE_SIZE);
	memcpy(stub->copy, image_start, (size_t)(__data_end - image_start));
	memset(stub->copy + (__data_end - image_start), 0, (size_t)(__image_end - __data_end));
	stub->given = (struct machine_given *)(stub->copy + ((char *)&boot_given - image_start));
	*(uint64_t *)(stub->copy + ((char *)&boot_is_given - image_start)) = 1;
	return true;
}

/* ---- what the firmware tells ---- */

static void command_line_take(struct stub *stub)
{
	uint32_t letters = stub->loaded->options_size / sizeof(efi_char_t), at = 0;

	for (uint32_t i = 0; stub->loaded->options && i < letters && at < COMMAND_LINE_MAX - 1;
	     i++) {
		efi_char_t letter = stub->loaded->options[i];

		if (!letter)
			break;
		stub->given->command_line[at++] = letter < 0x7f ? (char)letter : '?';
	}
	stub->given->command_line[at] = '\0';
}

static bool guid_is(const struct efi_guid *a, const struct efi_guid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The tree is copied: where it stands may be the firmware's. */
static void tree_take(struct stub *stub, const void *tree)
{
	uint32_t size = fdt_size(tree);

	if (!size || size > FDT_SIZE_MAX)
		return;
	stub->tree = pages_take(stub, size);
	if (stub->tree)
		memcpy((void *)stub->tree, tree, size);
}

static void tables_take(struct stub *stub, const struct efi_system_table *system)
{
	for (uint64_t i = 0; i < system->table_count; i++) {
		if (guid_is(&system->tables[i].guid, &acpi_table))
			stub->given->rsdp = (hpa_t)system->tables[i].table;
		else if (guid_is(&system->tables[i].guid, &tree_table))
			tree_take(stub, system->tables[i].table);
	}
}

/* ---- the bundle ---- */

static bool initrd_take(struct stub *stub)
{
	void *path = (void *)(uintptr_t)&initrd_path, *handle;
	struct efi_load_file *loader;
	uint64_t size = 0;
	hpa_t base;

	if (stub->boot->locate_device_path(&load_file_protocol, &path, &handle) != EFI_SUCCESS ||
	    stub->boot->handle_protocol(handle, &load_file_protocol, (void **)&loader) !=
		    EFI_SUCCESS ||
	    loader->load(loader, path, 0, &size, NULL) != EFI_BUFFER_TOO_SMALL || !size)
		return false;
	base = pages_take(stub, size);
	if (!base || loader->load(loader, path, 0, &size, (void *)base) != EFI_SUCCESS)
		return false;
	stub->given->bundle_base = base;
	stub->given->bundle_size = size;
	return true;
}

/* The value of bundle=, with the volume's own slashes. False: there is no such word. */
static bool bundle_name(const char *words, efi_char_t name[BUNDLE_NAME_SIZE])
{
	static const char option[] = "bundle=";
	const char *found = NULL;
	uint32_t at = 0;

	for (const char *word = words; *word;) {
		if (strncmp(word, option, sizeof(option) - 1) == 0)
			found = word + sizeof(option) - 1;
		while (*word && *word != ' ')
			word++;
		while (*word == ' ')
			word++;
	}
	if (!found)
		return false;
	for (; found[at] && found[at] != ' ' && at < BUNDLE_NAME_SIZE - 1; at++)
		name[at] = found[at] == '/' ? '\\' : (efi_char_t)found[at];
	name[at] = 0;
	return at;
}

static bool file_read(struct stub *stub, struct efi_file *file)
{
	uint64_t size = 0;
	hpa_t base;

	if (file->set_position(file, FILE_END) != EFI_SUCCESS ||
	    file->position(file, &size) != EFI_SUCCESS || !size ||
	    file->set_position(file, 0) != EFI_SUCCESS)
		return false;
	base = pages_take(stub, size);
	if (!base || file->read(file, &size, (void *)base) != EFI_SUCCESS)
		return false;
	stub->given->bundle_base = base;
	stub->given->bundle_size = size;
	return true;
}

/* False: a file is named, and cannot be had. */
static bool bundle_take(struct stub *stub)
{
	efi_char_t name[BUNDLE_NAME_SIZE];
	struct efi_file_system *volume;
	struct efi_file *root, *file;

	if (!bundle_name(stub->given->command_line, name)) {
		(void)initrd_take(stub);
		return true;
	}
	return stub->boot->handle_protocol(stub->loaded->device, &file_system_protocol,
					   (void **)&volume) == EFI_SUCCESS &&
	       volume->open(volume, &root) == EFI_SUCCESS &&
	       root->open(root, &file, name, FILE_READ, 0) == EFI_SUCCESS && file_read(stub, file);
}

/* ---- the way out ---- */

static void memory_take(struct stub *stub, const char *map, uint64_t size, uint64_t stride)
{
	for (uint64_t at = 0; at + sizeof(struct efi_memory) <= size; at += stride) {
		const struct efi_memory *m = (const struct efi_memory *)(map + at);
		uint64_t bytes = m->pages * PAGE_SIZE;
		status_t ignored = STATUS_OK;

		if (m->type == EFI_ACPI_TABLES)
			ignored =
				memory_list_set(&stub->given->memory, m->base, bytes, MEMORY_ACPI);
		else if ((m->attributes & EFI_MEMORY_WB) &&
			 (m->type == EFI_FREE ||
			  (m->type >= EFI_LOADER_CODE && m->type <= EFI_BOOT_DATA)))
			ignored = machine_ram_add(&stub->given->memory, m->base, bytes);
		(void)ignored; /* what finds no place is not used */
	}
}

/* The map may change with each call, so that the key is that of the map before: again then. */
static bool firmware_leave(struct stub *stub)
{
	uint64_t room = 0, size = 0, key, stride = sizeof(struct efi_memory);
	uint32_t version;
	hpa_t map;

	(void)stub->boot->get_memory_map(&room, NULL, &key, &stride, &version);
	room += MAP_SLACK * stride;
	map = pages_take(stub, room);
	for (uint32_t i = 0; map && i < LEAVE_TRIES; i++) {
		size = room;
		if (stub->boot->get_memory_map(&size, (void *)map, &key, &stride, &version) !=
		    EFI_SUCCESS)
			return false;
		if (stub->boot->exit_boot_services(stub->image, key) == EFI_SUCCESS) {
			memory_take(stub, (const char *)map, size, stride);
			return true;
		}
	}
	return false;
}

/* What entry.S would refuse, while the firmware still has a console. FEAT_E2H0 is signed: "no" is negative. */
static bool processor_fits(void)
{
	bool can_clear_e2h = !(sysreg_read(s3_0_c0_c7_4) >> MMFR4_E2H0_SHIFT & 8);

	return can_clear_e2h && (sysreg_read(id_aa64mmfr0_el1) & 0xf) >= PARANGE_40;
}

efi_status_t efi_main(void *image, struct efi_system_table *system)
{
	struct stub stub = {.image = image, .boot = system->boot};

	if ((sysreg_read(CurrentEL) >> 2 & 3) != 2)
		return say(system, "trivet: cannot boot: the firmware is not at EL2\r\n",
			   EFI_UNSUPPORTED);
	if (!processor_fits())
		return say(
			system,
			"trivet: cannot boot: the processor cannot clear HCR_EL2.E2H, or has less "
			"than 40 bits of physical addresses\r\n",
			EFI_UNSUPPORTED);
	if (stub.boot->handle_protocol(image, &loaded_image_protocol, (void **)&stub.loaded) !=
	    EFI_SUCCESS)
		return EFI_LOAD_ERROR;
	if (!image_copy(&stub))
		return say(system, "trivet: cannot boot: no memory for the kernel\r\n",
			   EFI_OUT_OF_RESOURCES);
	command_line_take(&stub);
	tables_take(&stub, system);
	if (!bundle_take(&stub))
		return say(system,
			   "trivet: cannot boot: bundle= names no file that can be read\r\n",
			   EFI_LOAD_ERROR);
	if (!firmware_leave(&stub))
		return EFI_LOAD_ERROR;
	/* What has been written comes to where it is found with the caches off. */
	cache_clean(stub.copy, (size_t)(__image_end - image_start));
	cache_clean((const void *)efi_enter, (size_t)(efi_enter_end - (const char *)efi_enter));
	if (stub.tree)
		cache_clean((const void *)stub.tree, fdt_size((const void *)stub.tree));
	efi_enter((hpa_t)stub.copy, stub.tree);
}

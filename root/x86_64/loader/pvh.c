/* SPDX-License-Identifier: MIT */
/*
 * ELF kernels with a PVH entry (Xen docs/misc/pvh.pandoc, xen/include/public/arch-x86/hvm/
 * start_info.h): 32-bit protected mode without paging, EBX at a start-info structure that names
 * the memory map, the modules, the command line and the RSDP.
 */
#include <loader/loader.h>

#include <loader/bytes.h>
#include <loader/elf_note.h>
#include <loader/modules.h>
#include <loader/boot_data.h>
#include <loader/placement.h>

/* struct hvm_start_info */
#define INFO_MAGIC	    0
#define INFO_VERSION	    4
#define INFO_MODULE_COUNT   12
#define INFO_MODULES	    16
#define INFO_CMDLINE	    24
#define INFO_RSDP	    32
#define INFO_MEMORY_MAP	    40
#define INFO_MEMORY_ENTRIES 48
#define INFO_SIZE	    56
#define INFO_MAGIC_VALUE    0x336ec578u
#define INFO_VERSION_VALUE  1

/* struct hvm_modlist_entry */
#define MODULE_ADDRESS 0
#define MODULE_SIZE    8
#define MODULE_CMDLINE 16
#define MODULE_ENTRY   32

/* struct hvm_memmap_table_entry; types are those of E820 */
#define MEMORY_ADDRESS 0
#define MEMORY_SIZE    8
#define MEMORY_TYPE    16
#define MEMORY_ENTRY   24

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
	result = boot_data_allocate(placement, count * MODULE_ENTRY, 8, "the module list",
				    &list_gpa, &list);
	for (size_t i = 0; i < count && result == LOAD_OK; i++) {
		struct module_placed placed;

		result = module_place(placement, i, lowest, &placed);
		if (result != LOAD_OK)
			break;
		bytes_put64(list + i * MODULE_ENTRY + MODULE_ADDRESS, placed.gpa);
		bytes_put64(list + i * MODULE_ENTRY + MODULE_SIZE, placed.size);
		bytes_put64(list + i * MODULE_ENTRY + MODULE_CMDLINE, placed.string);
	}
	if (result == LOAD_OK) {
		bytes_put32(info + INFO_MODULE_COUNT, (uint32_t)count);
		bytes_put64(info + INFO_MODULES, list_gpa);
	}
	return result;
}

static enum load_result memory_map_fill(struct placement *placement, uint8_t *info)
{
	const struct memory_layout *layout = placement->request->layout;
	uint8_t *map;
	gpa_t map_gpa;
	enum load_result result = boot_data_allocate(placement, layout->map_count * MEMORY_ENTRY, 8,
						     "the memory map", &map_gpa, &map);

	if (result != LOAD_OK)
		return result;
	for (size_t i = 0; i < layout->map_count; i++) {
		uint8_t *entry = map + i * MEMORY_ENTRY;

		bytes_put64(entry + MEMORY_ADDRESS, layout->map[i].gpa);
		bytes_put64(entry + MEMORY_SIZE, layout->map[i].size);
		bytes_put32(entry + MEMORY_TYPE, layout->map[i].kind);
	}
	bytes_put64(info + INFO_MEMORY_MAP, map_gpa);
	bytes_put32(info + INFO_MEMORY_ENTRIES, (uint32_t)layout->map_count);
	return LOAD_OK;
}

static enum load_result start_info_place(struct placement *placement, gpa_t lowest, gpa_t *info_gpa)
{
	uint8_t *info;
	gpa_t cmdline;
	enum load_result result =
		boot_data_allocate(placement, INFO_SIZE, 8, "the start info", info_gpa, &info);

	if (result != LOAD_OK)
		return result;
	result = boot_data_string(placement, "", placement->request->cmdline, "the command line",
				  &cmdline);
	if (result != LOAD_OK)
		return result;
	bytes_put32(info + INFO_MAGIC, INFO_MAGIC_VALUE);
	bytes_put32(info + INFO_VERSION, INFO_VERSION_VALUE);
	bytes_put64(info + INFO_CMDLINE, cmdline);
	bytes_put64(info + INFO_RSDP, placement->request->rsdp);
	result = memory_map_fill(placement, info);
	if (result != LOAD_OK)
		return result;
	return modules_fill(placement, info, lowest);
}

static enum load_result kernel_place(const struct elf_file *file, uint64_t entry,
				     struct placement *placement, struct boot_state *state)
{
	struct elf_placed placed;
	gpa_t gdt, info;
	enum load_result result = elf_load(file, placement, &placed);

	if (result != LOAD_OK)
		return result;
	/* The note's entry is physical by definition. */
	if (entry < placed.start || entry >= placed.end || entry > UINT32_MAX)
		return load_fail(placement->request, placement->error, LOAD_BAD_ENTRY,
				 "the PVH entry point %#llx is not in the kernel",
				 (unsigned long long)entry);
	result = boot_data_gdt(placement, false, &gdt);
	if (result != LOAD_OK)
		return result;
	result = start_info_place(placement, placed.end, &info);
	if (result != LOAD_OK)
		return result;
	boot_state_set_protected(state, BOOT_DATA_CODE_SELECTOR, BOOT_DATA_DATA_SELECTOR, gdt,
				 BOOT_DATA_GDT_LIMIT);
	state->rip = entry;
	state->rbx = info;
	return LOAD_OK;
}

enum load_result pvh_load(const struct load_request *request, struct boot_state *state,
			  struct load_error *error)
{
	struct elf_file file;
	struct placement placement;
	uint64_t entry;
	enum load_result result = elf_file_open(&file, request, error);

	if (result != LOAD_OK)
		return result;
	if (!elf_pvh_entry_find(&file, &entry))
		return load_fail(request, error, LOAD_BAD_MAGIC,
				 "the ELF file has no PVH entry note");
	result = boot_data_open(&placement, request, error);
	if (result == LOAD_OK)
		result = kernel_place(&file, entry, &placement, state);
	placement_close(&placement);
	return result;
}

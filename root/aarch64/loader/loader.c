/* SPDX-License-Identifier: MIT */
/*
 * Which loader a kernel is for; and what is the same for all: the initrd, and the description of the machine.
 */
#include <loader/loader.h>

#include <firmware/firmware.h>
#include <loader/elf.h>
#include <loader/placement.h>
#include <loader/signature.h>

static const struct file_signature image_signature = {56, 4, "ARM\144", "Linux Image"};

static const struct file_signature other_files[] = {
	{0x202, 4, "HdrS", "it is a Linux kernel for x86"},
	{0, 2, "MZ",
	 "it is an EFI or Windows program without a Linux header; a compressed EFI kernel "
	 "has to be unpacked first"},
	{0, 4, "\320\015\376\355", "it is a device tree"},
};

enum kernel_kind kernel_detect(const void *data, uint64_t size)
{
	if (file_signature_matches(&image_signature, data, size))
		return KERNEL_IMAGE;
	return elf_detect(data, size) ? KERNEL_ELF : KERNEL_UNKNOWN;
}

enum load_result elf_place(struct placement *placement, gpa_t *entry)
{
	struct elf_file file;
	struct elf_placed placed;
	enum load_result result = elf_file_open(&file, placement->request, placement->error);

	if (result == LOAD_OK)
		result = elf_load(&file, placement, &placed);
	if (result == LOAD_OK)
		result = elf_entry_find(&file, file.entry, placement, entry);
	return result;
}

static enum load_result unknown_place(struct placement *placement, gpa_t *entry)
{
	const struct load_request *request = placement->request;
	const char *words;

	(void)entry;
	if (request->kernel.size == 0)
		return load_fail(request, placement->error, LOAD_TRUNCATED, "the file is empty");
	words = file_words(&request->kernel, other_files, ARRAY_SIZE(other_files));
	return load_fail(request, placement->error, LOAD_UNKNOWN_FORMAT, "%s",
			 words ? words : "neither a Linux Image nor an ELF kernel");
}

static const struct kind {
	const char *name;
	enum load_result (*place)(struct placement *placement, gpa_t *entry);
} kinds[] = {
	[KERNEL_UNKNOWN] = {"unknown", unknown_place},
	[KERNEL_IMAGE] = {"Linux Image", image_place},
	[KERNEL_ELF] = {"ELF", elf_place},
};

const char *kernel_kind_name(enum kernel_kind kind)
{
	return (unsigned int)kind < ARRAY_SIZE(kinds) ? kinds[kind].name : "unknown";
}

/* As high as it can be, so that a kernel that needs room behind itself has it. */
static enum load_result initrd_place(struct placement *placement, gpa_t *gpa)
{
	const struct load_request *request = placement->request;
	const struct placement_wish wish = {
		.size = request->initrd.size,
		.alignment = PAGE_SIZE,
		.limit = UINT64_MAX,
		.high = true,
		.what = "the initrd",
	};
	enum load_result result;

	if (!request->initrd.size)
		return LOAD_OK;
	result = placement_find(placement, &wish, gpa);
	if (result == LOAD_OK && guest_memory_write(request->memory, *gpa, request->initrd.data,
						    request->initrd.size) != STATUS_OK)
		result = load_fail(request, placement->error, LOAD_OUT_OF_RAM, "RAM is missing");
	return result;
}

static enum load_result machine_tell(const struct placement *placement, gpa_t initrd,
				     struct boot_state *state)
{
	const struct load_request *request = placement->request;
	struct firmware_config config = *request->firmware;
	status_t status;

	config.cmdline = request->cmdline;
	config.initrd = initrd;
	config.initrd_size = request->initrd.size;
	status = firmware_write(request->memory, request->layout, &config, &state->fdt);
	if (status == STATUS_NO_MEMORY)
		return load_fail(request, placement->error, LOAD_NO_MEMORY,
				 "no memory for the device tree and tables");
	if (status != STATUS_OK)
		return load_fail(request, placement->error, LOAD_UNSUPPORTED,
				 "device tree and tables: %s", status_words(status));
	return LOAD_OK;
}

static enum load_result all_place(struct placement *placement, struct boot_state *state)
{
	const struct load_request *request = placement->request;
	enum kernel_kind kind = kernel_detect(request->kernel.data, request->kernel.size);
	gpa_t initrd = 0;
	enum load_result result = kinds[kind].place(placement, &state->entry);

	if (result == LOAD_OK && request->module_count)
		result = load_fail(request, placement->error, LOAD_UNSUPPORTED,
				   "kernels of this machine take no modules");
	if (result == LOAD_OK)
		result = initrd_place(placement, &initrd);
	if (result == LOAD_OK)
		result = machine_tell(placement, initrd, state);
	return result;
}

enum load_result kernel_load(const struct load_request *request, struct boot_state *state,
			     struct load_error *error)
{
	struct placement placement;
	enum load_result result;

	placement_open(&placement, request, error);
	result = all_place(&placement, state);
	placement_close(&placement);
	return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which loader a kernel is for. A file that none takes is compared with other things that people
 * take for kernels, so that the message can say what it is.
 */
#include <loader/loader.h>

#include <loader/elf_note.h>
#include <loader/multiboot.h>
#include <loader/placement.h>
#include <loader/signature.h>

static const struct file_signature bzimage_signature = {0x202, 4, "HdrS", "Linux bzImage"};

static const struct file_signature other_files[] = {
	{0, 4, "\177ELF", "it is an ELF file with neither a multiboot header nor a PVH note"},
	{56, 4, "ARM\144", "it is a Linux kernel for AArch64"},
	{0, 2, "MZ", "it is an EFI or Windows program without a Linux setup header"},
};

static bool has_pvh_note(const void *data, uint64_t size)
{
	const struct load_request request = {
		.kernel = {.data = data, .size = size, .name = "", .arguments = ""},
	};
	struct load_error error;
	struct elf_file file;
	uint64_t entry;

	return elf_detect(data, size) && elf_file_open(&file, &request, &error) == LOAD_OK &&
	       elf_pvh_entry_find(&file, &entry);
}

enum kernel_kind kernel_detect(const void *data, uint64_t size)
{
	struct multiboot_header header;

	if (file_signature_matches(&bzimage_signature, data, size))
		return KERNEL_BZIMAGE;
	/* A flat kernel must say where it goes, or the header is there by chance. */
	if (multiboot_header_find(data, size, &header) &&
	    (elf_detect(data, size) || (header.flags & MULTIBOOT_HAS_ADDRESSES)))
		return KERNEL_MULTIBOOT;
	if (has_pvh_note(data, size))
		return KERNEL_PVH;
	return KERNEL_UNKNOWN;
}

struct kind {
	const char *name;
	enum load_result (*load)(const struct load_request *request, struct boot_state *state,
				 struct load_error *error);
};

static enum load_result unknown_load(const struct load_request *request, struct boot_state *state,
				     struct load_error *error)
{
	struct load_error elf_error;
	struct elf_file file;
	const char *words;

	(void)state;
	if (request->kernel.size == 0)
		return load_fail(request, error, LOAD_TRUNCATED, "the file is empty");
	/* A damaged ELF file says more by what is wrong with it. */
	if (elf_detect(request->kernel.data, request->kernel.size) &&
	    elf_file_open(&file, request, &elf_error) != LOAD_OK) {
		*error = elf_error;
		return elf_error.result;
	}
	words = file_words(&request->kernel, other_files, ARRAY_SIZE(other_files));
	if (words)
		return load_fail(request, error, LOAD_UNKNOWN_FORMAT, "%s", words);
	return load_fail(request, error, LOAD_UNKNOWN_FORMAT,
			 "neither a Linux bzImage nor a multiboot or PVH kernel");
}

static const struct kind kinds[] = {
	[KERNEL_UNKNOWN] = {"unknown", unknown_load},
	[KERNEL_BZIMAGE] = {"Linux bzImage", bzimage_load},
	[KERNEL_MULTIBOOT] = {"multiboot", multiboot_load},
	[KERNEL_PVH] = {"ELF with PVH entry", pvh_load},
};

const char *kernel_kind_name(enum kernel_kind kind)
{
	return (unsigned int)kind < ARRAY_SIZE(kinds) ? kinds[kind].name : "unknown";
}

enum load_result kernel_load(const struct load_request *request, struct boot_state *state,
			     struct load_error *error)
{
	enum kernel_kind kind = kernel_detect(request->kernel.data, request->kernel.size);

	return kinds[kind].load(request, state, error);
}

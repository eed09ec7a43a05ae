/* SPDX-License-Identifier: MIT */
/* The kernels of x86, told apart by what the file is: Linux bzImage (64-bit entry), multiboot 1, and ELF with a
 * PVH entry note. Included by <loader/loader.h>. */
#ifndef LOADER_KINDS_H
#define LOADER_KINDS_H

/* e_machine of ELF files: 80386, x86-64. */
static inline bool loader_elf_machine(uint16_t machine)
{
	return machine == 3 || machine == 62;
}

/* Where ELF kernels may start: with 32 bits. */
#define LOADER_ENTRY_MAX   UINT32_MAX
#define LOADER_ENTRY_WORDS " below 4 GiB"

enum kernel_kind { KERNEL_UNKNOWN, KERNEL_BZIMAGE, KERNEL_MULTIBOOT, KERNEL_PVH };

/*
 * What the file looks like, by its magic numbers only. An ELF that can be started in both ways
 * is started by multiboot.
 */
enum kernel_kind kernel_detect(const void *data, uint64_t size);
/* "Linux bzImage", ...; never NULL. */
const char *kernel_kind_name(enum kernel_kind kind);

/* The loaders themselves, with the same contract. */
enum load_result bzimage_load(const struct load_request *request, struct boot_state *state,
			      struct load_error *error) __must_check;
enum load_result multiboot_load(const struct load_request *request, struct boot_state *state,
				struct load_error *error) __must_check;
enum load_result pvh_load(const struct load_request *request, struct boot_state *state,
			  struct load_error *error) __must_check;

#endif

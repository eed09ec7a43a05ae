/* SPDX-License-Identifier: MIT */
/* The kernels of AArch64, told apart by what the file is: Linux's `Image`, and ELF, which is started in the same way.
 * Included by <loader/loader.h>. */
#ifndef LOADER_KINDS_H
#define LOADER_KINDS_H

/* e_machine of ELF files: AArch64. */
static inline bool loader_elf_machine(uint16_t machine)
{
	return machine == 183;
}

/* Where ELF kernels may start. */
#define LOADER_ENTRY_MAX   UINT64_MAX
#define LOADER_ENTRY_WORDS ""

enum kernel_kind { KERNEL_UNKNOWN, KERNEL_IMAGE, KERNEL_ELF };

/* What the file looks like, by its magic numbers only. */
enum kernel_kind kernel_detect(const void *data, uint64_t size);
/* "Linux Image", ...; never NULL. */
const char *kernel_kind_name(enum kernel_kind kind);

/* Puts a kernel of that kind in place, and says where it starts. */
struct placement;
enum load_result image_place(struct placement *placement, gpa_t *entry) __must_check;
enum load_result elf_place(struct placement *placement, gpa_t *entry) __must_check;

#endif

/* SPDX-License-Identifier: MIT */
/* The note by which an ELF kernel tells where it starts as PVH says. */
#ifndef LOADER_ELF_NOTE_H
#define LOADER_ELF_NOTE_H

#include <loader/elf.h>

/*
 * The PVH entry point: the note of owner "Xen" and type 18 (XEN_ELFNOTE_PHYS32_ENTRY). False if
 * no PT_NOTE header holds one, or notes are damaged.
 */
bool elf_pvh_entry_find(const struct elf_file *file, uint64_t *entry);

#endif

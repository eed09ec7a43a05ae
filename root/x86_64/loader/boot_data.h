/* SPDX-License-Identifier: MIT */
/* What the boot protocols of a PC put into low memory: strings, lists, a GDT. Beside the BIOS data area. */
#ifndef LOADER_BOOT_DATA_H
#define LOADER_BOOT_DATA_H

#include <loader/placement.h>

/* Below here kernels that know no map keep their own early structures; BIOS data is at 0x400. */
#define BOOT_DATA_START 0x9000ull

/* placement_open(), with the BIOS data area claimed. */
enum load_result boot_data_open(struct placement *placement, const struct load_request *request,
				struct load_error *error) __must_check;

/*
 * Finds the lowest free place at or above BOOT_DATA_START and below 4 GiB for size bytes of
 * boot-protocol data, claims it and fills it with zeroes. *bytes gets it in this address space.
 */
enum load_result boot_data_allocate(struct placement *placement, uint64_t size, uint64_t alignment,
				    const char *what, gpa_t *gpa, uint8_t **bytes) __must_check;

/* boot_data_allocate() for a string: prefix, and if text is not empty a space and text. */
enum load_result boot_data_string(struct placement *placement, const char *prefix, const char *text,
				  const char *what, gpa_t *gpa) __must_check;

/* boot_data_allocate() for a GDT with flat code at 0x10 and flat data at 0x18. */
#define BOOT_DATA_CODE_SELECTOR 0x10
#define BOOT_DATA_DATA_SELECTOR 0x18
#define BOOT_DATA_GDT_LIMIT	31
enum load_result boot_data_gdt(struct placement *placement, bool long_mode,
			       gpa_t *gpa) __must_check;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The multiboot 1 header of a kernel (Multiboot Specification 0.6.96, 3.1): twelve bytes, or
 * 32 with the address fields, somewhere in the file's first 8 KiB.
 */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#include <trivet/types.h>

struct multiboot_header {
	uint64_t offset; /* in the file */
	uint32_t flags;
	/* Valid with MULTIBOOT_HAS_ADDRESSES. */
	uint32_t header_address, load_address, load_end, bss_end, entry;
};

#define MULTIBOOT_HAS_ADDRESSES 0x00010000u

/*
 * Finds the header: magic and checksum are right, and all of its fields are in the file. False
 * when there is none.
 */
bool multiboot_header_find(const void *data, uint64_t size, struct multiboot_header *header);

#endif

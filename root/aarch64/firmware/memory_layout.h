/* SPDX-License-Identifier: MIT */
/*
 * Where a partition's RAM lies, in one piece behind the devices, and what its guest is told of it:
 *
 *	0            40000000                                  end - 2 MiB
 *	| devices    | usable RAM                              | firmware |
 *
 * The firmware's part holds the device tree and the tables.
 */
#ifndef FIRMWARE_MEMORY_LAYOUT_H
#define FIRMWARE_MEMORY_LAYOUT_H

#include <firmware/memory_regions.h>

#define LAYOUT_RAM_BASE	     0x40000000ull
#define LAYOUT_FIRMWARE_SIZE MIB(2)

/* memory_layout_build(): INVALID_ARGUMENT below 16 MiB; TOO_LARGE: above 48 bits of address. */

/* The firmware's part; a multiple of 2 MiB if the RAM is one. */
gpa_t memory_layout_firmware(const struct memory_layout *layout);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Where a partition's RAM lies and what its memory map (ACPI 6.4, 15: E820) says:
 *
 *	0            9fc00  a0000     c0000   e0000    100000        3 GiB      4 GiB
 *	| usable RAM | EBDA |  no RAM | RAM,  | ACPI,  | usable RAM  |  devices | usable RAM
 *	|            | rsvd |  (VGA)  | unused| rsvd   |             |          | (the rest)
 *
 * Addresses below 3 GiB count against the partition's memory size even where there is no RAM,
 * as on PCs: a partition of 256 MiB has its last byte at 0x0fffffff. Only numbers; the VMM maps.
 */
#ifndef FIRMWARE_MEMORY_LAYOUT_H
#define FIRMWARE_MEMORY_LAYOUT_H

#include <firmware/memory_regions.h>
#include <loader/guest_memory.h>

#define LAYOUT_EBDA_BASE   0x9fc00ull
#define LAYOUT_VGA_BASE	   0xa0000ull
#define LAYOUT_VGA_END	   0xc0000ull
#define LAYOUT_BIOS_BASE   0xe0000ull
#define LAYOUT_BIOS_END	   0x100000ull
#define LAYOUT_DEVICE_BASE 0xc0000000ull
#define LAYOUT_DEVICE_END  0x100000000ull

/*
 * memory_layout_build(): INVALID_ARGUMENT below 1 MiB, which the firmware area needs; TOO_LARGE when it would not
 * fit in 52 address bits.
 */

/* The end of RAM below 4 GiB; at least 1 MiB. */
gpa_t memory_layout_low_end(const struct memory_layout *layout);

/*
 * Writes the words of the BIOS data area that kernels look at: segment of the EBDA (0x40e),
 * KiB of base memory (0x413), COM1's port (0x400). INVALID_ADDRESS when page 0 is not RAM.
 */
status_t memory_layout_write_bda(const struct guest_memory *memory) __must_check;

#endif

/* SPDX-License-Identifier: MIT */
/* What Arm's PrimeCell peripherals have in common: a page of registers of 32 bits, and the identification at its
 * end (eight bytes, in a word each). */
#ifndef DEVICES_PRIMECELL_H
#define DEVICES_PRIMECELL_H

#include <trivet/types.h>

#define PRIMECELL_SIZE 0x1000u
#define PRIMECELL_ID   0xfe0u

/* What stands there: the part, its designer (Arm) and revision, and that it is a PrimeCell. */
static inline uint32_t primecell_id_read(uint32_t offset, uint16_t part, uint8_t revision)
{
	const uint8_t id[] = {
		(uint8_t)part,
		(uint8_t)(0x10 | part >> 8),
		(uint8_t)(revision << 4 | 4),
		0,
		0x0d,
		0xf0,
		0x05,
		0xb1,
	};

	return id[(offset - PRIMECELL_ID) / 4 % sizeof(id)];
}

/* Where a peripheral sits and what it is wired to. */
struct primecell_config {
	gpa_t base;
	unsigned int line; /* for device_irq_set() */
};

#endif

/* SPDX-License-Identifier: MIT */
/* Device registers. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <trivet/types.h>

/* Each is one access of that size, in the order of the program (Arm ARM B2.3.7: device memory, nGnRE). What
 * the device is to find in memory stands behind a barrier of its own. */
static inline uint32_t mmio_read32(const volatile void *base, uint32_t offset)
{
	return *(const volatile uint32_t *)((const volatile char *)base + offset);
}

static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)((volatile char *)base + offset) = value;
}

static inline uint64_t mmio_read64(const volatile void *base, uint32_t offset)
{
	return *(const volatile uint64_t *)((const volatile char *)base + offset);
}

static inline void mmio_write64(volatile void *base, uint32_t offset, uint64_t value)
{
	*(volatile uint64_t *)((volatile char *)base + offset) = value;
}

static inline uint8_t mmio_read8(const volatile void *base, uint32_t offset)
{
	return *((const volatile uint8_t *)base + offset);
}

static inline void mmio_write8(volatile void *base, uint32_t offset, uint8_t value)
{
	*((volatile uint8_t *)base + offset) = value;
}

#endif

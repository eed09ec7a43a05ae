/* SPDX-License-Identifier: MIT */
/* Ports and device registers in memory. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <trivet/types.h>

#define PORT_ACCESSORS(bits, suffix)                                                   \
	static inline uint##bits##_t port_read##bits(uint16_t port)                    \
	{                                                                              \
		uint##bits##_t value;                                                  \
		__asm__ volatile("in" #suffix " %w1, %0" : "=a"(value) : "Nd"(port));  \
		return value;                                                          \
	}                                                                              \
	static inline void port_write##bits(uint16_t port, uint##bits##_t value)       \
	{                                                                              \
		__asm__ volatile("out" #suffix " %0, %w1" : : "a"(value), "Nd"(port)); \
	}
PORT_ACCESSORS(8, b)
PORT_ACCESSORS(16, w)
PORT_ACCESSORS(32, l)
#undef PORT_ACCESSORS

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

/* SPDX-License-Identifier: MIT */
/*
 * Addresses and interrupts of the virtual machine that its device tree and tables promise and its devices keep.
 * They are those of QEMU's `virt`, so that what people have built for that finds its devices.
 */
#ifndef FIRMWARE_PLATFORM_H
#define FIRMWARE_PLATFORM_H

#include <trivet/types.h>

#define PLATFORM_GICD_BASE	0x08000000ull
#define PLATFORM_GICD_SIZE	KIB(64)
/* Two frames of 64 KiB for each VP, in their order; above some number of them elsewhere. */
#define PLATFORM_GICR_SIZE	KIB(128)
#define PLATFORM_GICR_BASE	0x080a0000ull
#define PLATFORM_GICR_FEW	123u
#define PLATFORM_GICR_BASE_MANY 0x10000000ull
#define PLATFORM_GICR_MANY	4096u

#define PLATFORM_SPI_COUNT 32u /* INTIDs 32 to 63 */

#define PLATFORM_UART_BASE  0x09000000ull
#define PLATFORM_RTC_BASE   0x09010000ull
#define PLATFORM_GPIO_BASE  0x09030000ull
#define PLATFORM_UART_INTID 33u
#define PLATFORM_RTC_INTID  34u
#define PLATFORM_GPIO_INTID 39u

/* Of the GPIO's lines. */
#define PLATFORM_POWER_KEY_LINE 3u

/* PPIs of the timers: of EL1's secure and non-secure physical one, virtual one, and that of EL2. */
#define PLATFORM_TIMER_SECURE	  29u
#define PLATFORM_TIMER_PHYSICAL	  30u
#define PLATFORM_TIMER_VIRTUAL	  27u
#define PLATFORM_TIMER_HYPERVISOR 26u
/* By which a synic tells its VP. */
#define PLATFORM_SYNIC_INTID	  18u

static inline gpa_t platform_gicr_base(uint32_t vps)
{
	return vps <= PLATFORM_GICR_FEW ? PLATFORM_GICR_BASE : PLATFORM_GICR_BASE_MANY;
}

/* A VP's MPIDR_EL1, without bits that are always set: sixteen in a cluster, as an SGI reaches at once. */
static inline uint64_t platform_mpidr(uint32_t vp)
{
	return (vp & 15) | (vp >> 4 & 255) << 8 | (vp >> 12 & 255) << 16;
}

#endif

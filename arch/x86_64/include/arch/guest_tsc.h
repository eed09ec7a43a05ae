/* SPDX-License-Identifier: MIT */
/* The rate of a guest's TSC as a ratio to the host's: fixed point with 48 bits of fraction, 0 for 1. */
#ifndef ARCH_GUEST_TSC_H
#define ARCH_GUEST_TSC_H

#include <trivet/types.h>

#define TSC_RATIO_SHIFT 48u

/* Ticks of the guest's that are done with in so many of the host's. */
static inline uint64_t tsc_scaled(uint64_t ratio, uint64_t ticks)
{
	if (likely(!ratio))
		return ticks;
	return (uint64_t)((unsigned __int128)ticks * ratio >> TSC_RATIO_SHIFT);
}

/* Ticks of the host's in which so many of the guest's are done with, and no less; it saturates. */
static inline uint64_t tsc_unscaled(uint64_t ratio, uint64_t ticks)
{
	unsigned __int128 wide = (unsigned __int128)ticks << TSC_RATIO_SHIFT;

	if (likely(!ratio))
		return ticks;
	wide = (wide + ratio - 1) / ratio;
	return wide >> 64 ? UINT64_MAX : (uint64_t)wide;
}

#endif

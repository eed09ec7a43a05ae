/* SPDX-License-Identifier: MIT */
/*
 * Memory type range registers (SDM volume 3, "MTRRs"; APM volume 2, 7.7). They hold what the guest
 * writes, if a processor would take it, and have no effect.
 */
#include "mtrr.h"

#include <kernel/string.h>
#include <trivet/types.h>

#define MTRR_CAP	   0x0feu
#define MTRR_VARIABLE_BASE 0x200u
#define MTRR_VARIABLE_END  (MTRR_VARIABLE_BASE + 2 * MTRR_VARIABLE_COUNT)
#define MTRR_DEF_TYPE	   0x2ffu

#define CAP_FIXED BIT(8)
#define CAP_WC	  BIT(10)

#define DEF_TYPE_FIXED_ENABLE BIT(10)
#define DEF_TYPE_ENABLE	      BIT(11)
#define MASK_VALID	      BIT(11)

static const uint16_t fixed_msr[MTRR_FIXED_COUNT] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

static int fixed_index(uint32_t msr)
{
	unsigned int i;

	for (i = 0; i < MTRR_FIXED_COUNT; i++)
		if (fixed_msr[i] == msr)
			return (int)i;
	return -1;
}

static bool is_variable(uint32_t msr)
{
	return msr >= MTRR_VARIABLE_BASE && msr < MTRR_VARIABLE_END;
}

bool mtrr_type_valid(uint8_t type)
{
	return type < 8 && (BIT(type) & 0x73); /* 0 UC, 1 WC, 4 WT, 5 WP, 6 WB */
}

bool pat_valid(uint64_t pat)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8)
		if (!mtrr_type_valid((uint8_t)(pat >> i)) && (uint8_t)(pat >> i) != 7)
			return false;
	return true;
}

static bool fixed_valid(uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8)
		if (!mtrr_type_valid((uint8_t)(value >> i)))
			return false;
	return true;
}

void guest_mtrr_reset(struct guest_mtrr *mtrr)
{
	memset(mtrr, 0, sizeof(*mtrr));
}

bool guest_mtrr_read(const struct guest_mtrr *mtrr, uint32_t msr, uint64_t *value)
{
	unsigned int n = (msr - MTRR_VARIABLE_BASE) / 2;
	int fixed = fixed_index(msr);

	if (msr == MTRR_CAP)
		*value = MTRR_VARIABLE_COUNT | CAP_FIXED | CAP_WC;
	else if (msr == MTRR_DEF_TYPE)
		*value = mtrr->default_type;
	else if (is_variable(msr))
		*value = msr & 1 ? mtrr->variable[n].mask : mtrr->variable[n].base;
	else if (fixed >= 0)
		*value = mtrr->fixed[fixed];
	else
		return false;
	return true;
}

static bool variable_base_valid(uint64_t address, uint64_t base)
{
	return !(base & ~(address | 0xff)) && mtrr_type_valid((uint8_t)base);
}

static bool default_type_valid(uint64_t value)
{
	return !(value & ~(0xff | DEF_TYPE_FIXED_ENABLE | DEF_TYPE_ENABLE)) &&
	       mtrr_type_valid((uint8_t)value);
}

bool guest_mtrr_valid(const struct guest_mtrr *mtrr, uint32_t physical_bits)
{
	uint64_t address = MASK(physical_bits) & ~MASK(12);
	unsigned int i;

	for (i = 0; i < MTRR_FIXED_COUNT; i++)
		if (!fixed_valid(mtrr->fixed[i]))
			return false;
	for (i = 0; i < MTRR_VARIABLE_COUNT; i++)
		if ((mtrr->variable[i].mask & ~(address | MASK_VALID)) ||
		    !variable_base_valid(address, mtrr->variable[i].base))
			return false;
	return default_type_valid(mtrr->default_type);
}

static bool variable_write(struct guest_mtrr *mtrr, uint64_t address, uint32_t msr, uint64_t value)
{
	unsigned int n = (msr - MTRR_VARIABLE_BASE) / 2;

	if (msr & 1) {
		if (value & ~(address | MASK_VALID))
			return false;
		mtrr->variable[n].mask = value;
		return true;
	}
	if (!variable_base_valid(address, value))
		return false;
	mtrr->variable[n].base = value;
	return true;
}

bool guest_mtrr_write(struct guest_mtrr *mtrr, uint32_t physical_bits, uint32_t msr, uint64_t value)
{
	uint64_t address = MASK(physical_bits) & ~MASK(12);
	int fixed = fixed_index(msr);

	if (is_variable(msr))
		return variable_write(mtrr, address, msr, value);
	if (msr == MTRR_DEF_TYPE) {
		if (!default_type_valid(value))
			return false;
		mtrr->default_type = value;
		return true;
	}
	if (fixed < 0 || !fixed_valid(value))
		return false;
	mtrr->fixed[fixed] = value;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* Sets of VPs (TLFS, "HV_VP_SET"). */
#include <kernel/vp_set.h>

static unsigned int bits_count(uint64_t bits)
{
	unsigned int n;

	for (n = 0; bits; bits &= bits - 1) /* each turn takes one out */
		n++;
	return n;
}

uint32_t vp_set_banks(const struct hv_vp_set *input)
{
	return input->format == HV_VP_SET_ALL ? 0 : bits_count(input->valid_banks);
}

bool vp_set_decode(const struct hv_vp_set *input, uint32_t words, struct vp_set *set)
{
	if (input->format > HV_VP_SET_ALL)
		return false;
	*set = (struct vp_set){
		.all = input->format == HV_VP_SET_ALL,
		.valid = input->valid_banks,
		.banks = input->banks,
	};
	return set->all || words == bits_count(set->valid);
}

static uint64_t bank(const struct vp_set *set, uint32_t n)
{
	if (set->all)
		return UINT64_MAX;
	if (n >= HV_VP_SET_BANKS || !(set->valid >> n & 1))
		return 0;
	return set->banks[bits_count(set->valid & MASK(n))];
}

uint32_t vp_set_next(const struct vp_set *set, uint32_t index, uint32_t count)
{
	uint64_t left;

	for (; index < count; index = (index | (HV_VP_SET_BANK_VPS - 1)) + 1) {
		left = bank(set, index / HV_VP_SET_BANK_VPS) >> index % HV_VP_SET_BANK_VPS;
		if (left)
			return MIN(count, index + (uint32_t)__builtin_ctzll(left));
	}
	return count;
}

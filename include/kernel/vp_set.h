/* SPDX-License-Identifier: MIT */
/* Sets of VPs as hypercalls give them: a mask of the first 64, or an HV_VP_SET. */
#ifndef KERNEL_VP_SET_H
#define KERNEL_VP_SET_H

#include <trivet/hv/hypercall.h>

struct vp_set {
	bool all;
	uint64_t valid;	       /* banks of 64 VPs */
	const uint64_t *banks; /* those that are valid, one behind the other */
};

static inline struct vp_set vp_set_of_mask(const uint64_t *mask)
{
	return (struct vp_set){.valid = 1, .banks = mask};
}

/* `words` of them are behind `input`. False: an unknown format, or not as many as banks are valid. The set
 * is of use as long as the input. */
bool vp_set_decode(const struct hv_vp_set *input, uint32_t words, struct vp_set *set);
/* As many as it needs there. */
uint32_t vp_set_banks(const struct hv_vp_set *input);
/* The first VP of the set from that index on; `count`: there is none below that. */
uint32_t vp_set_next(const struct vp_set *set, uint32_t index, uint32_t count);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The memory type range registers of a VP (SDM volume 3, "Memory Type Range Registers"). They
 * are kept and checked but steer nothing: the type of guest memory is decided by the guest's PAT
 * and the second-level tables. arch/x86_64/guest/mtrr.h has the functions.
 */
#ifndef ARCH_GUEST_MTRR_H
#define ARCH_GUEST_MTRR_H

#include <trivet/types.h>

#define MTRR_VARIABLE_COUNT 8u
#define MTRR_FIXED_COUNT    11u

struct guest_mtrr {
	uint64_t default_type; /* IA32_MTRR_DEF_TYPE */
	uint64_t fixed
		[MTRR_FIXED_COUNT]; /* 64K_00000, 16K_80000, 16K_A0000, 4K_C0000 ... 4K_F8000 */
	struct {
		uint64_t base; /* IA32_MTRR_PHYSBASEn */
		uint64_t mask; /* IA32_MTRR_PHYSMASKn */
	} variable[MTRR_VARIABLE_COUNT];
};

#endif

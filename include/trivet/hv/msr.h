/* SPDX-License-Identifier: MIT */
/* The synthetic MSRs of x64 (TLFS, "HV_X64_MSR_..."), and the pages and bits that they tell of. */
#ifndef TRIVET_HV_MSR_H
#define TRIVET_HV_MSR_H

#include <trivet/types.h>

#define HV_MSR_FIRST 0x40000000u
#define HV_MSR_LAST  0x400001ffu

enum hv_msr {
	HV_MSR_GUEST_OS_ID = 0x40000000,
	HV_MSR_HYPERCALL = 0x40000001,
	HV_MSR_VP_INDEX = 0x40000002,
	HV_MSR_VP_RUNTIME = 0x40000010,
	HV_MSR_TIME_REF_COUNT = 0x40000020,
	HV_MSR_REFERENCE_TSC = 0x40000021,
	HV_MSR_TSC_FREQUENCY = 0x40000022,
	HV_MSR_APIC_FREQUENCY = 0x40000023,
	HV_MSR_NPIEP_CONFIG = 0x40000040,
	HV_MSR_EOI = 0x40000070,
	HV_MSR_ICR = 0x40000071,
	HV_MSR_TPR = 0x40000072,
	HV_MSR_VP_ASSIST_PAGE = 0x40000073,
	HV_MSR_SCONTROL = 0x40000080,
	HV_MSR_SVERSION = 0x40000081,
	HV_MSR_SIEFP = 0x40000082,
	HV_MSR_SIMP = 0x40000083,
	HV_MSR_EOM = 0x40000084,
	HV_MSR_SINT0 = 0x40000090,
	HV_MSR_SINT15 = 0x4000009f,
	HV_MSR_STIMER0_CONFIG = 0x400000b0,
	HV_MSR_STIMER0_COUNT = 0x400000b1,
	HV_MSR_STIMER3_COUNT = 0x400000b7,
	HV_MSR_GUEST_IDLE = 0x400000f0,
	HV_MSR_CRASH_P0 = 0x40000100,
	HV_MSR_CRASH_P4 = 0x40000104,
	HV_MSR_CRASH_CTL = 0x40000105,
	HV_MSR_REENLIGHTENMENT_CONTROL = 0x40000106,
	HV_MSR_TSC_EMULATION_CONTROL = 0x40000107,
	HV_MSR_TSC_EMULATION_STATUS = 0x40000108,
	HV_MSR_TSC_INVARIANT_CONTROL = 0x40000118,
};

/* Of the registers that place a page: bits 63-12 are its number. */
#define HV_PAGE_ENABLE	    BIT(0)
#define HV_PAGE_ADDRESS	    (~(uint64_t)MASK(12))
#define HV_HYPERCALL_LOCKED BIT(1)

#define HV_CRASH_NOTIFY	 BIT(63) /* the parameters are written */
#define HV_CRASH_MESSAGE BIT(62) /* with that: P3 is the GPA of a text, P4 its size */

/* HV_X64_MSR_NPIEP_CONFIG_CONTENTS: which instructions are #GP above privilege level 0. */
#define HV_NPIEP_SGDT BIT(0)
#define HV_NPIEP_SIDT BIT(1)
#define HV_NPIEP_SLDT BIT(2)
#define HV_NPIEP_STR  BIT(3)
#define HV_NPIEP_ALL  (HV_NPIEP_SGDT | HV_NPIEP_SIDT | HV_NPIEP_SLDT | HV_NPIEP_STR)

/* HV_REENLIGHTENMENT_CONTROL: bits 7-0 are the vector, 63-32 the index of the VP that gets it. */
#define HV_REENLIGHTENMENT_ENABLED	BIT(16)
#define HV_REENLIGHTENMENT_TARGET_SHIFT 32u
#define HV_REENLIGHTENMENT_DEFINED	(0xffull | HV_REENLIGHTENMENT_ENABLED | MASK(32) << 32)

#define HV_TSC_EMULATION_ENABLED     BIT(0)
#define HV_TSC_EMULATION_IN_PROGRESS BIT(0)
#define HV_TSC_INVARIANT_EXPOSED     BIT(0)

/* HV_REFERENCE_TSC_PAGE: time = (tsc * scale >> 64) + offset, while sequence is the same before and after,
 * and not HV_TSC_INVALID. */
struct hv_reference_tsc_page {
	uint32_t sequence;
	uint32_t reserved;
	uint64_t scale;
	int64_t offset;
	uint64_t reserved2[509];
};
static_assert(sizeof(struct hv_reference_tsc_page) == 4096, "TLFS size");
#define HV_TSC_INVALID 0u

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The feature registers that a guest sees: a whitelist by field. What is not in it reads as 0, which says for
 * all fields of this space that there is no such feature (Arm ARM D19.1.2), but for those whose "no" is 0xf.
 * Pure.
 */
#ifndef GUEST_IDS_H
#define GUEST_IDS_H

#include <trivet/types.h>

/* CRm 1 to 7, Op2 0 to 7. */
#define IDS_COUNT	   56u
#define ID_PLACE(crm, op2) (((crm)-1u) * 8u + (op2))

#define ID_AA64PFR0  ID_PLACE(4, 0)
#define ID_AA64PFR1  ID_PLACE(4, 1)
#define ID_AA64DFR0  ID_PLACE(5, 0)
#define ID_AA64ISAR0 ID_PLACE(6, 0)
#define ID_AA64ISAR1 ID_PLACE(6, 1)
#define ID_AA64ISAR2 ID_PLACE(6, 2)
#define ID_AA64MMFR0 ID_PLACE(7, 0)
#define ID_AA64MMFR1 ID_PLACE(7, 1)
#define ID_AA64MMFR2 ID_PLACE(7, 2)

#define ID_FIELD(value, shift) ((unsigned int)((value) >> (shift)&0xf))
#define PFR0_EL0_SHIFT	       0 /* 2: AArch32 too */
#define PFR0_RAS_SHIFT	       28
#define PFR0_MPAM_SHIFT	       40
#define PFR1_MPAM_SHIFT	       16
#define PFR0_SVE_SHIFT	       32
#define PFR0_AMU_SHIFT	       44
#define DFR0_BREAKPOINTS_SHIFT 12 /* less one */
#define DFR0_WATCHPOINTS_SHIFT 20
#define ISAR1_APA_SHIFT	       4
#define ISAR1_API_SHIFT	       8
#define ISAR2_APA3_SHIFT       12
#define MMFR1_PAN_SHIFT	       20
#define MMFR1_HAFDBS_SHIFT     0
#define MMFR1_HPDS_SHIFT       12
#define MMFR1_LO_SHIFT	       16
#define MMFR0_FGT_SHIFT	       56
#define MMFR1_HCX_SHIFT	       40
#define MMFR1_ECBHB_SHIFT      60

/* Out of the machine's registers the guest's. */
void ids_filter(const uint64_t host[IDS_COUNT], uint32_t physical_bits, uint64_t guest[IDS_COUNT]);
/* The first register of a processor that says less than `host`, in a field that guests are shown or the kernel relies
 * on; IDS_COUNT: none. */
uint32_t ids_lacking(const uint64_t own[IDS_COUNT], const uint64_t host[IDS_COUNT]);
/* The encoding of ID_AA64MMFR0_EL1.PARange for so many bits, rounded down. */
uint32_t ids_pa_range(uint32_t bits);
/* The bits of that encoding. */
uint32_t ids_pa_bits(uint32_t range);

#endif

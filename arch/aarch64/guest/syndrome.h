/* SPDX-License-Identifier: MIT */
/* The words of ESR_ELx (Arm ARM D17.2.37), taken apart. Pure. */
#ifndef GUEST_SYNDROME_H
#define GUEST_SYNDROME_H

#include <trivet/types.h>

#define SYNDROME_EC(esr)	((unsigned int)((esr) >> 26 & 0x3f))
#define SYNDROME_IL		BIT(25)
#define SYNDROME_ISS_MASK	MASK(25)
#define SYNDROME_IMMEDIATE(esr) ((uint32_t)((esr)&0xffff)) /* of HVC, SMC, BRK */
#define SYNDROME_WFE(esr)	((esr)&1)

/* Classes that a guest's exits have, beside those of <arch/sysreg.h>. */
enum syndrome_class {
	CLASS_UNKNOWN = 0x00,
	CLASS_WFX = 0x01,
	CLASS_CP15_32 = 0x03,
	CLASS_CP15_64 = 0x04,
	CLASS_CP14_32 = 0x05,
	CLASS_CP14_LDC = 0x06,
	CLASS_SIMD = 0x07,
	CLASS_VMRS = 0x08,
	CLASS_LS64 = 0x0a,
	CLASS_CP14_64 = 0x0c,
	CLASS_HVC = 0x16,
	CLASS_SMC = 0x17,
	CLASS_SYSTEM = 0x18,
	CLASS_SVE = 0x19,
	CLASS_SME = 0x1d,
	CLASS_FETCH = 0x20,
	CLASS_FETCH_SAME = 0x21,
	CLASS_DATA = 0x24,
	CLASS_DATA_SAME = 0x25,
	CLASS_BREAKPOINT = 0x30,
	CLASS_STEP = 0x32,
	CLASS_WATCHPOINT = 0x34,
	CLASS_BRK32 = 0x38,
	CLASS_BRK = 0x3c,
	CLASSES = 0x40,
};

/* ---- aborts ---- */

#define ABORT_VALID		    BIT(24) /* ISV: size, register and so on are */
#define ABORT_SIZE(esr)		    (1u << ((esr) >> 22 & 3))
#define ABORT_SIGN		    BIT(21)
#define ABORT_REGISTER(esr)	    ((unsigned int)((esr) >> 16 & 0x1f))
#define ABORT_64		    BIT(15) /* the register is an X */
#define ABORT_FAR_INVALID	    BIT(10) /* FnV */
#define ABORT_MAINTENANCE	    BIT(8)  /* of a cache, by address */
#define ABORT_WALK		    BIT(7)
#define ABORT_WRITE		    BIT(6)
#define ABORT_FAULT(esr)	    ((esr)&0x3f)
#define FAULT_IS_TRANSLATION(fault) (((fault) & ~3ull) == 0x04)
#define FAULT_IS_ACCESS(fault)	    (((fault) & ~3ull) == 0x08)
#define FAULT_IS_PERMISSION(fault)  (((fault) & ~3ull) == 0x0c)
#define FAULT_EXTERNAL		    0x10u

/* What a load puts into its register: `size` bytes in the low bits of the value. */
static inline uint64_t syndrome_extend(uint64_t syndrome, uint64_t value)
{
	unsigned int unused = 64 - 8 * ABORT_SIZE(syndrome);

	if (syndrome & ABORT_SIGN)
		value = (uint64_t)((int64_t)(value << unused) >> unused);
	else
		value = value << unused >> unused;
	return syndrome & ABORT_64 ? value : (uint32_t)value;
}

/* ---- system registers ---- */

/* Op0, Op1, CRn, CRm, Op2 as the ISS of an access has them, without register and direction. */
#define SYSTEM_KEY(op0, op1, crn, crm, op2) \
	((uint32_t)((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1))
#define SYSTEM_KEY_MASK	     SYSTEM_KEY(3, 7, 15, 15, 7)
#define SYSTEM_KEY_OF(esr)   ((uint32_t)((esr)&SYSTEM_KEY_MASK))
#define SYSTEM_READ	     BIT(0)
#define SYSTEM_REGISTER(esr) ((unsigned int)((esr) >> 5 & 0x1f))
#define SYSTEM_CRM(esr)	     ((unsigned int)((esr) >> 1 & 0xf))
#define SYSTEM_OP2(esr)	     ((unsigned int)((esr) >> 17 & 7))
/* Op0 3, Op1 0, CRn 0, CRm 1 to 7: the feature registers, HCR_EL2.TID3. */
#define SYSTEM_IS_ID(esr)                                                                      \
	(((esr)&SYSTEM_KEY(3, 7, 15, 0, 0)) == SYSTEM_KEY(3, 0, 0, 0, 0) && SYSTEM_CRM(esr) && \
	 SYSTEM_CRM(esr) < 8)

/* ---- exceptions that are taken to EL1 (Arm ARM D1.3.4 and D1.3.6) ---- */

#define PSTATE_MODE  0x1full
#define PSTATE_EL0   0x00ull
#define PSTATE_EL1T  0x04ull
#define PSTATE_EL1H  0x05ull
#define PSTATE_32    BIT(4)
#define PSTATE_DAIF  (0xfull << 6)
#define PSTATE_I     BIT(7)
#define PSTATE_BTYPE (3ull << 10)
#define PSTATE_SSBS  BIT(12)
#define PSTATE_IL    BIT(20)
#define PSTATE_SS    BIT(21)
#define PSTATE_PAN   BIT(22)
#define PSTATE_UAO   BIT(23)
#define PSTATE_DIT   BIT(24)
#define PSTATE_TCO   BIT(25)
#define PSTATE_NZCV  (0xfull << 28)

#define SCTLR_M	    BIT(0)
#define SCTLR_C	    BIT(2)
#define SCTLR_I	    BIT(12)
#define SCTLR_SPAN  BIT(23)
#define SCTLR_DSSBS BIT(44)

/* Where the handler stands from VBAR_EL1 on, for a synchronous exception out of that PSTATE. */
static inline uint64_t exception_offset(uint64_t pstate)
{
	switch (pstate & PSTATE_MODE) {
	case PSTATE_EL1T: return 0x000;
	case PSTATE_EL1H: return 0x200;
	default: return pstate & PSTATE_32 ? 0x600 : 0x400;
	}
}

/* PSTATE of the handler. `has_pan`: the processor has FEAT_PAN. */
static inline uint64_t exception_pstate(uint64_t pstate, uint64_t sctlr, bool has_pan)
{
	uint64_t next =
		(pstate & (PSTATE_NZCV | PSTATE_PAN | PSTATE_DIT)) | PSTATE_DAIF | PSTATE_EL1H;

	if (has_pan && !(sctlr & SCTLR_SPAN))
		next |= PSTATE_PAN;
	if (sctlr & SCTLR_DSSBS)
		next |= PSTATE_SSBS;
	return next;
}

#endif

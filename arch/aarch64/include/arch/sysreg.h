/* SPDX-License-Identifier: MIT */
/* System registers of the host: access, and names of their bits (Arm ARM D17, D19). */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#include <trivet/types.h>

/* The name is the assembler's: sysreg_read(hcr_el2). */
#define sysreg_read(name)                                                \
	({                                                               \
		uint64_t sysreg_value;                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(sysreg_value)); \
		sysreg_value;                                            \
	})
#define sysreg_write(name, value) \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

#define HCR_VM	 BIT(0)
#define HCR_SWIO BIT(1)
#define HCR_FMO	 BIT(3)
#define HCR_IMO	 BIT(4)
#define HCR_AMO	 BIT(5)
#define HCR_DC	 BIT(12)
#define HCR_TGE	 BIT(27)
#define HCR_RW	 BIT(31)

/* CPTR_EL2 while HCR_EL2.E2H is 0. */
#define CPTR_RES1 0x33ffull /* TZ (8) and TSM (12) among them: SVE and SME trap */
#define CPTR_TTA  BIT(20)   /* registers of the trace unit */
#define CPTR_TAM  BIT(30)   /* of the activity monitors */
#define CPTR_BASE (CPTR_RES1 | CPTR_TTA | CPTR_TAM)
#define CPTR_TFP  BIT(10)

/* ESR_ELx. */
#define ESR_EC_SHIFT 26
#define ESR_EC(esr)  ((esr) >> ESR_EC_SHIFT & MASK(6))
enum exception_class {
	EC_UNKNOWN = 0x00,
	EC_WFX = 0x01,
	EC_FP_ACCESS = 0x07,
	EC_ILLEGAL_STATE = 0x0e,
	EC_SVC64 = 0x15,
	EC_HVC64 = 0x16,
	EC_SMC64 = 0x17,
	EC_SYSREG = 0x18,
	EC_SVE = 0x19,
	EC_INSTRUCTION_ABORT_LOWER = 0x20,
	EC_INSTRUCTION_ABORT = 0x21,
	EC_PC_ALIGNMENT = 0x22,
	EC_DATA_ABORT_LOWER = 0x24,
	EC_DATA_ABORT = 0x25,
	EC_SP_ALIGNMENT = 0x26,
	EC_FP_EXCEPTION = 0x2c,
	EC_SERROR = 0x2f,
	EC_BREAKPOINT_LOWER = 0x30,
	EC_STEP_LOWER = 0x32,
	EC_WATCHPOINT_LOWER = 0x34,
	EC_BRK64 = 0x3c,
};
#define ESR_ABORT_WRITE BIT(6)
#define ESR_ABORT_WALK	BIT(7) /* S1PTW */
#define ESR_FAULT(esr)	((esr)&MASK(6))

/* MPIDR_EL1 */
#define MPIDR_AFFINITY 0xff00ffffffull

#endif

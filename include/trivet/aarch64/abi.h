/* SPDX-License-Identifier: MIT */
/* The part of the ABI that is AArch64's: what <trivet/abi.h> includes. */
#ifndef TRIVET_AARCH64_ABI_H
#define TRIVET_AARCH64_ABI_H

#include <trivet/types.h>

/* Bits of vp_run_page.set: what the VMM changed in `regs` and wants to be loaded. */
enum vp_run_set {
	VP_SET_GPRS = BIT(0),  /* x[], sp_el0, sp_el1, pc, pstate */
	VP_SET_EVENT = BIT(2), /* the guest takes `event` instead of what it was at */
};

/* What an emulator has to know: registers, and how EL1 translates addresses. */
struct vp_run_regs {
	uint64_t x[31];
	uint64_t sp_el0, sp_el1;
	uint64_t pc;
	uint64_t pstate; /* as SPSR_EL2 has it */
	uint64_t sctlr_el1, tcr_el1, ttbr0_el1, ttbr1_el1, mair_el1;
};

/* No virtual address: it is of a form that no processor has. */
#define GVA_NONE 0x8000000000000000ull

/* Exceptions that the VMM can give to a guest: taken to EL1. */
enum vp_run_event {
	VP_EVENT_UNDEFINED = 1,
	VP_EVENT_ABORT = 2, /* a synchronous external abort of the access that came to the VMM */
	VP_EVENT_BREAK = 3, /* to VP_RUN_INT3: what BRK does by itself, with its number */
};

/* The kernel writes the upper part before vp_run returns and reads `set`, the answers and, by `set`,
 * the registers at the next vp_run. */
struct vp_run_page {
	uint32_t reason; /* enum vp_run_reason */
	uint32_t set;	 /* enum vp_run_set, cleared by the kernel */
	uint32_t vtl;
	uint32_t reserved;
	union {
		struct {
			gpa_t gpa;
			/* Of a store; of a load: the answer. `size` bytes in the lowest bits; the kernel
			 * extends what was loaded, and puts it into the guest's register. */
			uint64_t value;
			uint8_t size; /* 1, 2, 4, 8 */
			uint8_t write;
			uint8_t reserved[6];
		} mmio;
		struct {
			gpa_t gpa;
			uint32_t flags; /* enum vp_emulate_flags */
			uint32_t
				instruction; /* that at pc; 0, which is none: it could not be read */
			uint64_t gva;	     /* that was translated to gpa, or GVA_NONE */
			uint64_t syndrome;   /* as ESR_EL2 has it */
		} emulate;
		struct {
			uint64_t type; /* of SYSTEM_RESET2; 0: SYSTEM_RESET */
			uint64_t cookie;
		} reset;
		struct {
			uint64_t immediate; /* of HVC; pc is behind it */
		} hypercall;
		struct {
			uint32_t index;
		} breakpoint;
		struct {
			uint64_t code;
		} failed;
		uint64_t words[6];
	};
	struct {
		uint32_t type; /* enum vp_run_event */
		uint32_t reserved;
	} event;
	struct vp_run_regs regs;
};

enum vp_emulate_flags {
	EMULATE_MEMORY = BIT(0), /* a memory access outside the mapped ranges, or against them */
	EMULATE_WRITE = BIT(1),
	EMULATE_FETCH = BIT(2),
	EMULATE_WALK = BIT(5),	 /* the access was the page walk's own */
	EMULATE_MAPPED = BIT(6), /* gpa is in a mapped range: a protection was hit */
};

#endif

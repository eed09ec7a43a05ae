/* SPDX-License-Identifier: MIT */
/* The part of the ABI that is x86's: what <trivet/abi.h> includes. */
#ifndef TRIVET_X86_64_ABI_H
#define TRIVET_X86_64_ABI_H

#include <trivet/hv/registers.h>
#include <trivet/types.h>

/* Bits of vp_run_page.set: what the VMM changed in `regs` and wants to be loaded. */
enum vp_run_set {
	VP_SET_GPRS = BIT(0),	/* gpr[], rip, rflags */
	VP_SET_CRS = BIT(1),	/* cr0, cr2, cr3, cr4, cr8, efer */
	VP_SET_EVENT = BIT(2),	/* inject `event` */
	VP_SET_SHADOW = BIT(3), /* the emulated instruction leaves an interrupt shadow */
	/* With PARTITION_USER_MODE_APIC, whatever the reason was; see `interrupt`. */
	VP_SET_INTERRUPT = BIT(4), /* deliver `vector` as soon as RFLAGS.IF and shadow allow it */
	VP_SET_WINDOW = BIT(5),	   /* come back when an interrupt of class `window` can be taken */
	VP_SET_NMI = BIT(6),
	VP_SET_CR8 = BIT(7),	  /* `cr8` */
	VP_SET_HALT = BIT(8),	  /* sleep, until one of the other bits, or an answer, ends that */
	VP_SET_INIT = BIT(9),	  /* INIT */
	VP_SET_STARTUP = BIT(10), /* start-up, with `vector` */
	VP_SET_APIC = 0x7f0,	  /* all of them */
};

struct vp_run_regs {
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8-r15 */
	uint64_t rip;
	uint64_t rflags;
	struct hv_x64_segment_register segment[6]; /* es cs ss ds fs gs */
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

/* No linear address: it is of a form that no processor has. */
#define GVA_NONE 0x8000000000000000ull

/* The kernel writes the upper part before vp_run returns and reads `set`, the answers and, by `set`,
 * the registers at the next vp_run. */
struct vp_run_page {
	uint32_t reason; /* enum vp_run_reason */
	uint32_t set;	 /* enum vp_run_set, cleared by the kernel */
	uint32_t vtl;
	uint32_t reserved;
	union {
		struct {
			uint16_t port;
			uint8_t size; /* 1, 2, 4 */
			uint8_t write;
			uint32_t value; /* of an OUT; of an IN: the answer */
		} port;
		struct {
			gpa_t gpa;	/* the faulting address of a memory access; 0 for others */
			uint32_t flags; /* enum vp_emulate_flags */
			uint32_t
				byte_count; /* instruction bytes that the processor gave; may be 0 */
			uint8_t bytes[16];
			/* of a memory access: the linear address that was translated to gpa, if the
			 * processor gave it, or GVA_NONE */
			uint64_t gva;
			/* HV_NPIEP_...: what is #GP above privilege level 0 */
			uint32_t forbidden;
			uint32_t reserved;
		} emulate;
		struct {
			uint32_t vector;
		} eoi;
		struct {
			uint32_t
				vector; /* the answer: 0-255, or 0x100: none (spurious taken back) */
		} pic;
		struct {
			uint32_t index;
			uint8_t write;
			uint8_t fault; /* the answer: #GP */
			uint16_t reserved;
			uint64_t value; /* of a WRMSR; of an RDMSR: the answer */
		} msr;
		struct {
			uint32_t function; /* EAX */
			uint32_t index;	   /* ECX */
			uint32_t value[4]; /* the answer: EAX to EDX */
		} cpuid;
		struct {
			uint64_t next_rip; /* behind the instruction */
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
		uint8_t vector;
		uint8_t has_error;
		uint16_t reserved;
		uint32_t error;
	} event; /* an exception to inject */
	struct {
		uint8_t vector; /* of VP_SET_INTERRUPT or VP_SET_STARTUP */
		uint8_t window; /* 1-15: above CR8; 16: whatever CR8 is */
		uint8_t cr8;
		uint8_t reserved[5];
	} interrupt; /* for a VMM that models the APIC */
	struct vp_run_regs regs;
};
enum vp_emulate_flags {
	EMULATE_MEMORY = BIT(0), /* a memory access outside the mapped ranges, or against them */
	EMULATE_WRITE = BIT(1),
	EMULATE_FETCH = BIT(2),
	EMULATE_PORT = BIT(3),	 /* a string I/O instruction */
	EMULATE_CR = BIT(4),	 /* MOV to or from a control register, CLTS, LMSW */
	EMULATE_WALK = BIT(5),	 /* the access was the page walk's own */
	EMULATE_MAPPED = BIT(6), /* gpa is in a mapped range: a protection was hit */
	EMULATE_EVENT = BIT(7),	 /* an exception or interrupt was being delivered: it is delivered
				  * again at the next vp_run; there is nothing to be emulated */
	EMULATE_TABLE = BIT(8),	 /* SGDT, SIDT, SLDT, STR, above privilege level 0 */
};

#endif

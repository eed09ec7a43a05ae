/* SPDX-License-Identifier: MIT */
/* The elements of an x86 VP's state, beside those of <trivet/state.h>, which includes this. */
#ifndef TRIVET_X86_64_STATE_H
#define TRIVET_X86_64_STATE_H

#include <trivet/hv/registers.h>
#include <trivet/types.h>

/* In the header of a state. */
#define STATE_ARCHITECTURE STATE_X86_64

/* X(name, number) */
#define VP_STATE_TABLE(X)                                                            \
	X(REGISTERS, 1)	   /* struct vp_state_registers */                           \
	X(ACTIVITY, 2)	   /* struct vp_state_activity */                            \
	X(XSAVE, 3)	   /* an XSAVE area in compact form */                       \
	X(APIC, 4)	   /* struct vp_state_apic */                                \
	X(XCR0, 5)	   /* uint64_t */                                            \
	X(XSS, 6)	   /* uint64_t */                                            \
	X(MTRR, 7)	   /* struct vp_state_mtrr */                                \
	X(PAT, 8)	   /* uint64_t */                                            \
	X(VIRTUAL_MSRS, 9) /* struct vp_state_msrs */                                \
	X(DEBUG, 10)	   /* struct vp_state_debug */                               \
	X(TSC, 11)	   /* struct vp_state_tsc */                                 \
	X(CET, 12)	   /* no partition has it yet, nor the next, nor NESTED */   \
	X(CET_SS, 13)                                                                \
	X(TSC_AUX, 14)		  /* uint64_t */                                     \
	X(SPEC_CTRL, 15)	  /* uint64_t: IA32_SPEC_CTRL as the guest has it */ \
	X(SYNIC_MSRS, 16)	  /* struct vp_state_synic */                        \
	X(SYNIC_MESSAGE_PAGE, 17) /* a page */                                       \
	X(SYNIC_EVENT_PAGE, 18)	  /* a page */                                       \
	X(SYNIC_QUEUES, 19)	  /* struct vp_state_queues */                       \
	X(SYNIC_TIMERS, 20)	  /* struct vp_state_timers */                       \
	X(NESTED, 21)                                                                \
	X(ASSIST, 22) /* struct vp_state_assist */                                   \
	X(NPIEP, 23)  /* uint64_t: HV_X64_MSR_NPIEP_CONFIG */

/* XSAVE seen in another form, and no part of a saved state. */
#define VP_STATE_XSAVE_STANDARD 0x103u

/* Segments that are not present have no attributes but SS its DPL; others have been accessed. */
struct vp_state_registers {
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8-r15 */
	uint64_t rip;
	uint64_t rflags;
	uint64_t cr2;
	struct hv_x64_segment_register segment[8]; /* es cs ss ds fs gs ldtr tr */
	struct hv_x64_table_register gdtr, idtr;
	uint64_t cr0, cr3, cr4, cr8, efer;
};

enum vp_state_activity_kind {
	VP_RUNNING_ACTIVE = 0,
	VP_HALTED = 1,
	VP_WAITS_FOR_SIPI = 2,
	VP_SHUT_DOWN = 3,
	VP_IDLE = 4, /* as halted, but any interrupt wakes it */
};

/* What other processors and devices have asked for, and the VP has not looked at yet. */
enum vp_state_pending {
	VP_PENDING_NMI = BIT(0),
	VP_PENDING_INIT = BIT(1),
	VP_PENDING_SIPI = BIT(2), /* a start-up message with sipi_vector */
	VP_PENDING_PIC = BIT(3),  /* the 8259 gave pic_vector, which is not delivered yet */
};

struct vp_state_activity {
	uint32_t activity; /* enum vp_state_activity_kind */
	uint16_t pending;  /* enum vp_state_pending */
	uint8_t sipi_vector;
	uint8_t pic_vector;
	uint64_t interruption;	  /* as HV_REGISTER_PENDING_INTERRUPTION */
	uint64_t interrupt_state; /* as HV_REGISTER_INTERRUPT_STATE */
};

#define VP_STATE_APIC_PAGE 1024u

struct vp_state_apic {
	uint64_t base;	       /* IA32_APIC_BASE */
	uint64_t tsc_deadline; /* in guest TSC; 0: none */
	uint32_t lint;	 /* bits 0 and 1: the levels of the inputs; 2: an ExtINT message waits */
	uint32_t errors; /* that the next write to ESR shows */
	uint32_t eoi;	 /* 0x100 | a level-triggered vector of whose end the VMM must hear */
	uint32_t reserved;
	/* The registers in the layout of xAPIC mode, those that IRR has to get in it. In x2APIC mode ID
	 * and the upper half of ICR have 32 bits. */
	uint8_t page[VP_STATE_APIC_PAGE];
};

struct vp_state_mtrr {
	uint64_t default_type;
	uint64_t fixed[11]; /* 64K_00000, 16K_80000, 16K_A0000, 4K_C0000 ... 4K_F8000 */
	struct {
		uint64_t base, mask;
	} variable[8];
};

/* FS and GS bases are those of the segments in REGISTERS. */
struct vp_state_msrs {
	uint64_t star, lstar, cstar, sfmask;
	uint64_t kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
};

struct vp_state_debug {
	uint64_t dr6, dr7;
	uint64_t dr[4];
};

/* The VP's TSC, and the partition's reference time then. */
struct vp_state_tsc {
	uint64_t tsc;
	uint64_t reference_time;
};

#endif

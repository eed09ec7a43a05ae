/* SPDX-License-Identifier: MIT */
/*
 * The saved state of virtual processors, partitions and devices. docs/state.md is the reference in
 * prose.
 *
 * A state is a header and records, each of a whole number of eight bytes. Nothing in it tells which
 * backend it came from. Numbers are little-endian. Reserved fields and padding are 0.
 */
#ifndef TRIVET_STATE_H
#define TRIVET_STATE_H

#include <trivet/hv/registers.h>
#include <trivet/hv/synic.h>
#include <trivet/types.h>

#define STATE_MAGIC	0x4554415453545654ull /* "TVTSTATE" */
#define STATE_VERSION	1u
#define STATE_ALIGNMENT 8u

enum state_architecture { STATE_X86_64 = 1, STATE_AARCH64 = 2 };

/* Whose state it is; each kind numbers its own elements. */
enum state_kind { STATE_OF_VP = 1, STATE_OF_PARTITION = 2, STATE_OF_DEVICES = 3 };

struct state_header {
	uint64_t magic;
	uint32_t version;
	uint16_t architecture; /* enum state_architecture */
	uint16_t kind;	       /* enum state_kind */
	uint64_t size;	       /* in bytes, of all, this header too */
	uint32_t records;
	uint32_t reserved;
};
static_assert(sizeof(struct state_header) == 32, "ABI");

/* Records stand in ascending order of element, then VTL: none comes twice. What all VTLs of a VP
 * share stands at VTL 0. */
struct state_record {
	uint32_t element; /* from 1 up */
	uint16_t vtl;
	uint16_t flags;	 /* none is defined */
	uint32_t length; /* of the data that follow, without their padding */
	uint32_t reserved;
};
static_assert(sizeof(struct state_record) == 16, "ABI");

/* ---- elements of a partition ---- */

enum partition_state_element {
	PARTITION_STATE_TIME = 1,	   /* struct partition_state_time */
	PARTITION_STATE_HYPERCALL = 2,	   /* struct partition_state_hypercall */
	PARTITION_STATE_REFERENCE_TSC = 3, /* struct partition_state_reference_tsc */
	PARTITION_STATE_ELEMENTS,
};

/* Reference time and the TSC at one instant. The TSC of a VP is the partition's and what the VP's
 * software has added to it. */
struct partition_state_time {
	uint64_t reference_time; /* in units of 100 ns */
	uint64_t tsc;
	uint64_t tsc_hz;
};

/* Registers of the Hyper-V interface that all VPs share. */
struct partition_state_hypercall {
	uint64_t guest_os_id;
	uint64_t hypercall;
	uint64_t crash[5]; /* P0 to P4 */
};

struct partition_state_reference_tsc {
	uint64_t reference_tsc;
	uint32_t sequence; /* the last one that the page had and was valid; 0: none */
	uint32_t reserved;
};

/* ---- elements of an x86 VP, in the order in which they are saved and restored ---- */

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

#define VP_STATE_ENUM(name, number) VP_STATE_##name = (number),
enum vp_state_element {
	VP_STATE_TABLE(VP_STATE_ENUM) VP_STATE_ELEMENTS, /* one more than the last */
	/* XSAVE seen in another form, and no part of a saved state. */
	VP_STATE_XSAVE_STANDARD = 0x103,
};
#undef VP_STATE_ENUM

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

struct vp_state_synic {
	uint64_t control;  /* SCONTROL */
	uint64_t version;  /* SVERSION */
	uint64_t events;   /* SIEFP */
	uint64_t messages; /* SIMP */
	uint64_t sint[HV_SINT_COUNT];
};

/* A message that waits for its slot. */
struct vp_state_message {
	uint32_t sint;
	uint32_t
		timer; /* n + 1: that of synthetic timer n, which has one at most; 0: it was posted */
	struct hv_message message; /* its flags are 0, and so is what is not its payload; of a
				    * timer, the time of delivery too */
};

#define VP_STATE_POSTED 32u
#define VP_STATE_QUEUED (VP_STATE_POSTED + HV_STIMER_COUNT)

/* Source by source, each in its order; the entries that are not used are 0. Of those that were posted, each
 * source that has none could have one more. */
struct vp_state_queues {
	uint32_t count;
	uint32_t reserved;
	struct vp_state_message entry[VP_STATE_QUEUED];
};

struct vp_state_timers {
	struct {
		uint64_t config, count; /* the registers */
		uint64_t expiration;	/* in reference time; UINT64_MAX: it does not run */
	} timer[HV_STIMER_COUNT];
};

/* The VP assist page of the Hyper-V interface, and the register that places it. */
struct vp_state_assist {
	uint64_t assist;
	uint8_t page[4096];
};

/* ---- devices: each record begins with this ---- */

struct state_device {
	char name[16];
	uint32_t version;
	uint32_t reserved;
};

#endif

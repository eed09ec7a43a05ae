/* SPDX-License-Identifier: MIT */
/*
 * What is done against leaks by speculation: which of them a processor has, and by what each is
 * closed. docs/hardening.md has it as a table, with the reasons.
 *
 * The decision is made once at boot, by a pure function of what the processor says of itself. A
 * machine that needs nothing gets a world switch without any of it (svm/enter.S, vmx/enter.S).
 */
#ifndef ARCH_SPECULATION_H
#define ARCH_SPECULATION_H

/* SDM 4, table 2-2; APM 2, 3.2.9. */
#define MSR_SPEC_CTRL	      0x48
#define MSR_PRED_CMD	      0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_FLUSH_CMD	      0x10b
#define PRED_CMD_IBPB	      1
#define PRED_CMD_SBPB	      0x80
#define FLUSH_CMD_L1D	      1

/* speculation.actions; those that assembly tests as well. */
#define SPECULATION_VERW      0x01 /* buffers cleared at entries and on the way to ring 3 */
#define SPECULATION_IBPB_EXIT 0x02 /* predictions dropped at each exit */
#define SPECULATION_IBRS_EXIT 0x04 /* IBRS set anew at each exit */
#define SPECULATION_FILL      0x08 /* return stack and branch history filled at each exit */

/* Their entries in the processors that need it: at most 32, and 29 taken branches. */
#define RETURN_STACK_ENTRIES 32

/* struct speculation */
#define SPECULATION_ACTIONS 0
#define SPECULATION_HOST    8

#ifndef __ASSEMBLY__

#include <trivet/types.h>

/* The words of speculation.c follow the bits. */
enum speculation_action {
	SPECULATION_L1D = BIT(4),	/* L1 data cache flushed when a VP is loaded */
	SPECULATION_IBPB = BIT(5),	/* predictions dropped between guests, and before ring 3 */
	SPECULATION_IBRS = BIT(6),	/* enhanced: set once */
	SPECULATION_AUTO_IBRS = BIT(7), /* set once, in EFER */
	SPECULATION_BHI_DIS_S = BIT(8), /* set once */
	SPECULATION_BP_REDUCE = BIT(9), /* BpSpecReduce, set once */
	SPECULATION_TSX_OFF = BIT(10),
	SPECULATION_LFENCE = BIT(11), /* made to serialise */
	SPECULATION_GUESTS = BIT(12), /* guests have SPEC_CTRL, PRED_CMD, ARCH_CAPABILITIES */
	SPECULATION_FORCED = BIT(13), /* asked for, needed or not */
};

enum speculation_leak {
	LEAK_BRANCH = BIT(0),  /* branch target injection (Spectre v2) */
	LEAK_HISTORY = BIT(1), /* branch history injection */
	LEAK_RETURN = BIT(2),  /* AMD: return stack overflow (SRSO, Inception) */
	LEAK_L1TF = BIT(3),
	LEAK_MDS = BIT(4),
	LEAK_TAA = BIT(5),
	LEAK_MMIO = BIT(6),
	LEAK_RFDS = BIT(7),
	LEAK_TSA = BIT(8),
	LEAK_TYPE = BIT(9), /* AMD: branch type confusion (Retbleed) */
};

enum speculation_vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD /* and Hygon */ };

#define AMD_FAMILY_ZEN3 0x19u /* and Zen 4 */

/* CPUID 0x80000008, EBX */
#define EXT8_EBX_IBPB BIT(12)

/* CPUID 0x80000021, EAX: what Zen 3 and 4 do not tell of although a microcode has brought it, so that it is
 * to be found out otherwise. */
#define EXT21_EAX_VERW_CLEAR   BIT(5)
#define EXT21_EAX_SBPB	       BIT(27)
#define EXT21_EAX_IBPB_BRTYPE  BIT(28) /* IBPB drops types of branches as well */
#define EXT21_EAX_BY_MICROCODE (EXT21_EAX_VERW_CLEAR | EXT21_EAX_SBPB | EXT21_EAX_IBPB_BRTYPE)

/* What a processor says of itself. */
struct speculation_cpu {
	enum speculation_vendor vendor;
	uint32_t family, model;
	uint32_t leaf7_ebx, leaf7_edx;
	uint32_t leaf7_2_edx;
	uint32_t extended8_ebx;
	uint32_t extended21_eax, extended21_ecx;
	uint64_t capabilities; /* IA32_ARCH_CAPABILITIES; 0: there is none */
};

struct speculation {
	uint32_t actions;
	uint32_t leaks;		/* that the processor has */
	uint64_t host_control;	/* IA32_SPEC_CTRL while the kernel runs */
	uint64_t guest_control; /* bits of it that stay set while a guest runs */
	uint32_t open;		/* leaks that nothing closes here */
	uint64_t capabilities;
	uint32_t extended21_eax; /* those of EXT21_EAX_BY_MICROCODE, for guests */
};
static_assert(offsetof(struct speculation, actions) == SPECULATION_ACTIONS, "assembly");
static_assert(offsetof(struct speculation, host_control) == SPECULATION_HOST, "assembly");

/* What is in force; all zero until speculation_init(). */
extern struct speculation speculation;

/* Pure. */
void speculation_decide(const struct speculation_cpu *cpu, struct speculation *out);
/* Whether AMD's microcode of this revision has brought EXT21_EAX_VERW_CLEAR. */
bool speculation_microcode_verw(uint32_t revision);
/* The leaks to the other thread of a core, against which no step at a switch helps. */
uint32_t speculation_between_threads(const struct speculation *s);
/* Adds all that such a processor can execute, for tests. */
void speculation_force(const struct speculation_cpu *cpu, struct speculation *out);
/* Takes all away. */
void speculation_none(struct speculation *out);

/* On the boot CPU, before a backend is chosen: decides, by `mitigations=` too, and says so. */
void speculation_init(void);
/* On each CPU that runs the kernel, after that: what is set once. */
void speculation_cpu_init(void);
/* When all CPUs run: warns of threads that share a core and what leaks in it. */
void speculation_threads_check(void);

#endif
#endif

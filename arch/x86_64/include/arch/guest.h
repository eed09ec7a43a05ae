/* SPDX-License-Identifier: MIT */
/*
 * The x86 processor that a guest sees, on either backend: what a partition, a VP and a VTL of a
 * VP keep. GPRs, CR2, DR0-3, the FPU and the MTRRs are shared by the VTLs of a VP, the rest is a
 * VTL's own (TLFS, "Virtual Secure Mode", private and shared state).
 */
#ifndef ARCH_GUEST_H
#define ARCH_GUEST_H

#include <arch/fpu.h>
#include <arch/guest_lapic.h>
#include <arch/guest_mtrr.h>
#include <kernel/timer.h>
#include <trivet/abi.h>

struct vp;
struct guest_cpuid;

#define ARCH_HAS_PORTS 1 /* guests have an I/O space of ports */
#define ARCH_HAS_APICS 1 /* local ones, by whose numbers VPs are known */

/* Of hypercalls: sizes of HV_INITIAL_VP_CONTEXT, of HV_PROCESSOR_HW_ID, and of what is translated Ex; flags of
 * translations; vectors of IPIs. */
#define ARCH_HV_CONTEXT_SIZE	    224u
#define ARCH_HV_PROCESSOR_ID_SIZE   4u
#define ARCH_HV_TRANSLATION_EX_SIZE 64u
#define ARCH_HV_TRANSLATE_KNOWN	    MASK(10)
#define ARCH_HV_IPI_FIRST	    0x10u
#define ARCH_HV_IPI_LAST	    0xffu

#define ARCH_PARTITION_STATE 0 /* no element of a partition's state is the architecture's */

enum gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
};

enum segment {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR,
	SEGMENT_TR,
	SEGMENT_COUNT
};

struct arch_vp {
	uint64_t gpr[16]; /* first: assembly; RSP is the active VTL's */
	uint64_t
		spec_ctrl_entered; /* in force while it runs: its own with the machine's; assembly */
	uint64_t spec_ctrl;	   /* IA32_SPEC_CTRL as the guest has written it */
	uint64_t number;	   /* of no other VP, ever; not 0 */
	uint64_t cr2;
	uint64_t dr[4];
	struct fpu_state fpu; /* XCR0 is fpu.xcr0 */
	uint64_t xss;
	uint64_t tsc_aux;
	uint64_t
		tsc_offset; /* guest TSC = tsc_scaled(ratio, host TSC) + this; the backend loads it */
	uint64_t tsc_ratio;
	bool tsc_exits; /* RDTSC and RDTSCP exit */
	struct guest_mtrr mtrr;
	/* guest/outside.h: what the VP has to do when it is off its CPU. */
	uint64_t outside_rip, outside_next; /* of the instruction, and behind it */
	uint8_t outside;		    /* enum guest_outside */
	uint32_t unload;		    /* the requests for which it leaves the CPU */
};

/* What a VTL of a VP waits with; all zero in the common case, tested as one word. */
enum vp_work {
	WORK_EVENT = BIT(0), /* `event` is to be delivered */
	WORK_NMI = BIT(1),
	WORK_EXTINT = BIT(2),	  /* LINT0 as ExtINT is raised: ask the VMM's PIC */
	WORK_PIC_ANSWER = BIT(3), /* the VMM gave the vector: extint_vector */
	WORK_INTERRUPT = BIT(4),  /* the APIC may have one to deliver */
	WORK_ENTRY = BIT(5),	  /* more than GPRs, RIP, RFLAGS and shadow changed */
	WORK_WINDOW = BIT(6),	  /* the VMM wants to know when it can give an interrupt */
	WORK_DEBUG = BIT(12),	  /* `debug` asks for something: stays while it does */
};

/* Those of enum vp_exit_kind that vp_exit_take() handles: common, and at home in RAX to RDX; and of memory
 * accesses the stores that have rung a doorbell before. */
#define ARCH_QUICK_EXITS                                                                          \
	(BIT(VP_EXIT_CPUID) | BIT(VP_EXIT_MSR_READ) | BIT(VP_EXIT_MSR_WRITE) |                    \
	 BIT(VP_EXIT_CACHE) | BIT(VP_EXIT_PAUSE) | BIT(VP_EXIT_HYPERCALL) | BIT(VP_EXIT_MEMORY) | \
	 BIT(VP_EXIT_TSC))

enum vp_activity {
	ACTIVITY_RUNNING,
	ACTIVITY_HALTED,
	ACTIVITY_WAIT_FOR_SIPI,
	ACTIVITY_SHUTDOWN,
	ACTIVITY_IDLE
};

/* What a run page's answer belongs to. */
enum vp_waiting {
	WAITING_NONE,
	WAITING_PORT_IN,
	WAITING_PIC,
	WAITING_EMULATE,
	WAITING_DEBUG,
	WAITING_MSR_READ,
	WAITING_MSR_WRITE,
	WAITING_CPUID,
};

/* How an entry ends that is a step. */
enum step_mode {
	STEP_NONE,
	STEP_INSTRUCTION, /* RFLAGS.TF, or a breakpoint where the instruction goes to */
	STEP_DELIVERY,	  /* as soon as the event that is injected has been delivered */
};

/* Whose a debug register is: a number below DEBUG_OWNER_VMM is the guest's. */
#define DEBUG_OWNER_VMM	    4u
#define DEBUG_OWNER_LANDING 5u
#define DEBUG_OWNER_NONE    6u

/* What the VMM, as a debugger, has asked for (guest/debug.c), and the step under way (guest/step.c). In
 * use while WORK_DEBUG is set. */
struct guest_debug {
	struct vp_debug_state asked;
	/* What is in the processor's debug registers: the debugger's, and of the guest's what finds
	 * room. The guest's own are arch_vp.dr, and the two here. */
	uint64_t dr[BREAKPOINT_COUNT], dr7;
	uint64_t guest_dr6, guest_dr7;
	uint8_t owner[BREAKPOINT_COUNT];
	uint8_t hit;	  /* what is to be told: a breakpoint's index + 1, or DEBUG_HIT_INT3 */
	bool done;	  /* a step is to be told */
	bool injected;	  /* the next entry delivers something */
	bool guest_turn;  /* the registers are the guest's for one instruction, which uses them */
	bool written6;	  /* that one writes DR6 */
	bool own;	  /* nobody debugs: it is for `lets` alone */
	bool lets;	  /* the instruction at let_rip may use the descriptor tables' registers */
	bool passing;	  /* the break at `passed` was told: its instruction may run */
	bool resume_flag; /* RFLAGS.RF is ours */
	bool trap_flag;	  /* RFLAGS.TF of the guest's own, while a step uses it */
	bool trap_flag_left; /* as the instruction left it */
	uint8_t mode;	     /* enum step_mode of the entry */
	uint8_t left;	     /* enum step_mode of the entry that has just ended */
	uint8_t instruction; /* enum stepped_instruction of guest/step.c */
	uint8_t shadow;	     /* kept over an entry that does not come to its instruction */
	uint64_t rip;	     /* where the entry began */
	uint64_t passed;
	uint64_t let_rip;
};
#define DEBUG_HIT_INT3 (BREAKPOINT_COUNT + 1)

struct arch_vp_vtl {
	uint64_t rip;
	uint64_t rflags;
	uint32_t work;	   /* enum vp_work */
	uint32_t activity; /* enum vp_activity */
	uint8_t waiting;   /* enum vp_waiting */
	uint8_t io_size;   /* of the IN that waits */
	uint8_t extint_vector;
	uint8_t shadow;	   /* interrupt shadow of STI and MOV SS; read and written by the backend */
	uint8_t cr8;	   /* the task priority that the processor works with; so too */
	uint8_t window;	   /* of WORK_WINDOW: the class of the interrupt, above CR8 */
	uint8_t npiep;	   /* HV_NPIEP_...: see guest/npiep.c */
	bool nmi_masked;   /* from the delivery of an NMI to the IRET that ends it; so too */
	uint64_t next_rip; /* of the instruction that waits */
	struct {
		uint8_t type; /* enum event_type */
		uint8_t vector;
		bool has_error;
		uint8_t length; /* of an instruction that raised it */
		uint32_t error;
	} event;
	struct lapic lapic;
	struct timer lapic_timer;
	struct vp *vp; /* for the timer */
	struct guest_debug debug;
	struct known_store *store; /* guest/store_exit.c; NULL: none has rung a doorbell */
};

/* True: the guest's debug registers are not in the processor. */
static inline bool guest_debug_owns(const struct arch_vp_vtl *a)
{
	return (a->work & WORK_DEBUG) && !a->debug.guest_turn;
}

/* DR0-3 as the processor is to have them. */
static inline const uint64_t *guest_debug_dr(const struct arch_vp *vp, const struct arch_vp_vtl *a)
{
	return guest_debug_owns(a) ? a->debug.dr : vp->dr;
}

/* For a backend: an entry that its step() began has ended, and vp->exit is not handled yet. */
void guest_step_left(struct vp *vp);
/* The guest's debug registers have changed in arch_vp.dr, or in guest_dr7: what of them finds room is
 * chosen again. */
void guest_debug_merge(struct vp *vp, uint32_t vtl);

#define GUEST_NOT_64BIT UINT64_MAX /* as CR3 */

struct guest_addressing {
	uint64_t cr3, cr4;
};

/* Registers that a backend keeps in its own form. */
enum guest_state_group {
	STATE_SEGMENTS = BIT(0),
	STATE_TABLES = BIT(1),	/* GDTR, IDTR */
	STATE_CONTROL = BIT(2), /* CR0, CR3, CR4, EFER, CR8 */
	STATE_SYSCALL = BIT(3), /* STAR..., SYSENTER, KERNEL_GS_BASE */
	STATE_PAT = BIT(4),
	STATE_DEBUG = BIT(5), /* DR6, DR7 */
	STATE_ALL = 0x3f,
	/* To be read, and by itself: CS, the bases of DS and SS, CR0, CR3, CR4, EFER. */
	STATE_ADDRESSING = BIT(6),
};

struct guest_state {
	struct hv_x64_segment_register segment[SEGMENT_COUNT];
	struct hv_x64_table_register gdtr, idtr;
	uint64_t cr0, cr3, cr4, cr8, efer;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t pat;
	uint64_t dr6, dr7;
};

#define PDPTE_COUNT 4u /* the top entries of PAE paging */

/* True: a change of STATE_CONTROL that loads the top entries of PAE paging, on a processor that keeps
 * them in registers. */
bool guest_pdptes_change(const struct guest_state *old, const struct guest_state *state);
/* The entries as CR3 tells of them. False: #GP, since one is reserved, or no memory is there, and all
 * bits are read as ones. */
bool guest_pdptes_read(const struct vp *vp, uint32_t vtl, const struct guest_state *state,
		       uint64_t entries[PDPTE_COUNT]);

/* Instructions that some backends can take away where CPUID does not show them: #UD then. */
enum guest_instruction {
	INSTRUCTION_RDTSCP = BIT(0), /* and RDPID */
	INSTRUCTION_INVPCID = BIT(1),
	INSTRUCTION_XSAVES = BIT(2),
	INSTRUCTION_RDRAND = BIT(3),
	INSTRUCTION_RDSEED = BIT(4),
};

/* MSRs that control speculation; bits above those of IA32_SPEC_CTRL. */
enum guest_speculation {
	GUEST_IBPB = BIT(28),	      /* PRED_CMD */
	GUEST_SBPB = BIT(29),	      /* a bit of it */
	GUEST_L1D_FLUSH = BIT(30),    /* FLUSH_CMD */
	GUEST_CAPABILITIES = BIT(27), /* ARCH_CAPABILITIES */
};
#define GUEST_SPEC_CTRL MASK(16)

struct arch_partition {
	uint64_t tsc_offset; /* guest/tsc.h; these three change with the partition's time */
	uint64_t tsc_ratio;
	uint64_t tsc_step;	   /* what offsets of VPs lack that have yet the ratio before */
	uint64_t tsc_hz;	   /* the rate, if tsc_ratio is not 0 */
	bool tsc_exits;		   /* RDTSC is to exit, though the processor could scale it */
	struct guest_cpuid *cpuid; /* the leaves as the guest sees them */
	uint64_t cr4_allowed;	   /* bits that the guest may set */
	uint64_t efer_allowed;
	uint64_t xcr0_allowed;
	uint64_t xss_allowed;
	uint64_t speculation_allowed; /* bits of IA32_SPEC_CTRL, enum guest_speculation */
	uint32_t instructions;	      /* enum guest_instruction: those that CPUID shows */
	void *apic_page;	      /* guest/apic_page.h; NULL: the processor has no use for it */
	_Atomic bool apic_page_mapped;
	bool lenient_pmu;
	bool user_apic; /* the VMM models the APICs: those of the kernel's are off for good */
};

#endif

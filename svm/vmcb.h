/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine control block and what its fields hold: APM vol. 2, appendix B and C, and
 * chapter 15 where a line says so.
 */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include <trivet/types.h>

/* A segment as the VMCB keeps it: the attributes of descriptor bits 40-47 and 52-55, packed. */
struct vmcb_segment {
	uint16_t selector;
	uint16_t attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	/* ---- control area (table B-1) ---- */
	uint16_t intercept_cr_read; /* bit n: CRn */
	uint16_t intercept_cr_write;
	uint16_t intercept_dr_read;
	uint16_t intercept_dr_write;
	uint32_t intercept_exceptions; /* by vector */
	uint32_t intercept[3];	       /* enum vmcb_intercept, 32 a word */
	uint8_t reserved_018[0x03c - 0x018];
	uint16_t pause_threshold;
	uint16_t pause_count;
	uint64_t iopm_base;
	uint64_t msrpm_base;
	uint64_t tsc_offset;
	uint32_t asid;
	uint8_t tlb_control; /* enum vmcb_tlb_control */
	uint8_t reserved_05d[3];
	uint64_t vintr;		   /* VINTR_* */
	uint64_t interrupt_shadow; /* bit 0 */
	uint64_t exit_code;
	uint64_t exit_info1;
	uint64_t exit_info2;
	uint64_t exit_int_info;	 /* EVENT_* */
	uint64_t nested_control; /* bit 0: nested paging */
	uint64_t avic_bar;
	uint64_t ghcb;
	uint64_t event_inject; /* EVENT_* */
	uint64_t nested_cr3;
	uint64_t lbr_control;
	uint32_t clean; /* VMCB_CLEAN_* */
	uint32_t reserved_0c4;
	uint64_t next_rip;
	uint8_t fetched_count;
	uint8_t fetched[15];
	uint8_t reserved_0e0[0x400 - 0x0e0];

	/* ---- state save area (table B-2) ---- */
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved_4a0[0x4cb - 0x4a0];
	uint8_t cpl;
	uint32_t reserved_4cc;
	uint64_t efer;
	uint8_t reserved_4d8[0x548 - 0x4d8];
	uint64_t cr4;
	uint64_t cr3;
	uint64_t cr0;
	uint64_t dr7;
	uint64_t dr6;
	uint64_t rflags;
	uint64_t rip;
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp;
	uint64_t s_cet;
	uint64_t ssp;
	uint64_t isst_addr;
	uint64_t rax;
	uint64_t star;
	uint64_t lstar;
	uint64_t cstar;
	uint64_t sfmask;
	uint64_t kernel_gs_base;
	uint64_t sysenter_cs;
	uint64_t sysenter_esp;
	uint64_t sysenter_eip;
	uint64_t cr2;
	uint8_t reserved_648[0x668 - 0x648];
	uint64_t pat;
	uint64_t debug_control;
	uint8_t reserved_678[0x1000 - 0x678];
} __aligned(4096);

/* Attributes of a code segment */
#define VMCB_SEGMENT_L BIT(9)
#define VMCB_SEGMENT_D BIT(10)

static_assert(sizeof(struct vmcb) == 4096, "one page");
static_assert(offsetof(struct vmcb, pause_threshold) == 0x03c, "APM B-1");
static_assert(offsetof(struct vmcb, asid) == 0x058, "APM B-1");
static_assert(offsetof(struct vmcb, vintr) == 0x060, "APM B-1");
static_assert(offsetof(struct vmcb, exit_code) == 0x070, "APM B-1");
static_assert(offsetof(struct vmcb, nested_control) == 0x090, "APM B-1");
static_assert(offsetof(struct vmcb, event_inject) == 0x0a8, "APM B-1");
static_assert(offsetof(struct vmcb, clean) == 0x0c0, "APM B-1");
static_assert(offsetof(struct vmcb, next_rip) == 0x0c8, "APM B-1");
static_assert(offsetof(struct vmcb, fetched) == 0x0d1, "APM B-1");
static_assert(offsetof(struct vmcb, es) == 0x400, "APM B-2");
static_assert(offsetof(struct vmcb, tr) == 0x490, "APM B-2");
static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM B-2");
static_assert(offsetof(struct vmcb, efer) == 0x4d0, "APM B-2");
static_assert(offsetof(struct vmcb, cr4) == 0x548, "APM B-2");
static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "APM B-2");
static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM B-2");
static_assert(offsetof(struct vmcb, cr2) == 0x640, "APM B-2");
static_assert(offsetof(struct vmcb, pat) == 0x668, "APM B-2");

/* Number of a bit in vmcb.intercept[]. */
enum vmcb_intercept {
	INTERCEPT_INTR = 0,
	INTERCEPT_NMI = 1,
	INTERCEPT_SMI = 2,
	INTERCEPT_INIT = 3,
	INTERCEPT_VINTR = 4,
	INTERCEPT_CR0_SEL = 5, /* writes that change more than TS and MP */
	INTERCEPT_IDTR_READ = 6,
	INTERCEPT_GDTR_READ = 7,
	INTERCEPT_LDTR_READ = 8,
	INTERCEPT_TR_READ = 9,
	INTERCEPT_RDTSC = 14,
	INTERCEPT_RDPMC = 15,
	INTERCEPT_PUSHF = 16,
	INTERCEPT_POPF = 17,
	INTERCEPT_CPUID = 18,
	INTERCEPT_RSM = 19,
	INTERCEPT_IRET = 20,
	INTERCEPT_INTN = 21,
	INTERCEPT_INVD = 22,
	INTERCEPT_PAUSE = 23,
	INTERCEPT_HLT = 24,
	INTERCEPT_INVLPGA = 26,
	INTERCEPT_IOIO = 27,
	INTERCEPT_MSR = 28,
	INTERCEPT_FERR_FREEZE = 30,
	INTERCEPT_SHUTDOWN = 31,
	INTERCEPT_VMRUN = 32,
	INTERCEPT_VMMCALL = 33,
	INTERCEPT_VMLOAD = 34,
	INTERCEPT_VMSAVE = 35,
	INTERCEPT_STGI = 36,
	INTERCEPT_CLGI = 37,
	INTERCEPT_SKINIT = 38,
	INTERCEPT_RDTSCP = 39,
	INTERCEPT_ICEBP = 40, /* INT1 */
	INTERCEPT_WBINVD = 41,
	INTERCEPT_MONITOR = 42,
	INTERCEPT_MWAIT = 43,
	INTERCEPT_MWAIT_ARMED = 44,
	INTERCEPT_XSETBV = 45,
	INTERCEPT_RDPRU = 46,
	INTERCEPT_INVLPGB = 64,
	INTERCEPT_INVLPGB_ILLEGAL = 65,
	INTERCEPT_INVPCID = 66,
	INTERCEPT_MCOMMIT = 67,
	INTERCEPT_TLBSYNC = 68,
};

enum vmcb_tlb_control {
	TLB_KEEP = 0,
	TLB_FLUSH_ALL = 1,
	TLB_FLUSH_ASID = 3, /* with CPUID 8000000A EDX.6 */
};

#define VINTR_TPR_MASK	     0xfull /* CR8 of the guest */
#define VINTR_IRQ	     BIT(8)
#define VINTR_GIF	     BIT(9)
#define VINTR_PRIORITY_SHIFT 16
#define VINTR_PRIORITY_MASK  (0xfull << VINTR_PRIORITY_SHIFT)
#define VINTR_IGNORE_TPR     BIT(20)
#define VINTR_MASKING	     BIT(24)
#define VINTR_GIF_ENABLE     BIT(25)

/* EVENTINJ and EXITINTINFO (15.20) */
#define VMCB_EVENT_VECTOR(e)   ((uint8_t)(e))
#define VMCB_EVENT_TYPE(e)     (((e) >> 8) & 7)
#define VMCB_EVENT_INTERRUPT   0u
#define VMCB_EVENT_NMI	       2u
#define VMCB_EVENT_EXCEPTION   3u
#define VMCB_EVENT_SOFTWARE    4u
#define VMCB_EVENT_ERROR_VALID BIT(11)
#define VMCB_EVENT_VALID       BIT(31)

/* Clean bits (15.15): set for what did not change since the last entry. */
#define VMCB_CLEAN_INTERCEPTS BIT(0)
#define VMCB_CLEAN_IOPM	      BIT(1)
#define VMCB_CLEAN_ASID	      BIT(2)
#define VMCB_CLEAN_TPR	      BIT(3)
#define VMCB_CLEAN_NP	      BIT(4)
#define VMCB_CLEAN_CR	      BIT(5)
#define VMCB_CLEAN_DR	      BIT(6)
#define VMCB_CLEAN_DT	      BIT(7)
#define VMCB_CLEAN_SEGMENTS   BIT(8)
#define VMCB_CLEAN_CR2	      BIT(9)
#define VMCB_CLEAN_LBR	      BIT(10)
#define VMCB_CLEAN_ALL	      0x7ffu

/* Exit codes (appendix C) */
#define SVM_EXIT_CR_READ    0x000u /* to 0x00f */
#define SVM_EXIT_CR_WRITE   0x010u /* to 0x01f */
#define SVM_EXIT_DR_READ    0x020u /* to 0x02f */
#define SVM_EXIT_DR_WRITE   0x030u /* to 0x03f */
#define SVM_EXIT_EXCEPTION  0x040u /* to 0x05f */
#define SVM_EXIT_INTR	    0x060u
#define SVM_EXIT_NMI	    0x061u
#define SVM_EXIT_SMI	    0x062u
#define SVM_EXIT_INIT	    0x063u
#define SVM_EXIT_VINTR	    0x064u
#define SVM_EXIT_CR0_SEL    0x065u
#define SVM_EXIT_IDTR_READ  0x066u
#define SVM_EXIT_GDTR_READ  0x067u
#define SVM_EXIT_LDTR_READ  0x068u
#define SVM_EXIT_TR_READ    0x069u
#define SVM_EXIT_RDTSC	    0x06eu
#define SVM_EXIT_RDPMC	    0x06fu
#define SVM_EXIT_PUSHF	    0x070u
#define SVM_EXIT_POPF	    0x071u
#define SVM_EXIT_CPUID	    0x072u
#define SVM_EXIT_RSM	    0x073u
#define SVM_EXIT_IRET	    0x074u
#define SVM_EXIT_INTN	    0x075u
#define SVM_EXIT_INVD	    0x076u
#define SVM_EXIT_PAUSE	    0x077u
#define SVM_EXIT_HLT	    0x078u
#define SVM_EXIT_INVLPGA    0x07au
#define SVM_EXIT_IOIO	    0x07bu
#define SVM_EXIT_MSR	    0x07cu
#define SVM_EXIT_FERR	    0x07eu
#define SVM_EXIT_SHUTDOWN   0x07fu
#define SVM_EXIT_VMRUN	    0x080u
#define SVM_EXIT_VMMCALL    0x081u
#define SVM_EXIT_VMLOAD	    0x082u
#define SVM_EXIT_VMSAVE	    0x083u
#define SVM_EXIT_STGI	    0x084u
#define SVM_EXIT_CLGI	    0x085u
#define SVM_EXIT_SKINIT	    0x086u
#define SVM_EXIT_RDTSCP	    0x087u
#define SVM_EXIT_ICEBP	    0x088u
#define SVM_EXIT_WBINVD	    0x089u
#define SVM_EXIT_MONITOR    0x08au
#define SVM_EXIT_MWAIT	    0x08bu
#define SVM_EXIT_MWAIT_COND 0x08cu
#define SVM_EXIT_XSETBV	    0x08du
#define SVM_EXIT_RDPRU	    0x08eu
#define SVM_EXIT_INVLPGB    0x0a0u
#define SVM_EXIT_INVLPGB_IL 0x0a1u
#define SVM_EXIT_INVPCID    0x0a2u
#define SVM_EXIT_MCOMMIT    0x0a3u
#define SVM_EXIT_TLBSYNC    0x0a4u
#define SVM_EXIT_LIMIT	    0x0a5u /* of the codes that are dense */
#define SVM_EXIT_NPF	    0x400u
#define SVM_EXIT_INVALID    0xffffffffu /* the low half: QEMU 7.2 stores no more */

/* EXITINFO1 of an IOIO exit (15.10.2) */
#define IOIO_IN	     BIT(0)
#define IOIO_STRING  BIT(2)
#define IOIO_REP     BIT(3)
#define IOIO_SIZE(i) ((uint8_t)(((i) >> 4) & 7)) /* one bit set: 1, 2 or 4 bytes */
#define IOIO_PORT(i) ((uint16_t)((i) >> 16))

/* EXITINFO1 of a nested page fault (15.25.6) */
#define NPF_SAME       (MEMORY_MAPPED | MEMORY_WRITE | MEMORY_FETCH) /* by bits of the same number */
#define NPF_WALK_SHIFT 28u /* bit 33, of a guest page table, to MEMORY_WALK */

/* EXITINFO1 of a CR access with decode assists (15.8.1) */
#define CR_INFO_MOV    BIT(63)
#define CR_INFO_GPR(i) ((uint8_t)((i)&0xf))

#endif

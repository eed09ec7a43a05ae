/* SPDX-License-Identifier: MIT */
/*
 * What the local APIC of a VP keeps (SDM volume 3, "Advanced Programmable Interrupt Controller";
 * APM volume 2, chapter 16). arch/x86_64/guest/lapic.h has the functions.
 *
 * Its registers are a page in the layout of xAPIC mode, which a processor with APIC virtualization
 * works on by itself while the guest runs (SDM 3C, chapter 30). TPR, PPR, ISR, TMR, IRR and the upper
 * half of ICR are there and nowhere else. The others are shown there: their values are the members
 * below, since what a guest has written to the page is not yet checked.
 *
 * An interrupt that is sent is posted first; the VP's own CPU moves it to IRR.
 *
 * Only that CPU touches it, except the members that are _Atomic: any CPU reads those to find the
 * destinations of a message, posts one, and sets bits of TMR.
 */
#ifndef ARCH_GUEST_LAPIC_H
#define ARCH_GUEST_LAPIC_H

#include <stdatomic.h>
#include <trivet/types.h>

#define LAPIC_DEFAULT_BASE 0xfee00000ull

/* Register offsets in the page (SDM, "Local APIC Register Address Map"). The MSR of a register
 * in x2APIC mode is X2APIC_MSR_BASE + offset / 16. */
enum lapic_register {
	LAPIC_ID = 0x020,
	LAPIC_VERSION = 0x030,
	LAPIC_TPR = 0x080,
	LAPIC_APR = 0x090,
	LAPIC_PPR = 0x0a0,
	LAPIC_EOI = 0x0b0,
	LAPIC_RRD = 0x0c0,
	LAPIC_LDR = 0x0d0,
	LAPIC_DFR = 0x0e0,
	LAPIC_SVR = 0x0f0,
	LAPIC_ISR = 0x100,
	LAPIC_TMR = 0x180,
	LAPIC_IRR = 0x200,
	LAPIC_ESR = 0x280,
	LAPIC_CMCI = 0x2f0,
	LAPIC_ICR = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_TIMER = 0x320, /* the first of LAPIC_LVT_COUNT entries */
	LAPIC_ERROR = 0x370,
	LAPIC_INITIAL_COUNT = 0x380,
	LAPIC_CURRENT_COUNT = 0x390,
	LAPIC_DIVIDE = 0x3e0,
	LAPIC_SELF_IPI = 0x3f0,
	/* Behind the registers: bits by vector of what was sent and is not yet in IRR, one word after the
	 * other. It is VMX's posted-interrupt descriptor (SDM 3C 30.6), whose other bits are not used. */
	LAPIC_POSTED = 0x400,
	/* The same for what is level-triggered, which is not the processor's to take: it must know
	 * first that its end exits. */
	LAPIC_POSTED_LEVELS = 0x440,
	LAPIC_PAGE_USED = 0x460,
};

#define X2APIC_MSR_BASE 0x800u

/* The entries of the local vector table, in the order of their register offsets. */
enum lapic_lvt {
	LAPIC_LVT_TIMER,
	LAPIC_LVT_THERMAL,
	LAPIC_LVT_PERFORMANCE,
	LAPIC_LVT_LINT0,
	LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR,
	LAPIC_LVT_COUNT,
};

#define LAPIC_UNSETTLED 0x100u /* beside a TPR, it makes that none */

#define LAPIC_VECTOR_WORDS 8u /* of ISR, TMR and IRR, a register each */

struct lapic {
	_Atomic uint32_t *page; /* the registers: 4 KiB, made by who makes the VP */
	/* Bit n: word n of what was posted may have a bit set; from LAPIC_VECTOR_WORDS up, of what is
	 * level-triggered. 0 is the common case and the only thing tested then. */
	_Atomic uint32_t posted_words;
	uint32_t irr_words; /* bit n: word n of IRR may have a bit set */
	/* The processor delivers what is in IRR, and ends what is in ISR, while the guest runs. */
	bool processor_delivers;
	bool service_changed;	     /* IRR or ISR, by us: the backend has to be told */
	bool synthetic;		     /* there are auto_eoi_vectors, or eoi_assist */
	bool auto_eoi;		     /* some vectors end by being delivered */
	uint16_t ppr_tpr;	     /* the TPR that PPR was last computed for, with `unsettled` */
	uint16_t unsettled;	     /* LAPIC_UNSETTLED: the highest in service may have ended */
	_Atomic bool levels_changed; /* TMR may have a bit more */
	_Atomic uint32_t id;	     /* the x2APIC id; the xAPIC register has its low 8 bits */
	_Atomic uint32_t ldr;	     /* as the register of the current mode reads */
	_Atomic uint32_t dfr;
	_Atomic uint32_t svr;
	_Atomic uint64_t base; /* IA32_APIC_BASE: the mode, and bit 8, the boot processor */
	_Atomic uint32_t lvt[LAPIC_LVT_COUNT];
	_Atomic uint32_t lint;	      /* bit n: LINTn is high */
	_Atomic uint32_t esr_next;    /* errors since the last write to ESR */
	_Atomic uint32_t sipi_vector; /* of the last start-up message, VP_REQUEST_SIPI */
	uint32_t esr;
	uint32_t icr;	 /* low half, as written */
	uint32_t divide; /* the divide configuration register */
	uint32_t initial_count;

	/* The timer. Counting modes: expiry number k comes (first + k * initial) counts after
	 * `start`, where a count is the divisor times a tick of the 1 GHz bus clock. */
	bool counting;
	uint32_t first;
	uint64_t start;	       /* host timestamp */
	uint64_t expiries;     /* that have been delivered since start (periodic mode) */
	uint64_t last_expiry;  /* host timestamp of the last of them */
	uint64_t tsc_deadline; /* in guest TSC; 0: disarmed */
	uint64_t tsc_offset;   /* guest TSC = tsc_scaled(ratio, host timestamp) + this */
	uint64_t tsc_ratio;
	uint64_t host_hz; /* ticks a second of host timestamps */

	/* Level-triggered vector whose end the VMM must hear of: 0x100 | vector, 0: none. */
	uint32_t eoi_waiting;

	uint32_t auto_eoi_vectors[LAPIC_VECTOR_WORDS];
	/* In the guest's memory: see lapic_assist_set(). NULL: it is not used. */
	_Atomic uint32_t *eoi_assist;

	/* Fixed when it is made. */
	uint8_t physical_bits; /* limit of the base address */
	bool boot_processor;   /* after reset */
	bool x2apic_allowed;
	bool x2apic_at_reset;
	bool eoi_suppression; /* the version register offers it */
};

static inline _Atomic uint32_t *lapic_word(struct lapic *lapic, uint32_t offset)
{
	return &lapic->page[offset / sizeof(uint32_t)];
}
static inline uint32_t lapic_page_get(struct lapic *lapic, uint32_t offset)
{
	return atomic_load_explicit(lapic_word(lapic, offset), memory_order_relaxed);
}
static inline void lapic_page_put(struct lapic *lapic, uint32_t offset, uint32_t value)
{
	atomic_store_explicit(lapic_word(lapic, offset), value, memory_order_relaxed);
}
/* ---- for a backend that lets the processor work on the page ---- */

/* Where the guest finds the registers. */
enum apic_place {
	APIC_NOWHERE,	/* it is off */
	APIC_ELSEWHERE, /* at an address that the VMM watches */
	APIC_AT_PAGE,	/* at arch_partition.apic_page */
	APIC_IN_MSRS,	/* x2APIC mode */
};

/* The highest vectors of ISR and IRR, 0 for none: to be told to the processor when service_changed. */
uint8_t lapic_service_vector(struct lapic *lapic);
uint8_t lapic_request_vector(struct lapic *lapic);

#endif

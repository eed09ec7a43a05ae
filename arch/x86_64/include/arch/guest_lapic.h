/* SPDX-License-Identifier: MIT */
/*
 * What the local APIC of a VP keeps (SDM volume 3, "Advanced Programmable Interrupt Controller";
 * APM volume 2, chapter 16). arch/x86_64/guest/lapic.h has the functions.
 *
 * Only the VP's own CPU touches it, except the members that are _Atomic: any CPU reads those to
 * find the destinations of a message, and sets bits of IRR and TMR to deliver one.
 */
#ifndef ARCH_GUEST_LAPIC_H
#define ARCH_GUEST_LAPIC_H

#include <stdatomic.h>
#include <trivet/types.h>

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

struct lapic {
	/* Bit n: irr[n] may have a bit set. 0 is the common case and the only thing tested then. */
	_Atomic uint32_t irr_summary;
	_Atomic uint32_t ppr; /* kept up to date with every change of TPR and ISR */
	_Atomic uint32_t irr[8];
	_Atomic uint32_t tmr[8]; /* written before IRR by who accepts */
	uint32_t isr[8];
	_Atomic uint32_t tpr;
	_Atomic uint32_t id;  /* the x2APIC id; the xAPIC register has its low 8 bits */
	_Atomic uint32_t ldr; /* as the register of the current mode reads */
	_Atomic uint32_t dfr;
	_Atomic uint32_t svr;
	_Atomic uint64_t base; /* IA32_APIC_BASE: the mode, and bit 8, the boot processor */
	_Atomic uint32_t lvt[LAPIC_LVT_COUNT];
	_Atomic uint32_t lint;	      /* bit n: LINTn is high */
	_Atomic uint32_t esr_next;    /* errors since the last write to ESR */
	_Atomic uint32_t sipi_vector; /* of the last start-up message, VP_REQUEST_SIPI */
	uint32_t esr;
	uint32_t icr; /* low half, as written */
	uint32_t icr_high;
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
	uint64_t tsc_offset;   /* guest TSC = host timestamp + this */
	uint64_t host_hz;      /* ticks a second of host timestamps */

	/* Level-triggered vector whose end the VMM must hear of: 0x100 | vector, 0: none. */
	uint32_t eoi_waiting;

	/* Fixed when it is made. */
	uint8_t physical_bits; /* limit of the base address */
	bool boot_processor;   /* after reset */
	bool x2apic_allowed;
	bool x2apic_at_reset;
	bool eoi_suppression; /* the version register offers it */
};

#endif

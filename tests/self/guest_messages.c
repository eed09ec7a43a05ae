/* SPDX-License-Identifier: MIT */
/*
 * Messages from devices to a VP that sleeps, in each way of delivery and of addressing; edges at the
 * local inputs; INIT, and resets of the whole.
 */
#include "guest.h"
#include <arch/cr.h>
#include <arch/guest_lapic.h>
#include <arch/msr.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>

GUEST_CODE_DECLARE(taker);
GUEST_CODE_DECLARE(asker);
extern const char guest_taker_fixed[], guest_taker_nmi[], guest_taker_pic[];

#define VECTOR	   0x51u
#define PIC_VECTOR 0x42u
#define NOTHING	   0u
#define FIXED	   2u /* what the guest tells */
#define NMI	   3u
#define PIC	   4u

static void start(struct test_guest *g, bool x2apic)
{
	guest_start(g, taker);
	guest_vector_set(g, 2, (uintptr_t)guest_taker_nmi);
	guest_vector_set(g, PIC_VECTOR, (uintptr_t)guest_taker_pic);
	guest_vector_set(g, VECTOR, (uintptr_t)guest_taker_fixed);
	g->vp->arch.gpr[GPR_RBX] = x2apic;
}

static status_t send(struct test_guest *g, uint64_t address, uint32_t data)
{
	bool merged;

	return arch_request_msi(g->partition, 0, address, data, &merged);
}

static bool sleeps(struct test_guest *g)
{
	enum vp_outcome outcome;

	arch_vp_resume(g->vp);
	do {
		outcome = vp_run(g->vp);
	} while (outcome == VP_SWITCH);
	atomic_store(&g->vp->run_state, outcome == VP_BLOCK ? VP_READY : VP_STOPPED);
	return outcome == VP_BLOCK;
}

/* What the guest tells is this, and then it sleeps again. */
static bool tells(struct test_guest *g, uint32_t what)
{
	if (what == PIC) {
		if (guest_run(g) != VP_RUN_PIC_VECTOR)
			return false;
		g->run->pic.vector = PIC_VECTOR;
	}
	return (what == NOTHING || guest_says(g, what)) && sleeps(g);
}

struct message {
	uint64_t address;
	uint32_t data;
	status_t status;
	uint32_t tells;
};

static bool all_told(struct test_guest *g, const struct message *messages, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct message *m = &messages[i];

		if (send(g, m->address, m->data) != m->status || !tells(g, m->tells))
			return false;
		if (!g->vp->arch.gpr[GPR_RBX]) { /* the VMM ends it, as its emulator would */
			uint32_t value = 0;

			(void)arch_vp_apic_access(g->vp, 0, LAPIC_EOI, true, &value);
		}
	}
	return true;
}

/* The VP has the x2APIC id 0, and so is bit 0 of cluster 0. */
SELFTEST(messages_to_an_x2apic)
{
	static const struct message messages[] = {
		{0xfee00000, 0x0051, STATUS_OK, FIXED},	  /* fixed, physical */
		{0xfee01000, 0x0051, STATUS_OK, NOTHING}, /* another id */
		{0xfee00020, 0x0051, STATUS_OK, NOTHING}, /* id 256 */
		{0xfeeff000, 0x0051, STATUS_OK, FIXED},	  /* everybody */
		{0xfee01004, 0x0051, STATUS_OK, FIXED},	  /* logical: cluster 0, bit 0 */
		{0xfee02004, 0x0051, STATUS_OK, NOTHING}, /* bit 1 */
		{0xfee00008, 0x0051, STATUS_OK, FIXED},	  /* the hint, physical */
		{0xfee0300c, 0x0051, STATUS_OK, FIXED},	  /* one of a logical set */
		{0xfee0f004, 0x0151, STATUS_OK, FIXED},	  /* lowest priority */
		{0xfee00000, 0x0151, STATUS_OK, FIXED},
		{0xfee00000, 0xc051, STATUS_OK, FIXED},		     /* level: and its end, below */
		{0xfee00000, 0x8051, STATUS_OK, NOTHING},	     /* level, going away */
		{0xfee00000, 0x0251, STATUS_NOT_SUPPORTED, NOTHING}, /* SMI */
		{0xfee00000, 0x0351, STATUS_INVALID_ARGUMENT, NOTHING}, /* reserved */
		{0xfee00000, 0x0400, STATUS_OK, NMI},
		{0xfee01004, 0x0451, STATUS_OK, NMI},
		{0xfee00000, 0x0620, STATUS_OK, NOTHING}, /* start-up: it does not wait for it */
		{0xfee00000, 0x0700, STATUS_OK, PIC},	  /* ExtINT */
		{0xfee00000, 0x000f, STATUS_INVALID_ARGUMENT, NOTHING}, /* no such vector */
		{0xfed00000, 0x0051, STATUS_INVALID_ADDRESS, NOTHING},
		{0xfee00000, 0x0051, STATUS_OK, FIXED},
	};
	struct test_guest g;
	size_t i;

	GUEST_SETUP(&g);
	start(&g, true);
	GUEST_CHECK(&g, guest_says(&g, 1));
	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].data == 0xc051) {
			GUEST_CHECK(&g,
				    send(&g, messages[i].address, messages[i].data) == STATUS_OK);
			GUEST_CHECK(&g, guest_says(&g, FIXED) && guest_run(&g) == VP_RUN_EOI);
			GUEST_CHECK(&g, g.run->eoi.vector == VECTOR && tells(&g, NOTHING));
			continue;
		}
		GUEST_CHECK(&g, all_told(&g, &messages[i], 1));
	}
	guest_destroy(&g);
}

static bool apic_write(struct test_guest *g, uint32_t offset, uint32_t value)
{
	return arch_vp_apic_access(g->vp, 0, offset, true, &value) == STATUS_OK;
}

/* In xAPIC mode software gives the logical id, and chooses its model. */
SELFTEST(messages_to_an_xapic)
{
	static const struct message flat[] = {
		{0xfee00000, 0x51, STATUS_OK, FIXED},	{0xfeeff000, 0x51, STATUS_OK, FIXED},
		{0xfee22004, 0x51, STATUS_OK, FIXED},	{0xfee02004, 0x51, STATUS_OK, NOTHING},
		{0xfee2000c, 0x51, STATUS_OK, FIXED},	{0xfeeff004, 0x151, STATUS_OK, FIXED},
		{0xfee20004, 0x400, STATUS_OK, NMI},	{0xfee20004, 0x700, STATUS_OK, PIC},
		{0xfee00020, 0x51, STATUS_OK, NOTHING},
	};
	static const struct message cluster[] = {
		{0xfee00000, 0x51, STATUS_OK, FIXED},	{0xfee22004, 0x51, STATUS_OK, FIXED},
		{0xfee21004, 0x51, STATUS_OK, NOTHING}, {0xfee12004, 0x51, STATUS_OK, NOTHING},
		{0xfee2f004, 0x151, STATUS_OK, FIXED},	{0xfee2300c, 0x51, STATUS_OK, FIXED},
		{0xfeeff004, 0x51, STATUS_OK, FIXED},
	};
	struct test_guest g;

	GUEST_SETUP(&g);
	start(&g, false);
	GUEST_CHECK(&g, guest_says(&g, 1) && apic_write(&g, LAPIC_SVR, 0x1ff));
	GUEST_CHECK(&g, apic_write(&g, LAPIC_LDR, 0x20000000));
	GUEST_CHECK(&g, all_told(&g, flat, ARRAY_SIZE(flat)));
	/* Cluster 2, member 1. */
	GUEST_CHECK(&g, apic_write(&g, LAPIC_DFR, 0x0fffffff));
	GUEST_CHECK(&g, apic_write(&g, LAPIC_LDR, 0x22000000));
	GUEST_CHECK(&g, all_told(&g, cluster, ARRAY_SIZE(cluster)));
	guest_destroy(&g);
}

/* Edges at the local inputs, through the entries of their table. */
SELFTEST(messages_pulses_of_the_inputs)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	start(&g, false);
	GUEST_CHECK(&g, guest_says(&g, 1) && apic_write(&g, LAPIC_SVR, 0x1ff));
	GUEST_CHECK(&g, apic_write(&g, 0x350, VECTOR) && apic_write(&g, 0x360, 0x400));
	arch_vp_pulse_lint(g.vp, 0, 0);
	GUEST_CHECK(&g, tells(&g, FIXED) && apic_write(&g, LAPIC_EOI, 0));
	arch_vp_pulse_lint(g.vp, 0, 1);
	GUEST_CHECK(&g, tells(&g, NMI));
	GUEST_CHECK(&g, apic_write(&g, 0x350, 0x700));
	arch_vp_pulse_lint(g.vp, 0, 0);
	GUEST_CHECK(&g, tells(&g, PIC));
	GUEST_CHECK(&g, apic_write(&g, 0x350, 0x10700));
	arch_vp_pulse_lint(g.vp, 0, 0);
	GUEST_CHECK(&g, tells(&g, NOTHING));
	guest_destroy(&g);
}

/* ---- INIT and reset ---- */

#define RESET_VECTOR 0xfffffff0u
#define SOME_STAR    0x0013000800000000ull
#define SOME_XMM     0x123456789abcdefull

/* It begins at the reset vector, where there is no memory. */
static bool fetches_from_reset_vector(struct test_guest *g)
{
	return guest_run(g) == VP_RUN_EMULATE && (g->run->emulate.flags & EMULATE_FETCH) &&
	       g->run->emulate.gpa == RESET_VECTOR;
}

/* SDM 3A table 10-1: it keeps CR0.CD and NW, the APIC's base with its mode and id, MSRs and floating
 * point; all else is as after power-on. */
SELFTEST(messages_init)
{
	struct test_guest g;
	uint64_t base, cr0;

	GUEST_SETUP(&g);
	start(&g, true);
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_STAR, SOME_STAR));
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_XMM0, SOME_XMM));
	GUEST_CHECK(&g, guest_says(&g, 1));
	base = g.vp->vtl[0]->arch.lapic.base;
	GUEST_CHECK(&g, (base & APIC_BASE_X2APIC) && (base & APIC_BASE_BSP));
	cr0 = guest_register(&g, HV_X64_REGISTER_CR0);
	GUEST_CHECK(&g, send(&g, 0xfee00000, 0x500) == STATUS_OK);
	GUEST_CHECK(&g, fetches_from_reset_vector(&g));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_CR0) ==
				(CR0_ET | (cr0 & (CR0_CD | CR0_NW))));
	GUEST_CHECK(&g, g.run->regs.rip == 0xfff0 && g.run->regs.efer == 0 &&
				g.run->regs.cr4 == 0 && g.run->regs.gpr[GPR_RBX] == 0);
	GUEST_CHECK(&g, g.vp->vtl[0]->arch.lapic.base == base);
	GUEST_CHECK(&g, g.vp->vtl[0]->arch.lapic.svr == 0xff);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_STAR) == SOME_STAR);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_XMM0) == SOME_XMM);
	guest_destroy(&g);
}

#define RESETS 100u

/* Whatever it was doing, it begins anew; no memory is used up by it; its clocks are at 0. */
SELFTEST(messages_end_with_a_reset)
{
	struct test_guest g;
	uint64_t pages;
	unsigned int i;

	GUEST_SETUP(&g);
	pages = kernel_heap.pages_free;
	for (i = 0; i < RESETS; i++) {
		uint64_t old = g.partition->arch.tsc_offset;

		start(&g, i % 2);
		GUEST_CHECK(&g, guest_says(&g, 1));
		GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_STAR, SOME_STAR));
		(void)send(&g, 0xfee00000, i % 3 ? VECTOR : 0x400);
		arch_vp_set_lint(g.vp, 0, 0, true);
		GUEST_CHECK(&g, partition_reset(g.partition) == STATUS_OK);
		GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
		GUEST_CHECK(&g, g.partition->arch.tsc_offset != old);
		GUEST_CHECK(&g,
			    g.vp->vtl[0]->arch.lapic.tsc_offset == g.partition->arch.tsc_offset);
		GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_STAR) == 0);
		GUEST_CHECK(&g,
			    guest_register(&g, HV_X64_REGISTER_CR0) == (CR0_ET | CR0_CD | CR0_NW));
		GUEST_CHECK(&g, fetches_from_reset_vector(&g));
	}
	GUEST_CHECK(&g, kernel_heap.pages_free == pages);
	guest_destroy(&g);
}

/* ---- taken in without a run ---- */

#define TIMER_WAIT_MS 2000u

/* What is left of the requests. */
static uint32_t flush(struct vp *vp)
{
	arch_vp_flush_requests(vp);
	return atomic_load(&vp->requests);
}

static struct vp_state_activity activity_of(struct vp *vp)
{
	struct vp_state_activity activity;
	uint64_t size;

	if (vp_state_get(vp, 0, VP_STATE_ACTIVITY, &activity, sizeof(activity), &size) != STATUS_OK)
		activity.activity = UINT32_MAX;
	return activity;
}

static bool timer_ends(const struct vp *vp)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * TIMER_WAIT_MS;

	while (!atomic_load(&vp->requests) && timestamp_read() < limit)
		arch_interrupt_window();
	return atomic_load(&vp->requests) == VP_REQUEST_TIMER;
}

/* It sleeps no more. */
static bool awake(struct test_guest *g)
{
	atomic_store(&g->vp->run_state, VP_STOPPED);
	return vp_reset(g->vp) == STATUS_OK;
}

/* The timer's end is in IRR when it is asked for, and the guest hears of it. */
static bool flushes_timer(struct test_guest *g)
{
	uint32_t requested;

	start(g, false);
	if (!guest_says(g, 1) || !apic_write(g, LAPIC_SVR, 0x1ff) ||
	    !apic_write(g, LAPIC_TIMER, VECTOR) || !apic_write(g, LAPIC_INITIAL_COUNT, 1000))
		return false;
	return timer_ends(g->vp) && flush(g->vp) == 0 &&
	       arch_vp_apic_access(g->vp, 0, LAPIC_IRR + VECTOR / 32 * 16, false, &requested) ==
		       STATUS_OK &&
	       requested == BIT(VECTOR % 32) && tells(g, FIXED) && awake(g);
}

/* The yield waits for the run, which goes on with the rest. */
static bool flushes_interrupts(struct test_guest *g)
{
	uint64_t rip;

	start(g, true);
	if (!guest_says(g, 1))
		return false;
	rip = guest_register(g, HV_X64_REGISTER_RIP);
	vp_request(g->vp, VP_REQUEST_YIELD);
	if (send(g, 0xfee00000, VECTOR) != STATUS_OK || send(g, 0xfee00000, 0x400) != STATUS_OK)
		return false;
	return flush(g->vp) == VP_REQUEST_YIELD && flush(g->vp) == VP_REQUEST_YIELD &&
	       activity_of(g->vp).pending == VP_PENDING_NMI &&
	       guest_register(g, HV_X64_REGISTER_RIP) == rip && guest_run(g) == VP_RUN_YIELD &&
	       guest_says(g, NMI) && tells(g, FIXED) && awake(g);
}

/* The other VP waits for its start-up message, and is where that says. */
static bool flushes_start(struct test_guest *g, struct vp *other)
{
	struct vp_state_registers r;
	uint64_t size;

	if (send(g, 0xfee01000, 0x69a) != STATUS_OK || send(g, 0xfee01000, 0x500) != STATUS_OK ||
	    flush(other) != 0 || activity_of(other).activity != VP_WAITS_FOR_SIPI)
		return false;
	if (send(g, 0xfee01000, 0x69a) != STATUS_OK ||
	    activity_of(other).pending != VP_PENDING_SIPI || flush(other) != 0 ||
	    vp_state_get(other, 0, VP_STATE_REGISTERS, &r, sizeof(r), &size) != STATUS_OK)
		return false;
	return activity_of(other).activity == VP_RUNNING_ACTIVE && !activity_of(other).pending &&
	       r.segment[1].base == 0x9a000 && r.rip == 0;
}

/* First the VMM's answer to an IN, which is taken once; then INIT, whose registers can be looked at. */
static bool flushes_init(struct test_guest *g)
{
	guest_start(g, asker);
	if (guest_run(g) != VP_RUN_PORT_IO)
		return false;
	g->run->port.value = 0x77;
	if (flush(g->vp) != 0 || guest_register(g, HV_X64_REGISTER_RAX) != 0x77)
		return false;
	g->run->port.value = 0x78;
	if (!guest_says(g, 0x77) || send(g, 0xfee00000, 0x500) != STATUS_OK)
		return false;
	return guest_register(g, HV_X64_REGISTER_RIP) != 0xfff0 && flush(g->vp) == 0 &&
	       guest_register(g, HV_X64_REGISTER_RIP) == 0xfff0 &&
	       guest_register(g, HV_X64_REGISTER_RAX) == 0 && fetches_from_reset_vector(g);
}

SELFTEST(messages_are_taken_in_without_a_run)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_destroy(&g);
	CHECK(guest_create_vps(&g, 2));
	GUEST_CHECK(&g, flushes_timer(&g));
	GUEST_CHECK(&g, flushes_interrupts(&g));
	GUEST_CHECK(&g, flushes_start(&g, partition_vp(g.partition, 1)));
	GUEST_CHECK(&g, flushes_init(&g));
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/* Interrupts on their way to a guest: windows, priorities, NMIs, timers, halting. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/arch.h>
#include <kernel/backend.h>
#include <kernel/timer.h>

GUEST_CODE_DECLARE(timer);
GUEST_CODE_DECLARE(window);
GUEST_CODE_DECLARE(nmi);
GUEST_CODE_DECLARE(spin);
GUEST_CODE_DECLARE(spin_exits);
GUEST_CODE_DECLARE(step);
extern const char guest_step_nmi[], guest_step_db[], guest_step_ud[];
extern const char guest_timer_tick[], guest_window_irq[], guest_nmi_entry[];

/* VP_REQUEST_NMI of the x86 guest; the header that names it is the architecture's own. */
#define REQUEST_NMI    VP_REQUEST_ARCH
#define MOV_CR8_LENGTH 4u

SELFTEST(event_timer_ends_halt)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, timer);
	guest_vector_set(&g, 0x40, (uintptr_t)guest_timer_tick);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, g.vp->stats->exits[VP_EXIT_HALT] >= 1);
	guest_destroy(&g);
}

/* The VMM's part where the processor does not decode MOV CR8. */
static bool says_or_writes_cr8(struct test_guest *g, uint32_t value)
{
	while (guest_run(g) == VP_RUN_EMULATE && g->run->emulate.flags == EMULATE_CR) {
		g->run->regs.cr8 = g->run->regs.gpr[GPR_RAX];
		g->run->regs.rip += MOV_CR8_LENGTH;
		g->run->set = VP_SET_GPRS | VP_SET_CRS;
	}
	return g->run->reason == VP_RUN_PORT_IO && g->run->port.value == value;
}

SELFTEST(event_interrupt_window)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, window);
	guest_vector_set(&g, 0x51, (uintptr_t)guest_window_irq);
	guest_vector_set(&g, 0x61, (uintptr_t)guest_window_irq);
	GUEST_CHECK(&g, says_or_writes_cr8(&g, 0)); /* class 5 is held off by CR8 = 5 */
	GUEST_CHECK(&g, says_or_writes_cr8(&g, 1)); /* CR8 = 0 lets it in */
	GUEST_CHECK(&g, says_or_writes_cr8(&g, 1)); /* IF = 0 holds the next off */
	GUEST_CHECK(&g, says_or_writes_cr8(&g, 2));
	guest_destroy(&g);
}

SELFTEST(event_nmi_masks_nmi)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, nmi);
	guest_vector_set(&g, 2, (uintptr_t)guest_nmi_entry);
	GUEST_CHECK(&g, guest_says(&g, 6));
	vp_request(g.vp, REQUEST_NMI);
	GUEST_CHECK(&g, guest_says(&g, 1));
	vp_request(g.vp, REQUEST_NMI); /* in the handler: waits for its IRET */
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RCX) == 1); /* after all of the first */
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

/* An NMI waits for the end of an interrupt shadow, and comes right behind another event; of the
 * stepping that this takes the guest sees nothing. */
SELFTEST(event_nmi_steps_unseen)
{
	struct arch_vp_vtl *a;
	struct test_guest g;

	GUEST_SETUP(&g);
	a = &g.vp->vtl[0]->arch;
	guest_start(&g, step);
	guest_vector_set(&g, 1, (uintptr_t)guest_step_db);
	guest_vector_set(&g, 2, (uintptr_t)guest_step_nmi);
	guest_vector_set(&g, 6, (uintptr_t)guest_step_ud);
	GUEST_CHECK(&g, guest_says(&g, 5));
	a->shadow = 1;
	vp_request(g.vp, REQUEST_NMI);
	GUEST_CHECK(&g, guest_says(&g, 0x001));
	/* Open to interrupts, though there are none: event_host_interrupts_closed_guest tells why. */
	a->rflags |= RFLAGS_IF;
	a->event.type = EVENT_EXCEPTION;
	a->event.vector = 6;
	a->event.has_error = false;
	a->work |= WORK_EVENT;
	vp_request(g.vp, REQUEST_NMI);
	GUEST_CHECK(&g, guest_says(&g, 0x002));
	guest_destroy(&g);
}

static struct vp *timer_vp;

static void timer_yields(struct timer *timer)
{
	(void)timer;
	vp_request(timer_vp, VP_REQUEST_YIELD);
}

/* A guest that does nothing but run, until a timer of the host's ends it. */
static bool timer_ends_spin(struct test_guest *g)
{
	struct timer timer;

	timer_vp = g->vp;
	timer_init(&timer, timer_yields);
	timer_set(&timer, timestamp_read() + timestamp_hz / 100);
	return guest_run(g) == VP_RUN_YIELD && !timer_is_set(&timer);
}

SELFTEST(event_host_interrupts_guest)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, spin);
	g.vp->vtl[0]->arch.rflags |= RFLAGS_IF;
	GUEST_CHECK(&g, timer_ends_spin(&g));
	guest_destroy(&g);
}

/* RFLAGS.IF of the guest holds no interrupt of the host off (APM 15.21.1, SDM 3C 26.2). The second
 * stay begins after the host has closed its own RFLAGS.IF, which Bochs' VM entry goes on with. */
SELFTEST(event_host_interrupts_closed_guest)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, spin);
	GUEST_CHECK(&g, timer_ends_spin(&g));
	arch_interrupt_window();
	GUEST_CHECK(&g, timer_ends_spin(&g));
	guest_destroy(&g);
}

/* Nor do exits that the kernel handles without a look at the host's interrupts. */
SELFTEST(event_host_interrupts_guest_that_exits)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, spin_exits);
	GUEST_CHECK(&g, timer_ends_spin(&g));
	arch_interrupt_window();
	GUEST_CHECK(&g, timer_ends_spin(&g));
	guest_destroy(&g);
}

SELFTEST(event_yield)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, spin);
	vp_request(g.vp, VP_REQUEST_YIELD);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_YIELD);
	guest_destroy(&g);
}

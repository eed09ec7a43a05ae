/* SPDX-License-Identifier: MIT */
/* A guest whose APIC the VMM models: what the kernel leaves to it, and what it asks of the kernel. */
#include "guest.h"
#include <arch/guest_lapic.h>
#include <arch/msr.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(modelled);
extern const char guest_modelled_gp[], guest_modelled_irq[], guest_modelled_nmi[];

#define VECTOR	      0x50u
#define APIC_ACCESS   0xfee00020u
#define ACCESS_LENGTH 2u
#define CR8_LENGTH    4u
#define GIB_OF_APIC   3u
#define PTE_TABLE     7u
#define PTE_LARGE     (PTE_TABLE | BIT(7))
#define RESET_VECTOR  0xfffffff0u
#define ANY_CR8	      16u

/* The guest reaches the page at the APIC's address. */
static void high_pages_map(struct test_guest *g)
{
	uint64_t *tables = (uint64_t *)(g->ram + GUEST_PAGE_TABLES);
	uint64_t *directory = tables + 3 * 512;
	unsigned int i;

	tables[512 + GIB_OF_APIC] = (GUEST_PAGE_TABLES + 3 * PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < 512; i++)
		directory[i] = (GIB_OF_APIC * GIB(1) + i * LARGE_PAGE_SIZE) | PTE_LARGE;
}

static bool msr_asked(struct test_guest *g, uint32_t index, bool write)
{
	return guest_run(g) == VP_RUN_MSR && g->run->msr.index == index &&
	       g->run->msr.write == write && g->run->interrupt.cr8 == 0;
}

static bool accesses(struct test_guest *g)
{
	bool good = msr_asked(g, MSR_APIC_BASE, false);

	g->run->msr.value = 0x12345;
	good = good && guest_says(g, 0x12345);
	good = good && msr_asked(g, 0x80b, true) && g->run->msr.value == 0x5566778811223344;
	good = good && guest_says(g, 1) && msr_asked(g, 0x808, false);
	g->run->msr.fault = 1;
	good = good && guest_says(g, 2);
	good = good && guest_run(g) == VP_RUN_EMULATE && g->run->emulate.gpa == APIC_ACCESS;
	good = good && g->run->regs.cr8 == 9;
	g->run->regs.gpr[GPR_RAX] = 0x77;
	g->run->regs.rip += ACCESS_LENGTH;
	g->run->set = VP_SET_GPRS;
	return good && guest_says(g, 0x77);
}

static bool halts_with(struct test_guest *g, uint8_t cr8)
{
	return guest_run(g) == VP_RUN_HALT && g->run->interrupt.cr8 == cr8;
}

static void answer(struct test_guest *g, uint32_t set, uint8_t vector, uint8_t window)
{
	g->run->interrupt.vector = vector;
	g->run->interrupt.window = window;
	g->run->set = set;
}

/* It sleeps: no window is open. */
static bool sleeps(struct test_guest *g)
{
	enum vp_outcome outcome;

	arch_vp_resume(g->vp);
	outcome = vp_run(g->vp);
	atomic_store(&g->vp->run_state, VP_READY);
	return outcome == VP_BLOCK;
}

static bool window_opens(struct test_guest *g, uint8_t cr8)
{
	return guest_run(g) == VP_RUN_INTERRUPT_WINDOW && g->run->interrupt.cr8 == cr8;
}

/* In its sleep, by the priority of what waits. */
static bool windows_of_a_sleeper(struct test_guest *g)
{
	bool good = halts_with(g, 9);

	answer(g, VP_SET_HALT | VP_SET_WINDOW, 0, 9);
	good = good && sleeps(g);
	vp_request(g->vp, VP_REQUEST_YIELD);
	good = good && guest_run(g) == VP_RUN_YIELD;
	answer(g, VP_SET_WINDOW, 0, 10);
	good = good && window_opens(g, 9);
	answer(g, VP_SET_INTERRUPT, VECTOR, 0);
	return good && guest_says(g, 20) && guest_says(g, 3);
}

static bool windows_of_a_runner(struct test_guest *g)
{
	bool good = guest_says(g, 4); /* with interrupts off */

	answer(g, VP_SET_WINDOW, 0, ANY_CR8);
	good = good && window_opens(g, 9);
	answer(g, VP_SET_INTERRUPT, VECTOR, 0);
	good = good && guest_says(g, 20) && guest_says(g, 5);
	answer(g, VP_SET_WINDOW, 0, 5); /* until the guest lowers CR8 */
	if (guest_run(g) == VP_RUN_EMULATE && g->run->emulate.flags == EMULATE_CR) {
		/* A processor that does not decode it: the VMM does. */
		g->run->regs.cr8 = 1;
		g->run->regs.rip += CR8_LENGTH;
		g->run->set = VP_SET_GPRS | VP_SET_CRS;
		guest_run(g);
	}
	good = good && g->run->reason == VP_RUN_INTERRUPT_WINDOW && g->run->interrupt.cr8 == 1;
	good = good && guest_says(g, 6) && halts_with(g, 1);
	return good;
}

SELFTEST(user_apic)
{
	uint64_t pages = kernel_heap.pages_free;
	struct test_guest g;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_flags(&g, PARTITION_USER_MODE_APIC));
	guest_start(&g, modelled);
	/* QEMU 7.2 keeps a watchpoint of another test's guest below GUEST_STACK, and forgets an
	 * injection whose frame meets it. */
	g.vp->arch.gpr[GPR_RSP] = GUEST_STACK - 1024;
	high_pages_map(&g);
	guest_vector_set(&g, 13, (uintptr_t)guest_modelled_gp);
	guest_vector_set(&g, VECTOR, (uintptr_t)guest_modelled_irq);
	guest_vector_set(&g, 2, (uintptr_t)guest_modelled_nmi);
	GUEST_CHECK(&g, accesses(&g));
	GUEST_CHECK(&g, windows_of_a_sleeper(&g));
	GUEST_CHECK(&g, windows_of_a_runner(&g));
	/* An NMI ends the sleep, too. */
	answer(&g, VP_SET_HALT | VP_SET_NMI, 0, 0);
	GUEST_CHECK(&g, guest_says(&g, 30) && guest_says(&g, 7) && halts_with(&g, 1));
	/* CR8 by the VMM, and what is no sleep goes on behind the HLT: into nothing, here. */
	g.run->interrupt.cr8 = 7;
	g.run->set = VP_SET_CR8 | VP_SET_HALT;
	GUEST_CHECK(&g, sleeps(&g) && guest_register(&g, HV_X64_REGISTER_CR8) == 7);
	answer(&g, VP_SET_INIT, 0, 0);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE && g.run->emulate.gpa == RESET_VECTOR);
	/* A request is made once: not of a VP that was looked at, or reset, meanwhile. */
	answer(&g, VP_SET_HALT, 0, 0);
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK && guest_run(&g) == VP_RUN_EMULATE);
	g.run->interrupt.cr8 = 5;
	g.run->set = VP_SET_CR8;
	arch_vp_settle(g.vp);
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_CR8, 2) && !g.run->set);
	/* The kernel's APIC stays off. */
	GUEST_CHECK(&g, !guest_register_set(&g, HV_X64_REGISTER_APIC_BASE,
					    guest_register(&g, HV_X64_REGISTER_APIC_BASE) ^
						    APIC_BASE_ENABLE));
	guest_destroy(&g);
	CHECK(kernel_heap.pages_free == pages);
}

/* The bits mean nothing in a partition whose APIC is the kernel's. */
SELFTEST(user_apic_elsewhere)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, modelled);
	guest_vector_set(&g, VECTOR, (uintptr_t)guest_modelled_irq);
	answer(&g, VP_SET_APIC, VECTOR, ANY_CR8);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO &&
				(g.run->port.value & LAPIC_DEFAULT_BASE) == LAPIC_DEFAULT_BASE);
	guest_destroy(&g);
}

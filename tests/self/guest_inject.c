/* SPDX-License-Identifier: MIT */
/* Exceptions and interrupts that come from the VMM or follow from each other, and what holds them
 * off for one instruction. */
#include "guest.h"
#include <arch/clock.h>
#include <arch/cr.h>
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(injected);
GUEST_CODE_DECLARE(double_fault);
GUEST_CODE_DECLARE(stepped);
GUEST_CODE_DECLARE(shadow);
GUEST_CODE_DECLARE(outside);
GUEST_CODE_DECLARE(tsc);
GUEST_CODE_DECLARE(delivery);
GUEST_CODE_DECLARE(kept);
extern const char guest_delivery_irq[], guest_kept_irq[];
extern const char guest_injected_pf[], guest_double_fault_df[], guest_stepped_db[],
	guest_shadow_irq[], guest_outside_pic[], guest_outside_msi[];

#define VECTOR_DB 1u
#define VECTOR_DF 8u
#define VECTOR_PF 14u
#define DR6_STEP  0xffff4ff0u

SELFTEST(inject_exception_by_vmm)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, injected);
	guest_vector_set(&g, VECTOR_PF, (uintptr_t)guest_injected_pf);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	g.run->regs.cr2 = 0x1234;
	g.run->event.vector = VECTOR_PF;
	g.run->event.has_error = 1;
	g.run->event.error = 6;
	g.run->set = VP_SET_CRS | VP_SET_EVENT;
	GUEST_CHECK(&g, guest_says(&g, 6));
	GUEST_CHECK(&g, guest_says(&g, 0x1234));
	guest_destroy(&g);
}

SELFTEST(inject_double_fault)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, double_fault);
	guest_vector_set(&g, VECTOR_DF, (uintptr_t)guest_double_fault_df);
	GUEST_CHECK(&g, guest_says(&g, 8)); /* its error code is 0 */
	guest_destroy(&g);
}

SELFTEST(inject_single_step_over_exit)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, stepped);
	guest_vector_set(&g, VECTOR_DB, (uintptr_t)guest_stepped_db);
	GUEST_CHECK(&g, guest_says(&g, 0)); /* RIP less that of the instruction after CPUID */
	GUEST_CHECK(&g, guest_says(&g, DR6_STEP));
	guest_destroy(&g);
}

SELFTEST(inject_waits_for_shadow)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, shadow);
	guest_vector_set(&g, 0x51, (uintptr_t)guest_shadow_irq);
	GUEST_CHECK(&g, guest_says(&g, 0)); /* after HLT */
	GUEST_CHECK(&g, guest_says(&g, 0)); /* after the NOP that follows STI */
	guest_destroy(&g);
}

/* An exit before the first instruction of an entry leaves the interrupt shadow there. */
SELFTEST(inject_shadow_outlives_exit)
{
	struct arch_vp_vtl *a;
	struct test_guest g;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		GUEST_SETUP(&g);
		a = &g.vp->vtl[0]->arch;
		guest_start(&g, kept);
		guest_vector_set(&g, 0x51, (uintptr_t)guest_kept_irq);
		GUEST_CHECK(&g, guest_says(&g, 5));
		a->rflags |= RFLAGS_IF;
		a->shadow = 1;
		if (round == 1)
			arch_cpu_kick(this_cpu()); /* ends the first entry at once */
		GUEST_CHECK(&g, guest_says(&g, 1));
		guest_destroy(&g);
	}
}

SELFTEST(inject_vector_of_pic)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, outside);
	guest_vector_set(&g, 0x42, (uintptr_t)guest_outside_pic);
	GUEST_CHECK(&g, guest_says(&g, 1));
	arch_vp_set_lint(g.vp, 0, 0, true);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PIC_VECTOR);
	arch_vp_set_lint(g.vp, 0, 0, false);
	g.run->pic.vector = 0x42;
	GUEST_CHECK(&g, guest_says(&g, 2));
	/* A line that falls before anybody has asked is no interrupt. */
	arch_vp_set_lint(g.vp, 0, 0, true);
	arch_vp_set_lint(g.vp, 0, 0, false);
	vp_request(g.vp, VP_REQUEST_YIELD);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_YIELD);
	guest_destroy(&g);
}

/* A level-triggered message: the guest's EOI is told to the VMM. */
SELFTEST(inject_level_eoi)
{
	struct test_guest g;
	bool merged;

	GUEST_SETUP(&g);
	guest_start(&g, outside);
	guest_vector_set(&g, 0x55, (uintptr_t)guest_outside_msi);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, 0xfee00000, 0xc055, &merged) == STATUS_OK);
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EOI && g.run->eoi.vector == 0x55);
	GUEST_CHECK(&g, guest_says(&g, 4));
	/* An edge-triggered one is nobody's business. */
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, 0xfee00000, 0x0055, &merged) == STATUS_OK);
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_says(&g, 4));
	guest_destroy(&g);
}

/* The guest's clock begins with its partition. */
SELFTEST(inject_time_stamps)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, tsc);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO);
	GUEST_CHECK(&g, (uint64_t)g.run->port.value << 16 < timestamp_hz * 5);
	GUEST_CHECK(&g, guest_says(&g, 1));
	guest_destroy(&g);
}

#define DELIVERY_PAGE 0x400000u

/* The frame's page is mapped when the processor has missed it: the interrupt comes once, then. */
SELFTEST(inject_again_what_was_interrupted)
{
	const uint32_t flags = EMULATE_MEMORY | EMULATE_WRITE | EMULATE_EVENT;
	struct test_guest g;
	void *page;
	bool ok;

	GUEST_SETUP(&g);
	page = page_alloc(&kernel_heap, 0);
	GUEST_CHECK(&g, page);
	guest_start(&g, delivery);
	guest_vector_set(&g, 0x51, (uintptr_t)guest_delivery_irq);
	ok = guest_run(&g) == VP_RUN_EMULATE && g.run->emulate.flags == flags;

	ok = ok && ALIGN_DOWN(g.run->emulate.gpa, PAGE_SIZE) == DELIVERY_PAGE;
	ok = ok && gpa_map(partition_space(g.partition, 0), DELIVERY_PAGE, kva_to_hpa(page),
			   PAGE_SIZE, GPA_WRITABLE) == STATUS_OK;
	ok = ok && guest_says(&g, 1);
	guest_destroy(&g);
	page_free(&kernel_heap, page, 0);
	CHECK(ok);
}

/* SPDX-License-Identifier: MIT */
/* What MOV SS holds off for one instruction (APM 2 8.5.1, SDM 3A 6.8.3): interrupts, and traps. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(mov_ss);
GUEST_CODE_DECLARE(step_ss);
GUEST_CODE_DECLARE(hidden);
GUEST_CODE_DECLARE(hidden_fault);
extern const char guest_hidden_nmi[], guest_hidden_ud[], guest_hidden_int[];
extern const char guest_hidden_fault_gp[], guest_hidden_fault_irq[];
extern const char guest_mov_ss_irq[], guest_step_ss_db[];

#define VECTOR_DB   1u
#define VECTOR_NMI  2u
#define VECTOR_UD   6u
#define VECTOR_GP   13u
#define VECTOR_IRQ  0x51u
#define VECTOR_INT  0x52u
#define SHADOW_PAGE 0x400000u
#define READ_LENGTH 2u
#define SVR	    0xf0u
#define MSI_ADDRESS 0xfee00000u
#define MSI_NMI	    0x400u

/* The instruction behind MOV SS exits; until it is done, by the guest or the VMM, nothing comes. */
static bool waits_for_read(struct test_guest *g, void *page, uint32_t message, bool emulated)
{
	uint32_t svr = 0x1ff;
	bool merged;

	guest_start(g, mov_ss);
	guest_vector_set(g, VECTOR_IRQ, (uintptr_t)guest_mov_ss_irq);
	guest_vector_set(g, VECTOR_NMI, (uintptr_t)guest_mov_ss_irq);
	if (arch_vp_apic_access(g->vp, 0, SVR, true, &svr) != STATUS_OK)
		return false;
	if (guest_run(g) != VP_RUN_EMULATE || g->run->emulate.gpa != SHADOW_PAGE)
		return false;
	if (arch_request_msi(g->partition, 0, MSI_ADDRESS, message, &merged) != STATUS_OK)
		return false;
	if (emulated) {
		g->run->regs.rip += READ_LENGTH;
		g->run->set = VP_SET_GPRS;
	} else if (gpa_map(partition_space(g->partition, 0), SHADOW_PAGE, kva_to_hpa(page),
			   PAGE_SIZE, 0) != STATUS_OK) {
		return false;
	}
	/* RIP less that of the next instruction; the handler's IRET goes there. */
	return guest_says(g, 0) && guest_says(g, 99);
}

static bool waits(uint32_t message, bool emulated)
{
	void *page = page_alloc(&kernel_heap, 0);
	struct test_guest g;
	bool ok;

	if (!page)
		return false;
	ok = guest_create(&g) && waits_for_read(&g, page, message, emulated);
	guest_destroy(&g);
	page_free(&kernel_heap, page, 0);
	return ok;
}

SELFTEST(shadow_of_mov_ss_holds_nmi)
{
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(waits(MSI_NMI, false));
	CHECK(waits(MSI_NMI, true));
}

SELFTEST(shadow_of_mov_ss_holds_interrupt)
{
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(waits(VECTOR_IRQ, true));
	CHECK(waits(VECTOR_IRQ, false));
}

/* Where an NMI waits for the end of a shadow, the guest's flags show nothing of the step. */
SELFTEST(shadow_step_is_hidden)
{
	struct test_guest g;
	unsigned int i;
	bool merged;

	GUEST_SETUP(&g);
	guest_start(&g, hidden);
	guest_vector_set(&g, VECTOR_NMI, (uintptr_t)guest_hidden_nmi);
	guest_vector_set(&g, VECTOR_UD, (uintptr_t)guest_hidden_ud);
	guest_vector_set(&g, VECTOR_INT, (uintptr_t)guest_hidden_int);
	g.vp->arch.gpr[GPR_RBX] = 0;
	for (i = 0; i < 4; i++) {
		GUEST_CHECK(&g, guest_says(&g, 5));
		GUEST_CHECK(&g, arch_request_msi(g.partition, 0, MSI_ADDRESS, MSI_NMI, &merged) ==
					STATUS_OK);
		g.vp->vtl[0]->arch.shadow = 1;
		if (i < 3)
			GUEST_CHECK(&g, guest_says(&g, 0));
	}
	GUEST_CHECK(&g, guest_says(&g, 99));
	GUEST_CHECK(&g, g.vp->arch.gpr[GPR_RBX] == 4);
	guest_destroy(&g);
}

/* A fault that the kernel injects ends the shadow: nothing is stepped over behind it. */
SELFTEST(shadow_step_is_not_for_injected)
{
	struct test_guest g;
	bool merged;

	GUEST_SETUP(&g);
	guest_start(&g, hidden_fault);
	guest_vector_set(&g, VECTOR_GP, (uintptr_t)guest_hidden_fault_gp);
	guest_vector_set(&g, VECTOR_IRQ, (uintptr_t)guest_hidden_fault_irq);
	GUEST_CHECK(&g, guest_says(&g, 5));
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, MSI_ADDRESS, VECTOR_IRQ, &merged) ==
				STATUS_OK);
	g.vp->vtl[0]->arch.rflags |= RFLAGS_IF;
	g.vp->vtl[0]->arch.shadow = 1;
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 99));
	GUEST_CHECK(&g, g.vp->arch.gpr[GPR_RBX] == 2);
	guest_destroy(&g);
}

/* The trap of MOV SS itself is lost, that of the next instruction comes. */
SELFTEST(shadow_of_mov_ss_holds_trap)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, step_ss);
	guest_vector_set(&g, VECTOR_DB, (uintptr_t)guest_step_ss_db);
	GUEST_CHECK(&g, guest_says(&g, 0)); /* RIP less that of the instruction after the NOP */
	GUEST_CHECK(&g, guest_says(&g, 0)); /* after CPUID */
	GUEST_CHECK(&g, guest_says(&g, 99));
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/*
 * The local APIC by its page and by MSRs. The guest sees the same whatever of it the processor
 * virtualizes, so the tests run with each part on and off (`apicv=`).
 */
#include "guest.h"
#include <arch/guest_lapic.h>
#include <kernel/memory_map.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>

#define PAGE_LINEAR   0x3fe00000u
#define PTE_LARGE     0x87u
#define ACCESS_LENGTH 2u
#define VERSION	      0x50014u
#define NOBODY	      0xffffffffu
#define VECTOR_LEVEL  0x55u

GUEST_CODE_DECLARE(apic_registers);
GUEST_CODE_DECLARE(apic_by_page);
GUEST_CODE_DECLARE(apic_by_msr);
GUEST_CODE_DECLARE(apic_nest_by_page);
GUEST_CODE_DECLARE(apic_nest_by_msr);
GUEST_CODE_DECLARE(apic_level);
GUEST_CODE_DECLARE(apic_leaves);
GUEST_CODE_DECLARE(apic_msrs);
extern const char guest_apic_by_page_irq_51[], guest_apic_by_page_irq_61[],
	guest_apic_by_page_irq_71[];
extern const char guest_apic_by_msr_irq_51[], guest_apic_by_msr_irq_61[],
	guest_apic_by_msr_irq_71[];
extern const char guest_apic_nest_by_page_irq_51[], guest_apic_nest_by_page_irq_61[],
	guest_apic_nest_by_page_irq_71[];
extern const char guest_apic_nest_by_msr_irq_51[], guest_apic_nest_by_msr_irq_61[],
	guest_apic_nest_by_msr_irq_71[];
extern const char guest_apic_level_irq[], guest_apic_msrs_gp[];

/* The APIC's address is outside the memory that a guest has tables for. */
static void page_reach(struct test_guest *g)
{
	uint64_t *directory = (uint64_t *)(g->ram + GUEST_PAGE_TABLES + 2 * PAGE_SIZE);

	directory[PAGE_LINEAR / LARGE_PAGE_SIZE] = LAPIC_DEFAULT_BASE | PTE_LARGE;
}

static bool is_access(const struct test_guest *g)
{
	return g->run->reason == VP_RUN_EMULATE && (g->run->emulate.flags & EMULATE_MEMORY) &&
	       ALIGN_DOWN(g->run->emulate.gpa, PAGE_SIZE) == LAPIC_DEFAULT_BASE;
}

/* The VMM's part of an access that the processor does not virtualize. Gives the vector whose end the
 * I/O APIC has to hear of, 0: none. */
static uint32_t access_emulate(struct test_guest *g)
{
	struct vp_run_regs *regs = &g->run->regs;
	uint32_t offset = (uint32_t)(g->run->emulate.gpa - LAPIC_DEFAULT_BASE);
	bool write = g->run->emulate.flags & EMULATE_WRITE;
	uint32_t value = write ? (uint32_t)regs->gpr[GPR_RAX] : NOBODY;

	arch_vp_apic_access(g->vp, 0, offset, write, &value);
	if (!write)
		regs->gpr[GPR_RAX] = value;
	regs->rip += ACCESS_LENGTH;
	g->run->set = VP_SET_GPRS;
	return write && (value & APIC_ACCESS_EOI) ? value & 0xff : 0;
}

/* guest_says(), with a VMM that knows the APIC's page, and what MOV CR8 writes. */
static bool says(struct test_guest *g, uint32_t value)
{
	for (;;) {
		guest_run(g);
		if (is_access(g))
			access_emulate(g);
		else
			break;
	}
	return g->run->reason == VP_RUN_PORT_IO && g->run->port.port == GUEST_PORT &&
	       g->run->port.value == value;
}

/* No access needs the VMM where the processor virtualizes them all. */
static bool nobody_decoded(const struct test_guest *g)
{
	return !(backend_assists & ASSIST_APIC_PAGE) || !g->vp->stats->exits[VP_EXIT_MEMORY];
}

SELFTEST(apic_page_registers)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_registers);
	page_reach(&g);
	GUEST_CHECK(&g, says(&g, 0)); /* the id is fixed */
	GUEST_CHECK(&g, says(&g, VERSION));
	GUEST_CHECK(&g, says(&g, 0x02000000)); /* LDR */
	GUEST_CHECK(&g, says(&g, 0x0fffffff)); /* DFR */
	GUEST_CHECK(&g, says(&g, 0x1ff));      /* SVR */
	GUEST_CHECK(&g, says(&g, 0x70055));    /* LVT: vector, mask, mode */
	GUEST_CHECK(&g, says(&g, 3));	       /* CR8 is the class of TPR */
	GUEST_CHECK(&g, says(&g, 0x35));
	GUEST_CHECK(&g, says(&g, 0x35)); /* PPR */
	GUEST_CHECK(&g, says(&g, 0x70)); /* TPR from CR8 */
	GUEST_CHECK(&g, says(&g, 0));	 /* the current count */
	GUEST_CHECK(&g, nobody_decoded(&g));
	guest_destroy(&g);
}

#define VECTORS_SET(g, name)                                         \
	do {                                                         \
		guest_vector_set(g, 0x51, (uintptr_t)name##_irq_51); \
		guest_vector_set(g, 0x61, (uintptr_t)name##_irq_61); \
		guest_vector_set(g, 0x71, (uintptr_t)name##_irq_71); \
	} while (0)

static bool interrupts_come_in_order(struct test_guest *g)
{
	return says(g, 0) && says(g, 0x716151) && says(g, 0x71615171) && says(g, 0x61517151) &&
	       says(g, 0x51715161);
}

SELFTEST(apic_page_interrupts)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_by_page);
	page_reach(&g);
	VECTORS_SET(&g, guest_apic_by_page);
	GUEST_CHECK(&g, interrupts_come_in_order(&g));
	GUEST_CHECK(&g, nobody_decoded(&g));
	guest_destroy(&g);
}

SELFTEST(apic_msr_interrupts)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_by_msr);
	VECTORS_SET(&g, guest_apic_by_msr);
	GUEST_CHECK(&g, interrupts_come_in_order(&g));
	guest_destroy(&g);
}

SELFTEST(apic_page_nesting)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_nest_by_page);
	page_reach(&g);
	VECTORS_SET(&g, guest_apic_nest_by_page);
	GUEST_CHECK(&g, says(&g, 0x71625163));
	guest_destroy(&g);
}

SELFTEST(apic_msr_nesting)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_nest_by_msr);
	VECTORS_SET(&g, guest_apic_nest_by_msr);
	GUEST_CHECK(&g, says(&g, 0x71625163));
	guest_destroy(&g);
}

/* Runs until the end of an interrupt is told, by whichever way; its vector, 0: something else. */
static uint32_t told_end(struct test_guest *g)
{
	uint32_t vector = 0;

	while (!vector) {
		if (guest_run(g) == VP_RUN_EOI)
			return g->run->eoi.vector;
		if (!is_access(g))
			return 0;
		vector = access_emulate(g);
	}
	return vector;
}

/* Only the end of a level-triggered message is told. */
SELFTEST(apic_page_level)
{
	const uint32_t level = 0xc000 | VECTOR_LEVEL;
	struct test_guest g;
	bool merged;

	GUEST_SETUP(&g);
	guest_start(&g, apic_level);
	page_reach(&g);
	guest_vector_set(&g, VECTOR_LEVEL, (uintptr_t)guest_apic_level_irq);
	GUEST_CHECK(&g, says(&g, 1));
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, LAPIC_DEFAULT_BASE, level, &merged) ==
				STATUS_OK);
	GUEST_CHECK(&g, says(&g, 3));
	GUEST_CHECK(&g, told_end(&g) == VECTOR_LEVEL);
	GUEST_CHECK(&g, says(&g, 4));
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, LAPIC_DEFAULT_BASE, VECTOR_LEVEL,
					 &merged) == STATUS_OK);
	GUEST_CHECK(&g, says(&g, 3));
	GUEST_CHECK(&g, says(&g, 4));
	guest_destroy(&g);
}

/* The next access is not the APIC's: the VMM is asked, and answers as if nobody were there. */
static bool is_nobodys(struct test_guest *g)
{
	uint32_t value;

	guest_run(g);
	if (!is_access(g) || arch_vp_apic_access(g->vp, 0, 0x30, false, &value) == STATUS_OK)
		return false;
	g->run->regs.gpr[GPR_RAX] = NOBODY;
	g->run->regs.rip += ACCESS_LENGTH;
	g->run->set = VP_SET_GPRS;
	return says(g, NOBODY);
}

SELFTEST(apic_page_follows_the_base)
{
	const uint64_t space_gpa = LAPIC_DEFAULT_BASE;
	struct gpa_space *space;
	struct test_guest g;
	bool mapped;

	GUEST_SETUP(&g);
	space = partition_space(g.partition, 0);
	mapped = backend_assists & ASSIST_APIC_PAGE;
	GUEST_CHECK(&g, gpa_is_mapped(space, space_gpa) == mapped);
	/* It is no mapping of the VMM's. */
	GUEST_CHECK(&g, gpa_unmap(space, GUEST_RAM, GIB(4) - GUEST_RAM) == STATUS_OK);
	GUEST_CHECK(&g, gpa_is_mapped(space, space_gpa) == mapped);
	guest_start(&g, apic_leaves);
	page_reach(&g);
	GUEST_CHECK(&g, says(&g, VERSION));
	/* Elsewhere, this address is nobody's. */
	guest_run(&g);
	GUEST_CHECK(&g, is_access(&g));
	GUEST_CHECK(&g, !gpa_is_mapped(space, space_gpa));
	access_emulate(&g);
	GUEST_CHECK(&g, says(&g, VERSION)); /* the VMM took it for the APIC's */
	GUEST_CHECK(&g, says(&g, VERSION)); /* back again */
	GUEST_CHECK(&g, is_nobodys(&g));    /* x2APIC mode has no page */
	GUEST_CHECK(&g, says(&g, VERSION)); /* by MSR */
	/* A reset begins anew. */
	atomic_store(&g.vp->run_state, VP_STOPPED);
	GUEST_CHECK(&g, partition_reset(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	GUEST_CHECK(&g, gpa_is_mapped(space, space_gpa) == mapped);
	guest_start(&g, apic_leaves);
	page_reach(&g);
	GUEST_CHECK(&g, says(&g, VERSION));
	guest_destroy(&g);
}

SELFTEST(apic_msrs)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, apic_msrs);
	guest_vector_set(&g, 13, (uintptr_t)guest_apic_msrs_gp);
	GUEST_CHECK(&g, guest_says(&g, 0));	  /* id */
	GUEST_CHECK(&g, guest_says(&g, 1));	  /* LDR follows from it */
	GUEST_CHECK(&g, guest_says(&g, 0x10055)); /* LVT */
	GUEST_CHECK(&g, guest_says(&g, 0x4055));  /* ICR */
	GUEST_CHECK(&g, guest_says(&g, 0x12345));
	GUEST_CHECK(&g, guest_says(&g, 0x95)); /* PPR */
	GUEST_CHECK(&g, guest_says(&g, 8));    /* those that are not there, or have reserved bits */
	guest_destroy(&g);
}

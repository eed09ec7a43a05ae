/* SPDX-License-Identifier: MIT */
/* Exits that the kernel finishes, and those that come to the VMM. */
#include "guest.h"
#include <kernel/memory.h>

GUEST_CODE_DECLARE(calls);
GUEST_CODE_DECLARE(ids);
GUEST_CODE_DECLARE(mmio);
GUEST_CODE_DECLARE(user);

#define NOT_SUPPORTED	 UINT32_MAX
#define INTERNAL_FAILURE ((uint32_t)-6)
#define ESR_UNDEFINED	 0x02000000u
#define VECTOR_SAME	 (0xe00u + 4)
#define VECTOR_USER	 (0xe00u + 8)
#define WFE		 (1u << 26 | 1)
#define HCR_TWE		 BIT(14)

SELFTEST(arm_calls)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, calls);
	GUEST_CHECK(&g, guest_says(&g, 0x10001));
	GUEST_CHECK(&g, guest_says(&g, 0x10001));
	GUEST_CHECK(&g, guest_says(&g, 0x10001));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, guest_says(&g, NOT_SUPPORTED));
	GUEST_CHECK(&g, guest_says(&g, 77));
	/* Of another HVC there is nothing: it is undefined. */
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SYSTEM_OFF);
	GUEST_CHECK(&g, guest_says(&g, INTERNAL_FAILURE));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SYSTEM_RESET);
	GUEST_CHECK(&g, g.run->reset.type == 0x80000003 && g.run->reset.cookie == 0x11223344);
	guest_destroy(&g);
}

#define PFR0_SVE 0xf00000000ull
#define DFR0_PMU 0xf00ull

SELFTEST(arm_feature_registers)
{
	struct test_guest g;
	const uint64_t *ids;

	GUEST_SETUP(&g);
	ids = g.partition->arch.ids;
	guest_start(&g, ids);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, g.vp->arch.x[0] == ids[3 * 8 + 0] && !(g.vp->arch.x[0] & PFR0_SVE));
	GUEST_CHECK(&g, g.vp->arch.x[1] == ids[4 * 8 + 0] && !(g.vp->arch.x[1] & DFR0_PMU));
	GUEST_CHECK(&g, g.vp->arch.x[2] == ids[5 * 8 + 1]);
	GUEST_CHECK(&g, g.vp->arch.x[3] == ids[6 * 8 + 0]);
	GUEST_CHECK(&g, g.vp->arch.x[4] == 0);
	GUEST_CHECK(&g, g.vp->arch.x[5] == guest_register(&g, HV_ARM64_REGISTER_MIDR_EL1));
	GUEST_CHECK(&g, g.vp->arch.x[6] == BIT(31));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, g.vp->arch.x[7] == 5);
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, g.vp->arch.x[8] == 7 && g.vp->arch.x[10] == 0x1800);
	GUEST_CHECK(&g, g.vp->arch.x[11] == 8);
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 4));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 5));
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 6));
	guest_destroy(&g);
}

#define DEVICE	 0x0a000000ull
#define PATTERN	 0x1122334455667788ull
#define EC_ABORT (0x25u << 26)
#define EC_FETCH (0x21u << 26)
#define IL	 BIT(25)
#define EXTERNAL 0x10u

static bool stores(struct test_guest *g, uint64_t offset, uint8_t size, uint64_t value)
{
	return guest_run(g) == VP_RUN_MMIO && g->run->mmio.write && g->run->mmio.size == size &&
	       g->run->mmio.gpa == DEVICE + offset && g->run->mmio.value == value;
}

/* The answer has more bits than are asked for. */
static bool loads(struct test_guest *g, uint8_t size)
{
	bool right = guest_run(g) == VP_RUN_MMIO && !g->run->mmio.write &&
		     g->run->mmio.size == size && g->run->mmio.gpa == DEVICE;

	g->run->mmio.value = 0x81828384f5f6f7f8;
	return right;
}

SELFTEST(arm_mmio)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, mmio);
	GUEST_CHECK(&g, stores(&g, 1, 1, (uint8_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 2, 2, (uint16_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 4, 4, (uint32_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 8, 8, PATTERN));
	GUEST_CHECK(&g, stores(&g, 16, 8, 0));
	GUEST_CHECK(&g, loads(&g, 1) && loads(&g, 1) && loads(&g, 1));
	GUEST_CHECK(&g, loads(&g, 2) && loads(&g, 2));
	GUEST_CHECK(&g, loads(&g, 4) && loads(&g, 4) && loads(&g, 8) && loads(&g, 4));
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, g.vp->arch.x[2] == 0xf8 && g.vp->arch.x[3] == 0xfffffff8);
	GUEST_CHECK(&g, g.vp->arch.x[4] == 0xfffffffffffffff8);
	GUEST_CHECK(&g, g.vp->arch.x[5] == 0xf7f8 && g.vp->arch.x[6] == 0xfffffffffffff7f8);
	GUEST_CHECK(&g, g.vp->arch.x[7] == 0xf5f6f7f8 && g.vp->arch.x[8] == 0xfffffffff5f6f7f8);
	GUEST_CHECK(&g, g.vp->arch.x[9] == 0x81828384f5f6f7f8);
	guest_destroy(&g);
}

static bool emulates(struct test_guest *g, uint32_t flags, uint32_t instruction)
{
	return guest_run(g) == VP_RUN_EMULATE && g->run->emulate.flags == flags &&
	       g->run->emulate.gpa == DEVICE && g->run->emulate.gva == DEVICE &&
	       g->run->emulate.instruction == instruction;
}

#define STP_X1_X2_X0 0xa9000801u

SELFTEST(arm_emulation_and_aborts)
{
	unsigned int i;
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, mmio);
	for (i = 0; i < 14; i++)
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_MMIO);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, emulates(&g, EMULATE_MEMORY | EMULATE_WRITE, STP_X1_X2_X0));
	GUEST_CHECK(&g, g.run->regs.x[1] == PATTERN && g.run->regs.sp_el1 == GUEST_STACK);
	g.run->regs.pc += 4;
	g.run->regs.x[19] = 0x1919;
	g.run->set = VP_SET_GPRS;
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_X0 + 19) == 0x1919);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_MMIO);
	g.run->event.type = VP_EVENT_ABORT;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, (uint32_t)(EC_ABORT | IL | EXTERNAL)));
	GUEST_CHECK(&g, guest_register(&g, HV_ARM64_REGISTER_FAR_EL1) == DEVICE);
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_MMIO);
	g.run->event.type = VP_EVENT_UNDEFINED;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, ESR_UNDEFINED));
	GUEST_CHECK(&g, guest_says(&g, 4));
	GUEST_CHECK(&g, guest_says(&g, 5));
	GUEST_CHECK(&g, emulates(&g, EMULATE_MEMORY | EMULATE_FETCH, 0));
	g.run->event.type = VP_EVENT_ABORT;
	g.run->set = VP_SET_EVENT;
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	GUEST_CHECK(&g, guest_says(&g, (uint32_t)(EC_FETCH | IL | EXTERNAL)));
	guest_destroy(&g);
}

/* A page that may not be written, and one that may not be executed. */
SELFTEST(arm_rights)
{
	struct gpa_space *space;
	struct test_guest g;
	void *page = page_alloc(&kernel_heap, 0);
	bool mapped;

	CHECK(page);
	GUEST_SETUP(&g);
	space = partition_space(g.partition, 0);
	mapped = gpa_map(space, DEVICE, kva_to_hpa(page), PAGE_SIZE, 0) == STATUS_OK;
	GUEST_CHECK(&g, mapped);
	guest_start(&g, mmio);
	GUEST_CHECK(&g, stores(&g, 1, 1, (uint8_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 2, 2, (uint16_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 4, 4, (uint32_t)PATTERN));
	GUEST_CHECK(&g, stores(&g, 8, 8, PATTERN));
	GUEST_CHECK(&g, stores(&g, 16, 8, 0));
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g,
		    emulates(&g, EMULATE_MEMORY | EMULATE_WRITE | EMULATE_MAPPED, STP_X1_X2_X0));
	g.run->regs.pc += 4;
	g.run->set = VP_SET_GPRS;
	GUEST_CHECK(&g, guest_says(&g, 2) && guest_says(&g, 3) && guest_says(&g, 4));
	GUEST_CHECK(&g, guest_says(&g, 5));
	GUEST_CHECK(&g, emulates(&g, EMULATE_MEMORY | EMULATE_FETCH | EMULATE_MAPPED, 0));
	/* And when it is there no more, nothing is left of it. */
	GUEST_CHECK(&g, gpa_unmap(space, DEVICE, PAGE_SIZE) == STATUS_OK);
	guest_start(&g, mmio);
	GUEST_CHECK(&g, stores(&g, 1, 1, (uint8_t)PATTERN));
	guest_destroy(&g);
	page_free(&kernel_heap, page, 0);
}

/* Whatever of EL0 exits is taken to EL1 by the vectors for lower levels. */
SELFTEST(arm_user)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, user);
	GUEST_CHECK(&g, guest_says(&g, VECTOR_USER));
	GUEST_CHECK(&g, guest_says(&g, (0x15u << 26) | (uint32_t)IL | 5));
	guest_destroy(&g);
}

/* WFE exits until one finds no other thread that wants the CPU; so for each time that the VP is loaded. No emulator has
 * it exit at all: what the kernel is told is made up. */
SELFTEST(arm_wfe)
{
	struct test_guest g;
	uint64_t *pc;

	GUEST_SETUP(&g);
	guest_start(&g, user);
	GUEST_CHECK(&g, guest_says(&g, VECTOR_USER));
	GUEST_CHECK(&g, sysreg_read(hcr_el2) & HCR_TWE);
	pc = &g.vp->vtl[0]->arch.pc;
	g.vp->exit = (struct vp_exit){.kind = VP_EXIT_WAIT, .syndrome = WFE | IL};
	*pc -= 4;
	GUEST_CHECK(&g, arch_vp_handle_exit(g.vp) == VP_CONTINUE);
	GUEST_CHECK(&g, g.vp->vtl[0]->arch.activity == ACTIVITY_RUNNING);
	GUEST_CHECK(&g, !(sysreg_read(hcr_el2) & HCR_TWE));
	GUEST_CHECK(&g, guest_says(&g, (0x15u << 26) | (uint32_t)IL | 5));
	GUEST_CHECK(&g, sysreg_read(hcr_el2) & HCR_TWE);
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/* 32-bit code with PAE paging, whose four top entries Intel's processors keep in registers. */
#include "guest.h"
#include <arch/msr.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(pae);

#define ATTRIBUTES_CODE_32 0xc09bu
#define DIRECTORY	   (GUEST_PAGE_TABLES + 2 * PAGE_SIZE)
#define ENTRY_PRESENT	   BIT(0)
#define ENTRY_RESERVED	   BIT(1)
#define MOV_LENGTH	   3u
#define SECOND		   4u /* of the entries: the guest's other CR3 */

static uint64_t *entries_of(struct test_guest *g)
{
	return (uint64_t *)(g->ram + GUEST_DATA);
}

/* The 64-bit guest becomes one of 32 bits; its first entry is `entry`. */
static void start(struct test_guest *g, uint64_t entry)
{
	struct guest_state state;

	guest_start(g, pae);
	memset(entries_of(g), 0, 2 * SECOND * sizeof(uint64_t));
	entries_of(g)[0] = entry;
	entries_of(g)[SECOND] = DIRECTORY | ENTRY_PRESENT;
	backend->state_get(g->vp, 0, STATE_ALL, &state);
	state.cr3 = GUEST_DATA;
	state.efer &= ~(uint64_t)(EFER_LME | EFER_LMA);
	state.segment[SEGMENT_CS].attributes = ATTRIBUTES_CODE_32;
	backend->state_set(g->vp, 0, STATE_ALL, &state);
}

SELFTEST(state_pae)
{
	struct test_guest g;
	uint32_t ended;

	GUEST_SETUP(&g);
	start(&g, DIRECTORY | ENTRY_PRESENT);
	GUEST_CHECK(&g, guest_says(&g, 7));
	GUEST_CHECK(&g, guest_says(&g, 8));
	ended = guest_run(&g);
	if (ended == VP_RUN_EMULATE) { /* the processor does not decode MOV to CR0 */
		g.run->regs.cr0 = g.run->regs.gpr[GPR_RAX];
		g.run->regs.rip += MOV_LENGTH;
		g.run->set = VP_SET_GPRS | VP_SET_CRS;
		ended = guest_run(&g);
	}
	GUEST_CHECK(&g, ended == VP_RUN_PORT_IO && g.run->port.value == 9);
	guest_destroy(&g);
}

/* The VMM's fault is the guest's alone: it finds no memory there. */
SELFTEST(state_pae_reserved)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	if (!backend_is(&vmx_backend)) {
		guest_destroy(&g);
		SKIP("no registers hold the entries");
	}
	start(&g, DIRECTORY | ENTRY_PRESENT | ENTRY_RESERVED);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_TRIPLE_FAULT);
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/* 32-bit code with PAE paging, whose four top entries Intel's processors keep in registers. */
#include "guest.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(pae);
GUEST_CODE_DECLARE(pae_control);
extern const char guest_pae_control_cr0[], guest_pae_control_cr4[], guest_pae_control_gp[];

#define ATTRIBUTES_CODE_32 0xc09bu
#define DESCRIPTOR_CODE_32 0x00cf9b000000ffffull
#define GATE_INTERRUPT	   0x8e00u
#define VECTOR_GP	   13u
#define SAYS_GP		   13u
#define DIRECTORY	   (GUEST_PAGE_TABLES + 2 * PAGE_SIZE)
#define ENTRY_PRESENT	   BIT(0)
#define ENTRY_RESERVED	   BIT(1)
#define MOV_LENGTH	   3u
#define SECOND		   4u /* of the entries: the guest's other CR3 */

static uint64_t *entries_of(struct test_guest *g)
{
	return (uint64_t *)(g->ram + GUEST_DATA);
}

static void entry_set(struct test_guest *g, unsigned int index, uint64_t entry)
{
	entries_of(g)[index] = entry;
}

/* The 64-bit guest becomes one of 32 bits; its first entry is `entry`. */
static void start_code(struct test_guest *g, const char *code, const char *end, uint64_t entry)
{
	struct guest_state state;

	guest_start_code(g, code, end);
	memset(entries_of(g), 0, 2 * SECOND * sizeof(uint64_t));
	entry_set(g, 0, entry);
	entry_set(g, SECOND, DIRECTORY | ENTRY_PRESENT);
	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	state.cr3 = GUEST_DATA;
	state.efer &= ~(uint64_t)(EFER_LME | EFER_LMA);
	state.segment[SEGMENT_CS].attributes = ATTRIBUTES_CODE_32;
	backend->arch.state_set(g->vp, 0, STATE_ALL, &state);
}

static void start(struct test_guest *g, uint64_t entry)
{
	start_code(g, guest_pae, guest_pae_end, entry);
}

/* What the guest pushes when it takes #GP: EFLAGS, CS, EIP and an error, downwards. */
static const uint32_t *pushed(const struct test_guest *g)
{
	return (const uint32_t *)(g->ram + GUEST_STACK) - 4;
}

/* What the guest writes: the registers as they are, with these bits changed. */
static void control_change(struct test_guest *g, uint64_t cr0_bits, uint64_t cr4_bits)
{
	g->vp->arch.gpr[GPR_RBX] = guest_register(g, HV_X64_REGISTER_CR0) ^ cr0_bits;
	g->vp->arch.gpr[GPR_RSI] = guest_register(g, HV_X64_REGISTER_CR4) ^ cr4_bits;
}

static void control_start(struct test_guest *g)
{
	uint64_t offset = GUEST_CODE + (uintptr_t)guest_pae_control_gp;

	start_code(g, guest_pae_control, guest_pae_control_end, DIRECTORY | ENTRY_PRESENT);
	((uint64_t *)(g->ram + GUEST_GDT))[GUEST_CS / 8] = DESCRIPTOR_CODE_32;
	((uint64_t *)(g->ram + GUEST_IDT))[VECTOR_GP] = (offset >> 16) << 48 |
							(uint64_t)GATE_INTERRUPT << 32 |
							GUEST_CS << 16 | (uint16_t)offset;
}

/* Runs over a MOV to a control register, which the VMM executes where the processor does not decode
 * it; then the guest says `value`. `control`: the register in the run page. */
static bool control_says(struct test_guest *g, uint64_t *control, uint32_t value)
{
	uint32_t ended = guest_run(g);

	if (ended == VP_RUN_EMULATE) {
		*control = g->run->regs.gpr[GPR_RAX];
		g->run->regs.rip += MOV_LENGTH;
		g->run->set = VP_SET_GPRS | VP_SET_CRS;
		ended = guest_run(g);
	}
	return ended == VP_RUN_PORT_IO && g->run->port.value == value;
}

/* The guest's next MOV is the one at `offset`: #GP(0), and the register stays as it was. */
static bool control_faults(struct test_guest *g, uint64_t *control, uint32_t name, uintptr_t offset)
{
	uint64_t before = guest_register(g, name);

	return control_says(g, control, SAYS_GP) && pushed(g)[0] == 0 &&
	       pushed(g)[1] == GUEST_CODE + offset && guest_register(g, name) == before;
}

SELFTEST(state_pae)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	start(&g, DIRECTORY | ENTRY_PRESENT);
	GUEST_CHECK(&g, guest_says(&g, 7));
	GUEST_CHECK(&g, guest_says(&g, 8));
	GUEST_CHECK(&g, control_says(&g, &g.run->regs.cr0, 9));
	guest_destroy(&g);
}

/* Writes of CR0 and CR4 that load the entries, and exit on either leg. */
SELFTEST(state_pae_reserved_is_gp)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	control_start(&g);
	control_change(&g, CR0_CD, CR4_MCE | CR4_PGE);
	GUEST_CHECK(&g, guest_says(&g, 1));
	entry_set(&g, 1, ENTRY_RESERVED); /* and not present: no matter */
	GUEST_CHECK(&g, control_says(&g, &g.run->regs.cr0, 2));
	GUEST_CHECK(&g, control_says(&g, &g.run->regs.cr4, 3));
	control_change(&g, CR0_CD, CR4_MCE | CR4_PGE);
	GUEST_CHECK(&g, guest_says(&g, 1));
	entry_set(&g, 1, DIRECTORY | ENTRY_PRESENT | ENTRY_RESERVED);
	GUEST_CHECK(&g, control_faults(&g, &g.run->regs.cr0, HV_X64_REGISTER_CR0,
				       (uintptr_t)guest_pae_control_cr0));
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, control_faults(&g, &g.run->regs.cr4, HV_X64_REGISTER_CR4,
				       (uintptr_t)guest_pae_control_cr4));
	GUEST_CHECK(&g, guest_says(&g, 3));
	guest_destroy(&g);
}

/* Paging begins with a CR3 that points at no memory: all bits are read as ones. */
SELFTEST(state_pae_without_memory_is_gp)
{
	struct guest_state state;
	struct test_guest g;

	GUEST_SETUP(&g);
	control_start(&g);
	backend->arch.state_get(g.vp, 0, STATE_CONTROL, &state);
	state.cr0 &= ~CR0_PG;
	state.cr3 = GUEST_RAM;
	backend->arch.state_set(g.vp, 0, STATE_CONTROL, &state);
	control_change(&g, CR0_PG | CR0_CD, 0);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, control_faults(&g, &g.run->regs.cr0, HV_X64_REGISTER_CR0,
				       (uintptr_t)guest_pae_control_cr0));
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

/* A write that changes no bit of those that load them leaves the entries that are loaded. */
SELFTEST(state_pae_stays_loaded)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	if (!backend_is(&vmx_backend)) {
		guest_destroy(&g);
		SKIP("no registers hold the entries");
	}
	control_start(&g);
	control_change(&g, 0, CR4_MCE);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_says(&g, 2));
	memset(entries_of(&g), 0xff, SECOND * sizeof(uint64_t));
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_CR4) == CR4_PAE + CR4_OSFXSR);
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

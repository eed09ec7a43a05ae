/* SPDX-License-Identifier: MIT */
/*
 * NPIEP: SGDT, SIDT, SLDT and STR are #GP above privilege level 0 where the guest has said so, and work as ever
 * everywhere else. All emulators here exit by them: QEMU 7.2 and Bochs 2.7 by SVM's intercepts, one an
 * instruction, Bochs 2.7 by VMX's control, which is all of them and the loads. There, what a program may
 * execute comes to the VMM, that is the test.
 */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>
#include <kernel/string.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(npiep);
GUEST_CODE_DECLARE(npiep_real);
extern const char guest_npiep_sgdt[], guest_npiep_sidt[], guest_npiep_sldt[], guest_npiep_str[],
	guest_npiep_sldt_register[], guest_npiep_str_register[], guest_npiep_smsw[],
	guest_npiep_lgdt[], guest_npiep_lidt[], guest_npiep_lldt[], guest_npiep_ltr[],
	guest_npiep_wrmsr[], guest_npiep_rdmsr[], guest_npiep_pair[], guest_npiep_gp[],
	guest_npiep_pf[], guest_npiep_db[], guest_npiep_real_ud[];

#define GP		 13u
#define PF		 14u
#define DB		 1u
#define PLACE		 (GUEST_DATA + 0x800u) /* where the instructions store */
#define NOWHERE		 0x80000000u	       /* that the guest's tables do not have */
#define NOTHING		 0x5a5a5a5a5a5a5a5aull
#define USER_CS		 0x1bu
#define USER_DS		 0x23u
#define TASK		 0x28u /* of two entries */
#define LDT		 0x38u
#define GDT_ENTRIES	 9u
#define GDT_LIMIT	 (GDT_ENTRIES * 8 - 1)
#define IDT_LIMIT	 (256 * 16 - 1)
#define USER_CODE	 0x0020fb0000000000ull
#define USER_DATA	 0x0000f30000000000ull
#define TASK_DESCRIPTOR	 (0x0000890000000067ull | (uint64_t)GUEST_DATA << 16)
#define LDT_DESCRIPTOR	 (0x000082000000000full | (uint64_t)PLACE << 16)
#define TSS_RSP0	 4u
#define TSS_LIMIT	 0x67u
#define ATTRIBUTES_TSS	 0x008bu
#define ATTRIBUTES_LDT	 0x0082u
#define ATTRIBUTES_CODE3 0xa0fbu
#define ATTRIBUTES_CODE0 0xa09bu
#define ATTRIBUTES_DATA3 0xc0f3u
#define ATTRIBUTES_DATA0 0xc093u
#define ATTRIBUTES_REAL	 0x0093u
#define STATE_ORDER	 3u			 /* of STATE_SIZE_MAX */
#define WATCH_PLACE	 (BIT(0) | 0xdull << 16) /* DR7: DR0, writes of four bytes */

struct instruction {
	const char *at;
	uint8_t bit; /* HV_NPIEP_... */
	uint8_t length;
	bool is_register;
};

static const struct instruction instructions[] = {
	{guest_npiep_sgdt, HV_NPIEP_SGDT, 3, false},
	{guest_npiep_sidt, HV_NPIEP_SIDT, 3, false},
	{guest_npiep_sldt, HV_NPIEP_SLDT, 3, false},
	{guest_npiep_str, HV_NPIEP_STR, 3, false},
	{guest_npiep_sldt_register, HV_NPIEP_SLDT, 3, true},
	{guest_npiep_str_register, HV_NPIEP_STR, 3, true},
};

/* ---- the guest ---- */

static void level_set(struct test_guest *g, bool user)
{
	struct guest_state state;
	unsigned int i;

	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	for (i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		state.segment[i].limit = UINT32_MAX;
		state.segment[i].selector = user ? USER_DS : GUEST_DS;
		state.segment[i].attributes = user ? ATTRIBUTES_DATA3 : ATTRIBUTES_DATA0;
	}
	state.segment[SEGMENT_CS].selector = user ? USER_CS : GUEST_CS;
	state.segment[SEGMENT_CS].attributes = user ? ATTRIBUTES_CODE3 : ATTRIBUTES_CODE0;
	backend->arch.state_set(g->vp, 0, STATE_ALL, &state);
	g->vp->vtl[0]->arch.rflags |= RFLAGS_IOPL;
}

static void tables_set(struct test_guest *g)
{
	uint64_t *gdt = (uint64_t *)(g->ram + GUEST_GDT);
	const uint64_t stack = GUEST_STACK - 0x800;
	struct guest_state state;

	gdt[USER_CS / 8] = USER_CODE;
	gdt[USER_DS / 8] = USER_DATA;
	gdt[TASK / 8] = TASK_DESCRIPTOR;
	gdt[LDT / 8] = LDT_DESCRIPTOR;
	memcpy(g->ram + GUEST_DATA + TSS_RSP0, &stack, sizeof(stack));
	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	state.gdtr.limit = GDT_LIMIT;
	state.segment[SEGMENT_TR] = (struct hv_x64_segment_register){.base = GUEST_DATA,
								     .limit = TSS_LIMIT,
								     .selector = TASK,
								     .attributes = ATTRIBUTES_TSS};
	state.segment[SEGMENT_LDTR] = (struct hv_x64_segment_register){
		.base = PLACE, .limit = 15, .selector = LDT, .attributes = ATTRIBUTES_LDT};
	backend->arch.state_set(g->vp, 0, STATE_ALL, &state);
}

static bool start(struct test_guest *g)
{
	guest_start(g, npiep);
	guest_vector_set(g, DB, (uintptr_t)guest_npiep_db);
	guest_vector_set(g, GP, (uintptr_t)guest_npiep_gp);
	guest_vector_set(g, PF, (uintptr_t)guest_npiep_pf);
	tables_set(g);
	return guest_says(g, 1);
}

/* Where the guest goes from its `say 1`. */
static void goes_to(struct test_guest *g, const char *at, unsigned int length, uint64_t rbx)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RDI] = GUEST_CODE + (uintptr_t)at;
	gpr[GPR_RBX] = rbx;
	gpr[GPR_R13] = length;
}

/* The vector of its fault, or 0; UINT32_MAX: it went astray. */
static uint32_t does(struct test_guest *g, const char *at, unsigned int length, uint64_t rbx)
{
	goes_to(g, at, length, rbx);
	return guest_says(g, 1) ? (uint32_t)g->vp->arch.gpr[GPR_R12] : UINT32_MAX;
}

static uint32_t configures(struct test_guest *g, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = HV_MSR_NPIEP_CONFIG;
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	return does(g, guest_npiep_wrmsr, 2, 0);
}

static uint64_t exits(const struct test_guest *g)
{
	return g->vp->stats->exits[VP_EXIT_TABLE];
}

/* What an instruction has stored; it is NOTHING before. */
static uint64_t stored(const struct test_guest *g, const struct instruction *i)
{
	uint64_t words[2];

	if (i->is_register)
		return g->vp->arch.gpr[GPR_R14];
	memcpy(words, g->ram + PLACE, sizeof(words));
	return words[0] ^ (words[1] ^ NOTHING) << 32;
}

static void place_clear(struct test_guest *g)
{
	memset(g->ram + PLACE, 0x5a, 16);
	g->vp->arch.gpr[GPR_RAX] = NOTHING;
}

/* What it stores when nothing is forbidden. */
static uint64_t stores_usually(struct test_guest *g, const struct instruction *i)
{
	place_clear(g);
	return does(g, i->at, i->length, PLACE) == 0 ? stored(g, i) : NOTHING;
}

/* ---- a VMM that emulates it ---- */

static bool emulates(struct test_guest *g, const struct instruction *i, uint64_t usually)
{
	struct vp_run_page *run = g->run;
	uint64_t words[2] = {usually, NOTHING};

	if (run->emulate.flags != EMULATE_TABLE ||
	    run->emulate.forbidden != g->vp->vtl[0]->arch.npiep ||
	    run->regs.rip != GUEST_CODE + (uintptr_t)i->at)
		return false;
	if (i->is_register)
		run->regs.gpr[GPR_RAX] = usually;
	else
		memcpy(g->ram + PLACE, words, sizeof(words));
	run->regs.rip += i->length;
	run->set = VP_SET_GPRS;
	return guest_says(g, 1);
}

/* ---- tests ---- */

/* At level 3, with that in the register: it faults and leaves all as it was, or works. */
static bool user_does(struct test_guest *g, const struct instruction *i, uint64_t usually,
		      uint64_t config)
{
	uint32_t reason;

	place_clear(g);
	goes_to(g, i->at, i->length, PLACE);
	reason = guest_run(g);
	if (config && !(i->bit & config) && backend_is(&vmx_backend)) {
		if (reason != VP_RUN_EMULATE || !emulates(g, i, usually))
			return false;
	} else if (reason != VP_RUN_PORT_IO || g->run->port.value != 1) {
		return false;
	}
	if (!(i->bit & config))
		return g->vp->arch.gpr[GPR_R12] == 0 && stored(g, i) == usually;
	return g->vp->arch.gpr[GPR_R12] == GP && stored(g, i) == NOTHING;
}

static bool all_do(struct test_guest *g, const uint64_t *usually, uint64_t config)
{
	const struct instruction *i;
	bool right = true;

	level_set(g, false);
	if (configures(g, config) != 0)
		return false;
	for (i = instructions; i < instructions + ARRAY_SIZE(instructions); i++)
		right = right && stores_usually(g, i) == usually[i - instructions];
	level_set(g, true);
	for (i = instructions; i < instructions + ARRAY_SIZE(instructions); i++)
		right = right && user_does(g, i, usually[i - instructions], config);
	/* It is no part of this. */
	return right && does(g, guest_npiep_smsw, 3, 0) == 0;
}

#define NPIEP_SETUP(g)                                            \
	do {                                                      \
		const char *why;                                  \
		if (!guests_can_run(&why))                        \
			SKIP(why);                                \
		CHECK(guest_create_flags(g, PARTITION_HYPERV));   \
		if (!(backend_assists & ASSIST_TABLES)) {         \
			guest_destroy(g);                         \
			SKIP("this processor has no such exits"); \
		}                                                 \
		GUEST_CHECK(g, start(g));                         \
	} while (0)

SELFTEST(npiep_instructions)
{
	static const uint8_t configs[] = {1, 2, 4, 8, 15, 5, 10, 0};
	uint64_t usually[ARRAY_SIZE(instructions)], before;
	struct test_guest g;
	unsigned int i;

	NPIEP_SETUP(&g);
	for (i = 0; i < ARRAY_SIZE(instructions); i++) {
		usually[i] = stores_usually(&g, &instructions[i]);
		GUEST_CHECK(&g, usually[i] != NOTHING);
	}
	GUEST_CHECK(&g, (uint16_t)usually[0] == GDT_LIMIT && (uint16_t)usually[1] == IDT_LIMIT &&
				(uint16_t)usually[2] == LDT && (uint32_t)usually[5] == TASK);
	GUEST_CHECK(&g, exits(&g) == 0);
	for (i = 0; i < ARRAY_SIZE(configs); i++) {
		before = exits(&g);
		GUEST_CHECK(&g, all_do(&g, usually, configs[i]));
		GUEST_CHECK(&g, (exits(&g) != before) == (configs[i] != 0));
	}
	guest_destroy(&g);
}

SELFTEST(npiep_register)
{
	struct test_guest g;
	unsigned int bit;

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_SIDT | HV_NPIEP_STR) == 0);
	for (bit = 4; bit < 64; bit++)
		GUEST_CHECK(&g, configures(&g, BIT(bit)) == GP);
	g.vp->arch.gpr[GPR_RCX] = HV_MSR_NPIEP_CONFIG;
	g.vp->arch.gpr[GPR_RDX] = NOTHING;
	GUEST_CHECK(&g, does(&g, guest_npiep_rdmsr, 2, 0) == 0);
	GUEST_CHECK(&g, g.vp->arch.gpr[GPR_R14] == (HV_NPIEP_SIDT | HV_NPIEP_STR) &&
				g.vp->arch.gpr[GPR_RDX] == 0);
	/* A reset takes it away, and its exits. */
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK && g.vp->vtl[0]->arch.npiep == 0);
	GUEST_CHECK(&g, start(&g));
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_sidt, 3, PLACE) == 0 && exits(&g) == 0);
	guest_destroy(&g);
}

/* It is in a saved state, and back with it; a state with other bits is none. */
SELFTEST(npiep_saved)
{
	struct test_guest g;
	uint64_t size = 0;
	uint8_t *data;
	bool saved, back, wrong;

	NPIEP_SETUP(&g);
	data = page_alloc(&kernel_heap, STATE_ORDER);
	GUEST_CHECK(&g, data && configures(&g, HV_NPIEP_STR) == 0);
	saved = vp_save(g.vp, data, STATE_SIZE_MAX, &size) == STATUS_OK &&
		configures(&g, HV_NPIEP_SIDT) == 0;
	back = saved && vp_restore(g.vp, data, size) == STATUS_OK;
	/* The last element's data end the state. */
	data[size - sizeof(uint64_t)] |= 0x10;
	wrong = vp_restore(g.vp, data, size) == STATUS_INVALID_REGISTER_VALUE;
	page_free(&kernel_heap, data, STATE_ORDER);
	GUEST_CHECK(&g, saved && back && wrong && g.vp->vtl[0]->arch.npiep == HV_NPIEP_STR);
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_str, 3, PLACE) == GP);
	guest_destroy(&g);
}

/* A partition without the interface has no such MSR. */
SELFTEST(npiep_absent)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, start(&g) && configures(&g, 0) == GP);
	guest_destroy(&g);
}

/* What only VMX exits by; they need no bit here, and above level 0 they are #GP as ever. */
SELFTEST(npiep_loads)
{
	struct test_guest g;
	uint64_t gdtr[2] = {(uint64_t)GUEST_GDT << 16 | (GDT_LIMIT - 8), 0};

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_ALL) == 0);
	memcpy(g.ram + PLACE, gdtr, sizeof(gdtr));
	GUEST_CHECK(&g, does(&g, guest_npiep_lgdt, 3, PLACE) == 0);
	place_clear(&g);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, PLACE) == 0 &&
				*(uint16_t *)(g.ram + PLACE) == GDT_LIMIT - 8);
	gdtr[0] = (uint64_t)GUEST_IDT << 16 | (IDT_LIMIT - 16);
	memcpy(g.ram + PLACE, gdtr, sizeof(gdtr));
	GUEST_CHECK(&g, does(&g, guest_npiep_lidt, 3, PLACE) == 0);
	place_clear(&g);
	GUEST_CHECK(&g, does(&g, guest_npiep_sidt, 3, PLACE) == 0 &&
				*(uint16_t *)(g.ram + PLACE) == IDT_LIMIT - 16);
	g.vp->arch.gpr[GPR_RAX] = 0;
	GUEST_CHECK(&g, does(&g, guest_npiep_lldt, 3, 0) == 0 &&
				does(&g, guest_npiep_sldt_register, 3, 0) == 0 &&
				(uint32_t)g.vp->arch.gpr[GPR_R14] == 0);
	((uint64_t *)(g.ram + GUEST_GDT))[TASK / 8] = TASK_DESCRIPTOR;
	g.vp->arch.gpr[GPR_RAX] = TASK;
	GUEST_CHECK(&g, does(&g, guest_npiep_ltr, 3, 0) == 0);
	/* Busy now: no second time. */
	g.vp->arch.gpr[GPR_RAX] = TASK;
	GUEST_CHECK(&g, does(&g, guest_npiep_ltr, 3, 0) == GP);
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_lgdt, 3, PLACE) == GP &&
				does(&g, guest_npiep_lidt, 3, PLACE) == GP &&
				does(&g, guest_npiep_lldt, 3, 0) == GP &&
				does(&g, guest_npiep_ltr, 3, 0) == GP);
	guest_destroy(&g);
}

/* The step over an instruction of the guest's kernel ends with a fault of its own, and nobody has what it let pass. */
SELFTEST(npiep_step)
{
	struct test_guest g;

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_ALL) == 0);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, NOWHERE) == PF);
	GUEST_CHECK(&g, !(g.vp->vtl[0]->arch.work & WORK_DEBUG));
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, PLACE) == GP);
	level_set(&g, false);
	/* In the shadow of MOV SS. */
	place_clear(&g);
	g.vp->arch.gpr[GPR_RAX] = GUEST_DS;
	GUEST_CHECK(&g, does(&g, guest_npiep_pair, 0, PLACE) == 0 &&
				*(uint16_t *)(g.ram + PLACE) == GDT_LIMIT);
	GUEST_CHECK(&g, !(g.vp->vtl[0]->arch.work & WORK_DEBUG) &&
				!(g.vp->vtl[0]->arch.rflags & RFLAGS_TF));
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, PLACE) == GP);
	guest_destroy(&g);
}

/* A breakpoint of the guest's own, on what the instruction writes. */
SELFTEST(npiep_breakpoint)
{
	struct test_guest g;

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_DR0, PLACE) &&
				guest_register_set(&g, HV_X64_REGISTER_DR7, 0x400 | WATCH_PLACE));
	if (does(&g, guest_npiep_sgdt, 3, PLACE) != DB || (g.vp->arch.gpr[GPR_R15] & 0xf) != 1) {
		guest_destroy(&g);
		SKIP("this emulator does not tell of breakpoints on what SGDT writes");
	}
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_DR6, 0xffff0ff0));
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_SGDT) == 0);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, PLACE) == DB &&
				(g.vp->arch.gpr[GPR_R15] & 0x400f) == 1);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_DR7) == (0x400 | WATCH_PLACE));
	guest_destroy(&g);
}

/* Under a debugger the instruction is one step, and it goes on debugging. */
SELFTEST(npiep_debugger)
{
	const struct vp_debug_state single = {.flags = DEBUG_SINGLE_STEP}, none = {.flags = 0};
	struct test_guest g;
	unsigned int i;

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_SGDT) == 0);
	place_clear(&g);
	goes_to(&g, guest_npiep_sgdt, 3, PLACE);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &single) == STATUS_OK);
	for (i = 0; i < 4; i++) {
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP);
		if (g.run->regs.rip == GUEST_CODE + (uintptr_t)guest_npiep_sgdt)
			break;
	}
	GUEST_CHECK(&g, *(uint16_t *)(g.ram + PLACE) == (uint16_t)NOTHING);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP &&
				g.run->regs.rip == GUEST_CODE + (uintptr_t)guest_npiep_sgdt + 3);
	GUEST_CHECK(&g, *(uint16_t *)(g.ram + PLACE) == GDT_LIMIT);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &none) == STATUS_OK && guest_says(&g, 1));
	level_set(&g, true);
	GUEST_CHECK(&g, does(&g, guest_npiep_sgdt, 3, PLACE) == GP);
	guest_destroy(&g);
}

/* Real mode is level 0, and has no SLDT and STR at all. */
SELFTEST(npiep_real_mode)
{
	struct test_guest g;
	struct guest_state state;
	unsigned int i;

	NPIEP_SETUP(&g);
	GUEST_CHECK(&g, configures(&g, HV_NPIEP_ALL) == 0);
	memcpy(g.ram + GUEST_CODE, guest_npiep_real,
	       (size_t)(guest_npiep_real_end - guest_npiep_real));
	backend->arch.state_get(g.vp, 0, STATE_ALL, &state);
	state.cr0 = CR0_ET | CR0_NE;
	state.cr4 = 0;
	state.efer = 0;
	for (i = SEGMENT_ES; i <= SEGMENT_GS; i++)
		state.segment[i] = (struct hv_x64_segment_register){.limit = UINT16_MAX,
								    .attributes = ATTRIBUTES_REAL};
	state.segment[SEGMENT_CS].selector = GUEST_CODE >> 4;
	state.segment[SEGMENT_CS].base = GUEST_CODE;
	state.idtr.base = 0;
	state.idtr.limit = 0x3ff;
	backend->arch.state_set(g.vp, 0, STATE_ALL, &state);
	g.vp->vtl[0]->arch.rip = 0;
	g.vp->vtl[0]->arch.rflags = RFLAGS_FIXED;
	((uint16_t *)g.ram)[2 * 6] = (uint16_t)(uintptr_t)guest_npiep_real_ud;
	((uint16_t *)g.ram)[2 * 6 + 1] = GUEST_CODE >> 4;
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, *(uint16_t *)(g.ram + PLACE) == GDT_LIMIT &&
				*(uint16_t *)(g.ram + PLACE + 16) == 0x3ff);
	GUEST_CHECK(&g, guest_says(&g, 4));
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/* A guest that is debugged: steps and breakpoints come where they should, and it sees nothing of them. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(debug_plain);
GUEST_CODE_DECLARE(debug_flags);
GUEST_CODE_DECLARE(debug_syscall);
GUEST_CODE_DECLARE(debug_shadow);
GUEST_CODE_DECLARE(debug_fault);
GUEST_CODE_DECLARE(debug_irq);
GUEST_CODE_DECLARE(debug_own);
GUEST_CODE_DECLARE(debug_loop);
GUEST_CODE_DECLARE(debug_sti);
extern const char guest_debug_sti_db[], guest_debug_own_gd[], guest_debug_own_here[];

extern const char guest_debug_plain_a[], guest_debug_plain_b[], guest_debug_plain_c[],
	guest_debug_plain_d[], guest_debug_plain_e[], guest_debug_plain_f[], guest_debug_plain_g[],
	guest_debug_plain_h[], guest_debug_plain_i[], guest_debug_plain_j[], guest_debug_plain_k[],
	guest_debug_plain_l[], guest_debug_plain_m[];
extern const char guest_debug_flags_a[], guest_debug_flags_b[], guest_debug_flags_c[],
	guest_debug_flags_d[], guest_debug_flags_e[], guest_debug_flags_f[], guest_debug_flags_g[],
	guest_debug_flags_h[], guest_debug_flags_i[], guest_debug_flags_j[],
	guest_debug_flags_handle[], guest_debug_flags_iret[], guest_debug_flags_db[],
	guest_debug_flags_db2[], guest_debug_flags_db3[];
extern const char guest_debug_syscall_a[], guest_debug_syscall_b[], guest_debug_syscall_c[],
	guest_debug_syscall_d[], guest_debug_syscall_e[], guest_debug_syscall_f[];
extern const char guest_debug_shadow_a[], guest_debug_shadow_b[], guest_debug_shadow_c[],
	guest_debug_shadow_d[], guest_debug_shadow_e[], guest_debug_shadow_f[],
	guest_debug_shadow_g[], guest_debug_shadow_irq[];
extern const char guest_debug_fault_a[], guest_debug_fault_b[], guest_debug_fault_c[],
	guest_debug_fault_d[], guest_debug_fault_ud[], guest_debug_fault_ud_end[],
	guest_debug_fault_pf[], guest_debug_fault_pf_end[], guest_debug_fault_db[],
	guest_debug_fault_db_end[];
extern const char guest_debug_irq_a[], guest_debug_irq_b[], guest_debug_irq_c[],
	guest_debug_irq_d[], guest_debug_irq_e[], guest_debug_irq_f[], guest_debug_irq_irq[],
	guest_debug_irq_irq_end[];
extern const char guest_debug_own_theirs[], guest_debug_own_db[];
extern const char guest_debug_loop_a[], guest_debug_loop_b[], guest_debug_loop_c[],
	guest_debug_loop_d[], guest_debug_loop_e[], guest_debug_loop_bp[];

#define AT(place)      ((uintptr_t)guest_debug_##place)
#define RIP_OF(place)  (GUEST_CODE + AT(place))
#define VECTOR_DB      1u
#define VECTOR_NMI     2u
#define VECTOR_BP      3u
#define VECTOR_UD      6u
#define VECTOR_PF      14u
#define VECTOR_IRQ     0x51u
#define VECTOR_INT     0x52u
#define OUTSIDE	       0x30000000u
#define DR6_NONE       0xffff0ff0u
#define DR6_BD	       0x2000u
#define DR6_BS	       0x4000u
#define MSI_ADDRESS    0xfee00000u
#define MSI_NMI	       0x400u
#define MMIO_READ_SIZE 2u

static bool debug_set(struct test_guest *g, uint32_t flags)
{
	const struct vp_debug_state state = {.flags = flags};

	return arch_vp_set_debug_state(g->vp, 0, &state) == STATUS_OK;
}

static bool comes_to(struct test_guest *g, uint32_t reason, uint64_t rip)
{
	return guest_run(g) == reason && g->run->regs.rip == rip &&
	       !(g->run->regs.rflags & RFLAGS_TF);
}

#define STEP_TO(place) GUEST_CHECK(&g, comes_to(&g, VP_RUN_SINGLE_STEP, RIP_OF(place)))
#define BREAKS_AT(n, place)                                             \
	GUEST_CHECK(&g, comes_to(&g, VP_RUN_HW_BREAK, RIP_OF(place)) && \
				g.run->breakpoint.index == (n))
#define GPR(name)	(g.vp->arch.gpr[GPR_##name])
#define DR(n)		guest_register(&g, HV_X64_REGISTER_DR##n)
/* Steps until it comes there; what is between is of no interest. */
#define STEPS_TO(place) GUEST_CHECK(&g, steps_to(&g, RIP_OF(place)))

static bool steps_to(struct test_guest *g, uint64_t rip)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		if (guest_run(g) != VP_RUN_SINGLE_STEP)
			return false;
		else if (g->run->regs.rip == rip)
			return true;
	return false;
}

/* ---- what an emulator can't ---- */

/* A step to the handler of #UD, whose gate clears RFLAGS.IF. */
static bool delivery_ends_steps(void)
{
	struct test_guest g;
	bool ends;

	if (!guest_create(&g))
		return true;
	guest_start(&g, debug_fault);
	guest_vector_set(&g, VECTOR_UD, AT(fault_ud));
	guest_vector_set(&g, VECTOR_PF, AT(fault_pf));
	guest_vector_set(&g, VECTOR_DB, AT(fault_db));
	ends = debug_set(&g, DEBUG_SINGLE_STEP) && guest_run(&g) == VP_RUN_SINGLE_STEP &&
	       g.run->regs.rip == RIP_OF(fault_ud);
	guest_destroy(&g);
	return ends;
}

/* The guest's own breakpoint: DR6 tells of it, in its handler. */
static bool breakpoints_are_told(void)
{
	struct test_guest g;
	bool told;

	if (!guest_create(&g))
		return true;
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(own_here));
	guest_register_set(&g, HV_X64_REGISTER_DR0, RIP_OF(own_theirs));
	guest_register_set(&g, HV_X64_REGISTER_DR7, 0x402);
	(void)guest_run(&g);
	told = g.run->port.value != DR6_NONE; /* if it comes at all: not in QEMU */
	guest_destroy(&g);
	return told;
}

#define NEEDS_DELIVERIES()                                                                      \
	do {                                                                                    \
		const char *why;                                                                \
		if (guests_can_run(&why) && !delivery_ends_steps())                             \
			SKIP("Bochs 2.7's SVM forgets a host's interrupt when an event clears " \
			     "IF");                                                             \
	} while (0)
#define NEEDS_BREAKPOINTS()                                                         \
	do {                                                                        \
		const char *why;                                                    \
		if (guests_can_run(&why) && !breakpoints_are_told())                \
			SKIP("Bochs 2.7's SVM exits by #DB before DR6 is written"); \
	} while (0)

/* ---- steps ---- */

SELFTEST(debug_step_plain)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_plain);
	g.vp->arch.gpr[GPR_RDI] = OUTSIDE;
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(plain_a);
	STEP_TO(plain_b);
	STEP_TO(plain_c);
	STEP_TO(plain_d); /* CPUID */
	STEP_TO(plain_e);
	STEP_TO(plain_f); /* RDMSR */
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO && g.run->port.write);
	STEP_TO(plain_g);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO && !g.run->port.write);
	STEP_TO(plain_h);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE && g.run->emulate.gpa == OUTSIDE);
	GUEST_CHECK(&g, !(g.run->regs.rflags & RFLAGS_TF));
	g.run->regs.rip += MMIO_READ_SIZE;
	g.run->set = VP_SET_GPRS;
	STEP_TO(plain_i);
	STEP_TO(plain_j);
	STEP_TO(plain_k);
	STEP_TO(plain_k); /* each round of REP */
	STEP_TO(plain_k);
	STEP_TO(plain_l);
	STEP_TO(plain_m); /* HLT */
	vp_request(g.vp, VP_REQUEST_YIELD);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_YIELD); /* it has halted */
	guest_destroy(&g);
}

SELFTEST(debug_step_flags)
{
	struct test_guest g;

	NEEDS_DELIVERIES();
	GUEST_SETUP(&g);
	guest_start(&g, debug_flags);
	guest_vector_set(&g, VECTOR_INT, AT(flags_handle));
	guest_vector_set(&g, VECTOR_BP, AT(flags_handle));
	guest_vector_set(&g, VECTOR_DB, AT(flags_db));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(flags_a);
	STEPS_TO(flags_b);
	STEP_TO(flags_c);
	STEP_TO(flags_d);
	STEPS_TO(flags_e);
	GUEST_CHECK(&g, GPR(R8) == 0 && GPR(R9) == 0);
	STEP_TO(flags_handle); /* INT n */
	STEPS_TO(flags_iret);
	GUEST_CHECK(&g, GPR(R10) == 0);
	STEP_TO(flags_f);
	GPR(R10) = 7;
	STEP_TO(flags_handle); /* INT3 */
	STEPS_TO(flags_iret);
	GUEST_CHECK(&g, GPR(R10) == 0);
	STEP_TO(flags_g);
	guest_destroy(&g);
}

/* The guest steps itself, from its POPF on: its traps come where they would. */
SELFTEST(debug_step_with_the_guests_own)
{
	struct test_guest g;

	NEEDS_DELIVERIES();
	GUEST_SETUP(&g);
	guest_start(&g, debug_flags);
	guest_vector_set(&g, VECTOR_DB, AT(flags_db));
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(flags_g)));
	*(uint16_t *)(g.ram + GUEST_STACK - 16) = RFLAGS_TF | RFLAGS_FIXED;
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_RSP, GUEST_STACK - 16));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP && g.run->regs.rip == RIP_OF(flags_h));
	GUEST_CHECK(&g, g.run->regs.rflags & RFLAGS_TF); /* its own */
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP && g.run->regs.rip == RIP_OF(flags_i));
	STEP_TO(flags_db);
	GUEST_CHECK(&g, DR(6) == (DR6_NONE | DR6_BS));
	STEP_TO(flags_db2);
	STEP_TO(flags_db3);
	STEP_TO(flags_i); /* IRET ends it */
	STEP_TO(flags_j);
	guest_destroy(&g);
}

SELFTEST(debug_step_syscall)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_syscall);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(syscall_b);
	STEP_TO(syscall_c);
	STEP_TO(syscall_e);
	GUEST_CHECK(&g, GPR(RCX) == RIP_OF(syscall_d));
	STEP_TO(syscall_f);
	GUEST_CHECK(&g, debug_set(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 0));
	guest_destroy(&g);
}

/* The trap behind MOV SS is lost, as with the guest's own TF; an exit is not. */
SELFTEST(debug_step_shadow)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_shadow);
	guest_vector_set(&g, VECTOR_IRQ, AT(shadow_irq));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(shadow_a);
	STEP_TO(shadow_c);
	STEP_TO(shadow_e); /* CPUID */
	guest_destroy(&g);
}

/* The guest's own TF, over STI: where its trap comes. */
static bool trap_of_sti_is_late(struct test_guest *g)
{
	guest_start(g, debug_sti);
	guest_vector_set(g, VECTOR_DB, AT(sti_db));
	return !guest_says(g, 0);
}

SELFTEST(debug_step_sti)
{
	struct test_guest g;
	bool merged;

	GUEST_SETUP(&g);
	if (trap_of_sti_is_late(&g)) {
		guest_destroy(&g);
		SKIP("QEMU 7.2's trap of STI comes an instruction late, the guest's own too");
	}
	guest_start(&g, debug_shadow);
	guest_vector_set(&g, VECTOR_IRQ, AT(shadow_irq));
	guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(shadow_e));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(shadow_f);
	if (!g.vp->vtl[0]->arch.shadow) {
		guest_destroy(&g);
		SKIP("Bochs 2.7 forgets STI's shadow when its trap exits");
	}
	GUEST_CHECK(&g, arch_request_msi(g.partition, 0, MSI_ADDRESS, VECTOR_IRQ, &merged) ==
				STATUS_OK);
	STEP_TO(shadow_g); /* nothing comes before this instruction is done */
	guest_destroy(&g);
}

SELFTEST(debug_step_fault)
{
	struct test_guest g;

	NEEDS_DELIVERIES();
	GUEST_SETUP(&g);
	guest_start(&g, debug_fault);
	guest_vector_set(&g, VECTOR_UD, AT(fault_ud));
	guest_vector_set(&g, VECTOR_PF, AT(fault_pf));
	guest_vector_set(&g, VECTOR_DB, AT(fault_db));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(fault_ud);
	GUEST_CHECK(&g, *(uint64_t *)(g.ram + GPR(RSP)) == GUEST_CODE);
	STEPS_TO(fault_ud_end);
	GUEST_CHECK(&g, GPR(R8) == 0);
	STEP_TO(fault_a);
	STEP_TO(fault_b);
	STEP_TO(fault_pf);
	STEPS_TO(fault_pf_end);
	GUEST_CHECK(&g, GPR(R9) == 0x80000000 && GPR(R10) == 2 && GPR(R8) == 0);
	STEP_TO(fault_c);
	guest_destroy(&g);
}

/* INT1 is #DB without a bit of DR6, for the guest. */
SELFTEST(debug_step_int1)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_fault);
	guest_vector_set(&g, VECTOR_UD, AT(fault_ud));
	guest_vector_set(&g, VECTOR_DB, AT(fault_db));
	guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(fault_c));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP);
	if (g.run->regs.rip == RIP_OF(fault_ud)) {
		guest_destroy(&g);
		SKIP("QEMU 7.2 is built without INT1 (WANT_ICEBP): it is #UD");
	}
	GUEST_CHECK(&g, g.run->regs.rip == RIP_OF(fault_db));
	STEP_TO(fault_db_end);
	GUEST_CHECK(&g, GPR(R12) == DR6_NONE);
	STEP_TO(fault_d);
	guest_destroy(&g);
}

SELFTEST(debug_step_interrupt)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_irq);
	guest_vector_set(&g, VECTOR_IRQ, AT(irq_irq));
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS));
	STEPS_TO(irq_c); /* QEMU: see debug_step_sti */
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(irq_irq); /* no longer held */
	GUEST_CHECK(&g, debug_set(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 3) && GPR(R8) == 0);
	GUEST_CHECK(&g, guest_says(&g, 2));
	/* The timer has ended by then: it ends the HLT, though others would be held. */
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS));
	STEPS_TO(irq_f);
	STEP_TO(irq_irq);
	GUEST_CHECK(&g, *(uint64_t *)(g.ram + GPR(RSP)) == RIP_OF(irq_f));
	guest_destroy(&g);
}

/* ---- breakpoints ---- */

SELFTEST(debug_state_checked)
{
	const struct vp_breakpoint wrong[] = {
		{.address = 1},
		{.kind = BREAKPOINT_ACCESS + 1, .length = 1},
		{.kind = BREAKPOINT_EXECUTE, .length = 2},
		{.kind = BREAKPOINT_WRITE, .length = 0},
		{.kind = BREAKPOINT_WRITE, .length = 3},
		{.kind = BREAKPOINT_WRITE, .length = 255},
		{.kind = BREAKPOINT_WRITE, .length = 1, .reserved = {[5] = 1}},
	};
	struct vp_debug_state state;
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		state = (struct vp_debug_state){.breakpoint = {[3] = wrong[i]}};
		GUEST_CHECK(&g,
			    arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_INVALID_ARGUMENT);
	}
	state = (struct vp_debug_state){.flags = 8};
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_INVALID_ARGUMENT);
	state = (struct vp_debug_state){.reserved = 1};
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_INVALID_ARGUMENT);
	state = (struct vp_debug_state){
		.breakpoint = {{.kind = BREAKPOINT_WRITE, .length = 8, .address = 4}},
	};
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_MISALIGNED);
	guest_destroy(&g);
}

static const struct vp_debug_state code_and_data = {
	.breakpoint =
		{
			{.kind = BREAKPOINT_EXECUTE, .length = 1},
			{.kind = BREAKPOINT_WRITE, .length = 2, .address = GUEST_STACK - 56},
			{.kind = BREAKPOINT_ACCESS, .length = 8, .address = GUEST_STACK - 64},
			{.kind = BREAKPOINT_EXECUTE, .length = 1},
		},
};

SELFTEST(debug_breakpoints)
{
	struct vp_debug_state state = code_and_data;
	struct test_guest g;
	unsigned int i;

	NEEDS_BREAKPOINTS();
	GUEST_SETUP(&g);
	guest_start(&g, debug_loop);
	guest_vector_set(&g, VECTOR_BP, AT(loop_bp));
	state.breakpoint[0].address = RIP_OF(loop_a);
	state.breakpoint[3].address = RIP_OF(loop_e);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_OK);
	for (i = 0; i < 2; i++) {
		BREAKS_AT(0, loop_a);
		BREAKS_AT(1, loop_c);
		BREAKS_AT(2, loop_d);
		BREAKS_AT(3, loop_e);
	}
	GUEST_CHECK(&g, DR(7) == 0x400 && DR(6) == DR6_NONE && GPR(R8) == 2);
	/* A step begins where a breakpoint is, and goes over others. */
	state.flags = DEBUG_SINGLE_STEP;
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_OK);
	STEP_TO(loop_a);
	STEP_TO(loop_b);
	BREAKS_AT(1, loop_c);
	GUEST_CHECK(&g, debug_set(&g, 0));
	vp_request(g.vp, VP_REQUEST_YIELD);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_YIELD);
	guest_destroy(&g);
}

SELFTEST(debug_int3)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug_loop);
	guest_vector_set(&g, VECTOR_BP, AT(loop_bp));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_INT3));
	GUEST_CHECK(&g, comes_to(&g, VP_RUN_INT3, RIP_OF(loop_d)));
	GUEST_CHECK(&g, comes_to(&g, VP_RUN_INT3, RIP_OF(loop_d))); /* nobody has moved it */
	/* The guest's after all: its handler returns to the next instruction. */
	g.run->regs.rip = RIP_OF(loop_e);
	g.run->event.vector = VECTOR_BP;
	g.run->event.has_error = 0;
	g.run->set = VP_SET_GPRS | VP_SET_EVENT;
	GUEST_CHECK(&g, comes_to(&g, VP_RUN_INT3, RIP_OF(loop_d)));
	GUEST_CHECK(&g, GPR(R8) == 1);
	guest_destroy(&g);
}

/* An NMI that waits for the end of a shadow, which the kernel steps over, takes nothing away from it. */
SELFTEST(debug_int3_behind_a_shadow)
{
	struct test_guest g;
	bool merged;

	GUEST_SETUP(&g);
	guest_start(&g, debug_loop);
	guest_vector_set(&g, VECTOR_NMI, AT(loop_bp));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_INT3));
	GUEST_CHECK(&g,
		    arch_request_msi(g.partition, 0, MSI_ADDRESS, MSI_NMI, &merged) == STATUS_OK);
	g.vp->vtl[0]->arch.shadow = 1;
	GUEST_CHECK(&g, comes_to(&g, VP_RUN_INT3, RIP_OF(loop_d)));
	GUEST_CHECK(&g, GPR(R8) == 1);
	guest_destroy(&g);
}

/* ---- the guest's own debug registers ---- */

/* It reads what it has written, though the processor's hold the debugger's. */
static bool own_registers_read(struct test_guest *g)
{
	return guest_says(g, 0x1234) && guest_says(g, 0x402) && guest_says(g, DR6_NONE);
}

SELFTEST(debug_guests_registers)
{
	struct vp_debug_state state = {
		.breakpoint = {{.kind = BREAKPOINT_EXECUTE, .length = 1}},
	};
	struct test_guest g;

	NEEDS_BREAKPOINTS();
	GUEST_SETUP(&g);
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	state.breakpoint[0].address = RIP_OF(own_theirs);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_OK);
	GUEST_CHECK(&g, own_registers_read(&g));
	GUEST_CHECK(&g, guest_says(&g, DR6_NONE | 1)); /* its own breakpoint, of its own number */
	BREAKS_AT(0, own_theirs);
	GUEST_CHECK(&g, DR(6) == DR6_NONE && DR(7) == 0x402 && DR(2) == 0x1234);
	guest_destroy(&g);
}

/* The next access to a debug register, once the guest has set DR7.GD. */
static bool general_detect(struct test_guest *g)
{
	guest_register_set(g, HV_X64_REGISTER_RIP, RIP_OF(own_gd));
	return guest_says(g, DR6_NONE | DR6_BD) && guest_says(g, 99);
}

SELFTEST(debug_guests_general_detect)
{
	struct vp_debug_state state = code_and_data;
	struct test_guest g;

	NEEDS_BREAKPOINTS();
	GUEST_SETUP(&g);
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	if (!general_detect(&g)) {
		guest_destroy(&g);
		SKIP("QEMU 7.2's moves from and to debug registers do not look at DR7.GD");
	}
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_OK);
	GUEST_CHECK(&g, general_detect(&g));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(own_gd));
	STEPS_TO(own_db);
	GUEST_CHECK(&g, DR(6) == (DR6_NONE | DR6_BD));
	guest_destroy(&g);
}

/* All four are the debugger's: the guest's breakpoint is there when they are given up. */
SELFTEST(debug_guests_registers_wait)
{
	struct vp_debug_state state = code_and_data;
	struct test_guest g;

	NEEDS_BREAKPOINTS();
	GUEST_SETUP(&g);
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	if (!own_registers_read(&g) || !guest_says(&g, DR6_NONE | 1)) {
		guest_destroy(&g);
		SKIP("QEMU 7.2's VMRUN loads DR7 and arms no breakpoint: a guest's own are lost");
	}
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	guest_register_set(&g, HV_X64_REGISTER_DR6, DR6_NONE);
	state.breakpoint[0].address = state.breakpoint[3].address = RIP_OF(own_theirs);
	GUEST_CHECK(&g, arch_vp_set_debug_state(g.vp, 0, &state) == STATUS_OK);
	GUEST_CHECK(&g, own_registers_read(&g));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_HW_BREAK);
	GUEST_CHECK(&g, g.run->regs.rip == RIP_OF(own_theirs));
	GUEST_CHECK(&g, debug_set(&g, 0));
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_RIP, RIP_OF(own_theirs) - 1));
	GUEST_CHECK(&g, guest_says(&g, DR6_NONE | 1));
	guest_destroy(&g);
}

/* Steps over each of its accesses, and to its handler. */
SELFTEST(debug_step_guests_registers)
{
	struct test_guest g;
	unsigned int i;

	NEEDS_BREAKPOINTS();
	GUEST_SETUP(&g);
	guest_start(&g, debug_own);
	guest_vector_set(&g, VECTOR_DB, AT(own_db));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	for (i = 0; i < 7; i++)
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_SINGLE_STEP);
	GUEST_CHECK(&g, GPR(RAX) == 0x1234);
	GUEST_CHECK(&g, debug_set(&g, 0));
	GUEST_CHECK(&g, own_registers_read(&g));
	GUEST_CHECK(&g, debug_set(&g, DEBUG_SINGLE_STEP));
	STEP_TO(own_db);
	GUEST_CHECK(&g, DR(6) == (DR6_NONE | 1));
	guest_destroy(&g);
}

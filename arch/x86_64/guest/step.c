/* SPDX-License-Identifier: MIT */
/*
 * Steps of a debugger, by RFLAGS.TF, which the guest does not get to see.
 *
 * A step ends after one instruction, or when an exception or interrupt has been delivered, at the first
 * instruction of its handler. All exceptions exit meanwhile, TF is taken out of RFLAGS at each exit, and an
 * event is injected without it: so no frame shows it. What is left are the instructions that work on
 * RFLAGS themselves. They are told apart by their opcode, the one thing that the kernel reads of a guest's
 * instructions:
 *
 *   PUSHF         the copy on the stack is mended behind it
 *   POPF, IRET    leave a TF of the guest's
 *   INT n, INT3,  are injected instead
 *   INTO
 *   SYSCALL       would keep TF in R11, and both it and SYSRET may end TF without a trap: instead of TF, a
 *   and SYSRET    breakpoint stands where they go to. They access no memory, so that the other breakpoints
 *                 are not missed for so long.
 *
 * The processor holds the trap off for one instruction behind MOV SS and POP SS: a step takes that with it,
 * and if it is one of these, the guest sees TF. In virtual-8086 mode none of this is done.
 */
#include "debug.h"
#include "linear.h"
#include <kernel/memory_map.h>

enum stepped_instruction {
	STEPPED_OTHER,
	STEPPED_PUSHF,
	STEPPED_POPF, /* and IRET */
	STEPPED_INT,  /* INT n, INT3, INTO */
	STEPPED_SYSCALL,
	STEPPED_SYSRET,
};

#define RFLAGS_OF BIT(11)
#define RFLAGS_VM BIT(17)

struct opcode {
	uint8_t instruction; /* enum stepped_instruction */
	uint8_t length;
	uint8_t vector;	   /* of STEPPED_INT */
	bool is_exception; /* INT3, INTO */
	bool wide;	   /* REX.W */
};

/* ES, CS, SS, DS; FS, GS, operand and address size; REPNE, REP. LOCK is none: all of these instructions are
 * #UD with it. */
static bool is_prefix(uint8_t byte)
{
	return (byte & 0xe7) == 0x26 || (byte & 0xfc) == 0x64 || (byte & 0xfe) == 0xf2;
}

/* Behind the prefixes. One that is not the last does not count as REX (SDM 2A 2.2.1). */
static unsigned int prefixes_skip(const uint8_t *code, bool long_mode, bool *wide)
{
	unsigned int i;

	for (i = 0; i < INSTRUCTION_MAX; i++) {
		bool rex = long_mode && (code[i] & 0xf0) == 0x40;

		if (!rex && !is_prefix(code[i]))
			break;
		*wide = rex && (code[i] & 8);
	}
	return i;
}

/* A byte that is not there reads as 0, which is none of these instructions; so does the one behind the
 * longest. */
static struct opcode opcode_of(const uint8_t *code, bool long_mode, uint64_t rflags)
{
	struct opcode o = {.instruction = STEPPED_OTHER};
	unsigned int i = prefixes_skip(code, long_mode, &o.wide);

	o.length = (uint8_t)(i + 1);
	switch (code[i]) {
	case 0x9c: o.instruction = STEPPED_PUSHF; break;
	case 0x9d:
	case 0xcf: o.instruction = STEPPED_POPF; break;
	case 0xcc:
	case 0xce: /* INTO does not exist in 64-bit mode */
		if (code[i] == 0xce && (long_mode || !(rflags & RFLAGS_OF)))
			break;
		o.instruction = STEPPED_INT;
		o.vector = code[i] == 0xcc ? EXCEPTION_BP : EXCEPTION_OF;
		o.is_exception = true;
		break;
	case 0xcd:
		o.instruction = i + 2 <= INSTRUCTION_MAX ? STEPPED_INT : STEPPED_OTHER;
		o.vector = code[i + 1];
		o.length++;
		break;
	case 0x0f:
		if (code[i + 1] == 0x05)
			o.instruction = STEPPED_SYSCALL;
		else if (code[i + 1] == 0x07)
			o.instruction = STEPPED_SYSRET;
		break;
	default: break;
	}
	return o;
}

static struct opcode opcode_read(const struct vp *vp, const struct guest_state *state)
{
	uint8_t code[INSTRUCTION_MAX + 1] = {0};
	gpa_t gpa;

	(void)guest_linear_read(vp_active(vp)->space, state, guest_linear_rip(vp, state), code,
				INSTRUCTION_MAX, &gpa);
	return opcode_of(code, guest_is_64bit(state), vp_arch(vp)->rflags);
}

/* The debugger's own breakpoint where a step begins. */
static void breakpoint_pass(struct vp *vp, uint64_t linear)
{
	const struct vp_breakpoint *b = vp_arch(vp)->debug.asked.breakpoint;
	unsigned int i;

	if (vp_arch(vp)->debug.passing)
		guest_debug_resume(vp);
	for (i = 0; i < BREAKPOINT_COUNT; i++)
		if (b[i].kind == BREAKPOINT_EXECUTE && b[i].address == linear)
			guest_debug_resume(vp);
}

/* Where SYSCALL or SYSRET goes to, if it does not fault (SDM 2B, APM 3). */
static uint64_t landing(const struct vp *vp, const struct guest_state *state,
			const struct opcode *o)
{
	uint64_t rcx = vp->arch.gpr[GPR_RCX];

	if (o->instruction == STEPPED_SYSRET)
		return o->wide ? rcx : (uint32_t)rcx;
	if (!(state->efer & EFER_LMA))
		return (uint32_t)state->star;
	return guest_is_64bit(state) ? state->lstar : state->cstar;
}

/* All registers are the step's: see the top. */
static void landing_set(struct vp *vp, uint64_t rip)
{
	struct guest_debug *d = &vp_arch(vp)->debug;
	unsigned int i;

	for (i = 0; i < BREAKPOINT_COUNT; i++)
		d->owner[i] = DEBUG_OWNER_NONE;
	d->owner[0] = DEBUG_OWNER_LANDING;
	d->dr[0] = rip;
	d->dr7 = DR7_RESET | BIT(1);
	backend->arch.debug_set(vp, vp->active_vtl);
}

/* INT3 is the VMM's if it has asked for it. All else is to be delivered as if executed. */
static void software_event(struct vp *vp, const struct opcode *o)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (o->is_exception && o->vector == EXCEPTION_BP && (a->debug.asked.flags & DEBUG_INT3)) {
		a->debug.hit = DEBUG_HIT_INT3;
		return;
	}
	a->event.type = o->is_exception ? EVENT_SOFTWARE_EXCEPTION : EVENT_SOFTWARE;
	a->event.vector = o->vector;
	a->event.has_error = false;
	a->event.length = o->length;
	a->work |= WORK_EVENT;
}

__cold void guest_step_instruction(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debug;
	struct opcode o = {.instruction = STEPPED_OTHER};
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL | STATE_SYSCALL,
				&state);
	/* What is let pass has told what it is. */
	if (!d->lets)
		o = opcode_read(vp, &state);
	if (a->rflags & RFLAGS_VM)
		o.instruction = STEPPED_OTHER;
	d->instruction = o.instruction;
	d->shadow = a->shadow;
	if (o.instruction == STEPPED_INT) {
		software_event(vp, &o);
		if (a->work & WORK_EVENT)
			guest_event_deliver(vp);
		return;
	}
	/* It ends with this instruction; TF in it would be taken for a trap that waits (SDM 3C
	 * 27.3.1.5). Nothing is injected before the instruction is done. */
	a->shadow = 0;
	breakpoint_pass(vp, guest_linear_rip(vp, &state));
	d->mode = STEP_INSTRUCTION;
	if (o.instruction >= STEPPED_SYSCALL)
		landing_set(vp, landing(vp, &state, &o));
	else
		a->rflags |= RFLAGS_TF;
	/* What the processor delivers by itself would go with TF. */
	a->lapic.service_changed = a->lapic.processor_delivers;
	backend->arch.step(vp, STEP_INSTRUCTION);
}

__cold void guest_step_left(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_debug *d = &a->debug;

	if (d->lets)
		backend->arch.tables_watch(vp, vp->active_vtl, a->npiep);
	d->lets = false;
	d->left = d->mode;
	d->mode = STEP_NONE;
	a->lapic.service_changed |= a->lapic.processor_delivers;
	if (d->left == STEP_DELIVERY) {
		d->done = vp->exit.kind == VP_EXIT_INTERRUPT;
		return;
	}
	d->trap_flag_left = a->rflags & RFLAGS_TF;
	a->rflags &= ~RFLAGS_TF;
	if (d->trap_flag)
		a->rflags |= RFLAGS_TF;
	if (d->owner[0] == DEBUG_OWNER_LANDING)
		guest_debug_merge(vp, vp->active_vtl);
	if (a->rip == d->rip && vp->exit.kind != VP_EXIT_EXCEPTION)
		a->shadow |= d->shadow;
}

/* PUSHF's copy of TF. The stack's bits are those of SS, or of RSP in 64-bit mode. False: it is not
 * there any more. */
static bool pushed_flags_mend(struct vp *vp)
{
	struct gpa_space *space = vp_active(vp)->space;
	uint64_t linear = vp->arch.gpr[GPR_RSP];
	struct hv_x64_segment_register *ss;
	struct guest_state state;
	uint8_t byte;
	gpa_t gpa;

	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL, &state);
	ss = &state.segment[SEGMENT_SS];
	if (!guest_is_64bit(&state)) {
		linear = ss->attributes & HV_SEGMENT_DB ? (uint32_t)linear : (uint16_t)linear;
		linear += ss->base;
	}
	linear = guest_linear_cut(&state, linear + 1);
	if (!guest_linear_read(space, &state, linear, &byte, 1, &gpa))
		return false;
	byte &= (uint8_t) ~(RFLAGS_TF >> 8);
	return gpa_write(space, gpa, &byte, 1) == STATUS_OK;
}

static void flags_mend(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	switch (a->debug.instruction) {
	case STEPPED_PUSHF:
		if (!a->debug.trap_flag)
			(void)pushed_flags_mend(vp);
		break;
	case STEPPED_POPF:
		a->rflags &= ~RFLAGS_TF;
		if (a->debug.trap_flag_left)
			a->rflags |= RFLAGS_TF;
		break;
	default: break;
	}
}

__cold bool guest_step_ended(struct vp *vp, uint32_t *bits)
{
	struct guest_debug *d = &vp_arch(vp)->debug;
	bool lands = d->instruction >= STEPPED_SYSCALL;

	if (d->left != STEP_INSTRUCTION)
		return false;
	/* Bochs 2.7's SVM stores DR6 before it has written it. */
	if (!*bits)
		*bits = lands ? 1 : (uint32_t)DR6_BS;
	if (lands) {
		d->done = *bits & 1;
		*bits &= ~1u;
		return d->done;
	}
	if (!(*bits & DR6_BS))
		return false;
	/* Of the guest's turn the bit may be an old one of its own. */
	d->done = !d->guest_turn || vp_arch(vp)->rip != d->rip;
	flags_mend(vp);
	return d->done;
}

__cold void guest_step_software(struct vp *vp, const struct vp_exit *exit)
{
	struct guest_state state;
	struct opcode o = {
		.instruction = STEPPED_INT,
		.length = exit->event.length,
		.vector = exit->event.vector,
		.is_exception = true,
	};

	if (!o.length) {
		backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL, &state);
		o = opcode_read(vp, &state);
	}
	if (o.instruction == STEPPED_INT)
		software_event(vp, &o);
}

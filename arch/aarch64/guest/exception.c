/* SPDX-License-Identifier: MIT */
/* Exceptions that the guest takes to EL1 because it exited (Arm ARM D1.3, AArch64.TakeException). */
#include "guest.h"

#define ABORT_EXTERNAL FAULT_EXTERNAL
#define ABORT_KEPT     (SYNDROME_IL | ABORT_FAR_INVALID | ABORT_MAINTENANCE | ABORT_WRITE)
#define WALK_EXTERNAL  0x14u /* at level 0 */
#define FAULT_LEVEL    3u

/* IT, in two parts of PSTATE (Arm ARM C5.2.19), goes on as ITAdvance() says. An instruction may be of 16 bits. */
__cold void guest_instruction_done_32(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	uint64_t it = (a->pstate >> 10 & 0x3f) << 2 | (a->pstate >> 25 & 3);

	a->pc += vp->exit.syndrome & SYNDROME_IL ? 4 : 2;
	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	a->pstate &= ~(0x3full << 10 | 3ull << 25 | PSTATE_SS);
	a->pstate |= it >> 2 << 10 | (it & 3) << 25;
}

static void take(struct arch_vp_vtl *a, uint64_t syndrome)
{
	uint64_t sctlr = sysreg_read(sctlr_el1);

	sysreg_write(esr_el1, syndrome);
	sysreg_write(elr_el1, a->pc);
	/* What steps a guest with WORK_DEBUG is no affair of its own. */
	sysreg_write(spsr_el1, a->work & WORK_DEBUG ? a->pstate & ~PSTATE_SS : a->pstate);
	a->pc = sysreg_read(vbar_el1) + exception_offset(a->pstate);
	a->pstate = exception_pstate(a->pstate, sctlr, el2_has_pan());
}

/* All instructions that exit are of 32 bits; the class "unknown" says so in any case. */
void guest_undefined(struct vp *vp)
{
	take(vp_arch(vp), SYNDROME_IL);
}

void guest_take(struct vp *vp, uint64_t syndrome)
{
	take(vp_arch(vp), syndrome);
}

void guest_abort(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	bool fetch = SYNDROME_EC(a->syndrome) == CLASS_FETCH;
	bool from_el1 = (a->pstate & PSTATE_MODE) != PSTATE_EL0 && !(a->pstate & PSTATE_32);
	uint64_t class = fetch ? CLASS_FETCH : CLASS_DATA;
	uint64_t iss = a->syndrome & ABORT_KEPT;

	if (a->syndrome & ABORT_WALK)
		iss |= WALK_EXTERNAL | (a->syndrome & FAULT_LEVEL);
	else
		iss |= ABORT_EXTERNAL;
	if (fetch)
		iss &= ~(uint64_t)(ABORT_MAINTENANCE | ABORT_WRITE);
	sysreg_write(far_el1, a->fault);
	take(a, (class + from_el1) << 26 | iss);
}

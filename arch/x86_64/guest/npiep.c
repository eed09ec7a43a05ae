/* SPDX-License-Identifier: MIT */
/*
 * Non-privileged instruction execution prevention (TLFS, "Non-Privileged Instruction Execution Prevention"): SGDT,
 * SIDT, SLDT and STR, each by a bit of a VTL's register, are #GP above privilege level 0. While a bit is set,
 * these instructions exit; who sets none pays nothing.
 *
 * CR4.UMIP would do so without exits, but it takes all four at once, and SMSW with them, which the register has
 * no bit for, and the guest sees it in CR4.
 *
 * The exits come at all levels, on VMX of all four and of the loads. What is not forbidden:
 *
 *   at level 0    is run again without the exits, in a step that any exception or interrupt ends (debug.c). The
 *                 code is the guest's kernel's, so that no program changes it in between.
 *   above         the VMM emulates. A step would not do: another VP of the same program could put another
 *                 instruction there in time, one that is forbidden, or one that ends the trap flag
 *                 without a trap. The emulator knows what is forbidden, and looks at the instruction once.
 */
#include "npiep.h"
#include "debug.h"

__cold enum vp_outcome guest_npiep_exit(struct vp *vp, struct vp_exit *exit)
{
	struct guest_state state;

	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS, &state);
	if (!(state.segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK)) {
		guest_debug_let(vp);
		return VP_CONTINUE;
	}
	/* A load does not come so far. */
	if (exit->table.stores & ~(uint32_t)vp_arch(vp)->npiep)
		return run_page_emulate(vp, exit, EMULATE_TABLE);
	guest_fault_gp(vp);
	return VP_CONTINUE;
}

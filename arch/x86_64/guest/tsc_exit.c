/* SPDX-License-Identifier: MIT */
/* RDTSC and RDTSCP of a guest whose TSC has a rate of its own. */
#include "guest.h"
#include "linear.h"
#include <kernel/string.h>

#define RDTSC_LENGTH  2u
#define RDTSCP_LENGTH 3u

/* An exit that may be either's is found out by the instruction. */
static __cold void decode(struct vp *vp, struct vp_exit *exit)
{
	static const uint8_t rdtscp[RDTSCP_LENGTH] = {0x0f, 0x01, 0xf9};
	uint8_t code[RDTSCP_LENGTH] = {0};
	struct guest_state state;
	gpa_t gpa;

	backend->arch.state_get(vp, vp->active_vtl, STATE_ADDRESSING, &state);
	(void)guest_linear_read(vp_active(vp)->space, &state, guest_linear_rip(vp, &state), code,
				RDTSCP_LENGTH, &gpa);
	exit->tsc.with_aux = memcmp(code, rdtscp, RDTSCP_LENGTH) == 0;
	if (exit->tsc.with_aux)
		exit->next_rip += RDTSCP_LENGTH - RDTSC_LENGTH;
}

/* Where CPUID does not show RDTSCP, SVM lets it exit always. */
enum vp_outcome guest_tsc_exit(struct vp *vp, struct vp_exit *exit)
{
	uint64_t *gpr = vp->arch.gpr, tsc;

	if (unlikely(exit->tsc.either))
		decode(vp, exit);
	if (exit->tsc.with_aux && !(vp->partition->arch.instructions & INSTRUCTION_RDTSCP)) {
		guest_fault_ud(vp);
		return VP_CONTINUE;
	}
	tsc = guest_tsc_read(vp);
	gpr[GPR_RAX] = (uint32_t)tsc;
	gpr[GPR_RDX] = tsc >> 32;
	if (exit->tsc.with_aux)
		gpr[GPR_RCX] = vp->arch.tsc_aux;
	guest_instruction_done(vp, exit->next_rip);
	return VP_CONTINUE;
}

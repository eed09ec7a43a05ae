/* SPDX-License-Identifier: MIT */
/*
 * What exits cost. Only a profiled VP pays for that: none of its exits is handled in the world switch,
 * and all come back with VP_PROFILED, which nobody else's do.
 */
#include <kernel/backend.h>
#include <kernel/string.h>

struct change {
	struct vp_profile *made; /* NULL: none, or the VP has it */
	bool on;
};

static void profile_change(struct vp *vp, void *argument)
{
	struct change *change = argument;

	if (!change->on) {
		vp->quick_exits = ARCH_QUICK_EXITS;
		vp->other_exits = VP_UNHANDLED;
		return;
	}
	if (!vp->profile) {
		vp->profile = change->made;
		change->made = NULL;
	}
	memset(vp->profile, 0, sizeof(*vp->profile));
	vp->quick_exits = 0;
	vp->other_exits = VP_PROFILED;
}

/* The counts stay until it is switched on again, and their memory as long as the VP: others may be
 * reading. */
status_t vp_profile_set(struct vp *vp, bool on)
{
	struct heap *heap = vp->partition->heap;
	struct change change = {.on = on};
	status_t status;

	if (on && !vp->profile) {
		change.made = heap_alloc(heap, sizeof(*change.made));
		if (!change.made)
			return STATUS_NO_MEMORY;
	}
	status = vp_call(vp, profile_change, &change);
	if (change.made)
		heap_free(heap, change.made, sizeof(*change.made));
	return status;
}

/* If the VMM got the last exit, the time since is the VMM's until the VP came back to the CPU. */
enum vp_outcome vp_profile_exit(struct vp *vp)
{
	uint64_t start = timestamp_read();
	struct vp_profile *p = vp->profile;
	enum vp_outcome outcome;

	if (p->to_vmm)
		p->times.vmm[p->kind] += vp->loaded_at - p->left_at;
	p->kind = vp->exit.kind;
	outcome = arch_vp_handle_exit(vp);
	p->to_vmm = outcome == VP_TO_VMM;
	p->left_at = timestamp_read();
	p->times.handler[p->kind] += p->left_at - start;
	return outcome;
}

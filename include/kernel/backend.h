/* SPDX-License-Identifier: MIT */
/*
 * A backend drives one virtualization extension. It enters the guest and says in neutral words
 * why it came back; it knows nothing of devices, hypercalls or policy. One const instance each;
 * the one that this machine has is chosen at boot.
 */
#ifndef KERNEL_BACKEND_H
#define KERNEL_BACKEND_H

#include <arch/backend.h>
#include <kernel/page_table.h>
#include <kernel/processor.h>

struct backend_ops {
	const char *name;
	/* What of the processors' it found and uses, in its own words: struct inspect_system. */
	const uint32_t *features;
	uint32_t feature_count;

	/* STATUS_OK, or why this machine can't; changes nothing. */
	status_t (*probe)(void);
	/* Once, on the boot CPU, after probe said OK. */
	status_t (*init)(void);
	/* On each CPU. */
	status_t (*cpu_enable)(void);
	void (*cpu_disable)(void);

	/* The format of second-level tables. */
	const struct page_table_format *gpa_format;

	/* Per VP and VTL: allocated from the partition's heap, kept in vp_vtl.backend. */
	status_t (*vp_create)(struct vp *vp, uint32_t vtl);
	void (*vp_destroy)(struct vp *vp, uint32_t vtl);

	/* The VP will next be worked on by another CPU: nothing of it may stay on this one. */
	void (*unbind)(struct vp *vp);

	/* The VP comes to this CPU / leaves it: between the two nothing else may run here, and
	 * host state that the guest shares (system registers that the kernel can do without) may be the
	 * guest's. */
	void (*load)(struct vp *vp);
	void (*put)(struct vp *vp);
	/* Runs the active VTL. Of each exit vp_exit_take() tells whether the guest is entered again
	 * at once; if not, the answer is what that said. Loaded VPs only. */
	enum vp_outcome (*enter)(struct vp *vp);

	struct arch_backend_ops arch; /* what the guest half of the architecture asks of it */
};

/*
 * For the backend, as soon as it has decoded vp->exit. The stack pointer and the GPRs that C functions
 * preserve may still be the guest's in the processor, and stale in the VP: what is handled here uses and
 * changes the others alone.
 */
static inline enum vp_outcome vp_exit_take(struct vp *vp, const struct vp_vtl *v)
{
	uint32_t kind = vp->exit.kind;
	enum vp_outcome outcome;

	vp->stats->exits[kind]++;
	if (unlikely(!(vp->quick_exits >> kind & 1))) {
		outcome = (enum vp_outcome)vp->other_exits;
		if (outcome == VP_ENTER)
			__builtin_unreachable();
		return outcome;
	}
	outcome = arch_vp_quick_exit(vp);
	if (likely(outcome == VP_CONTINUE && !vp_has_work(vp, v)))
		return VP_ENTER;
	return outcome;
}

/* What hardware does for it: enum inspect_assist, by the word of its init. */
extern uint32_t backend_assists;

/* The chosen backend; NULL while there is none. */
extern const struct backend_ops *backend;

/* A backend as this machine uses it: with what its processors need against leaks by speculation. */
const struct backend_ops *arch_backend_guard(const struct backend_ops *ops);

/* All that the architecture has, in the order in which they are tried. */
extern const struct backend_ops *const arch_backends[];
extern const uint32_t arch_backend_count;

#endif

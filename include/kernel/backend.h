/* SPDX-License-Identifier: MIT */
/*
 * A backend drives one virtualization extension. It enters the guest and says in neutral words
 * why it came back; it knows nothing of devices, hypercalls or policy. One const instance each;
 * the one that this machine has is chosen at boot.
 */
#ifndef KERNEL_BACKEND_H
#define KERNEL_BACKEND_H

#include <arch/guest.h>
#include <kernel/page_table.h>
#include <kernel/processor.h>

/* An exception or interrupt to be delivered at the next entry. */
enum event_type {
	EVENT_NONE = 0,
	EVENT_INTERRUPT,
	EVENT_NMI,
	EVENT_EXCEPTION,
	EVENT_SOFTWARE,		  /* INT n */
	EVENT_SOFTWARE_EXCEPTION, /* INT3, INTO */
};

struct vp_event {
	uint8_t type; /* enum event_type */
	uint8_t vector;
	bool has_error;
	uint8_t length; /* of the instruction that raises a software event, at RIP */
	uint32_t error;
};

enum vp_window {
	WINDOW_INTERRUPT, /* an interrupt can be taken: RFLAGS.IF, no shadow */
	WINDOW_PRIORITY,  /* the guest writes CR8, which holds an interrupt off */
	WINDOW_NMI,
};

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
	 * host state that the guest shares (FS, GS, TR, syscall MSRs) may be the guest's. */
	void (*load)(struct vp *vp);
	void (*put)(struct vp *vp);
	/* Runs the active VTL. Of each exit vp_exit_take() tells whether the guest is entered again
	 * at once; if not, the answer is what that said. Loaded VPs only. */
	enum vp_outcome (*enter)(struct vp *vp);

	/* The active VTL runs 64-bit code at privilege level 0. Cheap; loaded VPs only. */
	bool (*in_kernel_64)(const struct vp *vp);
	/* The active VTL: can it take an interrupt / an NMI at the next entry? */
	bool (*can_take)(struct vp *vp, enum vp_window window);
	/* Deliver at the next entry; nothing else may be waiting there. An event that the next exit
	 * finds undelivered comes back in arch_vp_vtl.event, with WORK_EVENT set. */
	void (*inject)(struct vp *vp, const struct vp_event *event);
	/* Exit as soon as that window opens. An exit may close all windows: they are asked for again
	 * before each entry that needs them. */
	void (*window_request)(struct vp *vp, enum vp_window window);

	/* The debug state of a VTL has changed (arch_vp_vtl.debug): its registers, and what exits. */
	void (*debug_set)(struct vp *vp, uint32_t vtl);
	/* The next entry is a step, which guest_step_left() is told the end of. Of STEP_INSTRUCTION
	 * all exceptions exit; STEP_DELIVERY ends behind what is injected, with VP_EXIT_INTERRUPT. */
	void (*step)(struct vp *vp, enum step_mode mode);

	/* From the next entry on these exit (HV_NPIEP_...), at all privilege levels. Others may, too: VP_EXIT_TABLE
	 * tells. With ASSIST_TABLES. */
	void (*tables_watch)(struct vp *vp, uint32_t vtl, uint32_t stores);

	/* The APIC of a VTL was reset, or changed its mode or address (enum apic_place). True: the
	 * processor delivers from its page while the guest runs. NULL: it never does. */
	bool (*apic_place_set)(struct vp *vp, uint32_t vtl, uint32_t place);

	/* Registers of a VTL, by group (enum guest_state_group). Setting STATE_CONTROL also drops the
	 * VP's guest-linear translations. CR2, which all VTLs share, goes with it: while the VP is loaded,
	 * arch.cr2 is the guest's after a get, and the guest gets it by a set. */
	void (*state_get)(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state);
	void (*state_set)(struct vp *vp, uint32_t vtl, uint32_t groups,
			  const struct guest_state *state);
	/* How the active VTL of a loaded VP translates addresses: CR3 and CR4 as STATE_ADDRESSING gives
	 * them, of 64-bit code; otherwise GUEST_NOT_64BIT. */
	struct guest_addressing (*addressing_64)(struct vp *vp);
};

/*
 * For the backend, as soon as it has decoded vp->exit. RSP and the GPRs that C functions preserve may
 * still be the guest's in the processor, and stale in the VP: what is handled here uses and changes
 * the others alone.
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

extern const struct backend_ops svm_backend;
extern const struct backend_ops vmx_backend;

#endif

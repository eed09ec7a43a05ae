/* SPDX-License-Identifier: MIT */
/*
 * What the guest half of x86-64 asks of a backend, SVM or VMX, beside what <kernel/backend.h> lists: events
 * and windows, debug registers, the APIC's page, registers in the form that both give.
 */
#ifndef ARCH_BACKEND_H
#define ARCH_BACKEND_H

#include <arch/guest.h>

struct backend_ops;
struct vp;

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

struct arch_backend_ops {
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
	/* The rate of a VTL's TSC has changed (arch_vp.tsc_ratio), or whether RDTSC and RDTSCP exit
	 * (arch_vp.tsc_exits). */
	void (*tsc_set)(struct vp *vp, uint32_t vtl);
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

extern const struct backend_ops svm_backend;
extern const struct backend_ops vmx_backend;

#endif

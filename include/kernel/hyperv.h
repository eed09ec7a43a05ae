/* SPDX-License-Identifier: MIT */
/*
 * What a partition with the Hyper-V interface keeps for it, whatever the architecture: identity of its
 * guest, overlay pages, the crash that it told of. x86 has these registers as MSRs, and both
 * architectures as registers with names.
 *
 * The pages that all VPs share are a VTL's own (TLFS, "Virtual Secure Mode", private state).
 */
#ifndef KERNEL_HYPERV_H
#define KERNEL_HYPERV_H

#include <kernel/hv_crash.h>
#include <kernel/hv_tsc.h>
#include <kernel/lock.h>
#include <kernel/monitor.h>
#include <kernel/overlay.h>
#include <kernel/partition.h>
#include <kernel/vpci.h>
#include <kernel/port.h>
#include <trivet/hv/msr.h>
#include <trivet/state.h>

/* A register that places an overlay page. */
struct hv_page_register {
	uint64_t value;
	struct gpa_overlay overlay;
};

struct hv_vtl {
	uint64_t guest_os_id;
	struct hv_page_register hypercall;
	struct hv_page_register reference_tsc;
	uint32_t tsc_sequence;		   /* the last valid one */
	_Atomic(struct monitor *) monitor; /* kernel/monitor.c; NULL: it never had one */
};

struct hv_partition {
	uint64_t privileges;   /* HV_PRIVILEGE_... */
	uint32_t features;     /* HV_FEATURE_... */
	_Atomic bool changing; /* a VP is at one of the registers below */
	struct spinlock lock;  /* what the reference TSC pages say; taken alone */
	struct hv_vtl vtl[VTL_COUNT];
	struct hv_crash crash;
	struct hv_tsc tsc;
	struct vpci_bus vpci;
	struct port_table ports;
};

/* At the end of build, when the space and the VPs' count are known; sets partition->hv. NO_MEMORY. */
status_t hv_partition_create(struct partition *partition) __must_check;
/* Of one that has it, or has it only in part. Its spaces are of no use any more. */
void hv_partition_destroy(struct partition *partition);
/* All as after build; no VP runs. BUSY: a mapping is under way. */
status_t hv_partition_reset(struct partition *partition) __must_check;
status_t hv_vp_create(struct vp *vp) __must_check;
void hv_vp_destroy(struct vp *vp);
status_t hv_vp_reset(struct vp *vp) __must_check; /* so too */

/* Writes to registers come one at a time: each looks at others, and waits for other CPUs. False: another VP
 * is at it, and soon will be done. */
static inline bool hv_change_begin(struct hv_partition *hv)
{
	return !atomic_exchange(&hv->changing, true);
}
static inline void hv_change_end(struct hv_partition *hv)
{
	atomic_store(&hv->changing, false);
}

/*
 * Between these two, by a guest's own VP, which is loaded on no CPU. BUSY: try again soon. Other failures are
 * the guest's fault, or want of memory: nothing has changed.
 */
status_t hv_guest_os_id_set(struct partition *partition, uint32_t vtl, uint64_t value);
status_t hv_hypercall_set(struct partition *partition, uint32_t vtl, uint64_t value);
status_t hv_reference_tsc_set(struct partition *partition, uint32_t vtl, uint64_t value);
status_t hv_assist_set(struct vp *vp, uint32_t vtl, uint64_t value);

/* The time of the partition, or the TSC of one of its VPs, has made a jump. Any partition. */
void hv_time_changed(struct partition *partition);
/* Units of 100 ns that the VP had a CPU. */
uint64_t hv_vp_runtime(const struct vp *vp);

/* ---- in saved states: hv_state.c ---- */

/* Of a partition that has the interface. */
void hv_state_get(const struct partition *partition, struct partition_state_hypercall *h,
		  struct partition_state_reference_tsc *t);
bool hv_state_valid(const struct partition *partition, const struct partition_state_hypercall *h,
		    const struct partition_state_reference_tsc *t);
/* Of what is valid: moves the pages; BUSY, NO_MEMORY. Then the rest, and hv_time_changed() fills them in. */
status_t hv_state_place(struct partition *partition, const struct partition_state_hypercall *h,
			const struct partition_state_reference_tsc *t) __must_check;
void hv_state_set(struct partition *partition, const struct partition_state_hypercall *h,
		  const struct partition_state_reference_tsc *t);
void hv_assist_state_get(const struct vp *vp, uint32_t vtl, struct vp_state_assist *state);
bool hv_assist_state_valid(const struct vp *vp, uint32_t vtl, const struct vp_state_assist *state);
struct gpa_overlay_place hv_assist_state_place(struct vp *vp, uint32_t vtl,
					       const struct vp_state_assist *state);
void hv_assist_state_set(struct vp *vp, uint32_t vtl, const struct vp_state_assist *state);

/* ---- of the architecture ---- */

/* What CPUID, or what the architecture has instead, shows of the interface. */
void arch_hv_features(const struct partition *partition, uint64_t *privileges, uint32_t *features);
/* The VP assist page is enabled, or (NULL) no more. By the VP's own CPU, on which it is not loaded. */
void arch_hv_assist(struct vp *vp, uint32_t vtl, void *page);
/* Code that makes a hypercall and returns; the page is zeroed. */
void arch_hypercall_page_fill(const struct partition *partition, uint8_t *page);
/* The TSC, or counter, of the VPs at that timestamp. *scale, which is units of something in 2^64 ticks of the
 * host's, becomes that of the VPs'. False: the TSC is not the same on all of them, or the scale is too large. */
bool arch_partition_tsc_at(const struct partition *partition, uint64_t timestamp, uint64_t *tsc,
			   uint64_t *scale);

#endif

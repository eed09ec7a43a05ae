/* SPDX-License-Identifier: MIT */
/*
 * Accesses that stage 2 does not translate, or not so: to the GIC, to a page whose writes are noted, to a doorbell,
 * to an entry of the table that is being replaced (break before make); the rest is the VMM's.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <kernel/cpu.h>
#include <kernel/doorbell.h>
#include <kernel/memory_map.h>

static inline bool gic_is_at(const struct partition *partition, gpa_t gpa)
{
	const struct proto_partition_config *config = &partition->config;

	return gpa - config->gic_distributor < VGIC_DISTRIBUTOR_SIZE ||
	       gpa - config->gic_redistributors <
		       (uint64_t)partition->vp_count * VGIC_REDISTRIBUTOR_SIZE;
}

/* An access to the GIC that the processor has decoded. */
static __attribute__((noinline)) bool gic_access(struct vp *vp, const struct vp_exit *exit)
{
	uint64_t syndrome = exit->syndrome, value;
	unsigned int n = ABORT_REGISTER(syndrome);

	vp_arch(vp)->work |= WORK_ENTRY; /* list registers are taken back for it */
	if (syndrome & ABORT_WRITE)
		return guest_gic_write(vp, vp->active_vtl, exit->gpa, ABORT_SIZE(syndrome),
				       guest_x(vp, n));
	if (!guest_gic_read(vp, vp->active_vtl, exit->gpa, ABORT_SIZE(syndrome), &value))
		return false;
	guest_x_set(vp, n, syndrome_extend(syndrome, value));
	return true;
}

/* Who wakes by it may want this CPU. */
static __attribute__((noinline)) enum vp_outcome doorbell_ring(struct vp *vp,
							       const struct vp_exit *exit,
							       doorbell_chain_t *chain)
{
	uint64_t key = doorbell_key(DOORBELL_GPA, exit->gpa);
	unsigned int size = ABORT_SIZE(exit->syndrome);
	uint64_t value = guest_x(vp, ABORT_REGISTER(exit->syndrome));

	if (size < 8)
		value &= MASK(8 * size);
	if (!doorbell_write(chain, key, vp->active_vtl, size, value))
		return run_page_mmio(vp, exit);
	guest_instruction_done(vp);
	return cpu_is_wanted(this_cpu()) ? VP_SWITCH : VP_CONTINUE;
}

/* What may be written by now may be tried again. Of a walk's access the syndrome does not tell whether it was the
 * walker's write of an access flag or of what is dirty (Arm ARM, ISS of a data abort, WnR): it is taken for one. */
static __attribute__((noinline)) bool rights_are_given(struct vp *vp, const struct vp_exit *exit)
{
	struct gpa_space *space = vp_active(vp)->space;

	if (!(exit->syndrome & (ABORT_WRITE | ABORT_WALK)) || !gpa_dirty_fault(space, exit->gpa))
		return false;
	/* A translation that was of less right may stay where it is. */
	el2_translations_drop(vp);
	return true;
}

/* What is translated by now, too: it was being changed. */
static inline bool is_over(struct vp *vp, const struct vp_exit *exit, bool fault_of_rights)
{
	return unlikely(fault_of_rights) ? rights_are_given(vp, exit)
					 : gpa_is_there(vp_active(vp)->space, exit->gpa);
}

static inline enum vp_outcome decoded(struct vp *vp, struct vp_exit *exit)
{
	doorbell_chain_t *chain;

	if (unlikely(gic_is_at(vp->partition, exit->gpa)) && gic_access(vp, exit)) {
		guest_instruction_done(vp);
		return VP_CONTINUE;
	}
	if (exit->syndrome & ABORT_WRITE) {
		chain = doorbell_chain(vp->partition, doorbell_key(DOORBELL_GPA, exit->gpa));
		if (unlikely(chain))
			return doorbell_ring(vp, exit, chain);
	}
	return run_page_mmio(vp, exit);
}

static uint32_t flags_of(const struct vp_exit *exit, bool fault_of_rights)
{
	uint64_t syndrome = exit->syndrome;

	return EMULATE_MEMORY | (syndrome & ABORT_WRITE ? EMULATE_WRITE : 0) |
	       (syndrome & ABORT_WALK ? EMULATE_WALK : 0) | (fault_of_rights ? EMULATE_MAPPED : 0);
}

/* Neither translation nor rights: the memory's own fault. */
static enum vp_outcome external(struct vp *vp, const struct vp_exit *exit)
{
	vp_arch(vp)->syndrome = exit->syndrome;
	vp_arch(vp)->fault = exit->far;
	guest_abort(vp);
	return VP_CONTINUE;
}

enum vp_outcome exit_memory(struct vp *vp, struct vp_exit *exit)
{
	uint64_t fault = ABORT_FAULT(exit->syndrome);
	bool rights = FAULT_IS_PERMISSION(fault);

	if (unlikely(!rights && !FAULT_IS_TRANSLATION(fault)))
		return external(vp, exit);
	if (unlikely(is_over(vp, exit, rights)))
		return VP_CONTINUE;
	/* There is no cache of a device to be cleaned. */
	if (unlikely(exit->syndrome & ABORT_MAINTENANCE)) {
		guest_instruction_done(vp);
		return VP_CONTINUE;
	}
	if (likely((exit->syndrome & (ABORT_VALID | ABORT_WALK)) == ABORT_VALID))
		return decoded(vp, exit);
	return run_page_emulate(vp, exit, flags_of(exit, rights));
}

enum vp_outcome exit_fetch(struct vp *vp, struct vp_exit *exit)
{
	uint64_t fault = ABORT_FAULT(exit->syndrome);
	bool rights = FAULT_IS_PERMISSION(fault);
	uint32_t flags;

	if (!rights && !FAULT_IS_TRANSLATION(fault))
		return external(vp, exit);
	exit->syndrome &= ~(uint64_t)ABORT_WRITE; /* reserved here */
	if (is_over(vp, exit, rights))
		return VP_CONTINUE;
	flags = flags_of(exit, rights) | EMULATE_FETCH;
	return run_page_emulate(vp, exit, flags);
}

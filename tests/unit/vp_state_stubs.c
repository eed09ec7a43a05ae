/* SPDX-License-Identifier: MIT */
/* See vp_state_stubs.h. */
#include "vp_state_stubs.h"
#include "debug.h"
#include "store_exit.h"

#include <arch/fpu.h>
#include <arch/msr.h>
#include <kernel/memory_map.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>
#include <stdlib.h>
#include <string.h>

#define AREA_SIZE 2816u

uint32_t xsave_area_size = AREA_SIZE;
bool xsave_present = true;
struct cpu *fake_cpu; /* nothing runs */

void fpu_state_init(struct fpu_state *state, void *area)
{
	const uint32_t control = 0x37f, mxcsr = 0x1f80;

	memset(area, 0, AREA_SIZE);
	memcpy(area, &control, 2);
	memcpy((uint8_t *)area + 24, &mxcsr, 4);
	state->area = area;
	state->xcr0 = host_xcr0;
}

void fpu_release(struct fpu_state *state)
{
	(void)state;
}

void fpu_take(struct fpu_state *next)
{
	(void)next;
}

void fpu_guard(const struct fpu_state *state)
{
	(void)state;
}

void *fpu_xmm(struct fpu_state *state, unsigned int number)
{
	return (uint8_t *)state->area + 160 + 16 * number;
}

uint32_t fpu_mxcsr_mask(void)
{
	return 0xffff;
}

void *heap_alloc(struct heap *heap, size_t size)
{
	(void)heap;
	return calloc(1, size);
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	(void)heap;
	(void)size;
	free(object);
}

status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size)
{
	(void)space;
	(void)gpa;
	memset(buffer, 0, size);
	return STATUS_OK;
}

void arch_vp_resume(struct vp *vp)
{
	(void)vp;
}

status_t stub_move_status;

status_t gpa_overlays_move(struct gpa_space *space, const struct gpa_overlay_place *places,
			   unsigned int count)
{
	unsigned int i;

	(void)space;
	for (i = 0; i < count && stub_move_status == STATUS_OK; i++)
		places[i].overlay->gpa = places[i].gpa;
	return stub_move_status;
}

status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay, gpa_t gpa)
{
	const struct gpa_overlay_place place = {overlay, gpa};

	return gpa_overlays_move(space, &place, 1);
}

void arch_hv_assist(struct vp *vp, uint32_t vtl, void *page)
{
	lapic_assist_set(vp_lapic(vp, vtl), page);
}

bool arch_hv_invariant_show(struct partition *partition, bool on)
{
	(void)partition;
	return on;
}

/* Of the Hyper-V interface only this: the synic, and assist pages. */
static void synics_create(struct partition *partition)
{
	partition->hv = calloc(1, sizeof(*partition->hv));
	partition->hv->privileges =
		HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS | HV_PRIVILEGE_REENLIGHTENMENT;
	partition->hv->features = (uint32_t)HV_FEATURE_DIRECT_TIMERS;
	partition->space[0]->partition = partition;
	for (uint32_t i = 0; i < 2; i++) {
		struct gpa_overlay *assist = &partition->vps[i]->vtl[0]->assist.overlay;

		assist->gpa = GPA_NOWHERE;
		assist->page = calloc(1, PAGE_SIZE);
		if (synic_create(partition->vps[i], 0) != STATUS_OK)
			abort();
	}
}

struct vp *stub_state_vp(enum host_kind host)
{
	const struct proto_partition_config config = {.vp_count = 2,
						      .apic_mode = APIC_MODE_X2APIC_SUPPORTED};
	struct partition *partition;
	struct vp *vp;

	stub_host_set(host);
	partition = stub_partition(&config);
	partition->state = PARTITION_BUILT;
	vp = partition->vps[0];
	for (uint32_t i = 0; i < 2; i++) {
		partition->vps[i]->vtl[0]->space = partition->space[0];
		partition->vps[i]->arch.fpu.area = aligned_alloc(64, AREA_SIZE);
		arch_vp_reset(partition->vps[i]);
	}
	if (host == HOST_EPYC)
		synics_create(partition);
	return vp;
}

void stub_state_vp_free(struct vp *vp)
{
	for (uint32_t i = 0; i < 2; i++) {
		free(vp->partition->vps[i]->arch.fpu.area);
		free(vp->partition->vps[i]->vtl[0]->assist.overlay.page);
		synic_destroy(vp->partition->vps[i], 0);
	}
	free(vp->partition->hv);
	stub_partition_free(vp->partition);
}

void guest_debug_moved(struct vp *vp, uint32_t vtl)
{
	(void)vp;
	(void)vtl;
}

/* None is known here. */
void guest_store_forget(struct vp *vp, uint32_t vtl)
{
	(void)vp;
	(void)vtl;
}

/* SPDX-License-Identifier: MIT */
/* The state of the Hyper-V interface of a partition, and the pages that it shows to its guest. */
#include <kernel/arch.h>
#include <kernel/gpa_range.h>
#include <kernel/hyperv.h>
#include <kernel/processor.h>
#include <kernel/string.h>
#include <kernel/synic.h>

#define UNITS_PER_SECOND 10000000ull /* of reference time */

/* ---- made, reset ---- */

static status_t page_create(struct partition *partition, struct hv_page_register *page,
			    bool writable)
{
	page->overlay.gpa = GPA_NOWHERE;
	page->overlay.writable = writable;
	page->overlay.page = page_alloc(partition->heap, 0);
	return page->overlay.page ? STATUS_OK : STATUS_NO_MEMORY;
}

static void page_destroy(struct partition *partition, struct hv_page_register *page)
{
	if (page->overlay.page)
		page_free(partition->heap, page->overlay.page, 0);
	page->overlay.page = NULL;
}

status_t hv_partition_create(struct partition *partition)
{
	struct hv_partition *hv;
	status_t status;

	if (!partition_has_hyperv(&partition->config))
		return STATUS_OK;
	hv = heap_alloc(partition->heap, sizeof(*hv));
	if (!hv)
		return STATUS_NO_MEMORY;
	partition->hv = hv;
	arch_hv_features(partition, &hv->privileges, &hv->features);
	hv_tsc_create(partition);
	status = page_create(partition, &hv->vtl[0].hypercall, false);
	if (status == STATUS_OK)
		status = page_create(partition, &hv->vtl[0].reference_tsc, false);
	if (status == STATUS_OK)
		arch_hypercall_page_fill(partition, hv->vtl[0].hypercall.overlay.page);
	return status;
}

void hv_partition_destroy(struct partition *partition)
{
	struct hv_partition *hv = partition->hv;
	uint32_t vtl;

	if (!hv)
		return;
	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		page_destroy(partition, &hv->vtl[vtl].hypercall);
		page_destroy(partition, &hv->vtl[vtl].reference_tsc);
	}
	monitors_destroy(partition);
	port_table_destroy(partition);
	hv_crash_destroy(partition);
	heap_free(partition->heap, hv, sizeof(*hv));
	partition->hv = NULL;
}

static bool page_is_within(const struct gpa_space *space, uint64_t value)
{
	return (value & HV_PAGE_ADDRESS) < gpa_limit(space);
}

/* The page goes where the register says, and the register becomes that. */
static status_t page_register_set(struct gpa_space *space, struct hv_page_register *page,
				  uint64_t value)
{
	gpa_t gpa = value & HV_PAGE_ENABLE ? value & HV_PAGE_ADDRESS : GPA_NOWHERE;
	status_t status = gpa_overlay_move(space, &page->overlay, gpa);

	if (status == STATUS_OK)
		page->value = value;
	return status;
}

/* And nothing is left in it. */
static status_t page_reset(struct gpa_space *space, struct hv_page_register *page)
{
	status_t status = page_register_set(space, page, 0);

	if (status == STATUS_OK)
		memset(page->overlay.page, 0, PAGE_SIZE);
	return status;
}

static status_t vtl_reset(struct gpa_space *space, struct hv_vtl *v)
{
	status_t status = page_register_set(space, &v->hypercall, 0);

	if (status == STATUS_OK)
		status = page_reset(space, &v->reference_tsc);
	if (status != STATUS_OK)
		return status;
	v->guest_os_id = 0;
	v->tsc_sequence = 0;
	return STATUS_OK;
}

status_t hv_partition_reset(struct partition *partition)
{
	struct hv_partition *hv = partition->hv;
	status_t status = STATUS_OK;
	unsigned int i;

	if (!hv)
		return STATUS_OK;
	hv_crash_reset(partition);
	hv_tsc_reset(partition);
	for (i = 0; i < VTL_COUNT && status == STATUS_OK; i++)
		if (hv->vtl[i].hypercall.overlay.page)
			status = vtl_reset(partition_space(partition, i), &hv->vtl[i]);
	return status == STATUS_OK ? monitors_reset(partition) : status;
}

status_t hv_vp_create(struct vp *vp)
{
	status_t status = STATUS_OK;

	if (vp->partition->hv)
		status = page_create(vp->partition, &vp->vtl[0]->assist, true);
	return status == STATUS_OK ? synic_create(vp, 0) : status;
}

void hv_vp_destroy(struct vp *vp)
{
	if (!vp->vtl[0])
		return;
	page_destroy(vp->partition, &vp->vtl[0]->assist);
	synic_destroy(vp, 0);
}

status_t hv_vp_reset(struct vp *vp)
{
	struct hv_page_register *assist = &vp->vtl[0]->assist;

	status_t status = STATUS_OK;

	if (assist->overlay.page)
		status = page_reset(vp->vtl[0]->space, assist);
	if (status == STATUS_OK)
		arch_hv_assist(vp, 0, NULL);
	return status == STATUS_OK ? synic_reset(vp, 0) : status;
}

/* ---- the reference TSC page (TLFS, "Partition Reference Time Enlightenment") ---- */

/* UNITS_PER_SECOND * 2^64 / hz, of hz above UNITS_PER_SECOND and below 2^63: bit by bit, as no machine
 * need have a division of 128 bits. */
static uint64_t tsc_scale(uint64_t hz)
{
	uint64_t rest = UNITS_PER_SECOND, scale = 0;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		rest <<= 1;
		scale <<= 1;
		if (rest >= hz) {
			rest -= hz;
			scale |= 1;
		}
	}
	return scale;
}

static uint64_t scaled(uint64_t tsc, uint64_t scale)
{
	return (uint64_t)((unsigned __int128)tsc * scale >> 64);
}

/* While a VP may read the page: it is invalid first, so that nobody takes half of it. */
static void page_tell(const struct partition *partition, struct hv_vtl *v)
{
	volatile struct hv_reference_tsc_page *page = v->reference_tsc.overlay.page;
	uint64_t now = partition_timestamp(partition), tsc, scale = 0;
	bool right = timestamp_hz > UNITS_PER_SECOND && !atomic_load(&partition->hv->tsc.ending);

	if (right)
		scale = tsc_scale(timestamp_hz);
	right = right && arch_partition_tsc_at(partition, now, &tsc, &scale);
	page->sequence = HV_TSC_INVALID;
	atomic_thread_fence(memory_order_seq_cst);
	if (!right)
		return; /* no page can be: the guest reads the counter */
	page->scale = scale;
	page->offset = (int64_t)(partition_reference_time_at(partition, now) - scaled(tsc, scale));
	atomic_thread_fence(memory_order_seq_cst);
	/* Some guests took the number before 0 for invalid too. */
	if (++v->tsc_sequence >= UINT32_MAX)
		v->tsc_sequence = 1;
	page->sequence = v->tsc_sequence;
}

void hv_time_changed(struct partition *partition)
{
	struct hv_partition *hv = partition->hv;
	uint32_t vtl;

	if (!hv)
		return;
	spin_lock(&hv->lock);
	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (hv->vtl[vtl].reference_tsc.value & HV_PAGE_ENABLE)
			page_tell(partition, &hv->vtl[vtl]);
	spin_unlock(&hv->lock);
}

uint64_t hv_vp_runtime(const struct vp *vp)
{
	uint64_t ticks = vp->stats->loaded_ticks;

	if (atomic_load(&((struct vp *)(uintptr_t)vp)->cpu))
		ticks += timestamp_read() - vp->loaded_at;
	return ticks / timestamp_hz * UNITS_PER_SECOND +
	       ticks % timestamp_hz * UNITS_PER_SECOND / timestamp_hz;
}

/* ---- registers ---- */

/* TLFS, "Establishing the Hypercall Interface": without an identity there is no page. One that is locked
 * stays where it is. */
status_t hv_guest_os_id_set(struct partition *partition, uint32_t vtl, uint64_t value)
{
	struct hv_vtl *v = &partition->hv->vtl[vtl];
	status_t status = STATUS_OK;

	if (!value && !(v->hypercall.value & HV_HYPERCALL_LOCKED))
		status = page_register_set(partition_space(partition, vtl), &v->hypercall,
					   v->hypercall.value & ~HV_PAGE_ENABLE);
	if (status == STATUS_OK)
		v->guest_os_id = value;
	return status;
}

status_t hv_hypercall_set(struct partition *partition, uint32_t vtl, uint64_t value)
{
	struct hv_vtl *v = &partition->hv->vtl[vtl];
	status_t status = STATUS_ACCESS_DENIED;

	if (!page_is_within(partition_space(partition, vtl), value))
		return STATUS_INVALID_ADDRESS;
	value &= HV_PAGE_ADDRESS | HV_HYPERCALL_LOCKED | HV_PAGE_ENABLE;
	if (!v->guest_os_id)
		value &= ~HV_PAGE_ENABLE;
	if (!(v->hypercall.value & HV_HYPERCALL_LOCKED))
		status = page_register_set(partition_space(partition, vtl), &v->hypercall, value);
	return status;
}

/* A page beyond the guest's memory is no fault, but nowhere. It tells the time before it shows. */
status_t hv_reference_tsc_set(struct partition *partition, uint32_t vtl, uint64_t value)
{
	struct gpa_space *space = partition_space(partition, vtl);
	struct hv_page_register *page = &partition->hv->vtl[vtl].reference_tsc;
	uint64_t old = page->value;
	status_t status;

	page->value = value & (HV_PAGE_ADDRESS | HV_PAGE_ENABLE);
	hv_time_changed(partition);
	status = gpa_overlay_move(space, &page->overlay,
				  (value & HV_PAGE_ENABLE) && page_is_within(space, value)
					  ? value & HV_PAGE_ADDRESS
					  : GPA_NOWHERE);
	if (status != STATUS_OK)
		page->value = old;
	return status;
}

status_t hv_assist_set(struct vp *vp, uint32_t vtl, uint64_t value)
{
	struct hv_page_register *assist = &vp->vtl[vtl]->assist;
	status_t status = page_register_set(vp->vtl[vtl]->space, assist,
					    value & (HV_PAGE_ADDRESS | HV_PAGE_ENABLE));

	if (status == STATUS_OK)
		arch_hv_assist(vp, vtl, value & HV_PAGE_ENABLE ? assist->overlay.page : NULL);
	return status;
}

/* SPDX-License-Identifier: MIT */
/* See apic_page.h. */
#include "apic_page.h"
#include <kernel/backend.h>
#include <kernel/memory_map.h>

static status_t page_map(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;
	status_t status = gpa_map_own_page(partition->space[0], LAPIC_DEFAULT_BASE, a->apic_page);

	if (status == STATUS_OK)
		atomic_store(&a->apic_page_mapped, true);
	return status;
}

status_t guest_apic_page_create(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;

	if (!(backend_assists & ASSIST_APIC_PAGE) ||
	    partition->config.apic_mode == APIC_MODE_X2APIC_ENABLED || a->user_apic)
		return STATUS_OK;
	a->apic_page = page_alloc(partition->heap, 0);
	return a->apic_page ? page_map(partition) : STATUS_NO_MEMORY;
}

void guest_apic_page_destroy(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;

	if (a->apic_page)
		page_free(partition->heap, a->apic_page, 0);
	a->apic_page = NULL;
	a->apic_page_mapped = false;
}

bool guest_apic_page_serves(const struct vp *vp, uint32_t vtl)
{
	uint64_t base = lapic_base_get(vp_lapic(vp, vtl)) & ~(uint64_t)APIC_BASE_BSP;

	return vp->partition->arch.apic_page && base == (LAPIC_DEFAULT_BASE | APIC_BASE_ENABLE);
}

void guest_apic_page_check(struct vp *vp, uint32_t vtl)
{
	if (guest_apic_page_serves(vp, vtl))
		return;
	/* Whoever maps the page looks at the bases afterwards: one of us two sees the other. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&vp->partition->arch.apic_page_mapped))
		vp_request(vp, VP_REQUEST_APIC_PAGE);
}

/* The page itself stays until the partition goes: the processors still know it by its address. */
void guest_apic_page_remove(struct partition *partition)
{
	gpa_unmap_own_page(partition->space[0], LAPIC_DEFAULT_BASE);
	atomic_store(&partition->arch.apic_page_mapped, false);
}

static bool serves_all(const struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++) {
		if (!partition->vps[i] || !guest_apic_page_serves(partition->vps[i], 0))
			return false;
	}
	return true;
}

void guest_apic_page_restore(struct partition *partition)
{
	if (atomic_load(&partition->arch.apic_page_mapped) || !serves_all(partition))
		return;
	if (page_map(partition) != STATUS_OK)
		return;		    /* without it, accesses cost more */
	if (!serves_all(partition)) /* any more: its VP did not know of the page */
		guest_apic_page_remove(partition);
}

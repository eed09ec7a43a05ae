/* SPDX-License-Identifier: MIT */
/*
 * HvCallTranslateVirtualAddress: an address as the guest's processor translates it, with the rights that its tables give
 * (Arm ARM D8.4), and the marks of accesses if the caller wants them set and the guest lets its processor set them
 * (D8.5). Where a guest changes an entry that is about to be marked, the call begins again.
 */
#include "guest.h"
#include "translation.h"
#include <kernel/hypercall.h>
#include <kernel/memory_map.h>
#include <kernel/overlay.h>

#define SCTLR_WXN BIT(19)

/* TCR_EL1, of the lower half; those of the upper one are behind them. */
#define TCR_HA	       BIT(39)
#define TCR_HD	       BIT(40)
#define TCR_HPD(upper) BIT(41 + (upper))

/* Entries of pages and blocks, and the limits that tables set to what is below them. */
#define ENTRY_ATTRIBUTES(e) ((unsigned int)((e) >> 2 & 7))
#define ENTRY_EL0	    BIT(6) /* AP[1] */
#define ENTRY_READ_ONLY	    BIT(7) /* AP[2] */
#define ENTRY_ACCESSED	    BIT(10)
#define ENTRY_DBM	    BIT(51)
#define ENTRY_PXN	    BIT(53)
#define ENTRY_UXN	    BIT(54)
#define TABLE_PXN	    BIT(59)
#define TABLE_UXN	    BIT(60)
#define TABLE_NO_EL0	    BIT(61)
#define TABLE_READ_ONLY	    BIT(62)

/* MAIR_EL1 */
#define ATTRIBUTES_DEVICE	 0x0u /* of the outer half: it is no memory */
#define ATTRIBUTES_NON_CACHEABLE 0x4u
#define ATTRIBUTES_WRITE_BACK	 0x4u /* this bit, with others */

struct walk {
	struct translation_regime regime;
	struct translation found;
	uint64_t mair, pstate;
	uint64_t flags;	 /* HV_TRANSLATE_... */
	uint64_t rights; /* the entry, limited by the tables above; 0 without tables */
};

static bool wants(const struct walk *w, uint64_t access)
{
	return w->flags & access;
}

static bool is_writable(const struct walk *w)
{
	return !(w->rights & ENTRY_READ_ONLY);
}

/* An entry whose processor marks it is writable with DBM alone. */
static void rights_find(struct walk *w, uint64_t address)
{
	uint64_t limits = w->found.tables;

	if (w->regime.tcr & TCR_HPD(address >> 55 & 1))
		limits = 0;
	w->rights = w->found.entry;
	if ((w->regime.tcr & TCR_HD) && (w->rights & ENTRY_DBM))
		w->rights &= ~ENTRY_READ_ONLY;
	if (limits & TABLE_PXN)
		w->rights |= ENTRY_PXN;
	if (limits & TABLE_UXN)
		w->rights |= ENTRY_UXN;
	if (limits & TABLE_NO_EL0)
		w->rights &= ~ENTRY_EL0;
	if (limits & TABLE_READ_ONLY)
		w->rights |= ENTRY_READ_ONLY;
}

static bool user_may(const struct walk *w)
{
	bool writable = is_writable(w) && (w->rights & ENTRY_EL0);

	if (wants(w, HV_TRANSLATE_READ) && !(w->rights & ENTRY_EL0))
		return false;
	if (wants(w, HV_TRANSLATE_WRITE) && !writable)
		return false;
	return !wants(w, HV_TRANSLATE_EXECUTE) ||
	       !((w->rights & ENTRY_UXN) || (writable && (w->regime.sctlr & SCTLR_WXN)));
}

static bool pan_holds(const struct walk *w)
{
	if (w->flags & (HV_TRANSLATE_PAN_SET | HV_TRANSLATE_PAN_CLEAR))
		return w->flags & HV_TRANSLATE_PAN_SET;
	return w->pstate & PSTATE_PAN;
}

/* What EL0 can write EL1 never executes. */
static bool supervisor_may(const struct walk *w)
{
	bool el0 = w->rights & ENTRY_EL0;

	if (wants(w, HV_TRANSLATE_READ | HV_TRANSLATE_WRITE) && el0 && pan_holds(w))
		return false;
	if (wants(w, HV_TRANSLATE_WRITE) && !is_writable(w))
		return false;
	return !wants(w, HV_TRANSLATE_EXECUTE) ||
	       !((w->rights & ENTRY_PXN) ||
		 (is_writable(w) && (el0 || (w->regime.sctlr & SCTLR_WXN))));
}

/* The processor sets no mark: then it raises an exception for the guest to do so. */
static uint32_t rights_check(const struct walk *w)
{
	if (!(w->regime.sctlr & SCTLR_M))
		return HV_TRANSLATED;
	if (!(w->rights & ENTRY_ACCESSED) && !(w->regime.tcr & TCR_HA))
		return HV_TRANSLATE_NOT_PRESENT;
	if ((wants(w, HV_TRANSLATE_USER) && !user_may(w)) ||
	    (wants(w, HV_TRANSLATE_SUPERVISOR) && !supervisor_may(w)))
		return HV_TRANSLATE_PRIVILEGE_VIOLATION;
	return HV_TRANSLATED;
}

static status_t entry_mark(struct gpa_space *space, const struct walk *w, uint32_t *code)
{
	uint64_t entry = w->found.entry, marked = entry | ENTRY_ACCESSED;
	status_t status;

	if (wants(w, HV_TRANSLATE_WRITE))
		marked &= ~ENTRY_READ_ONLY;
	if (!(w->regime.sctlr & SCTLR_M) || marked == entry)
		return STATUS_OK;
	status = gpa_exchange(space, w->found.at, sizeof(entry), entry, marked);
	if (status == STATUS_BUSY)
		return STATUS_BUSY;
	if (status != STATUS_OK)
		*code = HV_TRANSLATE_GPA_NO_WRITE_ACCESS;
	return STATUS_OK;
}

/* Of the outer caches. */
static uint8_t cache_type(const struct walk *w)
{
	uint8_t outer = w->mair >> (8 * ENTRY_ATTRIBUTES(w->found.entry) + 4) & 0xf;

	if (!(w->regime.sctlr & SCTLR_M))
		return HV_CACHE_TYPE_WRITE_BACK;
	switch (outer) {
	case ATTRIBUTES_DEVICE: return HV_CACHE_TYPE_UNCACHED;
	case ATTRIBUTES_NON_CACHEABLE: return HV_CACHE_TYPE_WRITE_COMBINING;
	default:
		return outer & ATTRIBUTES_WRITE_BACK ? HV_CACHE_TYPE_WRITE_BACK
						     : HV_CACHE_TYPE_WRITE_THROUGH;
	}
}

static bool entry_read(void *context, gpa_t gpa, uint64_t *entry)
{
	return gpa_read(context, gpa, entry, sizeof(*entry)) == STATUS_OK;
}

static status_t translate(struct walk *w, struct gpa_space *space, uint64_t address,
			  struct hv_translate_output *output)
{
	uint32_t code = HV_TRANSLATED;
	struct gpa_view view;
	status_t status = STATUS_OK;

	if (!translation_walk(&w->regime, entry_read, space, address, &w->found))
		code = w->found.no_memory ? HV_TRANSLATE_GPA_UNMAPPED : HV_TRANSLATE_NOT_PRESENT;
	rights_find(w, address);
	if (code == HV_TRANSLATED)
		code = rights_check(w);
	if (code == HV_TRANSLATED && wants(w, HV_TRANSLATE_SET_BITS))
		status = entry_mark(space, w, &code);
	if (code == HV_TRANSLATED && !gpa_look(space, w->found.gpa, &view))
		code = HV_TRANSLATE_GPA_UNMAPPED;
	if (code == HV_TRANSLATED && wants(w, HV_TRANSLATE_WRITE) && !view.writable)
		code = HV_TRANSLATE_GPA_NO_WRITE_ACCESS;
	output->result.code = code;
	if (code != HV_TRANSLATED)
		return status;
	output->result.cache_type = cache_type(w);
	output->result.overlay = view.overlay;
	output->gpa_page = w->found.gpa >> PAGE_SHIFT;
	return status;
}

/* Bits of what the guest's processor does not have do nothing. */
static uint64_t tcr_whole(const struct partition *partition, uint64_t tcr)
{
	uint64_t mmfr1 = partition->arch.ids[ID_AA64MMFR1];

	if (!ID_FIELD(mmfr1, MMFR1_HAFDBS_SHIFT))
		tcr &= ~TCR_HA;
	if (ID_FIELD(mmfr1, MMFR1_HAFDBS_SHIFT) < 2)
		tcr &= ~TCR_HD;
	if (!ID_FIELD(mmfr1, MMFR1_HPDS_SHIFT))
		tcr &= ~(TCR_HPD(0) | TCR_HPD(1));
	return tcr;
}

struct context {
	uint32_t vtl;
	struct walk *walk;
};

static void context_get(struct vp *vp, void *argument)
{
	struct context *c = argument;
	const struct arch_vp_vtl *a = vtl_arch(vp, c->vtl);

	el1_save(vp);
	c->walk->regime = (struct translation_regime){
		.sctlr = a->system.sctlr_el1,
		.tcr = tcr_whole(vp->partition, a->system.tcr_el1),
		.ttbr0 = a->system.ttbr0_el1,
		.ttbr1 = a->system.ttbr1_el1,
	};
	c->walk->mair = a->system.mair_el1;
	c->walk->pstate = a->pstate;
}

/* Without a privilege, that of the VP. */
static uint64_t flags_whole(const struct walk *w, uint64_t flags)
{
	if (!(flags & (HV_TRANSLATE_USER | HV_TRANSLATE_SUPERVISOR)))
		flags |= (w->pstate & PSTATE_32) || (w->pstate & PSTATE_MODE) == PSTATE_EL0
				 ? HV_TRANSLATE_USER
				 : HV_TRANSLATE_SUPERVISOR;
	return flags;
}

status_t arch_translate(struct vp *vp, uint32_t vtl, const struct hv_translate_input *input,
			bool own, struct hv_translate_output *output, uint32_t *error)
{
	struct walk w = {0};
	struct context context = {vtl, &w};

	*error = 0; /* there is no event */
	if (own)
		context_get(vp, &context);
	else if (vp_call(vp, context_get, &context) != STATUS_OK)
		return STATUS_BUSY;
	w.flags = flags_whole(&w, input->flags);
	return translate(&w, vp->vtl[vtl]->space, input->gva_page << PAGE_SHIFT, output);
}

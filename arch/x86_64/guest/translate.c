/* SPDX-License-Identifier: MIT */
/*
 * HvCallTranslateVirtualAddress: the walk of a guest's page tables as its processor does it (SDM 3A chapter 4):
 * with reserved bits and access rights, and accessed and dirty bits if the caller wants them set. Protection
 * keys are not looked at. Each entry is read once; where a guest changes one that is about to be
 * marked, the call begins again.
 */
#include "guest.h"
#include <arch/msr.h>
#include <kernel/hypercall.h>
#include <kernel/memory_map.h>
#include <kernel/overlay.h>

#define CR4_LA57     BIT(12)
#define PTE_PRESENT  BIT(0)
#define PTE_WRITABLE BIT(1)
#define PTE_USER     BIT(2)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7)
#define PTE_NX	     BIT(63)
#define PTE_ADDRESS  0x000ffffffffff000ull
#define PTE_PAT_INDEX(e, large) \
	((unsigned int)((e) >> 3 & 3) | ((e) >> ((large) ? 12 : 7) & 1) << 2)
#define PSE36(e)	  (((e) >> 13 & 0xff) << 32)
#define PSE36_RESERVED	  BIT(21)
#define PDPTE_RIGHTS	  0x1e6ull /* which the top entries of PAE paging do not have: reserved */
#define EXTENDED_FEATURES 0x80000001u
#define FEATURE_1GB	  26u /* of its EDX */
#define LEVELS_MAX	  5u

/* The error code of a page fault (SDM 3A figure 4-12). */
#define ERROR_PRESENT  BIT(0)
#define ERROR_WRITE    BIT(1)
#define ERROR_USER     BIT(2)
#define ERROR_RESERVED BIT(3)
#define ERROR_FETCH    BIT(4)

struct walk {
	struct gpa_space *space;
	struct guest_state state;
	uint64_t rflags;
	uint64_t reserved_address; /* bits above the guest's physical addresses */
	uint64_t top_ignored;	   /* of the top entries of PAE paging */
	bool gigabyte_pages;
	uint64_t flags; /* HV_TRANSLATE_... */
	uint64_t linear;
	/* What was found. */
	unsigned int entry_size;
	unsigned int depth; /* entries that were used, the leaf last */
	gpa_t at[LEVELS_MAX];
	uint64_t entry[LEVELS_MAX];
	uint64_t rights;    /* PTE_WRITABLE, PTE_USER that all have; PTE_NX that one has */
	unsigned int shift; /* of the page */
	gpa_t gpa;
	uint32_t error;
};

static bool is_long(const struct walk *w)
{
	return w->state.efer & EFER_LMA;
}

static bool is_pae(const struct walk *w)
{
	return w->state.cr4 & CR4_PAE;
}

static bool entry_is_large(const struct walk *w, unsigned int shift, uint64_t entry)
{
	if (shift == PAGE_SHIFT || !(entry & PTE_LARGE))
		return shift == PAGE_SHIFT;
	if (!is_pae(w))
		return w->state.cr4 & CR4_PSE;
	return shift == 21 || (shift == 30 && is_long(w) && w->gigabyte_pages);
}

static uint64_t entry_reserved(const struct walk *w, unsigned int shift, uint64_t entry, bool leaf)
{
	uint64_t reserved = w->reserved_address & PTE_ADDRESS;

	if (!is_pae(w))
		return leaf && shift > PAGE_SHIFT ? PSE36_RESERVED : 0;
	if (!is_long(w))
		reserved |= MASK(11) << 52;
	if (!is_long(w) && shift == 30)
		return reserved | PTE_NX | (PDPTE_RIGHTS & ~w->top_ignored);
	if (!(w->state.efer & EFER_NXE))
		reserved |= PTE_NX;
	if (leaf && shift > PAGE_SHIFT)
		reserved |= MASK(shift) & ~MASK(13); /* bit 12 is PAT */
	else if (shift > PAGE_SHIFT && (entry & PTE_LARGE))
		reserved |= PTE_LARGE;
	return reserved;
}

static uint32_t rights_take(struct walk *w, unsigned int shift, uint64_t entry)
{
	/* The top entries of PAE paging have none. */
	if (is_pae(w) && !is_long(w) && shift == 30)
		return HV_TRANSLATED;
	w->rights &= entry | PTE_NX;
	w->rights |= entry & PTE_NX;
	return HV_TRANSLATED;
}

/* One entry. *at: the table, then the next one or the page. */
static uint32_t step(struct walk *w, unsigned int shift, unsigned int bits, gpa_t *at, bool *leaf)
{
	uint64_t entry = 0, index = w->linear >> shift & MASK(bits);

	*at += index * w->entry_size;
	if (gpa_read(w->space, *at, &entry, w->entry_size) != STATUS_OK)
		return HV_TRANSLATE_GPA_UNMAPPED;
	if (!(entry & PTE_PRESENT))
		return HV_TRANSLATE_NOT_PRESENT;
	*leaf = entry_is_large(w, shift, entry);
	if (entry & entry_reserved(w, shift, entry, *leaf)) {
		w->error |= ERROR_PRESENT | ERROR_RESERVED;
		return HV_TRANSLATE_INVALID_FLAGS;
	}
	w->at[w->depth] = *at;
	w->entry[w->depth++] = entry;
	*at = entry & PTE_ADDRESS;
	return rights_take(w, shift, entry);
}

static uint32_t tables_walk(struct walk *w)
{
	unsigned int bits = is_pae(w) ? 9 : 10, shift = is_pae(w) ? 30 : 22;
	gpa_t at = w->state.cr3 & (is_long(w)  ? PTE_ADDRESS
				   : is_pae(w) ? 0xffffffe0ull
					       : 0xfffff000ull);
	bool leaf = false;
	uint32_t code;

	if (is_long(w))
		shift = w->state.cr4 & CR4_LA57 ? 48 : 39;
	w->entry_size = is_pae(w) ? 8 : 4;
	w->rights = PTE_WRITABLE | PTE_USER;
	for (;; shift -= bits) {
		/* PAE paging has four entries at the top. */
		bool top = shift == 30 && is_pae(w) && !is_long(w);

		code = step(w, shift, top ? 2 : bits, &at, &leaf);
		if (code != HV_TRANSLATED)
			return code;
		if (leaf)
			break; /* at the latest where shift is PAGE_SHIFT */
	}
	if (!is_pae(w) && shift > PAGE_SHIFT)
		at |= PSE36(w->entry[w->depth - 1]);
	w->shift = shift;
	w->gpa = (at & ~MASK(shift)) | (w->linear & MASK(shift));
	return HV_TRANSLATED;
}

/* ---- access rights (SDM 3A 4.6) ---- */

static bool smap_holds(const struct walk *w)
{
	if (!(w->state.cr4 & CR4_SMAP) || (w->flags & HV_TRANSLATE_OVERRIDE_SMAP))
		return false;
	return (w->flags & HV_TRANSLATE_ENFORCE_SMAP) || !(w->rflags & RFLAGS_AC);
}

static bool supervisor_may(const struct walk *w)
{
	bool user_page = w->rights & PTE_USER;

	if ((w->flags & (HV_TRANSLATE_READ | HV_TRANSLATE_WRITE)) && user_page && smap_holds(w))
		return false;
	if ((w->flags & HV_TRANSLATE_EXECUTE) && user_page && (w->state.cr4 & CR4_SMEP))
		return false;
	return !(w->flags & HV_TRANSLATE_WRITE) || (w->rights & PTE_WRITABLE) ||
	       !(w->state.cr0 & CR0_WP);
}

static bool user_may(const struct walk *w)
{
	return (w->rights & PTE_USER) &&
	       (!(w->flags & HV_TRANSLATE_WRITE) || (w->rights & PTE_WRITABLE));
}

static uint32_t rights_check(struct walk *w)
{
	bool user = w->flags & HV_TRANSLATE_USER, supervisor = w->flags & HV_TRANSLATE_SUPERVISOR;

	if (w->flags & HV_TRANSLATE_EXEMPT)
		return HV_TRANSLATED;
	if (((w->flags & HV_TRANSLATE_EXECUTE) && (w->rights & PTE_NX)) || (user && !user_may(w)) ||
	    (supervisor && !supervisor_may(w))) {
		w->error |= ERROR_PRESENT;
		return HV_TRANSLATE_PRIVILEGE_VIOLATION;
	}
	return HV_TRANSLATED;
}

/* ---- accessed and dirty ---- */

static status_t entries_mark(struct walk *w, uint32_t *code)
{
	unsigned int i, first = is_pae(w) && !is_long(w) ? 1 : 0;
	status_t status;
	uint64_t bits;

	for (i = first; i < w->depth; i++) {
		bits = PTE_ACCESSED;
		if (i == w->depth - 1 && (w->flags & HV_TRANSLATE_WRITE))
			bits |= PTE_DIRTY;
		if (!(bits & ~w->entry[i]))
			continue;
		status = gpa_exchange(w->space, w->at[i], w->entry_size, w->entry[i],
				      w->entry[i] | bits);
		if (status == STATUS_BUSY)
			return STATUS_BUSY;
		if (status != STATUS_OK) {
			*code = HV_TRANSLATE_GPA_NO_WRITE_ACCESS;
			return STATUS_OK;
		}
	}
	return STATUS_OK;
}

/* ---- the whole ---- */

/* IA32_PAT has the numbers of HV_CACHE_TYPE, and UC- beside them. */
static uint8_t cache_type(const struct walk *w)
{
	unsigned int index;
	uint8_t type;

	if (!w->depth)
		return HV_CACHE_TYPE_WRITE_BACK;
	index = PTE_PAT_INDEX(w->entry[w->depth - 1], w->shift > PAGE_SHIFT);
	type = w->state.pat >> 8 * index & 7;
	return type == 7 ? 0 : type;
}

/* No address is beyond what the mode can have. */
static bool is_address(const struct walk *w)
{
	unsigned int bits = w->state.cr4 & CR4_LA57 ? 57 : 48;

	if (!is_long(w))
		return w->linear <= UINT32_MAX;
	return (uint64_t)((int64_t)(w->linear << (64 - bits)) >> (64 - bits)) == w->linear;
}

static status_t translate(struct walk *w, struct hv_translate_output *output)
{
	uint32_t code = HV_TRANSLATED;
	struct gpa_view view;
	status_t status = STATUS_OK;

	w->gpa = w->linear;
	if (!is_address(w))
		code = HV_TRANSLATE_NOT_PRESENT;
	else if (w->state.cr0 & CR0_PG)
		code = tables_walk(w);
	if (code == HV_TRANSLATED)
		code = rights_check(w);
	if (code == HV_TRANSLATED && (w->flags & HV_TRANSLATE_SET_BITS))
		status = entries_mark(w, &code);
	if (code == HV_TRANSLATED && !gpa_look(w->space, w->gpa, &view))
		code = HV_TRANSLATE_GPA_UNMAPPED;
	if (code == HV_TRANSLATED && (w->flags & HV_TRANSLATE_WRITE) && !view.writable)
		code = HV_TRANSLATE_GPA_NO_WRITE_ACCESS;
	output->result.code = code;
	if (code != HV_TRANSLATED)
		return status;
	output->result.cache_type = cache_type(w);
	output->result.overlay = view.overlay;
	output->gpa_page = w->gpa >> PAGE_SHIFT;
	return status;
}

struct context {
	uint32_t vtl;
	struct walk *walk;
};

static void context_get(struct vp *vp, void *argument)
{
	struct context *c = argument;

	backend->arch.state_get(vp, c->vtl, STATE_ALL, &c->walk->state);
	c->walk->rflags = vp->vtl[c->vtl]->arch.rflags;
}

/* Without a privilege, that of the VP. */
static uint64_t flags_whole(const struct walk *w, uint64_t flags)
{
	bool user = w->state.segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK;

	if (!(flags & (HV_TRANSLATE_USER | HV_TRANSLATE_SUPERVISOR)))
		flags |= user ? HV_TRANSLATE_USER : HV_TRANSLATE_SUPERVISOR;
	return flags;
}

status_t arch_translate(struct vp *vp, uint32_t vtl, const struct hv_translate_input *input,
			bool own, struct hv_translate_output *output, uint32_t *error)
{
	struct walk w = {.space = vp->vtl[vtl]->space, .linear = input->gva_page << PAGE_SHIFT};
	struct context context = {vtl, &w};
	status_t status;

	if (own)
		context_get(vp, &context);
	else if (vp_call(vp, context_get, &context) != STATUS_OK)
		return STATUS_BUSY;
	w.reserved_address = ~MASK(vp->partition->physical_bits);
	/* As guest_pdptes_read(). */
	w.top_ignored = guest_cpuid_is_amd(vp->partition) ? PTE_ACCESSED : 0;
	w.gigabyte_pages =
		guest_cpuid_has(vp->partition, EXTENDED_FEATURES, CPUID_EDX, FEATURE_1GB);
	w.flags = flags_whole(&w, input->flags);
	if (w.flags & HV_TRANSLATE_WRITE)
		w.error |= ERROR_WRITE;
	if (w.flags & HV_TRANSLATE_USER)
		w.error |= ERROR_USER;
	if ((w.flags & HV_TRANSLATE_EXECUTE) && (w.state.efer & EFER_NXE))
		w.error |= ERROR_FETCH;
	status = translate(&w, output);
	*error = w.error;
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * One radix walk for all formats of guest page tables. What differs stands in a row of
 * walk_formats; the loop goes down from the root, gathers the rights, and only when
 * everything is allowed goes over the visited entries again to set accessed and dirty.
 */
#include <emulator/guest_walk.h>
#include <emulator/processor_bits.h>

#define ENTRY_PRESENT  BIT(0)
#define ENTRY_WRITABLE BIT(1)
#define ENTRY_USER     BIT(2)
#define ENTRY_ACCESSED BIT(5)
#define ENTRY_DIRTY    BIT(6)
#define ENTRY_LARGE    BIT(7)
#define ENTRY_NX       BIT(63)
#define ENTRY_KEY(e)   (((e) >> 59) & 0xf)

#define MAX_LEVELS 5
/* Rounds of a walk whose entries change under it before it is given up. */
#define MAX_ROUNDS 8

struct walk_format {
	uint8_t levels;
	uint8_t index_bits;
	uint8_t entry_size;
	uint8_t large_levels;	/* mask of levels that may hold a large page */
	uint64_t root_mask;	/* the bits of CR3 that address the root */
	uint64_t high_reserved; /* reserved bits above the address, without NX */
};

enum { FORMAT_32BIT, FORMAT_PAE, FORMAT_4LEVEL, FORMAT_5LEVEL };

static const struct walk_format walk_formats[] = {
	[FORMAT_32BIT] = {2, 10, 4, 1 << 2, 0xfffff000, 0},
	[FORMAT_PAE] = {3, 9, 8, 1 << 2, 0xffffffe0, 0x7ff0000000000000},
	[FORMAT_4LEVEL] = {4, 9, 8, 1 << 2 | 1 << 3, 0x000ffffffffff000, 0},
	[FORMAT_5LEVEL] = {5, 9, 8, 1 << 2 | 1 << 3, 0x000ffffffffff000, 0},
};

struct walker {
	const struct guest_paging *paging;
	const struct guest_memory_ops *memory;
	void *context;
	unsigned access;
	unsigned format;
	uint64_t physical_mask;
	uint64_t suspicious; /* an entry without these bits has no reserved bit set */
	uint64_t common;     /* bits that all visited entries have: W, U, accessed */
	uint64_t any;	     /* bits that one of them has: NX */
	unsigned level;	     /* of the entry being looked at; 1 is the last */
	gpa_t entry_gpa[MAX_LEVELS + 1];
	uint64_t entry[MAX_LEVELS + 1];
};

static unsigned format_select(const struct guest_paging *paging)
{
	if (paging->efer & GUEST_EFER_LMA)
		return paging->cr4 & GUEST_CR4_LA57 ? FORMAT_5LEVEL : FORMAT_4LEVEL;
	return paging->cr4 & GUEST_CR4_PAE ? FORMAT_PAE : FORMAT_32BIT;
}

static unsigned level_shift(const struct walk_format *format, unsigned level)
{
	return PAGE_SHIFT + (level - 1) * format->index_bits;
}

/* The root of PAE paging: no rights, no accessed bit, reserved bits of its own. */
static bool level_is_pae_root(const struct walker *w)
{
	return w->format == FORMAT_PAE && w->level == 3;
}

static bool entry_is_leaf(const struct walker *w, uint64_t entry)
{
	if (w->level == 1)
		return true;
	if (!(entry & ENTRY_LARGE) || !(walk_formats[w->format].large_levels & 1 << w->level))
		return false;
	return w->format != FORMAT_32BIT || w->paging->cr4 & GUEST_CR4_PSE;
}

/* The bits that must be zero in a present entry (SDM vol. 3, tables 4-4 to 4-20). */
static uint64_t entry_reserved_bits(const struct walker *w, bool leaf)
{
	const struct walk_format *format = &walk_formats[w->format];
	unsigned shift = level_shift(format, w->level);
	uint64_t bits;

	if (w->format == FORMAT_32BIT) {
		if (!leaf || w->level == 1)
			return 0;
		/* PSE-36: bits 13.. of a 4 MiB entry are address bits 32.., up to 39 */
		bits = MASK(8) & ~(w->physical_mask >> 32);
		return BIT(21) | bits << 13;
	}
	bits = MASK(52) & ~w->physical_mask;
	bits |= format->high_reserved;
	if (level_is_pae_root(w))
		return bits | ENTRY_NX | 0x1e6; /* bits 1, 2 and 5-8 */
	if (!(w->paging->efer & GUEST_EFER_NXE))
		bits |= ENTRY_NX;
	if (leaf && w->level > 1)
		bits |= MASK(shift) & ~MASK(13); /* bit 12 is PAT */
	if (!leaf && !(format->large_levels & 1 << w->level))
		bits |= ENTRY_LARGE;
	return bits;
}

static enum guest_walk_status walk_fault(const struct walker *w, uint64_t cause,
					 struct guest_walk_result *result)
{
	const struct guest_paging *p = w->paging;
	bool has_nx = w->format != FORMAT_32BIT && p->efer & GUEST_EFER_NXE;
	uint64_t code = cause;

	if (w->access & GUEST_WALK_WRITE)
		code |= PAGE_FAULT_WRITE;
	if (w->access & GUEST_WALK_USER)
		code |= PAGE_FAULT_USER;
	if (w->access & GUEST_WALK_FETCH && (has_nx || p->cr4 & GUEST_CR4_SMEP))
		code |= PAGE_FAULT_FETCH;
	result->error_code = (uint32_t)code;
	return GUEST_WALK_PAGE_FAULT;
}

/* Protection keys guard data accesses to user pages in long mode (SDM vol. 3, 4.6.2). */
static bool key_allows(const struct walker *w, uint64_t leaf)
{
	const struct guest_paging *p = w->paging;
	unsigned rights = p->pkru >> (2 * ENTRY_KEY(leaf)) & 3;

	if (!(p->cr4 & GUEST_CR4_PKE) || !(p->efer & GUEST_EFER_LMA))
		return true;
	if (!(w->common & ENTRY_USER) || w->access & GUEST_WALK_FETCH)
		return true;
	if (rights & 1)
		return false;
	return !(rights & 2 && w->access & GUEST_WALK_WRITE &&
		 (w->access & GUEST_WALK_USER || p->cr0 & GUEST_CR0_WP));
}

static bool rights_allow(const struct walker *w)
{
	const struct guest_paging *p = w->paging;
	bool user_page = w->common & ENTRY_USER;
	bool user = w->access & GUEST_WALK_USER;

	if (user && !user_page)
		return false;
	if (w->access & GUEST_WALK_WRITE && !(w->common & ENTRY_WRITABLE) &&
	    (user || p->cr0 & GUEST_CR0_WP))
		return false;
	if (w->access & GUEST_WALK_FETCH) {
		if (w->any & ENTRY_NX)
			return false;
		return user || !user_page || !(p->cr4 & GUEST_CR4_SMEP);
	}
	if (!user && user_page && p->cr4 & GUEST_CR4_SMAP)
		return !(w->access & GUEST_WALK_IMPLICIT) && p->rflags & GUEST_FLAG_AC;
	return true;
}

/* Sets bits in the entry of one level, atomically where the memory can. */
static enum guest_walk_status entry_mark(struct walker *w, unsigned level, uint64_t bits)
{
	unsigned size = walk_formats[w->format].entry_size;
	uint64_t old = w->entry[level], new = old | bits;
	bool exchanged = true, ram;

	if (new == old)
		return GUEST_WALK_OK;
	/* the guest is little-endian, as we are: the low bytes come first */
	if (w->memory->cmpxchg_gpa)
		ram = w->memory->cmpxchg_gpa(w->context, w->entry_gpa[level], &old, &new, size,
					     &exchanged);
	else
		ram = w->memory->write_gpa(w->context, w->entry_gpa[level], &new, size);
	if (!ram)
		return GUEST_WALK_NO_TABLE;
	return exchanged ? GUEST_WALK_OK : GUEST_WALK_CONTENDED;
}

static enum guest_walk_status entries_mark(struct walker *w, struct guest_walk_result *result)
{
	unsigned leaf = w->level, level;
	enum guest_walk_status status;

	/* mostly there is nothing to do */
	if (w->common & ENTRY_ACCESSED &&
	    (w->entry[leaf] & ENTRY_DIRTY || !(w->access & GUEST_WALK_WRITE)))
		return GUEST_WALK_OK;
	for (level = walk_formats[w->format].levels; level >= leaf; level--) {
		uint64_t bits = ENTRY_ACCESSED;

		if (w->format == FORMAT_PAE && level == 3)
			continue;
		if (level == leaf && w->access & GUEST_WALK_WRITE)
			bits |= ENTRY_DIRTY;
		status = entry_mark(w, level, bits);
		if (status != GUEST_WALK_OK) {
			if (status == GUEST_WALK_NO_TABLE)
				result->gpa = w->entry_gpa[level];
			return status;
		}
	}
	return GUEST_WALK_OK;
}

static void leaf_address(const struct walker *w, gva_t gva, struct guest_walk_result *result)
{
	const struct walk_format *format = &walk_formats[w->format];
	unsigned shift = level_shift(format, w->level);
	uint64_t entry = w->entry[w->level];
	uint64_t base = entry & w->physical_mask & MASK(52) & ~MASK(shift);

	if (w->format == FORMAT_32BIT) {
		base = entry & 0xffffffff & ~MASK(shift);
		if (w->level == 2)
			base |= (entry >> 13 & MASK(8)) << 32;
	}
	result->page_size = BIT(shift);
	result->entry = entry;
	result->gpa = base | (gva & MASK(shift));
}

static enum guest_walk_status walk_down(struct walker *w, gva_t gva,
					struct guest_walk_result *result)
{
	const struct walk_format *format = &walk_formats[w->format];
	gpa_t table = w->paging->cr3 & format->root_mask & w->physical_mask;
	unsigned shift = level_shift(format, format->levels);

	w->common = ~0ull;
	w->any = 0;
	/* ends at a leaf, at the latest at level 1 */
	for (w->level = format->levels;; w->level--, shift -= format->index_bits) {
		uint64_t index = gva >> shift & MASK(format->index_bits), entry = 0;
		gpa_t gpa = table + index * format->entry_size;
		bool leaf;

		w->entry_gpa[w->level] = gpa;
		if (!w->memory->read_gpa(w->context, gpa, &entry, format->entry_size)) {
			result->gpa = gpa;
			return GUEST_WALK_NO_TABLE;
		}
		w->entry[w->level] = entry;
		if (!(entry & ENTRY_PRESENT))
			return walk_fault(w, 0, result);
		leaf = entry_is_leaf(w, entry);
		if (entry & w->suspicious && entry & entry_reserved_bits(w, leaf))
			return walk_fault(w, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED, result);
		table = entry & MASK(52) & ~MASK(PAGE_SHIFT);
		if (level_is_pae_root(w))
			entry |= ENTRY_WRITABLE | ENTRY_USER | ENTRY_ACCESSED;
		w->common &= entry;
		w->any |= entry;
		if (leaf)
			break;
	}
	leaf_address(w, gva, result);
	if (w->access & GUEST_WALK_DEBUG)
		return GUEST_WALK_OK;
	if (!rights_allow(w))
		return walk_fault(w, PAGE_FAULT_PRESENT, result);
	if (!key_allows(w, w->entry[w->level]))
		return walk_fault(w, PAGE_FAULT_PRESENT | PAGE_FAULT_KEY, result);
	return entries_mark(w, result);
}

enum guest_walk_status guest_walk(const struct guest_paging *paging,
				  const struct guest_memory_ops *memory, void *context, gva_t gva,
				  unsigned access, struct guest_walk_result *result)
{
	unsigned bits = paging->physical_bits;
	enum guest_walk_status status;
	struct walker walker = {.paging = paging, .memory = memory, .context = context};
	unsigned round;

	*result = (struct guest_walk_result){.page_size = PAGE_SIZE};
	if (!(paging->cr0 & GUEST_CR0_PG)) {
		result->gpa = gva & 0xffffffff;
		return GUEST_WALK_OK;
	}
	if (access & GUEST_WALK_IMPLICIT)
		access &= ~(unsigned)GUEST_WALK_USER;
	walker.access = access;
	walker.physical_mask = MASK(bits >= 32 && bits <= 52 ? bits : 52);
	walker.format = format_select(paging);
	walker.suspicious = (MASK(52) & ~walker.physical_mask) | ENTRY_LARGE | ENTRY_NX |
			    walk_formats[walker.format].high_reserved;
	if (walker.format == FORMAT_PAE)
		walker.suspicious = ~0ull; /* the low bits of its root as well */
	if (walker.format <= FORMAT_PAE)
		gva &= 0xffffffff;
	for (round = 0; round < MAX_ROUNDS; round++) {
		status = walk_down(&walker, gva, result);
		if (status != GUEST_WALK_CONTENDED)
			return status;
	}
	return GUEST_WALK_CONTENDED;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a guest were written. A page of a range that is tracked is dirty if it may be written, by
 * the second-level table: tracking starts by taking that right away, the first write faults and gives
 * the page its right back. So nothing has to be kept beside the table, and no processor needs to
 * have dirty bits (EPT has them since Haswell only). Large pages stay until a page of theirs is
 * written, and are split then; without memory for that, all of the large page is dirty.
 */
#include <kernel/gpa_range.h>

/* The part of a range that lies in [gpa, end). */
struct part {
	gpa_t gpa;
	uint64_t size;
};

static struct part part_of(const struct gpa_range *range, gpa_t gpa, gpa_t end)
{
	gpa_t from = MAX(range->gpa, gpa), to = MIN(range->gpa + range->size, end);

	return (struct part){.gpa = from, .size = to - from};
}

static bool is_tracked(const struct gpa_range *range)
{
	return (range->flags & (GPA_TRACKED | GPA_BUSY)) == GPA_TRACKED;
}

static uint32_t flags_of(const struct gpa_range *range, bool dirty)
{
	bool writable = dirty || (range->flags & GPA_ENDING);

	return gpa_page_flags(writable ? range->flags : range->flags & ~(uint32_t)GPA_WRITABLE);
}

/* Bytes that are worked on with interrupts off, by which a long call is cut. */
#define PIECE ((uint64_t)1024 * PAGE_SIZE)

/* About so much of a part, up to where a leaf of the table ends. */
static uint64_t part_cut(const struct gpa_space *space, const struct part *part, uint64_t size)
{
	struct page_translation t;

	if (part->size <= size)
		return part->size;
	(void)page_table_lookup(&space->table, part->gpa + size, &t);
	return MIN(part->size, ALIGN_UP(part->gpa + size, t.page_size) - part->gpa);
}

/* The parts of ranges that are tracked become dirty or clean, from *gpa up to the first failure, or until
 * about that many bytes are done: to where. The lock is held. */
static status_t parts_set(struct gpa_space *space, gpa_t *gpa, gpa_t end, uint64_t budget,
			  bool dirty)
{
	struct gpa_range *range = gpa_range_from(space, *gpa);
	status_t status = STATUS_OK;

	while (range && MAX(range->gpa, *gpa) < end && budget && status == STATUS_OK) {
		struct part part = part_of(range, *gpa, end);
		uint64_t shown = gpa_overlay_free(space, part.gpa, part_cut(space, &part, budget));

		if (shown && is_tracked(range))
			status = page_table_protect(&space->table, part.gpa, shown,
						    flags_of(range, dirty));
		part.size = shown ? shown : PAGE_SIZE;
		budget -= MIN(budget, part.size);
		*gpa = part.gpa + part.size;
		if (*gpa >= range->gpa + range->size)
			range = range->next;
	}
	if (budget)
		*gpa = end;
	return status;
}

/* All that may be done at once. */
static status_t limited_set(struct gpa_space *space, gpa_t gpa, uint64_t size, bool dirty)
{
	return parts_set(space, &gpa, gpa + size, UINT64_MAX, dirty);
}

/* The ranges with a flag get another. False: one is cut. */
static bool ranges_flag(struct gpa_space *space, gpa_t gpa, gpa_t end, uint32_t with, uint32_t set)
{
	struct gpa_range *range;
	bool whole;

	spin_lock(&space->lock);
	whole = gpa_ranges_are_whole(space, gpa, end - gpa, 0);
	range = whole ? gpa_range_from(space, gpa) : NULL;
	for (; range && range->gpa < end; range = range->next) {
		if (!(range->flags & GPA_WORLD) && (range->flags & with))
			range->flags |= set;
	}
	spin_unlock(&space->lock);
	return whole;
}

/* Those that come to their end are no longer tracked. A mapping may have come meanwhile that is cut here. */
static void ranges_end(struct gpa_space *space, gpa_t gpa, gpa_t end)
{
	struct gpa_range *range;

	spin_lock(&space->lock);
	for (range = gpa_range_from(space, gpa); range && range->gpa < end; range = range->next)
		if (!(range->flags & GPA_WORLD) && (range->flags & GPA_ENDING))
			range->flags &= ~(uint32_t)(GPA_TRACKED | GPA_ENDING);
	spin_unlock(&space->lock);
}

/* Whole ranges are never split, so that parts_set() cannot fail. At the end of tracking, a write that
 * faults finds its range tracked until all of it is dirty. */
static status_t tracking_set(struct gpa_space *space, gpa_t gpa, uint64_t size, bool on)
{
	status_t status = gpa_range_check(space, gpa, size);
	gpa_t end = gpa + size, at = gpa;

	if (status != STATUS_OK)
		return status;
	if (!ranges_flag(space, gpa, end, on ? GPA_WRITABLE : GPA_TRACKED,
			 on ? GPA_TRACKED : GPA_ENDING))
		return STATUS_INVALID_ARGUMENT;
	while (at < end) {
		spin_lock(&space->lock);
		(void)parts_set(space, &at, end, PIECE, !on);
		spin_unlock(&space->lock);
		gpa_piece_done();
	}
	if (on)
		gpa_space_shootdown(space);
	else
		ranges_end(space, gpa, end);
	return STATUS_OK;
}

status_t gpa_dirty_start(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	return tracking_set(space, gpa, size, true);
}

status_t gpa_dirty_stop(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	return tracking_set(space, gpa, size, false);
}

/* By a range that may have it: the first one that ends above gpa. */
static bool take(struct gpa_space *space, const struct gpa_range *range, gpa_t gpa)
{
	gpa_t page = ALIGN_DOWN(gpa, PAGE_SIZE);
	struct page_translation t;

	if (!range || range->gpa > gpa || !is_tracked(range) || gpa_overlay_at(space, page) ||
	    !page_table_lookup(&space->table, page, &t))
		return false;
	if ((t.flags & PAGE_WRITE) ||
	    page_table_protect(&space->table, page, PAGE_SIZE, flags_of(range, true)) == STATUS_OK)
		return true;
	return page_table_protect(&space->table, ALIGN_DOWN(gpa, t.page_size), t.page_size,
				  flags_of(range, true)) == STATUS_OK; /* needs no memory */
}

bool gpa_dirty_take(struct gpa_space *space, gpa_t gpa)
{
	return take(space, gpa_range_from(space, gpa), gpa);
}

/* What the processor remembers says less than the table does now: the fault has made it forget that. */
bool gpa_dirty_fault(struct gpa_space *space, gpa_t gpa)
{
	bool taken;

	spin_lock(&space->lock);
	taken = gpa_dirty_take(space, gpa);
	spin_unlock(&space->lock);
	return taken;
}

/* ---- reading ---- */

struct reading {
	gpa_t gpa, end;
	uint64_t *bits;
};

static void leaf_read(void *context, uint64_t va, uint64_t size, uint32_t flags)
{
	const struct reading *r = context;
	uint64_t end = MIN(va + size, r->end), page;

	if (!(flags & PAGE_WRITE))
		return;
	for (va = MAX(va, r->gpa); va < end; va += PAGE_SIZE) {
		page = (va - r->gpa) >> PAGE_SHIFT;
		r->bits[page / 64] |= BIT(page % 64);
	}
}

/* What lies under an overlay may have been written before: nothing tells. */
static void overlays_read(struct gpa_space *space, const struct part *part, struct reading *reading)
{
	const struct gpa_overlay *overlay = space->overlays;

	for (; overlay; overlay = overlay->next)
		if (overlay->gpa - part->gpa < part->size)
			leaf_read(reading, overlay->gpa, PAGE_SIZE, PAGE_WRITE);
}

static void parts_read(struct gpa_space *space, gpa_t gpa, gpa_t end, uint64_t *bits)
{
	struct reading reading = {.gpa = gpa, .end = end, .bits = bits};
	struct gpa_range *range = gpa_range_from(space, gpa);

	for (; range && range->gpa < end; range = range->next) {
		struct part part = part_of(range, gpa, end);

		if (!is_tracked(range))
			continue;
		page_table_each_leaf(&space->table, part.gpa, part.size, leaf_read, &reading);
		overlays_read(space, &part, &reading);
	}
}

static status_t limited_check(const struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	status_t status = gpa_range_check(space, gpa, size);

	return status == STATUS_OK && size > DIRTY_SIZE_MAX ? STATUS_TOO_LARGE : status;
}

/* Those in [first, end), of the pages from gpa on. */
static void piece_restore(struct gpa_space *space, gpa_t gpa, uint64_t first, uint64_t end,
			  const uint64_t *bits)
{
	const struct gpa_range *range;
	uint64_t page;
	gpa_t at;

	spin_lock(&space->lock);
	range = gpa_range_from(space, gpa + (first << PAGE_SHIFT));
	for (page = first; page < end; page++) {
		at = gpa + (page << PAGE_SHIFT);
		while (range && range->gpa + range->size <= at)
			range = range->next;
		if (bits[page / 64] & BIT(page % 64))
			(void)take(space, range, at);
	}
	spin_unlock(&space->lock);
}

void gpa_dirty_restore(struct gpa_space *space, gpa_t gpa, uint64_t size, const uint64_t *bits)
{
	uint64_t pages = size >> PAGE_SHIFT, piece = PIECE >> PAGE_SHIFT, page;

	for (page = 0; page < pages; page += piece) {
		piece_restore(space, gpa, page, MIN(page + piece, pages), bits);
		gpa_piece_done();
	}
}

status_t gpa_dirty_get(struct gpa_space *space, gpa_t gpa, uint64_t size, bool clear,
		       uint64_t *bits)
{
	status_t status = limited_check(space, gpa, size);

	if (status != STATUS_OK)
		return status;
	spin_lock(&space->lock);
	parts_read(space, gpa, gpa + size, bits);
	if (clear)
		status = limited_set(space, gpa, size, false);
	spin_unlock(&space->lock);
	if (status != STATUS_OK)
		gpa_dirty_restore(space, gpa, size, bits);
	/* Who wrote with an old translation did so before this ends: that is in what the caller reads. */
	if (clear)
		gpa_space_shootdown(space);
	return status;
}

status_t gpa_dirty_mark(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	status_t status = limited_check(space, gpa, size);

	if (status != STATUS_OK)
		return status;
	spin_lock(&space->lock);
	status = limited_set(space, gpa, size, true);
	spin_unlock(&space->lock);
	return status;
}

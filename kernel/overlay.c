/* SPDX-License-Identifier: MIT */
/*
 * Overlay pages over a guest-physical address space. A page of the table in which one shows belongs to the
 * overlay: who maps, unmaps or protects ranges leaves it out. When the overlay goes, the page
 * becomes what the list of ranges says.
 */
#include <kernel/arch.h>
#include <kernel/gpa_range.h>

struct gpa_overlay *gpa_overlay_at(const struct gpa_space *space, gpa_t gpa)
{
	struct gpa_overlay *overlay = space->overlays;

	while (overlay && overlay->gpa < gpa)
		overlay = overlay->next;
	return overlay && overlay->gpa == gpa ? overlay : NULL;
}

uint64_t gpa_overlay_free(const struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	const struct gpa_overlay *overlay = space->overlays;

	while (overlay && overlay->gpa < gpa)
		overlay = overlay->next;
	return overlay ? MIN(size, overlay->gpa - gpa) : size;
}

bool gpa_overlay_refuses(struct gpa_space *space, gpa_t gpa)
{
	const struct gpa_overlay *overlay;
	bool refuses;

	if (!space->overlays)
		return false;
	spin_lock(&space->lock);
	overlay = gpa_overlay_at(space, ALIGN_DOWN(gpa, PAGE_SIZE));
	refuses = overlay && !overlay->writable;
	spin_unlock(&space->lock);
	return refuses;
}

static struct gpa_range *range_at(struct gpa_space *space, gpa_t gpa)
{
	struct gpa_range *range = gpa_range_from(space, gpa);

	return range && range->gpa <= gpa ? range : NULL;
}

bool gpa_look(struct gpa_space *space, gpa_t gpa, struct gpa_view *view)
{
	const struct gpa_overlay *overlay;
	const struct gpa_range *range;

	spin_lock(&space->lock);
	overlay = gpa_overlay_at(space, ALIGN_DOWN(gpa, PAGE_SIZE));
	range = range_at(space, gpa);
	if (range && (range->flags & GPA_BUSY))
		range = NULL;
	view->overlay = overlay;
	view->writable = overlay ? overlay->writable : range && (range->flags & GPA_WRITABLE);
	spin_unlock(&space->lock);
	return overlay || range;
}

/* Half done, the table does not say what the range does. */
static bool is_busy(struct gpa_space *space, gpa_t gpa)
{
	const struct gpa_range *range = gpa == GPA_NOWHERE ? NULL : range_at(space, gpa);

	return range && (range->flags & GPA_BUSY);
}

static status_t page_set(struct gpa_space *space, gpa_t gpa, hpa_t hpa, uint32_t flags)
{
	return page_table_replace(&space->table, gpa, hpa, gpa_page_flags(flags));
}

static status_t overlay_show(struct gpa_space *space, const struct gpa_overlay *overlay, gpa_t gpa)
{
	return page_set(space, gpa, kva_to_hpa(overlay->page),
			GPA_EXECUTABLE | (overlay->writable ? GPA_WRITABLE : 0));
}

/* What is there without the overlay that went. Nothing is split, so nothing can fail. Of a range that is
 * tracked the page is dirty: nothing tells whether it was. */
static void page_show(struct gpa_space *space, gpa_t gpa)
{
	const struct gpa_overlay *overlay = gpa_overlay_at(space, gpa);
	const struct gpa_range *range = range_at(space, gpa);

	if (overlay)
		(void)overlay_show(space, overlay, gpa);
	else if (range)
		(void)page_set(space, gpa, range->hpa + (gpa - range->gpa), range->flags);
	else
		(void)page_table_unmap_part(&space->table, gpa, PAGE_SIZE, PAGE_SIZE);
}

static void list_remove(struct gpa_space *space, struct gpa_overlay *overlay)
{
	struct gpa_overlay **link = &space->overlays;

	while (*link != overlay)
		link = &(*link)->next;
	*link = overlay->next;
}

static void list_insert(struct gpa_space *space, struct gpa_overlay *overlay)
{
	struct gpa_overlay **link = &space->overlays;

	while (*link && (*link)->gpa < overlay->gpa)
		link = &(*link)->next;
	overlay->next = *link;
	*link = overlay;
}

/* ---- moves ---- */

static bool moves(const struct gpa_overlay_place *place)
{
	return place->gpa != place->overlay->gpa;
}

static status_t places_check(struct gpa_space *space, const struct gpa_overlay_place *places,
			     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (moves(&places[i]) &&
		    (is_busy(space, places[i].overlay->gpa) || is_busy(space, places[i].gpa)))
			return STATUS_BUSY;
	return STATUS_OK;
}

/* The table has them where they go to. All that can fail is here; where one fails, those before it go. */
static status_t places_show(struct gpa_space *space, const struct gpa_overlay_place *places,
			    unsigned int count)
{
	status_t status = STATUS_OK;
	unsigned int i;

	for (i = 0; i < count && status == STATUS_OK; i++)
		if (moves(&places[i]) && places[i].gpa != GPA_NOWHERE)
			status = overlay_show(space, places[i].overlay, places[i].gpa);
	if (status == STATUS_OK)
		return status;
	for (i--; i-- > 0;)
		if (moves(&places[i]) && places[i].gpa != GPA_NOWHERE)
			page_show(space, places[i].gpa);
	return status;
}

static void place_take(struct gpa_space *space, const struct gpa_overlay_place *place)
{
	struct gpa_overlay *overlay = place->overlay;
	gpa_t old = overlay->gpa;

	if (old != GPA_NOWHERE)
		list_remove(space, overlay);
	overlay->gpa = place->gpa;
	if (place->gpa != GPA_NOWHERE)
		list_insert(space, overlay);
	if (old != GPA_NOWHERE)
		page_show(space, old);
}

/* The lock is held. One may go to where another comes from, and so be hidden by its leaving. */
static status_t overlays_move(struct gpa_space *space, const struct gpa_overlay_place *places,
			      unsigned int count)
{
	status_t status = places_check(space, places, count);
	unsigned int i;

	if (status == STATUS_OK)
		status = places_show(space, places, count);
	if (status != STATUS_OK)
		return status;
	for (i = 0; i < count; i++)
		if (moves(&places[i]))
			place_take(space, &places[i]);
	for (i = 0; i < count; i++)
		if (places[i].gpa != GPA_NOWHERE)
			page_show(space, places[i].gpa);
	return STATUS_OK;
}

status_t gpa_overlays_move(struct gpa_space *space, const struct gpa_overlay_place *places,
			   unsigned int count)
{
	bool any = false;
	void *unlinked = NULL;
	status_t status;
	unsigned int i;

	for (i = 0; i < count; i++) {
		gpa_t gpa = places[i].gpa;

		any |= moves(&places[i]);
		if (gpa != GPA_NOWHERE && (!IS_ALIGNED(gpa, PAGE_SIZE) || gpa >= gpa_limit(space)))
			return STATUS_INVALID_ADDRESS;
	}
	if (!any)
		return STATUS_OK;
	spin_lock(&space->lock);
	status = overlays_move(space, places, count);
	/* Nothing was done: what is unlinked is that of the one who is about to unmap. */
	if (status != STATUS_BUSY)
		unlinked = page_table_unlinked_take(&space->table);
	spin_unlock(&space->lock);
	if (status == STATUS_BUSY)
		return status;
	/* A split may have come before another failure. */
	gpa_space_shootdown(space);
	page_list_free(space->partition->heap, unlinked);
	return status;
}

status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay, gpa_t gpa)
{
	const struct gpa_overlay_place place = {.overlay = overlay, .gpa = gpa};

	return gpa_overlays_move(space, &place, 1);
}

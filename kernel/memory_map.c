/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical address spaces: the ranges that were mapped, over one second-level table. The
 * list of ranges says what may be unmapped and what is pinned; the table says what the guest sees.
 */
#include <kernel/backend.h>
#include <kernel/cpu.h>
#include <kernel/gpa_range.h>
#include <kernel/string.h>

status_t gpa_space_create(struct partition *partition, struct gpa_space **space)
{
	struct gpa_space *s = heap_alloc(partition->heap, sizeof(*s));
	status_t status;

	if (!s)
		return STATUS_NO_MEMORY;
	status = page_table_init(&s->table, backend->gpa_format, partition->heap);
	if (status != STATUS_OK) {
		heap_free(partition->heap, s, sizeof(*s));
		return status;
	}
	s->table.keeps_edges = true;
	s->partition = partition;
	s->pinned_memory = partition->owner != NULL;
	*space = s;
	return STATUS_OK;
}

static void range_free(struct gpa_space *space, struct gpa_range *range)
{
	if (space->pinned_memory && !(range->flags & GPA_OWN))
		blocks_unpin(range->hpa, range->size);
	heap_free(space->partition->heap, range, sizeof(*range));
}

void gpa_space_destroy(struct gpa_space *space)
{
	struct heap *heap = space->partition->heap;
	struct gpa_range *range;

	while ((range = space->ranges)) {
		space->ranges = range->next;
		range_free(space, range);
	}
	page_table_destroy(&space->table);
	heap_free(heap, space, sizeof(*space));
}

uint32_t gpa_page_flags(uint32_t flags)
{
	uint32_t page = PAGE_READ | PAGE_USER;

	if (flags & GPA_WRITABLE)
		page |= PAGE_WRITE;
	if (flags & GPA_EXECUTABLE)
		page |= PAGE_EXECUTE;
	return page;
}

struct gpa_range *gpa_range_from(struct gpa_space *space, gpa_t gpa)
{
	struct gpa_range *range = space->ranges;

	while (range && range->gpa + range->size <= gpa)
		range = range->next;
	return range;
}

status_t gpa_range_check(const struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	if (!size)
		return STATUS_INVALID_ARGUMENT;
	if (!IS_ALIGNED(gpa | size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	return range_within(gpa, size, gpa_limit(space)) ? STATUS_OK : STATUS_INVALID_ADDRESS;
}

/* Puts a range into the list; OVERLAP when it shares a byte with one that is there. */
static status_t range_insert(struct gpa_space *space, struct gpa_range *range)
{
	struct gpa_range **link = &space->ranges;

	while (*link && (*link)->gpa + (*link)->size <= range->gpa)
		link = &(*link)->next;
	if (*link && range_overlaps((*link)->gpa, (*link)->size, range->gpa, range->size))
		return STATUS_OVERLAP;
	range->next = *link;
	*link = range;
	return STATUS_OK;
}

static void range_remove(struct gpa_space *space, struct gpa_range *range)
{
	struct gpa_range **link = &space->ranges;

	while (*link != range)
		link = &(*link)->next;
	*link = range->next;
}

/* Entries of tables that are worked on with interrupts off: some 10 microseconds. */
#define PIECE	     4096u
#define TABLES_PIECE 256u

void gpa_piece_done(void)
{
	arch_interrupt_window();
	cpu_wait(this_cpu());
}

static void tables_free(struct heap *heap, void *list)
{
	unsigned int count = 0;
	void *table;

	while ((table = page_list_pop(&list))) {
		page_free(heap, table, 0);
		if (++count % TABLES_PIECE == 0)
			gpa_piece_done();
	}
}

static void pieces_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	uint64_t done;

	for (;;) {
		spin_lock(&space->lock);
		done = gpa_overlay_free(space, gpa, size);
		done = done ? page_table_unmap_part(&space->table, gpa, done, PIECE) : PAGE_SIZE;
		spin_unlock(&space->lock);
		if (done == size)
			return;
		gpa += done;
		size -= done;
		gpa_piece_done();
	}
}

/* *done: the bytes that are mapped, all of them or up to where it failed. */
static status_t pieces_map(struct gpa_space *space, const struct gpa_range *range, uint64_t *done)
{
	status_t status = STATUS_OK;
	uint64_t part, size;

	for (*done = 0;;) {
		spin_lock(&space->lock);
		size = gpa_overlay_free(space, range->gpa + *done, range->size - *done);
		part = PAGE_SIZE;
		if (size)
			status = page_table_map_part(&space->table, range->gpa + *done,
						     range->hpa + *done, size,
						     gpa_page_flags(range->flags), PIECE, &part);
		spin_unlock(&space->lock);
		*done += part;
		if (status != STATUS_OK || *done == range->size)
			return status;
		gpa_piece_done();
	}
}

/* The arguments are checked. */
static status_t range_map(struct gpa_space *space, gpa_t gpa, hpa_t hpa, uint64_t size,
			  uint32_t flags)
{
	struct heap *heap = space->partition->heap;
	struct gpa_range *range;
	void *unlinked = NULL;
	status_t status;
	uint64_t done;

	range = heap_alloc(heap, sizeof(*range));
	if (!range)
		return STATUS_NO_MEMORY;
	*range =
		(struct gpa_range){.gpa = gpa, .hpa = hpa, .size = size, .flags = flags | GPA_BUSY};
	spin_lock(&space->lock);
	status = range_insert(space, range);
	spin_unlock(&space->lock);
	if (status != STATUS_OK) {
		heap_free(heap, range, sizeof(*range));
		return status;
	}
	status = pieces_map(space, range, &done);
	if (status != STATUS_OK && done)
		pieces_unmap(space, gpa, done);
	spin_lock(&space->lock);
	range->flags &= ~(uint32_t)GPA_BUSY;
	if (status != STATUS_OK) {
		range_remove(space, range);
		unlinked = page_table_unlinked_take(&space->table);
	}
	spin_unlock(&space->lock);
	if (status == STATUS_OK)
		return STATUS_OK;
	/* What was mapped before the tables' memory ran out, a guest may have used. */
	gpa_space_shootdown(space);
	tables_free(heap, unlinked);
	heap_free(heap, range, sizeof(*range));
	return status;
}

status_t gpa_map(struct gpa_space *space, gpa_t gpa, hpa_t hpa, uint64_t size, uint32_t flags)
{
	if (!size || (flags & ~(uint32_t)(GPA_WRITABLE | GPA_EXECUTABLE)))
		return STATUS_INVALID_ARGUMENT;
	if (!IS_ALIGNED(gpa | hpa | size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	if (!range_within(gpa, size, gpa_limit(space)))
		return STATUS_INVALID_ADDRESS;
	return range_map(space, gpa, hpa, size, flags);
}

status_t gpa_map_own_page(struct gpa_space *space, gpa_t gpa, void *page)
{
	return range_map(space, gpa, kva_to_hpa(page), PAGE_SIZE, GPA_WRITABLE | GPA_OWN);
}

bool gpa_ranges_are_whole(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own)
{
	struct gpa_range *range = gpa_range_from(space, gpa);

	for (; range && range->gpa < gpa + size; range = range->next)
		if ((range->flags & GPA_WORLD) == own &&
		    (range->gpa < gpa || range->gpa + range->size > gpa + size))
			return false;
	return true;
}

/* Whole mappings in [gpa, gpa+size) as a list of those that go; they keep their places until they are
 * gone. False: one of them is cut. The lock is held. */
static bool ranges_choose(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own,
			  struct gpa_range **going)
{
	struct gpa_range *range;

	if (!gpa_ranges_are_whole(space, gpa, size, own))
		return false;
	range = gpa_range_from(space, gpa);
	for (; range && range->gpa < gpa + size; range = range->next) {
		if ((range->flags & GPA_WORLD) != own)
			continue;
		range->flags |= GPA_BUSY;
		*going = range;
		going = &range->going;
	}
	return true;
}

/* The lock is held. */
static void ranges_remove(struct gpa_space *space, const struct gpa_range *going)
{
	struct gpa_range **link = &space->ranges;

	while (going) {
		if (*link != going) {
			link = &(*link)->next;
			continue;
		}
		*link = going->next;
		going = going->going;
	}
}

/* Whole mappings end where entries of the table end, so no page is split and nothing can fail. The
 * table is the backend's until the shootdown, so tables and pins go after it. */
static status_t ranges_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own)
{
	struct heap *heap = space->partition->heap;
	struct gpa_range *going = NULL, *range;
	void *unlinked;
	bool whole;

	spin_lock(&space->lock);
	whole = ranges_choose(space, gpa, size, own, &going);
	spin_unlock(&space->lock);
	if (!going)
		return whole ? STATUS_OK : STATUS_INVALID_ARGUMENT;
	for (range = going; range; range = range->going) {
		pieces_unmap(space, range->gpa, range->size);
		gpa_piece_done();
	}
	spin_lock(&space->lock);
	ranges_remove(space, going);
	unlinked = page_table_unlinked_take(&space->table);
	spin_unlock(&space->lock);

	gpa_space_shootdown(space);
	tables_free(heap, unlinked);
	while ((range = going)) {
		going = range->going;
		range_free(space, range);
		gpa_piece_done();
	}
	return STATUS_OK;
}

status_t gpa_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	status_t status = gpa_range_check(space, gpa, size);

	return status == STATUS_OK ? ranges_unmap(space, gpa, size, 0) : status;
}

/* If another CPU is about to take the same page away, its shootdown is not waited for: here is one. */
void gpa_unmap_own_page(struct gpa_space *space, gpa_t gpa)
{
	(void)ranges_unmap(space, gpa, PAGE_SIZE, GPA_OWN); /* a page is never cut */
	gpa_space_shootdown(space);
}

/* One access within a page, under the lock: what is read can't be unmapped meanwhile. */
static status_t gpa_access(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size,
			   bool write)
{
	struct page_translation t;
	status_t status = STATUS_OK;

	spin_lock(&space->lock);
	if (gpa >= gpa_limit(space) || !page_table_lookup(&space->table, gpa, &t))
		status = STATUS_INVALID_ADDRESS;
	else if (!write)
		memcpy(buffer, hpa_to_kva(t.hpa), size);
	else if ((t.flags & PAGE_WRITE) || gpa_dirty_take(space, gpa))
		memcpy(hpa_to_kva(t.hpa), buffer, size);
	else
		status = STATUS_ACCESS_DENIED;
	spin_unlock(&space->lock);
	return status;
}

static status_t gpa_copy(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size, bool write)
{
	char *bytes = buffer;
	status_t status;
	size_t part;

	while (size) {
		part = MIN(size, PAGE_SIZE - (gpa & MASK(PAGE_SHIFT)));
		status = gpa_access(space, gpa, bytes, part, write);
		if (status != STATUS_OK)
			return status;
		gpa += part;
		bytes += part;
		size -= part;
	}
	return STATUS_OK;
}

status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size)
{
	return gpa_copy(space, gpa, buffer, size, false);
}

status_t gpa_write(struct gpa_space *space, gpa_t gpa, const void *buffer, size_t size)
{
	return gpa_copy(space, gpa, (void *)(uintptr_t)buffer, size, true);
}

static bool word_exchange(void *at, size_t size, uint64_t expected, uint64_t value)
{
	uint32_t narrow = (uint32_t)expected;

	if (size == sizeof(narrow))
		return atomic_compare_exchange_strong((_Atomic uint32_t *)at, &narrow,
						      (uint32_t)value);
	return atomic_compare_exchange_strong((_Atomic uint64_t *)at, &expected, value);
}

status_t gpa_exchange(struct gpa_space *space, gpa_t gpa, size_t size, uint64_t expected,
		      uint64_t value)
{
	struct page_translation t;
	status_t status = STATUS_BUSY;

	spin_lock(&space->lock);
	if (gpa >= gpa_limit(space) || !page_table_lookup(&space->table, gpa, &t))
		status = STATUS_INVALID_ADDRESS;
	else if (!(t.flags & PAGE_WRITE) && !gpa_dirty_take(space, gpa))
		status = STATUS_ACCESS_DENIED;
	else if (word_exchange(hpa_to_kva(t.hpa), size, expected, value))
		status = STATUS_OK;
	spin_unlock(&space->lock);
	return status;
}

status_t gpa_prefetch(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	status_t status = gpa_range_check(space, gpa, size);
	struct gpa_range *range;
	gpa_t at = gpa;

	if (status != STATUS_OK)
		return status;
	spin_lock(&space->lock);
	for (range = gpa_range_from(space, gpa);
	     range && range->gpa <= at && !(range->flags & GPA_BUSY); range = range->next)
		at = range->gpa + range->size;
	spin_unlock(&space->lock);
	return at >= gpa + size ? STATUS_OK : STATUS_NOT_FOUND;
}

status_t gpa_pin(struct gpa_space *space, gpa_t gpa, uint64_t size, hpa_t *hpa)
{
	status_t status = gpa_range_check(space, gpa, size);
	struct gpa_range *range;

	if (status != STATUS_OK)
		return status;
	spin_lock(&space->lock);
	range = gpa_range_from(space, gpa);
	if (!range || range->gpa > gpa || gpa + size > range->gpa + range->size ||
	    (range->flags & GPA_WORLD)) {
		status = STATUS_NOT_FOUND;
	} else {
		*hpa = range->hpa + (gpa - range->gpa);
		status = space->pinned_memory ? blocks_pin(*hpa, size) : STATUS_OK;
	}
	spin_unlock(&space->lock);
	return status;
}

bool gpa_mapping_get(struct gpa_space *space, uint32_t n, struct inspect_mapping *mapping)
{
	const struct gpa_range *range;

	spin_lock(&space->lock);
	for (range = space->ranges; range; range = range->next)
		if (!(range->flags & GPA_BUSY) && !n--)
			break;
	if (range)
		*mapping = (struct inspect_mapping){
			.gpa = range->gpa,
			.hpa = range->hpa,
			.size = range->size,
			.flags = range->flags & ~(uint32_t)(GPA_TRACKED | GPA_ENDING),
		};
	spin_unlock(&space->lock);
	return range;
}

bool gpa_is_mapped(struct gpa_space *space, gpa_t gpa)
{
	struct page_translation t;
	bool mapped;

	spin_lock(&space->lock);
	mapped = gpa < gpa_limit(space) && page_table_lookup(&space->table, gpa, &t);
	spin_unlock(&space->lock);
	return mapped;
}

/* True: the VP may still use translations older than `generation`. */
static bool vp_is_behind(const struct vp *vp, const struct gpa_space *space, uint64_t generation)
{
	struct cpu *cpu = vp ? atomic_load(&((struct vp *)(uintptr_t)vp)->cpu) : NULL;

	return cpu && cpu != this_cpu() && vp_active(vp)->space == space &&
	       atomic_load(&((struct vp *)(uintptr_t)vp)->tlb_seen) < generation;
}

void gpa_space_shootdown(struct gpa_space *space)
{
	uint64_t generation = atomic_fetch_add(&space->tlb_generation, 1) + 1;
	struct partition *partition = space->partition;
	struct cpu *cpu;
	struct vp *vp;
	uint32_t i;

	/* All are kicked first, so that they leave the guest side by side. */
	for (i = 0; partition->vps && i < partition->vp_count; i++) {
		vp = partition->vps[i]; /* NULL while they are made */
		cpu = vp ? atomic_load(&vp->cpu) : NULL;
		if (cpu && vp_is_behind(vp, space, generation))
			arch_cpu_kick(cpu);
	}
	for (i = 0; partition->vps && i < partition->vp_count; i++) {
		while (vp_is_behind(partition->vps[i], space, generation)) {
			cpu_wait(this_cpu());
		}
	}
}

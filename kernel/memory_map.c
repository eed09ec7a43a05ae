/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical address spaces: the ranges that were mapped, over one second-level table. The
 * list of ranges says what may be unmapped and what is pinned; the table says what the guest sees.
 */
#include <kernel/backend.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/string.h>

struct gpa_range {
	struct gpa_range *next; /* by gpa, upwards */
	gpa_t gpa;
	hpa_t hpa;
	uint64_t size;
	uint32_t flags; /* enum gpa_flags, and */
};

#define GPA_OWN \
	BIT(31) /* the kernel's: nobody but it takes the range away, and nothing is pinned */

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

static uint64_t gpa_limit(const struct gpa_space *space)
{
	return BIT(space->partition->arch.physical_bits);
}

static uint32_t page_flags(uint32_t flags)
{
	uint32_t page = PAGE_READ | PAGE_USER;

	if (flags & GPA_WRITABLE)
		page |= PAGE_WRITE;
	if (flags & GPA_EXECUTABLE)
		page |= PAGE_EXECUTE;
	return page;
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

/* The arguments are checked. */
static status_t range_map(struct gpa_space *space, gpa_t gpa, hpa_t hpa, uint64_t size,
			  uint32_t flags)
{
	struct heap *heap = space->partition->heap;
	struct gpa_range *range;
	void *unlinked = NULL;
	status_t status;

	range = heap_alloc(heap, sizeof(*range));
	if (!range)
		return STATUS_NO_MEMORY;
	*range = (struct gpa_range){.gpa = gpa, .hpa = hpa, .size = size, .flags = flags};

	spin_lock(&space->lock);
	status = range_insert(space, range);
	if (status == STATUS_OK) {
		status = page_table_map(&space->table, gpa, hpa, size, page_flags(flags));
		if (status != STATUS_OK) {
			range_remove(space, range);
			unlinked = page_table_unlinked_take(&space->table);
		}
	}
	spin_unlock(&space->lock);
	if (status == STATUS_OK)
		return STATUS_OK;
	/* What was mapped before the tables' memory ran out, a guest may have used. */
	gpa_space_shootdown(space);
	page_list_free(heap, unlinked);
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

/* The list of whole mappings in [gpa, gpa+size), taken out; false: one of them is cut. Those with
 * and without GPA_OWN are separate worlds: `own` says which is meant. */
static bool ranges_take(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own,
			struct gpa_range **taken)
{
	struct gpa_range **first = &space->ranges, **link, *range;

	while (*first && (*first)->gpa + (*first)->size <= gpa)
		first = &(*first)->next;
	for (range = *first; range && range->gpa < gpa + size; range = range->next) {
		if ((range->flags & GPA_OWN) == own &&
		    (range->gpa < gpa || range->gpa + range->size > gpa + size))
			return false;
	}
	*taken = NULL;
	for (link = first; (range = *link) && range->gpa < gpa + size;) {
		if ((range->flags & GPA_OWN) != own) {
			link = &range->next;
			continue;
		}
		*link = range->next;
		range->next = NULL;
		*taken = range;
		taken = &range->next;
	}
	return true;
}

/* Whole mappings end where entries of the table end, so no page is split and nothing can fail;
 * the table is the backend's until the shootdown, so tables and pins go after it: those of this call
 * alone, as another CPU may unmap at the same time, and has not flushed yet. */
static status_t ranges_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size, uint32_t own)
{
	struct heap *heap = space->partition->heap;
	struct gpa_range *taken = NULL, *range;
	void *unlinked = NULL;
	status_t status = STATUS_OK;

	spin_lock(&space->lock);
	if (!ranges_take(space, gpa, size, own, &taken))
		status = STATUS_INVALID_ARGUMENT;
	for (range = taken; status == STATUS_OK && range; range = range->next)
		status = page_table_unmap(&space->table, range->gpa, range->size);
	if (status == STATUS_OK && taken)
		unlinked = page_table_unlinked_take(&space->table);
	spin_unlock(&space->lock);
	if (status != STATUS_OK || !taken)
		return status;

	gpa_space_shootdown(space);
	page_list_free(heap, unlinked);
	while ((range = taken)) {
		taken = range->next;
		range_free(space, range);
	}
	return STATUS_OK;
}

status_t gpa_unmap(struct gpa_space *space, gpa_t gpa, uint64_t size)
{
	if (!size)
		return STATUS_INVALID_ARGUMENT;
	if (!IS_ALIGNED(gpa | size, PAGE_SIZE))
		return STATUS_MISALIGNED;
	if (!range_within(gpa, size, gpa_limit(space)))
		return STATUS_INVALID_ADDRESS;
	return ranges_unmap(space, gpa, size, 0);
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
	else if (t.flags & PAGE_WRITE)
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

bool gpa_mapping_get(struct gpa_space *space, uint32_t n, struct inspect_mapping *mapping)
{
	const struct gpa_range *range;

	spin_lock(&space->lock);
	for (range = space->ranges; range && n; n--)
		range = range->next;
	if (range)
		*mapping = (struct inspect_mapping){
			.gpa = range->gpa,
			.hpa = range->hpa,
			.size = range->size,
			.flags = range->flags,
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

/* SPDX-License-Identifier: MIT */
/*
 * Around functions of the kernel: those of heaps, and some between which CPUs take turns. The linker
 * puts these in their place. Memory runs out when the fuzzer says so, the other CPU may come in between, and ASan
 * knows what is not given out: free pages, free objects, and what is left of an object's slot.
 *
 * The heaps may touch what is free: before they do, that is allowed again. A free object's first bytes
 * are theirs, always.
 */
#include "model.h"

#include <kernel/heap_block.h>
#include <kernel/object.h>
#include <sanitizer/asan_interface.h>

#define TURN_ONE_IN	 16u
#define SLOT_SHIFT_LEAST 5u /* as in kernel/slab.c */
#define SLOT_LINK	 8u /* what ASan can tell from the rest, and holds the link */

#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)
WRAP(void *, heap_alloc, struct heap *heap, size_t size);
WRAP(void, heap_free, struct heap *heap, void *object, size_t size);
WRAP(void *, page_alloc, struct heap *heap, unsigned int order);
WRAP(void, page_free, struct heap *heap, void *pages, unsigned int order);
WRAP(struct page_info *, heap_take_locked, struct heap *heap, unsigned int order);
WRAP(void, heap_give_locked, struct heap *heap, struct page_info *info, unsigned int order);
WRAP(void, heap_add_block, struct heap *heap, hpa_t block);
WRAP(status_t, heap_remove_block, struct heap *heap, hpa_t *block);
WRAP(status_t, blocks_pin, hpa_t base, uint64_t size);
WRAP(status_t, handle_create, struct handle_table *table, struct object *object, uint32_t rights,
     handle_t *handle);
WRAP(void, object_put, struct object *object);
WRAP(struct cpu *, sched_ready, struct thread *thread);
WRAP(status_t, user_copy_in, void *destination, uint64_t user, size_t size);
WRAP(status_t, user_copy_out, uint64_t user, const void *source, size_t size);

static uint32_t left;

void heap_fail_after(uint32_t n)
{
	left = n;
}

static bool fails(void)
{
	return left && --left == 0;
}

static void allow(void *at, size_t size)
{
	ASAN_UNPOISON_MEMORY_REGION(at, size);
}

static void forbid(void *at, size_t size)
{
	ASAN_POISON_MEMORY_REGION(at, size);
}

/* ---- pages ---- */

/* The run that the next page_alloc() of that order takes from. */
static void run_allow(struct heap *heap, unsigned int order)
{
	unsigned int from = order;

	while (from <= HEAP_MAX_ORDER && !heap->free[from])
		from++;
	if (from <= HEAP_MAX_ORDER)
		allow(page_info_address(heap->free[from]), PAGE_SIZE << order);
}

void *__wrap_page_alloc(struct heap *heap, unsigned int order)
{
	machine_interleave(TURN_ONE_IN);
	if (fails())
		return NULL;
	run_allow(heap, order);
	return __real_page_alloc(heap, order);
}

void __wrap_page_free(struct heap *heap, void *pages, unsigned int order)
{
	machine_interleave(TURN_ONE_IN);
	__real_page_free(heap, pages, order);
	forbid(pages, PAGE_SIZE << order);
}

/* These two are called for pages of objects: those of heap.c itself do not come here. */
struct page_info *__wrap_heap_take_locked(struct heap *heap, unsigned int order)
{
	run_allow(heap, order);
	return __real_heap_take_locked(heap, order);
}

void __wrap_heap_give_locked(struct heap *heap, struct page_info *info, unsigned int order)
{
	__real_heap_give_locked(heap, info, order);
	forbid(page_info_address(info), PAGE_SIZE << order);
}

/* ---- blocks ---- */

static void *block_pages(void *block)
{
	return (char *)block + HEAP_BLOCK_HEADER_PAGES * PAGE_SIZE;
}

#define BLOCK_PAGES_SIZE (LARGE_PAGE_SIZE - HEAP_BLOCK_HEADER_PAGES * PAGE_SIZE)

/* What the root task has of the window is not the kernel's: until it is pinned, or deposited. */
status_t __wrap_blocks_pin(hpa_t base, uint64_t size)
{
	status_t status = __real_blocks_pin(base, size);

	if (status == STATUS_OK)
		allow(hpa_to_kva(base), size);
	return status;
}

void __wrap_heap_add_block(struct heap *heap, hpa_t block)
{
	allow(hpa_to_kva(block), LARGE_PAGE_SIZE);
	__real_heap_add_block(heap, block);
	forbid(block_pages(hpa_to_kva(block)), BLOCK_PAGES_SIZE);
}

/* It is cleared whole. */
status_t __wrap_heap_remove_block(struct heap *heap, hpa_t *block)
{
	const unsigned int pages = HEAP_BLOCK_PAGES - HEAP_BLOCK_HEADER_PAGES;
	struct heap_block *b = heap->blocks;
	status_t status;

	while (b && b->free_pages != pages)
		b = b->next;
	if (b)
		allow(block_pages(b), BLOCK_PAGES_SIZE);
	status = __real_heap_remove_block(heap, block);
	if (status == STATUS_OK)
		forbid(hpa_to_kva(*block), LARGE_PAGE_SIZE);
	return status;
}

/* ---- objects ---- */

static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while (BIT(class + SLOT_SHIFT_LEAST) < size)
		class ++;
	return class;
}

static size_t slot_size(size_t size)
{
	return BIT(class_of(size) + SLOT_SHIFT_LEAST);
}

/* The slot that the next heap_alloc() of that size takes. */
static void slot_allow(struct heap *heap, size_t size)
{
	struct page_info *info = heap->partial[class_of(size)];

	if (info)
		allow((char *)page_info_address(info) + (info->free - 1) * slot_size(size),
		      slot_size(size));
}

/* The first object of a page: the other slots are free. */
static void slots_forbid(const void *object, size_t size)
{
	char *slot = (char *)(uintptr_t)object + size, *end;

	end = (char *)ALIGN_UP((uintptr_t)object + 1, PAGE_SIZE);
	for (; slot < end; slot += size)
		forbid(slot + SLOT_LINK, size - SLOT_LINK);
}

void *__wrap_heap_alloc(struct heap *heap, size_t size)
{
	void *object;
	bool first;

	machine_interleave(TURN_ONE_IN);
	if (fails())
		return NULL;
	if (size > PAGE_SIZE / 2) /* a page: see above */
		return __real_heap_alloc(heap, size);
	first = !heap->partial[class_of(size)];
	slot_allow(heap, size);
	object = __real_heap_alloc(heap, size);
	if (!object)
		return NULL;
	if (first)
		slots_forbid(object, slot_size(size));
	forbid((char *)object + size, slot_size(size) - size);
	return object;
}

void __wrap_heap_free(struct heap *heap, void *object, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	/* Before: it may be the last of its page, which is free then. */
	if (object && size <= PAGE_SIZE / 2)
		forbid((char *)object + SLOT_LINK, slot_size(size) - SLOT_LINK);
	__real_heap_free(heap, object, size);
}

/* ---- handles: their table is rarely full ---- */

status_t __wrap_handle_create(struct handle_table *table, struct object *object, uint32_t rights,
			      handle_t *handle)
{
	machine_interleave(TURN_ONE_IN);
	return fails() ? STATUS_NO_MEMORY : __real_handle_create(table, object, rights, handle);
}

/* ---- where another CPU could see what is half done ---- */

void __wrap_object_put(struct object *object)
{
	machine_interleave(TURN_ONE_IN);
	__real_object_put(object);
}

struct cpu *__wrap_sched_ready(struct thread *thread)
{
	machine_interleave(TURN_ONE_IN);
	return __real_sched_ready(thread);
}

status_t __wrap_user_copy_in(void *destination, uint64_t user, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	return __real_user_copy_in(destination, user, size);
}

status_t __wrap_user_copy_out(uint64_t user, const void *source, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	return __real_user_copy_out(user, source, size);
}

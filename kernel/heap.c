/* SPDX-License-Identifier: MIT */
/*
 * Heaps: a buddy allocator over blocks of 2 MiB.
 *
 *   block   +-----------+----+-------+---------------+------ ... ------+
 *           | describes | 1  |   4   |       8       |       256       |   pages
 *           +-----------+----+-------+---------------+------ ... ------+
 *
 * The first pages of a block hold one struct page_info for each of its pages; the block of any
 * page is found by rounding its address down, so that nothing is looked up. A free run of 2^n
 * pages is known by its first page and is never touched. When a block is wholly free again it can
 * be taken out and leaves no trace.
 */
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/heap_block.h>
#include <kernel/string.h>

void page_info_push(struct page_info **list, struct page_info *info)
{
	info->previous = NULL;
	info->next = *list;
	if (info->next != NULL)
		info->next->previous = info;
	*list = info;
}

void page_info_remove(struct page_info **list, struct page_info *info)
{
	if (info->previous != NULL)
		info->previous->next = info->next;
	else
		*list = info->next;
	if (info->next != NULL)
		info->next->previous = info->previous;
	info->next = NULL;
	info->previous = NULL;
}

static unsigned int info_index(const struct page_info *info)
{
	return (unsigned int)(info - heap_block_of(info)->pages);
}

void *page_info_address(const struct page_info *info)
{
	return (char *)heap_block_of(info) + info_index(info) * PAGE_SIZE;
}

static void run_put(struct heap *heap, struct page_info *info, unsigned int order)
{
	info->kind = PAGE_KIND_FREE;
	info->order = (uint8_t)order;
	page_info_push(&heap->free[order], info);
}

/* A run of this order cut from the smallest that is large enough; NULL: there is none. */
static struct page_info *run_take(struct heap *heap, unsigned int order)
{
	struct page_info *info;
	unsigned int from = order;

	while (from <= HEAP_MAX_ORDER && heap->free[from] == NULL)
		from++;
	if (from > HEAP_MAX_ORDER)
		return NULL;
	info = heap->free[from];
	page_info_remove(&heap->free[from], info);
	while (from-- > order)
		run_put(heap, info + BIT(from), from);
	info->kind = PAGE_KIND_USED;
	info->order = (uint8_t)order;
	return info;
}

struct page_info *heap_take_locked(struct heap *heap, unsigned int order)
{
	struct page_info *info = run_take(heap, order);

	if (info != NULL) {
		heap->pages_free -= BIT(order);
		heap_block_of(info)->free_pages -= BIT(order);
	}
	return info;
}

void heap_give_locked(struct heap *heap, struct page_info *info, unsigned int order)
{
	struct heap_block *block = heap_block_of(info);
	unsigned int index = info_index(info);

	heap->pages_free += BIT(order);
	block->free_pages += BIT(order);
	info->kind = PAGE_KIND_INNER;
	while (order < HEAP_MAX_ORDER) {
		struct page_info *buddy = &block->pages[index ^ BIT(order)];

		if (buddy->kind != PAGE_KIND_FREE || buddy->order != order)
			break;
		page_info_remove(&heap->free[order], buddy);
		buddy->kind = PAGE_KIND_INNER;
		index &= ~(unsigned int)BIT(order);
		order++;
	}
	run_put(heap, &block->pages[index], order);
}

void *page_alloc(struct heap *heap, unsigned int order)
{
	struct page_info *info;
	void *pages;

	if (order > HEAP_MAX_ORDER)
		return NULL;
	spin_lock(&heap->lock);
	info = heap_take_locked(heap, order);
	spin_unlock(&heap->lock);
	if (info == NULL)
		return NULL;
	pages = page_info_address(info);
	memset(pages, 0, PAGE_SIZE << order);
	return pages;
}

void page_free(struct heap *heap, void *pages, unsigned int order)
{
	struct page_info *info = page_info_of(pages);

	assert_kernel(IS_ALIGNED((uintptr_t)pages, PAGE_SIZE << order));
	assert_kernel(info->kind == PAGE_KIND_USED && info->order == order);
	spin_lock(&heap->lock);
	heap_give_locked(heap, info, order);
	spin_unlock(&heap->lock);
}

void page_list_push(void **list, void *page)
{
	page_info_of(page)->next = *list == NULL ? NULL : page_info_of(*list);
	*list = page;
}

void *page_list_pop(void **list)
{
	void *page = *list;
	struct page_info *next;

	if (page == NULL)
		return NULL;
	next = page_info_of(page)->next;
	page_info_of(page)->next = NULL;
	*list = next == NULL ? NULL : page_info_address(next);
	return page;
}

void page_list_free(struct heap *heap, void *list)
{
	void *page;

	while ((page = page_list_pop(&list)) != NULL)
		page_free(heap, page, 0);
}

/* The free pages of a block as the fewest aligned runs. */
static __cold void block_runs(struct heap *heap, struct heap_block *block,
			      void (*visit)(struct heap *heap, struct page_info *info,
					    unsigned int order))
{
	unsigned int index = HEAP_BLOCK_HEADER_PAGES;

	while (index < HEAP_BLOCK_PAGES) {
		unsigned int order = (unsigned int)__builtin_ctz(index);

		visit(heap, &block->pages[index], order);
		index += (unsigned int)BIT(order);
	}
}

static __cold void run_remove(struct heap *heap, struct page_info *info, unsigned int order)
{
	page_info_remove(&heap->free[order], info);
}

__cold void heap_add_block(struct heap *heap, hpa_t hpa)
{
	struct heap_block *block = hpa_to_kva(hpa);

	memset(block, 0, sizeof(*block));
	block->free_pages = HEAP_BLOCK_PAGES - HEAP_BLOCK_HEADER_PAGES;
	spin_lock(&heap->lock);
	block->next = heap->blocks;
	heap->blocks = block;
	heap->pages_total += HEAP_BLOCK_PAGES;
	heap->pages_free += block->free_pages;
	block_runs(heap, block, run_put);
	spin_unlock(&heap->lock);
}

__cold status_t heap_remove_block(struct heap *heap, hpa_t *hpa)
{
	struct heap_block *block, **link;

	spin_lock(&heap->lock);
	for (link = &heap->blocks; (block = *link) != NULL; link = &block->next)
		if (block->free_pages == HEAP_BLOCK_PAGES - HEAP_BLOCK_HEADER_PAGES)
			break;
	if (block != NULL) {
		*link = block->next;
		heap->pages_total -= HEAP_BLOCK_PAGES;
		heap->pages_free -= block->free_pages;
		block_runs(heap, block, run_remove);
	}
	spin_unlock(&heap->lock);
	if (block == NULL)
		return STATUS_NOT_FOUND;
	memset(block, 0, LARGE_PAGE_SIZE);
	*hpa = kva_to_hpa(block);
	return STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Small objects: a page is cut into slots of one size, a power of two, which are therefore
 * aligned to it. The free slots of a page are chained by numbers in their first two bytes; the
 * head of the chain and the count of used slots stand in the page's struct page_info. A page
 * whose last object goes is given back at once, so that an idle heap holds no page.
 */
#include <kernel/console.h>
#include <kernel/heap_block.h>
#include <kernel/string.h>

#define SLAB_SHIFT_LEAST 5 /* 32 bytes */

static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while ((size_t)1 << (class + SLAB_SHIFT_LEAST) < size)
		class ++;
	return class;
}

static uint16_t *slot_at(const struct page_info *info, unsigned int slot)
{
	char *page = page_info_address(info);

	return (uint16_t *)(page + ((size_t)slot << (info->order + SLAB_SHIFT_LEAST)));
}

static struct page_info *slab_create(struct heap *heap, unsigned int class)
{
	struct page_info *info = heap_take_locked(heap, 0);
	unsigned int shift = class + SLAB_SHIFT_LEAST, slots = (unsigned int)(PAGE_SIZE >> shift);
	char *slot;

	if (info == NULL)
		return NULL;
	info->kind = PAGE_KIND_SLAB;
	info->order = (uint8_t) class;
	info->used = 0;
	info->free = 1;
	/* Each names the next one, by its number from 1; the last none. */
	slot = page_info_address(info);
	for (unsigned int i = 1; i < slots; i++, slot += BIT(shift))
		*(uint16_t *)slot = (uint16_t)(i + 1);
	*(uint16_t *)slot = 0;
	page_info_push(&heap->partial[class], info);
	return info;
}

static void *slab_take(struct heap *heap, unsigned int class)
{
	struct page_info *info = heap->partial[class];
	uint16_t *slot;

	if (info == NULL)
		info = slab_create(heap, class);
	if (info == NULL)
		return NULL;
	slot = slot_at(info, info->free - 1u);
	info->free = *slot;
	info->used++;
	if (info->free == 0)
		page_info_remove(&heap->partial[class], info);
	return slot;
}

void *heap_alloc(struct heap *heap, size_t size)
{
	void *object;

	if (size > PAGE_SIZE)
		return NULL;
	if (size > PAGE_SIZE / 2)
		return page_alloc(heap, 0);
	spin_lock(&heap->lock);
	object = slab_take(heap, class_of(size));
	spin_unlock(&heap->lock);
	if (object != NULL)
		memset(object, 0, size);
	return object;
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	struct page_info *info;
	unsigned int class = class_of(size);
	size_t offset = (uintptr_t)object & (PAGE_SIZE - 1);

	if (object == NULL)
		return;
	if (size > PAGE_SIZE / 2) {
		page_free(heap, object, 0);
		return;
	}
	info = page_info_of(object);
	assert_kernel(info->kind == PAGE_KIND_SLAB && info->order == class && info->used != 0);
	spin_lock(&heap->lock);
	if (info->free == 0)
		page_info_push(&heap->partial[class], info);
	*(uint16_t *)object = info->free;
	info->free = (uint16_t)((offset >> (class + SLAB_SHIFT_LEAST)) + 1);
	if (--info->used == 0) {
		page_info_remove(&heap->partial[class], info);
		info->kind = PAGE_KIND_USED;
		heap_give_locked(heap, info, 0);
	}
	spin_unlock(&heap->lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * The root task's own pool, filled from the boot information, with its lock.
 */
#include <string.h>
#include <lib/memory.h>
#include <lib/sync.h>

static struct memory_pool pool;
static struct mutex lock; /* protects pool */

void memory_init(const struct boot_info *info)
{
	for (uint32_t i = 0; i < info->memory_count; i++) {
		const struct boot_memory *memory = &info->memory[i];
		uint64_t start = ALIGN_UP(memory->base, PAGE_SIZE);
		uint64_t end = ALIGN_DOWN(memory->base + memory->size, PAGE_SIZE);

		if (memory->kind == BOOT_MEMORY_FREE && start < end)
			memory_pool_add(&pool, (void *)(ROOT_WINDOW_BASE + start), end - start);
	}
}

void *memory_allocate(uint64_t size, uint64_t align)
{
	void *base;

	mutex_lock(&lock);
	base = memory_pool_allocate(&pool, size, align);
	mutex_unlock(&lock);
	return base;
}

void *memory_allocate_some(uint64_t *size, uint64_t align)
{
	uint64_t largest;
	void *base = NULL;

	mutex_lock(&lock);
	largest = ALIGN_DOWN(memory_pool_largest(&pool, align), align);
	*size = MIN(*size, largest);
	if (*size)
		base = memory_pool_allocate(&pool, *size, align);
	mutex_unlock(&lock);
	return base;
}

void memory_free(void *base, uint64_t size)
{
	mutex_lock(&lock);
	memory_pool_free(&pool, base, size);
	mutex_unlock(&lock);
}

void memory_free_scrubbed(void *base, uint64_t size)
{
	memset(base, 0, size);
	memory_free(base, size);
}

void memory_totals(uint64_t *free, uint64_t *total)
{
	mutex_lock(&lock);
	*free = pool.free;
	*total = pool.total;
	mutex_unlock(&lock);
}

void memory_forget(uint64_t size)
{
	mutex_lock(&lock);
	pool.total -= size;
	mutex_unlock(&lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * Copies between the kernel and tasks. The kernel has no mapping of a task's memory but the direct map: it walks the
 * task's table as the processor would, and copies page by page. No lock is held meanwhile: what goes away is not
 * given to anybody before this CPU has answered (host_tlb_shootdown()), which it does when the copy is over.
 */
#include <kernel/arch.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/thread.h>

/* An entry may be gone for a moment, while it is made into others: who holds the lock sees none of that. */
static bool user_lookup(struct address_space *space, uint64_t va, struct page_translation *t)
{
	bool found = page_table_lookup(&space->table, va, t);

	if (likely(found))
		return true;
	spin_lock(&space->lock);
	found = page_table_lookup(&space->table, va, t);
	spin_unlock(&space->lock);
	return found;
}

/* Where the byte at va stands in the direct map; NULL: nowhere, or it may not be used so. */
static char *user_memory(uint64_t va, uint32_t access)
{
	struct page_translation t;

	if (!this_cpu()->current) /* self tests: there is no task */
		return NULL;
	if (!user_lookup(&task_current()->space, va, &t) || !(t.flags & access))
		return NULL;
	return hpa_to_kva(t.hpa);
}

static status_t copy(char *kernel, uint64_t user, size_t size, uint32_t access)
{
	if (!range_within(user, size, USER_LIMIT))
		return STATUS_INVALID_ADDRESS;
	while (size) {
		size_t part = MIN(size, PAGE_SIZE - (user & MASK(PAGE_SHIFT)));
		char *memory = user_memory(user, access);

		if (!memory)
			return STATUS_INVALID_ADDRESS;
		if (access == PAGE_WRITE)
			memcpy(memory, kernel, part);
		else
			memcpy(kernel, memory, part);
		kernel += part;
		user += part;
		size -= part;
	}
	return STATUS_OK;
}

status_t user_copy_in(void *destination, uint64_t user, size_t size)
{
	return copy(destination, user, size, PAGE_READ);
}

status_t user_copy_out(uint64_t user, const void *source, size_t size)
{
	return copy((char *)(uintptr_t)source, user, size, PAGE_WRITE);
}

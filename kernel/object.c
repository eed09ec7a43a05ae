/* SPDX-License-Identifier: MIT */
/*
 * Object counts and handle tables. A handle is an index into pages of entries that a directory
 * lists; free entries are chained through their index. Nearly each system call looks a handle up,
 * on all CPUs in the one table of the root task: a lookup takes no lock. It reads the entry and
 * counts the object within a read section; a close clears the entry first, and puts the object and
 * frees the entry when the sections that may have seen it are over. So an entry's rights belong to
 * the object that was read with them.
 */
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/object.h>
#include <kernel/reader.h>
#include <kernel/string.h>

struct handle_entry {
	_Atomic(struct object *) object; /* NULL: free; set last, cleared first */
	uint32_t rights;
	handle_t next_free;
};

#define ENTRIES_PER_PAGE  ((uint32_t)(PAGE_SIZE / sizeof(struct handle_entry)))
#define POINTERS_PER_PAGE ((uint32_t)(PAGE_SIZE / sizeof(struct handle_entry *)))

void object_init(struct object *object, enum object_type type,
		 void (*destroy)(struct object *object))
{
	atomic_store_explicit(&object->references, 1, memory_order_relaxed);
	object->type = type;
	object->destroy = destroy;
	object->closed = NULL;
}

void object_get(struct object *object)
{
	atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

bool object_get_alive(struct object *object)
{
	uint32_t count = atomic_load(&object->references);

	while (count != 0)
		if (atomic_compare_exchange_weak(&object->references, &count, count + 1))
			return true;
	return false;
}

void object_put(struct object *object)
{
	uint32_t before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);

	assert_kernel(before != 0);
	if (before == 1)
		object->destroy(object);
}

void handle_table_init(struct handle_table *table, struct heap *heap)
{
	*table = (struct handle_table){.heap = heap};
}

/* The entry of a number below that of all pages' entries; NULL: there is none. */
static struct handle_entry *entry_at(struct handle_table *table, handle_t handle)
{
	uint32_t page = handle / ENTRIES_PER_PAGE;

	if (unlikely(page >= atomic_load_explicit(&table->page_count, memory_order_acquire)))
		return NULL;
	return &table->pages[page][handle % ENTRIES_PER_PAGE];
}

/* What gives an outgrown directory back, once the lock is not held. */
struct outgrown {
	struct handle_entry **pages; /* NULL: none */
	uint32_t order;
};

static void outgrown_free(struct handle_table *table, struct outgrown *outgrown)
{
	if (outgrown->pages == NULL)
		return;
	readers_wait();
	page_free(table->heap, outgrown->pages, outgrown->order);
}

/* Makes room for one more page pointer. The lock is held. */
static __cold bool directory_grow(struct handle_table *table, struct outgrown *outgrown)
{
	unsigned int order = table->directory_order;
	struct handle_entry **pages;

	if (table->pages == NULL) {
		table->pages = page_alloc(table->heap, 0);
		return table->pages != NULL;
	}
	if (table->page_count < POINTERS_PER_PAGE << order)
		return true;
	pages = page_alloc(table->heap, order + 1);
	if (pages == NULL)
		return false;
	*outgrown = (struct outgrown){.pages = table->pages, .order = order};
	memcpy(pages, outgrown->pages, PAGE_SIZE << order);
	table->pages = pages;
	table->directory_order = order + 1;
	return true;
}

static __cold bool table_grow(struct handle_table *table, struct outgrown *outgrown)
{
	uint32_t first = table->page_count * ENTRIES_PER_PAGE;
	struct handle_entry *entries;

	if (first >= HANDLES_MAX || !directory_grow(table, outgrown))
		return false;
	entries = page_alloc(table->heap, 0);
	if (entries == NULL)
		return false;
	/* Low numbers first; number 0 stays unused: it is HANDLE_NONE. */
	for (uint32_t i = ENTRIES_PER_PAGE; i-- > (first == 0 ? 1 : 0);) {
		entries[i].next_free = table->free_head;
		table->free_head = first + i;
	}
	table->pages[table->page_count] = entries;
	table->page_count++;
	return true;
}

__cold status_t handle_create(struct handle_table *table, struct object *object, uint32_t rights,
			      handle_t *handle)
{
	struct outgrown outgrown = {0};
	status_t status = STATUS_NO_MEMORY;

	spin_lock(&table->lock);
	if (table->free_head != HANDLE_NONE || table_grow(table, &outgrown)) {
		handle_t free = table->free_head;
		struct handle_entry *entry = entry_at(table, free);

		table->free_head = entry->next_free;
		object_get(object);
		entry->rights = rights;
		atomic_store_explicit(&entry->object, object, memory_order_release);
		*handle = free;
		status = STATUS_OK;
	}
	spin_unlock(&table->lock);
	outgrown_free(table, &outgrown);
	return status;
}

/* Reads an entry within a read section: the object, and what its handle allows. */
static struct object *entry_read(struct handle_table *table, handle_t handle, uint32_t *rights)
{
	struct handle_entry *entry = entry_at(table, handle);
	struct object *object;

	if (unlikely(entry == NULL))
		return NULL;
	object = atomic_load_explicit(&entry->object, memory_order_acquire);
	*rights = entry->rights;
	return object;
}

status_t handle_get(struct handle_table *table, handle_t handle, enum object_type type,
		    uint32_t rights, struct object **object)
{
	struct cpu *self = this_cpu();
	struct object *found;
	uint32_t held = 0;
	status_t status = STATUS_OK;

	read_begin(self);
	found = entry_read(table, handle, &held);
	if (unlikely(found == NULL)) {
		status = STATUS_INVALID_HANDLE;
	} else if (unlikely(type != OBJECT_NONE && found->type != (uint32_t)type)) {
		status = STATUS_WRONG_TYPE;
	} else if (unlikely((held & rights) != rights)) {
		status = STATUS_ACCESS_DENIED;
	} else {
		object_get(found);
		*object = found;
	}
	read_end(self);
	return status;
}

static void entry_free(struct handle_table *table, handle_t handle)
{
	spin_lock(&table->lock);
	entry_at(table, handle)->next_free = table->free_head;
	table->free_head = handle;
	spin_unlock(&table->lock);
}

__cold status_t handle_close(struct handle_table *table, handle_t handle)
{
	struct handle_entry *entry;
	struct object *object;

	spin_lock(&table->lock);
	entry = entry_at(table, handle);
	object = entry != NULL ? atomic_exchange(&entry->object, NULL) : NULL;
	spin_unlock(&table->lock);
	if (object == NULL)
		return STATUS_INVALID_HANDLE;
	readers_wait();
	entry_free(table, handle);
	if (object->closed != NULL)
		object->closed(object);
	object_put(object);
	return STATUS_OK;
}

__cold status_t handle_duplicate(struct handle_table *table, handle_t handle, uint32_t rights,
				 handle_t *copy)
{
	struct object *object;
	status_t status = handle_get(table, handle, OBJECT_NONE, rights, &object);

	if (status != STATUS_OK)
		return status;
	status = handle_create(table, object, rights, copy);
	object_put(object);
	return status;
}

__cold void handle_table_destroy(struct handle_table *table)
{
	for (uint32_t page = 0; page < table->page_count; page++) {
		for (uint32_t i = 0; i < ENTRIES_PER_PAGE; i++)
			if (table->pages[page][i].object != NULL)
				handle_close(table, page * ENTRIES_PER_PAGE + i);
		page_free(table->heap, table->pages[page], 0);
	}
	if (table->pages != NULL)
		page_free(table->heap, table->pages, table->directory_order);
	handle_table_init(table, table->heap);
}

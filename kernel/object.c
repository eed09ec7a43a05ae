/* SPDX-License-Identifier: MIT */
/*
 * Object counts and handle tables. A handle is an index into pages of entries that a directory
 * lists; free entries are chained through their index. A lookup takes the table's lock for as
 * long as it takes to read one entry and count the object.
 */
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/object.h>
#include <kernel/string.h>

struct handle_entry {
	struct object *object; /* NULL: free */
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

/* The used entry of a handle; NULL: it names nothing. The lock is held. */
static struct handle_entry *entry_find(struct handle_table *table, handle_t handle)
{
	uint32_t page = handle / ENTRIES_PER_PAGE;
	struct handle_entry *entry;

	if (unlikely(page >= table->page_count))
		return NULL;
	entry = &table->pages[page][handle % ENTRIES_PER_PAGE];
	return entry->object != NULL ? entry : NULL;
}

/* Makes room for one more page pointer. The lock is held. */
static bool directory_grow(struct handle_table *table)
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
	memcpy(pages, table->pages, PAGE_SIZE << order);
	page_free(table->heap, table->pages, order);
	table->pages = pages;
	table->directory_order = order + 1;
	return true;
}

static bool table_grow(struct handle_table *table)
{
	uint32_t first = table->page_count * ENTRIES_PER_PAGE;
	struct handle_entry *entries;

	if (first >= HANDLES_MAX || !directory_grow(table))
		return false;
	entries = page_alloc(table->heap, 0);
	if (entries == NULL)
		return false;
	/* Low numbers first; number 0 stays unused: it is HANDLE_NONE. */
	for (uint32_t i = ENTRIES_PER_PAGE; i-- > (first == 0 ? 1 : 0);) {
		entries[i].next_free = table->free_head;
		table->free_head = first + i;
	}
	table->pages[table->page_count++] = entries;
	return true;
}

status_t handle_create(struct handle_table *table, struct object *object, uint32_t rights,
		       handle_t *handle)
{
	status_t status = STATUS_NO_MEMORY;

	spin_lock(&table->lock);
	if (table->free_head != HANDLE_NONE || table_grow(table)) {
		handle_t free = table->free_head;
		struct handle_entry *entry =
			&table->pages[free / ENTRIES_PER_PAGE][free % ENTRIES_PER_PAGE];

		table->free_head = entry->next_free;
		object_get(object);
		entry->object = object;
		entry->rights = rights;
		*handle = free;
		status = STATUS_OK;
	}
	spin_unlock(&table->lock);
	return status;
}

status_t handle_get(struct handle_table *table, handle_t handle, enum object_type type,
		    uint32_t rights, struct object **object)
{
	struct handle_entry *entry;
	status_t status = STATUS_OK;

	spin_lock(&table->lock);
	entry = entry_find(table, handle);
	if (unlikely(entry == NULL)) {
		status = STATUS_INVALID_HANDLE;
	} else if (unlikely(entry->object->type != (uint32_t)type)) {
		status = STATUS_WRONG_TYPE;
	} else if (unlikely((entry->rights & rights) != rights)) {
		status = STATUS_ACCESS_DENIED;
	} else {
		*object = entry->object;
		object_get(*object);
	}
	spin_unlock(&table->lock);
	return status;
}

status_t handle_close(struct handle_table *table, handle_t handle)
{
	struct handle_entry *entry;
	struct object *object = NULL;

	spin_lock(&table->lock);
	entry = entry_find(table, handle);
	if (entry != NULL) {
		object = entry->object;
		entry->object = NULL;
		entry->next_free = table->free_head;
		table->free_head = handle;
	}
	spin_unlock(&table->lock);
	if (object == NULL)
		return STATUS_INVALID_HANDLE;
	if (object->closed != NULL)
		object->closed(object);
	object_put(object);
	return STATUS_OK;
}

status_t handle_duplicate(struct handle_table *table, handle_t handle, uint32_t rights,
			  handle_t *copy)
{
	struct handle_entry *entry;
	struct object *object = NULL;
	status_t status = STATUS_INVALID_HANDLE;

	spin_lock(&table->lock);
	entry = entry_find(table, handle);
	if (entry != NULL && (entry->rights & rights) != rights) {
		status = STATUS_ACCESS_DENIED;
	} else if (entry != NULL) {
		object = entry->object;
		object_get(object);
	}
	spin_unlock(&table->lock);
	if (object == NULL)
		return status;
	status = handle_create(table, object, rights, copy);
	object_put(object);
	return status;
}

void handle_table_destroy(struct handle_table *table)
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

/* SPDX-License-Identifier: MIT */
/*
 * The doorbells of a partition: chains by kind and address, the most special first, so that the
 * first match is the one that rings. VPs look on all CPUs, without a lock: in read sections. One
 * lock is for all changes, which are rare.
 *
 * What a handle names and the entry in the chain are two things, as the one lives in the task's
 * memory and the other in the partition's: either may end first.
 */
#include <kernel/doorbell.h>
#include <kernel/event.h>
#include <kernel/reader.h>

#define BUCKETS BIT(DOORBELL_BUCKET_BITS)
static_assert(BUCKETS * sizeof(void *) == PAGE_SIZE, "the heads of all chains fill a page");

struct doorbell_entry {
	_Atomic(struct doorbell_entry *) next;
	uint64_t key;
	uint64_t value;
	uint64_t bits;
	struct event *event;
	struct partition *partition;
	struct doorbell *doorbell; /* NULL: the handle has ended; under the lock */
	uint8_t length;		   /* 0: any */
	uint8_t min_vtl;
	uint8_t rank; /* how special */
	bool has_value;
};

struct doorbell {
	struct object object;
	struct heap *heap;
	struct doorbell_entry *entry; /* NULL: the partition has ended; under the lock */
};

static struct spinlock doorbell_lock; /* protects all chains, counts, and both pointers above */

static struct doorbell_entry *next_of(doorbell_chain_t *link)
{
	return atomic_load_explicit(link, memory_order_acquire);
}

static __cold void entry_free(struct doorbell_entry *entry)
{
	object_put(&entry->event->object);
	heap_free(entry->partition->heap, entry, sizeof(*entry));
}

/* ---- writes ---- */

static const struct doorbell_entry *chain_next(const struct doorbell_entry *entry)
{
	return next_of(&((struct doorbell_entry *)(uintptr_t)entry)->next);
}

const struct doorbell_entry *doorbell_first(doorbell_chain_t *chain, uint64_t key)
{
	const struct doorbell_entry *entry;

	for (entry = next_of(chain); entry; entry = chain_next(entry))
		if (likely(entry->key == key))
			break;
	return entry;
}

/* Who holds the locks that a signal takes waits for no reader, so it may be within the section: the
 * event stays as long. */
static inline bool ring_from(const struct doorbell_entry *first, uint32_t vtl, uint32_t length,
			     uint64_t value)
{
	const struct doorbell_entry *entry = first;

	for (; entry; entry = chain_next(entry)) {
		if ((entry->length && entry->length != length) ||
		    (entry->has_value && entry->value != value) || vtl < entry->min_vtl ||
		    unlikely(entry->key != first->key))
			continue;
		event_signal(entry->event, entry->bits);
		return true;
	}
	return false;
}

bool doorbell_ring_from(const struct doorbell_entry *first, uint32_t vtl, uint32_t length,
			uint64_t value)
{
	return ring_from(first, vtl, length, value);
}

bool doorbell_write(doorbell_chain_t *chain, uint64_t key, uint32_t vtl, uint32_t length,
		    uint64_t value)
{
	struct cpu *self = this_cpu();
	bool rang;

	read_begin(self);
	rang = ring_from(doorbell_first(chain, key), vtl, length, value);
	read_end(self);
	return rang;
}

/* ---- coming and going ---- */

/* The lock is held. */
static __cold status_t entry_insert(struct doorbell_entry *entry)
{
	struct partition *partition = entry->partition;
	doorbell_chain_t *link = &partition->doorbells[doorbell_bucket(entry->key)];
	struct doorbell_entry *other;

	if (partition->doorbell_count >= DOORBELLS_MAX)
		return STATUS_TOO_LARGE;
	for (; (other = next_of(link)) && other->rank >= entry->rank; link = &other->next)
		if (other->key == entry->key && other->rank == entry->rank &&
		    other->length == entry->length && other->value == entry->value)
			return STATUS_ALREADY_EXISTS;
	atomic_store_explicit(&entry->next, other, memory_order_relaxed);
	atomic_store_explicit(link, entry, memory_order_release);
	partition->doorbell_count++;
	return STATUS_OK;
}

/* The lock is held; readers may still see it. */
static __cold void entry_remove(struct doorbell_entry *entry)
{
	doorbell_chain_t *link = &entry->partition->doorbells[doorbell_bucket(entry->key)];

	while (next_of(link) != entry)
		link = &next_of(link)->next;
	atomic_store_explicit(link, next_of(&entry->next), memory_order_release);
	entry->partition->doorbell_count--;
}

/* The last handle has ended. A partition that is being destroyed frees the entry itself. */
static __cold void doorbell_destroy(struct object *object)
{
	struct doorbell *doorbell = container_of(object, struct doorbell, object);
	struct doorbell_entry *entry;
	bool alive = false;

	spin_lock(&doorbell_lock);
	entry = doorbell->entry;
	if (entry) {
		entry->doorbell = NULL;
		alive = object_get_alive(&entry->partition->object);
	}
	if (alive)
		entry_remove(entry);
	spin_unlock(&doorbell_lock);
	if (alive) {
		struct partition *partition = entry->partition;

		readers_wait();
		entry_free(entry);
		partition_put(partition);
	}
	heap_free(doorbell->heap, doorbell, sizeof(*doorbell));
}

/* The page of chains comes with the first doorbell, and stays. */
static __cold status_t heads_make(struct partition *partition)
{
	void *page;

	if (atomic_load(&partition->doorbells))
		return STATUS_OK;
	page = page_alloc(partition->heap, 0);
	if (!page)
		return STATUS_NO_MEMORY;
	spin_lock(&doorbell_lock);
	if (!atomic_load(&partition->doorbells)) {
		atomic_store(&partition->doorbells, page);
		page = NULL;
	}
	spin_unlock(&doorbell_lock);
	if (page)
		page_free(partition->heap, page, 0);
	return STATUS_OK;
}

static __cold void entry_fill(struct doorbell_entry *entry, const struct doorbell_config *config)
{
	entry->key = doorbell_key(config->kind, config->address);
	entry->value = config->value;
	entry->bits = config->bits;
	entry->length = config->length;
	entry->has_value = config->flags & DOORBELL_VALUE;
	entry->rank = (uint8_t)(entry->has_value * 2 + (entry->length != 0));
}

__cold status_t doorbell_create(struct partition *partition, struct heap *heap,
				const struct doorbell_config *config, uint32_t min_vtl,
				struct event *event, struct object **out)
{
	struct doorbell *doorbell = heap_alloc(heap, sizeof(*doorbell));
	struct doorbell_entry *entry = heap_alloc(partition->heap, sizeof(*entry));
	status_t status = STATUS_NO_MEMORY;

	if (doorbell && entry)
		status = heads_make(partition);
	if (status == STATUS_OK) {
		entry_fill(entry, config);
		entry->min_vtl = (uint8_t)min_vtl;
		entry->event = event;
		entry->partition = partition;
		entry->doorbell = doorbell;
		object_init(&doorbell->object, OBJECT_DOORBELL, doorbell_destroy);
		doorbell->heap = heap;
		doorbell->entry = entry;
		object_get(&event->object); /* before a write can ring it */
		spin_lock(&doorbell_lock);
		status = entry_insert(entry);
		spin_unlock(&doorbell_lock);
		if (status != STATUS_OK)
			object_put(&event->object);
	}
	if (status == STATUS_OK) {
		*out = &doorbell->object;
		return STATUS_OK;
	}
	if (entry)
		heap_free(partition->heap, entry, sizeof(*entry));
	if (doorbell)
		heap_free(heap, doorbell, sizeof(*doorbell));
	return status;
}

/* One entry out of a chain, with nobody left who looks at it; NULL: the chain is empty. */
static __cold struct doorbell_entry *entry_take(struct partition *partition, unsigned int bucket)
{
	struct doorbell_entry *entry;

	spin_lock(&doorbell_lock);
	entry = next_of(&partition->doorbells[bucket]);
	if (entry && entry->doorbell)
		entry->doorbell->entry = NULL;
	if (entry)
		entry_remove(entry);
	spin_unlock(&doorbell_lock);
	return entry;
}

__cold void doorbells_destroy(struct partition *partition)
{
	struct doorbell_entry *entry;
	unsigned int i;

	if (!partition->doorbells)
		return;
	for (i = 0; i < BUCKETS; i++)
		while ((entry = entry_take(partition, i)))
			entry_free(entry);
	page_free(partition->heap, partition->doorbells, 0);
	partition->doorbells = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Doorbells: writes of a guest that signal an event, while the VP goes on. A handle names one; the
 * last handle's end removes it, and so does the partition's.
 */
#ifndef KERNEL_DOORBELL_H
#define KERNEL_DOORBELL_H

#include <kernel/partition.h>

#define DOORBELL_BUCKET_BITS 9u	    /* the heads of all chains fill a page */
#define DOORBELLS_MAX	     16384u /* of a partition: chains stay short */

struct event;
struct doorbell;

/* Adds one; its entry is paid by the partition, what the handle names by `heap`. The configuration is
 * checked. ALREADY_EXISTS: the same writes ring another, whatever its VTL. TOO_LARGE: there are
 * DOORBELLS_MAX. NO_MEMORY. It takes a reference to the event. */
status_t doorbell_create(struct partition *partition, struct heap *heap,
			 const struct doorbell_config *config, uint32_t min_vtl,
			 struct event *event, struct object **doorbell) __must_check;
/* With the partition: nobody can write or ring any more. Handles that are left name nothing then. */
void doorbells_destroy(struct partition *partition);

/* A head of chains; entries are looked at in read sections (<kernel/reader.h>). */
typedef _Atomic(struct doorbell_entry *) doorbell_chain_t;

static inline uint64_t doorbell_key(uint32_t kind, uint64_t address)
{
	return address << 1 | kind;
}

/* Multiplicative hashing, by the golden ratio. */
static inline unsigned int doorbell_bucket(uint64_t key)
{
	return (unsigned int)(key * 0x9e3779b97f4a7c15ull >> (64 - DOORBELL_BUCKET_BITS));
}

/* Where those of a kind and address are, if there are any; NULL: there are none. The quick no for nearly
 * each address without a doorbell. */
static inline doorbell_chain_t *doorbell_chain(const struct partition *partition, uint64_t key)
{
	doorbell_chain_t *heads = atomic_load_explicit(
		&((struct partition *)(uintptr_t)partition)->doorbells, memory_order_acquire);

	if (likely(!heads))
		return NULL;
	heads += doorbell_bucket(key);
	return unlikely(atomic_load_explicit(heads, memory_order_relaxed)) ? heads : NULL;
}

/* A write by that VTL; `value` has no bits beyond `length`. Of those that it matches the most special
 * one rings: with a value before those without, then with a length. False: there is none. */
bool doorbell_write(doorbell_chain_t *chain, uint64_t key, uint32_t vtl, uint32_t length,
		    uint64_t value);

/* The same in two steps, both within one read section, for who has to find out first what is written. The
 * first of that key, whatever it matches; NULL: there is none. */
const struct doorbell_entry *doorbell_first(doorbell_chain_t *chain, uint64_t key);
bool doorbell_ring_from(const struct doorbell_entry *first, uint32_t vtl, uint32_t length,
			uint64_t value);

#endif

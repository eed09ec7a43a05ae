/* SPDX-License-Identifier: MIT */
/*
 * The heap behind malloc(): small things from chunks of pages, first fit with joining of
 * neighbours; large ones in pages of their own. Pure but for the two functions through which a
 * heap gets pages and gives large ones back. Not locked: malloc() does that.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include <trivet/types.h>

#define HEAP_ALIGNMENT 16u
#define HEAP_CHUNK     KIB(256) /* taken at once for small things */
#define HEAP_LARGE     KIB(64)	/* from this size on: own pages */

struct heap_block;

struct heap {
	void *(*pages_get)(uint64_t size);	      /* whole pages, or NULL */
	void (*pages_put)(void *base, uint64_t size); /* what pages_get gave */
	struct heap_block *free;		      /* by address */
	uint64_t used;				      /* bytes in allocations, with headers */
};

/* size bytes, aligned to HEAP_ALIGNMENT; NULL when there is no memory. Size 0 gives a pointer too. */
void *heap_allocate(struct heap *heap, size_t size);
/* What heap_allocate() gave; NULL is ignored. */
void heap_free(struct heap *heap, void *pointer);
/* Bytes that an allocation can hold. */
size_t heap_size(const void *pointer);

#endif

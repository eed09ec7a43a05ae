/* SPDX-License-Identifier: MIT */
/*
 * Lists of a guest's pages: GPADLs, which it sends in channel messages and names by number, and those in
 * packets. A list is checked and found in memory once; what is kept are pointers to pages that stay where
 * they are.
 */
#ifndef VMBUS_GPADL_H
#define VMBUS_GPADL_H

#include <trivet/status.h>
#include <trivet/types.h>

struct vmbus;

struct vmbus_range {
	uint32_t length, offset;
	uint32_t first; /* of its pages */
};

/* One allocation. */
struct vmbus_pages {
	uint32_t range_count, page_count;
	struct vmbus_range *ranges;
	void *pages[];
};

/*
 * The `count` ranges of a list as it stands in messages and packets. BAD_FORMAT: it is not long enough for
 * them, or a range is empty or begins beyond its first page. INVALID_ADDRESS: a page is not the guest's RAM. NO_MEMORY.
 */
status_t vmbus_pages_make(struct vmbus *bus, const uint8_t *list, size_t size, uint32_t count,
			  struct vmbus_pages **pages) __must_check;
void vmbus_pages_free(struct vmbus_pages *pages);

/* Copies from or to a range, at `offset` in it. INVALID_ADDRESS: the range is not so long, or there is none of
 * that number; nothing is copied. */
status_t vmbus_pages_read(const struct vmbus_pages *pages, uint32_t range, uint32_t offset,
			  void *to, size_t size) __must_check;
status_t vmbus_pages_write(const struct vmbus_pages *pages, uint32_t range, uint32_t offset,
			   const void *from, size_t size) __must_check;

/* A GPADL: its list while it comes, its pages when it is complete. */
struct vmbus_gpadl {
	struct vmbus_gpadl *next;
	uint32_t id, relid;
	uint32_t range_count;
	uint32_t charge; /* pages at most, as counted for the limit */
	uint32_t size, have;
	uint8_t *list;
	struct vmbus_pages *pages; /* NULL: not complete */
};

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Ring buffers in a guest's pages: one page of control words and pages of data, in which packets follow each
 * other. The reader owns one index and the writer the other; what the other side owns is read once and
 * checked, what is ours is kept here and only written there. Pure.
 */
#ifndef VMBUS_RING_H
#define VMBUS_RING_H

#include <stdatomic.h>
#include <trivet/status.h>
#include <trivet/types.h>
#include <vmbus/protocol.h>

struct vmbus_piece;

struct vmbus_ring {
	_Atomic uint32_t *words; /* the control page; NULL: there is no ring */
	void *const *pages;	 /* data */
	uint32_t size;		 /* bytes of data */
	uint32_t in, out;	 /* as last seen */
	uint32_t need;		 /* the writer's: bytes that it waits for */
};

/* The ring of `count` pages. INVALID_ARGUMENT: less than two. BAD_FORMAT: an index is wild. */
status_t vmbus_ring_init(struct vmbus_ring *ring, void *const *pages, uint32_t count) __must_check;

/* ---- the reader's side ---- */

/*
 * Copies the next packet: its descriptor, and all that is behind that into `rest` (size bytes; *length gets
 * how many there are). NOT_FOUND: there is none. BAD_FORMAT: an index or a length is wild. TOO_LARGE: it has
 * more bytes than that.
 */
status_t vmbus_ring_peek(struct vmbus_ring *ring, struct vmbus_descriptor *descriptor,
			 uint8_t *rest, size_t size, size_t *length) __must_check;
/* The packet that was peeked at gives its room back. True: the writer is to be signalled. */
bool vmbus_ring_take(struct vmbus_ring *ring, const struct vmbus_descriptor *descriptor);
/* The writer need not signal what comes; or has to again. */
void vmbus_ring_mask(struct vmbus_ring *ring, bool masked);
/* There is something to be read, or the index is wild. */
bool vmbus_ring_waits(struct vmbus_ring *ring);

/* ---- the writer's side ---- */

/* Tells the reader that we say when we wait for room. */
void vmbus_ring_writer(struct vmbus_ring *ring);
/*
 * A packet with `size` bytes of data out of pieces. *signal: the reader is to be signalled. BUSY: there is no
 * room, and the reader signals when there is. TOO_LARGE: there never is. BAD_FORMAT: the reader's index is wild.
 */
status_t vmbus_ring_put(struct vmbus_ring *ring, const struct vmbus_descriptor *descriptor,
			const struct vmbus_piece *pieces, size_t count, bool *signal) __must_check;
/* After BUSY: there may be room. BAD_FORMAT as above; BUSY: not yet. */
status_t vmbus_ring_room(struct vmbus_ring *ring) __must_check;

#endif

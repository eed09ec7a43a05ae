/* SPDX-License-Identifier: MIT */
/* A queue of bytes between a serial port and its far side; head and tail run freely and are reduced when they
 * index. */
#ifndef DEVICES_BYTE_RING_H
#define DEVICES_BYTE_RING_H

#include <trivet/types.h>

#define BYTE_RING_SIZE 1024u /* a power of two */

struct byte_ring {
	uint8_t bytes[BYTE_RING_SIZE];
	uint32_t head; /* next to take */
	uint32_t tail; /* next to fill */
};

static inline uint32_t byte_ring_count(const struct byte_ring *ring)
{
	return ring->tail - ring->head;
}

static inline uint32_t byte_ring_room(const struct byte_ring *ring)
{
	return BYTE_RING_SIZE - byte_ring_count(ring);
}

static inline void byte_ring_put(struct byte_ring *ring, uint8_t byte)
{
	ring->bytes[ring->tail++ % BYTE_RING_SIZE] = byte;
}

static inline uint8_t byte_ring_take(struct byte_ring *ring)
{
	return ring->bytes[ring->head++ % BYTE_RING_SIZE];
}

#endif

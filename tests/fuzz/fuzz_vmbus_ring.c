/* SPDX-License-Identifier: MIT */
/*
 * Both sides of a ring against a peer that writes anything anywhere between two calls: control words, and data. The
 * sanitizers see each byte that is touched; besides, what the server reads is never more than it has
 * room for, its own indices stay where indices may be, and a status is one that is promised.
 */
#include <stdlib.h>
#include <string.h>

#include <vmbus/vmbus.h>

#include "input.h"

#define PAGES_MAX 5u
#define REST	  1000u

static uint32_t take16(struct input *input)
{
	uint32_t low = take8(input);

	return low | (uint32_t)take8(input) << 8;
}

static void check(const struct vmbus_ring *ring)
{
	CHECK(ring->in < ring->size && ring->in % 8 == 0);
	CHECK(ring->out < ring->size && ring->out % 8 == 0);
}

static void read_some(struct vmbus_ring *ring, struct input *input)
{
	struct vmbus_descriptor descriptor;
	size_t size = take16(input) % (REST + 1), length = SIZE_MAX;
	uint8_t *rest = malloc(size + 1);
	status_t status = vmbus_ring_peek(ring, &descriptor, rest, size, &length);

	CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_BAD_FORMAT ||
	      status == STATUS_TOO_LARGE);
	if (status == STATUS_OK) {
		CHECK(length <= size && length == descriptor.length8 * 8u - 16);
		CHECK(descriptor.data_offset8 >= 2 &&
		      descriptor.data_offset8 <= descriptor.length8);
		(void)vmbus_ring_take(ring, &descriptor);
	}
	free(rest);
	(void)vmbus_ring_waits(ring);
}

static void write_some(struct vmbus_ring *ring, struct input *input)
{
	size_t size = take16(input) % (PAGES_MAX * PAGE_SIZE + 100), first = size / 3;
	uint8_t *data = calloc(1, size + 1);
	const struct vmbus_piece pieces[] = {{data, first}, {data + first, size - first}};
	const struct vmbus_descriptor descriptor = {.type = VMBUS_PACKET_IN_BAND,
						    .data_offset8 = 2,
						    .length8 =
							    (uint16_t)(ALIGN_UP(size + 16, 8) / 8)};
	bool signal;
	status_t status = vmbus_ring_put(ring, &descriptor, pieces, 2, &signal);

	CHECK(status == STATUS_OK || status == STATUS_BUSY || status == STATUS_TOO_LARGE ||
	      status == STATUS_BAD_FORMAT);
	(void)vmbus_ring_room(ring);
	free(data);
}

/* What the peer may do: any word of the control page, any byte of the data, or its index by some bytes. */
static void peer(uint8_t *const pages[], uint32_t count, struct input *input)
{
	uint32_t words[] = {VMBUS_RING_IN, VMBUS_RING_OUT, VMBUS_RING_INTERRUPT_MASK,
			    VMBUS_RING_PENDING_SEND, VMBUS_RING_FEATURES};
	uint32_t *control = (uint32_t *)(void *)pages[0], word = words[take8(input) % 5];
	uint32_t at = take16(input);

	switch (take8(input) % 4) {
	case 0: control[word] = at; break;
	case 1:
		control[word] = (control[word] + at * 8) % ((count - 1) * (uint32_t)PAGE_SIZE);
		break;
	case 2: control[word] = UINT32_MAX - at; break;
	default:
		/* A small packet where the reader is. */
		at = control[VMBUS_RING_OUT] % ((count - 1) * (uint32_t)PAGE_SIZE);
		for (unsigned int i = 0; i < 16; i++, at = (at + 1) % ((count - 1) * PAGE_SIZE))
			pages[1 + at / PAGE_SIZE][at % PAGE_SIZE] =
				take8(input) % (i % 2 ? 2 : 255);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	uint32_t count = 1 + take8(&input) % PAGES_MAX;
	uint8_t *pages[PAGES_MAX];
	struct vmbus_ring ring;
	status_t status;

	/* Each page for itself, so that a step beyond one is seen. */
	for (uint32_t i = 0; i < count; i++) {
		pages[i] = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
		memset(pages[i], 0, PAGE_SIZE);
	}
	status = vmbus_ring_init(&ring, (void *const *)pages, count);
	CHECK(status == (count < 2 ? STATUS_INVALID_ARGUMENT : STATUS_OK));
	while (status == STATUS_OK && input.left) {
		switch (take8(&input) % 4) {
		case 0: read_some(&ring, &input); break;
		case 1: write_some(&ring, &input); break;
		default: peer(pages, count, &input);
		}
		check(&ring);
	}
	for (uint32_t i = 0; i < count; i++)
		free(pages[i]);
	return 0;
}

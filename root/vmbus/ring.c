/* SPDX-License-Identifier: MIT */
/*
 * The rings' indices and bytes. `in` equal to `out` is an empty ring, so one that is full has 8 bytes left.
 *
 *	writer: bytes; in (release); full fence; looks at out and the interrupt mask
 *	reader: in (acquire); bytes; out (release); full fence; looks at the size that is waited for
 *
 * Both sides write before they read, so none misses the other.
 */
#include <string.h>
#include <vmbus/vmbus.h>

#define UNIT 8u /* of indices and lengths */

static uint32_t word_read(const struct vmbus_ring *ring, enum vmbus_ring_word word)
{
	return atomic_load_explicit(&ring->words[word], memory_order_acquire);
}

static void word_write(struct vmbus_ring *ring, enum vmbus_ring_word word, uint32_t value)
{
	atomic_store_explicit(&ring->words[word], value, memory_order_release);
}

/* The other side's index, once. */
static status_t index_read(const struct vmbus_ring *ring, enum vmbus_ring_word word,
			   uint32_t *index)
{
	uint32_t value = word_read(ring, word);

	if (value >= ring->size || value % UNIT)
		return STATUS_BAD_FORMAT;
	*index = value;
	return STATUS_OK;
}

static uint32_t ring_used(const struct vmbus_ring *ring)
{
	return ring->in >= ring->out ? ring->in - ring->out : ring->size - ring->out + ring->in;
}

static uint32_t ring_free(const struct vmbus_ring *ring)
{
	return ring->size - ring_used(ring) - UNIT;
}

static uint32_t ring_advance(const struct vmbus_ring *ring, uint32_t index, uint32_t by)
{
	index += by;
	return index >= ring->size ? index - ring->size : index;
}

/* Where `at` is in the data, and how many of `size` bytes lie on that page. */
static uint8_t *ring_place(const struct vmbus_ring *ring, uint32_t at, size_t size, uint32_t *count)
{
	uint32_t inside = at % PAGE_SIZE;

	*count = (uint32_t)MIN(size, PAGE_SIZE - inside);
	return (uint8_t *)ring->pages[at / PAGE_SIZE] + inside;
}

/* Copies [at, at + size) of the data, which wraps. */
static void ring_read(const struct vmbus_ring *ring, uint32_t at, void *to, size_t size)
{
	uint32_t count;

	for (size_t done = 0; done < size; done += count) {
		const uint8_t *from = ring_place(ring, at, size - done, &count);

		memcpy((uint8_t *)to + done, from, count);
		at = ring_advance(ring, at, count);
	}
}

static void ring_write(const struct vmbus_ring *ring, uint32_t at, const void *from, size_t size)
{
	uint32_t count;

	for (size_t done = 0; done < size; done += count) {
		uint8_t *to = ring_place(ring, at, size - done, &count);

		memcpy(to, (const uint8_t *)from + done, count);
		at = ring_advance(ring, at, count);
	}
}

status_t vmbus_ring_init(struct vmbus_ring *ring, void *const *pages, uint32_t count)
{
	status_t status;

	if (count < 2 || count > UINT32_MAX / PAGE_SIZE / 2)
		return STATUS_INVALID_ARGUMENT;
	*ring = (struct vmbus_ring){
		.words = pages[0], .pages = pages + 1, .size = (count - 1) * (uint32_t)PAGE_SIZE};
	status = index_read(ring, VMBUS_RING_IN, &ring->in);
	if (status == STATUS_OK)
		status = index_read(ring, VMBUS_RING_OUT, &ring->out);
	return status;
}

/* ---- the reader's side ---- */

status_t vmbus_ring_peek(struct vmbus_ring *ring, struct vmbus_descriptor *descriptor,
			 uint8_t *rest, size_t size, size_t *length)
{
	status_t status = index_read(ring, VMBUS_RING_IN, &ring->in);
	uint32_t used, total;

	if (status != STATUS_OK)
		return status;
	used = ring_used(ring);
	if (used == 0)
		return STATUS_NOT_FOUND;
	if (used < sizeof(*descriptor) + sizeof(struct vmbus_footer))
		return STATUS_BAD_FORMAT;
	ring_read(ring, ring->out, descriptor, sizeof(*descriptor));
	total = descriptor->length8 * UNIT;
	if (descriptor->data_offset8 * UNIT < sizeof(*descriptor) ||
	    descriptor->length8 < descriptor->data_offset8 ||
	    total > used - sizeof(struct vmbus_footer))
		return STATUS_BAD_FORMAT;
	total -= sizeof(*descriptor);
	if (total > size)
		return STATUS_TOO_LARGE;
	ring_read(ring, ring_advance(ring, ring->out, sizeof(*descriptor)), rest, total);
	*length = total;
	return STATUS_OK;
}

bool vmbus_ring_take(struct vmbus_ring *ring, const struct vmbus_descriptor *descriptor)
{
	uint32_t length = descriptor->length8 * UNIT + (uint32_t)sizeof(struct vmbus_footer);
	uint32_t before, pending;

	ring->out = ring_advance(ring, ring->out, length);
	word_write(ring, VMBUS_RING_OUT, ring->out);
	if (!(word_read(ring, VMBUS_RING_FEATURES) & VMBUS_RING_FEATURE_PENDING_SEND))
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	pending = word_read(ring, VMBUS_RING_PENDING_SEND);
	/* A wild index is found when the next packet is looked for. */
	if (!pending || index_read(ring, VMBUS_RING_IN, &ring->in) != STATUS_OK)
		return false;
	/* Only the step from too little to enough is signalled. */
	before = ring_free(ring) > length ? ring_free(ring) - length : 0;
	return ring_free(ring) >= pending && before < pending;
}

void vmbus_ring_mask(struct vmbus_ring *ring, bool masked)
{
	word_write(ring, VMBUS_RING_INTERRUPT_MASK, masked);
	atomic_thread_fence(memory_order_seq_cst);
}

bool vmbus_ring_waits(struct vmbus_ring *ring)
{
	return word_read(ring, VMBUS_RING_IN) != ring->out;
}

/* ---- the writer's side ---- */

void vmbus_ring_writer(struct vmbus_ring *ring)
{
	word_write(ring, VMBUS_RING_FEATURES,
		   word_read(ring, VMBUS_RING_FEATURES) |
			   (uint32_t)VMBUS_RING_FEATURE_PENDING_SEND);
}

status_t vmbus_ring_room(struct vmbus_ring *ring)
{
	status_t status = index_read(ring, VMBUS_RING_OUT, &ring->out);

	if (status != STATUS_OK)
		return status;
	return ring_free(ring) >= ring->need ? STATUS_OK : STATUS_BUSY;
}

/* Room for `need` bytes; else we wait for it. */
static status_t room_find(struct vmbus_ring *ring, uint32_t need)
{
	status_t status;

	ring->need = need;
	status = vmbus_ring_room(ring);
	if (status != STATUS_BUSY)
		return status;
	word_write(ring, VMBUS_RING_PENDING_SEND, need);
	atomic_thread_fence(memory_order_seq_cst);
	return vmbus_ring_room(ring);
}

status_t vmbus_ring_put(struct vmbus_ring *ring, const struct vmbus_descriptor *descriptor,
			const struct vmbus_piece *pieces, size_t count, bool *signal)
{
	static const uint8_t zeros[UNIT];
	struct vmbus_footer footer = {.offset = ring->in};
	uint32_t length = descriptor->length8 * UNIT, before = ring->in, at, end;
	status_t status;

	if (length + sizeof(footer) > ring->size - UNIT)
		return STATUS_TOO_LARGE;
	status = room_find(ring, length + (uint32_t)sizeof(footer));
	if (status != STATUS_OK)
		return status;
	ring->need = 0;
	word_write(ring, VMBUS_RING_PENDING_SEND, 0);
	end = ring_advance(ring, ring->in, length);
	ring_write(ring, ring->in, descriptor, sizeof(*descriptor));
	at = ring_advance(ring, ring->in, sizeof(*descriptor));
	for (size_t i = 0; i < count; i++) {
		ring_write(ring, at, pieces[i].data, pieces[i].size);
		at = ring_advance(ring, at, (uint32_t)pieces[i].size);
	}
	/* Less than a unit lies between; it may lie across the ring's end. */
	ring_write(ring, at, zeros, end >= at ? end - at : ring->size - at + end);
	ring_write(ring, end, &footer, sizeof(footer));
	ring->in = ring_advance(ring, end, sizeof(footer));
	word_write(ring, VMBUS_RING_IN, ring->in);
	atomic_thread_fence(memory_order_seq_cst);
	*signal = !word_read(ring, VMBUS_RING_INTERRUPT_MASK) &&
		  word_read(ring, VMBUS_RING_OUT) == before;
	return STATUS_OK;
}

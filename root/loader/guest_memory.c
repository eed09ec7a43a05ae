/* SPDX-License-Identifier: MIT */
/*
 * Access to a partition's RAM. An access is first walked over the ranges without touching
 * anything, and done only when all of it is RAM.
 */
#include <loader/guest_memory.h>

#include <string.h>

static const struct guest_range *range_find(const struct guest_memory *memory, gpa_t gpa)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct guest_range *range = &memory->ranges[i];

		if (gpa >= range->gpa && gpa - range->gpa < range->size)
			return range;
	}
	return NULL;
}

/*
 * The RAM at gpa that is contiguous in this address space, at most limit bytes of it; 0 when
 * there is none. *host gets its place.
 */
static uint64_t piece_find(const struct guest_memory *memory, gpa_t gpa, uint64_t limit,
			   uint8_t **host)
{
	const struct guest_range *range = range_find(memory, gpa);

	if (!range)
		return 0;
	*host = range->host + (gpa - range->gpa);
	return MIN(limit, range->size - (gpa - range->gpa));
}

void *guest_memory_pointer(const struct guest_memory *memory, gpa_t gpa, uint64_t size)
{
	uint8_t *host;
	uint64_t piece = piece_find(memory, gpa, MAX(size, 1), &host);

	return piece > 0 && piece >= size ? host : NULL;
}

bool guest_memory_contains(const struct guest_memory *memory, gpa_t gpa, uint64_t size)
{
	while (size > 0) {
		uint8_t *host;
		uint64_t piece = piece_find(memory, gpa, size, &host);

		if (piece == 0)
			return false;
		gpa += piece; /* ranges do not wrap, so this does not */
		size -= piece;
	}
	return true;
}

status_t guest_memory_write(const struct guest_memory *memory, gpa_t gpa, const void *data,
			    uint64_t size)
{
	const uint8_t *from = data;

	if (!guest_memory_contains(memory, gpa, size))
		return STATUS_INVALID_ADDRESS;
	while (size > 0) {
		uint8_t *host;
		uint64_t piece = piece_find(memory, gpa, size, &host);

		memcpy(host, from, piece);
		gpa += piece;
		from += piece;
		size -= piece;
	}
	return STATUS_OK;
}

status_t guest_memory_read(const struct guest_memory *memory, gpa_t gpa, void *data, uint64_t size)
{
	uint8_t *to = data;

	if (!guest_memory_contains(memory, gpa, size))
		return STATUS_INVALID_ADDRESS;
	while (size > 0) {
		uint8_t *host;
		uint64_t piece = piece_find(memory, gpa, size, &host);

		memcpy(to, host, piece);
		gpa += piece;
		to += piece;
		size -= piece;
	}
	return STATUS_OK;
}

status_t guest_memory_fill(const struct guest_memory *memory, gpa_t gpa, uint8_t byte,
			   uint64_t size)
{
	if (!guest_memory_contains(memory, gpa, size))
		return STATUS_INVALID_ADDRESS;
	while (size > 0) {
		uint8_t *host;
		uint64_t piece = piece_find(memory, gpa, size, &host);

		memset(host, byte, piece);
		gpa += piece;
		size -= piece;
	}
	return STATUS_OK;
}

uint64_t guest_memory_size(const struct guest_memory *memory)
{
	uint64_t size = 0;

	for (size_t i = 0; i < memory->count; i++)
		size += memory->ranges[i].size;
	return size;
}

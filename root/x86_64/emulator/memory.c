/* SPDX-License-Identifier: MIT */
/*
 * From segment:offset to bytes: segment checks, translation of up to two pages, and the
 * access itself, to RAM or, where there is none, to memory-mapped I/O. Everything that can
 * fault happens in the translation, before the first byte is touched.
 */
#include <string.h>
#include <emulator/execute.h>

#define SEGMENT_TYPE_CODE     BIT(3)
#define SEGMENT_TYPE_DOWN     BIT(2) /* data: expands down */
#define SEGMENT_TYPE_WRITABLE BIT(1) /* data: writable; code: readable */

bool is_canonical(const struct emulation *e, uint64_t address)
{
	unsigned unused = e->cpu->cr4 & GUEST_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

static enum emulator_outcome segment_fault(struct emulation *e, unsigned segment)
{
	return emulation_fault(e, segment == EMULATOR_SS ? GUEST_VECTOR_SS : GUEST_VECTOR_GP, 0);
}

/* The offsets [offset, offset + size) lie within the segment. */
static bool segment_contains(const struct hv_x64_segment_register *segment, uint64_t offset,
			     unsigned size)
{
	unsigned type = segment->attributes & HV_SEGMENT_TYPE_MASK;
	uint64_t last = offset + size - 1, top;

	if (type & SEGMENT_TYPE_CODE || !(type & SEGMENT_TYPE_DOWN))
		return last <= segment->limit;
	top = segment->attributes & HV_SEGMENT_DB ? 0xffffffff : 0xffff;
	return offset > segment->limit && last <= top;
}

enum emulator_outcome memory_linear(struct emulation *e, unsigned segment, uint64_t offset,
				    unsigned size, bool write, uint64_t *linear)
{
	const struct hv_x64_segment_register *s = &e->cpu->segment[segment];
	unsigned type = s->attributes & HV_SEGMENT_TYPE_MASK;

	if (e->code_size == 8) {
		*linear = offset + (segment >= EMULATOR_FS ? s->base : 0);
		if (!is_canonical(e, *linear) || !is_canonical(e, *linear + size - 1))
			return segment_fault(e, segment);
		return EMULATOR_DONE;
	}
	if (e->is_protected) {
		bool is_code = type & SEGMENT_TYPE_CODE;

		if (!(s->attributes & HV_SEGMENT_P))
			return segment_fault(e, segment);
		if (write ? is_code || !(type & SEGMENT_TYPE_WRITABLE)
			  : is_code && !(type & SEGMENT_TYPE_WRITABLE))
			return emulation_fault(e, GUEST_VECTOR_GP, 0);
	}
	if (!segment_contains(s, offset, size))
		return segment_fault(e, segment);
	*linear = (uint32_t)(s->base + offset);
	return EMULATOR_DONE;
}

static enum emulator_outcome page_fault(struct emulation *e, uint64_t linear, uint32_t error_code)
{
	e->result->fault.address = linear;
	e->cpu->cr2 = linear;
	return emulation_fault(e, GUEST_VECTOR_PF, error_code);
}

enum emulator_outcome memory_translate_linear(struct emulation *e, uint64_t linear, unsigned size,
					      unsigned walk, struct memory_access *access)
{
	uint64_t wrap = e->code_size == 8 ? ~0ull : 0xffffffff;

	if (e->cpl == 3)
		walk |= GUEST_WALK_USER;
	access->parts = 0;
	/* at most two rounds: size is smaller than a page */
	while (size) {
		unsigned chunk = (unsigned)MIN(size, PAGE_SIZE - (linear & (PAGE_SIZE - 1)));
		struct guest_walk_result page;

		switch (guest_walk(&e->paging, &e->ops->memory, e->context, linear, walk, &page)) {
		case GUEST_WALK_OK: break;
		case GUEST_WALK_PAGE_FAULT: return page_fault(e, linear, page.error_code);
		case GUEST_WALK_NO_TABLE:
			return emulation_unhandled(e, "a page table is not in RAM");
		case GUEST_WALK_CONTENDED: return EMULATOR_RETRY;
		}
		access->part[access->parts].gpa = page.gpa;
		access->part[access->parts].size = chunk;
		access->parts++;
		linear = (linear + chunk) & wrap;
		size -= chunk;
	}
	return EMULATOR_DONE;
}

enum emulator_outcome memory_translate(struct emulation *e, unsigned segment, uint64_t offset,
				       unsigned size, bool write, struct memory_access *access)
{
	enum emulator_outcome outcome;
	uint64_t linear = 0;

	outcome = memory_linear(e, segment, offset, size, write, &linear);
	if (outcome != EMULATOR_DONE)
		return outcome;
	outcome = memory_translate_linear(e, linear, size, write ? GUEST_WALK_WRITE : 0, access);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (linear & (size - 1) && e->cpl == 3 && e->cpu->cr0 & GUEST_CR0_AM &&
	    e->cpu->rflags & GUEST_FLAG_AC)
		return emulation_fault(e, GUEST_VECTOR_AC, 0);
	return EMULATOR_DONE;
}

/* The size of the next transfer on the bus: a power of two within an aligned 8-byte word. */
static unsigned mmio_chunk(gpa_t gpa, unsigned size)
{
	unsigned chunk = MIN(size, 8 - (unsigned)(gpa & 7));

	if (chunk >= 4)
		return chunk == 8 ? 8 : 4;
	return chunk == 3 ? 2 : chunk;
}

static enum emulator_outcome mmio_read(struct emulation *e, gpa_t gpa, unsigned size, uint8_t *data)
{
	enum emulator_outcome outcome;

	while (size) {
		unsigned chunk = mmio_chunk(gpa, size);
		uint64_t value = 0;

		outcome = emulation_answer(e, e->ops->mmio_read(e->context, gpa, chunk, &value),
					   "a read of memory-mapped I/O");
		if (outcome != EMULATOR_DONE)
			return outcome;
		memcpy(data, &value, chunk);
		gpa += chunk;
		data += chunk;
		size -= chunk;
	}
	return EMULATOR_DONE;
}

static enum emulator_outcome mmio_write(struct emulation *e, gpa_t gpa, unsigned size,
					const uint8_t *data)
{
	enum emulator_outcome outcome;

	while (size) {
		unsigned chunk = mmio_chunk(gpa, size);
		uint64_t value = 0;

		memcpy(&value, data, chunk);
		outcome = emulation_answer(e, e->ops->mmio_write(e->context, gpa, chunk, value),
					   "a write of memory-mapped I/O");
		if (outcome != EMULATOR_DONE)
			return outcome;
		gpa += chunk;
		data += chunk;
		size -= chunk;
	}
	return EMULATOR_DONE;
}

enum emulator_outcome memory_read(struct emulation *e, const struct memory_access *access,
				  void *data)
{
	enum emulator_outcome outcome;
	uint8_t *bytes = data;
	unsigned i;

	for (i = 0; i < access->parts; i++) {
		gpa_t gpa = access->part[i].gpa;
		unsigned size = access->part[i].size;

		if (!e->ops->memory.read_gpa(e->context, gpa, bytes, size)) {
			outcome = mmio_read(e, gpa, size, bytes);
			if (outcome != EMULATOR_DONE)
				return outcome;
		}
		bytes += size;
	}
	return EMULATOR_DONE;
}

enum emulator_outcome memory_write(struct emulation *e, const struct memory_access *access,
				   const void *data)
{
	enum emulator_outcome outcome;
	const uint8_t *bytes = data;
	unsigned i;

	for (i = 0; i < access->parts; i++) {
		gpa_t gpa = access->part[i].gpa;
		unsigned size = access->part[i].size;

		if (!e->ops->memory.write_gpa(e->context, gpa, bytes, size)) {
			outcome = mmio_write(e, gpa, size, bytes);
			if (outcome != EMULATOR_DONE)
				return outcome;
		}
		bytes += size;
	}
	return EMULATOR_DONE;
}

enum emulator_outcome memory_exchange(struct emulation *e, const struct memory_access *access,
				      bool locked, const void *old, const void *new)
{
	bool exchanged = false;

	if (!locked || access->parts != 1 || !e->ops->memory.cmpxchg_gpa ||
	    !e->ops->memory.cmpxchg_gpa(e->context, access->part[0].gpa, old, new,
					access->part[0].size, &exchanged))
		return memory_write(e, access, new);
	return exchanged ? EMULATOR_DONE : EMULATOR_RETRY;
}

/* SPDX-License-Identifier: MIT */
/* See synic_stubs.h. */
#include "synic_stubs.h"
#include <kernel/gpa_range.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_NS 2u

uint64_t fake_timestamp, timestamp_hz = TICKS_PER_NS * 1000000000ull;
unsigned int stub_interrupts[256], stub_own, stub_memory, stub_allows;
uint32_t stub_auto_eoi[SYNIC_VECTOR_WORDS], stub_requests;
uint64_t stub_armed;
status_t stub_move_status;

void (*fake_relaxed)(void);
void (*fake_timestamp_taken)(void);

static struct gpa_space space;
static struct hv_partition hv;
static struct partition partition;
static struct vp_vtl vtl0;
static struct vp vp0;

static void *allocate(size_t size)
{
	if (!stub_allows)
		return NULL;
	stub_allows--;
	stub_memory++;
	return aligned_alloc(PAGE_SIZE, ALIGN_UP(size, PAGE_SIZE));
}

void *heap_alloc(struct heap *heap, size_t size)
{
	void *object = allocate(size);

	(void)heap;
	return object ? memset(object, 0, size) : NULL;
}

void *page_alloc(struct heap *heap, unsigned int order)
{
	return heap_alloc(heap, PAGE_SIZE << order);
}

static void give_back(void *object)
{
	stub_memory--;
	free(object);
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	(void)heap;
	(void)size;
	give_back(object);
}

void page_free(struct heap *heap, void *pages, unsigned int order)
{
	(void)heap;
	(void)order;
	give_back(pages);
}

status_t gpa_overlays_move(struct gpa_space *at, const struct gpa_overlay_place *places,
			   unsigned int count)
{
	unsigned int i;

	if (at != &space)
		abort();
	for (i = 0; i < count && stub_move_status == STATUS_OK; i++)
		places[i].overlay->gpa = places[i].gpa;
	return stub_move_status;
}

status_t gpa_overlay_move(struct gpa_space *at, struct gpa_overlay *overlay, gpa_t gpa)
{
	const struct gpa_overlay_place place = {overlay, gpa};

	return gpa_overlays_move(at, &place, 1);
}

uint64_t ns_from_ticks(uint64_t timestamp)
{
	return timestamp / TICKS_PER_NS;
}

uint64_t ticks_from_ns(uint64_t ns)
{
	return ns > UINT64_MAX / TICKS_PER_NS ? TIMER_NEVER : ns * TICKS_PER_NS;
}

uint64_t partition_reference_time(const struct partition *p)
{
	return p->time_offset + (partition_timestamp(p) - p->time_base) / UNIT_TICKS;
}

void vp_request(struct vp *vp, uint32_t bits)
{
	(void)vp;
	stub_requests |= bits;
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
	timer->deadline = TIMER_NEVER;
	timer->expired = expired;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	timer->deadline = stub_armed = deadline;
}

void timer_cancel(struct timer *timer)
{
	timer->deadline = stub_armed = TIMER_NEVER;
}

void arch_synic_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	if (vp != &vp0 || vtl)
		abort();
	stub_interrupts[vector]++;
}

void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector)
{
	stub_own++;
	arch_synic_interrupt(vp, vtl, vector);
}

void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS])
{
	(void)vp;
	(void)vtl;
	memcpy(stub_auto_eoi, vectors, sizeof(stub_auto_eoi));
}

bool arch_synic_sint_valid(uint64_t value)
{
	return (value & HV_SINT_MASKED) || (value & HV_SINT_VECTOR) >= 16;
}

bool arch_stimer_config_valid(const struct vp *vp, uint64_t value)
{
	(void)vp;
	return !(value & ~HV_STIMER_DEFINED);
}

struct vp *stub_vp_create(uint64_t privileges)
{
	memset(&vp0, 0, sizeof(vp0));
	memset(&vtl0, 0, sizeof(vtl0));
	memset(stub_interrupts, 0, sizeof(stub_interrupts));
	stub_own = 0;
	stub_requests = 0;
	stub_move_status = STATUS_OK;
	stub_armed = TIMER_NEVER;
	fake_timestamp = 1000 * UNIT_TICKS;
	space.partition = &partition;
	hv.privileges = privileges;
	partition = (struct partition){.hv = &hv, .vp_count = 1, .physical_bits = 46};
	vp0.partition = &partition;
	vp0.vtl[0] = &vtl0;
	vtl0.space = &space;
	if (synic_create(&vp0, 0) == STATUS_OK)
		return &vp0;
	synic_destroy(&vp0, 0);
	return NULL;
}

void stub_vp_destroy(struct vp *vp)
{
	synic_destroy(vp, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * Saved states of VPs as the kernel reads them: damaged anywhere, cut anywhere, with elements unknown,
 * missing, doubled or of a wrong length; what is refused has changed nothing. And between processors of
 * different makers and layouts of XSAVE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vp_state_stubs.h"
#include <lapic.h>
#include <tsc.h>
#include <arch/fpu.h>
#include <kernel/state_format.h>
#include <trivet/hv/features.h>

static uint64_t saved_words[STATE_SIZE_MAX / 8], again_words[STATE_SIZE_MAX / 8];
#define SAVED ((uint8_t *)saved_words)
#define AGAIN ((uint8_t *)again_words)

static struct vp *vp;

static int setup(void **state)
{
	(void)state;
	vp = stub_state_vp(HOST_EPYC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stub_state_vp_free(vp);
	return 0;
}

static uint64_t save(uint8_t *to)
{
	uint64_t size = 0;

	memset(to, 0xee, STATE_SIZE_MAX);
	assert_int_equal(vp_save(vp, to, STATE_SIZE_MAX, &size), STATUS_OK);
	return size;
}

static struct state_record *record_of(uint8_t *state, uint32_t element)
{
	struct state_header *header = (struct state_header *)state;
	uint8_t *at = (uint8_t *)(header + 1);

	for (uint32_t i = 0; i < header->records; i++) {
		struct state_record *record = (struct state_record *)at;

		if (record->element == element)
			return record;
		at += sizeof(*record) + ALIGN_UP(record->length, 8u);
	}
	fail_msg("no element %u", element);
	return NULL;
}

/* Restores SAVED, which must fail, and looks whether the VP is as it was. */
static void assert_refused(uint64_t size, const uint8_t *before, uint64_t before_size)
{
	uint8_t *copy = aligned_alloc(64, ALIGN_UP(size + 1, 64ull));

	memcpy(copy, SAVED, size);
	assert_int_not_equal(vp_restore(vp, copy, size), STATUS_OK);
	free(copy);
	assert_int_equal(save(AGAIN), before_size);
	assert_memory_equal(AGAIN, before, before_size);
}

static void test_round_trip(void **state)
{
	uint64_t size;

	(void)state;
	vp->arch.gpr[5] = 0x1234;
	vp->arch.mtrr.variable[3].base = 0x80000006;
	vp->vtl[0]->arch.nmi_masked = true;
	stub_state.lstar = 0xffffffff81000000;
	lapic_accept(vp_lapic(vp, 0), 0x55, false);
	size = save(SAVED);
	teardown(NULL);
	setup(NULL);
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_OK);
	assert_int_equal(save(AGAIN), size);
	assert_memory_equal(SAVED, AGAIN, size);
	assert_int_equal(vp->arch.gpr[5], 0x1234);
	assert_true(vp->vtl[0]->arch.nmi_masked);
	assert_int_equal(stub_state.lstar, 0xffffffff81000000);
	/* Its fixed timer of what has stood still. */
	assert_true(vp->vtl[0]->arch.work & BIT(4));
}

static void test_cut_at_every_byte(void **state)
{
	static uint64_t before[STATE_SIZE_MAX / 8];
	uint64_t size = save(SAVED);

	(void)state;
	memcpy(before, SAVED, size);
	vp->arch.gpr[1] = 77; /* what a restore would change */
	size = save((uint8_t *)before);
	for (uint64_t cut = 0; cut < size; cut++) {
		assert_refused(cut, (uint8_t *)before, size);
		if (cut < sizeof(struct state_header))
			continue;
		((struct state_header *)SAVED)->size = cut;
		assert_refused(cut, (uint8_t *)before, size);
		((struct state_header *)SAVED)->size = size;
	}
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_OK);
	assert_int_equal(vp->arch.gpr[1], 0);
}

static void test_elements(void **state)
{
	static uint64_t before[STATE_SIZE_MAX / 8];
	uint64_t size = save(SAVED), before_size;
	struct state_record *record;
	uint64_t rest;

	(void)state;
	vp->arch.gpr[1] = 77;
	before_size = save((uint8_t *)before);
	/* unknown */
	record = record_of(SAVED, VP_STATE_TSC_AUX);
	record->element = VP_STATE_CET_SS;
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_NOT_SUPPORTED);
	record->element = VP_STATE_TSC_AUX;
	/* at another VTL */
	record->vtl = 1;
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_NOT_SUPPORTED);
	record->vtl = 0;
	/* twice */
	record_of(SAVED, VP_STATE_XSS)->element = VP_STATE_XCR0;
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_ALREADY_EXISTS);
	assert_refused(size, (uint8_t *)before, before_size);
	/* missing: XSS is taken out */
	size = save(SAVED);
	record = record_of(SAVED, VP_STATE_XSS);
	rest = size - (uint64_t)((uint8_t *)record - SAVED) - 24;
	memmove(record, (uint8_t *)record + 24, rest);
	((struct state_header *)SAVED)->size = size - 24;
	((struct state_header *)SAVED)->records--;
	assert_int_equal(vp_restore(vp, SAVED, size - 24), STATUS_NOT_FOUND);
	assert_refused(size - 24, (uint8_t *)before, before_size);
	/* the last one is missing */
	size = save(SAVED);
	record = record_of(SAVED, VP_STATE_TSC_AUX);
	size = (uint64_t)((uint8_t *)record - SAVED);
	((struct state_header *)SAVED)->size = size;
	((struct state_header *)SAVED)->records = 11;
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_NOT_FOUND);
	/* of a wrong length */
	size = save(SAVED);
	record = record_of(SAVED, VP_STATE_PAT);
	record->length = 7;
	memset((uint8_t *)(record + 1) + 7, 0, 1);
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_BAD_FORMAT);
	/* of another kind */
	size = save(SAVED);
	((struct state_header *)SAVED)->kind = STATE_OF_PARTITION;
	assert_int_equal(vp_restore(vp, SAVED, size), STATUS_NOT_SUPPORTED);
	assert_refused(size, (uint8_t *)before, before_size);
}

/* A flipped bit is refused, and has changed nothing, or is a value that the element can have, and then it is
 * what is saved again. */
static void test_every_bit(void **state)
{
	uint64_t size = save(SAVED), again;

	(void)state;
	for (uint64_t bit = 0; bit < 8 * size; bit++) {
		uint64_t at = bit / 8;

		SAVED[at] ^= 1u << bit % 8;
		if (vp_restore(vp, SAVED, size) == STATUS_OK) {
			assert_true(at >= sizeof(struct state_header));
			again = save(AGAIN);
			assert_int_equal(again, size);
			/* The TSC goes on by reference time. */
			if (at < (uint64_t)((uint8_t *)record_of(SAVED, VP_STATE_TSC) - SAVED) &&
			    at >= (uint64_t)((uint8_t *)record_of(SAVED, VP_STATE_XCR0) - SAVED))
				assert_memory_equal(SAVED, AGAIN, at + 1);
			SAVED[at] ^= 1u << bit % 8;
			assert_int_equal(vp_restore(vp, SAVED, size), STATUS_OK);
			continue;
		}
		SAVED[at] ^= 1u << bit % 8;
		again = save(AGAIN);
		assert_int_equal(again, size);
		assert_memory_equal(SAVED, AGAIN, size);
	}
}

/* The components of XSAVE stand elsewhere on another maker's processor, and there are others. */
static void test_xsave_of_another_maker(void **state)
{
	static uint64_t amd[STATE_SIZE_MAX / 8], intel[STATE_SIZE_MAX / 8];
	uint64_t size, standard;

	(void)state;
	((uint64_t *)vp->arch.fpu.area)[512 / 8] = 7; /* x87, SSE, AVX */
	((uint64_t *)vp->arch.fpu.area)[576 / 8 + 3] = 0x1122;
	((uint64_t *)vp->arch.fpu.area)[160 / 8] = 0x3344;
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_XSAVE, amd, sizeof(amd), &size), STATUS_OK);
	teardown(NULL);
	vp = stub_state_vp(HOST_SKYLAKE);
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_XSAVE, amd, size), STATUS_OK);
	assert_int_equal(((uint64_t *)vp->arch.fpu.area)[576 / 8 + 3], 0x1122);
	assert_int_equal(((uint64_t *)vp->arch.fpu.area)[160 / 8], 0x3344);
	/* The standard form has this processor's offsets: that of AVX-512's upper halves is 1152. */
	((uint64_t *)vp->arch.fpu.area)[512 / 8] |= 0x40;
	((uint64_t *)vp->arch.fpu.area)[1152 / 8] = 0x5566;
	assert_int_equal(
		vp_state_get(vp, 0, VP_STATE_XSAVE_STANDARD, intel, sizeof(intel), &standard),
		STATUS_OK);
	assert_int_equal(intel[1152 / 8], 0x5566);
	assert_int_equal(intel[520 / 8], 0);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_XSAVE, amd, sizeof(amd), &size), STATUS_OK);
	assert_true(amd[520 / 8] >> 63);
	/* Each form is taken, and gives the same. */
	memset(vp->arch.fpu.area, 0, xsave_area_size);
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_XSAVE, intel, standard), STATUS_OK);
	assert_int_equal(((uint64_t *)vp->arch.fpu.area)[1152 / 8], 0x5566);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_XSAVE, intel, sizeof(intel), &standard),
			 STATUS_OK);
	assert_int_equal(standard, size);
	assert_memory_equal(intel, amd, size);
	/* AVX-512 does not go to a processor that has none. */
	teardown(NULL);
	setup(NULL);
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_XSAVE, amd, size),
			 STATUS_INVALID_REGISTER_VALUE);
	/* Nor anything but x87 and SSE to one without XSAVE; that alone comes from each. */
	teardown(NULL);
	vp = stub_state_vp(HOST_PLAIN);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_XSAVE, amd, sizeof(amd), &size), STATUS_OK);
	assert_int_equal(size, 576);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_XCR0, intel, 8, &standard),
			 STATUS_NOT_SUPPORTED);
	teardown(NULL);
	setup(NULL);
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_XSAVE, amd, size), STATUS_OK);
}

static void test_partition_time(void **state)
{
	struct partition *p = vp->partition;
	uint64_t size, offset = vp->arch.tsc_offset, tsc, reference;

	(void)state;
	assert_int_equal(partition_thaw(p), STATUS_WRONG_STATE);
	atomic_store(&p->vps[1]->bound, true);
	assert_int_equal(partition_freeze(p), STATUS_BUSY);
	assert_false(atomic_load(&p->vps[0]->bound));
	atomic_store(&p->vps[1]->bound, false);
	assert_int_equal(partition_freeze(p), STATUS_OK);
	assert_int_equal(p->state, PARTITION_FROZEN);
	reference = partition_reference_time(p);
	fake_timestamp += 1000000;
	assert_int_equal(partition_reference_time(p), reference);
	assert_int_equal(partition_freeze(p), STATUS_WRONG_STATE);
	/* Another thread is at it. */
	p->state = PARTITION_CHANGING;
	assert_int_equal(partition_thaw(p), STATUS_BUSY);
	assert_int_equal(partition_freeze(p), STATUS_BUSY);
	assert_false(atomic_load(&p->vps[0]->bound));
	p->state = PARTITION_FROZEN;
	assert_int_equal(partition_save(p, SAVED, STATE_SIZE_MAX, &size), STATUS_OK);
	tsc = arch_partition_tsc(p);
	assert_int_equal(partition_thaw(p), STATUS_OK);
	assert_int_equal(vp->arch.tsc_offset, offset - 1000000);
	assert_int_equal(p->vps[1]->arch.tsc_offset, offset - 1000000);
	assert_int_equal(arch_partition_tsc(p), tsc);
	assert_int_equal(partition_reference_time(p), reference);
	fake_timestamp += 5000000;
	p->state = PARTITION_CHANGING;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_BUSY);
	p->state = PARTITION_BAD_RESET;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_WRONG_STATE);
	p->state = PARTITION_BUILT;
	atomic_store(&vp->run_state, VP_RUNNING);
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_BUSY);
	atomic_store(&vp->run_state, VP_STOPPED);
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_int_equal(arch_partition_tsc(p), tsc);
	assert_int_equal(partition_reference_time(p), reference);
	for (uint64_t cut = 0; cut < size; cut++)
		assert_int_not_equal(partition_restore(p, SAVED, cut), STATUS_OK);
	((struct partition_state_time *)(SAVED + 48))->tsc_hz *= 2;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	record_of(SAVED, PARTITION_STATE_TIME)->element = PARTITION_STATE_ELEMENTS;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_NOT_SUPPORTED);
	record_of(SAVED, PARTITION_STATE_ELEMENTS)->element = PARTITION_STATE_HYPERCALL;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_NOT_FOUND);
}

/* Registers of the Hyper-V interface that the VPs share, and the pages that they place. */
static void test_partition_hyperv(void **state)
{
	struct partition *p = vp->partition;
	struct hv_vtl *v = &p->hv->vtl[0];
	struct partition_state_hypercall *h;
	struct partition_state_reference_tsc *t;
	uint64_t size;

	(void)state;
	v->guest_os_id = 0x8100;
	v->hypercall.value = 0x5001;
	v->reference_tsc.value = 0x7001;
	v->tsc_sequence = 9;
	p->hv->crash.parameter[4] = 44;
	assert_int_equal(partition_save(p, SAVED, STATE_SIZE_MAX, &size), STATUS_OK);
	h = (void *)(record_of(SAVED, PARTITION_STATE_HYPERCALL) + 1);
	t = (void *)(record_of(SAVED, PARTITION_STATE_REFERENCE_TSC) + 1);
	assert_int_equal(h->crash[4], 44);
	memset(v, 0, sizeof(*v));
	v->hypercall.overlay.gpa = v->reference_tsc.overlay.gpa = GPA_NOWHERE;
	stub_move_status = STATUS_NO_MEMORY;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_NO_MEMORY);
	assert_int_equal(v->guest_os_id, 0);
	assert_int_equal(p->state, PARTITION_BUILT);
	stub_move_status = STATUS_OK;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_int_equal(v->guest_os_id, 0x8100);
	assert_int_equal(v->hypercall.value, 0x5001);
	assert_int_equal(v->hypercall.overlay.gpa, 0x5000);
	assert_int_equal(v->reference_tsc.overlay.gpa, 0x7000);
	assert_int_equal(v->tsc_sequence, 9);
	/* what no guest can have */
	h->guest_os_id = 0;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	h->hypercall |= HV_HYPERCALL_LOCKED;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	h->hypercall = 4;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	h->hypercall = BIT(52);
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	h->hypercall = 0;
	t->reserved = 1;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	t->reserved = 0;
	t->reference_tsc = 2;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	t->reference_tsc = BIT(52) | 1; /* beyond memory is nowhere */
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_true(v->reference_tsc.overlay.gpa == GPA_NOWHERE);
}

/* A state of a machine whose TSC runs at another rate. */
static void test_partition_at_another_rate(void **state)
{
	struct partition *p = vp->partition;
	struct partition_state_tsc_control *c;
	struct partition_state_time *time;
	struct vp_state_tsc tsc;
	uint64_t size, used;

	(void)state;
	p->hv->tsc.reenlightenment = 0x10055;
	p->hv->tsc.emulation = 1;
	assert_int_equal(partition_freeze(p), STATUS_OK);
	assert_int_equal(partition_save(p, SAVED, STATE_SIZE_MAX, &size), STATUS_OK);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_TSC, &tsc, sizeof(tsc), &used), STATUS_OK);
	time = (void *)(record_of(SAVED, PARTITION_STATE_TIME) + 1);
	c = (void *)(record_of(SAVED, PARTITION_STATE_TSC_CONTROL) + 1);
	assert_int_equal(time->tsc_hz, timestamp_hz);
	assert_int_equal(c->reenlightenment, 0x10055);
	assert_int_equal(c->emulation, 1);
	time->tsc_hz = timestamp_hz / 2 * 3;
	/* Only both together are a wish. */
	c->emulation = 0;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	c->emulation = 1;
	c->reenlightenment = 0x55;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	assert_int_equal(p->arch.tsc_ratio, 0);
	c->reenlightenment = 0x10055;
	time->tsc_hz = timestamp_hz * 17;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	time->tsc_hz = timestamp_hz / 17;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	time->tsc_hz = 0;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	time->tsc_hz = timestamp_hz / 2 * 3;
	/* what no guest can have */
	c->emulation = 3;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	c->emulation = 1;
	c->invariant = 2;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	c->invariant = 0;
	c->reenlightenment = 2ull << 32 | 0x10055;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	c->reenlightenment = 0x10055;
	p->hv->privileges &= ~HV_PRIVILEGE_REENLIGHTENMENT;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_INVALID_REGISTER_VALUE);
	p->hv->privileges |= HV_PRIVILEGE_REENLIGHTENMENT;

	stub_requests[0] = stub_requests[1] = 0;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_true(stub_requests[0] & stub_requests[1] & VP_REQUEST_TSC);
	assert_true(p->hv->tsc.emulated && atomic_load(&p->hv->tsc.announce));
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_TSC, &tsc, used), STATUS_OK);
	assert_int_equal(vp_state_set(p->vps[1], 0, VP_STATE_TSC, &tsc, used), STATUS_OK);
	assert_int_equal(partition_thaw(p), STATUS_OK);
	fake_timestamp += 2000;
	assert_int_equal(guest_tsc_read(vp), tsc.tsc + 3000);
	assert_int_equal(guest_tsc_read(p->vps[1]), tsc.tsc + 3000);
	/* It is saved with the rate that its guest sees, and time goes on at it. */
	assert_int_equal(partition_save(p, SAVED, STATE_SIZE_MAX, &size), STATUS_OK);
	assert_int_equal(time->tsc_hz, timestamp_hz / 2 * 3);
	assert_int_equal(vp_state_get(vp, 0, VP_STATE_TSC, &tsc, sizeof(tsc), &used), STATUS_OK);
	fake_timestamp += timestamp_hz;
	assert_int_equal(vp_state_set(vp, 0, VP_STATE_TSC, &tsc, used), STATUS_OK);
	assert_int_equal(guest_tsc_read(vp), tsc.tsc + timestamp_hz / 2 * 3);
	/* At this machine's rate there is nothing to emulate. */
	time->tsc_hz = timestamp_hz;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_false(p->hv->tsc.emulated);
	assert_int_equal(p->arch.tsc_ratio, 0);
	assert_int_equal(vp->arch.tsc_ratio, 0);
}

/* A processor that scales TSCs does so for each guest; its ratio has fewer bits. */
static void test_partition_that_is_scaled(void **state)
{
	struct partition *p = vp->partition;
	struct partition_state_time *time;
	uint64_t size;

	(void)state;
	backend_assists = ASSIST_TSC_SCALING;
	assert_int_equal(partition_save(p, SAVED, STATE_SIZE_MAX, &size), STATUS_OK);
	time = (void *)(record_of(SAVED, PARTITION_STATE_TIME) + 1);
	time->tsc_hz = timestamp_hz / 3 * 2;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_OK);
	assert_false(p->hv->tsc.emulated);
	assert_true(p->arch.tsc_ratio && !(p->arch.tsc_ratio & 0xffff));
	guest_tsc_notice(vp);
	assert_false(vp->arch.tsc_exits);
	time->tsc_hz = timestamp_hz * 17;
	assert_int_equal(partition_restore(p, SAVED, size), STATUS_TSC_RATE);
	backend_assists = 0;
	guest_tsc_notice(vp);
	assert_true(vp->arch.tsc_exits);
}

/* Frozen timers: the count and the deadline stand still, and nothing is armed. */
static void test_timers_stand_still(void **state)
{
	struct lapic *lapic = vp_lapic(vp, 0);
	struct lapic_effects effects;
	uint32_t before, after;

	(void)state;
	assert_true(lapic_write(lapic, LAPIC_SVR, 0x1ff, fake_timestamp, &effects));
	assert_true(lapic_write(lapic, LAPIC_TIMER, 0x41, fake_timestamp, &effects));
	assert_true(lapic_write(lapic, LAPIC_INITIAL_COUNT, 1000000, fake_timestamp, &effects));
	fake_timestamp += 2000;
	assert_true(guest_lapic_read(vp, 0, LAPIC_CURRENT_COUNT, &before));
	assert_int_equal(partition_freeze(vp->partition), STATUS_OK);
	fake_timestamp += timestamp_hz * 10;
	guest_lapic_timer_update(vp);
	assert_int_equal(vp->vtl[0]->arch.lapic_timer.deadline, TIMER_NEVER);
	assert_true(guest_lapic_read(vp, 0, LAPIC_CURRENT_COUNT, &after));
	assert_int_equal(after, before);
	assert_int_equal(partition_thaw(vp->partition), STATUS_OK);
	assert_true(guest_lapic_read(vp, 0, LAPIC_CURRENT_COUNT, &after));
	assert_int_equal(after, before);
	guest_lapic_timer_update(vp);
	assert_true(vp->vtl[0]->arch.lapic_timer.deadline > fake_timestamp);
	assert_int_not_equal(vp->vtl[0]->arch.lapic_timer.deadline, TIMER_NEVER);
}

/* What an instruction raises comes again with it. */
static void test_events_of_instructions_are_left_out(void **state)
{
	struct arch_vp_vtl *a = &vp->vtl[0]->arch;
	const struct vp_state_activity *activity;

	(void)state;
	a->work |= WORK_EVENT;
	a->event.vector = 3;
	for (a->event.type = EVENT_INTERRUPT; a->event.type <= EVENT_SOFTWARE_EXCEPTION;
	     a->event.type++) {
		save(SAVED);
		activity = (const void *)(record_of(SAVED, VP_STATE_ACTIVITY) + 1);
		assert_int_equal(activity->interruption != 0, a->event.type <= EVENT_EXCEPTION);
	}
	a->work &= ~(uint32_t)WORK_EVENT;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_xsave_of_another_maker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partition_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partition_hyperv, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partition_at_another_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partition_that_is_scaled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_of_instructions_are_left_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_timers_stand_still, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

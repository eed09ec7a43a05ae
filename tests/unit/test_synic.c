/* SPDX-License-Identifier: MIT */
/* Messages, their queues and slots, event flags, and the sources, whatever a guest does to its pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <trivet/hv/features.h>

#include "synic_stubs.h"

#define VECTOR	   0x51u
#define SINT	   2u
#define OTHER	   3u
#define PAGE	   0x5000u
#define TYPE	   0x1234u
#define PRIVILEGES (HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS)
#define ALONE	   (1 + SYNIC_MESSAGES - HV_SINT_COUNT) /* so many wait for one SINT */

static struct vp *vp;

static struct hv_message *slot(uint32_t sint)
{
	return (struct hv_message *)vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.page + sint;
}

static uint8_t *flags(uint32_t sint)
{
	return (uint8_t *)vp_synic(vp, 0)->page[SYNIC_EVENTS].overlay.page + 256 * sint;
}

static status_t post(uint32_t sint, uint64_t number)
{
	struct hv_message message = {
		.type = TYPE, .payload_size = 8, .flags = 0xff, .reserved = 1, .origin = 77};

	memcpy(message.payload, &number, sizeof(number));
	return synic_post_message(vp, 0, sint, &message);
}

static uint64_t number(const struct hv_message *message)
{
	uint64_t value;

	memcpy(&value, message->payload, sizeof(value));
	return value;
}

static bool pending(uint32_t sint)
{
	return slot(sint)->flags & HV_MESSAGE_PENDING;
}

/* As a guest does it. */
static void empty(uint32_t sint)
{
	slot(sint)->type = HV_MESSAGE_NONE;
	if (pending(sint))
		synic_message_end(vp, 0);
}

static void enable(void)
{
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, PAGE | HV_SYNIC_ENABLE),
			 STATUS_OK);
	assert_int_equal(synic_page_set(vp, 0, SYNIC_EVENTS, 2 * PAGE | HV_SYNIC_ENABLE),
			 STATUS_OK);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	synic_sint_set(vp, 0, SINT, VECTOR);
}

static int setup(void **state)
{
	(void)state;
	stub_allows = UINT32_MAX;
	vp = stub_vp_create(PRIVILEGES);
	return vp ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stub_vp_destroy(vp);
	return stub_memory == 0 ? 0 : -1;
}

static void test_slot(void **state)
{
	(void)state;
	enable();
	assert_int_equal(post(SINT, 1), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 1);
	assert_int_equal(slot(SINT)->type, TYPE);
	assert_int_equal(slot(SINT)->payload_size, 8);
	assert_int_equal(slot(SINT)->flags, 0);
	assert_int_equal(slot(SINT)->reserved, 0);
	assert_int_equal(slot(SINT)->origin, 77);
	assert_int_equal(number(slot(SINT)), 1);
	empty(SINT);
	assert_int_equal(post(SINT, 2), STATUS_OK);
	assert_int_equal(number(slot(SINT)), 2);
	assert_int_equal(interrupts_take(VECTOR), 1);
}

/* In the order in which they were posted, one interrupt each, and the flag while one waits. */
static void test_queue(void **state)
{
	uint64_t i;

	(void)state;
	enable();
	for (i = 0; i < 5; i++)
		assert_int_equal(post(SINT, i), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 1);
	for (i = 0; i < 5; i++) {
		assert_int_equal(number(slot(SINT)), i);
		assert_int_equal(pending(SINT), i < 4);
		empty(SINT);
		assert_int_equal(interrupts_take(VECTOR), i < 4);
	}
	assert_int_equal(slot(SINT)->type, HV_MESSAGE_NONE);
	synic_message_end(vp, 0);
	assert_int_equal(interrupts_take(VECTOR), 0);
}

/* The end of a message tells nothing while the slot is full, and a post looks too. */
static void test_slot_emptied_without_an_end(void **state)
{
	(void)state;
	enable();
	assert_int_equal(post(SINT, 1) | post(SINT, 2), STATUS_OK);
	synic_message_end(vp, 0);
	assert_int_equal(number(slot(SINT)), 1);
	assert_int_equal(interrupts_take(VECTOR), 1);
	slot(SINT)->type = HV_MESSAGE_NONE;
	assert_int_equal(post(SINT, 3), STATUS_OK);
	assert_int_equal(number(slot(SINT)), 2);
	assert_true(pending(SINT));
	assert_int_equal(interrupts_take(VECTOR), 1);
	empty(SINT);
	assert_int_equal(number(slot(SINT)), 3);
}

/* As many as may; every other source still has room for one. */
static void test_full(void **state)
{
	uint64_t i;
	uint32_t sint;

	(void)state;
	enable();
	assert_int_equal(post(SINT, 0), STATUS_OK);
	for (i = 1; i <= ALONE; i++)
		assert_int_equal(post(SINT, i), STATUS_OK);
	assert_int_equal(post(SINT, i), STATUS_BUSY);
	for (sint = 0; sint < HV_SINT_COUNT; sint++) {
		if (sint == SINT)
			continue;
		synic_sint_set(vp, 0, sint, VECTOR);
		assert_int_equal(post(sint, 0) | post(sint, 1), STATUS_OK);
		assert_int_equal(post(sint, 2), STATUS_BUSY);
	}
	assert_int_equal(post(SINT, i), STATUS_BUSY);
	/* What was accepted is there, and one more has room for each that went. */
	for (i = 0; i <= ALONE; i++) {
		assert_int_equal(number(slot(SINT)), i);
		empty(SINT);
		if (i == 0)
			assert_int_equal(post(SINT, ALONE + 1), STATUS_OK);
	}
	assert_int_equal(number(slot(SINT)), ALONE + 1);
	for (sint = 0; sint < HV_SINT_COUNT; sint++) {
		empty(sint);
		if (sint != SINT)
			assert_int_equal(number(slot(sint)), 1);
		empty(sint);
		assert_int_equal(slot(sint)->type, HV_MESSAGE_NONE);
	}
	assert_int_equal(vp_synic(vp, 0)->free_count, SYNIC_MESSAGES);
	assert_int_equal(vp_synic(vp, 0)->idle_count, HV_SINT_COUNT);
}

/* A post that finds no room moves what it can, and the guest hears of that. */
static void test_full_and_emptied(void **state)
{
	uint64_t i;

	(void)state;
	enable();
	for (i = 0; i <= ALONE; i++)
		assert_int_equal(post(SINT, i), STATUS_OK);
	assert_int_equal(post(SINT, i), STATUS_BUSY);
	interrupts_take(VECTOR);
	slot(SINT)->type = HV_MESSAGE_NONE;
	assert_int_equal(post(SINT, i), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 1);
	assert_int_equal(number(slot(SINT)), 1);
}

static void test_refused(void **state)
{
	struct hv_message message = {.type = TYPE};
	bool was_set;

	(void)state;
	assert_int_equal(post(SINT, 0), STATUS_WRONG_STATE);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	synic_sint_set(vp, 0, SINT, VECTOR);
	assert_int_equal(post(SINT, 0), STATUS_WRONG_STATE);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 0, &was_set), STATUS_WRONG_STATE);
	enable();
	assert_int_equal(post(OTHER, 0), STATUS_WRONG_STATE);
	assert_int_equal(synic_signal_event(vp, 0, OTHER, 0, &was_set), STATUS_WRONG_STATE);
	assert_int_equal(post(HV_SINT_COUNT, 0), STATUS_NOT_FOUND);
	assert_int_equal(synic_signal_event(vp, 0, UINT32_MAX, 0, &was_set), STATUS_NOT_FOUND);
	assert_int_equal(synic_signal_event(vp, 0, SINT, HV_EVENT_FLAGS, &was_set),
			 STATUS_INVALID_ARGUMENT);
	assert_int_equal(synic_clear_event(vp, 0, SINT, HV_EVENT_FLAGS), STATUS_INVALID_ARGUMENT);
	assert_int_equal(synic_clear_event(vp, 0, HV_SINT_COUNT, 0), STATUS_NOT_FOUND);
	assert_int_equal(synic_post_message(vp, 1, SINT, &message), STATUS_INVALID_VTL);
	assert_int_equal(synic_post_message(vp, UINT32_MAX, SINT, &message), STATUS_INVALID_VTL);
	message.payload_size = HV_MESSAGE_PAYLOAD + 1;
	assert_int_equal(synic_post_message(vp, 0, SINT, &message), STATUS_INVALID_ARGUMENT);
	message.payload_size = 0;
	message.type = HV_MESSAGE_NONE;
	assert_int_equal(synic_post_message(vp, 0, SINT, &message), STATUS_INVALID_ARGUMENT);
	assert_int_equal(interrupts_take(VECTOR) | slot(SINT)->type, 0);
	synic_control_set(vp, 0, 0);
	assert_int_equal(post(SINT, 0), STATUS_WRONG_STATE);
}

static void test_no_synic(void **state)
{
	bool was_set;

	(void)state;
	stub_vp_destroy(vp);
	vp = stub_vp_create(0);
	assert_non_null(vp);
	assert_null(vp_synic(vp, 0));
	assert_int_equal(post(SINT, 0), STATUS_NOT_SUPPORTED);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 0, &was_set), STATUS_NOT_SUPPORTED);
	assert_int_equal(synic_reset(vp, 0), STATUS_OK);
	stimer_fire(vp);
	stimer_update(vp);
	stimer_cancel(vp);
	vp->partition->hv = NULL;
	assert_int_equal(synic_clear_event(vp, 0, SINT, 0), STATUS_NOT_SUPPORTED);
}

/* What waits goes on waiting while the page or the synic is off, and comes when it is on. */
static void test_page_off_with_messages(void **state)
{
	(void)state;
	enable();
	assert_int_equal(post(SINT, 1) | post(SINT, 2) | post(SINT, 3), STATUS_OK);
	interrupts_take(VECTOR);
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, PAGE), STATUS_OK);
	assert_int_equal(vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.gpa, GPA_NOWHERE);
	empty(SINT);
	assert_int_equal(slot(SINT)->type, HV_MESSAGE_NONE);
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, 3 * PAGE | 1), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 1);
	assert_int_equal(number(slot(SINT)), 2);
	synic_control_set(vp, 0, 0);
	empty(SINT);
	assert_int_equal(slot(SINT)->type, HV_MESSAGE_NONE);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	assert_int_equal(number(slot(SINT)), 3);
	assert_int_equal(interrupts_take(VECTOR), 1);
}

/* TLFS, "EOM Register": a source that is masked can be drained. */
static void test_masked(void **state)
{
	(void)state;
	enable();
	assert_int_equal(post(SINT, 1) | post(SINT, 2), STATUS_OK);
	interrupts_take(VECTOR);
	synic_sint_set(vp, 0, SINT, HV_SINT_MASKED | VECTOR);
	assert_int_equal(post(SINT, 3), STATUS_WRONG_STATE);
	empty(SINT);
	assert_int_equal(number(slot(SINT)), 2);
	assert_int_equal(interrupts_take(VECTOR), 0);
}

static void test_polling(void **state)
{
	bool was_set;

	(void)state;
	enable();
	synic_sint_set(vp, 0, SINT, HV_SINT_MASKED | HV_SINT_POLLING | VECTOR);
	assert_int_equal(post(SINT, 1) | post(SINT, 2), STATUS_OK);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 9, &was_set), STATUS_OK);
	empty(SINT);
	assert_int_equal(number(slot(SINT)), 2);
	assert_int_equal(interrupts_take(VECTOR), 0);
	assert_int_equal(flags(SINT)[1], 2);
}

static void test_events(void **state)
{
	bool was_set = true;

	(void)state;
	enable();
	synic_sint_set(vp, 0, 15, VECTOR + 1);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 3, &was_set), STATUS_OK);
	assert_false(was_set);
	assert_int_equal(flags(SINT)[0], 8);
	assert_int_equal(interrupts_take(VECTOR), 1);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 3, &was_set), STATUS_OK);
	assert_true(was_set);
	assert_int_equal(interrupts_take(VECTOR), 0);
	flags(SINT)[0] = 0;
	assert_int_equal(synic_signal_event(vp, 0, SINT, 3, &was_set), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 1);
	assert_int_equal(synic_clear_event(vp, 0, SINT, 3), STATUS_OK);
	assert_int_equal(flags(SINT)[0], 0);
	assert_int_equal(synic_clear_event(vp, 0, SINT, 3), STATUS_OK);
	assert_int_equal(synic_signal_event(vp, 0, 15, HV_EVENT_FLAGS - 1, &was_set), STATUS_OK);
	assert_int_equal(flags(15)[255], 0x80);
	assert_int_equal(interrupts_take(VECTOR + 1), 1);
	assert_int_equal(synic_page_set(vp, 0, SYNIC_EVENTS, 0), STATUS_OK);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 3, &was_set), STATUS_WRONG_STATE);
}

static bool ends_itself(uint8_t vector)
{
	return stub_auto_eoi[vector / 32] & BIT(vector % 32);
}

/* Of sources that share a vector one is enough; one that sends no interrupt does not count. */
static void test_auto_eoi(void **state)
{
	(void)state;
	enable();
	assert_false(ends_itself(VECTOR));
	synic_sint_set(vp, 0, OTHER, HV_SINT_AUTO_EOI | VECTOR);
	assert_true(ends_itself(VECTOR));
	synic_sint_set(vp, 0, 4, HV_SINT_AUTO_EOI | 0xff);
	assert_true(ends_itself(0xff) && ends_itself(VECTOR));
	synic_sint_set(vp, 0, OTHER, HV_SINT_AUTO_EOI | HV_SINT_MASKED | VECTOR);
	assert_false(ends_itself(VECTOR));
	synic_sint_set(vp, 0, 4, HV_SINT_AUTO_EOI | HV_SINT_POLLING | 0xff);
	assert_false(ends_itself(0xff));
}

static void test_shared_vector(void **state)
{
	(void)state;
	enable();
	synic_sint_set(vp, 0, OTHER, VECTOR);
	assert_int_equal(post(SINT, 1) | post(OTHER, 2), STATUS_OK);
	assert_int_equal(interrupts_take(VECTOR), 2);
	assert_int_equal(post(SINT, 3) | post(OTHER, 4), STATUS_OK);
	slot(SINT)->type = slot(OTHER)->type = HV_MESSAGE_NONE;
	synic_message_end(vp, 0);
	assert_int_equal(interrupts_take(VECTOR), 2);
	assert_int_equal(number(slot(SINT)), 3);
	assert_int_equal(number(slot(OTHER)), 4);
}

static void test_pages(void **state)
{
	struct gpa_overlay *overlay = &vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay;

	(void)state;
	enable();
	assert_int_equal(overlay->gpa, PAGE);
	assert_true(overlay->writable);
	stub_move_status = STATUS_BUSY;
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, 0), STATUS_BUSY);
	assert_int_equal(vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].value, PAGE | 1);
	stub_move_status = STATUS_OK;
	/* Beyond the guest's memory it is nowhere, and messages go there. */
	assert_int_equal(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, BIT(60) | 0xfff), STATUS_OK);
	assert_int_equal(overlay->gpa, GPA_NOWHERE);
	assert_int_equal(vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].value, BIT(60) | 0xfff);
	assert_int_equal(post(SINT, 1), STATUS_OK);
	assert_int_equal(number(slot(SINT)), 1);
}

/* The guest writes whatever it likes; what was accepted comes when the slots are empty. */
static void test_hostile_pages(void **state)
{
	uint64_t i;

	(void)state;
	enable();
	for (i = 0; i < 4; i++)
		assert_int_equal(post(SINT, i), STATUS_OK);
	memset(slot(0), 0xff, PAGE_SIZE);
	memset(flags(0), 0xff, PAGE_SIZE);
	synic_message_end(vp, 0);
	assert_int_equal(slot(SINT)->type, UINT32_MAX);
	memset(slot(0), 0, PAGE_SIZE);
	for (i = 1; i < 4; i++) {
		synic_message_end(vp, 0);
		assert_int_equal(number(slot(SINT)), i);
		slot(SINT)->type = HV_MESSAGE_NONE;
	}
}

static void test_reset(void **state)
{
	const struct synic *synic = vp_synic(vp, 0);
	unsigned int i;
	bool was_set;

	(void)state;
	enable();
	synic_sint_set(vp, 0, OTHER, HV_SINT_AUTO_EOI | VECTOR);
	for (i = 0; i <= ALONE; i++)
		assert_int_equal(post(SINT, i), STATUS_OK);
	assert_int_equal(synic_signal_event(vp, 0, SINT, 3, &was_set), STATUS_OK);
	stimer_config_set(vp, 0, 1, HV_STIMER_DIRECT | HV_STIMER_ENABLED | VECTOR << 4);
	stimer_count_set(vp, 0, 1, UINT32_MAX);
	assert_true(stub_armed != TIMER_NEVER);
	stub_move_status = STATUS_BUSY;
	assert_int_equal(synic_reset(vp, 0), STATUS_BUSY);
	stub_move_status = STATUS_OK;
	assert_int_equal(synic_reset(vp, 0), STATUS_OK);
	assert_true(synic->control == 0 && synic->waiting == 0 && stub_armed == TIMER_NEVER);
	assert_int_equal(synic->free_count, SYNIC_MESSAGES);
	for (i = 0; i < HV_SINT_COUNT; i++)
		assert_int_equal(synic->sint[i], HV_SINT_MASKED);
	for (i = 0; i < SYNIC_PAGES; i++) {
		assert_int_equal(synic->page[i].value, 0);
		assert_int_equal(synic->page[i].overlay.gpa, GPA_NOWHERE);
		assert_int_equal(*(uint64_t *)synic->page[i].overlay.page, 0);
	}
	assert_int_equal(slot(SINT)->type | flags(SINT)[0], 0);
	assert_false(ends_itself(VECTOR));
	for (i = 0; i < HV_STIMER_COUNT; i++)
		assert_int_equal(synic->stimer[i].config | synic->stimer[i].count, 0);
	enable();
	assert_int_equal(post(SINT, 5), STATUS_OK);
	assert_int_equal(number(slot(SINT)), 5);
}

/* ---- state ---- */

static struct vp_state_synic registers;
static struct vp_state_queues queues;
static struct vp_state_timers timers;

static void states_get(void)
{
	memset(&registers, 0, sizeof(registers));
	memset(&queues, 0, sizeof(queues));
	memset(&timers, 0, sizeof(timers));
	synic_state_get(vp, 0, VP_STATE_SYNIC_MSRS, &registers);
	synic_state_get(vp, 0, VP_STATE_SYNIC_QUEUES, &queues);
	synic_state_get(vp, 0, VP_STATE_SYNIC_TIMERS, &timers);
}

static status_t state_place(const struct vp_state_synic *state)
{
	struct gpa_overlay_place places[SYNIC_STATE_PLACES];

	synic_state_places(vp, 0, state, places);
	return gpa_overlays_move(vp->vtl[0]->space, places, SYNIC_STATE_PLACES);
}

static void test_state(void **state)
{
	static uint8_t pages[2][PAGE_SIZE];
	struct vp_state_queues before;
	uint64_t i;

	(void)state;
	enable();
	synic_sint_set(vp, 0, OTHER, HV_SINT_AUTO_EOI | VECTOR);
	for (i = 0; i < 4; i++)
		assert_int_equal(post(SINT, i) | post(OTHER, 10 + i), STATUS_OK);
	stimer_config_set(vp, 0, 3,
			  HV_STIMER_AUTO_ENABLE | (uint64_t)OTHER << HV_STIMER_SINT_SHIFT);
	stimer_count_set(vp, 0, 3, 5); /* long ago */
	stimer_config_set(vp, 0, 1, HV_STIMER_AUTO_ENABLE | HV_STIMER_DIRECT | VECTOR << 4);
	stimer_count_set(vp, 0, 1, UINT32_MAX);
	states_get();
	synic_state_get(vp, 0, VP_STATE_SYNIC_MESSAGE_PAGE, pages[0]);
	synic_state_get(vp, 0, VP_STATE_SYNIC_EVENT_PAGE, pages[1]);
	assert_int_equal(queues.count, 7);
	assert_int_equal(queues.entry[6].timer, 4);
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_MSRS, &registers));
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_QUEUES, &queues));
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_TIMERS, &timers));
	before = queues;

	teardown(NULL);
	setup(NULL);
	stub_move_status = STATUS_BUSY;
	assert_int_equal(state_place(&registers), STATUS_BUSY);
	stub_move_status = STATUS_OK;
	assert_int_equal(state_place(&registers), STATUS_OK);
	synic_state_set(vp, 0, VP_STATE_SYNIC_MSRS, &registers);
	synic_state_set(vp, 0, VP_STATE_SYNIC_MESSAGE_PAGE, pages[0]);
	synic_state_set(vp, 0, VP_STATE_SYNIC_EVENT_PAGE, pages[1]);
	synic_state_set(vp, 0, VP_STATE_SYNIC_QUEUES, &queues);
	synic_state_set(vp, 0, VP_STATE_SYNIC_TIMERS, &timers);
	states_get();
	assert_memory_equal(&queues, &before, sizeof(before));
	assert_true(ends_itself(VECTOR));
	assert_true(stub_armed != TIMER_NEVER);
	assert_int_equal(vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.gpa, PAGE);
	assert_int_equal(interrupts_take(VECTOR), 0);
	for (i = 0; i < 4; i++) {
		assert_true(number(slot(SINT)) == i && number(slot(OTHER)) == 10 + i);
		empty(SINT);
		empty(OTHER);
	}
	assert_int_equal(slot(OTHER)->type, HV_MESSAGE_TIMER_EXPIRED);
	assert_int_equal(vp_synic(vp, 0)->free_count, SYNIC_MESSAGES);
	assert_int_equal(vp_synic(vp, 0)->idle_count, HV_SINT_COUNT);
}

static void refuses(uint32_t element, void *data, void *at, uint64_t value, size_t size)
{
	uint8_t kept[8];

	assert_true(synic_state_valid(vp, element, data));
	memcpy(kept, at, size);
	memcpy(at, &value, size);
	assert_false(synic_state_valid(vp, element, data));
	memcpy(at, kept, size);
}

#define REFUSES(element, data, member, value) \
	refuses(element, &(data), &(data).member, value, sizeof((data).member))

static void test_states_refused(void **state)
{
	uint32_t i;

	(void)state;
	enable();
	assert_int_equal(post(SINT, 0) | post(SINT, 1), STATUS_OK);
	stimer_config_set(vp, 0, 0, HV_STIMER_AUTO_ENABLE | (uint64_t)SINT << 16);
	stimer_count_set(vp, 0, 0, 5);
	stimer_count_set(vp, 0, 0, UINT32_MAX);
	states_get();
	REFUSES(VP_STATE_SYNIC_MSRS, registers, version, 2);
	REFUSES(VP_STATE_SYNIC_MSRS, registers, sint[3], 15);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, count, 3);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, count, 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, count, UINT32_MAX);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, reserved, 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].sint, 16);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[1].sint, 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].timer, 5);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[1].timer, 2);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].message.type, 0);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].message.flags, 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].message.payload_size, 241);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[0].message.payload[8], 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[1].message.payload[16], 1);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[1].message.type, 7);
	REFUSES(VP_STATE_SYNIC_QUEUES, queues, entry[35].message.origin, 1);
	REFUSES(VP_STATE_SYNIC_TIMERS, timers, timer[0].config, BIT(20));
	REFUSES(VP_STATE_SYNIC_TIMERS, timers, timer[0].config, HV_STIMER_ENABLED);
	REFUSES(VP_STATE_SYNIC_TIMERS, timers, timer[0].expiration, UINT64_MAX);
	REFUSES(VP_STATE_SYNIC_TIMERS, timers, timer[0].expiration, 1);
	REFUSES(VP_STATE_SYNIC_TIMERS, timers, timer[1].expiration, 1);
	/* a timer twice */
	queues.entry[2] = queues.entry[1];
	queues.count = 3;
	assert_false(synic_state_valid(vp, VP_STATE_SYNIC_QUEUES, &queues));
	/* more than may wait for one source */
	memset(&queues, 0, sizeof(queues));
	for (i = 0; i <= ALONE; i++)
		queues.entry[i].message.type = TYPE;
	queues.count = ALONE;
	queues.entry[ALONE].message.type = 0;
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_QUEUES, &queues));
	queues.entry[ALONE].message.type = TYPE;
	queues.count = ALONE + 1;
	assert_false(synic_state_valid(vp, VP_STATE_SYNIC_QUEUES, &queues));
}

static void test_states_at_reset(void **state)
{
	struct vp_state_synic reset_registers = {0};
	struct vp_state_timers reset_timers = {0};

	(void)state;
	synic_state_reset(VP_STATE_SYNIC_MSRS, &reset_registers);
	synic_state_reset(VP_STATE_SYNIC_TIMERS, &reset_timers);
	states_get();
	assert_memory_equal(&registers, &reset_registers, sizeof(registers));
	assert_memory_equal(&timers, &reset_timers, sizeof(timers));
	assert_int_equal(queues.count, 0);
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_MSRS, &registers));
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_QUEUES, &queues));
	assert_true(synic_state_valid(vp, VP_STATE_SYNIC_TIMERS, &timers));
}

static void test_without_memory(void **state)
{
	unsigned int allowed = 0;

	(void)state;
	stub_vp_destroy(vp);
	do {
		stub_allows = allowed++;
		vp = stub_vp_create(PRIVILEGES);
		assert_true(vp || stub_memory == 0);
	} while (!vp);
	assert_int_equal(allowed, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slot_emptied_without_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_and_emptied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_synic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_off_with_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_masked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_polling, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_auto_eoi, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_vector, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states_at_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

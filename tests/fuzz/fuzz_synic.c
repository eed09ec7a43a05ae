/* SPDX-License-Identifier: MIT */
/*
 * A synic and its timers under random registers, messages, events, a guest that scribbles over its pages, time
 * that passes, and saved states. After each step the queues are whole, and what waits is the end of what was
 * accepted, in its order.
 *
 * Each step is eleven bytes: what, which, and a value, whose use depends on the first.
 */
#include "synic_stubs.h"
#include <stdlib.h>
#include <string.h>
#include <trivet/hv/features.h>

#define STEP	    11u
#define TYPE	    5u
#define ACCEPTED    (SYNIC_MESSAGES + 1)
#define FIRES_MAX   64u
#define VECTOR_FREE 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vp *vp;
/* By source: the numbers of the last messages that were accepted. */
static struct {
	uint64_t number[ACCEPTED];
	uint32_t count;
} accepted[HV_SINT_COUNT];
static uint64_t next_number;

static void check(bool promise)
{
	if (!promise)
		abort();
}

static uint64_t number_of(const struct hv_message *message)
{
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	return number;
}

/* ---- what holds ---- */

static uint32_t queue_walk(const struct synic *synic, uint32_t sint, uint32_t *timers)
{
	const struct synic_queue *queue = &synic->queue[sint];
	uint32_t steps = 0, messages = 0, first;
	uint8_t node = queue->first;

	if (!(synic->waiting & BIT(sint)))
		return 0;
	check(queue->messages <= accepted[sint].count);
	first = accepted[sint].count - queue->messages;
	for (;; node = synic->next[node]) {
		check(node < SYNIC_NODES && ++steps <= SYNIC_NODES);
		if (synic_node_is_timer(node)) {
			check(!(*timers & BIT(node - SYNIC_MESSAGES)));
			*timers |= (uint32_t)BIT(node - SYNIC_MESSAGES);
		} else {
			check(number_of(&synic->pool[node]) ==
			      accepted[sint].number[first + messages]);
			messages++;
		}
		if (node == queue->last)
			break;
	}
	check(messages == queue->messages);
	return messages;
}

/* Those that are not in the queue any more went into the slot. */
static void accepted_trim(uint32_t sint, uint32_t waiting)
{
	uint32_t gone = accepted[sint].count - waiting;

	memmove(accepted[sint].number, accepted[sint].number + gone, waiting * sizeof(uint64_t));
	accepted[sint].count = waiting;
}

static void promises(void)
{
	const struct synic *synic = vp_synic(vp, 0);
	uint32_t timers = 0, sum = 0, idle = 0, sint, n;

	for (sint = 0; sint < HV_SINT_COUNT; sint++) {
		uint32_t messages = queue_walk(synic, sint, &timers);

		accepted_trim(sint, messages);
		sum += messages;
		idle += !messages;
		check(arch_synic_sint_valid(synic->sint[sint]));
	}
	check(timers == synic->timers);
	check(sum + synic->free_count == SYNIC_MESSAGES && idle == synic->idle_count);
	check(synic->free_count >= synic->idle_count);
	for (n = 0; n < HV_STIMER_COUNT; n++) {
		const struct stimer *timer = &synic->stimer[n];

		check(timer->at >= timer->expiration || timer->at == STIMER_NEVER);
		check((timer->expiration == STIMER_NEVER) == (timer->at == STIMER_NEVER));
	}
}

/* ---- steps ---- */

static void post(uint32_t sint, uint64_t value)
{
	struct hv_message message = {.type = TYPE, .payload_size = (uint8_t)(8 + value % 240)};
	status_t status;

	memcpy(message.payload, &next_number, sizeof(next_number));
	status = synic_post_message(vp, 0, sint, &message);
	if (message.payload_size > HV_MESSAGE_PAYLOAD)
		check(status != STATUS_OK);
	if (status != STATUS_OK)
		return;
	check(sint < HV_SINT_COUNT && accepted[sint].count < ACCEPTED);
	accepted[sint].number[accepted[sint].count++] = next_number++;
}

static void registers_write(uint32_t which, uint64_t value)
{
	uint32_t n = which % HV_STIMER_COUNT;

	switch (which >> 4) {
	case 0:
		if (arch_synic_sint_valid(value))
			synic_sint_set(vp, 0, which % HV_SINT_COUNT, value);
		break;
	case 1: synic_control_set(vp, 0, value); break;
	case 2:
		check(synic_page_set(vp, 0, which & 1 ? SYNIC_EVENTS : SYNIC_MESSAGES_PAGE,
				     value) == STATUS_OK);
		break;
	case 3: stimer_config_set(vp, 0, n, value & HV_STIMER_DEFINED); break;
	case 4: stimer_count_set(vp, 0, n, value); break;
	case 5:
		stimer_count_set(vp, 0, n, partition_reference_time(vp->partition) + value % 5000);
		break;
	default: synic_message_end(vp, 0); break;
	}
}

static void scribble(uint32_t which, uint64_t value)
{
	struct synic *synic = vp_synic(vp, 0);
	uint8_t *page = synic->page[which & 1].overlay.page;

	memcpy(page + (which * 64 + (uint32_t)value % 64) % (PAGE_SIZE - 8), &value, 8);
	if (which & 2)
		memset(page, 0, PAGE_SIZE);
}

/* A guest cannot have the timer's interrupt come without end. */
static void time_pass(uint64_t units)
{
	uint64_t end = fake_timestamp + units % 100000 * UNIT_TICKS;
	unsigned int fires = 0;

	while (stub_armed <= end && fires++ < FIRES_MAX) {
		fake_timestamp = MAX(fake_timestamp, stub_armed);
		stub_armed = TIMER_NEVER;
		vp_synic(vp, 0)->timer.deadline = TIMER_NEVER;
		stimer_fire(vp);
		check(stub_armed > fake_timestamp);
	}
	fake_timestamp = end;
	stimer_fire(vp);
}

static void states(uint32_t which, uint64_t value)
{
	static const uint32_t sizes[] = {sizeof(struct vp_state_synic), PAGE_SIZE, PAGE_SIZE,
					 sizeof(struct vp_state_queues),
					 sizeof(struct vp_state_timers)};
	static uint64_t data[SYNIC_NODES * 34], again[SYNIC_NODES * 34];
	uint32_t element = VP_STATE_SYNIC_MSRS + which % 5;
	struct gpa_overlay_place places[SYNIC_STATE_PLACES];

	memset(data, 0, sizeof(data));
	memset(again, 0, sizeof(again));
	synic_state_get(vp, 0, element, data);
	check(synic_state_valid(vp, element, data));
	if (which & 0x80) {
		data[value % (sizes[which % 5] / 8)] ^= value >> which % 64;
		if (!synic_state_valid(vp, element, data))
			return;
	}
	if (element == VP_STATE_SYNIC_MSRS) {
		synic_state_places(vp, 0, (void *)data, places);
		check(gpa_overlays_move(vp->vtl[0]->space, places, SYNIC_STATE_PLACES) ==
		      STATUS_OK);
	}
	synic_state_set(vp, 0, element, data);
	synic_state_get(vp, 0, element, again);
	check(!memcmp(data, again, sizeof(data)));
	if (element == VP_STATE_SYNIC_QUEUES && (which & 0x80)) { /* others wait now */
		synic_state_reset(element, memset(data, 0, sizeof(data)));
		synic_state_set(vp, 0, element, data);
	}
}

static void step(const uint8_t *bytes)
{
	uint32_t which = bytes[1] | (uint32_t)bytes[2] << 8;
	uint64_t value;
	bool was_set;

	memcpy(&value, bytes + 3, sizeof(value));
	switch (bytes[0] % 8) {
	case 0: post(which % VECTOR_FREE + (which >> 12 == 15), value); break;
	case 1:
		(void)synic_signal_event(vp, 0, which & 31, (uint32_t)value & 0xfff, &was_set);
		break;
	case 2: (void)synic_clear_event(vp, 0, which & 31, (uint32_t)value & 0xfff); break;
	case 3: registers_write(which & 0x7f, value); break;
	case 4: scribble(which, value); break;
	case 5: time_pass(value); break;
	case 6: states(which & 0xff, value); break;
	default:
		if (which == 0)
			check(synic_reset(vp, 0) == STATUS_OK);
		else
			synic_message_end(vp, 0);
		break;
	}
	promises();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t sint;

	stub_allows = UINT32_MAX;
	memset(accepted, 0, sizeof(accepted));
	vp = stub_vp_create(HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS);
	check(vp);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	check(synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, 0x5001) == STATUS_OK);
	for (sint = 0; sint < HV_SINT_COUNT; sint += 2)
		synic_sint_set(vp, 0, sint, 0x50 + sint);
	for (; size >= STEP; data += STEP, size -= STEP)
		step(data);
	stub_vp_destroy(vp);
	return 0;
}

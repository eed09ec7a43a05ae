/* SPDX-License-Identifier: MIT */
/*
 * The synic as elements of a VP's state. What waits in queues goes on waiting after a restore, as it did
 * before; timers that run go on in reference time.
 */
#include <kernel/string.h>
#include <kernel/synic.h>

static_assert(SYNIC_MESSAGES == VP_STATE_POSTED && SYNIC_NODES == VP_STATE_QUEUED, "ABI");
static_assert(STIMER_NEVER == UINT64_MAX, "ABI");

static enum synic_page page_of(uint32_t element)
{
	return element == VP_STATE_SYNIC_MESSAGE_PAGE ? SYNIC_MESSAGES_PAGE : SYNIC_EVENTS;
}

static void message_clean(struct hv_message *to, const struct hv_message *from)
{
	to->type = from->type;
	to->payload_size = from->payload_size;
	to->origin = from->origin;
	memcpy(to->payload, from->payload, from->payload_size);
}

static void timer_message(struct hv_message *to, uint32_t n, uint64_t due)
{
	struct hv_timer_message *timer = (void *)to->payload;

	to->type = HV_MESSAGE_TIMER_EXPIRED;
	to->payload_size = sizeof(*timer);
	timer->timer = n;
	timer->expiration = due;
}

/* ---- to be saved ---- */

static void registers_get(const struct synic *synic, struct vp_state_synic *state)
{
	state->control = synic->control;
	state->version = HV_SYNIC_VERSION;
	state->events = synic->page[SYNIC_EVENTS].value;
	state->messages = synic->page[SYNIC_MESSAGES_PAGE].value;
	memcpy(state->sint, synic->sint, sizeof(state->sint));
}

static void node_get(const struct synic *synic, uint32_t sint, uint8_t node,
		     struct vp_state_message *entry)
{
	uint32_t n = node - SYNIC_MESSAGES;

	entry->sint = sint;
	if (!synic_node_is_timer(node)) {
		message_clean(&entry->message, &synic->pool[node]);
		return;
	}
	entry->timer = n + 1;
	timer_message(&entry->message, n, synic->stimer[n].due);
}

static void queues_get(const struct synic *synic, struct vp_state_queues *state)
{
	uint32_t sint;
	uint8_t node;

	for (sint = 0; sint < HV_SINT_COUNT; sint++) {
		const struct synic_queue *queue = &synic->queue[sint];

		if (!(synic->waiting & BIT(sint)))
			continue;
		for (node = queue->first;; node = synic->next[node]) { /* ends: at the last */
			node_get(synic, sint, node, &state->entry[state->count++]);
			if (node == queue->last)
				break;
		}
	}
}

static void timers_get(const struct synic *synic, struct vp_state_timers *state)
{
	uint32_t n;

	for (n = 0; n < HV_STIMER_COUNT; n++) {
		state->timer[n].config = synic->stimer[n].config;
		state->timer[n].count = synic->stimer[n].count;
		state->timer[n].expiration = synic->stimer[n].expiration;
	}
}

void synic_state_get(struct vp *vp, uint32_t vtl, uint32_t element, void *data)
{
	struct synic *synic = vp_synic(vp, vtl);

	spin_lock(&synic->lock);
	switch (element) {
	case VP_STATE_SYNIC_MSRS: registers_get(synic, data); break;
	case VP_STATE_SYNIC_QUEUES: queues_get(synic, data); break;
	case VP_STATE_SYNIC_TIMERS: timers_get(synic, data); break;
	default: memcpy(data, synic->page[page_of(element)].overlay.page, PAGE_SIZE); break;
	}
	spin_unlock(&synic->lock);
}

void synic_state_reset(uint32_t element, void *data)
{
	struct vp_state_synic *registers = data;
	struct vp_state_timers *timers = data;
	uint32_t i;

	if (element == VP_STATE_SYNIC_MSRS) {
		registers->version = HV_SYNIC_VERSION;
		for (i = 0; i < HV_SINT_COUNT; i++)
			registers->sint[i] = HV_SINT_MASKED;
	}
	if (element == VP_STATE_SYNIC_TIMERS)
		for (i = 0; i < HV_STIMER_COUNT; i++)
			timers->timer[i].expiration = STIMER_NEVER;
}

/* ---- to be checked ---- */

static bool registers_valid(const struct vp_state_synic *state)
{
	uint32_t i;

	for (i = 0; i < HV_SINT_COUNT; i++)
		if (!arch_synic_sint_valid(state->sint[i]))
			return false;
	return state->version == HV_SYNIC_VERSION;
}

/* Nothing is set but what it is made of. */
static bool message_valid(const struct vp_state_message *entry)
{
	const struct hv_timer_message *timer = (const void *)entry->message.payload;
	struct hv_message clean;

	memset(&clean, 0, sizeof(clean));
	if (entry->timer)
		timer_message(&clean, entry->timer - 1, timer->expiration);
	else if (entry->message.type && entry->message.payload_size <= HV_MESSAGE_PAYLOAD)
		message_clean(&clean, &entry->message);
	else
		return false;
	return !memcmp(&clean, &entry->message, sizeof(clean));
}

/* What is known of the entries before one. */
struct queue_check {
	uint32_t sint;	  /* of the last */
	uint32_t timers;  /* bit n: that of timer n was there */
	uint32_t sources; /* bit n: that one has a message that was posted */
	uint32_t posted;
};

static bool entry_valid(struct queue_check *check, const struct vp_state_message *entry)
{
	if (entry->sint >= HV_SINT_COUNT || entry->sint < check->sint ||
	    entry->timer > HV_STIMER_COUNT || !message_valid(entry))
		return false;
	check->sint = entry->sint;
	if (!entry->timer) {
		check->posted++;
		check->sources |= (uint32_t)BIT(entry->sint);
		return true;
	}
	if (check->timers & BIT(entry->timer))
		return false;
	check->timers |= (uint32_t)BIT(entry->timer);
	return true;
}

static bool queues_valid(const struct vp_state_queues *state)
{
	static const struct vp_state_message none;
	struct queue_check check = {0};
	uint32_t i, idle = HV_SINT_COUNT;

	if (state->count > VP_STATE_QUEUED || state->reserved)
		return false;
	for (i = 0; i < state->count; i++)
		if (!entry_valid(&check, &state->entry[i]))
			return false;
	for (; i < VP_STATE_QUEUED; i++)
		if (memcmp(&state->entry[i], &none, sizeof(none)))
			return false;
	for (i = 0; i < HV_SINT_COUNT; i++)
		idle -= check.sources >> i & 1;
	return check.posted + idle <= VP_STATE_POSTED;
}

static bool timers_valid(const struct vp *vp, const struct vp_state_timers *state)
{
	uint32_t n;

	for (n = 0; n < HV_STIMER_COUNT; n++) {
		uint64_t config = state->timer[n].config, count = state->timer[n].count;
		uint64_t expiration = state->timer[n].expiration;
		bool periodic = config & HV_STIMER_PERIODIC;
		bool runs = (config & HV_STIMER_ENABLED) && count &&
			    (periodic || count != STIMER_NEVER);

		if (!arch_stimer_config_valid(vp, config) || !stimer_can_run(config) ||
		    runs != (expiration != STIMER_NEVER) ||
		    (runs && !periodic && expiration != count))
			return false;
	}
	return true;
}

bool synic_state_valid(const struct vp *vp, uint32_t element, const void *data)
{
	switch (element) {
	case VP_STATE_SYNIC_MSRS: return registers_valid(data);
	case VP_STATE_SYNIC_QUEUES: return queues_valid(data);
	case VP_STATE_SYNIC_TIMERS: return timers_valid(vp, data);
	default: return true;
	}
}

/* ---- to be set ---- */

void synic_state_places(struct vp *vp, uint32_t vtl, const struct vp_state_synic *state,
			struct gpa_overlay_place places[SYNIC_STATE_PLACES])
{
	struct synic *synic = vp_synic(vp, vtl);

	places[0] = (struct gpa_overlay_place){&synic->page[SYNIC_EVENTS].overlay,
					       synic_page_place(vp, vtl, state->events)};
	places[1] = (struct gpa_overlay_place){&synic->page[SYNIC_MESSAGES_PAGE].overlay,
					       synic_page_place(vp, vtl, state->messages)};
}

static void registers_set(struct synic *synic, const struct vp_state_synic *state)
{
	synic->control = state->control;
	synic->page[SYNIC_EVENTS].value = state->events;
	synic->page[SYNIC_MESSAGES_PAGE].value = state->messages;
	memcpy(synic->sint, state->sint, sizeof(synic->sint));
}

static void queues_set(struct synic *synic, const struct vp_state_queues *state)
{
	uint32_t i;

	synic_queues_reset(synic);
	for (i = 0; i < state->count; i++) {
		const struct vp_state_message *entry = &state->entry[i];
		const struct hv_timer_message *timer = (const void *)entry->message.payload;

		if (entry->timer)
			synic_queue_timer(synic, entry->sint, entry->timer - 1, timer->expiration);
		else if (synic_queue_message(synic, entry->sint, &entry->message) != STATUS_OK)
			return; /* it is not valid */
	}
}

static void timers_set(struct synic *synic, const struct vp_state_timers *state)
{
	uint32_t n;

	for (n = 0; n < HV_STIMER_COUNT; n++) {
		struct stimer *timer = &synic->stimer[n];

		timer->config = state->timer[n].config;
		timer->count = state->timer[n].count;
		timer->expiration = timer->at = state->timer[n].expiration;
	}
}

void synic_state_set(struct vp *vp, uint32_t vtl, uint32_t element, const void *data)
{
	struct synic *synic = vp_synic(vp, vtl);

	spin_lock(&synic->lock);
	switch (element) {
	case VP_STATE_SYNIC_MSRS: registers_set(synic, data); break;
	case VP_STATE_SYNIC_QUEUES: queues_set(synic, data); break;
	case VP_STATE_SYNIC_TIMERS: timers_set(synic, data); break;
	default: memcpy(synic->page[page_of(element)].overlay.page, data, PAGE_SIZE); break;
	}
	spin_unlock(&synic->lock);
	if (element == VP_STATE_SYNIC_MSRS)
		synic_auto_eoi_tell(synic);
	if (element == VP_STATE_SYNIC_TIMERS)
		stimer_update(vp);
}

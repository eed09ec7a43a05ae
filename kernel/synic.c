/* SPDX-License-Identifier: MIT */
/*
 * Messages, event flags and their sources (TLFS, "SynIC Messages", "SynIC Event Flags"). Each source of
 * a VP has a slot in the page of messages; what does not find it empty waits in the queue of that source:
 *
 *   post --> queue --> slot --> interrupt, the guest empties the slot, and tells if its flag asks for it
 *
 * The guest can write to its pages at any time, and all that is read there is whether a slot is empty: a
 * guest that lies loses its own messages. The interrupt is sent when the lock is free again; what the source
 * says by then counts.
 */
#include <kernel/arch.h>
#include <kernel/gpa_range.h>
#include <kernel/string.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>

#define NONE	       0xffu
#define FLAGS_PER_WORD 32u
#define FLAG_WORDS     (HV_EVENT_FLAGS / FLAGS_PER_WORD)

/* ---- queues ---- */

static void queue_push(struct synic *synic, uint32_t sint, uint8_t node)
{
	struct synic_queue *queue = &synic->queue[sint];

	if (synic->waiting & BIT(sint))
		synic->next[queue->last] = node;
	else
		queue->first = node;
	queue->last = node;
	synic->next[node] = NONE;
	synic->waiting |= (uint32_t)BIT(sint);
}

/* The message stays where it is until the lock is given up. */
static uint8_t queue_pop(struct synic *synic, uint32_t sint)
{
	struct synic_queue *queue = &synic->queue[sint];
	uint8_t node = queue->first;

	queue->first = synic->next[node];
	if (queue->first == NONE)
		synic->waiting &= ~(uint32_t)BIT(sint);
	if (synic_node_is_timer(node)) {
		synic->timers &= (uint8_t)~BIT(node - SYNIC_MESSAGES);
		return node;
	}
	synic->next[node] = synic->free;
	synic->free = node;
	synic->free_count++;
	if (--queue->messages == 0)
		synic->idle_count++;
	return node;
}

/* A queue that has none can have one: of the free messages one for each of those is kept. */
status_t synic_queue_message(struct synic *synic, uint32_t sint, const struct hv_message *message)
{
	struct synic_queue *queue = &synic->queue[sint];
	uint8_t node = synic->free;

	if (queue->messages && synic->free_count <= synic->idle_count)
		return STATUS_BUSY;
	synic->free = synic->next[node];
	synic->free_count--;
	if (queue->messages++ == 0)
		synic->idle_count--;
	synic->pool[node] = *message;
	queue_push(synic, sint, node);
	return STATUS_OK;
}

void synic_queue_timer(struct synic *synic, uint32_t sint, uint32_t n, uint64_t due)
{
	synic->stimer[n].due = due;
	synic->timers |= (uint8_t)BIT(n);
	queue_push(synic, sint, (uint8_t)(SYNIC_MESSAGES + n));
}

__cold void synic_queues_reset(struct synic *synic)
{
	uint8_t node;

	synic->waiting = 0;
	synic->timers = 0;
	for (node = 0; node < SYNIC_MESSAGES; node++)
		synic->next[node] = (uint8_t)(node + 1);
	synic->free = 0;
	synic->free_count = SYNIC_MESSAGES;
	synic->idle_count = HV_SINT_COUNT;
	memset(synic->queue, 0, sizeof(synic->queue));
}

/* ---- slots ---- */

/* The flag is set before the second look, as the guest looks for it after it has emptied the slot: one of
 * the two sees what the other did. */
static bool slot_is_free(struct hv_message *slot)
{
	_Atomic uint32_t *type = (_Atomic uint32_t *)&slot->type;

	if (atomic_load(type) == HV_MESSAGE_NONE)
		return true;
	atomic_fetch_or((_Atomic uint8_t *)&slot->flags, (uint8_t)HV_MESSAGE_PENDING);
	return atomic_load(type) == HV_MESSAGE_NONE;
}

/* The type comes last: with it the slot is full. */
static void slot_fill(struct hv_message *slot, uint32_t type, uint64_t origin, const void *payload,
		      uint8_t size, bool more)
{
	memcpy(slot->payload, payload, size);
	slot->payload_size = size;
	slot->flags = more ? (uint8_t)HV_MESSAGE_PENDING : 0;
	slot->reserved = 0;
	slot->origin = origin;
	atomic_store_explicit((_Atomic uint32_t *)&slot->type, type, memory_order_release);
}

static void message_fill(struct hv_message *slot, const struct hv_message *message, bool more)
{
	slot_fill(slot, message->type, message->origin, message->payload, message->payload_size,
		  more);
}

static struct hv_message *slot_of(struct synic *synic, uint32_t sint)
{
	return (struct hv_message *)synic->page[SYNIC_MESSAGES_PAGE].overlay.page + sint;
}

static void timer_fill(struct hv_message *slot, const struct synic *synic, uint32_t n, bool more)
{
	const struct hv_timer_message timer = {
		.timer = n,
		.expiration = synic->stimer[n].due,
		.delivery = partition_reference_time(synic->vp->partition),
	};

	slot_fill(slot, HV_MESSAGE_TIMER_EXPIRED, 0, &timer, sizeof(timer), more);
}

static bool is_on(const struct synic *synic, enum synic_page which)
{
	return synic->control & synic->page[which].value & HV_SYNIC_ENABLE;
}

/* The first of those that wait, into its slot. True: it is there, and the guest is to be told. */
static bool queue_deliver(struct synic *synic, uint32_t sint)
{
	struct hv_message *slot = slot_of(synic, sint);
	uint8_t node;
	bool more;

	if (!(synic->waiting & BIT(sint)) || !is_on(synic, SYNIC_MESSAGES_PAGE) ||
	    !slot_is_free(slot))
		return false;
	node = queue_pop(synic, sint);
	more = synic->waiting & BIT(sint);
	if (synic_node_is_timer(node))
		timer_fill(slot, synic, node - SYNIC_MESSAGES, more);
	else
		message_fill(slot, &synic->pool[node], more);
	return true;
}

/* ---- interrupts ---- */

static bool interrupts(uint64_t sint)
{
	return !(sint & (HV_SINT_MASKED | HV_SINT_POLLING));
}

/* TLFS, "SINTx Registers": polling is as if it were unmasked, but for the interrupt. */
static bool is_masked(uint64_t sint)
{
	return (sint & (HV_SINT_MASKED | HV_SINT_POLLING)) == HV_SINT_MASKED;
}

static void interrupt_self(struct synic *synic, uint32_t sint)
{
	if (interrupts(synic->sint[sint]))
		arch_synic_interrupt_self(synic->vp, synic->vtl, (uint8_t)synic->sint[sint]);
}

/* Of all queues, by the VP's own CPU. */
static void queues_scan(struct synic *synic)
{
	uint32_t told = 0, waiting, sint;

	spin_lock(&synic->lock);
	for (waiting = synic->waiting; waiting; waiting &= waiting - 1) {
		sint = (uint32_t)__builtin_ctz(waiting);
		if (queue_deliver(synic, sint))
			told |= (uint32_t)BIT(sint);
	}
	spin_unlock(&synic->lock);
	for (; told; told &= told - 1)
		interrupt_self(synic, (uint32_t)__builtin_ctz(told));
}

/* ---- what is sent ---- */

static status_t target_find(const struct vp *vp, uint32_t vtl, uint32_t sint, struct synic **synic)
{
	if (!vp->partition->hv)
		return STATUS_NOT_SUPPORTED;
	if (vtl >= VTL_COUNT || !vp->vtl[vtl])
		return STATUS_INVALID_VTL;
	*synic = vp->vtl[vtl]->synic;
	if (!*synic)
		return STATUS_NOT_SUPPORTED;
	return sint < HV_SINT_COUNT ? STATUS_OK : STATUS_NOT_FOUND;
}

static status_t takes(const struct synic *synic, enum synic_page which, uint32_t sint)
{
	return is_on(synic, which) && !is_masked(synic->sint[sint]) ? STATUS_OK
								    : STATUS_WRONG_STATE;
}

/* Those that wait go before it. *told: something is in the slot that was not. */
static status_t message_take(struct synic *synic, uint32_t sint, const struct hv_message *message,
			     bool *told)
{
	*told = queue_deliver(synic, sint);
	if ((synic->waiting & BIT(sint)) || !slot_is_free(slot_of(synic, sint)))
		return synic_queue_message(synic, sint, message);
	message_fill(slot_of(synic, sint), message, false);
	*told = true;
	return STATUS_OK;
}

status_t synic_post_message(struct vp *vp, uint32_t vtl, uint32_t sint,
			    const struct hv_message *message)
{
	struct synic *synic;
	status_t status = target_find(vp, vtl, sint, &synic);
	bool told = false;
	uint64_t source;

	if (status != STATUS_OK)
		return status;
	if (message->type == HV_MESSAGE_NONE || message->payload_size > HV_MESSAGE_PAYLOAD)
		return STATUS_INVALID_ARGUMENT;
	spin_lock(&synic->lock);
	source = synic->sint[sint];
	status = takes(synic, SYNIC_MESSAGES_PAGE, sint);
	if (status == STATUS_OK)
		status = message_take(synic, sint, message, &told);
	spin_unlock(&synic->lock);
	if (told && interrupts(source))
		arch_synic_interrupt(vp, vtl, (uint8_t)source);
	return status;
}

static _Atomic uint32_t *flag_word(const struct synic *synic, uint32_t sint, uint32_t flag)
{
	_Atomic uint32_t *words = synic->page[SYNIC_EVENTS].overlay.page;

	return &words[sint * FLAG_WORDS + flag / FLAGS_PER_WORD];
}

status_t synic_signal_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag,
			    bool *was_set)
{
	uint32_t bit = (uint32_t)BIT(flag % FLAGS_PER_WORD);
	struct synic *synic;
	status_t status = target_find(vp, vtl, sint, &synic);
	uint64_t source;

	if (status != STATUS_OK)
		return status;
	if (flag >= HV_EVENT_FLAGS)
		return STATUS_INVALID_ARGUMENT;
	spin_lock(&synic->lock);
	source = synic->sint[sint];
	status = takes(synic, SYNIC_EVENTS, sint);
	if (status == STATUS_OK)
		*was_set = atomic_fetch_or(flag_word(synic, sint, flag), bit) & bit;
	spin_unlock(&synic->lock);
	if (status == STATUS_OK && !*was_set && interrupts(source))
		arch_synic_interrupt(vp, vtl, (uint8_t)source);
	return status;
}

status_t synic_clear_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag)
{
	struct synic *synic;
	status_t status = target_find(vp, vtl, sint, &synic);

	if (status != STATUS_OK)
		return status;
	if (flag >= HV_EVENT_FLAGS)
		return STATUS_INVALID_ARGUMENT;
	atomic_fetch_and(flag_word(synic, sint, flag), ~(uint32_t)BIT(flag % FLAGS_PER_WORD));
	return STATUS_OK;
}

void synic_timer_expired(struct synic *synic, uint32_t n, uint64_t due)
{
	uint32_t sint = synic->stimer[n].config >> HV_STIMER_SINT_SHIFT & 0xf;
	bool told;

	spin_lock(&synic->lock);
	if (!(synic->timers & BIT(n)))
		synic_queue_timer(synic, sint, n, due);
	told = queue_deliver(synic, sint);
	spin_unlock(&synic->lock);
	if (told)
		interrupt_self(synic, sint);
}

/* ---- registers ---- */

/* Those whose delivery ends them: of several sources with one vector, one suffices to say so. */
__cold void synic_auto_eoi_tell(const struct synic *synic)
{
	const uint64_t bits = HV_SINT_AUTO_EOI | HV_SINT_MASKED | HV_SINT_POLLING;
	uint32_t vectors[SYNIC_VECTOR_WORDS] = {0};
	unsigned int i;

	for (i = 0; i < HV_SINT_COUNT; i++) {
		uint8_t vector = (uint8_t)synic->sint[i];

		if ((synic->sint[i] & bits) == HV_SINT_AUTO_EOI)
			vectors[vector / 32] |= (uint32_t)BIT(vector % 32);
	}
	arch_synic_auto_eoi(synic->vp, synic->vtl, vectors);
}

void synic_control_set(struct vp *vp, uint32_t vtl, uint64_t value)
{
	struct synic *synic = vp_synic(vp, vtl);

	spin_lock(&synic->lock);
	synic->control = value;
	spin_unlock(&synic->lock);
	queues_scan(synic);
}

void synic_sint_set(struct vp *vp, uint32_t vtl, uint32_t sint, uint64_t value)
{
	struct synic *synic = vp_synic(vp, vtl);

	spin_lock(&synic->lock);
	synic->sint[sint] = value;
	spin_unlock(&synic->lock);
	synic_auto_eoi_tell(synic);
	queues_scan(synic);
}

/* A page beyond the guest's memory is no fault, but nowhere. */
gpa_t synic_page_place(const struct vp *vp, uint32_t vtl, uint64_t value)
{
	gpa_t gpa = value & HV_PAGE_ADDRESS;

	return (value & HV_PAGE_ENABLE) && gpa < gpa_limit(vp->vtl[vtl]->space) ? gpa : GPA_NOWHERE;
}

__cold status_t synic_page_set(struct vp *vp, uint32_t vtl, enum synic_page which, uint64_t value)
{
	struct synic *synic = vp_synic(vp, vtl);
	status_t status = gpa_overlay_move(vp->vtl[vtl]->space, &synic->page[which].overlay,
					   synic_page_place(vp, vtl, value));

	if (status != STATUS_OK)
		return status;
	spin_lock(&synic->lock);
	synic->page[which].value = value;
	spin_unlock(&synic->lock);
	queues_scan(synic);
	return STATUS_OK;
}

void synic_message_end(struct vp *vp, uint32_t vtl)
{
	queues_scan(vp_synic(vp, vtl));
}

/* ---- made, reset ---- */

static void registers_reset(struct synic *synic)
{
	unsigned int i;

	synic->control = 0;
	for (i = 0; i < HV_SINT_COUNT; i++)
		synic->sint[i] = HV_SINT_MASKED;
	synic_queues_reset(synic);
}

__cold status_t synic_create(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct synic *synic;
	unsigned int i;

	if (!vp->partition->hv ||
	    !(vp->partition->hv->privileges & (HV_PRIVILEGE_SYNIC | HV_PRIVILEGE_SYNTHETIC_TIMERS)))
		return STATUS_OK;
	synic = heap_alloc(heap, sizeof(*synic));
	if (!synic)
		return STATUS_NO_MEMORY;
	vp->vtl[vtl]->synic = synic;
	synic->vp = vp;
	synic->vtl = vtl;
	registers_reset(synic);
	stimer_create(synic);
	synic->pool = page_alloc(heap, SYNIC_POOL_ORDER);
	if (!synic->pool)
		return STATUS_NO_MEMORY;
	for (i = 0; i < SYNIC_PAGES; i++) {
		struct gpa_overlay *overlay = &synic->page[i].overlay;

		overlay->gpa = GPA_NOWHERE;
		overlay->writable = true;
		overlay->page = page_alloc(heap, 0);
		if (!overlay->page)
			return STATUS_NO_MEMORY;
	}
	return STATUS_OK;
}

__cold void synic_destroy(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct synic *synic = vp_synic(vp, vtl);
	unsigned int i;

	if (!synic)
		return;
	for (i = 0; i < SYNIC_PAGES; i++)
		if (synic->page[i].overlay.page)
			page_free(heap, synic->page[i].overlay.page, 0);
	if (synic->pool)
		page_free(heap, synic->pool, SYNIC_POOL_ORDER);
	heap_free(heap, synic, sizeof(*synic));
	vp->vtl[vtl]->synic = NULL;
}

__cold status_t synic_reset(struct vp *vp, uint32_t vtl)
{
	struct synic *synic = vp_synic(vp, vtl);
	status_t status = STATUS_OK;
	unsigned int i;

	if (!synic)
		return STATUS_OK;
	for (i = 0; i < SYNIC_PAGES && status == STATUS_OK; i++)
		status = synic_page_set(vp, vtl, (enum synic_page)i, 0);
	if (status != STATUS_OK)
		return status;
	stimer_reset(synic);
	spin_lock(&synic->lock);
	registers_reset(synic);
	for (i = 0; i < SYNIC_PAGES; i++)
		memset(synic->page[i].overlay.page, 0, PAGE_SIZE);
	spin_unlock(&synic->lock);
	synic_auto_eoi_tell(synic);
	return STATUS_OK;
}

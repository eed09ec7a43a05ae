/* SPDX-License-Identifier: MIT */
/*
 * The ports of a partition: chains by the connection's number, which VPs look at without a lock, on all CPUs,
 * as they do at doorbells. Everything of a port is paid by its partition, which it keeps alive: so a port
 * ends with its last handle and never before.
 *
 * A message is in the queue from the moment when the guest is told that it was posted until the root task has
 * it in its memory.
 */
#include <kernel/event.h>
#include <kernel/port.h>
#include <kernel/processor.h>
#include <kernel/reader.h>
#include <kernel/string.h>
#include <kernel/synic.h>
#include <trivet/hv/hypercall.h>

#define QUEUE_SIZE  (PORT_MESSAGES * sizeof(struct port_message))
#define QUEUE_ORDER 1u
static_assert(PORT_BUCKETS * sizeof(void *) == PAGE_SIZE, "the heads of all chains fill a page");
static_assert(QUEUE_SIZE <= PAGE_SIZE << QUEUE_ORDER, "a queue has room");

struct port {
	struct object object;
	_Atomic(struct port *) next; /* in its chain */
	uint32_t connection;
	uint8_t kind; /* enum port_kind */
	uint8_t vtl;  /* the least that may use it; of a guest's event, its own */
	uint64_t bits;
	struct event *event; /* NULL: of a guest's event */
	struct partition *partition;
	_Atomic uint64_t target; /* of a guest's event */
	struct spinlock lock;	 /* the queue's, of messages: all below */
	struct port_message *queue;
	uint64_t posted, taken; /* ever */
};

static struct port *next_of(_Atomic(struct port *) *link)
{
	return atomic_load_explicit(link, memory_order_acquire);
}

static _Atomic(struct port *) *chain_of(_Atomic(struct port *) *heads, uint32_t connection)
{
	return &heads[connection % PORT_BUCKETS];
}

/* ---- from a guest ---- */

/* In a read section, in which the port and its event stay. NULL: no such connection. */
static struct port *find(const struct partition *partition, uint32_t connection)
{
	_Atomic(struct port *) *heads =
		atomic_load_explicit(&partition->hv->ports.heads, memory_order_acquire);
	struct port *port;

	if (unlikely(!heads))
		return NULL;
	port = next_of(chain_of(heads, connection));
	while (port && unlikely(port->connection != connection))
		port = next_of(&port->next);
	return port;
}

/* May the guest use it so? */
static uint16_t check(const struct port *port, uint32_t vtl, enum port_kind kind)
{
	if (unlikely(!port))
		return HV_INVALID_CONNECTION_ID;
	if (unlikely(vtl < port->vtl))
		return HV_ACCESS_DENIED;
	return likely(port->kind == kind) ? HV_SUCCESS : HV_INVALID_PORT_ID;
}

/* Who holds the locks that a signal takes waits for no reader. A port has one flag. */
uint16_t port_signal(const struct partition *partition, uint32_t vtl, uint32_t connection,
		     uint16_t flag)
{
	struct cpu *self = this_cpu();
	const struct port *port;
	uint16_t status;

	read_begin(self);
	port = find(partition, connection);
	status = check(port, vtl, PORT_HOST_EVENT);
	if (likely(status == HV_SUCCESS && !flag))
		event_signal(port->event, port->bits);
	else if (status == HV_SUCCESS)
		status = HV_INVALID_PARAMETER;
	read_end(self);
	return status;
}

/* False: there is no room. */
static bool enqueue(struct port *port, const struct vp *vp, uint32_t vtl,
		    const struct hv_post_message_input *input)
{
	struct port_message *place;
	bool room;

	spin_lock(&port->lock);
	room = port->posted - port->taken < PORT_MESSAGES;
	if (room) {
		place = &port->queue[port->posted++ % PORT_MESSAGES];
		memset(place, 0, sizeof(*place));
		place->message.type = input->type;
		place->message.payload_size = (uint8_t)input->payload_size;
		memcpy(place->message.payload, input->payload, input->payload_size);
		place->vp = vp->index;
		place->vtl = vtl;
	}
	spin_unlock(&port->lock);
	return room;
}

uint16_t port_post(struct vp *vp, uint32_t vtl, const struct hv_post_message_input *input)
{
	struct cpu *self = this_cpu();
	struct port *port;
	uint16_t status;

	read_begin(self);
	port = find(vp->partition, input->connection);
	status = check(port, vtl, PORT_MESSAGE);
	if (status == HV_SUCCESS && !enqueue(port, vp, vtl, input))
		status = HV_INSUFFICIENT_BUFFERS;
	if (status == HV_SUCCESS)
		event_signal(port->event, port->bits);
	read_end(self);
	return status;
}

/* ---- to the root task ---- */

status_t port_message_peek(struct port *port, struct port_message *message, uint64_t *turn)
{
	bool found;

	spin_lock(&port->lock);
	*turn = port->taken;
	found = port->posted != port->taken;
	if (found)
		*message = port->queue[port->taken % PORT_MESSAGES];
	spin_unlock(&port->lock);
	return found ? STATUS_OK : STATUS_NOT_FOUND;
}

bool port_message_drop(struct port *port, uint64_t turn)
{
	bool mine;

	spin_lock(&port->lock);
	mine = port->taken == turn;
	if (mine)
		port->taken++;
	spin_unlock(&port->lock);
	return mine;
}

/* ---- into a guest ---- */

/* In one word, as it may change while it is used. */
static uint64_t packed(const struct port_target *target)
{
	return target->vp | (uint64_t)target->sint << 32 | (uint64_t)target->flag << 40;
}

static struct port_target target_of(const struct port *port)
{
	uint64_t word = atomic_load(&((struct port *)(uintptr_t)port)->target);

	return (struct port_target){.vp = (uint32_t)word,
				    .sint = (uint8_t)(word >> 32),
				    .flag = (uint16_t)(word >> 40)};
}

status_t port_target_check(const struct partition *partition, const struct port_target *target)
{
	if (!partition_vp(partition, target->vp) || target->sint >= HV_SINT_COUNT)
		return STATUS_NOT_FOUND;
	return target->flag < HV_EVENT_FLAGS ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

status_t port_guest_signal(struct port *port)
{
	struct port_target t = target_of(port);
	bool was_set;

	return synic_signal_event(port->partition->vps[t.vp], port->vtl, t.sint, t.flag, &was_set);
}

status_t port_guest_clear(struct port *port)
{
	struct port_target t = target_of(port);

	return synic_clear_event(port->partition->vps[t.vp], port->vtl, t.sint, t.flag);
}

status_t port_guest_retarget(struct port *port, const struct port_target *target)
{
	status_t status = port_target_check(port->partition, target);

	if (status == STATUS_OK)
		atomic_store(&port->target, packed(target));
	return status;
}

/* ---- coming and going ---- */

struct port *port_of(struct object *object, enum port_kind kind)
{
	struct port *port = container_of(object, struct port, object);

	return port->kind == kind ? port : NULL;
}

struct object *port_object(struct port *port)
{
	return &port->object;
}

static __cold void port_free(struct port *port)
{
	struct partition *partition = port->partition;

	if (port->queue)
		page_free(partition->heap, port->queue, QUEUE_ORDER);
	heap_free(partition->heap, port, sizeof(*port));
}

/* The lock is held; readers may still see it. */
static __cold void chain_remove(struct port_table *table, struct port *port)
{
	_Atomic(struct port *) *link = chain_of(table->heads, port->connection);

	while (next_of(link) != port)
		link = &next_of(link)->next;
	atomic_store_explicit(link, next_of(&port->next), memory_order_release);
	table->count--;
}

/* The last handle has ended. */
static __cold void port_destroy(struct object *object)
{
	struct port *port = container_of(object, struct port, object);
	struct partition *partition = port->partition;

	if (port->event) {
		struct port_table *table = &partition->hv->ports;

		spin_lock(&table->lock);
		chain_remove(table, port);
		spin_unlock(&table->lock);
		readers_wait();
		object_put(&port->event->object);
	}
	port_free(port);
	partition_put(partition);
}

static __cold struct port *port_alloc(struct partition *partition, enum port_kind kind,
				      uint32_t vtl)
{
	struct port *port = heap_alloc(partition->heap, sizeof(*port));

	if (!port)
		return NULL;
	object_init(&port->object, OBJECT_PORT, port_destroy);
	port->partition = partition;
	port->kind = (uint8_t)kind;
	port->vtl = (uint8_t)vtl;
	if (kind == PORT_MESSAGE)
		port->queue = page_alloc(partition->heap, QUEUE_ORDER);
	if (kind != PORT_MESSAGE || port->queue)
		return port;
	port_free(port);
	return NULL;
}

/* The page of heads comes with the first port, and stays. */
static __cold status_t heads_make(struct partition *partition)
{
	struct port_table *table = &partition->hv->ports;
	void *page;

	if (atomic_load(&table->heads))
		return STATUS_OK;
	page = page_alloc(partition->heap, 0);
	if (!page)
		return STATUS_NO_MEMORY;
	spin_lock(&table->lock);
	if (!atomic_load(&table->heads)) {
		atomic_store(&table->heads, page);
		page = NULL;
	}
	spin_unlock(&table->lock);
	if (page)
		page_free(partition->heap, page, 0);
	return STATUS_OK;
}

/* The lock is held. */
static __cold status_t chain_insert(struct port_table *table, struct port *port)
{
	_Atomic(struct port *) *link = chain_of(table->heads, port->connection);
	struct port *other;

	if (table->count >= PORTS_MAX)
		return STATUS_TOO_LARGE;
	for (; (other = next_of(link)); link = &other->next)
		if (other->connection == port->connection)
			return STATUS_ALREADY_EXISTS;
	atomic_store_explicit(link, port, memory_order_release);
	table->count++;
	return STATUS_OK;
}

__cold status_t port_connect(struct partition *partition, enum port_kind kind,
			     const struct port_connection *connection, struct port **out)
{
	struct port_table *table = &partition->hv->ports;
	struct port *port = port_alloc(partition, kind, connection->min_vtl);
	status_t status;

	if (!port)
		return STATUS_NO_MEMORY;
	port->connection = connection->number;
	port->bits = connection->bits;
	port->event = connection->event;
	status = heads_make(partition);
	if (status == STATUS_OK) {
		spin_lock(&table->lock);
		status = chain_insert(table, port);
		spin_unlock(&table->lock);
	}
	if (status != STATUS_OK) {
		port_free(port);
		return status;
	}
	/* The caller holds both as yet. */
	object_get(&port->event->object);
	object_get(&partition->object);
	*out = port;
	return STATUS_OK;
}

__cold status_t port_guest_create(struct partition *partition, uint32_t vtl,
				  const struct port_target *target, struct port **out)
{
	status_t status = port_target_check(partition, target);
	struct port *port;

	if (status != STATUS_OK)
		return status;
	port = port_alloc(partition, PORT_GUEST_EVENT, vtl);
	if (!port)
		return STATUS_NO_MEMORY;
	atomic_store(&port->target, packed(target));
	object_get(&partition->object);
	*out = port;
	return STATUS_OK;
}

__cold void port_table_destroy(struct partition *partition)
{
	struct port_table *table = &partition->hv->ports;

	if (table->heads)
		page_free(partition->heap, table->heads, 0);
	table->heads = NULL;
}

/* SPDX-License-Identifier: MIT */
/* A machine's VMBus: the connection, its services, and the channels with their rings' indices. */
#include <string.h>
#include <vmm/inspect.h>
#include <vmm/vmbus.h>

#define STATE_WORDS "closed\0open\0broken\0"

static void ring_look(const struct vmbus_ring *ring, struct inspect_ring *view)
{
	*view = (struct inspect_ring){.size = ring->size, .in = ring->in, .out = ring->out};
}

static void channel_look(const struct vmbus_channel *channel, struct inspect_channel *view)
{
	view->name = channel->name;
	view->relid = channel->relid;
	view->state = channel->state;
	view->vp = channel->vp;
	view->connection = channel->connection;
	view->received = channel->received;
	view->sent = channel->sent;
	view->signals = channel->signals;
	ring_look(&channel->incoming, &view->incoming);
	ring_look(&channel->outgoing, &view->outgoing);
}

void inspect_vmbus_look(const struct machine *machine, struct inspect_vmbus *view)
{
	const struct machine_vmbus *vmbus = machine->vmbus;

	memset(view, 0, sizeof(*view));
	if (!vmbus)
		return;
	view->is_there = true;
	view->version = vmbus->bus.version;
	view->message_vp = vmbus->bus.message_vp;
	view->message_sint = vmbus->bus.message_sint;
	view->queued = vmbus->bus.queue_count;
	view->gpadls = vmbus->bus.gpadl_count;
	view->gpadl_pages = vmbus->bus.gpadl_pages;
	view->heartbeat = vmbus->services.heartbeat.ic.state;
	view->shutdown = vmbus->services.shutdown.ic.state;
	view->timesync = vmbus->services.timesync.ic.state;
	view->kvp = vmbus->services.kvp.ic.state;
	view->beats = vmbus->services.heartbeat.beats;
	view->beats_missed = vmbus->services.heartbeat.missed;
	view->times_told = vmbus->services.timesync.ic.answered;
	for (uint32_t i = 0; i < VMBUS_CHANNELS; i++)
		if (vmbus->bus.channels[i])
			channel_look(vmbus->bus.channels[i],
				     &view->channels[view->channel_count++]);
}

/* ---- channels ---- */

static bool channel_list(void *context, const void *above, uint32_t number,
			 char name[INSPECT_NAME_MAX])
{
	const struct inspect_vmbus *view = above;

	(void)context;
	if (number >= view->channel_count)
		return false;
	inspect_print(name, INSPECT_NAME_MAX, "%s", view->channels[number].name);
	return true;
}

static const void *channel_open(void *context, const void *above, uint32_t number)
{
	const struct inspect_vmbus *view = above;

	(void)context;
	return &view->channels[number];
}

#define CHANNEL(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_channel, member)
static const struct inspect_row channel_rows[] = {
	CHANNEL("relid", INSPECT_UNSIGNED, relid),
	INSPECT_CHOICE("state", STATE_WORDS, struct inspect_channel, state),
	CHANNEL("vp", INSPECT_UNSIGNED, vp),
	CHANNEL("connection", INSPECT_HEX, connection),
	CHANNEL("received", INSPECT_COUNTER, received),
	CHANNEL("sent", INSPECT_COUNTER, sent),
	CHANNEL("interrupts", INSPECT_COUNTER, signals),
	CHANNEL("incoming_size", INSPECT_UNSIGNED, incoming.size),
	CHANNEL("incoming_in", INSPECT_UNSIGNED, incoming.in),
	CHANNEL("incoming_out", INSPECT_UNSIGNED, incoming.out),
	CHANNEL("outgoing_size", INSPECT_UNSIGNED, outgoing.size),
	CHANNEL("outgoing_in", INSPECT_UNSIGNED, outgoing.in),
	CHANNEL("outgoing_out", INSPECT_UNSIGNED, outgoing.out),
};

static const struct inspect_directory channels = {.name = "channel",
						  .list = channel_list,
						  .open = channel_open,
						  .rows = channel_rows,
						  .row_count = ARRAY_SIZE(channel_rows)};

/* ---- the bus ---- */

static const void *vmbus_open(void *context, const void *above, uint32_t number)
{
	const struct inspect_context *in = context;

	(void)above, (void)number;
	return in->vmbus.is_there ? &in->vmbus : NULL;
}

#define VMBUS(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_vmbus, member)
#define SERVICE(name, member)	  INSPECT_CHOICE(name, IC_STATE_WORDS, struct inspect_vmbus, member)
static const struct inspect_row vmbus_rows[] = {
	VMBUS("version", INSPECT_HEX, version),
	VMBUS("message_vp", INSPECT_UNSIGNED, message_vp),
	VMBUS("message_sint", INSPECT_UNSIGNED, message_sint),
	VMBUS("queued", INSPECT_UNSIGNED, queued),
	VMBUS("gpadls", INSPECT_UNSIGNED, gpadls),
	VMBUS("gpadl_pages", INSPECT_UNSIGNED, gpadl_pages),
	SERVICE("heartbeat", heartbeat),
	SERVICE("shutdown", shutdown),
	SERVICE("timesync", timesync),
	SERVICE("kvp", kvp),
	VMBUS("beats", INSPECT_COUNTER, beats),
	VMBUS("beats_missed", INSPECT_COUNTER, beats_missed),
	VMBUS("times_told", INSPECT_COUNTER, times_told),
};

static const struct inspect_directory *const vmbus_children[] = {&channels, NULL};
const struct inspect_directory inspect_vmbus = {.name = "vmbus",
						.open = vmbus_open,
						.rows = vmbus_rows,
						.row_count = ARRAY_SIZE(vmbus_rows),
						.children = vmbus_children};

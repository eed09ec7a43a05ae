/* SPDX-License-Identifier: MIT */
/* The heartbeat: a number that comes back as the next one. */
#include <string.h>
#include <vmbus/ic.h>

static const struct ic_version versions[] = {{1, 0}, {3, 0}};

static struct ic_heartbeat *heartbeat_of(struct ic *ic)
{
	return container_of(ic, struct ic_heartbeat, ic);
}

static void heartbeat_arm(struct ic_heartbeat *heartbeat)
{
	struct device_env *env = heartbeat->ic.channel.bus->env;

	device_timer_arm(env, &heartbeat->timer, device_now(env) + IC_HEARTBEAT_NS);
}

/* A guest that has not answered the last one is not asked again. */
static void heartbeat_send(struct ic_heartbeat *heartbeat)
{
	struct ic_heartbeat_message message = {.sequence = heartbeat->sequence};

	if (ic_ask(&heartbeat->ic, &message, sizeof(message)) != STATUS_OK)
		heartbeat->missed++;
	/* What was sent may have been the end of the channel. */
	if (heartbeat->ic.state == IC_READY)
		heartbeat_arm(heartbeat);
}

static void heartbeat_expired(struct device_timer *timer)
{
	heartbeat_send(container_of(timer, struct ic_heartbeat, timer));
}

static void heartbeat_ready(struct ic *ic)
{
	struct ic_heartbeat *heartbeat = heartbeat_of(ic);

	heartbeat->sequence = heartbeat->beats = heartbeat->missed = 0;
	heartbeat->last_ns = 0;
	heartbeat_send(heartbeat);
}

static void heartbeat_closed(struct ic *ic)
{
	device_timer_cancel(ic->channel.bus->env, &heartbeat_of(ic)->timer);
}

static void heartbeat_answered(struct ic *ic, uint32_t status, const void *body, size_t size)
{
	struct ic_heartbeat *heartbeat = heartbeat_of(ic);
	uint64_t sequence;

	if (status != IC_STATUS_SUCCESS || size < sizeof(sequence))
		return;
	memcpy(&sequence, body, sizeof(sequence));
	if (sequence != heartbeat->sequence + 1)
		return;
	heartbeat->sequence = sequence;
	heartbeat->beats++;
	heartbeat->last_ns = device_now(ic->channel.bus->env);
}

static void heartbeat_resumed(struct ic *ic)
{
	heartbeat_arm(heartbeat_of(ic));
}

static const struct ic_service heartbeat_service = {
	.name = "heartbeat",
	.type = {0x57164f39, 0x9115, 0x4e78, {0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d}},
	.instance = {0xfd149e91, 0x82e0, 0x4a7d, {0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0}},
	.message = IC_HEARTBEAT,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.ready = heartbeat_ready,
	.closed = heartbeat_closed,
	.answered = heartbeat_answered,
	.resumed = heartbeat_resumed,
};

status_t ic_heartbeat_offer(struct ic_heartbeat *heartbeat, struct vmbus *bus)
{
	heartbeat->timer.expired = heartbeat_expired;
	return ic_offer(&heartbeat->ic, &heartbeat_service, bus);
}

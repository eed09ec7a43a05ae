/* SPDX-License-Identifier: MIT */
/* Time synchronisation: what time it is, and at which reference time it was that. */
#include <vmbus/ic.h>

static const struct ic_version versions[] = {{1, 0}, {3, 0}, {4, 0}};
#define VERSION_WITH_REFERENCE 4u

static struct ic_timesync *timesync_of(struct ic *ic)
{
	return container_of(ic, struct ic_timesync, ic);
}

static status_t time_send(struct ic *ic, uint64_t reference, uint64_t utc, uint8_t flags)
{
	const struct ic_time_message_old old = {.host_time = utc, .flags = flags};
	const struct ic_time_message message = {
		.host_time = utc, .reference_time = reference, .flags = flags};

	if (ic->version.major < VERSION_WITH_REFERENCE)
		return ic_ask(ic, &old, sizeof(old));
	return ic_ask(ic, &message, sizeof(message));
}

/* Without a clock nothing is said, ever. */
static void timesync_send(struct ic_timesync *timesync)
{
	struct ic *ic = &timesync->ic;
	struct vmbus *bus = ic->channel.bus;
	uint8_t flags = (uint8_t)(timesync->sync ? IC_TIME_SYNC_NOW : IC_TIME_SAMPLE);
	uint64_t reference, utc;

	if (!bus->host->clock(bus, &reference, &utc))
		return;
	if (time_send(ic, reference, utc, flags) == STATUS_OK)
		timesync->sync = false;
	if (ic->state == IC_READY)
		device_timer_arm(bus->env, &timesync->timer, device_now(bus->env) + IC_TIMESYNC_NS);
}

static void timesync_expired(struct device_timer *timer)
{
	timesync_send(container_of(timer, struct ic_timesync, timer));
}

/* The clock is to be set: the guest has started, or its time has stood still. */
static void timesync_begin(struct ic *ic)
{
	timesync_of(ic)->sync = true;
	timesync_send(timesync_of(ic));
}

static void timesync_closed(struct ic *ic)
{
	device_timer_cancel(ic->channel.bus->env, &timesync_of(ic)->timer);
}

static void timesync_answered(struct ic *ic, uint32_t status, const void *body, size_t size)
{
	(void)ic, (void)status, (void)body, (void)size;
}

static const struct ic_service timesync_service = {
	.name = "timesync",
	.type = {0x9527e630, 0xd0ae, 0x497b, {0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf}},
	.instance = {0x2dd1ce17, 0x079e, 0x403c, {0xb3, 0x52, 0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee}},
	.message = IC_TIME_SYNC,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.ready = timesync_begin,
	.closed = timesync_closed,
	.answered = timesync_answered,
	.resumed = timesync_begin,
};

status_t ic_timesync_offer(struct ic_timesync *timesync, struct vmbus *bus)
{
	timesync->timer.expired = timesync_expired;
	return ic_offer(&timesync->ic, &timesync_service, bus);
}

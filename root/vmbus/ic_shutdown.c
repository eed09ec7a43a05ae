/* SPDX-License-Identifier: MIT */
/* Shutdown: the guest is asked to power itself off, or to restart. */
#include <vmbus/ic.h>

static const struct ic_version versions[] = {{1, 0}, {3, 0}, {3, 1}, {3, 2}};

static struct ic_shutdown *shutdown_of(struct ic *ic)
{
	return container_of(ic, struct ic_shutdown, ic);
}

static void shutdown_arm(struct ic_shutdown *shutdown)
{
	struct device_env *env = shutdown->ic.channel.bus->env;

	device_timer_arm(env, &shutdown->timer, device_now(env) + IC_SHUTDOWN_NS);
}

status_t ic_shutdown_ask(struct ic_shutdown *shutdown, uint32_t flags)
{
	const struct ic_shutdown_message message = {.reason = IC_SHUTDOWN_PLANNED, .flags = flags};
	status_t status;

	if (shutdown->asked)
		return STATUS_ALREADY_EXISTS;
	status = ic_ask(&shutdown->ic, &message, sizeof(message));
	if (status != STATUS_OK)
		return status;
	shutdown->asked = true;
	shutdown->agreed = false;
	shutdown_arm(shutdown);
	return STATUS_OK;
}

bool ic_shutdown_forget(struct ic_shutdown *shutdown)
{
	bool asked = shutdown->asked;

	shutdown->asked = false;
	if (asked)
		device_timer_cancel(shutdown->ic.channel.bus->env, &shutdown->timer);
	return asked;
}

static void shutdown_end(struct ic_shutdown *shutdown, enum ic_shutdown_news news)
{
	if (ic_shutdown_forget(shutdown))
		shutdown->news(shutdown, news);
}

static void shutdown_expired(struct device_timer *timer)
{
	shutdown_end(container_of(timer, struct ic_shutdown, timer), IC_SHUTDOWN_LATE);
}

/* That of a question which is over changes nothing. */
static void shutdown_answered(struct ic *ic, uint32_t status, const void *body, size_t size)
{
	struct ic_shutdown *shutdown = shutdown_of(ic);

	(void)body, (void)size;
	if (!shutdown->asked)
		return;
	if (status != IC_STATUS_SUCCESS) {
		shutdown_end(shutdown, IC_SHUTDOWN_REFUSED);
		return;
	}
	shutdown->agreed = true;
	shutdown->news(shutdown, IC_SHUTDOWN_AGREED);
}

/* One that has agreed closes its channels as it goes. */
static void shutdown_closed(struct ic *ic)
{
	struct ic_shutdown *shutdown = shutdown_of(ic);

	if (!shutdown->agreed)
		shutdown_end(shutdown, IC_SHUTDOWN_CLOSED);
}

/* Nothing is asked before somebody wants it. */
static void shutdown_ready(struct ic *ic)
{
	(void)ic;
}

static void shutdown_resumed(struct ic *ic)
{
	if (shutdown_of(ic)->asked)
		shutdown_arm(shutdown_of(ic));
}

static const struct ic_service shutdown_service = {
	.name = "shutdown",
	.type = {0x0e0b6031, 0x5213, 0x4934, {0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb}},
	.instance = {0xb6650ff7, 0x33bc, 0x4840, {0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93}},
	.message = IC_SHUTDOWN,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.ready = shutdown_ready,
	.closed = shutdown_closed,
	.answered = shutdown_answered,
	.resumed = shutdown_resumed,
};

status_t ic_shutdown_offer(struct ic_shutdown *shutdown, struct vmbus *bus)
{
	shutdown->timer.expired = shutdown_expired;
	return ic_offer(&shutdown->ic, &shutdown_service, bus);
}

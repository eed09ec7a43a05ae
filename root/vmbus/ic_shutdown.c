/* SPDX-License-Identifier: MIT */
/* Shutdown: the guest is asked to power itself off, or to restart. */
#include <vmbus/ic.h>

static const struct ic_version versions[] = {{1, 0}, {3, 0}, {3, 1}, {3, 2}};

static struct ic_shutdown *shutdown_of(struct ic *ic)
{
	return container_of(ic, struct ic_shutdown, ic);
}

status_t ic_shutdown_ask(struct ic_shutdown *shutdown, uint32_t flags)
{
	const struct ic_shutdown_message message = {.reason = IC_SHUTDOWN_PLANNED, .flags = flags};

	return ic_ask(&shutdown->ic, &message, sizeof(message));
}

static void shutdown_answered(struct ic *ic, uint32_t status, const void *body, size_t size)
{
	struct ic_shutdown *shutdown = shutdown_of(ic);

	(void)body, (void)size;
	shutdown->done(shutdown, status == IC_STATUS_SUCCESS);
}

/* Nothing is asked before somebody wants it; a guest that closes the channel then may be doing it. */
static void shutdown_nothing(struct ic *ic)
{
	(void)ic;
}

static const struct ic_service shutdown_service = {
	.name = "shutdown",
	.type = {0x0e0b6031, 0x5213, 0x4934, {0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb}},
	.instance = {0xb6650ff7, 0x33bc, 0x4840, {0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93}},
	.message = IC_SHUTDOWN,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.ready = shutdown_nothing,
	.closed = shutdown_nothing,
	.answered = shutdown_answered,
	.resumed = shutdown_nothing,
};

status_t ic_shutdown_offer(struct ic_shutdown *shutdown, struct vmbus *bus)
{
	return ic_offer(&shutdown->ic, &shutdown_service, bus);
}

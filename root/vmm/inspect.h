/* SPDX-License-Identifier: MIT */
/* The inspect tree of the whole machine: the kernel's, with partitions by name, and device models. */
#ifndef VMM_INSPECT_H
#define VMM_INSPECT_H

#include <devices/platform.h>
#include <lib/inspect_kernel.h>
#include <vmbus/vmbus.h>

struct machine;

struct inspect_ring {
	uint32_t size, in, out; /* 0 while the channel is not open */
};

struct inspect_channel {
	const char *name;
	uint32_t relid, state, vp, connection;
	uint64_t received, sent, signals;
	struct inspect_ring incoming, outgoing;
};

/* A machine's VMBus, copied while it stood still. */
struct inspect_vmbus {
	bool is_there;
	uint32_t version; /* 0: not connected */
	uint32_t message_vp, message_sint, queued, gpadls, gpadl_pages;
	uint32_t heartbeat, shutdown, timesync, kvp; /* enum ic_state */
	uint64_t beats, beats_missed, times_told;
	uint32_t channel_count;
	struct inspect_channel channels[VMBUS_CHANNELS];
};

struct inspect_context {
	struct inspect_kernel kernel; /* first */
	struct platform devices;      /* a copy, of the guest whose directory is open */
	struct inspect_vmbus vmbus;   /* the same guest's */
};

/* For the tables of devices, which each architecture has. */
#define INSPECT_DEVICE(names, kind, member) \
	INSPECT_VALUE(names, kind, struct inspect_context, devices.member)
#define INSPECT_DEVICE_DIRECTORY(symbol, name_, rows_)   \
	static const struct inspect_directory symbol = { \
		.name = (name_), .rows = (rows_), .row_count = ARRAY_SIZE(rows_)}

/* The top; a walk's context is a struct inspect_context with kernel.boot set, after
 * inspect_system_look(). */
extern const struct inspect_directory inspect_top;
/* vmm/inspect_devices.c: the devices of context->devices. */
extern const struct inspect_directory inspect_devices;
/* vmm/inspect_vmbus.c: context->vmbus; and how that is copied, under the machine's lock. */
extern const struct inspect_directory inspect_vmbus;
void inspect_vmbus_look(const struct machine *machine, struct inspect_vmbus *view);

/* The monitor's command: prints what is at the path ("" is the top) and `depth` levels below, or which
 * part of the path is wrong. */
void inspect_print_tree(const char *path, uint32_t depth);

#endif

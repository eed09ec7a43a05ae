/* SPDX-License-Identifier: MIT */
/* See wrong.h: the objects, what can be seen of them, and the order of all. */
#include "wrong.h"
#include <string.h>

#define MAPPINGS_SEEN 4u

uint64_t things[THINGS];
struct places places;

/* ---- what can be seen ---- */

static struct seen {
	struct memory_info memory[3]; /* of the kernel, and of both partitions */
	uint64_t next_handle;
	struct inspect_partition partition;
	struct inspect_mapping mapping[MAPPINGS_SEEN];
	/* While the partition's time stands still. */
	uint64_t reference_time;
	struct inspect_vp vp[VPS];
	struct inspect_profile profile[VPS];
	uint8_t saved_partition[sizeof(union saved_partition)];
	uint8_t saved_vp[sizeof(union saved_vp)];
} before, after;

static uint64_t next_handle(void)
{
	uint64_t handle;

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &handle) == STATUS_OK);
	EXPECT(call(SYS_handle_close, handle, 0, 0, 0, 0, 0) == STATUS_OK);
	return handle;
}

static void look(uint32_t what, uint32_t index, void *view, size_t size)
{
	(void)call(SYS_inspect, things[PARTITION], what, index, (uintptr_t)view, size, 0);
}

static void frozen_look(struct seen *seen)
{
	const uint64_t partition = things[PARTITION];
	uint32_t i;

	EXPECT(call_value(SYS_partition_reference_time, partition, 0, 0, 0, 0, 0,
			  &seen->reference_time) == STATUS_OK);
	EXPECT(call(SYS_partition_save, partition, (uintptr_t)seen->saved_partition,
		    sizeof(seen->saved_partition), 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_vp_save, things[VP], (uintptr_t)seen->saved_vp, sizeof(seen->saved_vp), 0,
		    0, 0) == STATUS_OK);
	for (i = 0; i < VPS; i++) {
		look(INSPECT_VP, i, &seen->vp[i], sizeof(seen->vp[i]));
		look(INSPECT_PROFILE, i, &seen->profile[i], sizeof(seen->profile[i]));
	}
}

static void see_all(struct seen *seen)
{
	const uint64_t accounts[] = {HANDLE_NONE, things[PROTO], things[PARTITION]};
	uint32_t i;

	memset(seen, 0, sizeof(*seen));
	seen->next_handle = next_handle();
	for (i = 0; i < ARRAY_SIZE(accounts); i++)
		EXPECT(call(SYS_memory_info, accounts[i], (uintptr_t)&seen->memory[i], 0, 0, 0,
			    0) == STATUS_OK);
	look(INSPECT_PARTITION, 0, &seen->partition, sizeof(seen->partition));
	for (i = 0; i < MAPPINGS_SEEN; i++)
		look(INSPECT_MAPPING, i, &seen->mapping[i], sizeof(seen->mapping[i]));
	if (seen->partition.state == PARTITION_FROZEN && things[VP])
		frozen_look(seen);
	else
		seen->partition.reference_time = 0; /* it goes on */
}

void see(void)
{
	see_all(&before);
}

/* The offset of what differs tells more than that something does. */
static void expect_the_same(const char *what, uint32_t number)
{
	const uint8_t *a = (const uint8_t *)&before, *b = (const uint8_t *)&after;
	size_t i;

	see_all(&after);
	for (i = 0; i < sizeof(before); i++) {
		if (a[i] == b[i])
			continue;
		say("hostile: %s: call %u was refused, and has changed byte %u of what is seen",
		    what, number, (unsigned int)i);
		end(END_FAILED);
	}
}

void expect_refused(const char *what, uint32_t number, const uint64_t a[6], status_t status)
{
	status_t answer = call(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	refusal_note(number);
	if (answer != status) {
		say("hostile: %s: call %u with %llx %llx %llx %llx %llx %llx answers %u, not %u",
		    what, number, (unsigned long long)a[0], (unsigned long long)a[1],
		    (unsigned long long)a[2], (unsigned long long)a[3], (unsigned long long)a[4],
		    (unsigned long long)a[5], answer, status);
		end(END_FAILED);
	}
	expect_the_same(what, number);
}

void expect_wrong(const char *what, const struct call_row *row, int place, uint64_t value,
		  status_t status)
{
	uint64_t a[6];

	arguments_make(row, a);
	a[place] = value;
	expect_refused(what, row->number, a, status);
}

/* ---- the objects ---- */

uint64_t arena_at(uint64_t offset)
{
	return (uintptr_t)arena + offset;
}

uint64_t duplicate(uint64_t handle, uint32_t rights)
{
	uint64_t copy;

	EXPECT(call_value(SYS_handle_duplicate, handle, rights, 0, 0, 0, 0, &copy) == STATUS_OK);
	return copy;
}

void handle_end(uint64_t *handle)
{
	EXPECT(call(SYS_handle_close, *handle, 0, 0, 0, 0, 0) == STATUS_OK);
	*handle = HANDLE_NONE;
}

uint64_t bind(uint64_t partition, uint32_t index)
{
	uint64_t vp;

	EXPECT(call_value(SYS_vp_bind, partition, index, arena_at(RUN_BLOCK) + index * 4096ull, 0,
			  0, 0, &vp) == STATUS_OK);
	return vp;
}

uint32_t threads_of(uint32_t cpu)
{
	struct inspect_cpu view = {0};

	EXPECT(call(SYS_inspect, 0, INSPECT_CPU, cpu, (uintptr_t)&view, sizeof(view), 0) ==
	       STATUS_OK);
	return view.threads;
}

static void ports_make(void)
{
	const uint64_t partition = things[PARTITION], event = things[EVENT];

	EXPECT(call_value(SYS_message_port_create, partition, 0, CONNECTION, event, 1, 0,
			  &things[MESSAGES]) == STATUS_OK);
	EXPECT(call_value(SYS_host_event_port_create, partition, 0, CONNECTION + 3, event, 1, 0,
			  &things[SIGNALS]) == STATUS_OK);
	EXPECT(call_value(SYS_guest_event_port_create, partition, 0, 0, 2, 3, 0, &things[FLAG]) ==
	       STATUS_OK);
	EXPECT(call(SYS_monitor_page_set, partition, 0, MONITOR_GPA, 0, 0, 0) == STATUS_OK);
	EXPECT(call_value(SYS_monitor_register, partition, 0, 4, CONNECTION + 3, 1000, 0,
			  &things[MONITOR]) == STATUS_OK);
}

static void device_make(void)
{
	uint64_t message;

	EXPECT(call_value(SYS_vpci_device_create, things[PARTITION], 0, DEVICE_ID, 0, 0, 0,
			  &things[DEVICE]) == STATUS_OK);
	EXPECT(call_value(SYS_vpci_register_interrupt, things[DEVICE], 2,
			  (uintptr_t)&places.interrupt, 0, 0, 0, &message) == STATUS_OK);
	EXPECT(message == MSI_BASE);
}

static void objects_make(void)
{
	const uint64_t config = (uintptr_t)&places.proto, block = arena_at(DEPOSITED_BLOCK);

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &things[EVENT]) == STATUS_OK);
	EXPECT(call_value(SYS_thread_create, 0, ROOT_PRIORITY, (uintptr_t)hostile_exit, 0, 0, 0,
			  &things[THREAD]) == STATUS_OK);
	things[TASK] = 1;
	EXPECT(call_value(SYS_proto_partition_create, config, 0, 0, 0, 0, 0, &things[PROTO]) ==
	       STATUS_OK);
	EXPECT(call_value(SYS_proto_partition_create, config, 0, 0, 0, 0, 0, &things[PARTITION]) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_deposit, things[PARTITION], block, LARGE_PAGE_SIZE, 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_proto_partition_build, things[PARTITION], (uintptr_t)&places.build, 0, 0, 0,
		    0) == STATUS_OK);
	EXPECT(call(SYS_partition_map, things[PARTITION], 0, arena_at(MAPPED_BLOCK),
		    LARGE_PAGE_SIZE, MAPPED_GPA, GPA_WRITABLE) == STATUS_OK);
	EXPECT(call_value(SYS_partition_pin, things[PARTITION], 0, MAPPED_GPA, LARGE_PAGE_SIZE, 0,
			  0, &things[PIN]) == STATUS_OK);
	EXPECT(call_value(SYS_msi_source_create, things[PARTITION], 0, 0, 0, 0, 0,
			  &things[SOURCE]) == STATUS_OK);
	places.doorbell.event = (handle_t)things[EVENT];
	places.doorbell.address = DOORBELL_GPA_AT;
	EXPECT(call_value(SYS_partition_doorbell_create, things[PARTITION], 0,
			  (uintptr_t)&places.doorbell, 0, 0, 0, &things[DOORBELL]) == STATUS_OK);
	places.doorbell.address += 4096;
	ports_make();
	device_make();
	while (threads_of(0) > 1)
		sleep_ms(1);
}

static void places_fill(void)
{
	places = (struct places){
		.proto = {.vp_count = VPS,
			  .apic_mode = APIC_MODE_X2APIC_SUPPORTED,
			  .flags = PARTITION_HYPERV},
		.build = {.cpuid_leaves = (uintptr_t)&places.leaf, .cpuid_leaf_count = 1},
		.leaf = {.function = 0x40000000},
		.doorbell = {.bits = 1, .length = 4},
		.interrupt = {.vector = 0x30, .valid_banks = 1, .banks = {1}},
		.message = {.type = 1, .payload_size = HV_MESSAGE_PAYLOAD},
		.debug = {.breakpoint = {{0x1000, BREAKPOINT_EXECUTE, 1, {0}},
					 {0x2000, BREAKPOINT_WRITE, 8, {0}}}},
		.pat = 0x0007040600070406,
		.name = HV_X64_REGISTER_RAX,
		.text = TEXT,
	};
}

static void states_save(void)
{
	EXPECT(call(SYS_vp_save, things[VP], (uintptr_t)&places.vp, sizeof(places.vp), 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_save, things[PARTITION], (uintptr_t)&places.partition,
		    sizeof(places.partition), 0, 0, 0) == STATUS_OK);
}

static void objects_close(void)
{
	uint8_t *block = (uint8_t *)arena_at(DEPOSITED_BLOCK);

	handle_end(&things[PARTITION]);
	/* What it has given keeps it alive, but the doorbell. */
	EXPECT(call(SYS_vp_reset, things[VP], 0, 0, 0, 0, 0) == STATUS_OK);
	handle_end(&things[VP]);
	EXPECT(call(SYS_msi_signal, things[SOURCE], MSI_BASE, 0x30, 0, 0, 0) == STATUS_OK);
	handle_end(&things[PIN]);
	handle_end(&things[MESSAGES]);
	handle_end(&things[SIGNALS]);
	handle_end(&things[FLAG]);
	handle_end(&things[MONITOR]);
	EXPECT(call(SYS_vpci_signal_msi, things[DEVICE], MSI_BASE, 1, 0, 0, 0) == STATUS_OK);
	handle_end(&things[DEVICE]);
	handle_end(&things[SOURCE]);
	*(volatile uint8_t *)block = 1; /* it is in the window again */
	EXPECT(call(SYS_event_signal, things[DOORBELL], 1, 0, 0, 0, 0) == STATUS_WRONG_TYPE);
	handle_end(&things[DOORBELL]);
	handle_end(&things[PROTO]);
	handle_end(&things[THREAD]);
	handle_end(&things[EVENT]);
}

void wrong_calls(void)
{
	if (call(SYS_hypervisor_available, 0, 0, 0, 0, 0, 0) != STATUS_OK) {
		say("hostile: no partitions on this machine");
		end(END_FAILED);
	}
	places_fill();
	objects_make();
	EXPECT(call(SYS_partition_freeze, things[PARTITION], 0, 0, 0, 0, 0) == STATUS_OK);
	things[VP] = bind(things[PARTITION], 0);
	states_save();
	wrong_shared();
	wrong_values();
	handle_end(&things[VP]);
	EXPECT(call(SYS_partition_thaw, things[PARTITION], 0, 0, 0, 0, 0) == STATUS_OK);
	wrong_states();
	things[VP] = bind(things[PARTITION], 0);
	wrong_values_with_traces();
	right_calls();
	all_were_refused();
	objects_close();
	say("hostile: wrong calls are answered");
}

/* SPDX-License-Identifier: MIT */
/* See wrong.h: what can be done, but not to an object in this state. */
#include "wrong.h"
#include <stdatomic.h>

/* Of the VP that another thread has. */
static struct other {
	uint64_t vp;
	uint64_t go; /* the event that the thread waits for, twice */
	_Atomic bool bound;
	_Atomic bool returned;
	status_t answer; /* of vp_run */
} other;

/* The main thread looks whether this one waits, by waiting itself. */
static void go_wait(void)
{
	status_t answer;

	do
		answer = call(SYS_event_wait, other.go, UINT64_MAX, 0, 0, 0, 0);
	while (answer == STATUS_BUSY);
	EXPECT(answer == STATUS_OK);
}

/* It ends with its VP bound. */
static void other_thread(uint64_t index)
{
	other.vp = bind(things[PARTITION], (uint32_t)index);
	other.bound = true;
	go_wait();
	other.answer = call(SYS_vp_run, other.vp, 0, 0, 0, 0, 0);
	other.returned = true;
	go_wait();
}

static void other_goes_on(void)
{
	EXPECT(call(SYS_event_signal, other.go, 1, 0, 0, 0, 0) == STATUS_OK);
}

static struct inspect_vp vp_look(uint32_t index)
{
	struct inspect_vp view = {0};

	EXPECT(call(SYS_inspect, things[PARTITION], INSPECT_VP, index, (uintptr_t)&view,
		    sizeof(view), 0) == STATUS_OK);
	return view;
}

static void expect_partition(const char *what, uint32_t number, status_t status)
{
	const struct call_row *row = call_row(number);

	see();
	expect_wrong(what, row, 0, things[PARTITION], status);
}

static void bound_elsewhere(const char *what)
{
	const struct call_row *row = call_row(SYS_vp_bind);

	expect_all_of(what, VP, other.vp, STATUS_WRONG_STATE);
	expect_wrong(what, row, 1, 1, STATUS_BUSY);
	expect_partition(what, SYS_partition_freeze, STATUS_BUSY);
	expect_partition(what, SYS_partition_thaw, STATUS_BUSY);
}

/* The second VP: it waits for a start-up message that nobody sends, in vp_run. */
static void of_another_thread(void)
{
	const struct call_row *wait = call_row(SYS_event_wait);
	uint32_t cpu = boot_info->cpu_count - 1, threads = threads_of(cpu);
	uint64_t ended;

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &other.go) == STATUS_OK);
	thread_run(cpu, ROOT_PRIORITY, other_thread, 1);
	while (!other.bound || call(SYS_event_wait, other.go, 0, 0, 0, 0, 0) == STATUS_TIMED_OUT)
		sleep_ms(1);
	bound_elsewhere("a VP of another thread");
	expect_wrong("an event that another thread waits for", wait, 0, other.go, STATUS_BUSY);

	other_goes_on();
	while (vp_look(1).run_state != 3)
		sleep_ms(1);
	bound_elsewhere("a VP that runs in another thread");
	expect_partition("a VP runs", SYS_partition_reset, STATUS_BUSY);
	expect_partition("a VP runs", SYS_partition_restore, STATUS_BUSY);
	EXPECT(call(SYS_vp_request_yield, things[PARTITION], 1, 0, 0, 0, 0) == STATUS_OK);
	while (!other.returned)
		sleep_ms(1);
	EXPECT(other.answer == STATUS_OK);

	other_goes_on();
	while (threads_of(cpu) > threads)
		sleep_ms(1);
	bound_elsewhere("a VP whose thread has ended");
	ended = other.vp;
	handle_end(&other.vp);
	handle_end(&other.go);
	expect_all_of("a VP that is not bound", VP, ended, STATUS_INVALID_HANDLE);
}

static void frozen(void)
{
	const uint64_t partition = things[PARTITION];

	expect_partition("not frozen", SYS_partition_thaw, STATUS_WRONG_STATE);
	EXPECT(call(SYS_partition_freeze, partition, 0, 0, 0, 0, 0) == STATUS_OK);
	expect_partition("frozen", SYS_partition_freeze, STATUS_WRONG_STATE);
	things[VP] = bind(partition, 0);
	see();
	expect_wrong("frozen", call_row(SYS_vp_run), 0, things[VP], STATUS_WRONG_STATE);
	expect_partition("frozen, with a VP", SYS_partition_freeze, STATUS_BUSY);
	expect_partition("frozen, with a VP", SYS_partition_thaw, STATUS_BUSY);
	EXPECT(call(SYS_partition_reset, partition, 0, 0, 0, 0, 0) == STATUS_OK);
	handle_end(&things[VP]);
	expect_partition("thawed by a reset", SYS_partition_thaw, STATUS_WRONG_STATE);
}

/* Off, and in x2APIC mode, there is no page of the APIC's. */
static void without_apic_page(void)
{
	static const uint64_t modes[] = {0, BIT(11) | BIT(10)};
	const uint32_t name = HV_X64_REGISTER_APIC_BASE;
	union hv_register_value base;
	uint64_t vp = things[VP] = bind(things[PARTITION], 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT(call(SYS_vp_get_registers, vp, 0, (uintptr_t)&name, (uintptr_t)&base, 1,
			    0) == STATUS_OK);
		base.reg64 = (base.reg64 & ~(BIT(11) | BIT(10))) | modes[i];
		EXPECT(call(SYS_vp_set_registers, vp, 0, (uintptr_t)&name, (uintptr_t)&base, 1,
			    0) == STATUS_OK);
		see();
		expect_wrong("no APIC page", call_row(SYS_vp_apic_access), 0, vp, STATUS_NOT_FOUND);
		EXPECT(call(SYS_vp_reset, vp, 0, 0, 0, 0, 0) == STATUS_OK);
	}
	handle_end(&things[VP]);
}

static void built(void)
{
	const struct call_row *row = call_row(SYS_proto_partition_build);

	see();
	expect_wrong("built twice", row, 0, things[PARTITION], STATUS_WRONG_STATE);
}

/* A partition whose APICs the root task models, and which has no Hyper-V interface. */
static void without_apics(void)
{
	static const uint32_t calls[] = {SYS_partition_request_msi, SYS_msi_source_create,
					 SYS_vp_set_lint, SYS_vp_pulse_lint};
	static const uint32_t ports[] = {
		SYS_message_port_create, SYS_host_event_port_create, SYS_guest_event_port_create,
		SYS_synic_post_message,	 SYS_monitor_page_set,	     SYS_monitor_register,
		SYS_monitor_read,	 SYS_monitor_write,	     SYS_vpci_device_create,
		SYS_partition_crash_bind};
	uint64_t partition, vp;
	size_t i;

	places.proto.flags = PARTITION_USER_MODE_APIC;
	EXPECT(call_value(SYS_proto_partition_create, (uintptr_t)&places.proto, 0, 0, 0, 0, 0,
			  &partition) == STATUS_OK);
	places.proto.flags = PARTITION_HYPERV;
	EXPECT(call(SYS_partition_deposit, partition, arena_at(APIC_BLOCK), LARGE_PAGE_SIZE, 0, 0,
		    0) == STATUS_OK);
	EXPECT(call(SYS_proto_partition_build, partition, (uintptr_t)&places.build, 0, 0, 0, 0) ==
	       STATUS_OK);
	vp = bind(partition, 0);
	see();
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		expect_wrong("no APICs", call_row(calls[i]), 0, partition, STATUS_WRONG_STATE);
	for (i = 0; i < ARRAY_SIZE(ports); i++)
		expect_wrong("no interface", call_row(ports[i]), 0, partition,
			     STATUS_NOT_SUPPORTED);
	expect_wrong("no APICs", call_row(SYS_vp_apic_access), 0, vp, STATUS_WRONG_STATE);
	handle_end(&vp);
	handle_end(&partition);
}

/* With its last handle, VP and source a partition is gone, and what was made of it says so. */
static void destroyed(void)
{
	uint64_t partition, doorbell, gone;

	EXPECT(call_value(SYS_proto_partition_create, (uintptr_t)&places.proto, 0, 0, 0, 0, 0,
			  &partition) == STATUS_OK);
	EXPECT(call(SYS_partition_deposit, partition, arena_at(APIC_BLOCK), LARGE_PAGE_SIZE, 0, 0,
		    0) == STATUS_OK);
	EXPECT(call(SYS_proto_partition_build, partition, (uintptr_t)&places.build, 0, 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call_value(SYS_partition_doorbell_create, partition, 0, (uintptr_t)&places.doorbell,
			  0, 0, 0, &doorbell) == STATUS_OK);
	gone = partition;
	handle_end(&partition);
	expect_all_of("a partition that is gone", PARTITION, gone, STATUS_INVALID_HANDLE);
	expect_all_of("a partition that is gone", PROTO, gone, STATUS_INVALID_HANDLE);
	expect_all_of("a doorbell of none", PARTITION, doorbell, STATUS_WRONG_TYPE);
	handle_end(&doorbell);
}

void wrong_states(void)
{
	things[VP] = HANDLE_NONE;
	of_another_thread();
	frozen();
	without_apic_page();
	built();
	without_apics();
	destroyed();
}

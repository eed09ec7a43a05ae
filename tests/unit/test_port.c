/* SPDX-License-Identifier: MIT */
/*
 * Ports, with guests and their synic left out: what a guest's calls answer, that nothing is lost which was
 * accepted, where a guest's events go, what is refused, and who is kept alive.
 */
#include "machine_memory.h"

#include <kernel/cpu.h>
#include <kernel/event.h>
#include <kernel/gpa_range.h>
#include <kernel/hypercall.h>
#include <kernel/monitor.h>
#include <kernel/port.h>
#include <kernel/processor.h>
#include <kernel/synic.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <trivet/hv/monitor.h>

#define USER	   0x10000u
#define VTLS	   2u
#define VPS	   2u
#define CONNECTION 0x654321u

static struct heap heap;
static struct task task;
static struct thread thread;
static struct hv_partition hv;
static struct partition partition;
static struct vp vps[VPS];
static struct event *event;
static handle_t partition_handle, event_handle;
static uint64_t signalled;
static uint32_t signals;
static uint64_t pages_at_start;
static struct gpa_space space = {.partition = &partition};

/* The fake synic. */
static struct {
	const struct vp *vp;
	uint32_t vtl, sint, flag;
	bool set, cleared;
	struct hv_message message;
} there;
static status_t synic_status;

static union {
	struct port_message received;
	struct hv_message sent;
} user;

/* Another CPU's timer is none of this test's. */
static struct timer *timer;
static unsigned int stopped;

void timer_init(struct timer *t, void (*expired)(struct timer *t))
{
	*t = (struct timer){.deadline = TIMER_NEVER, .expired = expired};
}

void timer_set(struct timer *t, uint64_t deadline)
{
	t->deadline = deadline;
	timer = t;
}

void timer_cancel(struct timer *t)
{
	t->deadline = TIMER_NEVER;
	stopped++;
}

void cpu_call(struct cpu *cpu, void (*function)(void *argument), void *argument)
{
	assert_ptr_equal(cpu, this_cpu());
	function(argument);
}

status_t gpa_overlay_move(struct gpa_space *s, struct gpa_overlay *overlay, gpa_t gpa)
{
	assert_ptr_equal(s, &space);
	overlay->gpa = gpa;
	return STATUS_OK;
}

struct gpa_space *partition_space(const struct partition *p, uint32_t vtl)
{
	(void)p;
	return vtl < VTLS ? &space : NULL;
}

void event_signal(struct event *e, uint64_t bits)
{
	assert_ptr_equal(e, event);
	signalled |= bits;
	signals++;
}

status_t synic_signal_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag,
			    bool *was_set)
{
	there.vp = vp;
	there.vtl = vtl;
	there.sint = sint;
	there.flag = flag;
	*was_set = there.set;
	there.set = synic_status == STATUS_OK;
	return synic_status;
}

status_t synic_clear_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag)
{
	assert_true(there.vp == vp && there.vtl == vtl && there.sint == sint && there.flag == flag);
	there.set = false;
	there.cleared = true;
	return synic_status;
}

status_t synic_post_message(struct vp *vp, uint32_t vtl, uint32_t sint,
			    const struct hv_message *message)
{
	there.vp = vp;
	there.vtl = vtl;
	there.sint = sint;
	there.message = *message;
	return synic_status;
}

static void nothing(struct object *object)
{
	(void)object;
}

void partition_put(struct partition *p)
{
	object_put(&p->object);
}

struct vp *partition_vp(const struct partition *p, uint32_t index)
{
	return index < p->vp_count ? p->vps[index] : NULL;
}

status_t syscall_space(struct partition *p, uint64_t vtl, struct gpa_space **s)
{
	(void)p;
	*s = &space;
	return vtl < VTLS ? STATUS_OK : STATUS_INVALID_VTL;
}

static int setup(void **state)
{
	static struct vp *list[VPS] = {&vps[0], &vps[1]};

	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 2);
	pages_at_start = heap.pages_free;
	memset(&partition, 0, sizeof(partition));
	memset(&hv, 0, sizeof(hv));
	memset(&there, 0, sizeof(there));
	fake_cpus_init(1);
	handle_table_init(&task.handles, &heap);
	task.heap = partition.heap = &heap;
	thread.task = &task;
	partition.hv = &hv;
	partition.physical_bits = 40;
	partition.vps = list;
	partition.vp_count = VPS;
	for (uint32_t i = 0; i < VPS; i++) {
		vps[i].partition = &partition;
		vps[i].index = i;
		vps[i].bound = false;
		vps[i].run_state = VP_BLOCKED;
	}
	timer = NULL;
	stopped = 0;
	object_init(&partition.object, OBJECT_PARTITION, nothing);
	event = heap_alloc(&heap, sizeof(*event));
	object_init(&event->object, OBJECT_EVENT, nothing);
	signalled = 0;
	signals = 0;
	synic_status = STATUS_OK;
	fake_user_memory(USER, &user, sizeof(user));
	return handle_create(&task.handles, &partition.object, RIGHTS_ALL, &partition_handle) ||
	       handle_create(&task.handles, &event->object, RIGHTS_ALL, &event_handle);
}

static int teardown(void **state)
{
	(void)state;
	handle_table_destroy(&task.handles);
	assert_int_equal(event->object.references, 1);
	assert_int_equal(partition.object.references, 1);
	assert_int_equal(hv.ports.count, 0);
	monitors_stop(&partition);
	monitors_destroy(&partition);
	port_table_destroy(&partition);
	heap_free(&heap, event, sizeof(*event));
	assert_int_equal(heap.pages_free, pages_at_start);
	fake_cpus_destroy();
	fake_ram_destroy();
	return 0;
}

/* ---- the calls ---- */

static struct syscall_result connect(syscall_handler_t *create, uint64_t min_vtl,
				     uint64_t connection)
{
	return create(&thread,
		      (uint64_t[6]){partition_handle, min_vtl, connection, event_handle, 0x10});
}

static handle_t make(syscall_handler_t *create, uint64_t min_vtl, uint64_t connection)
{
	struct syscall_result result = connect(create, min_vtl, connection);

	assert_int_equal(result.status, STATUS_OK);
	return (handle_t)result.value;
}

static uint16_t posts(uint32_t vtl, struct hv_post_message_input input)
{
	struct hypercall call = {.vp = &vps[1], .vtl = vtl};

	return hypercall_post_message(&call, &input, NULL, NULL);
}

static uint16_t posts_number(uint32_t number)
{
	struct hv_post_message_input input = {
		.connection = CONNECTION, .type = 1, .payload_size = sizeof(number)};

	memcpy(input.payload, &number, sizeof(number));
	memset(input.payload + sizeof(number), 0xee, sizeof(input.payload) - sizeof(number));
	return posts(0, input);
}

static uint16_t signals_event(uint32_t vtl, struct hv_signal_event_input input)
{
	struct hypercall call = {.vp = &vps[0], .vtl = vtl};

	return hypercall_signal_event(&call, &input, NULL, NULL);
}

static status_t receives(handle_t port, uint64_t va)
{
	return sys_message_port_receive(&thread, (uint64_t[6]){port, va}).status;
}

static struct syscall_result guest_port(uint64_t vtl, uint64_t vp, uint64_t sint, uint64_t flag)
{
	return sys_guest_event_port_create(&thread,
					   (uint64_t[6]){partition_handle, vtl, vp, sint, flag});
}

/* ---- from the guest ---- */

static void test_messages_come_in_their_order(void **state)
{
	handle_t port = make(sys_message_port_create, 0, CONNECTION);
	uint32_t number;

	(void)state;
	assert_int_equal(receives(port, USER), STATUS_NOT_FOUND);
	for (uint32_t i = 0; i < PORT_MESSAGES; i++)
		assert_int_equal(posts_number(i), HV_SUCCESS);
	assert_int_equal(signalled, 0x10);
	assert_int_equal(signals, PORT_MESSAGES);
	assert_int_equal(posts_number(99), HV_INSUFFICIENT_BUFFERS);
	assert_int_equal(signals, PORT_MESSAGES);
	for (uint32_t i = 0; i < PORT_MESSAGES + 3; i++) {
		if (i < 3)
			assert_int_equal(receives(port, 0x666000), STATUS_INVALID_ADDRESS);
		assert_int_equal(receives(port, USER), STATUS_OK);
		memcpy(&number, user.received.message.payload, sizeof(number));
		assert_int_equal(number, i);
		assert_int_equal(user.received.message.payload_size, sizeof(number));
		assert_int_equal(user.received.message.payload[sizeof(number)], 0);
		assert_int_equal(user.received.message.type, 1);
		assert_int_equal(user.received.vp, 1);
		if (i < 3) /* there is room again */
			assert_int_equal(posts_number(PORT_MESSAGES + i), HV_SUCCESS);
	}
	assert_int_equal(receives(port, USER), STATUS_NOT_FOUND);
}

/* Of two threads at once, each message has one. */
static void test_a_message_is_taken_once(void **state)
{
	handle_t handle = make(sys_message_port_create, 0, CONNECTION);
	struct port_message one, other;
	struct object *object;
	uint64_t turn, other_turn;
	struct port *port;

	(void)state;
	assert_int_equal(posts_number(1), HV_SUCCESS);
	assert_int_equal(posts_number(2), HV_SUCCESS);
	assert_int_equal(handle_get(&task.handles, handle, OBJECT_PORT, 0, &object), STATUS_OK);
	port = port_of(object, PORT_MESSAGE);
	assert_null(port_of(object, PORT_HOST_EVENT));
	assert_int_equal(port_message_peek(port, &one, &turn), STATUS_OK);
	assert_int_equal(port_message_peek(port, &other, &other_turn), STATUS_OK);
	assert_memory_equal(&one, &other, sizeof(one));
	assert_true(port_message_drop(port, turn));
	assert_false(port_message_drop(port, other_turn));
	assert_int_equal(port_message_peek(port, &other, &other_turn), STATUS_OK);
	assert_int_equal(other.message.payload[0], 2);
	object_put(object);
}

static void test_what_a_guest_cannot_post(void **state)
{
	static const struct {
		struct hv_post_message_input input;
		uint32_t vtl;
		uint16_t status;
	} rows[] = {
		{{CONNECTION, 0, 1, 240, {0}}, 1, HV_SUCCESS},
		{{CONNECTION, 0, 1, 0, {0}}, 1, HV_SUCCESS},
		{{CONNECTION, 0, 1, 0, {0}}, 0, HV_ACCESS_DENIED},
		{{CONNECTION, 0, 0, 0, {0}}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION, 0, 0x80000000, 0, {0}}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION, 0, 1, 241, {0}}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION, 0, 1, UINT32_MAX, {0}}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION, 1, 1, 0, {0}}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION + 1, 0, 1, 0, {0}}, 1, HV_INVALID_CONNECTION_ID},
		{{CONNECTION | BIT(24), 0, 1, 0, {0}}, 1, HV_INVALID_CONNECTION_ID},
		{{CONNECTION + PORT_BUCKETS, 0, 1, 0, {0}}, 1, HV_INVALID_CONNECTION_ID},
		{{3, 0, 1, 0, {0}}, 1, HV_INVALID_PORT_ID},
	};

	(void)state;
	assert_int_equal(posts(0, rows[0].input), HV_INVALID_CONNECTION_ID);
	make(sys_message_port_create, 1, CONNECTION);
	make(sys_host_event_port_create, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(posts(rows[i].vtl, rows[i].input), rows[i].status);
	assert_int_equal(signals, 2);
}

static void test_what_a_guest_signals(void **state)
{
	static const struct {
		struct hv_signal_event_input input;
		uint32_t vtl;
		uint16_t status;
	} rows[] = {
		{{CONNECTION, 0, 0}, 1, HV_SUCCESS},
		{{CONNECTION, 0, 0}, 0, HV_ACCESS_DENIED},
		{{CONNECTION, 1, 0}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION, 0, 1}, 1, HV_INVALID_PARAMETER},
		{{CONNECTION - 1, 0, 0}, 1, HV_INVALID_CONNECTION_ID},
		{{CONNECTION | BIT(31), 0, 0}, 1, HV_INVALID_CONNECTION_ID},
		{{3, 0, 0}, 1, HV_INVALID_PORT_ID},
	};

	(void)state;
	assert_int_equal(signals_event(1, rows[0].input), HV_INVALID_CONNECTION_ID);
	make(sys_host_event_port_create, 1, CONNECTION);
	make(sys_message_port_create, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(signals_event(rows[i].vtl, rows[i].input), rows[i].status);
	assert_int_equal(signals, 1);
	assert_int_equal(signalled, 0x10);
}

/* Numbers that share a chain, and that go in another order than they came. */
static void test_ports_come_and_go(void **state)
{
	handle_t handles[30];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = make(sys_host_event_port_create, 0, 5 + i / 3 * PORT_BUCKETS + i % 3);
	for (uint32_t i = 0; i < ARRAY_SIZE(handles); i += 2)
		assert_int_equal(handle_close(&task.handles, handles[i]), STATUS_OK);
	for (uint32_t i = 0; i < ARRAY_SIZE(handles); i++) {
		const struct hv_signal_event_input input = {.connection = 5 + i / 3 * PORT_BUCKETS +
									  i % 3};

		assert_int_equal(signals_event(0, input),
				 i % 2 ? HV_SUCCESS : HV_INVALID_CONNECTION_ID);
	}
	assert_int_equal(hv.ports.count, ARRAY_SIZE(handles) / 2);
}

/* ---- into the guest ---- */

static void test_a_guests_event(void **state)
{
	struct syscall_result port = guest_port(1, 1, 2, 2047);
	const uint64_t a[6] = {port.value}, to[6] = {port.value, 0, 15, 7};

	(void)state;
	assert_int_equal(port.status, STATUS_OK);
	assert_int_equal(sys_guest_event_port_signal(&thread, a).status, STATUS_OK);
	assert_true(there.vp == &vps[1] && there.vtl == 1 && there.sint == 2 && there.flag == 2047);
	assert_int_equal(sys_guest_event_port_clear(&thread, a).status, STATUS_OK);
	assert_true(there.cleared);
	assert_int_equal(sys_guest_event_port_retarget(&thread, to).status, STATUS_OK);
	assert_int_equal(sys_guest_event_port_signal(&thread, a).status, STATUS_OK);
	assert_true(there.vp == &vps[0] && there.vtl == 1 && there.sint == 15 && there.flag == 7);
	synic_status = STATUS_WRONG_STATE;
	assert_int_equal(sys_guest_event_port_signal(&thread, a).status, STATUS_WRONG_STATE);
	assert_int_equal(sys_guest_event_port_clear(&thread, a).status, STATUS_WRONG_STATE);
}

static void test_a_target_that_is_none(void **state)
{
	static const struct {
		uint64_t vtl, vp, sint, flag;
		status_t status;
	} rows[] = {
		{VTLS, 0, 2, 0, STATUS_INVALID_VTL},
		{0, VPS, 2, 0, STATUS_NOT_FOUND},
		{0, BIT(32), 2, 0, STATUS_NOT_FOUND},
		{0, 0, HV_SINT_COUNT, 0, STATUS_NOT_FOUND},
		{0, 0, BIT(40), 0, STATUS_NOT_FOUND},
		{0, 0, 2, HV_EVENT_FLAGS, STATUS_INVALID_ARGUMENT},
		{0, 0, 2, BIT(32), STATUS_INVALID_ARGUMENT},
	};
	const uint64_t port = guest_port(0, 0, 2, 3).value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t to[6] = {port, rows[i].vp, rows[i].sint, rows[i].flag};

		assert_int_equal(
			guest_port(rows[i].vtl, rows[i].vp, rows[i].sint, rows[i].flag).status,
			rows[i].status);
		if (!rows[i].vtl)
			assert_int_equal(sys_guest_event_port_retarget(&thread, to).status,
					 rows[i].status);
	}
	assert_int_equal(sys_guest_event_port_signal(&thread, (uint64_t[6]){port}).status,
			 STATUS_OK);
	assert_true(there.vp == &vps[0] && there.sint == 2 && there.flag == 3);
}

static void test_a_message_to_the_guest(void **state)
{
	uint64_t a[6] = {partition_handle, 0, 1, 4, USER};

	(void)state;
	user.sent = (struct hv_message){.type = 0x80000010, .payload_size = 240, .origin = 9};
	user.sent.payload[239] = 0x77;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_OK);
	assert_true(there.vp == &vps[1] && there.sint == 4);
	assert_memory_equal(&there.message, &user.sent, sizeof(user.sent));
	synic_status = STATUS_BUSY;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_BUSY);
	user.sent.payload_size = 241;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_INVALID_ARGUMENT);
	user.sent.payload_size = 0;
	user.sent.type = 0;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_INVALID_ARGUMENT);
	user.sent.type = 1;
	a[3] = 16;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_NOT_FOUND);
	a[3] = 0;
	a[4] = USER + sizeof(user) - 255;
	assert_int_equal(sys_synic_post_message(&thread, a).status, STATUS_INVALID_ADDRESS);
}

/* ---- monitor pages ---- */

#define PAGE 0x7000u

static handle_t monitored(uint64_t id, uint64_t connection, uint64_t latency)
{
	struct syscall_result result = sys_monitor_register(
		&thread, (uint64_t[6]){partition_handle, 0, id, connection, latency});

	assert_int_equal(result.status, STATUS_OK);
	return (handle_t)result.value;
}

static status_t page_set(uint64_t gpa)
{
	return sys_monitor_page_set(&thread, (uint64_t[6]){partition_handle, 0, gpa}).status;
}

static uint64_t page_reads(size_t offset, uint64_t size)
{
	const uint64_t a[6] = {partition_handle, 0, PAGE + offset, size};
	struct syscall_result result = sys_monitor_read(&thread, a);

	assert_int_equal(result.status, STATUS_OK);
	return result.value;
}

static void page_writes(size_t offset, uint64_t size, uint64_t value)
{
	const uint64_t a[6] = {partition_handle, 0, PAGE + offset, size, value};

	assert_int_equal(sys_monitor_write(&thread, a).status, STATUS_OK);
}

static void timer_fires(void)
{
	struct timer *t = timer;

	t->deadline = TIMER_NEVER;
	timer = NULL;
	t->expired(t);
}

static void test_the_page_tells_what_is_registered(void **state)
{
	const size_t latency = offsetof(struct hv_monitor_page, latency);
	const size_t parameter = offsetof(struct hv_monitor_page, parameter);
	handle_t one = monitored(33, 5, 2000);

	(void)state;
	monitored(127, 6, 1500);
	assert_int_equal(page_set(PAGE), STATUS_OK);
	assert_int_equal(page_reads(0, 4), BIT(1) | BIT(3));
	assert_int_equal(page_reads(latency + 2 * 33, 2), 2000);
	assert_int_equal(page_reads(latency + 2 * 127, 2), 1500);
	assert_int_equal(page_reads(parameter + 8 * 33, 8), 5);
	assert_int_equal(handle_close(&task.handles, one), STATUS_OK);
	assert_int_equal(page_reads(0, 4), BIT(3));
	assert_int_equal(page_reads(latency + 2 * 33, 2), 0);
	assert_int_equal(
		sys_monitor_register(&thread, (uint64_t[6]){partition_handle, 0, 127, 6, 1}).status,
		STATUS_ALREADY_EXISTS);
	assert_int_equal(monitors_reset(&partition), STATUS_OK);
	assert_int_equal(
		sys_monitor_read(&thread, (uint64_t[6]){partition_handle, 0, PAGE, 8}).status,
		STATUS_NOT_FOUND);
}

/* An emulator's write has the bits of others left alone, and signals at once. */
static void test_an_emulated_write_signals(void **state)
{
	const size_t groups = offsetof(struct hv_monitor_page, trigger_group);

	(void)state;
	assert_int_equal(page_set(PAGE), STATUS_OK);
	monitored(8, 5, 2000);
	make(sys_host_event_port_create, 0, 5);
	page_writes(groups, 1, 0xff); /* others' bits */
	assert_int_equal(signals, 0);
	page_writes(groups + 1, 1, 1);
	assert_int_equal(signals, 1);
	page_writes(groups + 4, 4, 7); /* armed, which means nothing here */
	assert_int_equal(signals, 1);
	assert_int_equal(page_reads(groups, 8), 7ull << 32);
}

/* While a VP runs, as often as the shortest latency says; once after that; and again when one wakes. */
static void test_when_the_page_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(page_set(PAGE), STATUS_OK);
	assert_null(timer); /* nothing is registered */
	monitored(8, 5, 5000);
	assert_non_null(timer);
	timer_fires();
	assert_null(timer); /* all are blocked */
	monitors_wake(&partition);
	vps[1].run_state = VP_RUNNING;
	assert_non_null(timer);
	timer_fires();
	assert_non_null(timer);
	monitors_wake(&partition);
	vps[1].run_state = VP_STOPPED; /* with nobody */
	timer_fires();
	assert_null(timer);
	vps[1].bound = true;
	monitors_wake(&partition);
	timer_fires();
	assert_non_null(timer);
	monitors_stop(&partition);
	assert_int_equal(stopped, 1);
}

static void test_monitors_that_are_refused(void **state)
{
	static const struct {
		uint64_t vtl, id, connection, latency;
		status_t status;
	} rows[] = {
		{VTLS, 0, 1, 1, STATUS_INVALID_VTL},
		{0, HV_MONITORS, 1, 1, STATUS_INVALID_ARGUMENT},
		{0, BIT(32), 1, 1, STATUS_INVALID_ARGUMENT},
		{0, 0, BIT(24), 1, STATUS_INVALID_ARGUMENT},
		{0, 0, 1, 0, STATUS_INVALID_ARGUMENT},
		{0, 0, 1, 65536, STATUS_INVALID_ARGUMENT},
	};
	uint64_t a[6] = {partition_handle, 0, PAGE, 3};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t r[6] = {partition_handle, rows[i].vtl, rows[i].id,
				       rows[i].connection, rows[i].latency};

		assert_int_equal(sys_monitor_register(&thread, r).status, rows[i].status);
	}
	assert_int_equal(page_set(PAGE + 1), STATUS_MISALIGNED);
	assert_int_equal(page_set(BIT(40)), STATUS_INVALID_ADDRESS);
	assert_int_equal(sys_monitor_read(&thread, a).status, STATUS_INVALID_ARGUMENT);
	a[3] = 8;
	assert_int_equal(sys_monitor_read(&thread, a).status, STATUS_NOT_FOUND);
	assert_int_equal(page_set(PAGE), STATUS_OK);
	a[2] = PAGE + 4089;
	assert_int_equal(sys_monitor_read(&thread, a).status, STATUS_NOT_FOUND);
	assert_int_equal(sys_monitor_write(&thread, a).status, STATUS_NOT_FOUND);
}

/* ---- both ---- */

static void test_what_is_refused(void **state)
{
	syscall_handler_t *const creates[] = {sys_message_port_create, sys_host_event_port_create};
	handle_t weak;

	(void)state;
	assert_int_equal(handle_duplicate(&task.handles, event_handle, RIGHT_WAIT, &weak),
			 STATUS_OK);
	make(sys_host_event_port_create, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(creates); i++) {
		uint64_t a[6] = {partition_handle, 0, 2, event_handle, 0};

		assert_int_equal(connect(creates[i], 0, 1).status, STATUS_ALREADY_EXISTS);
		assert_int_equal(connect(creates[i], VTLS, 2).status, STATUS_INVALID_VTL);
		assert_int_equal(connect(creates[i], 0, BIT(24)).status, STATUS_INVALID_ARGUMENT);
		assert_int_equal(creates[i](&thread, a).status, STATUS_INVALID_ARGUMENT);
		a[4] = 1;
		a[3] = weak;
		assert_int_equal(creates[i](&thread, a).status, STATUS_ACCESS_DENIED);
		a[3] = partition_handle;
		assert_int_equal(creates[i](&thread, a).status, STATUS_WRONG_TYPE);
		hv.ports.count = PORTS_MAX;
		assert_int_equal(connect(creates[i], 0, 2).status, STATUS_TOO_LARGE);
		hv.ports.count = 1;
	}
	partition.hv = NULL;
	assert_int_equal(connect(sys_message_port_create, 0, 2).status, STATUS_NOT_SUPPORTED);
	assert_int_equal(guest_port(0, 0, 2, 0).status, STATUS_NOT_SUPPORTED);
	partition.hv = &hv;
}

static void test_ports_of_another_kind(void **state)
{
	handle_t message = make(sys_message_port_create, 0, 1);
	handle_t host = make(sys_host_event_port_create, 0, 2);
	handle_t guest = (handle_t)guest_port(0, 0, 2, 3).value;

	(void)state;
	assert_int_equal(receives(host, USER), STATUS_WRONG_TYPE);
	assert_int_equal(receives(guest, USER), STATUS_WRONG_TYPE);
	assert_int_equal(receives(event_handle, USER), STATUS_WRONG_TYPE);
	assert_int_equal(sys_guest_event_port_signal(&thread, (uint64_t[6]){host}).status,
			 STATUS_WRONG_TYPE);
	assert_int_equal(sys_guest_event_port_clear(&thread, (uint64_t[6]){message}).status,
			 STATUS_WRONG_TYPE);
	assert_int_equal(sys_guest_event_port_retarget(&thread, (uint64_t[6]){message}).status,
			 STATUS_WRONG_TYPE);
}

static void test_without_memory_nothing_is_left(void **state)
{
	void *taken = NULL, *page;
	uint64_t before;

	(void)state;
	while ((page = page_alloc(&heap, 0)))
		page_list_push(&taken, page);
	before = heap.pages_free;
	assert_int_equal(connect(sys_message_port_create, 0, 1).status, STATUS_NO_MEMORY);
	assert_int_equal(connect(sys_host_event_port_create, 0, 1).status, STATUS_NO_MEMORY);
	assert_int_equal(heap.pages_free, before);
	assert_int_equal(event->object.references, 2);
	assert_int_equal(partition.object.references, 2);
	page_list_free(&heap, taken);
}

static void test_a_port_keeps_its_partition(void **state)
{
	handle_t port = make(sys_message_port_create, 0, CONNECTION);

	(void)state;
	assert_int_equal(partition.object.references, 3);
	assert_int_equal(event->object.references, 3);
	assert_int_equal(handle_close(&task.handles, partition_handle), STATUS_OK);
	assert_int_equal(posts_number(4), HV_SUCCESS);
	assert_int_equal(receives(port, USER), STATUS_OK);
	assert_int_equal(handle_close(&task.handles, port), STATUS_OK);
	assert_int_equal(partition.object.references, 1);
	assert_int_equal(event->object.references, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(messages_come_in_their_order),
		TEST(a_message_is_taken_once),
		TEST(what_a_guest_cannot_post),
		TEST(what_a_guest_signals),
		TEST(ports_come_and_go),
		TEST(a_guests_event),
		TEST(a_target_that_is_none),
		TEST(a_message_to_the_guest),
		TEST(what_is_refused),
		TEST(ports_of_another_kind),
		TEST(without_memory_nothing_is_left),
		TEST(a_port_keeps_its_partition),
		TEST(the_page_tells_what_is_registered),
		TEST(an_emulated_write_signals),
		TEST(when_the_page_is_looked_at),
		TEST(monitors_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

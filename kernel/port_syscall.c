/* SPDX-License-Identifier: MIT */
/* System calls of ports, of messages to a guest, and of monitor pages. */
#include <kernel/event.h>
#include <kernel/hyperv.h>
#include <kernel/port.h>
#include <kernel/string.h>
#include <kernel/synic.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <trivet/hv/monitor.h>

/* ---- arguments ---- */

/* A partition that has the interface, and one of its VTLs. The caller puts the partition. */
static status_t place_get(struct thread *thread, uint64_t handle, uint64_t vtl,
			  struct partition **partition)
{
	struct gpa_space *space;
	status_t status = syscall_built_partition(thread, handle, RIGHT_WRITE, partition);

	if (status != STATUS_OK)
		return status;
	status = syscall_space(*partition, vtl, &space);
	if (status == STATUS_OK && !(*partition)->hv)
		status = STATUS_NOT_SUPPORTED;
	if (status != STATUS_OK)
		partition_put(*partition);
	return status;
}

/* VP, SINT and flag. */
static status_t target_decode(const uint64_t a[3], struct port_target *target)
{
	if (a[0] > UINT32_MAX || a[1] >= HV_SINT_COUNT)
		return STATUS_NOT_FOUND;
	if (a[2] >= HV_EVENT_FLAGS)
		return STATUS_INVALID_ARGUMENT;
	*target = (struct port_target){
		.vp = (uint32_t)a[0], .sint = (uint32_t)a[1], .flag = (uint32_t)a[2]};
	return STATUS_OK;
}

/* A port of that kind, of which the caller puts the object. */
static status_t port_get(struct thread *thread, uint64_t handle, uint32_t right,
			 enum port_kind kind, struct object **object, struct port **port)
{
	status_t status = syscall_object(thread, handle, OBJECT_PORT, right, object);

	if (status != STATUS_OK)
		return status;
	*port = port_of(*object, kind);
	if (*port)
		return STATUS_OK;
	object_put(*object);
	return STATUS_WRONG_TYPE;
}

static struct syscall_result handle_for(struct thread *thread, struct port *port)
{
	handle_t handle = HANDLE_NONE;
	struct object *object = port_object(port);
	status_t status = handle_create(&thread->task->handles, object, RIGHTS_ALL, &handle);

	object_put(object);
	return (struct syscall_result){status, handle};
}

/* ---- what the guest posts and signals ---- */

static __cold status_t connect(struct thread *thread, struct partition *partition,
			       enum port_kind kind, const uint64_t a[6], struct port **port)
{
	struct port_connection connection = {
		.number = (uint32_t)a[2], .min_vtl = (uint32_t)a[1], .bits = a[4]};
	struct object *event;
	status_t status;

	if (a[2] > HV_CONNECTION_ID || !a[4])
		return STATUS_INVALID_ARGUMENT;
	status = syscall_object(thread, a[3], OBJECT_EVENT, RIGHT_WRITE, &event);
	if (status != STATUS_OK)
		return status;
	connection.event = container_of(event, struct event, object);
	status = port_connect(partition, kind, &connection, port);
	object_put(event);
	return status;
}

static __cold struct syscall_result connected(struct thread *thread, enum port_kind kind,
					      const uint64_t a[6])
{
	struct partition *partition;
	struct port *port;
	status_t status = place_get(thread, a[0], a[1], &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = connect(thread, partition, kind, a, &port);
	partition_put(partition);
	return status == STATUS_OK ? handle_for(thread, port) : syscall_status(status);
}

__cold struct syscall_result sys_message_port_create(struct thread *thread, const uint64_t a[6])
{
	return connected(thread, PORT_MESSAGE, a);
}

__cold struct syscall_result sys_host_event_port_create(struct thread *thread, const uint64_t a[6])
{
	return connected(thread, PORT_HOST_EVENT, a);
}

/* It is taken when it is in the task's memory, and not before. */
static status_t receive(struct port *port, uint64_t va)
{
	struct port_message message;
	uint64_t turn;
	status_t status;

	do {
		status = port_message_peek(port, &message, &turn);
		if (status == STATUS_OK)
			status = user_copy_out(va, &message, sizeof(message));
	} while (status == STATUS_OK && !port_message_drop(port, turn));
	return status;
}

struct syscall_result sys_message_port_receive(struct thread *thread, const uint64_t a[6])
{
	struct object *object;
	struct port *port;
	status_t status = port_get(thread, a[0], RIGHT_READ, PORT_MESSAGE, &object, &port);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = receive(port, a[1]);
	object_put(object);
	return syscall_status(status);
}

/* ---- events and messages to the guest ---- */

__cold struct syscall_result sys_guest_event_port_create(struct thread *thread, const uint64_t a[6])
{
	struct port_target target;
	struct partition *partition;
	struct port *port;
	status_t status = place_get(thread, a[0], a[1], &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = target_decode(&a[2], &target);
	if (status == STATUS_OK)
		status = port_guest_create(partition, (uint32_t)a[1], &target, &port);
	partition_put(partition);
	return status == STATUS_OK ? handle_for(thread, port) : syscall_status(status);
}

static struct syscall_result guest_event(struct thread *thread, uint64_t handle,
					 status_t (*perform)(struct port *port))
{
	struct object *object;
	struct port *port;
	status_t status = port_get(thread, handle, RIGHT_WRITE, PORT_GUEST_EVENT, &object, &port);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = perform(port);
	object_put(object);
	return syscall_status(status);
}

struct syscall_result sys_guest_event_port_signal(struct thread *thread, const uint64_t a[6])
{
	return guest_event(thread, a[0], port_guest_signal);
}

struct syscall_result sys_guest_event_port_clear(struct thread *thread, const uint64_t a[6])
{
	return guest_event(thread, a[0], port_guest_clear);
}

__cold struct syscall_result sys_guest_event_port_retarget(struct thread *thread,
							   const uint64_t a[6])
{
	struct port_target target;
	struct object *object;
	struct port *port;
	status_t status = port_get(thread, a[0], RIGHT_WRITE, PORT_GUEST_EVENT, &object, &port);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = target_decode(&a[1], &target);
	if (status == STATUS_OK)
		status = port_guest_retarget(port, &target);
	object_put(object);
	return syscall_status(status);
}

struct syscall_result sys_synic_post_message(struct thread *thread, const uint64_t a[6])
{
	const uint64_t place[3] = {a[2], a[3], 0};
	struct port_target target;
	struct partition *partition;
	struct hv_message message;
	status_t status = user_copy_in(&message, a[4], sizeof(message));

	if (status == STATUS_OK)
		status = place_get(thread, a[0], a[1], &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = target_decode(place, &target);
	if (status == STATUS_OK)
		status = port_target_check(partition, &target);
	if (status == STATUS_OK &&
	    (message.type == HV_MESSAGE_NONE || message.payload_size > HV_MESSAGE_PAYLOAD))
		status = STATUS_INVALID_ARGUMENT;
	if (status == STATUS_OK)
		status = synic_post_message(partition_vp(partition, target.vp), (uint32_t)a[1],
					    target.sint, &message);
	partition_put(partition);
	return syscall_status(status);
}

/* ---- monitor pages ---- */

__cold struct syscall_result sys_monitor_page_set(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	status_t status;

	if (a[2] != GPA_NOWHERE && !IS_ALIGNED(a[2], PAGE_SIZE))
		return syscall_status(STATUS_MISALIGNED);
	status = place_get(thread, a[0], a[1], &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	status = monitor_page_set(partition, (uint32_t)a[1], a[2]);
	partition_put(partition);
	return syscall_status(status);
}

__cold struct syscall_result sys_monitor_register(struct thread *thread, const uint64_t a[6])
{
	struct partition *partition;
	struct object *object;
	handle_t handle = HANDLE_NONE;
	status_t status = place_get(thread, a[0], a[1], &partition);

	if (status != STATUS_OK)
		return syscall_status(status);
	status = STATUS_INVALID_ARGUMENT;
	if (a[2] < HV_MONITORS && a[3] <= HV_CONNECTION_ID && a[4] && a[4] <= UINT16_MAX)
		status = monitor_register(partition, (uint32_t)a[1], (uint32_t)a[2], (uint32_t)a[3],
					  (uint16_t)a[4], &object);
	if (status == STATUS_OK) {
		status = handle_create(&thread->task->handles, object, RIGHTS_ALL, &handle);
		object_put(object);
	}
	partition_put(partition);
	return (struct syscall_result){status, handle};
}

static __cold struct syscall_result monitor_access(struct thread *thread, const uint64_t a[6],
						   bool write)
{
	struct partition *partition;
	uint64_t value = write ? a[4] : 0;
	status_t status;

	if (a[3] != 1 && a[3] != 2 && a[3] != 4 && a[3] != 8)
		return syscall_status(STATUS_INVALID_ARGUMENT);
	status = place_get(thread, a[0], a[1], &partition);
	if (status != STATUS_OK)
		return syscall_status(status);
	if (write)
		status = monitor_write(partition, (uint32_t)a[1], a[2], &value, a[3]);
	else
		status = monitor_read(partition, (uint32_t)a[1], a[2], &value, a[3]);
	partition_put(partition);
	return (struct syscall_result){status, value};
}

__cold struct syscall_result sys_monitor_read(struct thread *thread, const uint64_t a[6])
{
	return monitor_access(thread, a, false);
}

__cold struct syscall_result sys_monitor_write(struct thread *thread, const uint64_t a[6])
{
	return monitor_access(thread, a, true);
}

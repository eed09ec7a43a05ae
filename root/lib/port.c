/* SPDX-License-Identifier: MIT */
/* Ports as C calls. As in model.c nothing is checked here. */
#include <lib/port.h>
#include <lib/syscall.h>

static inline uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* A call whose value nobody wants. */
static inline status_t call(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2,
			    uint64_t a3, uint64_t a4)
{
	uint64_t value;

	return syscall6(number, a0, a1, a2, a3, a4, 0, &value);
}

/* A call whose value is a handle. */
static inline status_t call_handle(enum syscall_number number, uint64_t a0, uint64_t a1,
				   uint64_t a2, uint64_t a3, uint64_t a4, handle_t *handle)
{
	uint64_t value;
	status_t status = syscall6(number, a0, a1, a2, a3, a4, 0, &value);

	if (status == STATUS_OK)
		*handle = (handle_t)value;
	return status;
}

status_t message_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
			     handle_t event, uint64_t bits, handle_t *port)
{
	return call_handle(SYS_message_port_create, partition, min_vtl, connection, event, bits,
			   port);
}

status_t message_port_receive(handle_t port, struct port_message *message)
{
	return call(SYS_message_port_receive, port, address_of(message), 0, 0, 0);
}

status_t host_event_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
				handle_t event, uint64_t bits, handle_t *port)
{
	return call_handle(SYS_host_event_port_create, partition, min_vtl, connection, event, bits,
			   port);
}

status_t guest_event_port_create(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
				 uint32_t flag, handle_t *port)
{
	return call_handle(SYS_guest_event_port_create, partition, vtl, vp, sint, flag, port);
}

status_t guest_event_port_signal(handle_t port)
{
	return call(SYS_guest_event_port_signal, port, 0, 0, 0, 0);
}

status_t guest_event_port_clear(handle_t port)
{
	return call(SYS_guest_event_port_clear, port, 0, 0, 0, 0);
}

status_t guest_event_port_retarget(handle_t port, uint32_t vp, uint32_t sint, uint32_t flag)
{
	return call(SYS_guest_event_port_retarget, port, vp, sint, flag, 0);
}

status_t synic_post_message(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
			    const struct hv_message *message)
{
	return call(SYS_synic_post_message, partition, vtl, vp, sint, address_of(message));
}

status_t monitor_page_set(handle_t partition, uint32_t vtl, gpa_t gpa)
{
	return call(SYS_monitor_page_set, partition, vtl, gpa, 0, 0);
}

status_t monitor_register(handle_t partition, uint32_t vtl, uint32_t id, uint32_t connection,
			  uint16_t latency, handle_t *monitor)
{
	return call_handle(SYS_monitor_register, partition, vtl, id, connection, latency, monitor);
}

status_t monitor_read(handle_t partition, uint32_t vtl, gpa_t gpa, uint32_t size, uint64_t *value)
{
	uint64_t read;
	status_t status = syscall6(SYS_monitor_read, partition, vtl, gpa, size, 0, 0, &read);

	if (status == STATUS_OK)
		*value = read;
	return status;
}

status_t monitor_write(handle_t partition, uint32_t vtl, gpa_t gpa, uint32_t size, uint64_t value)
{
	return call(SYS_monitor_write, partition, vtl, gpa, size, value);
}

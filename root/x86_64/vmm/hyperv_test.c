/* SPDX-License-Identifier: MIT */
/* The ports of a machine's hyperv-testdev. Called with the machine's lock held. */
#include <lib/port.h>
#include <vmm/interrupts.h>
#include <vmm/machine.h>

static_assert(MACHINE_ARCH_SHIFT + HYPERV_TEST_CONNECTIONS <= 64, "bits of an event");

static struct machine *machine_of(struct hyperv_test *test)
{
	return container_of(test->env, struct machine, env);
}

static status_t test_open(struct hyperv_test *test, uint32_t n, uint32_t connection, bool event)
{
	struct machine *machine = machine_of(test);
	handle_t *port = &machine->arch.test_ports[n];
	uint64_t bit = BIT(MACHINE_ARCH_SHIFT + n);

	if (event)
		return host_event_port_create(machine->partition, 0, connection,
					      machine->guest_event, bit, port);
	return message_port_create(machine->partition, 0, connection, machine->guest_event, bit,
				   port);
}

static void test_close(struct hyperv_test *test, uint32_t n)
{
	handle_t *port = &machine_of(test)->arch.test_ports[n];

	handle_close(*port);
	*port = HANDLE_NONE;
}

static status_t test_receive(struct hyperv_test *test, uint32_t n, struct hv_message *message)
{
	struct port_message received;
	status_t status = message_port_receive(machine_of(test)->arch.test_ports[n], &received);

	if (status == STATUS_OK)
		*message = received.message;
	return status;
}

static status_t test_post(struct hyperv_test *test, uint32_t vp, uint32_t sint,
			  const struct hv_message *message)
{
	return synic_post_message(machine_of(test)->partition, 0, vp, sint, message);
}

static void test_flag(struct hyperv_test *test, uint32_t vp, uint32_t sint, uint32_t flag,
		      bool raise)
{
	handle_t port;

	if (guest_event_port_create(machine_of(test)->partition, 0, vp, sint, flag, &port) !=
	    STATUS_OK)
		return;
	(void)guest_event_port_signal(port);
	if (raise)
		(void)guest_event_port_clear(port);
	handle_close(port);
}

const struct hyperv_test_host machine_hyperv_test = {
	.open = test_open,
	.close = test_close,
	.receive = test_receive,
	.post = test_post,
	.flag = test_flag,
};

void machine_platform_serve(struct machine *machine, uint64_t bits)
{
	mutex_lock(&machine->lock);
	if (machine->has_devices && machine->state == MACHINE_RUNNING)
		hyperv_test_serve(&machine->platform.hyperv_test, bits >> MACHINE_ARCH_SHIFT);
	mutex_unlock(&machine->lock);
}

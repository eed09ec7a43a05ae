/* SPDX-License-Identifier: MIT */
/*
 * The world of a machine's VMBus server: ports, guest memory, clock; and the questions of a person, which wait for
 * the guest's answer. All but those is called with the machine's lock held.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <lib/port.h>
#include <lib/time.h>
#include <vmm/vmbus.h>

#define REFERENCE_UNIT_NS 100u

static struct machine_vmbus *vmbus_of(struct vmbus *bus)
{
	return container_of(bus, struct machine_vmbus, bus);
}

static void port_close(handle_t *port)
{
	if (*port != HANDLE_NONE)
		handle_close(*port);
	*port = HANDLE_NONE;
}

/* ---- the world ---- */

static status_t host_receive(struct vmbus *bus, uint8_t bytes[VMBUS_MESSAGE_MAX], size_t *size)
{
	struct machine_vmbus *vmbus = vmbus_of(bus);
	struct port_message message;
	status_t status = STATUS_NOT_FOUND;

	for (size_t i = 0; i < ARRAY_SIZE(vmbus->message_ports) && status != STATUS_OK; i++)
		status = message_port_receive(vmbus->message_ports[i], &message);
	if (status != STATUS_OK)
		return STATUS_NOT_FOUND;
	*size = MIN(message.message.payload_size, VMBUS_MESSAGE_MAX);
	memcpy(bytes, message.message.payload, *size);
	return STATUS_OK;
}

static status_t host_post(struct vmbus *bus, uint32_t vp, uint32_t sint, const void *bytes,
			  size_t size)
{
	struct hv_message message = {.type = VMBUS_MESSAGE_TYPE, .payload_size = (uint8_t)size};

	memcpy(message.payload, bytes, size);
	return synic_post_message(vmbus_of(bus)->machine->partition, 0, vp, sint, &message);
}

static void host_disconnect(struct vmbus *bus, struct vmbus_channel *channel)
{
	(void)bus;
	port_close(&channel->ports[0]);
	port_close(&channel->ports[1]);
}

/* One try to make a port; afterwards, whether there is to be another, with more memory for the partition. */
static bool more_is_deposited(struct machine *machine, status_t *status)
{
	if (*status != STATUS_NO_MEMORY)
		return false;
	*status = machine_deposit(machine, 1);
	return *status == STATUS_OK;
}

static status_t host_connect(struct vmbus *bus, struct vmbus_channel *channel)
{
	struct machine *machine = vmbus_of(bus)->machine;
	status_t status;

	do
		status = host_event_port_create(machine->partition, 0, channel->connection,
						machine->guest_event, MACHINE_VMBUS,
						&channel->ports[0]);
	while (more_is_deposited(machine, &status));
	if (status == STATUS_OK && channel->vp != VMBUS_NO_VP)
		do
			status = guest_event_port_create(machine->partition, 0, channel->vp,
							 VMBUS_SINT, channel->event_flag,
							 &channel->ports[1]);
		while (more_is_deposited(machine, &status));
	if (status != STATUS_OK)
		host_disconnect(bus, channel);
	return status;
}

static status_t host_retarget(struct vmbus *bus, struct vmbus_channel *channel)
{
	(void)bus;
	return guest_event_port_retarget(channel->ports[1], channel->vp, VMBUS_SINT,
					 channel->event_flag);
}

/* A guest whose synic is off hears nothing, as it wants. */
static void host_signal(struct vmbus *bus, struct vmbus_channel *channel)
{
	(void)bus;
	if (channel->ports[1] != HANDLE_NONE)
		(void)guest_event_port_signal(channel->ports[1]);
}

static void *host_page(struct vmbus *bus, gpa_t gpa)
{
	return guest_memory_pointer(&vmbus_of(bus)->machine->memory, gpa, PAGE_SIZE);
}

static void host_again(struct vmbus *bus)
{
	event_signal(vmbus_of(bus)->machine->guest_event, MACHINE_VMBUS);
}

static bool host_clock(struct vmbus *bus, uint64_t *reference, uint64_t *utc)
{
	uint64_t epoch_ns = time_epoch_ns();

	if (partition_reference_time(vmbus_of(bus)->machine->partition, reference) != STATUS_OK)
		return false;
	*utc = epoch_ns / REFERENCE_UNIT_NS + IC_TIME_UNIX;
	return epoch_ns != 0;
}

static void host_complain(struct vmbus *bus, const char *what, uint32_t number)
{
	struct machine_vmbus *vmbus = vmbus_of(bus);
	const char *name = vmbus->machine->config->name;
	uint32_t left_out;

	if (!log_limit_pass(&vmbus->complaints, time_now()))
		return;
	left_out = log_limit_left_out(&vmbus->complaints);
	if (left_out)
		log_warning("%s: VMBus: %u more complaints were not reported", name, left_out);
	log_warning("%s: VMBus: the guest %s %u", name, what, number);
}

static const struct vmbus_host host = {
	.receive = host_receive,
	.post = host_post,
	.connect = host_connect,
	.disconnect = host_disconnect,
	.retarget = host_retarget,
	.signal = host_signal,
	.page = host_page,
	.again = host_again,
	.clock = host_clock,
	.complain = host_complain,
};

/* ---- its life ---- */

/* Whoever has asked does not wait. That the guest has powered off is said as ever. */
static void shutdown_news(struct ic_shutdown *shutdown, enum ic_shutdown_news news)
{
	static const char *const words[] = {
		[IC_SHUTDOWN_REFUSED] = "does not want to shut down",
		[IC_SHUTDOWN_CLOSED] =
			"does not answer whether it shuts down: it has closed that service",
		[IC_SHUTDOWN_LATE] = "was asked to shut down and still runs",
	};
	const char *name = container_of(shutdown, struct machine_vmbus, services.shutdown)
				   ->machine->config->name;

	if (news == IC_SHUTDOWN_AGREED)
		log_info("%s: shuts down", name);
	else
		log_warning("%s: %s; \"stop %s now\" switches it off", name, words[news], name);
}

static status_t server_create(struct machine *machine)
{
	struct machine_vmbus *vmbus = calloc(1, sizeof(*vmbus));
	status_t status;

	if (!vmbus)
		return STATUS_NO_MEMORY;
	vmbus->machine = machine;
	vmbus->services.shutdown.news = shutdown_news;
	status = vmbus_init(&vmbus->bus, &host, &machine->env, machine->config->vps);
	if (status == STATUS_OK)
		status = ic_services_offer(&vmbus->services, &vmbus->bus);
	if (status != STATUS_OK) {
		vmbus_destroy(&vmbus->bus);
		free(vmbus);
		return status;
	}
	machine->vmbus = vmbus;
	return STATUS_OK;
}

static status_t message_ports_create(struct machine *machine)
{
	static const uint32_t connections[] = {VMBUS_CONNECTION_OLD, VMBUS_CONNECTION_NEW};
	struct machine_vmbus *vmbus = machine->vmbus;
	status_t status = STATUS_OK;

	for (size_t i = 0; i < ARRAY_SIZE(connections) && status == STATUS_OK; i++)
		do
			status = message_port_create(machine->partition, 0, connections[i],
						     machine->guest_event, MACHINE_VMBUS,
						     &vmbus->message_ports[i]);
		while (more_is_deposited(machine, &status));
	return status;
}

status_t machine_vmbus_create(struct machine *machine)
{
	status_t status = STATUS_OK;

	if (machine->config->hyperv != CONFIG_HYPERV_ON)
		return STATUS_OK;
	mutex_lock(&machine->lock);
	if (!machine->vmbus)
		status = server_create(machine);
	if (status == STATUS_OK)
		status = message_ports_create(machine);
	mutex_unlock(&machine->lock);
	return status;
}

void machine_vmbus_detach(struct machine *machine)
{
	struct machine_vmbus *vmbus;

	mutex_lock(&machine->lock);
	vmbus = machine->vmbus;
	if (vmbus) {
		vmbus_detach(&vmbus->bus);
		port_close(&vmbus->message_ports[0]);
		port_close(&vmbus->message_ports[1]);
	}
	mutex_unlock(&machine->lock);
}

void machine_vmbus_attach(struct machine *machine)
{
	mutex_lock(&machine->lock);
	if (machine->vmbus)
		vmbus_attach(&machine->vmbus->bus);
	mutex_unlock(&machine->lock);
}

void machine_vmbus_destroy(struct machine *machine)
{
	machine_vmbus_detach(machine);
	mutex_lock(&machine->lock);
	if (machine->vmbus) {
		(void)ic_shutdown_forget(&machine->vmbus->services.shutdown);
		vmbus_destroy(&machine->vmbus->bus);
		free(machine->vmbus);
		machine->vmbus = NULL;
	}
	mutex_unlock(&machine->lock);
}

void machine_vmbus_reset(struct machine *machine)
{
	if (machine->vmbus)
		vmbus_reset(&machine->vmbus->bus);
}

void machine_vmbus_serve(struct machine *machine)
{
	mutex_lock(&machine->lock);
	if (machine->vmbus && machine->state == MACHINE_RUNNING)
		vmbus_serve(&machine->vmbus->bus);
	mutex_unlock(&machine->lock);
}

status_t machine_vmbus_hold(struct machine *machine)
{
	return machine->vmbus ? vmbus_hold(&machine->vmbus->bus) : STATUS_OK;
}

bool machine_vmbus_ended(struct machine *machine)
{
	bool asked;

	mutex_lock(&machine->lock);
	asked = machine->vmbus && ic_shutdown_forget(&machine->vmbus->services.shutdown);
	mutex_unlock(&machine->lock);
	return asked;
}

/* By the service that is there to ask, or by a power key. */
status_t machine_shut_down(struct machine *machine)
{
	status_t status = STATUS_NOT_SUPPORTED;

	mutex_lock(&machine->lock);
	if (machine->vmbus && machine->state == MACHINE_RUNNING)
		status = ic_shutdown_ask(&machine->vmbus->services.shutdown, IC_SHUTDOWN_FORCE);
	mutex_unlock(&machine->lock);
	if (machine->state == MACHINE_RUNNING &&
	    (status == STATUS_NOT_SUPPORTED || status == STATUS_WRONG_STATE))
		status = machine_power_key(machine);
	return status;
}

/* ---- keys and values ---- */

struct kvp_question {
	struct ic_kvp_request *request;
	struct machine *machine;
	bool answered;
	status_t status;
};

/* A person asks one question at a time. */
static struct kvp_question question;

static void kvp_done(struct ic_kvp_request *request, status_t status)
{
	if (request != question.request)
		return;
	question.answered = true;
	question.status = status;
	event_signal(question.machine->answer, MACHINE_HAS_ANSWERED);
}

static status_t kvp_ask(struct machine *machine, struct ic_kvp_request *request)
{
	uint64_t stale;
	status_t status;

	(void)event_wait(machine->answer, 0, &stale);
	request->done = kvp_done;
	mutex_lock(&machine->lock);
	question = (struct kvp_question){.request = request, .machine = machine};
	status = machine->vmbus && machine->state == MACHINE_RUNNING
			 ? ic_kvp_ask(&machine->vmbus->services.kvp, request)
			 : STATUS_NOT_SUPPORTED;
	mutex_unlock(&machine->lock);
	return status == STATUS_WRONG_STATE ? STATUS_NOT_SUPPORTED : status;
}

/* True: it is answered, or nobody waits for that any more. */
static bool kvp_is_answered(struct machine *machine, bool give_up, status_t *status)
{
	bool answered;

	mutex_lock(&machine->lock);
	answered = question.answered;
	*status = answered ? question.status : STATUS_TIMED_OUT;
	if (!answered && give_up && machine->vmbus)
		ic_kvp_give_up(&machine->vmbus->services.kvp, question.request);
	mutex_unlock(&machine->lock);
	return answered || give_up;
}

status_t machine_kvp(struct machine *machine, struct ic_kvp_request *request, uint64_t limit)
{
	uint64_t bits;
	status_t status = kvp_ask(machine, request);
	bool over = false;

	if (status != STATUS_OK)
		return status;
	while (!kvp_is_answered(machine, over, &status))
		over = event_wait(machine->answer, limit, &bits) != STATUS_OK;
	return status;
}

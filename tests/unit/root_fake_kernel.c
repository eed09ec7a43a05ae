/* SPDX-License-Identifier: MIT */
/*
 * The fake kernel: one host lock, one condition for all that waits.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <lib/port.h>
#include <lib/model.h>
#include <lib/thread.h>
#include <lib/time.h>
#include "root_fake_kernel.h"

#define MAX_EVENTS     256u
#define PARTITION_BASE 1000u /* handles of partitions */
#define VP_BASE	       2000u /* handle: base + partition * 16 + index */
#define MAX_DEPOSITS   64u

struct fake_kernel fake_kernel;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct {
	bool used;
	uint64_t bits;
} events[MAX_EVENTS];

static struct {
	bool used;
	void *deposits[MAX_DEPOSITS];
	uint32_t deposit_count;
	struct vp_run_page *pages[16];
	bool yield[16];
	size_t step;
} partitions[16];

static __thread struct thread *current;

static void pause_locked(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&changed, &lock, &until);
}

void fake_kernel_reset(void)
{
	uint32_t used = fake_kernel.events;

	memset(&fake_kernel, 0, sizeof(fake_kernel));
	fake_kernel.events = used;
}

/* ---- threads ---- */

static void *thread_main(void *argument)
{
	current = argument;
	current->function(current->argument);
	return NULL;
}

status_t thread_start(uint32_t cpu, uint32_t priority, void (*function)(void *argument),
		      void *argument, struct thread **thread)
{
	struct thread *new = calloc(1, sizeof(*new));
	pthread_t host;

	if (fake_kernel.threads_refused) {
		fake_kernel.threads_refused--;
		free(new);
		return STATUS_NO_MEMORY;
	}
	fake_kernel.last_cpu = cpu;
	(void)priority;
	new->function = function;
	new->argument = argument;
	if (event_create(&new->event) != STATUS_OK)
		abort();
	*thread = new;
	if (pthread_create(&host, NULL, thread_main, new) != 0)
		abort();
	new->host = (uint64_t)host;
	return STATUS_OK;
}

void thread_join(struct thread *thread)
{
	pthread_join((pthread_t)thread->host, NULL);
	handle_close(thread->event);
	free(thread);
}

struct thread *thread_current(void)
{
	static __thread struct thread self;

	if (!current) {
		if (event_create(&self.event) != STATUS_OK)
			abort();
		current = &self;
	}
	return current;
}

void thread_sleep(uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_SECOND),
				.tv_nsec = (long)(ns % NS_PER_SECOND)};

	nanosleep(&time, NULL);
}

void thread_yield(void)
{
	fake_kernel.thread_yields++;
}

/* ---- system ---- */

status_t console_write(const void *bytes, size_t size)
{
	pthread_mutex_lock(&lock);
	if (size < sizeof(fake_kernel.output) - fake_kernel.output_length) {
		memcpy(fake_kernel.output + fake_kernel.output_length, bytes, size);
		fake_kernel.output_length += size;
	}
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

/* ---- the second serial line ---- */

static struct {
	handle_t event;
	uint64_t bits;
	char typed[4096];
	size_t first, end;
} serial;

status_t serial_open(uint32_t com, handle_t event, uint64_t bits)
{
	(void)com;
	serial.event = event;
	serial.bits = bits;
	return STATUS_OK;
}

status_t serial_read(void *bytes, size_t size, size_t *taken)
{
	pthread_mutex_lock(&lock);
	*taken = MIN(size, serial.end - serial.first);
	memcpy(bytes, serial.typed + serial.first, *taken);
	serial.first += *taken;
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

status_t serial_write(const void *bytes, size_t size)
{
	pthread_mutex_lock(&lock);
	if (size < sizeof(fake_kernel.serial) - fake_kernel.serial_length) {
		memcpy(fake_kernel.serial + fake_kernel.serial_length, bytes, size);
		fake_kernel.serial_length += size;
		fake_kernel.serial[fake_kernel.serial_length] = '\0';
	}
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

void fake_serial_type(const char *text)
{
	pthread_mutex_lock(&lock);
	memcpy(serial.typed + serial.end, text, strlen(text));
	serial.end += strlen(text);
	pthread_mutex_unlock(&lock);
	(void)event_signal(serial.event, serial.bits);
}

status_t system_end(enum system_end_action action, uint32_t code)
{
	(void)action;
	(void)code;
	return STATUS_NOT_SUPPORTED;
}

status_t log_read(uint64_t position, void *bytes, size_t size, size_t *taken)
{
	(void)position;
	(void)bytes;
	(void)size;
	*taken = 0;
	return STATUS_OK;
}

static bool deposited_now(const void *address)
{
	for (size_t p = 0; p < ARRAY_SIZE(partitions); p++)
		for (uint32_t i = 0; i < partitions[p].deposit_count; i++)
			if (partitions[p].deposits[i] == address)
				return true;
	return false;
}

status_t memory_info(handle_t object, struct memory_info *info)
{
	status_t status = STATUS_INVALID_ADDRESS;

	(void)object;
	pthread_mutex_lock(&lock);
	if (!deposited_now(info)) {
		*info = (struct memory_info){.pages_total = 512};
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

status_t handle_close(handle_t handle)
{
	pthread_mutex_lock(&lock);
	if (handle < MAX_EVENTS) {
		events[handle].used = false;
		fake_kernel.events--;
	} else if (handle < VP_BASE) {
		uint32_t p = handle - PARTITION_BASE, kept = 0;

		/* Deposits go back to the window, but for the one that is lost. */
		if (fake_kernel.lost_block &&
		    fake_kernel.lost_block <= partitions[p].deposit_count) {
			partitions[p].deposits[0] =
				partitions[p].deposits[fake_kernel.lost_block - 1];
			kept = 1;
		}
		partitions[p].deposit_count = kept;
		partitions[p].used = false;
		fake_kernel.partitions--;
	} else {
		fake_kernel.bound--;
	}
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

/* ---- events ---- */

status_t event_create(handle_t *event)
{
	pthread_mutex_lock(&lock);
	/* 0 names nothing. */
	for (handle_t i = 1; i < MAX_EVENTS; i++) {
		if (events[i].used)
			continue;
		events[i].used = true;
		events[i].bits = 0;
		fake_kernel.events++;
		*event = i;
		pthread_mutex_unlock(&lock);
		return STATUS_OK;
	}
	pthread_mutex_unlock(&lock);
	return STATUS_NO_MEMORY;
}

status_t event_signal(handle_t event, uint64_t bits)
{
	pthread_mutex_lock(&lock);
	events[event].bits |= bits;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

status_t event_wait(handle_t event, uint64_t deadline_ns, uint64_t *bits)
{
	status_t status = STATUS_OK;

	pthread_mutex_lock(&lock);
	while (!events[event].bits && time_now() < deadline_ns)
		pause_locked();
	if (events[event].bits)
		*bits = events[event].bits;
	else
		status = STATUS_TIMED_OUT;
	events[event].bits = 0;
	pthread_mutex_unlock(&lock);
	return status;
}

/* ---- partitions ---- */

status_t proto_partition_create(const struct proto_partition_config *config, handle_t *partition)
{
	(void)config;
	pthread_mutex_lock(&lock);
	for (uint32_t p = 0; p < ARRAY_SIZE(partitions); p++) {
		if (partitions[p].used || partitions[p].deposit_count)
			continue;
		memset(&partitions[p], 0, sizeof(partitions[p]));
		partitions[p].used = true;
		*partition = PARTITION_BASE + p;
		break;
	}
	fake_kernel.partitions++;
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

status_t proto_partition_build(handle_t partition, const struct partition_config *config)
{
	(void)config;
	return partitions[partition - PARTITION_BASE].deposit_count < fake_kernel.build_deposits
		       ? STATUS_NO_MEMORY
		       : STATUS_OK;
}

status_t partition_deposit(handle_t partition, void *window, uint64_t size)
{
	uint32_t p = partition - PARTITION_BASE;
	status_t status = STATUS_NO_MEMORY;

	pthread_mutex_lock(&lock);
	if (size == LARGE_PAGE_SIZE && IS_ALIGNED((uintptr_t)window, LARGE_PAGE_SIZE) &&
	    partitions[p].deposit_count < MAX_DEPOSITS) {
		partitions[p].deposits[partitions[p].deposit_count++] = window;
		fake_kernel.deposited++;
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

status_t partition_map(handle_t partition, uint32_t vtl, void *window, uint64_t size, gpa_t gpa,
		       uint32_t flags)
{
	(void)partition;
	(void)vtl;
	(void)flags;
	if (!IS_ALIGNED((uintptr_t)window | size | gpa, PAGE_SIZE))
		return STATUS_MISALIGNED;
	fake_kernel.maps++;
	return STATUS_OK;
}

status_t partition_unmap(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	(void)partition;
	(void)vtl;
	(void)gpa;
	(void)size;
	fake_kernel.maps--;
	return STATUS_OK;
}

/* Every doorbell is at port and gpa `doorbell`, of any length and value. */
status_t partition_doorbell_create(handle_t partition, uint32_t min_vtl,
				   const struct doorbell_config *config, handle_t *doorbell)
{
	(void)partition;
	(void)min_vtl;
	fake_kernel.doorbell = config->address;
	return event_create(doorbell);
}

status_t doorbell_ring(handle_t partition, uint32_t vtl, enum doorbell_kind kind, uint64_t address,
		       uint32_t length, uint64_t value)
{
	(void)partition;
	(void)vtl;
	(void)kind;
	if (address != fake_kernel.doorbell)
		return STATUS_NOT_FOUND;
	fake_kernel.rings++;
	fake_kernel.rung_length = length;
	fake_kernel.rung_value = value;
	return STATUS_OK;
}

/* ---- ports: events by number; messages come to connection 4 ---- */

static handle_t message_port;

status_t message_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
			     handle_t event, uint64_t bits, handle_t *port)
{
	status_t status = host_event_port_create(partition, min_vtl, connection, event, bits, port);

	if (connection == 4)
		message_port = *port;
	return status;
}

status_t message_port_receive(handle_t port, struct port_message *message)
{
	if (port != message_port || fake_kernel.to_host_count == 0)
		return STATUS_NOT_FOUND;
	*message = (struct port_message){.message = *fake_kernel.to_host++};
	fake_kernel.to_host_count--;
	return STATUS_OK;
}

status_t host_event_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
				handle_t event, uint64_t bits, handle_t *port)
{
	(void)min_vtl, (void)connection;
	if (partition < PARTITION_BASE || event >= MAX_EVENTS || !bits)
		return STATUS_INVALID_ARGUMENT;
	return event_create(port);
}

status_t guest_event_port_create(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
				 uint32_t flag, handle_t *port)
{
	(void)vtl, (void)vp, (void)sint, (void)flag;
	return partition < PARTITION_BASE ? STATUS_INVALID_HANDLE : event_create(port);
}

status_t guest_event_port_signal(handle_t port)
{
	(void)port;
	fake_kernel.flags_set++;
	return STATUS_OK;
}

status_t guest_event_port_retarget(handle_t port, uint32_t vp, uint32_t sint, uint32_t flag)
{
	(void)port, (void)vp, (void)sint, (void)flag;
	return STATUS_OK;
}

status_t synic_post_message(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
			    const struct hv_message *message)
{
	(void)partition, (void)vtl, (void)vp, (void)sint;
	if (fake_kernel.from_host_count == ARRAY_SIZE(fake_kernel.from_host))
		return STATUS_BUSY;
	fake_kernel.from_host[fake_kernel.from_host_count] = *message;
	fake_kernel.from_host_count++;
	return STATUS_OK;
}

/* ---- partitions ---- */

status_t partition_crash_bind(handle_t partition, handle_t event, uint64_t bits)
{
	(void)partition;
	(void)event;
	(void)bits;
	return STATUS_OK;
}

status_t partition_crash_get(handle_t partition, struct partition_crash *crash)
{
	(void)partition;
	(void)crash;
	return STATUS_NOT_FOUND;
}

status_t partition_caps(handle_t partition, struct partition_caps *caps)
{
	(void)partition;
	*caps = (struct partition_caps){.physical_address_bits = 40};
	return STATUS_OK;
}

status_t partition_reset(handle_t partition)
{
	if (fake_kernel.bound)
		return STATUS_BUSY;
	partitions[partition - PARTITION_BASE].step = 0;
	fake_kernel.resets++;
	return STATUS_OK;
}

status_t partition_request_msi(handle_t partition, uint32_t vtl, uint64_t address, uint32_t data,
			       bool *merged)
{
	(void)partition;
	(void)vtl;
	(void)address;
	(void)data;
	*merged = false;
	return STATUS_OK;
}

/* ---- VPs ---- */

status_t vp_bind(handle_t partition, uint32_t index, struct vp_run_page *page, handle_t *vp)
{
	uint32_t p = partition - PARTITION_BASE;

	pthread_mutex_lock(&lock);
	partitions[p].pages[index] = page;
	partitions[p].yield[index] = false;
	fake_kernel.bound++;
	pthread_mutex_unlock(&lock);
	*vp = VP_BASE + p * 16 + index;
	return STATUS_OK;
}

static status_t step_play(uint32_t p, struct vp_run_page *page)
{
	const struct fake_step *step = &fake_kernel.script[partitions[p].step];

	if (step->kind == FAKE_END)
		return STATUS_CANCELLED;
	partitions[p].step++;
	memset(&page->words, 0, sizeof(page->words));
	page->set = 0;
	switch (step->kind) {
	case FAKE_OUT:
	case FAKE_OUT16:
	case FAKE_IN:
		page->reason = VP_RUN_PORT_IO;
		page->port.port = step->port;
		page->port.size = step->kind == FAKE_OUT16 ? 2 : 1;
		page->port.write = step->kind != FAKE_IN;
		page->port.value = step->value;
		break;
	case FAKE_EMULATE:
		page->reason = VP_RUN_EMULATE;
		page->emulate.gpa = step->value;
		page->emulate.flags = EMULATE_MEMORY | EMULATE_WRITE;
		page->regs = (struct vp_run_regs){.rip = FAKE_CODE, .rflags = 2, .cr0 = 1};
		page->regs.gpr[0] = 0x12345678;
		page->regs.gpr[3] = step->value;
		for (int i = 0; i < 6; i++)
			page->regs.segment[i] = (struct hv_x64_segment_register){
				.limit = UINT32_MAX, .attributes = i == 1 ? 0xc09b : 0xc093};
		break;
	case FAKE_NO_MEMORY: return STATUS_NO_MEMORY;
	default: page->reason = VP_RUN_TRIPLE_FAULT; break;
	}
	return STATUS_OK;
}

/* Looks at the answer to the step before. */
static void answer_check(uint32_t p, const struct vp_run_page *page)
{
	const struct fake_step *step;

	if (partitions[p].step == 0)
		return;
	step = &fake_kernel.script[partitions[p].step - 1];
	if (step->kind == FAKE_IN && page->port.value != step->value)
		fake_kernel.mismatches++;
	if (step->kind == FAKE_EMULATE &&
	    (!(page->set & VP_SET_GPRS) || page->regs.rip == FAKE_CODE))
		fake_kernel.mismatches++;
}

status_t vp_run(handle_t vp)
{
	uint32_t p = (vp - VP_BASE) / 16, index = (vp - VP_BASE) % 16;
	struct vp_run_page *page = partitions[p].pages[index];
	status_t status = STATUS_CANCELLED;

	pthread_mutex_lock(&lock);
	if (index == 0) {
		if (fake_kernel.vp_resets < fake_kernel.resets * fake_kernel.vps_to_reset)
			fake_kernel.early_runs++;
		answer_check(p, page);
		status = step_play(p, page);
	}
	fake_kernel.runs[index]++;
	if (status == STATUS_CANCELLED) {
		while (!partitions[p].yield[index] || fake_kernel.deaf[index])
			pause_locked();
		page->reason = atomic_exchange(&fake_kernel.ends[index], VP_RUN_NONE);
		if (page->reason == VP_RUN_NONE) {
			partitions[p].yield[index] = false;
			page->reason = VP_RUN_YIELD;
		}
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

status_t vp_request_yield(handle_t partition, uint32_t index)
{
	pthread_mutex_lock(&lock);
	partitions[partition - PARTITION_BASE].yield[index] = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

status_t vp_get_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  union hv_register_value *values, uint32_t count)
{
	(void)vp;
	(void)vtl;
	for (uint32_t i = 0; i < count; i++)
		values[i] = (union hv_register_value){.low = names[i]};
	return STATUS_OK;
}

status_t vp_set_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  const union hv_register_value *values, uint32_t count)
{
	(void)vp;
	(void)vtl;
	for (uint32_t i = 0; i < count; i++)
		if (names[i] == HV_X64_REGISTER_RIP)
			fake_kernel.rip = values[i].reg64;
	return STATUS_OK;
}

status_t vp_reset(handle_t vp)
{
	(void)vp;
	pthread_mutex_lock(&lock);
	fake_kernel.vp_resets++;
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

status_t vp_set_debug_state(handle_t vp, uint32_t vtl, const struct vp_debug_state *state)
{
	(void)vtl;
	pthread_mutex_lock(&lock);
	fake_kernel.debug[(vp - VP_BASE) % 16] = state->flags;
	pthread_mutex_unlock(&lock);
	return STATUS_OK;
}

/* The FPU is not known. */
status_t vp_state_get(handle_t vp, uint32_t vtl, uint32_t element, void *buffer, size_t size,
		      size_t *needed)
{
	(void)vp;
	(void)vtl;
	(void)element;
	(void)buffer;
	(void)size;
	(void)needed;
	return STATUS_NOT_SUPPORTED;
}

status_t vp_set_lint(handle_t partition, uint32_t index, uint32_t vtl, uint32_t lint, bool level)
{
	(void)partition;
	(void)index;
	(void)vtl;
	(void)lint;
	(void)level;
	return STATUS_OK;
}

status_t vp_apic_read(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t *value)
{
	(void)vp;
	(void)vtl;
	*value = offset;
	return STATUS_OK;
}

#define APIC_EOI   0xb0u
#define LEVEL_SENT (BIT(14) | BIT(15)) /* remote IRR of a level-triggered entry */

status_t vp_apic_write(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t value, uint32_t *ended)
{
	(void)vp;
	(void)vtl;
	fake_kernel.apic_writes++;
	fake_kernel.last_apic_offset = offset;
	fake_kernel.last_apic_value = value;
	*ended = 0;
	if (offset == APIC_EOI && fake_kernel.level_entry) {
		*fake_kernel.level_entry = LEVEL_SENT | fake_kernel.level_vector;
		*ended = APIC_ACCESS_EOI | fake_kernel.level_vector;
	}
	return STATUS_OK;
}

status_t vp_stats(handle_t partition, uint32_t index, struct vp_stats *stats)
{
	(void)partition;
	(void)index;
	*stats = (struct vp_stats){.exits = {[5] = 77}};
	return STATUS_OK;
}

/* ---- states: the step at which VP 0's script is ---- */

status_t partition_reference_time(handle_t partition, uint64_t *time)
{
	(void)partition;
	*time = fake_kernel.reference;
	return STATUS_OK;
}

status_t partition_freeze(handle_t partition)
{
	(void)partition;
	if (fake_kernel.bound)
		return STATUS_BUSY;
	fake_kernel.frozen++;
	return STATUS_OK;
}

status_t partition_thaw(handle_t partition)
{
	(void)partition;
	fake_kernel.frozen--;
	return STATUS_OK;
}

static status_t bytes_save(uint64_t value, void *buffer, size_t size, size_t *needed)
{
	*needed = sizeof(value);
	if (size < sizeof(value))
		return STATUS_TOO_LARGE;
	memcpy(buffer, &value, sizeof(value));
	return STATUS_OK;
}

status_t partition_save(handle_t partition, void *buffer, size_t size, size_t *needed)
{
	(void)partition;
	return bytes_save(fake_kernel.reference, buffer, size, needed);
}

status_t partition_restore(handle_t partition, const void *data, size_t size)
{
	(void)partition;
	if (size != sizeof(fake_kernel.reference))
		return STATUS_BAD_FORMAT;
	memcpy(&fake_kernel.reference, data, size);
	return STATUS_OK;
}

status_t vp_save(handle_t vp, void *buffer, size_t size, size_t *needed)
{
	return bytes_save(partitions[(vp - VP_BASE) / 16].step, buffer, size, needed);
}

status_t vp_restore(handle_t vp, const void *data, size_t size)
{
	uint64_t step;

	if (fake_kernel.refuses_states)
		return STATUS_INVALID_REGISTER_VALUE;
	if (size != sizeof(step))
		return STATUS_BAD_FORMAT;
	memcpy(&step, data, sizeof(step));
	partitions[(vp - VP_BASE) / 16].step = step;
	fake_kernel.restored++;
	return STATUS_OK;
}

/* ---- inspection ---- */

status_t inspect(handle_t partition, enum inspect_what what, uint32_t index, void *view,
		 size_t size)
{
	if (index > 1 || (what == INSPECT_MAPPING && index))
		return STATUS_NOT_FOUND;
	memset(view, 0, size);
	if (what == INSPECT_PARTITION)
		*(struct inspect_partition *)view = (struct inspect_partition){
			.name = "fake", .state = partition != HANDLE_NONE ? 2 : 0, .vp_count = 1};
	return STATUS_OK;
}

status_t vp_profile(handle_t partition, uint32_t index, bool on)
{
	(void)partition;
	(void)on;
	return index ? STATUS_NOT_FOUND : STATUS_OK;
}

status_t vp_peek_registers(handle_t partition, uint32_t index, uint32_t vtl, const uint32_t *names,
			   union hv_register_value *values, uint32_t count)
{
	(void)partition;
	(void)index;
	(void)vtl;
	for (uint32_t i = 0; i < count; i++)
		values[i] = (union hv_register_value){.reg64 = names[i]};
	return STATUS_OK;
}

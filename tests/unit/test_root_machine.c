/* SPDX-License-Identifier: MIT */
/*
 * The life of machines with the VMM's real code, real devices and a fake kernel beneath: start,
 * power off, reset, crash, exit, stop, destroy; what each gives back; the monitor's commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <gdb/gdb.h>
#include <lib/libc.h>
#include <lib/memory.h>
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/monitor.h>
#include <vmm/vmbus.h>
#include <vmm/vmm.h>
#include "root_fake_kernel.h"

/* The root's memory; above the sanitizer's own addresses. */
#define HOST_BASE MIB(2048)
#define HOST_SIZE MIB(64)

#define COM1	     0x3f8
#define PM1A_CONTROL 0x604
#define POWER_OFF    (1u << 13 | 5u << 10) /* SLP_EN, SLP_TYP of S5 */
#define HIBERNATE    (1u << 13 | 4u << 10) /* SLP_TYP of S4 */
#define RESET_PORT   0xcf9
#define DEBUG_EXIT   0xf4

/* ---- what main.c gives ---- */

const struct boot_info *vmm_boot_info;

static _Atomic uint32_t ended;

/* A multiboot kernel that is loaded as it is (the address fields are valid) at 1 MiB. */
static struct {
	uint8_t code[16];
	uint32_t magic, flags, checksum;
	uint32_t header, load, load_end, bss_end, entry;
} kernel = {
	.code = {0x89, 0x03, 0xf4}, /* mov [ebx], eax; hlt */
	.magic = 0x1badb002,
	.flags = 0x10000,
	.checksum = 0u - 0x1badb002u - 0x10000u,
	.header = FAKE_CODE + 16,
	.load = FAKE_CODE,
	.entry = FAKE_CODE,
};

status_t vmm_file_find(const char *name, struct bundle_file *file)
{
	if (strcmp(name, "kernel") != 0)
		return STATUS_NOT_FOUND;
	*file = (struct bundle_file){
		.name = "kernel", .data = (const uint8_t *)&kernel, .size = sizeof(kernel)};
	return STATUS_OK;
}

uint32_t vmm_cpu_next(const struct config_partition *config)
{
	(void)config;
	return 0;
}

uint32_t vmm_service_priority(void)
{
	return 12;
}

uint32_t vmm_vp_priority(const struct config_partition *config)
{
	return config->priority;
}

void vmm_machine_ended(void)
{
	atomic_fetch_add(&ended, 1);
}

uint64_t heap_used(void)
{
	return 0;
}

/* ---- the machines of the tests ---- */

enum { SMALL, TWO_VPS, HUGE, NO_KERNEL, HYPERV };

static struct config_partition partitions[] = {
	[SMALL] = {.name = "small", .vps = 1, .memory = MIB(8), .kernel = "kernel", .cmdline = ""},
	[TWO_VPS] = {.name = "two", .vps = 2, .memory = MIB(4), .kernel = "kernel", .cmdline = ""},
	[HUGE] = {.name = "huge", .vps = 1, .memory = GIB(1), .kernel = "kernel", .cmdline = ""},
	[NO_KERNEL] =
		{.name = "none", .vps = 1, .memory = MIB(4), .kernel = "missing", .cmdline = ""},
	[HYPERV] = {.name = "hyperv",
		    .vps = 1,
		    .memory = MIB(4),
		    .kernel = "kernel",
		    .cmdline = "",
		    .hyperv = CONFIG_HYPERV_ON},
};

static const struct config config = {.partitions = partitions,
				     .partition_count = ARRAY_SIZE(partitions)};

/* Waits until the machine is in a state; fails the test after some seconds. */
static void wait_state(const struct machine *machine, enum machine_state state)
{
	for (int i = 0; i < 5000 && machine->state != state; i++)
		thread_sleep(NS_PER_MS);
	assert_int_equal(machine->state, state);
}

static bool printed(const char *text)
{
	return memmem(fake_kernel.output, fake_kernel.output_length, text, strlen(text)) != NULL;
}

static uint64_t free_bytes(void)
{
	uint64_t free, total;

	memory_totals(&free, &total);
	return free;
}

static int setup(void **state)
{
	(void)state;
	fake_kernel_reset();
	fake_kernel.build_deposits = 2;
	partitions[SMALL].devices = 0;
	ended = 0;
	return 0;
}

/* ---- tests ---- */

static void boots_writes_and_powers_off(void **state)
{
	static const struct fake_step script[] = {
		{FAKE_OUT, COM1, 'h'},	 {FAKE_OUT, COM1, 'i'},
		{FAKE_OUT, COM1, '\n'},	 {FAKE_NO_MEMORY, 0, 0},
		{FAKE_IN, 0x5555, 0xff}, {FAKE_OUT16, PM1A_CONTROL, POWER_OFF},
		{FAKE_END, 0, 0},
	};
	struct machine *machine = &machines[SMALL];
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	console_focus_set(&machine->console);
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_POWER_OFF);
	assert_string_equal(machine_state_name(machine), "powered off");
	assert_true(printed("hi\n"));
	assert_int_equal(fake_kernel.rip, FAKE_CODE);
	assert_int_equal(fake_kernel.mismatches, 0);
	assert_int_equal(fake_kernel.deposited, 3);
	assert_int_equal(fake_kernel.bound, 0);
	for (int i = 0; i < 1000 && !ended; i++)
		thread_sleep(NS_PER_MS);
	assert_int_equal(ended, 1);

	/* It has its memory until it is destroyed. */
	assert_true(free_bytes() < before);
	assert_int_equal(machine_command(machine, MACHINE_STOP), STATUS_WRONG_STATE);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(machine->state, MACHINE_EMPTY);
	assert_int_equal(fake_kernel.maps, 0);
	assert_int_equal(fake_kernel.partitions, 0);
	assert_int_equal(free_bytes(), before);
}

static void resets_and_stops(void **state)
{
	static const struct fake_step script[] = {
		{FAKE_OUT, RESET_PORT, 6},
		{FAKE_END, 0, 0},
	};
	struct machine *machine = &machines[TWO_VPS];
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	fake_kernel.vps_to_reset = machine->config->vps;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	for (int i = 0; i < 5000 && fake_kernel.resets < 3; i++)
		thread_sleep(NS_PER_MS);
	assert_true(fake_kernel.resets >= 3);
	assert_int_equal(machine_command(machine, MACHINE_STOP), STATUS_OK);
	assert_int_equal(machine->state, MACHINE_ENDED);
	assert_int_equal(fake_kernel.bound, 0);
	assert_true(fake_kernel.vp_resets >= 4);
	assert_int_equal(fake_kernel.early_runs, 0);
	assert_string_equal(machine_state_name(machine), "stopped");
	assert_int_equal(ended, 0);
	/* It starts again with what it has. */
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);
}

static void crash_harms_no_other(void **state)
{
	static const struct fake_step quiet[] = {{FAKE_END, 0, 0}};
	static const struct fake_step crash[] = {{FAKE_TRIPLE_FAULT, 0, 0}, {FAKE_END, 0, 0}};
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = quiet;
	assert_int_equal(machine_command(&machines[TWO_VPS], MACHINE_START), STATUS_OK);
	for (int i = 0; i < 1000 && fake_kernel.bound < 2; i++)
		thread_sleep(NS_PER_MS);
	thread_sleep(20 * NS_PER_MS);
	fake_kernel.script = crash;
	assert_int_equal(machine_command(&machines[SMALL], MACHINE_START), STATUS_OK);
	wait_state(&machines[SMALL], MACHINE_ENDED);
	assert_int_equal(machines[SMALL].end, MACHINE_END_CRASH);
	assert_int_equal(machines[TWO_VPS].state, MACHINE_RUNNING);
	assert_true(printed("triple fault"));
	assert_true(printed("code:"));
	assert_int_equal(machine_command(&machines[SMALL], MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(machine_command(&machines[TWO_VPS], MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);
}

static void hibernates(void **state)
{
	static const struct fake_step script[] = {{FAKE_OUT16, PM1A_CONTROL, HIBERNATE},
						  {FAKE_END, 0, 0}};
	struct machine *machine = &machines[TWO_VPS];

	(void)state;
	fake_kernel.script = script;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_HIBERNATE);
	assert_string_equal(machine_state_name(machine), "hibernated");
	assert_int_equal(machine->processors[0].halt.reason, VP_HALT_HIBERNATE);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

static void a_triple_fault_may_reset(void **state)
{
	static const struct fake_step script[] = {{FAKE_TRIPLE_FAULT, 0, 0}, {FAKE_END, 0, 0}};
	struct machine *machine = &machines[SMALL];

	(void)state;
	fake_kernel.script = script;
	partitions[SMALL].triple_fault = CONFIG_TRIPLE_FAULT_RESET;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	for (int i = 0; i < 5000 && fake_kernel.resets < 2; i++)
		thread_sleep(NS_PER_MS);
	assert_true(fake_kernel.resets >= 2);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	partitions[SMALL].triple_fault = CONFIG_TRIPLE_FAULT_CRASH;
}

static void vps_move(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	struct machine *machine = &machines[TWO_VPS];
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	assert_int_equal(machine_move(machine, 0, 1), STATUS_WRONG_STATE);
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(machine_move(machine, 2, 0), STATUS_NOT_FOUND);
	assert_int_equal(machine_move(machine, 0, 2), STATUS_NOT_FOUND);
	for (uint32_t i = 1; i <= 20; i++) {
		assert_int_equal(machine_move(machine, i / 2 % 2, i % 2), STATUS_OK);
		assert_int_equal(fake_kernel.last_cpu, i % 2);
	}
	assert_int_equal(fake_kernel.resets, 0);
	assert_int_equal(fake_kernel.vp_resets, 0);

	/* Without a thread there, it stays where it was; without any, the machine ends. */
	fake_kernel.threads_refused = 1;
	assert_int_equal(machine_move(machine, 0, 1), STATUS_NO_MEMORY);
	assert_int_equal(machine->processors[0].cpu, 0);
	assert_int_equal(machine->state, MACHINE_RUNNING);
	fake_kernel.threads_refused = 2;
	assert_int_equal(machine_move(machine, 0, 1), STATUS_NO_MEMORY);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_CRASH);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);
}

static void exits_with_status(void **state)
{
	static const struct fake_step script[] = {{FAKE_OUT, DEBUG_EXIT, 3}, {FAKE_END, 0, 0}};
	struct machine *machine = &machines[SMALL];

	(void)state;
	fake_kernel.script = script;
	partitions[SMALL].devices = CONFIG_DEVICES_QEMU_COMPAT;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_EXIT);
	assert_int_equal(machine->end_code, 3);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

#define LEVEL_VECTOR 0x31u

static void emulates_device_memory(void **state)
{
	static const struct fake_step script[] = {
		{FAKE_EMULATE, 0, 0xfee000b0}, /* the local APIC */
		{FAKE_EMULATE, 0, 0xfec00000}, /* the I/O APIC's index */
		{FAKE_EMULATE, 0, 0xd0000000}, /* nobody */
		{FAKE_OUT16, PM1A_CONTROL, POWER_OFF}, {FAKE_END, 0, 0},
	};
	struct machine *machine = &machines[SMALL];
	uint32_t before = fake_kernel.apic_writes;

	(void)state;
	fake_kernel.script = script;
	fake_kernel.level_entry = &machine->platform.ioapic.entry[5];
	fake_kernel.level_vector = LEVEL_VECTOR;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_POWER_OFF);
	assert_int_equal(fake_kernel.mismatches, 0);
	assert_int_equal(fake_kernel.apic_writes - before, 3 + 1); /* the first by the start */
	assert_int_equal(fake_kernel.last_apic_offset, 0xb0);
	assert_int_equal(fake_kernel.last_apic_value, 0x12345678);
	assert_int_equal(machine->platform.ioapic.select, 0x78);
	/* The I/O APIC heard of the end of the level-triggered vector. */
	assert_int_equal(machine->platform.ioapic.entry[5], BIT(15) | LEVEL_VECTOR);
	fake_kernel.level_entry = NULL;
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

/* A store that the emulator has to carry out rings as well; no device sees it. */
static void emulated_stores_ring_doorbells(void **state)
{
	static const struct fake_step script[] = {
		{FAKE_EMULATE, 0, 0xfec00000}, /* the I/O APIC's index; here a doorbell */
		{FAKE_EMULATE, 0, 0xd0000000},
		{FAKE_OUT16, PM1A_CONTROL, POWER_OFF},
		{FAKE_END, 0, 0},
	};
	const struct doorbell_config config = {.address = 0xfec00000, .bits = 1};
	struct machine *machine = &machines[SMALL];
	uint32_t before = fake_kernel.rings;
	handle_t doorbell;

	(void)state;
	assert_false(machine_doorbell_ring(machine, DOORBELL_GPA, config.address, 4, 0));
	assert_int_equal(machine_doorbell_create(machine, &config, &doorbell), STATUS_OK);
	fake_kernel.script = script;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(fake_kernel.rings - before, 1);
	assert_int_equal(fake_kernel.rung_length, 4);
	assert_int_equal(fake_kernel.rung_value, 0x12345678);
	assert_int_equal(machine->platform.ioapic.select, 0);
	machine_doorbell_close(machine, doorbell);
	assert_false(machine_doorbell_ring(machine, DOORBELL_GPA, config.address, 4, 0));
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

static void failed_starts_leave_nothing(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	assert_int_equal(machine_command(&machines[HUGE], MACHINE_START), STATUS_NO_MEMORY);
	assert_true(printed("not enough memory: the guest needs 1024 MiB"));
	assert_int_equal(machine_command(&machines[NO_KERNEL], MACHINE_START), STATUS_NOT_FOUND);
	assert_true(printed("kernel \"missing\": no such file in the bundle"));
	for (int i = HUGE; i <= NO_KERNEL; i++) {
		assert_int_equal(machines[i].state, MACHINE_EMPTY);
		assert_int_equal(machines[i].end, MACHINE_END_FAILED);
	}
	assert_int_equal(fake_kernel.maps, 0);
	assert_int_equal(fake_kernel.partitions, 0);
	assert_int_equal(free_bytes(), before);
}

/* What a guest had written stays, its devices are as they were, and it goes on behind its last step. */
static void saved_machines_go_on(void **state)
{
	static const struct fake_step script[] = {
		{FAKE_OUT, COM1 + 7, 0x5a}, /* the scratch register */
		{FAKE_END, 0, 0},
		{FAKE_IN, COM1 + 7, 0x5a},
		{FAKE_OUT16, PM1A_CONTROL, POWER_OFF},
		{FAKE_END, 0, 0},
	};
	struct machine *machine = &machines[TWO_VPS];
	uint64_t before = free_bytes(), guest_time;

	(void)state;
	fake_kernel.script = script;
	fake_kernel.reference = 123456;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	for (int i = 0; i < 5000 && machine->platform.com1.scr != 0x5a; i++)
		thread_sleep(NS_PER_MS);
	machine->ranges[0].host[0x1234] = 0x77;
	assert_int_equal(machine_command(machine, MACHINE_RESTORE), STATUS_WRONG_STATE);
	guest_time = time_now() - machine->time_base;
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(machine->state, MACHINE_SAVED);
	assert_int_equal(fake_kernel.partitions, 0);
	assert_int_equal(fake_kernel.maps, 0);
	assert_int_equal(fake_kernel.bound, 0);
	assert_true(free_bytes() < before);
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_WRONG_STATE);
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_WRONG_STATE);

	/* One that is refused is still saved. */
	fake_kernel.refuses_states = true;
	assert_int_equal(machine_command(machine, MACHINE_RESTORE), STATUS_INVALID_REGISTER_VALUE);
	assert_int_equal(machine->state, MACHINE_SAVED);
	assert_int_equal(fake_kernel.partitions, 0);
	fake_kernel.refuses_states = false;

	thread_sleep(50 * NS_PER_MS);
	fake_kernel.reference = 0;
	fake_kernel.script = script + 1; /* the FAKE_END is over */
	assert_int_equal(machine_command(machine, MACHINE_RESTORE), STATUS_OK);
	assert_int_equal(fake_kernel.restored, 2);
	assert_int_equal(fake_kernel.reference, 123456);
	/* Of the time in between nothing has passed for the devices. */
	assert_true(time_now() - machine->time_base - guest_time < 40 * NS_PER_MS);
	wait_state(machine, MACHINE_ENDED);
	assert_int_equal(machine->end, MACHINE_END_POWER_OFF);
	assert_int_equal(fake_kernel.mismatches, 0);
	assert_int_equal(machine->ranges[0].host[0x1234], 0x77);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);

	/* A saved machine is destroyed with all that it has. */
	fake_kernel.script = script + 4;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(machine->state, MACHINE_EMPTY);
	assert_int_equal(free_bytes(), before);
}

/* ---- VMBus ---- */

/* Sends it, and waits until `count` messages have come from the host in all. */
static void guest_says(struct machine *machine, const void *bytes, size_t size, uint32_t count)
{
	static struct hv_message message;

	message = (struct hv_message){.type = VMBUS_MESSAGE_TYPE, .payload_size = (uint8_t)size};
	memcpy(message.payload, bytes, size);
	fake_kernel.to_host = &message;
	fake_kernel.to_host_count = 1;
	event_signal(machine->guest_event, MACHINE_VMBUS);
	for (int i = 0; i < 3000 && fake_kernel.from_host_count < count; i++)
		thread_sleep(NS_PER_MS);
	assert_int_equal(fake_kernel.from_host_count, count);
}

/* The heartbeat's channel, over RAM from 2 MiB on. */
static void guest_opens(struct machine *machine)
{
	const struct vmbus_initiate_contact contact = {
		.header.type = VMBUS_INITIATE_CONTACT, .version = VMBUS_VERSION_5_3, .sint = 2};
	const struct vmbus_header request = {.type = VMBUS_REQUEST_OFFERS};
	const struct {
		struct vmbus_gpadl_header header;
		struct vmbus_range_header range;
		uint64_t pages[4];
	} __packed list = {
		.header = {.header.type = VMBUS_GPADL_HEADER,
			   .relid = 1,
			   .gpadl = 1,
			   .list_size = 8 + 32,
			   .range_count = 1},
		.range = {.length = 4 * PAGE_SIZE},
		.pages = {512, 513, 514, 515},
	};
	const struct vmbus_open_channel open = {
		.header.type = VMBUS_OPEN_CHANNEL, .relid = 1, .gpadl = 1, .downstream_page = 2};

	guest_says(machine, &contact, sizeof(contact), 1);
	guest_says(machine, &request, sizeof(request), 6);
	guest_says(machine, &list, sizeof(list), 7);
	guest_says(machine, &open, VMBUS_OPEN_CHANNEL_SIZE, 8);
}

/* The connection outlives a save; its ports and all else are given back at the end. */
static void a_vmbus_is_saved_with_its_machine(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	struct machine *machine = &machines[HYPERV];
	uint32_t events = fake_kernel.events;
	uint64_t before = free_bytes();
	const uint32_t *ring;
	char inspect[] = "inspect guest/hyperv/vmbus 3";

	(void)state;
	fake_kernel.script = script;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	guest_opens(machine);
	assert_int_equal(fake_kernel.flags_set, 1);
	ring = (const void *)(machine->ranges[0].host + 514 * PAGE_SIZE);
	for (int i = 0; i < 3000 && ring[VMBUS_RING_IN] == 0; i++)
		thread_sleep(NS_PER_MS);
	assert_true(ring[VMBUS_RING_IN] > 0); /* it asks for versions */
	command_execute(inspect);
	assert_true(printed("0x50003"));
	assert_true(printed("negotiating"));
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(machine->vmbus->message_ports[1], HANDLE_NONE);
	assert_int_equal(machine->vmbus->services.heartbeat.ic.channel.ports[0], HANDLE_NONE);
	assert_int_equal(machine_command(machine, MACHINE_RESTORE), STATUS_OK);
	assert_int_equal(machine->vmbus->bus.version, VMBUS_VERSION_5_3);
	assert_int_equal(machine->vmbus->services.heartbeat.ic.channel.state, VMBUS_CHANNEL_OPEN);
	assert_int_not_equal(machine->vmbus->services.heartbeat.ic.channel.ports[1], HANDLE_NONE);
	/* A reset forgets it. */
	assert_int_equal(machine_command(machine, MACHINE_RESET), STATUS_OK);
	assert_int_equal(machine->vmbus->bus.version, 0);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_null(machine->vmbus);
	assert_int_equal(free_bytes(), before);
	assert_int_equal(fake_kernel.events, events);
	/* And once more, saved. */
	fake_kernel.from_host_count = 0;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	guest_opens(machine);
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);
	assert_int_equal(fake_kernel.events, events);
}

#define BURST (VMBUS_QUEUE + 10)

/* What the guest has sent is accepted, and a save loses nothing of it: neither what waits for the guest, nor what the
 * server has had no room for. */
static void a_save_loses_no_message(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	const struct vmbus_initiate_contact contact = {
		.header.type = VMBUS_INITIATE_CONTACT, .version = VMBUS_VERSION_5_3, .sint = 2};
	const struct vmbus_modify_channel modify = {.header.type = VMBUS_MODIFY_CHANNEL,
						    .relid = 1};
	static struct hv_message burst[BURST];
	struct machine *machine = &machines[HYPERV];
	const struct device_timer *timer;
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	fake_kernel.from_host_count = 0;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	guest_says(machine, &contact, sizeof(contact), 1);
	fake_kernel.from_host_count = ARRAY_SIZE(fake_kernel.from_host); /* it takes none */
	for (size_t i = 0; i < BURST; i++) {
		burst[i] = (struct hv_message){.type = VMBUS_MESSAGE_TYPE,
					       .payload_size = sizeof(modify)};
		memcpy(burst[i].payload, &modify, sizeof(modify));
	}
	fake_kernel.to_host = burst;
	fake_kernel.to_host_count = BURST;
	event_signal(machine->guest_event, MACHINE_VMBUS);
	for (int i = 0; i < 3000 && machine->vmbus->bus.queue_count < VMBUS_QUEUE; i++)
		thread_sleep(NS_PER_MS);
	assert_int_equal(fake_kernel.to_host_count, BURST - VMBUS_QUEUE);
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(fake_kernel.to_host_count, 0);
	assert_false(machine->vmbus->bus.retry.armed);
	assert_int_equal(machine_command(machine, MACHINE_RESTORE), STATUS_OK);
	/* Timers of before and after are not mixed up. */
	mutex_lock(&machine->lock);
	for (timer = machine->env.timers; timer && timer->next; timer = timer->next)
		assert_ptr_equal(timer->next->prev, timer);
	mutex_unlock(&machine->lock);
	fake_kernel.from_host_count = 0;
	for (int i = 0; i < 3000 && fake_kernel.from_host_count < BURST; i++)
		thread_sleep(NS_PER_MS);
	assert_int_equal(fake_kernel.from_host_count, BURST);
	/* And is given back, if it is never taken. */
	fake_kernel.from_host_count = ARRAY_SIZE(fake_kernel.from_host);
	fake_kernel.to_host = burst;
	fake_kernel.to_host_count = BURST;
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_int_equal(free_bytes(), before);
}

static void commands_are_carried_out(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{"help", "have a guest shut down"},
		{"list", "small"},
		{"stop small", "small is not started"},
		{"start 1", "small: running"},
		{"start small", "small is running"},
		{"stats small", "port "},
		{"memory", "root task"},
		{"reset small", "small: reset"},
		{"move small 0 1", "small: VP 0: on CPU 1"},
		{"restore small", "small is running"},
		{"save small", "small: saved"},
		{"stats small", ""},
		{"list", "saved"},
		{"restore small", "small: running"},
		{"kvp small", "key-value service does not run"},
		{"kvp small get guest k", "key-value service does not run"},
		{"kvp small get nowhere k", "usage: kvp NAME"},
		{"kvp small get guest", "usage: kvp NAME"},
		{"kvp nobody", "no machine \"nobody\""},
		{"kvp", "usage: kvp NAME"},
		{"stop 1 later", "usage: stop NAME [now]"},
		{"stop nobody", "no machine \"nobody\""},
		{"stop", "usage: stop NAME"},
		{"stop 1", "small: stopped"},
		{"start 1", "small: running"},
		{"stop 1 now", "small: stopped"},
		{"move small 0 1", "small is stopped"},
		{"destroy small", "small: destroyed"},
		{"start", "usage: start NAME"},
		{"list x", "usage: list"},
		{"move small 1 0", "no VP 1"},
		{"move small 0", "usage: move NAME VP CPU"},
		{"move small 0 x", "usage: move NAME VP CPU"},
		{"move nobody 0 0", "no machine \"nobody\""},
		{"start nobody", "no machine \"nobody\""},
		{"start 99999999999999999999", "no machine"},
		{"frobnicate", "no command \"frobnicate\""},
	};

	(void)state;
	fake_kernel.script = script;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s", rows[i].line);
		fake_kernel.output_length = 0;
		command_execute(line);
		if (!printed(rows[i].answer))
			fail_msg("\"%s\" answers \"%.*s\"", rows[i].line,
				 (int)fake_kernel.output_length, fake_kernel.output);
	}
}

static void output_is_kept_and_replayed(void **state)
{
	struct machine *machine = &machines[SMALL];

	(void)state;
	monitor_enter();
	console_output(&machine->console, (const uint8_t *)"unseen", 6);
	assert_false(printed("unseen"));
	monitor_show(machine);
	assert_true(printed("unseen"));
	assert_ptr_equal(console_focus(), &machine->console);
	fake_kernel.output_length = 0;
	monitor_enter();
	monitor_show(machine);
	assert_false(printed("unseen"));
}

/* The last test: the block is lost for good. */
static void lost_deposit_is_reported(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	struct machine *machine = &machines[SMALL];
	uint64_t before = free_bytes();

	(void)state;
	fake_kernel.script = script;
	fake_kernel.lost_block = 2;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
	assert_true(printed("1 of 2 deposited blocks"));
	assert_int_equal(free_bytes(), before - LARGE_PAGE_SIZE);
}

/* ---- gdb ---- */

#define PATIENCE_MS 20000 /* on a machine that has other work */

/* Waits until the stub has said something of which `expected` is a part, behind what it said before. */
static void gdb_hears(size_t before, const char *expected)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		if (strstr(fake_kernel.serial + before, expected))
			return;
		thread_sleep(NS_PER_MS);
	}
	fail_msg("not %s: %s", expected, fake_kernel.serial + before);
}

/* Types a packet, or the byte that interrupts. */
static void gdb_types(const char *payload)
{
	char packet[128];
	uint8_t sum = 0;

	for (const char *c = payload; *c; c++)
		sum = (uint8_t)(sum + (uint8_t)*c);
	snprintf(packet, sizeof(packet), "$%s#%02x", payload, sum);
	fake_serial_type(payload[0] == 3 ? payload : packet);
}

static void gdb_asks(const char *payload, const char *expected)
{
	size_t before = fake_kernel.serial_length;

	gdb_types(payload);
	gdb_hears(before, expected);
}

static void gdb_debugs(void **state)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	struct machine *machine = machine_find("two"), *other = machine_find("small");
	const uint8_t *code;
	size_t before;

	(void)state;
	fake_kernel.script = script;
	fake_kernel.vps_to_reset = 2;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(gdb_attach(machine), STATUS_OK);
	gdb_asks("?", "$T00thread:1;#");
	/* Nobody else's then, and it stays where it is. */
	assert_int_equal(gdb_attach(other), STATUS_BUSY);
	assert_int_equal(machine_move(machine, 0, 1), STATUS_BUSY);
	assert_int_equal(machine_command(machine, MACHINE_SAVE), STATUS_BUSY);
	gdb_asks("qfThreadInfo", "$m1,2#");
	gdb_asks("p10", "$1000020000000000#"); /* RIP: the fake kernel gives the name */
	gdb_asks("m100000,3", "$8903f4#");
	gdb_asks("Z0,100000,1", "$OK#");
	code = guest_memory_pointer(&machine->memory, FAKE_CODE, 1);
	assert_int_equal(*code, 0xcc);
	gdb_asks("m100000,3", "$8903f4#");
	gdb_asks("m400000,1", "$E0e#"); /* no memory */
	/* One steps, the other stands. */
	gdb_asks("vCont;s:2", "+");
	gdb_asks("\3", "$T02thread:");
	assert_int_equal(fake_kernel.debug[0], 0);
	assert_int_equal(fake_kernel.debug[1],
			 DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS | DEBUG_INT3);
	gdb_asks("vCont;c", "+");
	gdb_asks("\3", "$T02thread:");
	assert_int_equal(fake_kernel.debug[0], DEBUG_INT3);
	assert_int_equal(fake_kernel.debug[1], DEBUG_INT3);
	gdb_asks("D", "$OK#");
	assert_int_equal(*code, 0x89);
	assert_int_equal(machine_move(machine, 0, 1), STATUS_OK);
	/* A stop finds VPs that stand still, and gdb that there is nothing any more. */
	gdb_asks("?", "$T");
	assert_int_equal(machine_command(machine, MACHINE_STOP), STATUS_OK);
	assert_int_equal(machine->state, MACHINE_ENDED);
	gdb_asks("?", "$W00#");
	/* The next start is not held up by what there was before. */
	gdb_asks("D", "$OK#");
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	gdb_asks("?", "$T");
	gdb_asks("vCont;c", "+");
	before = fake_kernel.serial_length;
	assert_int_equal(machine_command(machine, MACHINE_STOP), STATUS_OK);
	gdb_hears(before, "$W00#");
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

static void vp_runs_again(uint32_t vp, uint32_t before)
{
	for (int i = 0; i < PATIENCE_MS && fake_kernel.runs[vp] == before; i++)
		thread_sleep(NS_PER_MS);
	assert_int_not_equal(fake_kernel.runs[vp], before);
}

static struct machine *gdb_comes(void)
{
	static const struct fake_step script[] = {{FAKE_END, 0, 0}};
	struct machine *machine = machine_find("two");

	fake_kernel.script = script;
	fake_kernel.vps_to_reset = 2;
	assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
	assert_int_equal(gdb_attach(machine), STATUS_OK);
	vp_runs_again(0, 0);
	vp_runs_again(1, 0);
	return machine;
}

static void gdb_goes(struct machine *machine)
{
	gdb_asks("D", "$OK#");
	assert_int_equal(machine_command(machine, MACHINE_DESTROY), STATUS_OK);
}

/* All VPs are to halt, and one meets a breakpoint before it hears of it: it goes on afterwards. */
static void gdb_halts_who_has_halted(void **state)
{
	struct machine *machine = gdb_comes();
	uint32_t runs;

	(void)state;
	fake_kernel.ends[1] = VP_RUN_HW_BREAK;
	gdb_asks("?", "$T");
	gdb_asks("vCont;c", "$T05thread:2;#");
	runs = fake_kernel.runs[1];
	gdb_asks("vCont;c", "+");
	vp_runs_again(1, runs);
	gdb_asks("\3", "$T02thread:2;#");
	gdb_asks("Hg2", "$OK#");
	gdb_asks("p10", "$1000020000000000#");
	gdb_goes(machine);
}

/* A VP that comes when gdb waits for it no longer goes on as the others do. */
static void gdb_waits_for_no_vp(void **state)
{
	struct machine *machine = gdb_comes();
	uint32_t runs = fake_kernel.runs[1];

	(void)state;
	fake_kernel.deaf[1] = true;
	gdb_asks("?", "$T");
	gdb_asks("Hg2", "$OK#");
	gdb_asks("p10", "$E03#");
	gdb_asks("Hg1", "$OK#");
	gdb_asks("Z0,100000,1", "$OK#");
	gdb_asks("vCont;c", "+");
	assert_int_equal(fake_kernel.debug[1], 0);
	fake_kernel.deaf[1] = false;
	vp_runs_again(1, runs);
	assert_int_equal(fake_kernel.debug[1], DEBUG_INT3);
	/* Nor is it stopped by breakpoints that are gone with gdb. */
	runs = fake_kernel.runs[1];
	fake_kernel.deaf[1] = true;
	gdb_asks("\3", "$T02thread:");
	fake_kernel.ends[1] = VP_RUN_HW_BREAK;
	gdb_asks("D", "$OK#");
	assert_int_equal(fake_kernel.debug[1], DEBUG_INT3);
	fake_kernel.deaf[1] = false;
	vp_runs_again(1, runs);
	assert_int_equal(fake_kernel.debug[1], 0);
	gdb_goes(machine);
}

/* Its step it takes from where it comes to. */
static void gdb_steps_a_late_vp(void **state)
{
	struct machine *machine = gdb_comes();
	uint32_t runs = fake_kernel.runs[1];

	(void)state;
	fake_kernel.deaf[1] = true;
	gdb_asks("?", "$T");
	gdb_asks("vCont;s:2", "+");
	fake_kernel.deaf[1] = false;
	vp_runs_again(1, runs);
	assert_int_equal(fake_kernel.debug[1], DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS);
	fake_kernel.ends[1] = VP_RUN_SINGLE_STEP;
	gdb_asks("\3", "$T02thread:");
	gdb_goes(machine);
}

/* But one that is to stay does when it comes. */
static void gdb_keeps_a_late_vp(void **state)
{
	struct machine *machine = gdb_comes();

	(void)state;
	fake_kernel.deaf[1] = true;
	gdb_asks("?", "$T");
	gdb_asks("Hg2", "$OK#");
	gdb_asks("vCont;c:1", "+");
	fake_kernel.deaf[1] = false;
	gdb_asks("\3", "$T02thread:");
	gdb_asks("Hg2", "$OK#");
	gdb_asks("p10", "$1000020000000000#");
	assert_int_equal(fake_kernel.runs[1], 1);
	gdb_goes(machine);
}

/* What gdb is told the end of takes its breakpoints along: the next start knows of none. */
static void gdb_ends_with_the_guest(void **state)
{
	struct machine *machine = gdb_comes();
	size_t before;

	(void)state;
	for (int i = 0; i < 2; i++) {
		gdb_asks("?", "$T");
		gdb_asks("Hg1", "$OK#");
		gdb_asks("Z0,100000,1", "$OK#");
		if (i == 0)
			gdb_asks("vCont;c", "+");
		before = fake_kernel.serial_length;
		assert_int_equal(machine_command(machine, MACHINE_STOP), STATUS_OK);
		if (i == 0)
			gdb_hears(before, "$W00#");
		else
			gdb_asks("D", "$OK#");
		fake_kernel.runs[0] = fake_kernel.runs[1] = 0;
		assert_int_equal(machine_command(machine, MACHINE_START), STATUS_OK);
		vp_runs_again(0, 0);
		vp_runs_again(1, 0);
		assert_int_equal(fake_kernel.debug[0], 0);
		assert_int_equal(fake_kernel.debug[1], 0);
	}
	gdb_goes(machine);
}

/* A gdb comes while a VP is on its way to another CPU: it finds it there. */
static void gdb_comes_to_a_vp_that_moves(void **state)
{
	struct machine *machine = gdb_comes();
	uint64_t bits = 0;

	(void)state;
	fake_kernel.deaf[0] = true;
	machine->move_vp = 0;
	machine->move_cpu = 1;
	machine_request(machine, MACHINE_MOVE);
	for (int i = 0; i < 3000 && !(machine->processors[0].control.asked & VP_ASKED_CANCEL); i++)
		thread_sleep(NS_PER_MS);
	gdb_types("?");
	thread_sleep(50 * NS_PER_MS);
	fake_kernel.deaf[0] = false;
	assert_int_equal(event_wait(machine->done, time_now() + 3 * NS_PER_SECOND, &bits),
			 STATUS_OK);
	assert_int_equal(machine->command_status, STATUS_OK);
	assert_int_equal(fake_kernel.last_cpu, 1);
	gdb_hears(0, "$T");
	gdb_asks("Hg1", "$OK#");
	gdb_asks("p10", "$1000020000000000#");
	gdb_asks("vCont;c", "+");
	vp_runs_again(0, 1);
	gdb_goes(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(boots_writes_and_powers_off, setup),
		cmocka_unit_test_setup(resets_and_stops, setup),
		cmocka_unit_test_setup(crash_harms_no_other, setup),
		cmocka_unit_test_setup(hibernates, setup),
		cmocka_unit_test_setup(a_triple_fault_may_reset, setup),
		cmocka_unit_test_setup(vps_move, setup),
		cmocka_unit_test_setup(exits_with_status, setup),
		cmocka_unit_test_setup(emulates_device_memory, setup),
		cmocka_unit_test_setup(emulated_stores_ring_doorbells, setup),
		cmocka_unit_test_setup(failed_starts_leave_nothing, setup),
		cmocka_unit_test_setup(saved_machines_go_on, setup),
		cmocka_unit_test_setup(a_vmbus_is_saved_with_its_machine, setup),
		cmocka_unit_test_setup(a_save_loses_no_message, setup),
		cmocka_unit_test_setup(commands_are_carried_out, setup),
		cmocka_unit_test_setup(output_is_kept_and_replayed, setup),
		cmocka_unit_test_setup(gdb_debugs, setup),
		cmocka_unit_test_setup(gdb_halts_who_has_halted, setup),
		cmocka_unit_test_setup(gdb_waits_for_no_vp, setup),
		cmocka_unit_test_setup(gdb_steps_a_late_vp, setup),
		cmocka_unit_test_setup(gdb_keeps_a_late_vp, setup),
		cmocka_unit_test_setup(gdb_ends_with_the_guest, setup),
		cmocka_unit_test_setup(gdb_comes_to_a_vp_that_moves, setup),
		cmocka_unit_test_setup(lost_deposit_is_reported, setup),
	};
	struct boot_info *info = calloc(1, sizeof(*info) + sizeof(info->memory[0]));

	if (mmap((void *)(ROOT_WINDOW_BASE + HOST_BASE), HOST_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	info->tsc_hz = 2000000000;
	info->cpu_count = 2;
	info->memory_count = 1;
	info->memory[0] = (struct boot_memory){
		.base = HOST_BASE, .size = HOST_SIZE, .kind = BOOT_MEMORY_FREE};
	vmm_boot_info = info;
	time_init(info);
	memory_init(info);
	if (machines_create(&config) != STATUS_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

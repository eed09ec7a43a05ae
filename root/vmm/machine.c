/* SPDX-License-Identifier: MIT */
/*
 * The life of the machines: their service threads, which start, stop, reset and destroy them, and
 * run their devices' timers.
 */
#include <stdlib.h>
#include <string.h>
#include <gdb/gdb.h>
#include <lib/log.h>
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/vmbus.h>
#include <vmm/vmm.h>

/* Console input that the serial port could not take is offered again after this time. */
#define INPUT_RETRY_NS	   (2 * NS_PER_MS)
#define COMMAND_TIMEOUT_NS (30 * NS_PER_SECOND)

struct machine *machines;
size_t machine_count;
void (*machine_created)(struct machine *machine);

static const char *const state_names[] = {
#define STATE_NAME(name, word) [MACHINE_##name] = (word),
	MACHINE_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
};

const char *machine_state_name(const struct machine *machine)
{
	if (machine->state != MACHINE_ENDED)
		return state_names[machine->state];
	switch (machine->end) {
	case MACHINE_END_POWER_OFF: return "powered off";
	case MACHINE_END_HIBERNATE: return "hibernated";
	case MACHINE_END_EXIT: return "exited";
	case MACHINE_END_CRASH: return "crashed";
	case MACHINE_END_FAILED: return "failed";
	default: return "stopped";
	}
}

/* The number that text is, 0 if it is none; large ones are as good as none. */
static size_t number_parse(const char *text)
{
	size_t number = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9' || number > SIZE_MAX / 100)
			return 0;
		number = number * 10 + (size_t)(*text - '0');
	}
	return number;
}

struct machine *machine_find(const char *name)
{
	size_t number = number_parse(name);

	for (size_t i = 0; i < machine_count; i++)
		if (strcmp(machines[i].config->name, name) == 0)
			return &machines[i];
	if (number >= 1 && number <= machine_count)
		return &machines[number - 1];
	return NULL;
}

void machine_power_request(struct machine *machine, enum machine_power power, uint32_t code)
{
	static const enum vp_halt_reason reasons[] = {
		[MACHINE_POWER_OFF] = VP_HALT_POWER_OFF,
		[MACHINE_POWER_HIBERNATE] = VP_HALT_HIBERNATE,
		[MACHINE_POWER_RESET] = VP_HALT_RESET,
		[MACHINE_POWER_EXIT] = VP_HALT_POWER_OFF,
		[MACHINE_POWER_CRASH] = VP_HALT_POWER_OFF,
	};

	if (machine->power != MACHINE_POWER_NONE)
		return;
	machine->power = power;
	machine->power_code = code;
	for (uint32_t i = 0; machine->processors && i < machine->config->vps; i++)
		(void)vp_ask_halt(&machine->processors[i].control, reasons[power]);
	event_signal(machine->event, MACHINE_POWER);
}

/* Gives waiting console input to the serial port; the machine's lock is held. */
static void machine_feed(struct machine *machine)
{
	const uint8_t *bytes;
	size_t count, taken;

	if (machine->state != MACHINE_RUNNING)
		return;
	/* Ends when the queue is empty or the port is full. */
	while ((count = console_queue_peek(&machine->input, &bytes))) {
		taken = platform_input(&machine->platform, bytes, count);
		console_queue_drop(&machine->input, taken);
		if (taken < count)
			break;
	}
}

static bool machine_input_waits(const struct machine *machine)
{
	return machine->state == MACHINE_RUNNING && machine->input.head != machine->input.tail;
}

void machine_input(struct machine *machine, const uint8_t *bytes, size_t count)
{
	bool waits;

	mutex_lock(&machine->lock);
	console_queue_put(&machine->input, bytes, count);
	machine_feed(machine);
	waits = machine_input_waits(machine);
	mutex_unlock(&machine->lock);
	if (waits)
		event_signal(machine->event, MACHINE_INPUT);
}

/* ---- start and end ---- */

static void machine_end_set(struct machine *machine, enum machine_end end, uint32_t code)
{
	machine->end_code = code;
	machine->end = end;
}

/* The VPs run from the boot state; the machine has its resources and no VP runs. */
static status_t machine_boot(struct machine *machine)
{
	status_t status;

	if (machine->ran) {
		status = partition_reset(machine->partition);
		if (status != STATUS_OK) {
			log_error("%s: reset: %s", machine->config->name, status_words(status));
			return status;
		}
	}
	status = machine_load(machine);
	if (status != STATUS_OK)
		return status;
	mutex_lock(&machine->lock);
	machine->power = MACHINE_POWER_NONE;
	machine->crashes_told = 0;
	platform_reset(&machine->platform);
	machine_processors_reset(machine);
	machine_vmbus_reset(machine);
	mutex_unlock(&machine->lock);
	machine_end_set(machine, MACHINE_END_NONE, 0);
	machine->state = MACHINE_RUNNING;
	if (machine->ran)
		status = processors_reset(machine);
	if (status != STATUS_OK)
		return status;
	machine->ran = true;
	machine->resumes = false;
	return processors_start(machine);
}

/* A start that did not succeed leaves the machine EMPTY. */
static status_t machine_start_quietly(struct machine *machine)
{
	status_t status = STATUS_OK;

	if (machine->state == MACHINE_EMPTY)
		status = machine_resources_create(machine);
	if (status == STATUS_OK && machine_created)
		machine_created(machine);
	if (status == STATUS_OK)
		status = machine_boot(machine);
	if (status == STATUS_OK)
		return STATUS_OK;
	processors_stop(machine);
	machine_resources_destroy(machine);
	machine->state = MACHINE_EMPTY;
	machine_end_set(machine, MACHINE_END_FAILED, 0);
	log_error("%s: not started", machine->config->name);
	return status;
}

static status_t machine_start(struct machine *machine)
{
	status_t status = machine_start_quietly(machine);

	if (status == STATUS_OK)
		log_info("%s: started", machine->config->name);
	return status;
}

static void machine_stop(struct machine *machine, enum machine_end end, uint32_t code)
{
	processors_stop(machine);
	mutex_lock(&machine->lock);
	platform_flush(&machine->platform);
	mutex_unlock(&machine->lock);
	(void)machine_vmbus_ended(machine);
	machine_end_set(machine, end, code);
	machine->state = MACHINE_ENDED;
}

static status_t machine_reset(struct machine *machine)
{
	machine_stop(machine, MACHINE_END_NONE, 0);
	return machine_start(machine);
}

/* ---- what is asked for ---- */

static void resets_left_out_tell(struct machine *machine)
{
	uint32_t left_out = log_limit_left_out(&machine->resets);

	if (left_out)
		log_info("%s: %u more resets were not reported", machine->config->name, left_out);
}

/* By the guest, which may do it for ever; what is said of it has a limit. */
static status_t guest_reset(struct machine *machine)
{
	bool told = log_limit_pass(&machine->resets, time_now());

	if (told) {
		resets_left_out_tell(machine);
		log_info("%s: reset", machine->config->name);
	}
	machine_stop(machine, MACHINE_END_NONE, 0);
	return told ? machine_start(machine) : machine_start_quietly(machine);
}

/* The guest has ended or restarted itself. */
static void machine_power_act(struct machine *machine)
{
	uint32_t power, code;

	mutex_lock(&machine->lock);
	power = machine->power;
	code = machine->power_code;
	mutex_unlock(&machine->lock);
	if (machine->state != MACHINE_RUNNING)
		return;

	/* Why it ends, if its own thread has not come to that yet. */
	machine_crash_report(machine);
	if (power != MACHINE_POWER_RESET)
		resets_left_out_tell(machine);
	switch (power) {
	case MACHINE_POWER_OFF:
		machine_stop(machine, MACHINE_END_POWER_OFF, 0);
		log_info("%s: powered off", machine->config->name);
		break;
	case MACHINE_POWER_HIBERNATE:
		machine_stop(machine, MACHINE_END_HIBERNATE, 0);
		log_info("%s: hibernated", machine->config->name);
		break;
	case MACHINE_POWER_EXIT:
		machine_stop(machine, MACHINE_END_EXIT, code);
		log_info("%s: exited with status %u", machine->config->name, code);
		break;
	case MACHINE_POWER_CRASH:
		machine_stop(machine, MACHINE_END_CRASH, 0);
		log_error("%s: guest crashed", machine->config->name);
		break;
	case MACHINE_POWER_RESET:
		if (machine_vmbus_ended(machine))
			log_warning("%s: has restarted instead of shutting down",
				    machine->config->name);
		if (guest_reset(machine) == STATUS_OK)
			return;
		break;
	default: return;
	}
	vmm_machine_ended();
}

/* What can be asked for in which states, and how it is done. */
static status_t command_start(struct machine *machine)
{
	return machine_start(machine);
}

static status_t command_stop(struct machine *machine)
{
	machine_stop(machine, MACHINE_END_NONE, 0);
	return STATUS_OK;
}

static status_t command_destroy(struct machine *machine)
{
	if (machine->state == MACHINE_RUNNING)
		machine_stop(machine, MACHINE_END_NONE, 0);
	machine_state_free(machine);
	machine_resources_destroy(machine);
	machine->state = MACHINE_EMPTY;
	return STATUS_OK;
}

static status_t command_move(struct machine *machine)
{
	return processor_move(&machine->processors[machine->move_vp], machine->move_cpu);
}

/* The VPs that stand still go on where they are. */
static status_t machine_resume(struct machine *machine)
{
	machine->resumes = true;
	machine->state = MACHINE_RUNNING;
	/* What came meanwhile was put off. */
	if (machine->guest_service)
		event_signal(machine->guest_event, MACHINE_VMBUS | MACHINE_CRASHED);
	return processors_start(machine);
}

/* What cannot be saved goes on. A guest that has just asked for its end is let have it. */
static status_t command_save(struct machine *machine)
{
	status_t status = machine_save_check(machine);

	if (status != STATUS_OK)
		return status;
	if (!gdb_lets_go(machine->processors, machine->config->vps))
		return STATUS_BUSY;
	processors_stop(machine);
	if (machine->power != MACHINE_POWER_NONE)
		return STATUS_WRONG_STATE;
	/* Console input waits from here on: it would interrupt a VP that is saved already. */
	mutex_lock(&machine->lock);
	status = machine_vmbus_hold(machine);
	if (status == STATUS_OK)
		machine->state = MACHINE_SAVED;
	mutex_unlock(&machine->lock);
	if (status == STATUS_OK)
		status = machine_state_save(machine);
	if (status != STATUS_OK) {
		(void)machine_resume(machine);
		return status;
	}
	machine_resources_release(machine);
	return STATUS_OK;
}

/* What cannot be restored stays saved. */
static status_t command_restore(struct machine *machine)
{
	status_t status = machine_resources_recreate(machine);

	if (status != STATUS_OK)
		return status;
	status = machine_state_restore(machine);
	if (status == STATUS_OK) {
		machine_vmbus_attach(machine);
		status = machine_resume(machine);
	}
	if (status == STATUS_OK) {
		machine_state_free(machine);
		return STATUS_OK;
	}
	processors_stop(machine);
	machine_resources_release(machine);
	machine->state = MACHINE_SAVED;
	return status;
}

static const struct {
	uint64_t bit;
	uint32_t states; /* bits by enum machine_state */
	status_t (*act)(struct machine *machine);
} commands[] = {
	{MACHINE_START, BIT(MACHINE_EMPTY) | BIT(MACHINE_ENDED), command_start},
	{MACHINE_STOP, BIT(MACHINE_RUNNING), command_stop},
	{MACHINE_RESET, BIT(MACHINE_RUNNING) | BIT(MACHINE_ENDED), machine_reset},
	{MACHINE_DESTROY, BIT(MACHINE_RUNNING) | BIT(MACHINE_ENDED) | BIT(MACHINE_SAVED),
	 command_destroy},
	{MACHINE_SAVE, BIT(MACHINE_RUNNING), command_save},
	{MACHINE_RESTORE, BIT(MACHINE_SAVED), command_restore},
	{MACHINE_MOVE, BIT(MACHINE_RUNNING), command_move},
};

static void machine_commands_act(struct machine *machine, uint64_t bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!(bits & commands[i].bit))
			continue;
		if (commands[i].states & BIT(machine->state))
			machine->command_status = commands[i].act(machine);
		else
			machine->command_status = STATUS_WRONG_STATE;
		event_signal(machine->done, 1);
		/* A start at boot that fails may have been the last hope of the whole. */
		if (machine->end == MACHINE_END_FAILED && machine->state == MACHINE_EMPTY)
			vmm_machine_ended();
	}
}

/* Runs what is due; answers until when the thread may sleep. */
static uint64_t machine_timers_act(struct machine *machine)
{
	uint64_t wake = TIME_NEVER;

	mutex_lock(&machine->lock);
	machine_feed(machine);
	if (machine->state == MACHINE_RUNNING) {
		(void)device_timers_run(&machine->env);
		if (machine->deadline != DEVICE_NEVER)
			wake = machine->deadline + machine->time_base;
		if (machine_input_waits(machine))
			wake = MIN(wake, time_now() + INPUT_RETRY_NS);
	}
	machine->wake_at = wake;
	mutex_unlock(&machine->lock);
	return wake;
}

static void machine_service(void *argument)
{
	struct machine *machine = argument;

	for (;;) {
		uint64_t wake = machine_timers_act(machine);
		uint64_t bits = 0;

		if (event_wait(machine->event, wake, &bits) != STATUS_OK)
			continue;
		if (bits & MACHINE_POWER)
			machine_power_act(machine);
		if (bits & MACHINE_COMMANDS)
			machine_commands_act(machine, bits);
	}
}

void machine_request(struct machine *machine, uint64_t command)
{
	event_signal(machine->event, command);
}

status_t machine_command(struct machine *machine, uint64_t command)
{
	uint64_t bits, now = time_now();
	status_t status;

	/* An answer to an earlier request that nobody waited for. */
	(void)event_wait(machine->done, 0, &bits);
	machine_request(machine, command);
	status = event_wait(machine->done, now + COMMAND_TIMEOUT_NS, &bits);
	return status == STATUS_OK ? machine->command_status : status;
}

status_t machine_move(struct machine *machine, uint32_t vp, uint32_t cpu)
{
	if (vp >= machine->config->vps || cpu >= vmm_boot_info->cpu_count)
		return STATUS_NOT_FOUND;
	machine->move_vp = vp;
	machine->move_cpu = cpu;
	return machine_command(machine, MACHINE_MOVE);
}

static status_t machine_create(struct machine *machine, const struct config_partition *config,
			       uint32_t number)
{
	uint32_t cpu = vmm_cpu_next(config);
	status_t status;

	machine->config = config;
	machine->number = number;
	status = event_create(&machine->event);
	if (status == STATUS_OK)
		status = event_create(&machine->done);
	if (status == STATUS_OK)
		status = event_create(&machine->answer);
	if (status == STATUS_OK)
		status = thread_start(cpu, vmm_service_priority(), machine_service, machine,
				      &machine->service);
	if (status == STATUS_OK && config->hyperv == CONFIG_HYPERV_ON)
		status = machine_guest_service_start(machine, cpu);
	return status;
}

status_t machines_create(const struct config *config)
{
	machines = calloc(config->partition_count, sizeof(*machines));
	if (!machines)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < config->partition_count; i++) {
		status_t status =
			machine_create(&machines[i], &config->partitions[i], (uint32_t)i + 1);

		if (status != STATUS_OK)
			return status;
		machine_count++;
	}
	return STATUS_OK;
}

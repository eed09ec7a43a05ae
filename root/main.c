/* SPDX-License-Identifier: MIT */
/*
 * The root task: the virtual-machine monitor. It reads the bundle and trivet.conf, makes the
 * machines, starts those that shall start, brings the keys that are typed to whom they are meant
 * for, and ends when all is over.
 */
#include <stdlib.h>
#include <string.h>
#include <bench.h>
#include <lib/log.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/thread.h>
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/monitor.h>
#include <vmm/vmm.h>

#define CONFIG_FILE "trivet.conf"

/* Codes of system_end(), which a runner makes its exit status. */
#define END_CODE_OK	     0u
#define END_CODE_CRASH	     11u
#define END_CODE_NOTHING     13u
#define END_CODE_GUEST	     64u /* and the guest's own status */
#define END_CODE_GUEST_LIMIT 59u

/* Bits of main_event. */
#define MAIN_INPUT BIT(0)
#define MAIN_ENDED BIT(1)

#define SERVICE_PRIORITIES 3u /* the priorities above those of VPs, which the root keeps */

const struct boot_info *vmm_boot_info;

static handle_t main_event;
static struct config config;

/* Called by start.S on the first thread, which has no thread pointer. */
__noreturn void root_start(const struct boot_info *info);

/* ---- what others ask ---- */

status_t vmm_file_find(const char *name, struct bundle_file *file)
{
	struct bundle bundle;
	status_t status;

	bundle_open(&bundle, (const void *)(ROOT_WINDOW_BASE + vmm_boot_info->bundle_base),
		    vmm_boot_info->bundle_size);
	status = bundle_find(&bundle, name, file);
	if (status != STATUS_OK && status != STATUS_NOT_FOUND)
		log_error("bundle: at byte %llu: %s", (unsigned long long)bundle.offset,
			  bundle.problem);
	return status;
}

uint32_t vmm_service_priority(void)
{
	return vmm_boot_info->priority_count - SERVICE_PRIORITIES;
}

uint32_t vmm_vp_priority(const struct config_partition *partition)
{
	return MIN(partition->priority, vmm_service_priority() - 1);
}

uint32_t vmm_cpu_next(const struct config_partition *partition)
{
	static _Atomic uint32_t next;
	uint32_t turn = atomic_fetch_add(&next, 1);

	/* That the CPUs exist was checked with the configuration. */
	if (partition->cpu_count)
		return partition->cpus[turn % partition->cpu_count];
	return turn % vmm_boot_info->cpu_count;
}

void vmm_machine_ended(void)
{
	event_signal(main_event, MAIN_ENDED);
}

/* ---- the end ---- */

__noreturn static void vmm_end(uint32_t code)
{
	bench_end();
	(void)system_end(SYSTEM_END_POWER_OFF, code);
	/* The kernel does not come back from this. */
	for (;;)
		thread_sleep(NS_PER_SECOND);
}

/* The worst of what has happened. */
static uint32_t end_code(void)
{
	uint32_t code = END_CODE_OK;

	for (size_t i = 0; i < machine_count; i++) {
		const struct machine *machine = &machines[i];

		if (machine->end == MACHINE_END_CRASH)
			return END_CODE_CRASH;
		if (machine->end == MACHINE_END_EXIT && machine->end_code)
			code = END_CODE_GUEST + MIN(machine->end_code, END_CODE_GUEST_LIMIT);
		else if (machine->end == MACHINE_END_FAILED && code == END_CODE_OK)
			code = END_CODE_NOTHING;
	}
	return code;
}

static struct machine *machine_that_is(enum machine_state state)
{
	for (size_t i = 0; i < machine_count; i++)
		if (machines[i].state == state)
			return &machines[i];
	return NULL;
}

static struct machine *machine_focused(void)
{
	struct console *console = console_focus();

	return console ? container_of(console, struct machine, console) : NULL;
}

/* A machine has ended by itself: is it all over, or who gets the console now? */
static void ended_act(void)
{
	struct machine *focused = machine_focused();
	struct machine *running = machine_that_is(MACHINE_RUNNING);

	/* A person at the monitor decides for himself. */
	if (!focused)
		return;
	if (!running && !machine_that_is(MACHINE_SAVED) &&
	    config.on_exit == CONFIG_ON_EXIT_POWEROFF)
		vmm_end(end_code());
	if (!running)
		monitor_enter();
	else if (focused->state != MACHINE_RUNNING)
		monitor_show(running);
}

/* ---- the console's input ---- */

static void key_act(const struct console_key *key)
{
	struct machine *focused = machine_focused();

	switch (key->action) {
	case CONSOLE_BYTE:
		if (focused)
			machine_input(focused, &key->byte, 1);
		else
			monitor_key(key->byte);
		break;
	case CONSOLE_SWITCH:
		if (key->number <= machine_count)
			monitor_show(&machines[key->number - 1]);
		break;
	case CONSOLE_MONITOR: monitor_enter(); break;
	case CONSOLE_HELP: monitor_keys_help(); break;
	case CONSOLE_NOTHING: break;
	}
}

static void input_act(void)
{
	static struct console_decoder decoder;
	uint8_t bytes[64];
	size_t count = 0;

	/* Ends when the kernel has no more; it is told again when there is. */
	while (console_read(bytes, sizeof(bytes), &count) == STATUS_OK && count) {
		for (size_t i = 0; i < count; i++) {
			struct console_key key = console_decode(&decoder, bytes[i]);

			key_act(&key);
		}
	}
}

__noreturn static void main_loop(void)
{
	uint64_t bits;

	for (;;) {
		if (event_wait(main_event, TIME_NEVER, &bits) != STATUS_OK)
			continue;
		if (bits & MAIN_INPUT)
			input_act();
		if (bits & MAIN_ENDED)
			ended_act();
	}
}

/* ---- the start ---- */

static bool cpus_check(const struct config_partition *partition)
{
	for (size_t i = 0; i < partition->cpu_count; i++) {
		if (partition->cpus[i] < vmm_boot_info->cpu_count)
			continue;
		log_error(CONFIG_FILE ":%u: partition %s: there is no CPU %u, only 0 to %u",
			  partition->line, partition->name, partition->cpus[i],
			  vmm_boot_info->cpu_count - 1);
		return false;
	}
	if (partition->priority >= vmm_service_priority())
		log_warning(CONFIG_FILE ":%u: partition %s: priority %u is above the highest, %u",
			    partition->line, partition->name, partition->priority,
			    vmm_service_priority() - 1);
	return true;
}

static bool config_load(void)
{
	struct config_error error;
	struct bundle_file file;
	status_t status;

	if (!vmm_boot_info->bundle_size) {
		log_error("there is no bundle: the boot loader has handed over no module");
		return false;
	}
	status = vmm_file_find(CONFIG_FILE, &file);
	if (status == STATUS_NOT_FOUND)
		log_error("the bundle has no " CONFIG_FILE);
	if (status != STATUS_OK)
		return false;
	if (config_parse((const char *)file.data, file.size, CONFIG_FILE, &config, &error) !=
	    STATUS_OK) {
		log_error("%s", error.message);
		return false;
	}
	for (size_t i = 0; i < config.partition_count; i++)
		if (!cpus_check(&config.partitions[i]))
			return false;
	return true;
}

/*
 * Starts what shall start; the first that runs gets the console, when all is said here: it is
 * shown then what it has written meanwhile.
 */
static void machines_start(void)
{
	struct machine *first = NULL;

	for (size_t i = 0; i < machine_count; i++) {
		if (!machines[i].config->autostart)
			continue;
		if (machine_command(&machines[i], MACHINE_START) == STATUS_OK && !first)
			first = &machines[i];
	}
	if (first) {
		log_info("console ready");
		console_focus_set(&first->console);
	} else if (config.on_exit == CONFIG_ON_EXIT_MONITOR) {
		monitor_enter();
	} else {
		vmm_end(END_CODE_NOTHING);
	}
}

static void root_main(void *argument)
{
	uint64_t free, total;
	status_t status;

	vmm_boot_info = argument;
	memory_totals(&free, &total);
	log_info("root task: %u CPUs, %llu MiB, backend %s", vmm_boot_info->cpu_count,
		 (unsigned long long)total >> 20, vmm_boot_info->backend);
	status = (status_t)vmm_boot_info->hypervisor_status;
	if (status != STATUS_OK) {
		log_error("this machine cannot run guests: %s", status_words(status));
		vmm_end(END_CODE_NOTHING);
	}
	if (!config_load())
		vmm_end(END_CODE_NOTHING);
	status = event_create(&main_event);
	if (status == STATUS_OK)
		status = machines_create(&config);
	if (status != STATUS_OK) {
		log_error("the machines cannot be made: %s", status_words(status));
		vmm_end(END_CODE_NOTHING);
	}
	bench_start();
	machines_start();
	status = console_bind(main_event, MAIN_INPUT);
	if (status != STATUS_OK)
		log_warning("no console input: %s", status_words(status));
	input_act();
	main_loop();
}

__noreturn void root_start(const struct boot_info *info)
{
	struct thread *thread;
	status_t status = STATUS_NOT_SUPPORTED;

	if (info->magic == BOOT_INFO_MAGIC && info->abi_version == TRIVET_ABI_VERSION &&
	    info->cpu_count && info->priority_count > SERVICE_PRIORITIES) {
		time_init(info);
		memory_init(info);
		status = thread_start(0, info->priority_count - SERVICE_PRIORITIES, root_main,
				      (void *)(uintptr_t)info, &thread);
	}
	if (status != STATUS_OK) {
		log_error("root task: cannot start: %s", status_words(status));
		(void)system_end(SYSTEM_END_POWER_OFF, END_CODE_NOTHING);
	}
	thread_exit();
}

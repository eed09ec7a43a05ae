/* SPDX-License-Identifier: MIT */
/*
 * The order in which the kernel starts. Each line may use what the lines above it have made.
 */
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/panic.h>
#include <kernel/partition.h>
#include <kernel/selftest.h>
#include <kernel/string.h>
#include <kernel/task.h>

static void log_level_init(void)
{
	static const char *const names[] = {[LOG_ERROR] = "error",
					    [LOG_WARN] = "warn",
					    [LOG_INFO] = "info",
					    [LOG_DEBUG] = "debug"};
	char name[8];

	if (boot_option("loglevel") == NULL)
		return;
	if (boot_option_copy("loglevel", name, sizeof(name))) {
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
			if (strcmp(name, names[i]) == 0) {
				log_level = (enum log_level)i;
				return;
			}
		}
	}
	log_warn("loglevel= is one of error, warn, info, debug");
}

static uint64_t kernel_bytes(void)
{
	uint64_t bytes = 0;

	if (boot_option("kmem") != NULL && !boot_option_size("kmem", &bytes))
		log_warn("kmem= is a number of bytes, with a suffix K, M or G");
	return bytes;
}

static void hypervisor_start(void)
{
	status_t status = hypervisor_cpu_enable();

	if (status == STATUS_OK)
		return;
	this_cpu()->runs_no_guests = true;
	log_warn("CPU %u runs no guests: %s", this_cpu()->index, status_words(status));
}

__noreturn void cpu_secondary_main(void)
{
	cpu_init(this_cpu());
	hypervisor_start();
	sched_exit();
}

__noreturn void kernel_main(void)
{
	char pattern[64];
	uint32_t running;

	log_level_init();
	log_info("Trivet, a microhypervisor");
	log_debug("command line: %s", boot_source.command_line);
	if (memory_init(kernel_bytes()) != STATUS_OK)
		system_end(false, END_NOTHING_TO_RUN);
	cpu_init(this_cpu());
	arch_devices_init();
	timestamp_base = timestamp_read();
	hypervisor_init();
	hypervisor_start();
	running = arch_cpus_start();
	log_info("%u CPU%s, kernel memory %llu KiB", running, running == 1 ? "" : "s",
		 (unsigned long long)kernel_heap.pages_total * (PAGE_SIZE >> 10));
	if (boot_option_copy("selftest", pattern, sizeof(pattern)))
		selftest_run(pattern);
	if (root_task_start() != STATUS_OK)
		system_end(false, END_NOTHING_TO_RUN);
	sched_exit();
}

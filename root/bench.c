/* SPDX-License-Identifier: MIT */
/*
 * What the root task measures of the kernel when the kernel's command line has the word `bench`:
 * system calls before the first machine starts, the kernel's memory at the end. Times are those of
 * <bench_stamp.h>, which on the emulators that measure are instructions.
 */
#include <string.h>
#include <bench.h>
#include <lib/log.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/port.h>
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/vmm.h>

#define WORD	     "bench"
#define ROUNDS	     1000u
#define MAPPED	     GIB(1)
#define MAP_LIMIT    10000u
#define STATE_ROUNDS 100u
#define STATE_LIMIT  20000u /* to save, or to restore, all of a VP */
#define STATE_SIZE   KIB(8)
#define RESET_VPS    4u
#define RESET_LIMIT  100000u /* of a partition and all its VPs */
#define CONNECTION   0x2001u /* that it signals */

static bool is_wanted(void)
{
	const char *line = vmm_boot_info->command_line;
	size_t length = strlen(WORD);

	for (const char *at = strstr(line, WORD); at; at = strstr(at + 1, WORD))
		if ((at == line || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	return false;
}

void bench_report(const char *name, uint64_t from, uint64_t rounds, uint64_t limit)
{
	uint64_t each = (bench_stamp() - from) / rounds;

	if (limit)
		print("bench: %s: %llu instructions (limit %llu)\n", name, (unsigned long long)each,
		      (unsigned long long)limit);
	else
		print("bench: %s: %llu instructions\n", name, (unsigned long long)each);
}

static void calls_measure(void)
{
	uint64_t from = bench_stamp();

	for (uint32_t i = 0; i < ROUNDS; i++)
		thread_yield();
	bench_report("system call that does nothing", from, ROUNDS, 0);
}

/* Maps memory of the root task's, whatever is in it: nothing runs in this partition. */
static status_t mapping_measure(handle_t partition, gpa_t gpa, const char *map, const char *unmap)
{
	void *memory = memory_allocate(MAPPED, GIB(1));
	uint64_t from;
	status_t status;

	if (!memory)
		return STATUS_NO_MEMORY;
	from = bench_stamp();
	status = partition_map(partition, 0, memory, MAPPED, gpa, GPA_WRITABLE | GPA_EXECUTABLE);
	if (status == STATUS_OK) {
		bench_report(map, from, 1, MAP_LIMIT);
		from = bench_stamp();
		status = partition_unmap(partition, 0, gpa, MAPPED);
		bench_report(unmap, from, 1, MAP_LIMIT);
	}
	memory_free(memory, MAPPED);
	return status;
}

/* The whole of a VP, from the registers to the bytes and back. */
static status_t state_measure(handle_t partition)
{
	struct vp_run_page *page = memory_allocate(PAGE_SIZE, PAGE_SIZE);
	void *state = memory_allocate(STATE_SIZE, PAGE_SIZE);
	status_t status = STATUS_NO_MEMORY;
	size_t size = 0;
	uint64_t from;
	handle_t vp;

	if (page && state)
		status = vp_bind(partition, 0, page, &vp);
	if (status == STATUS_OK) {
		from = bench_stamp();
		for (uint32_t i = 0; i < STATE_ROUNDS && status == STATUS_OK; i++)
			status = vp_save(vp, state, STATE_SIZE, &size);
		bench_report("save a VP", from, STATE_ROUNDS, STATE_LIMIT);
		from = bench_stamp();
		for (uint32_t i = 0; i < STATE_ROUNDS && status == STATUS_OK; i++)
			status = vp_restore(vp, state, size);
		bench_report("restore a VP", from, STATE_ROUNDS, STATE_LIMIT);
		handle_close(vp);
	}
	if (page)
		memory_free(page, PAGE_SIZE);
	if (state)
		memory_free(state, STATE_SIZE);
	return status;
}

static status_t all_reset(handle_t partition, const handle_t vps[RESET_VPS])
{
	status_t status = partition_reset(partition);

	for (uint32_t i = 0; i < RESET_VPS && status == STATUS_OK; i++)
		status = vp_reset(vps[i]);
	return status;
}

static status_t reset_measure(handle_t partition)
{
	uint8_t *pages = memory_allocate(RESET_VPS * PAGE_SIZE, PAGE_SIZE);
	status_t status = pages ? STATUS_OK : STATUS_NO_MEMORY;
	handle_t vps[RESET_VPS];
	uint32_t bound = 0;
	uint64_t from;

	while (status == STATUS_OK && bound < RESET_VPS) {
		status = vp_bind(partition, bound,
				 (struct vp_run_page *)(pages + bound * PAGE_SIZE), &vps[bound]);
		bound += status == STATUS_OK;
	}
	from = bench_stamp();
	for (uint32_t i = 0; i < STATE_ROUNDS && status == STATUS_OK; i++)
		status = all_reset(partition, vps);
	if (status == STATUS_OK)
		bench_report("reset a partition of 4 VPs", from, STATE_ROUNDS, RESET_LIMIT);
	while (bound)
		handle_close(vps[--bound]);
	if (pages)
		memory_free(pages, RESET_VPS * PAGE_SIZE);
	return status;
}

static status_t partition_measure(handle_t partition, void *deposit)
{
	struct partition_config final = {0};
	status_t status = partition_deposit(partition, deposit, LARGE_PAGE_SIZE);

	if (status == STATUS_OK)
		status = proto_partition_build(partition, &final);
	if (status == STATUS_OK)
		status = state_measure(partition);
	if (status == STATUS_OK)
		status = reset_measure(partition);
	if (status == STATUS_OK)
		status = mapping_measure(partition, GIB(1), "map 1 GiB, one page",
					 "unmap 1 GiB, one page");
	/* Off by one large page in the guest: pages of 1 GiB don't fit. */
	if (status == STATUS_OK)
		status =
			mapping_measure(partition, GIB(1) + LARGE_PAGE_SIZE,
					"map 1 GiB, pages of 2 MiB", "unmap 1 GiB, pages of 2 MiB");
	return status;
}

static void partitions_measure(void)
{
	struct proto_partition_config proto = bench_proto;
	void *deposit = memory_allocate(LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
	handle_t partition;
	status_t status = STATUS_NO_MEMORY;

	proto.vp_count = RESET_VPS;
	if (deposit)
		status = proto_partition_create(&proto, &partition);
	if (status == STATUS_OK) {
		status = partition_measure(partition, deposit);
		handle_close(partition);
	}
	if (status != STATUS_OK)
		print("bench: a partition: %s\n", status_words(status));
	/* The block is in the window again, now that the partition is gone. */
	if (deposit)
		memory_free(deposit, LARGE_PAGE_SIZE);
}

/* What a guest can ring and signal; nobody waits for what they signal. */
static void bench_machine(struct machine *machine)
{
	status_t status;
	handle_t event, doorbell, port;

	status = event_create(&event);
	for (size_t i = 0; bench_doorbells[i].length && status == STATUS_OK; i++) {
		struct doorbell_config config = bench_doorbells[i];

		config.event = event;
		status = machine_doorbell_create(machine, &config, &doorbell);
	}
	if (status == STATUS_OK && machine->config->hyperv == CONFIG_HYPERV_ON)
		status = host_event_port_create(machine->partition, 0, CONNECTION, event, 4, &port);
	if (status != STATUS_OK)
		print("bench: doorbells and ports: %s\n", status_words(status));
}

void bench_start(void)
{
	if (!is_wanted())
		return;
	calls_measure();
	partitions_measure();
	bench_vps();
	machine_created = bench_machine;
}

static uint64_t bytes_used(handle_t account)
{
	struct memory_info info;

	if (memory_info(account, &info) != STATUS_OK)
		return 0;
	return (info.pages_total - info.pages_free) * PAGE_SIZE;
}

void bench_end(void)
{
	uint64_t kernel = bytes_used(HANDLE_NONE), partitions = 0;

	if (!is_wanted())
		return;
	for (size_t i = 0; i < machine_count; i++)
		if (machines[i].partition != HANDLE_NONE)
			partitions += bytes_used(machines[i].partition);
	print("bench: memory of the kernel's own pool: %llu bytes\n", (unsigned long long)kernel);
	print("bench: memory of partitions' accounts: %llu bytes\n",
	      (unsigned long long)partitions);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a machine owns while it is not EMPTY: its partition, the memory deposited for the kernel's
 * part of it, its RAM, its devices and the VPs' run pages. All of it is given back when the
 * machine is destroyed.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <lib/memory.h>
#include <vmm/machine.h>
#include <vmm/vmbus.h>
#include <vmm/vmm.h>

/* ---- deposits ---- */

/* The account is filled step by step; a partition that needs more than this is refused. */
#define DEPOSIT_MAX_BLOCKS 4096u

status_t machine_deposit(struct machine *machine, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++) {
		void **deposits, *block;
		status_t status;

		if (machine->deposit_count == DEPOSIT_MAX_BLOCKS)
			return STATUS_NO_MEMORY;
		deposits = realloc(machine->deposits,
				   (machine->deposit_count + 1) * sizeof(*deposits));
		if (!deposits)
			return STATUS_NO_MEMORY;
		machine->deposits = deposits;
		block = memory_allocate(LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
		if (!block)
			return STATUS_NO_MEMORY;
		status = partition_deposit(machine->partition, block, LARGE_PAGE_SIZE);
		if (status != STATUS_OK) {
			memory_free(block, LARGE_PAGE_SIZE);
			return status;
		}
		machine->deposits[machine->deposit_count++] = block;
	}
	return STATUS_OK;
}

/*
 * With the partition gone, every block must be in the window again. The kernel is asked to write
 * to it, since touching a page that is not there would be the end of the root task.
 */
static void deposits_take_back(struct machine *machine)
{
	size_t missing = 0;

	for (size_t i = 0; i < machine->deposit_count; i++) {
		if (memory_info(HANDLE_NONE, machine->deposits[i]) == STATUS_OK) {
			memory_free(machine->deposits[i], LARGE_PAGE_SIZE);
			continue;
		}
		missing++;
		memory_forget(LARGE_PAGE_SIZE);
	}
	if (missing)
		log_warning("%s: %zu of %zu deposited blocks of 2 MiB did not come back",
			    machine->config->name, missing, machine->deposit_count);
	free(machine->deposits);
	machine->deposits = NULL;
	machine->deposit_count = 0;
}

/* ---- RAM ---- */

static status_t backing_add(struct machine *machine, gpa_t gpa, uint64_t size, uint8_t *host)
{
	struct backing *backings =
		realloc(machine->backings, (machine->backing_count + 1) * sizeof(*backings));

	if (!backings)
		return STATUS_NO_MEMORY;
	machine->backings = backings;
	backings[machine->backing_count++] =
		(struct backing){.gpa = gpa, .size = size, .host = host};
	return STATUS_OK;
}

/* Finds memory for [gpa, end), in pieces if need be; the largest pages that fit can be used. */
static status_t backing_create(struct machine *machine, gpa_t gpa, gpa_t end)
{
	while (gpa < end) {
		uint64_t size = ALIGN_UP(end - gpa, LARGE_PAGE_SIZE);
		uint8_t *host = NULL;
		status_t status;

		if (size >= GIB(1) && IS_ALIGNED(gpa, GIB(1)))
			host = memory_allocate(size, GIB(1));
		if (!host)
			host = memory_allocate_some(&size, LARGE_PAGE_SIZE);
		if (!host)
			return STATUS_NO_MEMORY;
		status = backing_add(machine, gpa, size, host);
		if (status != STATUS_OK) {
			memory_free(host, size);
			return status;
		}
		gpa += size;
	}
	return STATUS_OK;
}

static status_t range_map(struct machine *machine, gpa_t gpa, uint64_t size, uint8_t *host)
{
	struct guest_range *ranges =
		realloc(machine->ranges, (machine->memory.count + 1) * sizeof(*machine->ranges));
	status_t status;

	if (!ranges)
		return STATUS_NO_MEMORY;
	machine->ranges = ranges;
	machine->memory.ranges = ranges;
	/* Ends when it is mapped or there is nothing more to deposit. */
	while ((status = partition_map(machine->partition, 0, host, size, gpa,
				       GPA_WRITABLE | GPA_EXECUTABLE)) == STATUS_NO_MEMORY) {
		status = machine_deposit(machine, 1);
		if (status != STATUS_OK)
			return status;
	}
	if (status != STATUS_OK)
		return status;
	ranges[machine->memory.count++] =
		(struct guest_range){.gpa = gpa, .size = size, .host = host};
	return STATUS_OK;
}

/* Maps those parts of a piece of backing that are RAM. */
static status_t backing_map(struct machine *machine, const struct backing *backing)
{
	for (size_t i = 0; i < machine->layout.ram_count; i++) {
		const struct memory_region *ram = &machine->layout.ram[i];
		gpa_t start = MAX(ram->gpa, backing->gpa);
		gpa_t end = MIN(ram->gpa + ram->size, backing->gpa + backing->size);
		status_t status;

		if (start >= end)
			continue;
		status = range_map(machine, start, end - start,
				   backing->host + (start - backing->gpa));
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static status_t layout_create(struct machine *machine)
{
	return memory_layout_build(&machine->layout, machine->config->memory);
}

static status_t ram_map(struct machine *machine)
{
	status_t status = STATUS_OK;

	for (size_t i = 0; i < machine->backing_count && status == STATUS_OK; i++)
		status = backing_map(machine, &machine->backings[i]);
	return status;
}

/* RAM that follows closely (the hole for the VGA's memory) shares a piece of backing. */
static status_t ram_create(struct machine *machine)
{
	const struct memory_layout *layout = &machine->layout;
	status_t status = STATUS_OK;

	for (size_t i = 0; i < layout->ram_count && status == STATUS_OK;) {
		gpa_t start = ALIGN_DOWN(layout->ram[i].gpa, LARGE_PAGE_SIZE);
		gpa_t end = 0;

		while (i < layout->ram_count &&
		       (!end || layout->ram[i].gpa < ALIGN_UP(end, LARGE_PAGE_SIZE))) {
			end = layout->ram[i].gpa + layout->ram[i].size;
			i++;
		}
		status = backing_create(machine, start, end);
	}
	return status == STATUS_OK ? ram_map(machine) : status;
}

static void ram_unmap(struct machine *machine)
{
	for (size_t i = 0; i < machine->memory.count; i++) {
		const struct guest_range *range = &machine->ranges[i];
		status_t status = partition_unmap(machine->partition, 0, range->gpa, range->size);

		if (status != STATUS_OK)
			log_warning("%s: unmap: %s", machine->config->name, status_words(status));
	}
	free(machine->ranges);
	machine->ranges = NULL;
	machine->memory = (struct guest_memory){0};
}

static void ram_free(struct machine *machine)
{
	/* What no guest has run in holds nobody's secrets. */
	void (*give_back)(void *base, uint64_t size) =
		machine->ran ? memory_free_scrubbed : memory_free;

	for (size_t i = 0; i < machine->backing_count; i++)
		give_back(machine->backings[i].host, machine->backings[i].size);
	free(machine->backings);
	machine->backings = NULL;
	machine->backing_count = 0;
}

/* ---- the partition ---- */

static status_t partition_create(struct machine *machine)
{
	static const uint32_t hyperv_flags[] = {
		[CONFIG_HYPERV_ON] = PARTITION_HYPERV,
		[CONFIG_HYPERV_VMM] = PARTITION_HYPERV | PARTITION_HYPERV_VMM,
	};
	const struct config_partition *config = machine->config;
	struct proto_partition_config proto = {
		.vp_count = config->vps,
		.threads_per_core = config->threads,
		.cores_per_socket = config->cores,
		.isolation = config->isolation,
		.flags = hyperv_flags[config->hyperv] |
			 (config->tsc_invariant ? PARTITION_HYPERV_TSC_INVARIANT : 0),
	};
	struct partition_config final = {0};
	struct partition_caps caps;
	status_t status = machine_partition_configure(machine, &proto, &final);

	if (status != STATUS_OK)
		return status;
	/* Cut if it is longer: it is for people. */
	strncpy(proto.name, config->name, sizeof(proto.name) - 1);
	status = proto_partition_create(&proto, &machine->partition);
	if (status != STATUS_OK) {
		machine->partition = HANDLE_NONE;
		if (status == STATUS_NOT_SUPPORTED)
			log_error("%s: this %s is not offered", config->name,
				  config->isolation ? "isolation" : "Hyper-V interface");
		return status;
	}
	status = machine_deposit(machine, 1);
	/* Ends when it is built or there is nothing more to deposit. */
	while (status == STATUS_OK) {
		status = proto_partition_build(machine->partition, &final);
		if (status != STATUS_NO_MEMORY)
			break;
		status = machine_deposit(machine, 1);
	}
	if (status == STATUS_OK)
		status = partition_caps(machine->partition, &caps);
	if (status == STATUS_OK)
		machine->physical_bits = (uint8_t)caps.physical_address_bits;
	return status;
}

static status_t processors_create(struct machine *machine)
{
	uint32_t count = machine->config->vps;

	machine->processors = calloc(count, sizeof(*machine->processors));
	if (!machine->processors)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		struct processor *processor = &machine->processors[i];

		processor->machine = machine;
		processor->index = i;
		processor->cpu = vmm_cpu_next(machine->config);
		processor->page = memory_allocate(PAGE_SIZE, PAGE_SIZE);
		if (!processor->page)
			return STATUS_NO_MEMORY;
		memset(processor->page, 0, PAGE_SIZE);
	}
	return machine_processors_create(machine);
}

static void processors_destroy(struct machine *machine)
{
	if (!machine->processors)
		return;
	machine_processors_destroy(machine);
	for (uint32_t i = 0; i < machine->config->vps; i++)
		if (machine->processors[i].page)
			memory_free(machine->processors[i].page, PAGE_SIZE);
	free(machine->processors);
	machine->processors = NULL;
}

/* With what it had taken given back: what there is, and what it takes. */
static void out_of_memory_explain(const struct machine *machine, size_t deposits)
{
	uint64_t free, total;

	memory_totals(&free, &total);
	log_error("%s: not enough memory: the guest needs %llu MiB, and %llu MiB to manage it; "
		  "%llu of %llu MiB are free",
		  machine->config->name, (unsigned long long)machine->config->memory >> 20,
		  (unsigned long long)deposits * 2, (unsigned long long)free >> 20,
		  (unsigned long long)total >> 20);
}

struct creation_step {
	const char *what;
	status_t (*create)(struct machine *machine);
};

static const struct creation_step creation_steps[] = {
	{"memory layout", layout_create},	{"partition", partition_create},
	{"guest memory", ram_create},		{"processors", processors_create},
	{"devices", machine_devices_create},	{"VMBus", machine_vmbus_create},
	{"crash reports", machine_crash_watch},
};

/* With the RAM that there is. */
static const struct creation_step recreation_steps[] = {
	{"partition", partition_create},   {"guest memory", ram_map},
	{"processors", processors_create}, {"devices", machine_devices_create},
	{"VMBus", machine_vmbus_create},   {"crash reports", machine_crash_watch},
};

/* Takes the steps until one fails, which is named. */
static status_t steps_take(struct machine *machine, const struct creation_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		status_t status = steps[i].create(machine);

		if (status == STATUS_OK)
			continue;
		log_error("%s: %s: %s", machine->config->name, steps[i].what, status_words(status));
		return status;
	}
	return STATUS_OK;
}

status_t machine_resources_recreate(struct machine *machine)
{
	status_t status = steps_take(machine, recreation_steps, ARRAY_SIZE(recreation_steps));

	if (status != STATUS_OK)
		machine_resources_release(machine);
	return status;
}

status_t machine_resources_create(struct machine *machine)
{
	status_t status;
	size_t deposits;

	machine->ran = false;
	status = steps_take(machine, creation_steps, ARRAY_SIZE(creation_steps));
	if (status == STATUS_OK)
		return STATUS_OK;
	deposits = MAX(machine->deposit_count, 1u);
	machine_resources_destroy(machine);
	if (status == STATUS_NO_MEMORY)
		out_of_memory_explain(machine, deposits);
	return status;
}

void machine_resources_release(struct machine *machine)
{
	machine_vmbus_detach(machine);
	machine_devices_destroy(machine);
	if (machine->partition != HANDLE_NONE) {
		ram_unmap(machine);
		handle_close(machine->partition);
		machine->partition = HANDLE_NONE;
	}
	processors_destroy(machine);
	deposits_take_back(machine);
}

void machine_resources_destroy(struct machine *machine)
{
	machine_vmbus_destroy(machine);
	machine_resources_release(machine);
	ram_free(machine);
}

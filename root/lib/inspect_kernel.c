/* SPDX-License-Identifier: MIT */
/* Tables over the structures of the inspection calls, and functions that fetch these. */
#include <string.h>
#include <lib/inspect_kernel.h>
#include <lib/inspect_registers.h>
#include <lib/model.h>
#include <lib/time.h>

#define REFERENCE_UNIT_NS 100u

/* ---- the system ---- */

#define SYSTEM(names, kind, member) INSPECT_VALUE(names, kind, struct inspect_kernel, system.member)

const struct inspect_row inspect_system_rows[INSPECT_SYSTEM_ROWS] = {
	SYSTEM("virtualization", INSPECT_STRING, virtualization),
	SYSTEM("time", INSPECT_TIME, time),
	SYSTEM("log_bytes", INSPECT_COUNTER, kernel.log_bytes),
	SYSTEM("memory_pages", INSPECT_UNSIGNED, memory.pages_total),
	SYSTEM("memory_free_pages", INSPECT_UNSIGNED, memory.pages_free),
};

const void *inspect_system_look(struct inspect_kernel *in)
{
	in->system.time = time_now();
	inspect_print(in->system.virtualization, sizeof(in->system.virtualization), "%s",
		      status_words((status_t)in->boot->hypervisor_status));
	if (memory_info(HANDLE_NONE, &in->system.memory) != STATUS_OK ||
	    inspect(HANDLE_NONE, INSPECT_SYSTEM, 0, &in->system.kernel,
		    sizeof(in->system.kernel)) != STATUS_OK)
		return NULL;
	return in;
}

static const void *boot_open(void *context, const void *above, uint32_t number)
{
	(void)above;
	(void)number;
	return ((const struct inspect_kernel *)context)->boot;
}

#define BOOT(name, kind, member) INSPECT_VALUE(name, kind, struct boot_info, member)
static const struct inspect_row boot_rows[] = {
	BOOT("abi_version", INSPECT_UNSIGNED, abi_version),
	BOOT("command_line", INSPECT_STRING, command_line),
	BOOT("cpus", INSPECT_UNSIGNED, cpu_count),
	BOOT("tsc_hz", INSPECT_UNSIGNED, tsc_hz),
	BOOT("epoch", INSPECT_UNSIGNED, boot_epoch),
	BOOT("bundle_bytes", INSPECT_UNSIGNED, bundle_size),
};
const struct inspect_directory inspect_boot = {
	.name = "boot", .open = boot_open, .rows = boot_rows, .row_count = ARRAY_SIZE(boot_rows)};

/* ---- the backend ---- */

/* One of the two, as the machine has it; without one, neither. */
static const void *backend_open(struct inspect_kernel *in, const char *name)
{
	return strcmp(in->boot->backend, name) == 0 ? in : NULL;
}

static const void *svm_open(void *context, const void *above, uint32_t number)
{
	(void)above;
	(void)number;
	return backend_open(context, "svm");
}

static const void *vmx_open(void *context, const void *above, uint32_t number)
{
	(void)above;
	(void)number;
	return backend_open(context, "vmx");
}

#define FEATURES(names, count)                                                               \
	INSPECT_VALUES(names, INSPECT_HEX, struct inspect_kernel, system.kernel.features[0], \
		       count, 4)
static const struct inspect_row svm_rows[] = {
	FEATURES("features", 1),
	SYSTEM("assists", INSPECT_HEX, kernel.assists),
};
static const struct inspect_row vmx_rows[] = {
	FEATURES("pin_controls\0cpu_controls\0cpu2_controls\0exit_controls\0entry_controls", 5),
	SYSTEM("assists", INSPECT_HEX, kernel.assists),
};
const struct inspect_directory inspect_svm = {
	.name = "svm", .open = svm_open, .rows = svm_rows, .row_count = ARRAY_SIZE(svm_rows)};
const struct inspect_directory inspect_vmx = {
	.name = "vmx", .open = vmx_open, .rows = vmx_rows, .row_count = ARRAY_SIZE(vmx_rows)};

/* ---- CPUs ---- */

static bool cpu_list(void *context, const void *above, uint32_t number, char name[INSPECT_NAME_MAX])
{
	(void)above;
	inspect_print(name, INSPECT_NAME_MAX, "%u", number);
	return number < ((const struct inspect_kernel *)context)->boot->cpu_count;
}

static const void *cpu_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;

	(void)above;
	if (inspect(HANDLE_NONE, INSPECT_CPU, number, &in->cpu.kernel, sizeof(in->cpu.kernel)) !=
	    STATUS_OK)
		return NULL;
	in->cpu.idle_time = time_from_ticks(in->cpu.kernel.idle_ticks);
	return in;
}

#define CPU(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_kernel, cpu.member)
static const struct inspect_row cpu_rows[] = {
	CPU("threads", INSPECT_UNSIGNED, kernel.threads),
	CPU("running", INSPECT_UNSIGNED, kernel.running),
	CPU("ready", INSPECT_UNSIGNED, kernel.ready),
	CPU("switches", INSPECT_COUNTER, kernel.switches),
	CPU("idle_time", INSPECT_TIME, idle_time),
};
const struct inspect_directory inspect_cpus = {.name = "cpu",
					       .list = cpu_list,
					       .open = cpu_open,
					       .rows = cpu_rows,
					       .row_count = ARRAY_SIZE(cpu_rows)};

/* ---- partitions ---- */

#define PARTITION(name, kind, member) \
	INSPECT_VALUE(name, kind, struct inspect_kernel, partition_view.member)
#define PARTITION_WORD(name, words, member) \
	INSPECT_CHOICE(name, words, struct inspect_kernel, partition_view.member)

const struct inspect_row inspect_partition_rows[INSPECT_PARTITION_ROWS] = {
	PARTITION("name", INSPECT_STRING, kernel.name),
	PARTITION_WORD("state", "proto\0building\0built\0changing\0bad_reset\0frozen\0",
		       kernel.state),
	PARTITION("vps", INSPECT_UNSIGNED, kernel.vp_count),
	PARTITION_WORD(INSPECT_CONTROLLER_NAME, INSPECT_CONTROLLER_WORDS, kernel.apic_mode),
	PARTITION_WORD("isolation", "none\0vbs\0snp\0tdx\0", kernel.isolation),
	PARTITION("flags", INSPECT_HEX, kernel.flags),
	PARTITION("physical_address_bits", INSPECT_UNSIGNED, kernel.physical_address_bits),
	PARTITION("reference_time", INSPECT_TIME, reference_time),
	PARTITION("memory_pages", INSPECT_UNSIGNED, memory.pages_total),
	PARTITION("memory_free_pages", INSPECT_UNSIGNED, memory.pages_free),
};

const void *inspect_partition_look(struct inspect_kernel *in)
{
	struct inspect_partition *kernel = &in->partition_view.kernel;

	if (inspect(in->partition, INSPECT_PARTITION, 0, kernel, sizeof(*kernel)) != STATUS_OK ||
	    memory_info(in->partition, &in->partition_view.memory) != STATUS_OK)
		return NULL;
	in->partition_view.reference_time = kernel->reference_time * REFERENCE_UNIT_NS;
	return in;
}

/* ---- mappings ---- */

static bool mapping_list(void *context, const void *above, uint32_t number,
			 char name[INSPECT_NAME_MAX])
{
	struct inspect_kernel *in = context;

	(void)above;
	inspect_print(name, INSPECT_NAME_MAX, "%u", number);
	return inspect(in->partition, INSPECT_MAPPING, number, &in->mapping.kernel,
		       sizeof(in->mapping.kernel)) == STATUS_OK;
}

/* Behind mapping_list(). */
static const void *mapping_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;
	uint32_t flags = in->mapping.kernel.flags;

	(void)above;
	(void)number;
	in->mapping.writable = flags & GPA_WRITABLE;
	in->mapping.executable = flags & GPA_EXECUTABLE;
	in->mapping.own = (flags & INSPECT_MAPPING_OWN) != 0;
	return in;
}

#define MAPPING(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_kernel, mapping.member)
static const struct inspect_row mapping_rows[] = {
	MAPPING("gpa", INSPECT_HEX, kernel.gpa),
	MAPPING("size", INSPECT_HEX, kernel.size),
	MAPPING("hpa", INSPECT_HEX, kernel.hpa),
	MAPPING("writable", INSPECT_BOOLEAN, writable),
	MAPPING("executable", INSPECT_BOOLEAN, executable),
	MAPPING("own", INSPECT_BOOLEAN, own),
};
const struct inspect_directory inspect_mappings = {.name = "mapping",
						   .list = mapping_list,
						   .open = mapping_open,
						   .rows = mapping_rows,
						   .row_count = ARRAY_SIZE(mapping_rows)};

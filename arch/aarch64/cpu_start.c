/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs: one after the other, by PSCI's CPU_ON. One that does not come in time is left out; the
 * area that it was given stays its own, should it come later.
 */
#include <arch/acpi.h>
#include <arch/clock.h>
#include <arch/cpu_check.h>
#include <arch/cpu_setup.h>
#include <arch/gic.h>
#include <arch/machine.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define ONLINE_WAIT_US 200
#define ONLINE_WAITS   5000 /* one second */

/* What a CPU that was started says of itself. From CPU_LACKING on: that, and what of (arch/cpu_check.h). */
enum { CPU_STARTING, CPU_ONLINE, CPU_LACKING };

extern const char secondary_entry[];
void cpu_started(struct cpu *cpu);

static struct fdt tree;

void cpus_describe(const struct fdt *fdt)
{
	tree = *fdt;
}

static bool cpu_next(uint32_t *cursor, struct machine_cpu *cpu)
{
	return tree.data ? machine_next_cpu(&tree, cursor, cpu) : acpi_next_cpu(cursor, cpu);
}

/* The area's pages from the kernel heap. What is mapped already stays. */
static struct cpu *area_make(uint32_t index)
{
	for (uint32_t page = 0; page < CPU_AREA_PAGES; page++) {
		void *memory;

		if (!cpu_page_present(page))
			continue;
		memory = page_alloc(&kernel_heap, 0);
		if (!memory || cpu_area_map(index, page, kva_to_hpa(memory)) != STATUS_OK)
			return NULL;
	}
	return cpu_area(index);
}

/* Called by entry.S on the new CPU's own stack. */
void cpu_started(struct cpu *cpu)
{
	uint32_t lacks;

	cpu_load(cpu);
	gic_cpu_init();
	lacks = guest_cpu_check();
	if (lacks != CPU_SUFFICES) {
		atomic_store(&cpu->arch.online, CPU_LACKING + lacks);
		for (;;)
			__asm__ volatile("wfi");
	}
	clock_cpu_init();
	atomic_store(&cpu->arch.online, CPU_ONLINE);
	cpu_secondary_main();
}

static void lack_report(const struct cpu *cpu, uint32_t lacks)
{
	if (lacks == CPU_LACKS_GIC)
		log_warn("the CPU with MPIDR 0x%llx is not used: its GIC interface has less for "
			 "guests "
			 "than the first CPU's",
			 (unsigned long long)cpu->arch.mpidr);
	else
		log_warn("the CPU with MPIDR 0x%llx is not used: its register S3_0_C0_C%u_%u says "
			 "less "
			 "than the first CPU's",
			 (unsigned long long)cpu->arch.mpidr, CPU_LACKS_CRM(lacks),
			 CPU_LACKS_OP2(lacks));
}

static bool cpu_start(struct cpu *cpu)
{
	int64_t answer;

	/* Here, and not by the CPU itself: the kernel's tables may grow for it, and it may come too late. */
	if (gic_cpu_find(cpu) != STATUS_OK) {
		log_warn("the CPU with MPIDR 0x%llx has no redistributor",
			 (unsigned long long)cpu->arch.mpidr);
		return false;
	}
	answer =
		psci_call(PSCI_CPU_ON, cpu->arch.mpidr, kva_to_hpa(secondary_entry), (uint64_t)cpu);
	if (answer != PSCI_SUCCESS) {
		log_warn("the CPU with MPIDR 0x%llx does not start: PSCI says %lld",
			 (unsigned long long)cpu->arch.mpidr, (long long)answer);
		return false;
	}
	for (uint32_t i = 0; i < ONLINE_WAITS; i++) {
		uint32_t online = atomic_load(&cpu->arch.online);

		if (online >= CPU_LACKING)
			lack_report(cpu, online - CPU_LACKING);
		if (online)
			return online == CPU_ONLINE;
		clock_wait_us(ONLINE_WAIT_US);
	}
	log_warn("the CPU with MPIDR 0x%llx does not come", (unsigned long long)cpu->arch.mpidr);
	return false;
}

/* Already among the CPUs. */
static bool cpu_known(uint64_t mpidr)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i]->arch.mpidr == (mpidr & MPIDR_AFFINITY))
			return true;
	return false;
}

static uint64_t described_cpu_count(void)
{
	struct machine_cpu cpu;
	uint32_t cursor = 0;
	uint64_t count = 1; /* this one, should the tree not know it */

	while (cpu_next(&cursor, &cpu))
		count += cpu.usable;
	return count;
}

/* An area's number is not its CPU's, once one has stayed out. */
static void cpus_start_all(uint64_t limit)
{
	struct machine_cpu described;
	uint32_t cursor = 0, area = cpu_count;

	while (cpu_count < limit && cpu_next(&cursor, &described)) {
		struct cpu *cpu;

		if (!described.usable || cpu_known(described.mpidr))
			continue;
		cpu = area_make(area);
		if (!cpu) {
			log_warn("no memory for more than %u CPUs: see kmem=", cpu_count);
			return;
		}
		area++;
		cpu_prepare(cpu, cpu_count, described.mpidr);
		cpus[cpu_count] = cpu;
		if (cpu_start(cpu))
			cpu_count++;
	}
}

uint32_t arch_cpus_start(void)
{
	uint64_t limit = described_cpu_count(), asked;
	unsigned int order = 0;
	struct cpu **table;

	if (boot_option("maxcpus") && boot_option_size("maxcpus", &asked))
		limit = MIN(limit, MAX(asked, 1ull));
	if (limit == 1)
		return cpu_count;
	while (PAGE_SIZE << order < limit * sizeof(*table) && order < HEAP_MAX_ORDER)
		order++;
	table = page_alloc(&kernel_heap, order);
	if (!table) {
		log_warn("one CPU only: no memory");
		return cpu_count;
	}
	limit = MIN(limit, (PAGE_SIZE << order) / sizeof(*table));
	memcpy(table, cpus, cpu_count * sizeof(*table));
	cpus = table;
	cpus_start_all(limit);
	return cpu_count;
}

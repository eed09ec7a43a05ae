/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs: one after the other, by INIT and two STARTUP messages (SDM 3A 8.4.4),
 * through a page below 1 MiB that is borrowed for it. A CPU that does not come in time is told to
 * sleep again and left out; its area serves the next.
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cpu_setup.h>
#include <arch/paging.h>
#include <arch/speculation.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define INIT_WAIT_US	10000
#define STARTUP_WAIT_US 200
#define ONLINE_WAIT_US	200
#define ONLINE_WAITS	5000 /* one second */
#define LOW_MEMORY_END	0xa0000u
#define XAPIC_LIMIT	0xff

extern const char trampoline_start[], trampoline_end[];
void cpu_started(struct cpu *cpu);
/* For trampoline.S: the area of the CPU that is being started; whoever takes it clears it. */
_Atomic uint64_t cpu_start_ticket;

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

/* Called by trampoline.S on the new CPU's own stack. */
void cpu_started(struct cpu *cpu)
{
	cpu_load(cpu);
	apic_cpu_init();
	clock_cpu_init();
	speculation_cpu_init();
	cpu->arch.start_timestamp = timestamp_read();
	atomic_store(&cpu->arch.online, 1);
	cpu_secondary_main();
}

static bool cpu_start(struct cpu *cpu, uint32_t target, hpa_t page)
{
	cpu_prepare(cpu, cpu->index);
	atomic_store(&cpu_start_ticket, (uint64_t)cpu);
	apic_send_init(target);
	clock_wait_us(INIT_WAIT_US);
	for (int i = 0; i < 2; i++) {
		apic_send_startup(target, (uint32_t)(page >> PAGE_SHIFT));
		clock_wait_us(STARTUP_WAIT_US);
	}
	for (uint32_t i = 0; i < ONLINE_WAITS; i++) {
		if (atomic_load(&cpu->arch.online))
			return true;
		clock_wait_us(ONLINE_WAIT_US);
	}
	/* If it has its ticket it is only slow, and will come; taking it back decides. */
	if (!atomic_exchange(&cpu_start_ticket, 0)) {
		while (!atomic_load(&cpu->arch.online))
			cpu_relax();
		return true;
	}
	apic_send_init(target);
	return false;
}

/* A page of RAM below 1 MiB, and not the first, where the firmware's data may still serve. */
static hpa_t low_page_find(void)
{
	for (uint32_t i = 0; i < boot_source.memory_count; i++) {
		const struct memory_range *r = &boot_source.memory[i];
		hpa_t base = MAX(r->base, (hpa_t)PAGE_SIZE);
		hpa_t end = MIN(r->base + r->size, (hpa_t)LOW_MEMORY_END);

		if (r->kind != MEMORY_RAM || base >= end)
			continue;
		for (hpa_t page = end - PAGE_SIZE; page >= base; page -= PAGE_SIZE)
			if (!range_overlaps(page, PAGE_SIZE, boot_source.bundle_base,
					    boot_source.bundle_size))
				return page;
	}
	return 0;
}

static uint64_t madt_cpu_count(const struct acpi_table *madt)
{
	struct madt_item item;
	uint32_t at = 0;
	uint64_t count = 1; /* this one, should the table not know it */

	while (madt_next(madt, &at, &item))
		count += item.kind == MADT_CPU && item.usable;
	return count;
}

static void time_check(const struct cpu *cpu, uint64_t before)
{
	if (cpu->arch.start_timestamp < before)
		log_warn("cpu %u: its time-stamp counter is behind CPU 0's", cpu->index);
}

/* Already among the CPUs: the MADT may list a CPU both ways. */
static bool cpu_known(uint32_t target)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i]->arch.apic_id == target)
			return true;
	return false;
}

/* CPUs that stay out may still sleep in the firmware's code, whose memory gets another use: INIT
 * makes them wait for a STARTUP that never comes, deaf to everything else. */
static void cpus_park(const struct acpi_table *madt)
{
	struct madt_item item;
	uint32_t at = 0;

	while (madt_next(madt, &at, &item))
		if (item.kind == MADT_CPU && item.usable && !cpu_known(item.id) &&
		    (apic_is_x2apic() || item.id < XAPIC_LIMIT))
			apic_send_init(item.id);
}

static void cpus_start_all(const struct acpi_table *madt, uint64_t limit, hpa_t page)
{
	struct cpu *area = NULL;
	struct madt_item item;
	uint32_t at = 0;

	while (cpu_count < limit && madt_next(madt, &at, &item)) {
		uint64_t before = timestamp_read();

		if (item.kind != MADT_CPU || !item.usable || cpu_known(item.id))
			continue;
		if (!apic_is_x2apic() && item.id >= XAPIC_LIMIT)
			continue;
		if (!area)
			area = area_make(cpu_count);
		if (!area) {
			log_warn("no memory for more than %u CPUs: see kmem=", cpu_count);
			return;
		}
		area->index = cpu_count;
		area->arch.apic_id = item.id;
		cpus[cpu_count] = area;
		if (!cpu_start(area, item.id, page)) {
			log_warn("the CPU with APIC id %u does not start", item.id);
			continue;
		}
		time_check(area, before);
		cpu_count++;
		area = NULL;
	}
}

uint32_t arch_cpus_start(void)
{
	struct acpi_table madt = acpi_find("APIC");
	uint64_t limit = madt_cpu_count(&madt), asked;
	hpa_t page = low_page_find();
	unsigned int order = 0;
	struct cpu **table;

	if (boot_option("maxcpus") && boot_option_size("maxcpus", &asked))
		limit = MIN(limit, MAX(asked, 1ull));
	if (limit == 1) {
		cpus_park(&madt);
		return cpu_count;
	}
	while (PAGE_SIZE << order < limit * sizeof(*table) && order < HEAP_MAX_ORDER)
		order++;
	table = page_alloc(&kernel_heap, order);
	if (!table || !page) {
		log_warn("one CPU only: no %s", page ? "memory" : "page below 1 MiB");
		return cpu_count;
	}
	limit = MIN(limit, (PAGE_SIZE << order) / sizeof(*table));
	memcpy(table, cpus, cpu_count * sizeof(*table));
	cpus = table;
	memcpy(hpa_to_kva(page), trampoline_start,
	       (uint64_t)trampoline_end - (uint64_t)trampoline_start);
	cpus_start_all(&madt, limit, page);
	speculation_threads_check();
	cpus_park(&madt);
	memset(hpa_to_kva(page), 0, PAGE_SIZE);
	return cpu_count;
}

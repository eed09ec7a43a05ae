/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter is the kernel's clock; its rate is measured once against a counter of
 * known rate (HPET, ACPI PM timer, 8254) and compared with what CPUID says. The CPU's timer is
 * the local APIC's, by TSC deadline or, where that is missing, counting down once.
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cr.h>
#include <arch/io.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <kernel/arch.h>
#include <kernel/console.h>

#define CPUID_1_ECX_DEADLINE   BIT(24)
#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define LEAF_TSC	       0x15u
#define LEAF_HYPERVISOR_TSC    0x40000010u

#define FEMTOSECONDS	1000000000000000ull
#define HPET_SIZE	0x400
#define HPET_PERIOD	0x04 /* upper half of the capabilities: femtoseconds a tick */
#define HPET_CONFIG	0x10
#define HPET_COUNTER	0xf0
#define HPET_ENABLE	BIT(0)
#define HPET_PERIOD_MAX 100000000u /* the specification's limit: 100 ns */
#define PM_TIMER_HZ	3579545
#define PIT_HZ		1193182
#define PIT_CHANNEL2	0x42
#define PIT_COMMAND	0x43
#define PIT_GATE	0x61
#define PIT_ONE_SHOT	0xb0 /* channel 2, low and high byte, mode 0 */
#define PIT_LATCH	0x80

#define MEASURE_PARTS 50 /* of a second: 20 ms */
#define MEASURE_TRIES 5
#define MEASURE_POLLS 10000000u /* a counter that stands still */

/* A counter that goes up at a known rate and wraps at its mask. */
struct reference {
	const char *name;
	uint64_t hz;
	uint64_t mask;
	uint64_t (*read)(void);
};

uint64_t timestamp_hz;

static volatile void *hpet;
static struct acpi_register pm_timer;
static bool timer_deadline;
static uint64_t apic_timer_hz;

/* ---- the counters ---- */

static uint64_t hpet_read(void)
{
	return mmio_read32(hpet, HPET_COUNTER);
}

static uint64_t pm_timer_read(void)
{
	return port_read32((uint16_t)pm_timer.address);
}

static uint64_t pit_read(void)
{
	uint8_t low, high;

	port_write8(PIT_COMMAND, PIT_LATCH);
	low = port_read8(PIT_CHANNEL2);
	high = port_read8(PIT_CHANNEL2);
	return (uint64_t)(0xffff - (low | high << 8));
}

static __cold bool hpet_find(struct reference *reference)
{
	struct acpi_table table = acpi_find("HPET");
	hpa_t address = hpet_address(&table);
	uint32_t period;

	hpet = address ? device_map(address, HPET_SIZE) : NULL;
	if (!hpet)
		return false;
	period = mmio_read32(hpet, HPET_PERIOD);
	if (!period || period > HPET_PERIOD_MAX)
		return false;
	mmio_write32(hpet, HPET_CONFIG, mmio_read32(hpet, HPET_CONFIG) | HPET_ENABLE);
	*reference = (struct reference){"HPET", FEMTOSECONDS / period, MASK(32), hpet_read};
	return true;
}

static __cold bool pm_timer_find(struct reference *reference, const struct acpi_fadt *fadt)
{
	pm_timer = fadt->pm_timer;
	if (!pm_timer.address || pm_timer.space != ACPI_SPACE_PORT)
		return false;
	*reference = (struct reference){"PM timer", PM_TIMER_HZ,
					fadt->pm_timer_32 ? MASK(32) : MASK(24), pm_timer_read};
	return true;
}

static __cold void pit_start(struct reference *reference)
{
	/* Gate on, speaker off; the count runs through 65536 in 55 ms. */
	port_write8(PIT_GATE, (uint8_t)((port_read8(PIT_GATE) & ~2u) | 1));
	port_write8(PIT_COMMAND, PIT_ONE_SHOT);
	port_write8(PIT_CHANNEL2, 0xff);
	port_write8(PIT_CHANNEL2, 0xff);
	*reference = (struct reference){"PIT", PIT_HZ, MASK(16), pit_read};
}

/* ---- measuring ---- */

struct moment {
	uint64_t reference, tsc;
	uint32_t apic;
};

/* Both counters at one time: of a few tries the one that took least. */
static struct moment moment_take(const struct reference *reference)
{
	struct moment best = {0};
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < MEASURE_TRIES; i++) {
		uint64_t before = timestamp_read();
		uint64_t value = reference->read();
		uint64_t took = timestamp_read() - before;

		if (took >= least)
			continue;
		least = took;
		best.reference = value;
		best.tsc = before + took / 2;
		best.apic = apic_timer_left();
	}
	return best;
}

/* False: the counter stands still. */
static __cold bool rates_measure(const struct reference *reference)
{
	struct moment first, last;
	uint64_t ticks = 0;

	apic_timer_count(UINT32_MAX);
	first = moment_take(reference);
	for (uint32_t i = 0; ticks < reference->hz / MEASURE_PARTS; i++) {
		if (i == MEASURE_POLLS)
			return false;
		ticks = (reference->read() - first.reference) & reference->mask;
	}
	last = moment_take(reference);
	apic_timer_count(0);
	ticks = (last.reference - first.reference) & reference->mask;
	timestamp_hz = (last.tsc - first.tsc) * reference->hz / ticks;
	apic_timer_hz = (first.apic - last.apic) * reference->hz / ticks;
	return timestamp_hz && apic_timer_hz;
}

/* What the processor (SDM 3B 18.7.3) or the hypervisor below it says; 0: nothing. */
static __cold uint64_t tsc_rate_told(void)
{
	struct cpuid leaf = cpuid_get(LEAF_TSC, 0);

	if (leaf.eax && leaf.ebx && leaf.ecx)
		return (uint64_t)leaf.ecx * leaf.ebx / leaf.eax;
	if (cpuid_get(1, 0).ecx & CPUID_1_ECX_HYPERVISOR)
		return (uint64_t)cpuid_get(LEAF_HYPERVISOR_TSC, 0).eax * 1000;
	return 0;
}

__cold bool clock_init(const struct acpi_fadt *fadt)
{
	struct reference reference;
	uint64_t told = tsc_rate_told();

	apic_timer_mode(false);
	if (!(hpet_find(&reference) && rates_measure(&reference)) &&
	    !(pm_timer_find(&reference, fadt) && rates_measure(&reference))) {
		pit_start(&reference);
		if (!rates_measure(&reference))
			return false;
	}
	/* The told rate is exact, if it is the TSC's at all. */
	if (told > timestamp_hz - timestamp_hz / 100 && told < timestamp_hz + timestamp_hz / 100)
		timestamp_hz = told;
	timer_deadline = cpuid_get(1, 0).ecx & CPUID_1_ECX_DEADLINE;
	log_info("TSC %llu kHz by %s, timer %s", (unsigned long long)timestamp_hz / 1000,
		 timestamp_hz == told ? "CPUID" : reference.name,
		 timer_deadline ? "TSC deadline" : "APIC one-shot");
	clock_cpu_init();
	return true;
}

void clock_cpu_init(void)
{
	apic_timer_mode(timer_deadline);
}

void clock_wait_us(uint64_t us)
{
	uint64_t start = timestamp_read(), ticks = us * (timestamp_hz / 1000) / 1000;

	while (timestamp_read() - start < ticks)
		cpu_relax();
}

void arch_timer_set(uint64_t deadline)
{
	uint64_t now, left, count;

	if (timer_deadline) {
		msr_write(MSR_TSC_DEADLINE, deadline == UINT64_MAX ? 0 : MAX(deadline, 1ull));
		return;
	}
	if (deadline == UINT64_MAX) {
		apic_timer_count(0);
		return;
	}
	now = timestamp_read();
	left = deadline > now ? deadline - now : 0;
	/* Rounded up: an interrupt before the deadline would only have to set it again. */
	if (likely(left <= UINT32_MAX)) /* its product with a rate has 64 bits */
		count = left * apic_timer_hz / timestamp_hz + 1;
	else
		count = (uint64_t)((unsigned __int128)left * apic_timer_hz / timestamp_hz) + 1;
	apic_timer_count((uint32_t)MIN(count, (uint64_t)UINT32_MAX));
}

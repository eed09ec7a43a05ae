/* SPDX-License-Identifier: MIT */
/*
 * The generic timer: its physical counter is the kernel's clock, the same on all CPUs, and the hypervisor's
 * physical timer (CNTHP) each CPU's one-shot (Arm ARM D11). The calendar is a PL031.
 */
#include <arch/clock.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <kernel/arch.h>
#include <kernel/console.h>

#define TIMER_ENABLE 1u
#define PL031_DATA   0x00
#define PL031_SIZE   0x1000u

uint64_t timestamp_hz;
static volatile void *calendar;

bool clock_init(const struct machine *machine)
{
	timestamp_hz = machine->timer_hz ? machine->timer_hz : sysreg_read(cntfrq_el0);
	if (!timestamp_hz)
		return false;
	if (machine->clock.size >= PL031_DATA + 4)
		calendar = device_map(machine->clock.base, PL031_SIZE);
	log_info("counter %llu kHz", (unsigned long long)timestamp_hz / 1000);
	clock_cpu_init();
	return true;
}

void clock_cpu_init(void)
{
	arch_timer_set(UINT64_MAX);
}

void clock_wait_us(uint64_t us)
{
	uint64_t start = timestamp_read(), ticks = us * (timestamp_hz / 1000) / 1000;

	while (timestamp_read() - start < ticks)
		cpu_relax();
}

/* The interrupt is a level, which holds until the timer is set anew. */
void arch_timer_set(uint64_t deadline)
{
	if (deadline == UINT64_MAX) {
		sysreg_write(cnthp_ctl_el2, 0);
		return;
	}
	sysreg_write(cnthp_cval_el2, deadline);
	sysreg_write(cnthp_ctl_el2, TIMER_ENABLE);
}

uint64_t arch_wall_clock(void)
{
	return calendar ? mmio_read32(calendar, PL031_DATA) : 0;
}

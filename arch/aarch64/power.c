/* SPDX-License-Identifier: MIT */
/* The end of the machine, by PSCI. No device is told the code, which the console has said. */
#include <arch/gic.h>
#include <arch/machine.h>
#include <arch/power.h>
#include <arch/serial.h>
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/cpu.h>

#define STOP_WAIT_MS 100

static bool has_psci;
static struct cpu *_Atomic stopper; /* the CPU that stops the others */
static _Atomic uint32_t stopped;

/* ---- PSCI ---- */

void psci_init(uint32_t conduit)
{
	if (conduit == PSCI_SMC)
		has_psci = true;
	else
		log_warn("no PSCI%s: one CPU, and no way to switch the machine off",
			 conduit == PSCI_HVC ? " but by HVC, which leads to EL2 itself" : "");
}

/* SMCCC 1.0: X4 to X17 may be lost. */
int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	if (!has_psci)
		return PSCI_NOT_THERE;
	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
			   "x15", "x16", "x17", "memory");
	return (int64_t)(int32_t)x0;
}

/* ---- the others ---- */

void cpu_stop_asked(void)
{
	if (!atomic_load(&stopper))
		return;
	atomic_fetch_add(&stopped, 1);
	for (;;)
		__asm__ volatile("wfi");
}

/* There is no interrupt that cannot be masked: a CPU that is in the kernel stops when it comes to where it takes
 * interrupts, and one that never does is not waited for in vain. */
void arch_cpus_stop(void)
{
	struct cpu *self = this_cpu(), *first = NULL;
	uint64_t start = timestamp_read();

	if (!atomic_compare_exchange_strong(&stopper, &first, self) && first != self)
		for (;;)
			arch_interrupt_window();
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i] != self)
			gic_send(cpus[i], SGI_STOP);
	while (atomic_load(&stopped) + 1 < cpu_count &&
	       timestamp_read() - start < timestamp_hz / 1000 * STOP_WAIT_MS)
		cpu_relax();
}

/* ---- the end ---- */

__noreturn void arch_system_end(bool restart, uint8_t code)
{
	arch_cpus_stop();
	serial_drain();
	(void)code;
	(void)psci_call(restart ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		__asm__ volatile("wfi");
}

/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (SDM 3A chapter 10), by memory or, in x2APIC mode, by MSR: a register's MSR is
 * 0x800 + offset / 16, and only the interrupt command has another form.
 */
#include <arch/apic.h>
#include <arch/cr.h>
#include <arch/io.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <kernel/console.h>
#include <kernel/cpu.h>

enum apic_register {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_SPURIOUS = 0xf0,
	APIC_ISR = 0x100,
	APIC_ERROR = 0x280,
	APIC_ICR_LOW = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_COUNTER = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_SIZE	       0x400
#define SPURIOUS_ENABLE	       BIT(8)
#define LVT_MASKED	       BIT(16)
#define LVT_NMI		       (4 * BIT(8))
#define LVT_TIMER_TSC_DEADLINE (2 * BIT(17))
#define ICR_FIXED	       0u
#define ICR_NMI		       (4u << 8)
#define ICR_INIT	       (5u << 8)
#define ICR_STARTUP	       (6u << 8)
#define ICR_PENDING	       BIT(12)
#define ICR_ASSERT	       (1u << 14)
#define DIVIDE_BY_16	       3u
#define CPUID_1_ECX_X2APIC     BIT(21)

static volatile void *registers;
static bool x2apic;
static _Atomic uint32_t errors;

static uint32_t apic_read(enum apic_register reg)
{
	return x2apic ? (uint32_t)msr_read(MSR_X2APIC_FIRST + reg / 16)
		      : mmio_read32(registers, reg);
}

static void apic_write(enum apic_register reg, uint32_t value)
{
	if (x2apic)
		msr_write(MSR_X2APIC_FIRST + reg / 16, value);
	else
		mmio_write32(registers, reg, value);
}

__cold status_t apic_init(hpa_t address)
{
	x2apic = cpuid_get(1, 0).ecx & CPUID_1_ECX_X2APIC;
	if (!x2apic) {
		registers = device_map(address, APIC_SIZE);
		if (!registers)
			return STATUS_NO_MEMORY;
	}
	apic_cpu_init();
	return STATUS_OK;
}

__cold void apic_cpu_init(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	/* x2APIC only by way of xAPIC mode, SDM 3A 10.12.5. */
	msr_write(MSR_APIC_BASE, base);
	if (x2apic)
		msr_write(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
	apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	apic_eoi(); /* of what the firmware may have left */
	this_cpu()->arch.apic_id = apic_id();
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_ID);

	return x2apic ? id : id >> 24;
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

bool apic_in_service(uint32_t vector)
{
	return apic_read((enum apic_register)(APIC_ISR + vector / 32 * 16)) >> vector % 32 & 1;
}

__cold void apic_error(void)
{
	apic_write(APIC_ERROR, 0);
	uint32_t cause = apic_read(APIC_ERROR);

	if (errors++ == 0)
		log_warn("cpu %u: local APIC error 0x%x", this_cpu()->index, cause);
}

/* ---- interrupt command ---- */

static void command_send(uint32_t target, uint32_t command)
{
	if (!x2apic && !registers)
		return; /* so early that there is nobody to send to */
	if (x2apic) {
		/* Not ordered against earlier stores, unlike the register in memory. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		msr_write(MSR_X2APIC_FIRST + APIC_ICR_LOW / 16, (uint64_t)target << 32 | command);
		return;
	}
	/* A handler that interrupts an interrupt window may send too, but then this is over. */
	while (apic_read(APIC_ICR_LOW) & ICR_PENDING)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, target << 24);
	apic_write(APIC_ICR_LOW, command);
}

void apic_send_interrupt(uint32_t target, uint32_t vector)
{
	command_send(target, ICR_FIXED | ICR_ASSERT | vector);
}

__cold void apic_send_init(uint32_t target)
{
	command_send(target, ICR_INIT | ICR_ASSERT);
}

__cold void apic_send_startup(uint32_t target, uint32_t page)
{
	command_send(target, ICR_STARTUP | ICR_ASSERT | page);
}

void apic_send_nmi(uint32_t target)
{
	command_send(target, ICR_NMI | ICR_ASSERT);
}

void arch_cpu_kick(struct cpu *cpu)
{
	apic_send_interrupt(cpu->arch.apic_id, VECTOR_KICK);
}

void arch_cpu_notify(struct cpu *cpu)
{
	apic_send_interrupt(cpu->arch.apic_id, VECTOR_POSTED);
}

/* ---- timer ---- */

__cold void apic_timer_mode(bool deadline)
{
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (deadline ? LVT_TIMER_TSC_DEADLINE : 0));
	/* The mode is in force before the first deadline is written (SDM 3A 10.5.4.1). */
	__asm__ volatile("mfence" : : : "memory");
}

void apic_timer_count(uint32_t count)
{
	apic_write(APIC_TIMER_INITIAL, count);
}

uint32_t apic_timer_left(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

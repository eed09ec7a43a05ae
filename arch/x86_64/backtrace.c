/* SPDX-License-Identifier: MIT */
/*
 * What a person needs to find a fault of the kernel: registers, and the chain of calls by frame
 * pointers, as far as it stays on this CPU's stacks. Reads nothing that may not be mapped.
 */
#include <arch/apic.h>
#include <arch/cpu_setup.h>
#include <arch/cr.h>
#include <arch/trap.h>
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/symbols.h>

#define BACKTRACE_MAX 24
#define STOP_WAIT_MS  100

static bool on_stack(uint64_t address)
{
	uint64_t offset = address - ((uint64_t)this_cpu() & ~(uint64_t)(CPU_AREA_SIZE - 1));

	/* A frame is two words, and aligned: it lies in one page. */
	return offset < CPU_AREA_SIZE && IS_ALIGNED(address, 8) &&
	       cpu_page_present((uint32_t)(offset >> PAGE_SHIFT)) &&
	       offset % PAGE_SIZE <= PAGE_SIZE - 16;
}

static void call_log(uint64_t address, uint64_t back)
{
	char name[SYMBOL_NAME_SIZE];
	uint32_t offset = 0;
	bool found = symbol_find(address - back, name, &offset);

	log_error("  %016llx %s+0x%llx", (unsigned long long)address, found ? name : "?",
		  (unsigned long long)(offset + back));
}

static void frame_log(const struct trap_frame *f)
{
	log_error("rax %016llx rbx %016llx rcx %016llx rdx %016llx", (unsigned long long)f->rax,
		  (unsigned long long)f->rbx, (unsigned long long)f->rcx,
		  (unsigned long long)f->rdx);
	log_error("rsi %016llx rdi %016llx rbp %016llx rsp %016llx", (unsigned long long)f->rsi,
		  (unsigned long long)f->rdi, (unsigned long long)f->rbp,
		  (unsigned long long)f->rsp);
	log_error("r8  %016llx r9  %016llx r10 %016llx r11 %016llx", (unsigned long long)f->r8,
		  (unsigned long long)f->r9, (unsigned long long)f->r10,
		  (unsigned long long)f->r11);
	log_error("r12 %016llx r13 %016llx r14 %016llx r15 %016llx", (unsigned long long)f->r12,
		  (unsigned long long)f->r13, (unsigned long long)f->r14,
		  (unsigned long long)f->r15);
	log_error("cs %02llx flags %08llx vector %llu error %llx", (unsigned long long)f->cs,
		  (unsigned long long)f->rflags, (unsigned long long)f->vector,
		  (unsigned long long)f->error);
}

void arch_backtrace(void)
{
	const struct trap_frame *trap = trap_panic_frame;
	uint64_t frame = (uint64_t)__builtin_frame_address(0);

	if (trap)
		frame_log(trap);
	log_error("cr0 %llx cr2 %llx cr3 %llx cr4 %llx", (unsigned long long)cr0_read(),
		  (unsigned long long)cr2_read(), (unsigned long long)cr3_read(),
		  (unsigned long long)cr4_read());
	log_error("called from:");
	if (trap) {
		call_log(trap->rip, 0);
		frame = trap->rbp;
	}
	for (uint32_t i = 0; i < BACKTRACE_MAX && on_stack(frame); i++) {
		const uint64_t *words = (const uint64_t *)frame;

		if (!words[1])
			break;
		call_log(words[1], 1);
		if (words[0] <= frame)
			break;
		frame = words[0];
	}
}

void arch_cpus_stop(void)
{
	uint64_t start = timestamp_read();

	while (!trap_stop_others())
		cpu_relax();
	/* One by one: a CPU that was never started sleeps in the firmware, and is not to wake. */
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			apic_send_nmi(cpus[i]->arch.apic_id);
	/* One that does not come (its NMIs are blocked) is not waited for in vain. */
	while (trap_stopped() + 1 < cpu_count &&
	       timestamp_read() - start < timestamp_hz / 1000 * STOP_WAIT_MS)
		cpu_relax();
}

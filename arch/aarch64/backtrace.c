/* SPDX-License-Identifier: MIT */
/*
 * What a person needs to find a fault of the kernel: registers, and the chain of calls by frame
 * pointers, as far as it stays on this CPU's stacks. Reads nothing that may not be mapped.
 */
#include <arch/cpu_setup.h>
#include <arch/trap.h>
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/symbols.h>

#define BACKTRACE_MAX 24

static bool on_stack(uint64_t address)
{
	uint64_t offset = address - (uint64_t)this_cpu();

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

void registers_log(const uint64_t x[31])
{
	for (uint32_t i = 0; i + 1 < 31; i += 2)
		log_error("x%-2u %016llx x%-2u %016llx", i, (unsigned long long)x[i], i + 1,
			  (unsigned long long)x[i + 1]);
	log_error("x30 %016llx", (unsigned long long)x[30]);
}

static void frame_log(const struct trap_frame *f)
{
	registers_log(f->x);
	log_error("sp  %016llx pc  %016llx pstate %08llx", (unsigned long long)f->sp,
		  (unsigned long long)f->pc, (unsigned long long)f->pstate);
}

void arch_backtrace(void)
{
	const struct trap_frame *trap = trap_panic_frame;
	uint64_t frame = (uint64_t)__builtin_frame_address(0);

	if (trap)
		frame_log(trap);
	log_error("sctlr %llx ttbr0 %llx hcr %llx vttbr %llx",
		  (unsigned long long)sysreg_read(sctlr_el2),
		  (unsigned long long)sysreg_read(ttbr0_el2),
		  (unsigned long long)sysreg_read(hcr_el2),
		  (unsigned long long)sysreg_read(vttbr_el2));
	log_error("called from:");
	if (trap) {
		call_log(trap->pc, 0);
		frame = trap->x[29];
	}
	for (uint32_t i = 0; i < BACKTRACE_MAX && on_stack(frame); i++) {
		const uint64_t *words = (const uint64_t *)frame;

		if (!words[1])
			break;
		call_log(words[1], 4);
		if (words[0] <= frame)
			break;
		frame = words[0];
	}
}

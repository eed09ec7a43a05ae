/* SPDX-License-Identifier: MIT */
/* What a program can do wrong outside system calls: each of these must end with a report of the
 * registers and the end code of a faulting root task. */
#include "../hostile.h"
#include <string.h>

#define KERNEL_ADDRESS 0x0000ff8000000000ull
#define FAR_ADDRESS    0x7ff0000000000000ull
#define MARK \
	"movz x28, #0x600d, lsl #16\n\tmovk x28, #0xf00d\n\t" /* is to be found in the report */

__asm__(".text\n.globl hostile_exit\nhostile_exit: mov x8, #13\n svc #0\n brk #0\n");

uint64_t timestamp(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntpct_el0" : "=r"(value));
	return value;
}

/* One instruction, or some; %0 is the address. */
#define FAULT(name, instructions, address)                             \
	static void fault_##name(void)                                 \
	{                                                              \
		__asm__ volatile(MARK instructions                     \
				 :                                     \
				 : "r"((uint64_t)(uintptr_t)(address)) \
				 : "x0", "x1", "x28", "memory");       \
	}

FAULT(pointer, "strb wzr, [%0]", 0x10)
FAULT(kernel_read, "ldr x0, [%0]", KERNEL_ADDRESS)
FAULT(kernel_jump, "br %0", KERNEL_ADDRESS)
FAULT(window_jump, "br %0", arena)
FAULT(code_write, "strb wzr, [%0]", fault)
FAULT(boot_info_write, "strb wzr, [%0]", boot_info)
FAULT(far_away, "ldr x0, [%0]", FAR_ADDRESS)
FAULT(far_jump, "br %0", FAR_ADDRESS)
FAULT(odd_jump, "br %0", 0x400001)
FAULT(undefined, "udf #0", 0)
FAULT(breakpoint, "brk #1", 0)
FAULT(halt, "hlt #1", 0)
FAULT(hypercall, "hvc #0", 0)
FAULT(monitor_call, "smc #0", 0)
FAULT(exception_return, "eret", 0)
FAULT(interrupts_off, "msr daifset, #2", 0)
FAULT(control_register, "mrs x0, sctlr_el1", 0)
FAULT(timer, "msr cntv_ctl_el0, %0", 1)
FAULT(counters, "mrs x0, pmccntr_el0", 0)
FAULT(translation_flush, "tlbi vmalle1", 0)
FAULT(set_way, "dc csw, %0", 0)
FAULT(stack, "mov sp, %0\n\tstp x0, x1, [sp, #-16]!", FAR_ADDRESS)

/* No fault, but as much an end of the root task. */
static void last_thread_ends(void)
{
	(void)call(SYS_thread_exit, 0, 0, 0, 0, 0, 0);
}

static const struct {
	const char *name;
	void (*function)(void);
} faults[] = {
	{"pointer", fault_pointer},
	{"kernel-read", fault_kernel_read},
	{"kernel-jump", fault_kernel_jump},
	{"window-jump", fault_window_jump},
	{"code-write", fault_code_write},
	{"boot-info-write", fault_boot_info_write},
	{"far-read", fault_far_away},
	{"far-jump", fault_far_jump},
	{"odd-jump", fault_odd_jump},
	{"undefined", fault_undefined},
	{"breakpoint", fault_breakpoint},
	{"halt", fault_halt},
	{"hypercall", fault_hypercall},
	{"monitor-call", fault_monitor_call},
	{"exception-return", fault_exception_return},
	{"interrupts-off", fault_interrupts_off},
	{"control-register", fault_control_register},
	{"timer", fault_timer},
	{"counters", fault_counters},
	{"translation-flush", fault_translation_flush},
	{"set-way", fault_set_way},
	{"stack", fault_stack},
	{"last-thread", last_thread_ends},
};

void fault(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		size_t length = strlen(faults[i].name);

		if (strncmp(kind, faults[i].name, length) || (kind[length] && kind[length] != ' '))
			continue;
		say("hostile: faults: %s", faults[i].name);
		faults[i].function();
		say("hostile: %s went well", faults[i].name);
		end(END_FAILED);
	}
}

/* SPDX-License-Identifier: MIT */
/* What a program can do wrong outside system calls: each of these must end with a report of the
 * registers and the end code of a faulting root task. */
#include "hostile.h"
#include <string.h>

#define KERNEL_ADDRESS 0x0000ff8000000000ull
#define NON_CANONICAL  0x0800000000000000ull
#define MARK \
	"movz x19, #0x600d, lsl #16\n\tmovk x19, #0xf00d\n\t" /* is to be found in the report */
#define DO(instructions, ...) \
	__asm__ volatile(MARK instructions : : "r"(__VA_ARGS__) : "x1", "x19", "memory")

static void fault_pointer(void)
{
	DO("str w1, [%0]", 0x10ull);
}

static void fault_kernel_read(void)
{
	DO("ldr x1, [%0]", KERNEL_ADDRESS);
}

static void fault_kernel_jump(void)
{
	DO("br %0", KERNEL_ADDRESS);
}

static void fault_window_jump(void)
{
	DO("br %0", arena);
}

static void fault_code_write(void)
{
	DO("str w1, [%0]", fault);
}

static void fault_boot_info_write(void)
{
	DO("str w1, [%0]", boot_info);
}

static void fault_non_canonical(void)
{
	DO("ldr x1, [%0]", NON_CANONICAL);
}

static void fault_undefined(void)
{
	DO("udf #0", 0ull);
}

static void fault_hypercall(void)
{
	DO("hvc #0", 0ull);
}

static void fault_firmware_call(void)
{
	DO("smc #0", 0ull);
}

static void fault_interrupts_off(void)
{
	DO("msr daifset, #15", 0ull);
}

static void fault_system_register(void)
{
	DO("mrs x1, sctlr_el1", 0ull);
}

static void fault_breakpoint(void)
{
	DO("brk #0", 0ull);
}

static void fault_exception_return(void)
{
	DO("eret", 0ull);
}

static void fault_odd_jump(void)
{
	DO("br %0", (uintptr_t)fault + 2);
}

static void fault_stack(void)
{
	DO("mov sp, %0\n\tstr x1, [sp]", 8ull);
}

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
	{"non-canonical", fault_non_canonical},
	{"undefined", fault_undefined},
	{"hypercall", fault_hypercall},
	{"firmware-call", fault_firmware_call},
	{"interrupts-off", fault_interrupts_off},
	{"system-register", fault_system_register},
	{"breakpoint", fault_breakpoint},
	{"exception-return", fault_exception_return},
	{"odd-jump", fault_odd_jump},
	{"stack", fault_stack},
	{"last-thread", last_thread_ends},
};

void fault(const char *kind)
{
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		length = strlen(faults[i].name);
		if (strncmp(kind, faults[i].name, length) || (kind[length] && kind[length] != ' '))
			continue;
		say("hostile: faults: %s", faults[i].name);
		faults[i].function();
		say("hostile: %s went well", faults[i].name);
		end(END_FAILED);
	}
}

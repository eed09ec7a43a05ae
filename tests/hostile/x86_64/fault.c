/* SPDX-License-Identifier: MIT */
/* What a program can do wrong outside system calls: each of these must end with a report of the
 * registers and the end code of a faulting root task. */
#include "../hostile.h"
#include <string.h>

#define KERNEL_ADDRESS 0xffffffff80000000ull
#define NON_CANONICAL  0x0000800000000000ull
#define MARK	       "mov $0x600df00d, %%r15\n\t" /* is to be found in the report */

__asm__(".text\n.globl hostile_exit\nhostile_exit: mov $13, %eax\n syscall\n ud2\n");

uint64_t timestamp(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void fault_pointer(void)
{
	__asm__ volatile(MARK "movb $1, 0x10" : : : "r15");
}

static void fault_kernel_read(void)
{
	__asm__ volatile(MARK "mov (%0), %%rax" : : "r"(KERNEL_ADDRESS) : "rax", "r15");
}

static void fault_kernel_jump(void)
{
	__asm__ volatile(MARK "jmp *%0" : : "r"(KERNEL_ADDRESS) : "r15");
}

static void fault_window_jump(void)
{
	__asm__ volatile(MARK "jmp *%0" : : "r"(arena) : "r15");
}

static void fault_code_write(void)
{
	__asm__ volatile(MARK "movb $0x90, (%0)" : : "r"(fault) : "r15");
}

static void fault_boot_info_write(void)
{
	__asm__ volatile(MARK "movb $0, (%0)" : : "r"(boot_info) : "r15");
}

static void fault_non_canonical(void)
{
	__asm__ volatile(MARK "mov (%0), %%rax" : : "r"(NON_CANONICAL) : "rax", "r15");
}

static void fault_undefined(void)
{
	__asm__ volatile(MARK "ud2" : : : "r15");
}

static void fault_divide(void)
{
	__asm__ volatile(MARK "xor %%ecx, %%ecx; mov $1, %%eax; cltd; div %%ecx"
			 :
			 :
			 : "rax", "rcx", "rdx", "r15");
}

static void fault_halt(void)
{
	__asm__ volatile(MARK "hlt" : : : "r15");
}

static void fault_port(void)
{
	__asm__ volatile(MARK "xor %%eax, %%eax; outb %%al, $0x64" : : : "rax", "r15");
}

static void fault_interrupts_off(void)
{
	__asm__ volatile(MARK "cli" : : : "r15");
}

static void fault_software_interrupt(void)
{
	__asm__ volatile(MARK "int $0x80" : : : "r15");
}

static void fault_vector_of_a_trap(void)
{
	__asm__ volatile(MARK "int $14" : : : "r15");
}

static void fault_breakpoint(void)
{
	__asm__ volatile(MARK "int3" : : : "r15");
}

/* TF, also over a system call: the kernel must not be stepped. */
static void fault_single_step(void)
{
	__asm__ volatile(MARK "mov $14, %%eax\n\t"
			      "pushfq\n\t"
			      "orq $0x100, (%%rsp)\n\t"
			      "popfq\n\t"
			      "syscall\n\t"
			      "nop"
			 :
			 :
			 : "rax", "rcx", "rdx", "r11", "r15", "memory");
}

static void fault_iret(void)
{
	__asm__ volatile(MARK "push $0\n\tpush $0\n\tpush $2\n\tpush $0\n\tpush $0\n\tiretq"
			 :
			 :
			 : "r15", "memory");
}

static void fault_stack(void)
{
	__asm__ volatile(MARK "mov %0, %%rsp\n\tpush %%rax" : : "r"(NON_CANONICAL) : "r15");
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
	{"divide", fault_divide},
	{"halt", fault_halt},
	{"port", fault_port},
	{"interrupts-off", fault_interrupts_off},
	{"software-interrupt", fault_software_interrupt},
	{"trap-vector", fault_vector_of_a_trap},
	{"breakpoint", fault_breakpoint},
	{"single-step", fault_single_step},
	{"iret", fault_iret},
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

/* SPDX-License-Identifier: MIT */
/*
 * The instruction that enters the kernel, as C. Registers as <trivet/abi.h> says. Only
 * root/lib uses this; all others call the functions of <lib/model.h>.
 */
#ifndef LIB_SYSCALL_H
#define LIB_SYSCALL_H

#include <trivet/abi.h>

/*
 * System call `number` with six arguments; those that it doesn't take may hold anything. *value
 * gets the value, whatever the status is.
 */
static inline status_t syscall6(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2,
				uint64_t a3, uint64_t a4, uint64_t a5, uint64_t *value)
{
	register uint64_t r10 __asm__("r10") = a3;
	register uint64_t r8 __asm__("r8") = a4;
	register uint64_t r9 __asm__("r9") = a5;
	uint64_t rax = number;
	uint64_t rdx = a2;

	__asm__ volatile("syscall"
			 : "+a"(rax), "+d"(rdx)
			 : "D"(a0), "S"(a1), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	*value = rdx;
	return (status_t)rax;
}

/* The same with three arguments, which most calls have. */
static inline status_t syscall3(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2,
				uint64_t *value)
{
	uint64_t rax = number;
	uint64_t rdx = a2;

	__asm__ volatile("syscall"
			 : "+a"(rax), "+d"(rdx)
			 : "D"(a0), "S"(a1)
			 : "rcx", "r11", "memory");
	*value = rdx;
	return (status_t)rax;
}

#endif

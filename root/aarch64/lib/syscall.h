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
	register uint64_t x0 __asm__("x0") = a0;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;
	register uint64_t x5 __asm__("x5") = a5;
	register uint64_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x1)
			 : "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
			 : "memory");
	*value = x1;
	return (status_t)x0;
}

/* The same with three arguments, which most calls have. */
static inline status_t syscall3(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2,
				uint64_t *value)
{
	register uint64_t x0 __asm__("x0") = a0;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x8) : "memory");
	*value = x1;
	return (status_t)x0;
}

#endif

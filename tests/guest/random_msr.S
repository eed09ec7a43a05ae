/* SPDX-License-Identifier: MIT */
/* Random MSRs with random values, and random CPUID leaves. Goes on for ever. */
#include "hostile.inc"
#define ROUNDS 20000

guest_main:
	call hostile_setup
	movl $ROUNDS, rounds
1:	call random
	mov %eax, %ebx
	mov %eax, %ecx
	and $7, %ecx /* mostly in one of the ranges that have MSRs and leaves */
	mov masks(, %ecx, 4), %edx
	and %edx, %ebx
	or bases(, %ecx, 4), %ebx
	mov %ebx, %ecx
	try rdmsr
	call random
	mov %eax, %edi
	call random
	mov %ebx, %ecx
	mov %edi, %edx
	try wrmsr
	push %ebx
	mov %ebx, %eax
	mov %edi, %ecx
	cpuid
	pop %ebx
	decl rounds
	jnz 1b
	say "guest: random MSRs"
	jmp 1b

	.section .rodata
	.balign 4
bases:	.long 0, 0, 0, 0x40000000, 0x80000000, 0xc0000000, 0xc0010000, 0x4b564d00
masks:	.long -1, 0x1fff, 0x3ff, 0x3ff, 0x3f, 0x3ff, 0x1fff, 0xff
	.bss
rounds:	.skip 4

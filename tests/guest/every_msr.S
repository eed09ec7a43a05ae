/* SPDX-License-Identifier: MIT */
/* Reads every MSR of the ranges that processors have, and writes it with zeros and ones: each
 * answers, or gives #GP, whose handler steps over the instruction. */
#include "guest.inc"
#define RANGE_SIZE  0x2000
#define VECTOR_GP   13
#define MSR_LENGTH  2
#define CODE	    8

guest_main:
	lgdt gdt_pointer
	ljmp $CODE, $1f
1:	mov $handler, %eax
	mov %ax, idt + VECTOR_GP * 8
	movw $CODE, idt + VECTOR_GP * 8 + 2
	movw $0x8e00, idt + VECTOR_GP * 8 + 4
	shr $16, %eax
	mov %ax, idt + VECTOR_GP * 8 + 6
	lidt idt_pointer
	mov $ranges, %ebp
2:	mov (%ebp), %ebx
	mov $RANGE_SIZE, %edi
3:	mov %ebx, %ecx
	rdmsr
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	dec %eax
	dec %edx
	wrmsr
	inc %ebx
	dec %edi
	jnz 3b
	add $4, %ebp
	cmp $ranges_end, %ebp
	jb 2b
	say "guest: every MSR answers"
	xor %eax, %eax
	jmp debug_exit

handler:
	add $4, %esp
	addl $MSR_LENGTH, (%esp)
	iret

	.section .rodata
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word 32 * 8 - 1
	.long idt
ranges:	.long 0, 0x40000000, 0xc0000000, 0xc0010000
ranges_end:

	.bss
	.balign 8
idt:	.skip 32 * 8

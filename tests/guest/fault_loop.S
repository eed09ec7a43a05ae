/* SPDX-License-Identifier: MIT */
/* Exceptions whose delivery is never at an end; the command line's letter tells which:
 * d: #DB of a data breakpoint where the delivery pushes; b: #DB of a breakpoint at its own handler;
 * s: #DB of single steps, for ever; a: #AC of a delivery onto an odd stack in user mode;
 * u: #UD in its own handler; p: #PF in its own handler;
 * i: software interrupts in their own handler. */
#include "hostile.inc"
#define VECTOR_DB	1
#define VECTOR_BP	3
#define VECTOR_UD	6
#define VECTOR_PF	14
#define VECTOR_AC	17
#define CR0_AM_PE	0x00040011
#define CR0_PG_PE	0x80000011
#define DR7_STACK	0x000d0402 /* 4 bytes, writes */
#define DR7_EXECUTE	0x00000402
#define EFLAGS_TF	0x100
#define EFLAGS_AC	0x40000
#define CODE_CONFORMING 0x00cffe000000ffff

guest_main:
	call hostile_setup
	mov %eax, %ebp
	say_kind "guest: faults for ever:"
	mov %ebp, %eax
	cmp $'d', %al
	je data_breakpoint
	cmp $'b', %al
	je breakpoint
	cmp $'s', %al
	je steps
	cmp $'a', %al
	je alignment
	cmp $'p', %al
	je page_fault
	cmp $'i', %al
	je software
	mov $ud, %eax
	mov $VECTOR_UD, %ecx
	call gate_set
ud:	mov $stack_top, %esp
	ud2

data_breakpoint:
	mov $data_db, %eax
	mov $VECTOR_DB, %ecx
	call gate_set
	mov $stack_top - 4, %eax
	mov %eax, %dr0
	mov $DR7_STACK, %eax
	mov %eax, %dr7
data_db:
	mov $stack_top, %esp
	pushl $1
	int3
	jmp data_db

breakpoint:
	mov $db, %eax
	mov $VECTOR_DB, %ecx
	call gate_set
	mov $db, %eax
	mov %eax, %dr0
	mov $DR7_EXECUTE, %eax
	mov %eax, %dr7
db:	mov $stack_top, %esp
	jmp db

steps:	mov $step, %eax
	mov $VECTOR_DB, %ecx
	call gate_set
	pushl $EFLAGS_TF
	popf
1:	nop
	jmp 1b
step:	orl $EFLAGS_TF, 8(%esp)
	iret

software:
	mov $bp, %eax
	mov $VECTOR_BP, %ecx
	call gate_set
bp:	mov $stack_top, %esp
	int3

/* Present is nothing but what translates itself: the stack, the code and the IDT are not there,
 * and CR2 is the next fault. Ends in a triple fault. */
page_fault:
	mov $empty, %eax
	mov %eax, %cr3
	mov $CR0_PG_PE, %eax
	mov %eax, %cr0
	jmp .

/* The gate leads to conforming code, which keeps the privilege and the stack. */
alignment:
	movl $CODE_CONFORMING & 0xffffffff, gdt + CODE
	movl $CODE_CONFORMING >> 32, gdt + CODE + 4
	mov $CR0_AM_PE, %eax
	mov %eax, %cr0
	mov $ac, %eax
	mov $VECTOR_AC, %ecx
	call gate_set
	pushl $DATA_USER
	pushl $stack_top - 1
	pushl $EFLAGS_AC | 2
	pushl $CODE_USER
	pushl $ac
	iret
ac:	mov $stack_top - 1, %esp
	pushl $0
	jmp ac

	.bss
	.balign 4096
empty:	.skip 4096

/* SPDX-License-Identifier: MIT */
/* Interrupts without an end; the command line's letter tells which:
 * s: IPIs to itself and to all; t: the timer, periodic, with the smallest count; n: NMIs;
 * r: INIT and start-up IPIs to VP 1, one after the other; e: IPIs of each vector, never ended.
 * All but r start VP 1, if there is one, and let it do the same. */
#include "hostile.inc"
#define VECTOR_NMI	 2
#define VECTOR_LOWEST	 0x10 /* that an IPI can have */
#define VECTOR		 0x40
#define LAPIC_ON	 0x1ff
#define ICR_NMI		 0x00004400
#define ICR_INIT	 0x00004500
#define ICR_STARTUP	 0x00004608 /* at 0x8000 */
#define ICR_SELF	 0x00044000
#define ICR_ALL		 0x00084000
#define ICR_VP1		 0x01000000
#define TIMER_PERIODIC	 0x20000
#define DIVIDE_BY_1	 0xb
#define START_PAGE	 0x8000
#define START_WAIT	 1000000

guest_main:
	call hostile_setup
	mov %al, letter
	mov $count, %eax
	mov $VECTOR, %ecx
1:	call gate_set
	inc %ecx
	cmp $VECTORS, %ecx
	jb 1b
	mov $nmi, %eax
	mov $VECTOR_NMI, %ecx
	call gate_set
	mov $start_code, %esi
	mov $START_PAGE, %edi
	mov $start_code_end - start_code, %ecx
	rep movsb
	say_kind "guest: storms:"
	cmpb $'r', letter
	je restarts
	movl $ICR_VP1, LAPIC_ICR_HIGH
	movl $ICR_INIT, LAPIC_ICR
	movl $ICR_STARTUP, LAPIC_ICR
	mov $START_WAIT, %ecx
2:	pause
	loop 2b

/* Of each VP. */
storm:	movl $LAPIC_ON, LAPIC_SPURIOUS
	movl $0, LAPIC_ICR_HIGH
	cmpb $'t', letter
	je timer
	cmpb $'n', letter
	je nmis
	cmpb $'e', letter
	je unended
	sti
1:	movl $ICR_SELF | VECTOR, LAPIC_ICR
	movl $ICR_ALL | VECTOR + 1, LAPIC_ICR
	jmp 1b

timer:	sti
	movl $DIVIDE_BY_1, LAPIC_DIVIDE
	movl $TIMER_PERIODIC | VECTOR, LAPIC_LVT_TIMER
	movl $1, LAPIC_COUNT
1:	jmp 1b

nmis:	movl $ICR_NMI, LAPIC_ICR
	movl $ICR_VP1, LAPIC_ICR_HIGH
	movl $ICR_NMI, LAPIC_ICR
	movl $0, LAPIC_ICR_HIGH
	jmp nmis

unended:
	mov $nmi, %eax
	mov $VECTOR_LOWEST, %ecx
1:	call gate_set
	inc %ecx
	cmp $VECTORS, %ecx
	jb 1b
	sti
2:	xor %eax, %eax
3:	mov %eax, %ecx
	or $ICR_ALL, %ecx
	mov %ecx, LAPIC_ICR
	inc %al
	jnz 3b
	jmp 2b

restarts:
	movl $ICR_VP1, LAPIC_ICR_HIGH
1:	movl $ICR_INIT, LAPIC_ICR
	movl $ICR_STARTUP, LAPIC_ICR
	movl $ICR_STARTUP, LAPIC_ICR
	jmp 1b

count:	lock incl counter
	movl $0, LAPIC_EOI
nmi:	iret

	.code16
start_code:
	cli
	xor %ax, %ax
	mov %ax, %ds
	lgdtl START_PAGE + start_gdt_pointer - start_code
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $CODE, $start_flat
start_gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
start_code_end:
	.code32
start_flat:
	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $second_stack_top, %esp
	lidt idt_pointer
	jmp storm

	.bss
	.balign 16
	.skip 4096
second_stack_top:
counter:
	.skip 4
letter:	.skip 1

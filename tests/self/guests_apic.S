/* SPDX-License-Identifier: MIT */
/*
 * The code of the tiny guests that use their local APIC, by its page and by MSRs: as in guests.S.
 * The page is at PAGE; an access is an instruction of two bytes, MOV between EAX and (RSI), since a
 * test may have to take the VMM's part. R12 collects what handlers note.
 */
#include "guest.inc"

#define PAGE   0x3fe00000 /* of linear addresses */
#define TPR    0x080
#define EOI    0x0b0
#define LDR    0x0d0
#define DFR    0x0e0
#define SVR    0x0f0
#define ICR    0x300
#define TIMER  0x320
#define SELF   0x40000 /* in ICR */
#define BASE   0x1b

	.macro	by_page_write register, value
	mov	$PAGE + \register, %esi
	mov	$\value, %eax
	mov	%eax, (%rsi)
	.endm

	.macro	by_msr_write register, value
	mov	$0x800 + \register / 16, %ecx
	mov	$\value, %eax
	xor	%edx, %edx
	wrmsr
	.endm

	.macro	say_page register
	mov	$PAGE + \register, %esi
	mov	(%rsi), %eax
	out	%eax, $0x99
	.endm

	.macro	say_notes
	mov	%r12d, %eax
	out	%eax, $0x99
	.endm

	.macro	note value
	shl	$8, %r12d
	or	$\value, %r12d
	.endm

/* Registers of the page: what can be written, what is ignored, TPR and CR8. */
guest apic_registers
	by_page_write SVR, 0x1ff
	by_page_write 0x020, 0x77000000
	by_page_write LDR, 0x02ffffff
	by_page_write DFR, 0x00000000
	by_page_write TIMER, 0xffff0055
	say_page 0x020
	say_page 0x030
	say_page LDR
	say_page DFR
	say_page SVR
	say_page TIMER
	by_page_write TPR, 0x35
	mov	%cr8, %rax
	out	%eax, $0x99
	say_page TPR
	say_page 0x0a0
	mov	$7, %eax
	mov	%rax, %cr8
	say_page TPR
	say_page 0x390
	hlt
guest_end apic_registers

/* Two IPIs to itself wait for STI, and come by priority; one that TPR holds off comes when it falls. */
	.macro	interrupts write
	\write	SVR, 0x1ff
	xor	%r12d, %r12d
	\write	ICR, SELF | 0x51
	\write	ICR, SELF | 0x61
	\write	ICR, SELF | 0x71
	say_notes
	sti
	nop
	nop
	say_notes
	\write	TPR, 0x60
	\write	ICR, SELF | 0x51
	\write	ICR, SELF | 0x71
	nop
	say_notes
	\write	TPR, 0x40
	nop
	say_notes
	cli
	\write	ICR, SELF | 0x61
	sti
	hlt
	cli
	say_notes
	hlt
	.endm

	.macro	interrupt_handler name, write, vector
handler \name irq_\vector
	note	0x\vector
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	\write	EOI, 0
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
	.endm

guest apic_by_page
	interrupts by_page_write
	interrupt_handler apic_by_page, by_page_write, 51
	interrupt_handler apic_by_page, by_page_write, 61
	interrupt_handler apic_by_page, by_page_write, 71
guest_end apic_by_page

guest apic_by_msr
	apic_on
	interrupts by_msr_write
	interrupt_handler apic_by_msr, by_msr_write, 51
	interrupt_handler apic_by_msr, by_msr_write, 61
	interrupt_handler apic_by_msr, by_msr_write, 71
guest_end apic_by_msr

/* While a handler of priority 6 has not yet said EOI, neither 5 nor 6 come, but 7 does. */
	.macro	nesting write
	\write	SVR, 0x1ff
	xor	%r12d, %r12d
	sti
	\write	ICR, SELF | 0x61
	nop
	say_notes
	hlt
	.endm

	.macro	nesting_handler name, write
handler \name irq_61
	note	0x61
	\write	ICR, SELF | 0x51
	sti
	nop
	\write	ICR, SELF | 0x71
	nop
	xor	%eax, %eax
	cpuid			/* an exit in between */
	note	0x62
	\write	EOI, 0
	nop
	note	0x63
	iretq
	.endm

guest apic_nest_by_page
	nesting by_page_write
	nesting_handler apic_nest_by_page, by_page_write
	interrupt_handler apic_nest_by_page, by_page_write, 51
	interrupt_handler apic_nest_by_page, by_page_write, 71
guest_end apic_nest_by_page

guest apic_nest_by_msr
	apic_on
	nesting by_msr_write
	nesting_handler apic_nest_by_msr, by_msr_write
	interrupt_handler apic_nest_by_msr, by_msr_write, 51
	interrupt_handler apic_nest_by_msr, by_msr_write, 71
guest_end apic_nest_by_msr

/* Waits for a message from outside. */
guest apic_level
	by_page_write SVR, 0x1ff
	say	1
	sti
0:	hlt
	jmp	0b
handler apic_level irq
	say	3
	by_page_write EOI, 0
	say	4
	iretq
guest_end apic_level

/* The page is the APIC's until that goes elsewhere. */
guest apic_leaves
	say_page 0x030
	mov	$BASE, %ecx
	rdmsr
	mov	%eax, %ebx
	xor	$0x100000, %eax		/* to 0xfef00000 */
	wrmsr
	say_page 0x030
	mov	%ebx, %eax
	wrmsr
	say_page 0x030
	or	$0x400, %ebx
	mov	%ebx, %eax
	wrmsr
	say_page 0x030
	mov	$0x803, %ecx
	rdmsr
	out	%eax, $0x99
	hlt
guest_end apic_leaves

/* Every register that x2APIC mode has, and some that it has not. */
guest apic_msrs
	apic_on
	mov	$0x802, %ecx
	rdmsr
	out	%eax, $0x99
	mov	$0x80d, %ecx
	rdmsr
	out	%eax, $0x99
	by_msr_write 0x0f0, 0x1ff
	by_msr_write 0x320, 0x10055
	mov	$0x832, %ecx
	rdmsr
	out	%eax, $0x99
	mov	$0x830, %ecx
	mov	$0x4055, %eax
	mov	$0x12345, %edx
	wrmsr
	xor	%edx, %edx
	rdmsr
	out	%eax, $0x99
	mov	%edx, %eax
	out	%eax, $0x99
	by_msr_write 0x080, 0x95
	mov	$0x80a, %ecx	/* PPR follows TPR */
	rdmsr
	out	%eax, $0x99
	by_msr_write 0x080, 0
	xor	%r12d, %r12d
	mov	$0x80e, %ecx	/* DFR */
	rdmsr
	mov	$0x80b, %ecx	/* EOI, to read */
	rdmsr
	mov	$0x831, %ecx
	rdmsr
	mov	$0x82f, %ecx	/* CMCI */
	rdmsr
	mov	$0x8ff, %ecx
	rdmsr
	by_msr_write 0x0b0, 1
	by_msr_write 0x080, 0x100
	by_msr_write 0x020, 1
	say_notes
	hlt
handler apic_msrs gp
	inc	%r12d
	addq	$2, 8(%rsp)
	add	$8, %rsp
	iretq
guest_end apic_msrs

	.section .note.GNU-stack, "", @progbits

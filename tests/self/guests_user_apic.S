/* SPDX-License-Identifier: MIT */
/* The code of a tiny guest whose APIC its VMM models: as in guests.S. */
#include "guest.inc"

guest modelled
	mov	$0x1b, %ecx		/* IA32_APIC_BASE */
	rdmsr
	out	%eax, $0x99
	mov	$0x80b, %ecx		/* EOI */
	mov	$0x11223344, %eax
	mov	$0x55667788, %edx
	wrmsr
	say	1
	mov	$0x808, %ecx		/* the VMM answers #GP */
	rdmsr
	say	99
handler modelled gp
	say	2
	mov	$9, %eax
	mov	%rax, %cr8
	mov	$0xfee00020, %edx	/* nobody's memory: the VMM's */
	mov	(%rdx), %eax
	out	%eax, $0x99
	sti
	hlt
	say	3
	cli
	say	4
	sti
	nop
	say	5
	mov	$1, %eax
	mov	%rax, %cr8
	say	6
	hlt
	say	7
	hlt
handler modelled irq
	push	%rax
	say	20
	pop	%rax
	iretq
handler modelled nmi
	push	%rax
	say	30
	pop	%rax
	iretq
guest_end modelled

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/* The code of the tiny guest of guest_npiep.c: as in guests.S. */
#include "guest.inc"

	/* An instruction of its own, at a label. R13 has its length, if it faults. */
	.macro	one label, instruction:vararg
handler npiep \label
	\instruction
	jmp	2f
	.endm

/* Goes where RDI says, over and over: the test sets the registers after each `say 1`. RAX is kept in R14; R12 is the
 * vector of a fault, or 0. */
guest npiep
1:	say	1
	xor	%r12d, %r12d
	jmp	*%rdi
	one sgdt, sgdt (%rbx)
	one sidt, sidt (%rbx)
	one sldt, sldt (%rbx)
	one str, str (%rbx)
	one sldt_register, sldt %eax
	one str_register, str %eax
	one smsw, smsw %eax
	one lgdt, lgdt (%rbx)
	one lidt, lidt (%rbx)
	one lldt, lldt %ax
	one ltr, ltr %ax
	one wrmsr, wrmsr
	one rdmsr, rdmsr
handler npiep pair
	mov	%eax, %ss
	sgdt	(%rbx)
	jmp	2f
2:	mov	%rax, %r14
	jmp	1b
handler npiep gp
	mov	$13, %r12d
	jmp	3f
handler npiep pf
	mov	$14, %r12d
3:	add	$8, %rsp		/* the error code */
	add	%r13, (%rsp)
	iretq
handler npiep db
	mov	%dr6, %r15
	mov	$1, %r12d
	iretq
guest_end npiep

	.code16
/* VP 0 in real mode: SGDT and SIDT are there, STR is not. */
guest npiep_real
	sgdt	0x9800
	sidt	0x9810
	say	2
	.byte	0x0f, 0x00, 0xc8	/* STR, which the assembler leaves out here */
	say	3
	hlt
handler npiep_real ud
	say	4
	hlt
guest_end npiep_real
	.code64

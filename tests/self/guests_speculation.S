/* SPDX-License-Identifier: MIT */
/* The code of a tiny guest that controls speculation: as in guests.S. */
#include "guest.inc"

	/* Says 1 when the access went through, 2 when it was #GP. */
	.macro	tried access
	mov	$1, %edi
	\access
	mov	%edi, %eax
	out	%eax, $0x99
	.endm

/* In RSI: bits that IA32_SPEC_CTRL is to take. */
guest speculation
	say	5
	mov	$0x48, %ecx
	rdmsr
	out	%eax, $0x99		/* 0 after reset */
	mov	%esi, %eax
	xor	%edx, %edx
	wrmsr
	xor	%eax, %eax
	cpuid				/* once round the loop with it */
	mov	$0x48, %ecx
	rdmsr
	out	%eax, $0x99
	rdmsr
	out	%eax, $0x99
	mov	$0x200, %eax		/* reserved */
	tried	wrmsr
	mov	$0x49, %ecx
	xor	%edx, %edx
	mov	$1, %eax
	tried	wrmsr
	mov	$2, %eax
	tried	wrmsr
	tried	rdmsr
	mov	$0x10a, %ecx
	tried	rdmsr
	tried	wrmsr
	hlt
/* Both instructions are two bytes long. */
handler speculation gp
	add	$8, %rsp		/* the error code */
	addq	$2, (%rsp)
	mov	$2, %edi
	iretq
guest_end speculation

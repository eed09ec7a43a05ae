/* SPDX-License-Identifier: MIT */
/* The code of a tiny guest that takes whatever comes: as in guests.S. */
#include "guest.inc"

/* Sleeps with interrupts on; tells of what comes. With EBX 0 its APIC is as it was found. */
guest taker
	test	%ebx, %ebx
	jz	1f
	apic_on
	mov	$0x835, %ecx		/* LINT0: ExtINT */
	mov	$0x700, %eax
	xor	%edx, %edx
	wrmsr
1:	say	1
	sti
2:	hlt
	jmp	2b
handler taker fixed
	say	2
	test	%ebx, %ebx
	jz	3f
	apic_eoi
3:	iretq
handler taker nmi
	say	3
	iretq
handler taker pic
	say	4
	iretq
guest_end taker

guest asker
	xor	%eax, %eax
	in	$0x99, %eax
	out	%eax, $0x99
	hlt
guest_end asker

	.section .note.GNU-stack, "", @progbits

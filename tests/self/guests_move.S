/* SPDX-License-Identifier: MIT */
/* The code of a tiny guest whose VPs change CPUs while they run: as in guests.S. */
#include "guest.inc"
#define TICKS	0	/* of its own timer */
#define PINGS	8	/* interrupts from the other one */
#define ROUNDS	16
#define SENT	24	/* the turn in which it sent the last one */
#define TURN	0x9100	/* even: VP 0's */
#define PERIOD	20000

	.macro	keep
	push	%rax
	push	%rcx
	push	%rdx
	.endm

	.macro	keep_end
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
	.endm

/* Each VP counts in registers, in floating-point ones and in memory of its own. A timer ticks meanwhile; on a
 * tick it sends the other VP an interrupt if it is its turn, and that one's handler ends the turn. So
 * one that gets lost stops the game for ever. */
guest swapper
	apic_on
	mov	$0x802, %ecx
	rdmsr
	mov	%eax, %r12d
	mov	%eax, %r13d
	shl	$6, %r13d
	add	$0x9000, %r13d		/* its own memory */
	xor	%r15d, %r15d
	pxor	%xmm7, %xmm7
	movl	$-1, SENT(%r13)
	apic_write 0x83e, 0xb		/* by 1 */
	apic_write 0x832, 0x40		/* one shot */
	apic_write 0x838, PERIOD
	sti
1:	inc	%r15
	movq	%xmm7, %r14
	inc	%r14
	movq	%r14, %xmm7
	cmp	%r15, %r14
	jne	2f
	mov	%r15, ROUNDS(%r13)
	jmp	1b
2:	cli
	say	99
	hlt
handler swapper tick
	keep
	incq	TICKS(%r13)
	mov	TURN, %eax
	mov	%eax, %edx
	xor	%r12d, %edx
	test	$1, %dl
	jnz	3f			/* the other one's */
	cmp	%eax, SENT(%r13)
	je	3f			/* it has not taken it yet */
	mov	%eax, SENT(%r13)
	mov	$0x830, %ecx
	mov	%r12d, %edx
	xor	$1, %edx
	mov	$0x4041, %eax
	wrmsr
3:	apic_write 0x838, PERIOD
	apic_eoi
	keep_end
handler swapper ping
	keep
	incq	PINGS(%r13)
	lock incl TURN
	apic_eoi
	keep_end
guest_end swapper

/* Spins, with interrupts off (RAX 0) or on. */
guest spinner
	test	%eax, %eax
	jz	1f
	sti
1:	jmp	1b
guest_end spinner

	.section .note.GNU-stack, "", @progbits

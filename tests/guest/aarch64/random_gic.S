/* SPDX-License-Identifier: MIT */
/* Registers of the interrupt controller, in memory and in the processor, with random values and sizes. */
#include "harm.inc"

#define FRAMES 0x00400000
#define MSR_ICC 0xd518c000		/* MSR S3_0_C12_C0_0, X0 */

guest_main:
	say	"guest: random interrupt controller"
next:
	adr	x28, next
	msr	daifclr, #2		/* whatever becomes pending comes now */
	msr	daifset, #2
	bl	random
	mov	x20, x0
	bl	random_bits
	mov	x21, x0
	mov	x22, #GICD
	ubfx	x1, x21, #8, #22
	and	x1, x1, #(FRAMES / 4 - 1)
	tbz	x21, #32, 1f
	and	x1, x1, #0xffff		/* the distributor itself */
1:	tbz	x21, #33, 2f
	ldr	x2, =GICR
	and	x1, x1, #0x3ffff
	add	x1, x1, x2
	sub	x1, x1, x22
2:	add	x22, x22, x1
	adr	x0, accesses
	and	x1, x21, #15
	add	x0, x0, x1, lsl #3
	br	x0

	.macro access instruction:vararg
	\instruction
	b	next
	.endm
accesses:
	access	ldrb	w2, [x22]
	access	ldrh	w2, [x22]
	access	ldr	w2, [x22]
	access	ldr	x2, [x22]
	access	strb	w20, [x22]
	access	strh	w20, [x22]
	access	str	w20, [x22]
	access	str	x20, [x22]
	access	stp	w20, w21, [x22]
	access	ldp	x2, x3, [x22]
	access	b	registers
	access	b	registers
	access	b	registers
	access	b	registers
	access	b	registers
	access	b	registers

/* ICC_* and their like: CRn 12 or 4, any CRm and op2, read or written. */
registers:
	ubfx	w1, w21, #5, #7
	lsl	w1, w1, #5
	tst	w1, #0xf00
	b.eq	next			/* VBAR_EL1 and its like */
	ldr	w2, =MSR_ICC
	orr	w2, w2, w1
	ubfx	w1, w21, #12, #1
	orr	w2, w2, w1, lsl #21
	ldr	x3, =made
	str	w2, [x3]
	dc	cvau, x3
	dsb	ish
	ic	ivau, x3
	dsb	ish
	isb
	mov	x0, x20
	blr	x3
	b	next

	.section .made, "awx", %progbits
	.balign	64
made:	nop
	ret
	.text

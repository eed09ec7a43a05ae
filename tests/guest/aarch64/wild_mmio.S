/* SPDX-License-Identifier: MIT */
/* Loads, stores, pairs, exclusive and atomic accesses and jumps at random addresses outside its RAM. */
#include "harm.inc"


/* One of these for each round, by the random number in X21; X20 is the address. */
	.macro access instruction:vararg
	\instruction
	b	next
	.endm

guest_main:
	say	"guest: random addresses"
	adr	x28, next
next:
	adr	x28, next
	bl	random
	mov	x20, x0
	bl	random_bits
	mov	x21, x0
	/* Of four rounds one anywhere below 48 bits, the others where devices are. */
	tst	x21, #0x300
	b.eq	1f
	and	x20, x20, #0x0fffffff
	b	2f
1:	and	x20, x20, #0xffffffffffff
2:	lsr	x0, x20, #30
	cmp	x0, #1			/* its RAM stays as it is */
	b.eq	next
	mov	x0, #UART_DATA
	lsr	x1, x20, #12
	cmp	x1, x0, lsr #12		/* nor does it write to its console */
	b.eq	next
	adr	x0, accesses
	and	x1, x21, #31
	add	x0, x0, x1, lsl #3
	br	x0

accesses:
	access	ldrb	w2, [x20]
	access	ldrh	w2, [x20]
	access	ldr	w2, [x20]
	access	ldr	x2, [x20]
	access	strb	w21, [x20]
	access	strh	w21, [x20]
	access	str	w21, [x20]
	access	str	x21, [x20]
	access	ldrsb	x2, [x20]
	access	ldrsh	w2, [x20]
	access	ldp	x2, x3, [x20]
	access	stp	x2, x3, [x20]
	access	ldp	w2, w3, [x20], #8
	access	stp	w2, w3, [x20, #-8]!
	access	ldr	x2, [x20], #8
	access	str	x2, [x20, #8]!
	access	ldr	x2, [x20], #-8
	access	ldxr	w2, [x20]
	access	stxr	w3, w2, [x20]
	access	ldaxp	x2, x3, [x20]
	access	stlr	w2, [x20]
	access	ldar	w2, [x20]
	access	ldp	q0, q1, [x20]
	access	str	q0, [x20]
	access	ld1	{v0.16b-v3.16b}, [x20]
	access	dc	zva, x20
	access	dc	civac, x20
	access	prfm	pldl1keep, [x20]
	access	ldrsw	x2, [x20]
	access	ldnp	x2, x3, [x20]
	access	br	x20
	access	br	x21

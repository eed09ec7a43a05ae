/* SPDX-License-Identifier: MIT */
/*
 * A guest that writes anything anywhere in its devices' memory, in all sizes, with pairs, and where nothing is; with
 * a pseudo-random number that starts the same each time. Aborts are taken and gone on from.
 */
#include "guest.inc"
#define ROUNDS 20000

	.text
	.globl	_start
_start:	ldr	x0, =stack
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	ldr	x20, =0x9e3779b97f4a7c15
	ldr	x21, =ROUNDS
1:	eor	x20, x20, x20, lsl #13	/* xorshift */
	eor	x20, x20, x20, lsr #7
	eor	x20, x20, x20, lsl #17
	/* One of sixteen pages from the serial port's on, or far away; not the serial port's data. */
	ubfx	x1, x20, #8, #16
	add	x1, x1, #0x20
	ldr	x2, =UART
	add	x1, x1, x2
	tst	x20, #0xf0
	b.ne	2f
	and	x1, x20, #0x3fffffff
	ldr	x2, =UART
	eor	x3, x1, x2
	lsr	x3, x3, #12
	cbz	x3, 9f
2:	and	x2, x20, #7
	adr	x3, 3f
	add	x3, x3, x2, lsl #3
	br	x3
3:	str	x20, [x1]
	b	9f
	str	w20, [x1], #4
	b	9f
	strh	w20, [x1]
	b	9f
	strb	w20, [x1]
	b	9f
	stp	x20, x20, [x1, #-16]!
	b	9f
	ldp	w4, w5, [x1], #8
	b	9f
	ldr	x4, [x1]
	b	9f
	ldrsb	x4, [x1]
9:	subs	x21, x21, #1
	b.ne	1b
	/* The serial port may be off by now, and out of the FIFO mode; it still prints. */
	say	"random_devices: done\n"
	power_off

exception:
	mrs	x18, elr_el1
	add	x18, x18, #4
	msr	elr_el1, x18
	eret

	guest_functions

	.balign	2048
vectors:
	.rept	16
	.balign	128
	b	exception
	.endr

	.bss
	.balign	16
	.skip	1024
stack:

/* SPDX-License-Identifier: MIT */
/*
 * Accesses to devices of which the processor does not tell enough, and those that end with an abort. Each step that
 * goes wrong prints its number.
 */
#include "guest.inc"

	.text
	.globl	_start
_start:	ldr	x0, =stack
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	isb
	mov	x28, #0			/* aborts */
	ldr	x20, =RTC
	ldr	x21, =HOLE

	/* Pairs. */
	mov	x29, #1
	ldr	w1, =0x12345678
	str	w1, [x20, #RTC_MR]
	ldp	w2, w3, [x20]		/* DR, MR */
	cmp	w3, w1
	b.ne	failed
	cbz	w2, failed
	mov	x29, #2
	ldr	w1, =0x80000001
	str	w1, [x20, #RTC_MR]
	ldpsw	x2, x3, [x20]
	sxtw	x1, w1
	cmp	x3, x1
	b.ne	failed

	/* The base is written back, before and behind. */
	mov	x29, #3
	mov	x4, x20
	ldr	w1, =0xcafe
	str	w1, [x4, #RTC_MR]!
	sub	x5, x4, x20
	cmp	x5, #RTC_MR
	b.ne	failed
	ldr	w2, [x4], #16
	cmp	w2, w1
	b.ne	failed
	sub	x5, x4, x20
	cmp	x5, #(RTC_MR + 16)
	b.ne	failed
	mov	x29, #4
	mov	x4, x20
	mov	w2, #0
	stp	w2, w1, [x4], #8	/* DR is read-only */
	ldr	w3, [x20, #RTC_MR]
	cmp	w3, w1
	b.ne	failed
	sub	x5, x4, x20
	cmp	x5, #8
	b.ne	failed

	/* The base is SP. */
	mov	x29, #5
	add	x5, x20, #16
	mov	x6, sp
	mov	sp, x5
	ldr	w2, [sp, #-12]!
	mov	x7, sp
	mov	sp, x6
	sub	x7, x7, x20
	cmp	x7, #RTC_MR
	b.ne	failed
	cmp	w2, w1
	b.ne	failed

	/* What no device takes, and what is nowhere. */
	mov	x29, #6
	ldxr	w2, [x20]
	cmp	x28, #1
	b.ne	failed
	mov	x29, #7
	ldr	w2, [x21]
	cmp	x28, #2
	b.ne	failed
	mov	x29, #8
	strb	w2, [x21]
	cmp	x28, #3
	b.ne	failed
	mov	x29, #9
	mov	x4, x21
	ldp	x2, x3, [x4, #16]!
	cmp	x28, #4
	b.ne	failed
	cmp	x4, x21			/* nothing of it has happened */
	b.ne	failed
	mov	x29, #10
	ldr	d0, [x20]		/* an abort, or CPACR_EL1's own exception */
	cmp	x28, #5
	b.ne	failed
	mov	x29, #11
	adr	x30, 1f
	br	x21			/* code where no memory is */
1:	cmp	x28, #6
	b.ne	failed

	/* The interrupt controller, which is the kernel's. */
	mov	x29, #12
	ldr	x20, =GICD
	ldp	w2, w3, [x20]		/* CTLR, TYPER */
	ldr	w4, [x20, #4]
	cmp	w3, w4
	b.ne	failed
	cbz	w3, failed
	mov	x29, #13
	add	x4, x20, #GICD_ISENABLER1
	ldr	w1, =0xa5
	str	w1, [x4], #4
	sub	x5, x4, x20
	cmp	x5, #(GICD_ISENABLER1 + 4)
	b.ne	failed
	ldr	w2, [x4, #-4]!
	cmp	w2, w1
	b.ne	failed
	mov	x29, #14
	add	x4, x20, #GICD_IPRIORITYR8
	ldr	w1, =0x10203040
	ldr	w2, =0x50607080
	stp	w1, w2, [x4]
	ldp	w5, w6, [x4]
	cmp	w5, w1
	b.ne	failed
	cmp	w6, w2
	b.ne	failed
	mov	x29, #15
	ldr	x4, =GICR
	ldr	x1, [x4, #8]		/* TYPER */
	ldr	x2, [x4, #8]!
	cmp	x1, x2
	b.ne	failed
	mov	x29, #16
	ldxr	w2, [x20]
	cmp	x28, #7
	b.ne	failed

	say	"devices: all is well\n"
	power_off

failed:	say	"devices: wrong: "
	mov	x9, x29
	bl	print_number
	say	"\n"
	power_off

	/* Goes on behind the instruction; behind what was to be called, if it was code that could not be fetched. */
exception:
	add	x28, x28, #1
	mrs	x18, esr_el1
	lsr	x18, x18, #26
	cmp	x18, #0x21		/* instruction abort, at EL1 */
	b.eq	1f
	mrs	x18, elr_el1
	add	x18, x18, #4
	msr	elr_el1, x18
	eret
1:	msr	elr_el1, x30
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

/* SPDX-License-Identifier: MIT */
/*
 * Guests of the self tests of the GIC. Interrupts stay masked in PSTATE: they are taken by reading ICC_IAR1_EL1, and
 * the test sets up distributor and redistributors.
 */
#include "guest.h"

#define ICC_PMR	    s3_0_c4_c6_0
#define ICC_IAR0    s3_0_c12_c8_0
#define ICC_EOIR0   s3_0_c12_c8_1
#define ICC_DIR	    s3_0_c12_c11_1
#define ICC_SGI1R   s3_0_c12_c11_5
#define ICC_SGI0R   s3_0_c12_c11_7
#define ICC_IAR1    s3_0_c12_c12_0
#define ICC_EOIR1   s3_0_c12_c12_1
#define ICC_CTLR    s3_0_c12_c12_4
#define ICC_IGRPEN0 s3_0_c12_c12_6
#define ICC_IGRPEN1 s3_0_c12_c12_7

	.section .rodata.guests, "a"

	.macro	guest name
	.balign	16
	.globl	guest_\name, guest_\name\()_end
guest_\name:
	.endm
	.macro	guest_end name
guest_\name\()_end:
	.endm
	.macro	set reg, value
	mov	\reg, #((\value) & 0xffff)
	movk	\reg, #((\value) >> 16 & 0xffff), lsl #16
	.endm
	.macro	tell register
	mov	x20, #GUEST_PORT
	str	\register, [x20]
	.endm
	.macro	interface_up
	mov	x0, #0xff
	msr	ICC_PMR, x0
	mov	x0, #1
	msr	ICC_IGRPEN0, x0
	msr	ICC_IGRPEN1, x0
	isb
	.endm
	/* Bits 0 to 15 of GICR_ISACTIVER0 of VP 0. */
	.macro	tell_active
	set	x9, (GUEST_GICR + 0x10300)
	ldr	w9, [x9]
	tell	w9
	.endm
	/* SGI by the number in a register, to VP 0; the rest is 1 << 0. */
	.macro	sgi_self number
	lsl	x10, \number, #24
	orr	x10, x10, #1
	msr	ICC_SGI1R, x10
	isb
	.endm

	/* Takes and ends all, without an exit for that, and tells how many there were; again and again. */
	guest	gic_collect
	interface_up
1:	tell	wzr
	mov	x2, #GUEST_DATA
	mov	x3, #0
2:	mov	x4, #1000			/* the hypervisor may have to be told first */
3:	mrs	x0, ICC_IAR1
	dsb	sy
	cmp	x0, #1020
	b.lo	4f
	subs	x4, x4, #1
	b.ne	3b
	tell	w3
	b	1b
4:	str	w0, [x2], #4
	add	x3, x3, #1
	msr	ICC_EOIR1, x0
	isb
	b	2b
	guest_end gic_collect

	/* SGIs 0 to 15, each more urgent than the last, one within the other. */
	guest	gic_nest
	interface_up
	mov	x2, #GUEST_DATA
	mov	x3, #0
1:	sgi_self x3
	mrs	x0, ICC_IAR1
	dsb	sy
	str	w0, [x2], #4
	add	x3, x3, #1
	cmp	x3, #16
	b.ne	1b
	tell_active
2:	sub	x3, x3, #1
	msr	ICC_EOIR1, x3
	isb
	cbnz	x3, 2b
	tell_active
	mrs	x0, ICC_IAR1
	tell	w0
	guest_end gic_nest

	/* The same of one priority, with EOImode 1: all are active, and are deactivated out of order. */
	guest	gic_split
	mov	x0, #2
	msr	ICC_CTLR, x0
	interface_up
	mov	x2, #GUEST_DATA
	mov	x3, #0
1:	sgi_self x3
	mrs	x0, ICC_IAR1
	dsb	sy
	str	w0, [x2], #4
	msr	ICC_EOIR1, x0
	isb
	add	x3, x3, #1
	cmp	x3, #16
	b.ne	1b
	tell_active
	mov	x4, #3
2:	msr	ICC_DIR, x4
	isb
	add	x4, x4, #7
	and	x4, x4, #15
	subs	x3, x3, #1
	cmp	x3, #8
	b.ne	3f
	tell_active				/* half of them */
3:	cbnz	x3, 2b
	tell_active
	guest_end gic_split

	/* What it has taken is ended, though more urgent ones are active that nobody has taken. */
	guest	gic_numbers
	interface_up
	set	x8, (GUEST_GICD + 0x304)	/* GICD_ISACTIVER1 */
	tell	wzr
	mrs	x0, ICC_IAR1
	dsb	sy
	tell	w0
	mov	w1, #0xffff
	str	w1, [x8]
	msr	ICC_EOIR1, x0
	isb
	ldr	w1, [x8]
	tell	w1
	ldr	w1, [x8, #4]
	tell	w1
	mrs	x0, ICC_IAR1
	tell	w0
	guest_end gic_numbers

	/* SGI 0 in group 0: an FIQ. */
	guest	gic_fiq
	interface_up
	mov	x0, #1
	msr	ICC_SGI0R, x0
	isb
	mrs	x0, isr_el1
	tell	w0
	mrs	x0, ICC_IAR1
	tell	w0
	mrs	x0, ICC_IAR0
	tell	w0
	msr	ICC_EOIR0, x0
	isb
	mrs	x0, isr_el1
	tell	w0
	guest_end gic_fiq

	/* An interrupt that VP 0 has taken goes on with the state that was saved. */
	guest	gic_saved
	interface_up
	tell	wzr
	mrs	x0, ICC_IAR1
	dsb	sy
	tell	w0
	msr	ICC_EOIR1, x0			/* here, or in the copy */
	isb
	mrs	x0, ICC_IAR1
	dsb	sy
	tell	w0
	guest_end gic_saved

	.macro	second_on
	set	x0, 0xc4000003			/* CPU_ON */
	mov	x1, #1
	adr	x2, 9f
	mov	x3, #0
	hvc	#0
	.endm

	/* VP 0 sends SGIs, each when VP 1 has counted the last; VP 1 never exits by itself. */
	guest	gic_pair
	interface_up
	mov	x5, #GUEST_DATA
	second_on
1:	ldr	w6, [x5, #4]			/* VP 1 is there */
	cbz	w6, 1b
	tell	wzr
	mov	x7, #0
2:	mov	x0, #2				/* SGI 0 to Aff0 1 */
	msr	ICC_SGI1R, x0
	isb
	add	x7, x7, #1
3:	ldr	w6, [x5]
	cmp	w6, w7
	b.ne	3b
	cmp	x7, #64
	b.ne	2b
	tell	w7
	b	.
9:	interface_up
	mov	x5, #GUEST_DATA
	mov	x6, #0
	mov	w0, #1
	str	w0, [x5, #4]
4:	mrs	x0, ICC_IAR1
	dsb	sy
	cmp	x0, #1020
	b.hs	4b
	msr	ICC_EOIR1, x0
	isb
	add	x6, x6, #1
	str	w6, [x5]
	b	4b
	guest_end gic_pair

	/* VP 1 has an SPI active, and goes on without an exit; VP 0 looks, and ends it. */
	guest	gic_remote
	interface_up
	mov	x5, #GUEST_DATA
	set	x8, (GUEST_GICD + 0x304)		/* GICD_ISACTIVER1 */
	second_on
1:	ldr	w6, [x5, #4]
	cbz	w6, 1b
	tell	wzr				/* the test sends it */
2:	ldr	w6, [x5]
	cbz	w6, 2b
	tell	w6				/* VP 1 has taken it */
	ldr	w7, [x8]
	tell	w7				/* active */
	str	w7, [x8, #0x80]			/* GICD_ICACTIVER1 */
	ldr	w7, [x8]
	tell	w7				/* not any more */
3:	ldr	w6, [x5, #8]			/* and VP 1 takes the next one */
	cbz	w6, 3b
	tell	w6
	b	.
9:	interface_up
	mov	x5, #GUEST_DATA
	mov	w0, #1
	str	w0, [x5, #4]
4:	mrs	x0, ICC_IAR1
	dsb	sy
	cmp	x0, #1020
	b.hs	4b
	str	w0, [x5]
	mov	x1, #0				/* its priority is dropped by nobody */
	msr	s3_0_c12_c9_0, x1		/* ICC_AP1R0_EL1 */
	isb
5:	mrs	x0, ICC_IAR1
	dsb	sy
	cmp	x0, #1020
	b.hs	5b
	str	w0, [x5, #8]
	b	.
	guest_end gic_remote

	/*
	 * VP 1 spins, with a handler that counts up when it begins and when it ends; between, it empties the slot of
	 * a message (X7). VP 0 turns it on.
	 */
	guest	gic_counter
	mov	x5, #GUEST_DATA
	second_on
1:	yield
	ldr	w6, [x5, #8]			/* VP 1 is there */
	cbz	w6, 1b
	tell	wzr
	b	.
9:	interface_up
	mov	x5, #GUEST_DATA
	set	x7, GUEST_SLOT
	adr	x0, guest_gic_counter + 0x800
	msr	vbar_el1, x0
	mov	w0, #1
	str	w0, [x5, #8]
	msr	daifclr, #2
2:	yield
	b	2b
	.skip	0x800 + 0x280 - (. - guest_gic_counter)
	ldr	w0, [x5]
	add	w0, w0, #1
	str	w0, [x5]
	yield
	str	wzr, [x7]
	mrs	x0, ICC_IAR1
	msr	ICC_EOIR1, x0
	ldr	w0, [x5, #4]
	add	w0, w0, #1
	str	w0, [x5, #4]
	eret
	guest_end gic_counter

	/* Reads and writes of all sizes, anywhere in its frames, of anything. */
	guest	gic_wild
	interface_up
	set	x19, 20000
	mov	x1, #1
	mov	x2, #0x7f2d			/* 6364136223846793005 */
	movk	x2, #0x4c95, lsl #16
	movk	x2, #0xf42d, lsl #32
	movk	x2, #0x5851, lsl #48
1:	madd	x1, x1, x2, x2
	ubfx	x3, x1, #20, #16
	mov	x4, #GUEST_GICD
	tbz	x1, #63, 2f
	set	x4, GUEST_GICR
	ubfx	x5, x1, #61, #1			/* which frame of VP 0 */
	add	x4, x4, x5, lsl #16
2:	bic	x3, x3, #7
	add	x4, x4, x3
	ubfx	x6, x1, #58, #3
	tbz	x1, #57, 3f
	add	x4, x4, #4			/* but for 64 bits */
	cmp	x6, #5
	b.hi	8f
3:	cmp	x6, #2
	b.lo	5f
	b.eq	6f
	cmp	x6, #4
	b.lo	7f
	b.eq	9f
	cmp	x6, #6
	b.lo	4f
	b.eq	10f
	str	x1, [x4]
	b	8f
4:	str	w1, [x4]
	b	8f
5:	strb	w1, [x4]
	b	8f
6:	strh	w1, [x4]
	b	8f
7:	ldr	w5, [x4]
	b	8f
9:	ldrb	w5, [x4, #3]
	b	8f
10:	ldr	x5, [x4]
8:	mrs	x5, ICC_IAR1			/* and it takes what comes */
	dsb	sy
	msr	ICC_EOIR1, x5
	subs	x19, x19, #1
	b.ne	1b
	tell	w19
	guest_end gic_wild

	/* SGIs to itself, X19 of them: X0 is the ticks that they took. */
	guest	gic_sgis
	interface_up
	tell	wzr
	mrs	x22, cntpct_el0
1:	mov	x10, #1
	msr	ICC_SGI1R, x10
	isb
	mrs	x0, ICC_IAR1
	msr	ICC_EOIR1, x0
	subs	x19, x19, #1
	b.ne	1b
	mrs	x0, cntpct_el0
	sub	x0, x0, x22
	tell	w19
	guest_end gic_sgis

	.section .note.GNU-stack, "", %progbits

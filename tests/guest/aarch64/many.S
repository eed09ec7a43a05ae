/* SPDX-License-Identifier: MIT */
/*
 * As many VPs as there are: each is turned on, by its redistributor's word for who it is, and then gets SGIs: one by
 * one, by clusters, all but the sender, and around in a ring; and SPIs that are routed to it. At the end each has got just
 * what was meant for it.
 */
#include "harm.inc"
#define VPS_MAX		256
#define STRIDE		0x20000		/* of redistributors */
#define GICR_OF_MANY	0x10000000	/* where they are if there is no room for them at GICR */
#define GICR_IIDR	0x04
#define SGI_FRAME	0x10000
#define PSCI_CPU_ON	0xc4000003
#define GICR_TYPER	0x08
#define GICR_WAKER	0x14
#define GIC_GROUP	0x80
#define GIC_ENABLE	0x100
#define GIC_PENDING	0x200
#define GICD_CONFIG	0xc00
#define GICD_ROUTE	0x6000
#define GICD_ENABLED	0x12		/* ARE_NS, group 1 */
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IGRPEN1_EL1	S3_0_C12_C12_7
#define ICC_SGI1R_EL1	S3_0_C12_C11_5
/* Of the upper half. */
#define SGI_ALL_OTHERS	(1 << 8)
#define SGI_RANGE_1	(1 << 12)
#define SGI_RING	2
#define SPI_FIRST	32
#define SPI_COUNT	32

/* Of a VP: what it has got. */
#define GOT_SGIS	0
#define GOT_RING	4
#define GOT_SPIS	8
#define IS_UP		12
#define SLOT_SHIFT	4

/* Everywhere: X19 is how many there are, X20 the slots, X21 the affinities, X22 of VP n is n, and
 * X23 its slot; X18 is where redistributors are. */

	.macro	slot_of register, n
	add	\register, x20, \n, lsl #SLOT_SHIFT
	.endm

/* Waits until the word at the offset is the value in all slots from the first on. */
	.macro	wait_all first, offset, value
	mov	x4, #\first
.Lwait\@:
	cmp	x4, x19
	b.hs	.Ldone\@
	slot_of	x5, x4
	ldr	w6, [x5, #\offset]
	cmp	w6, #\value
	cinc	x4, x4, eq
	b.eq	.Lwait\@
	wfe
	b	.Lwait\@
.Ldone\@:
	.endm

guest_main:
	ldr	x20, =slots
	ldr	x21, =affinities
	mov	x19, #0
	ldr	x18, =GICR_OF_MANY
	mov	w0, #0
	try	ldr w0, [x18, #GICR_IIDR]
	ldr	x1, =GICR
	cmp	w0, #0
	csel	x18, x18, x1, ne
	adr	x28, wrong
	add	x1, x18, #GICR_TYPER
1:	ldr	x0, [x1]
	lsr	x2, x0, #32
	str	w2, [x21, x19, lsl #2]
	add	x19, x19, #1
	add	x1, x1, #STRIDE
	tbz	x0, #4, 1b		/* Last */
	ldr	x0, =count
	stp	x19, x18, [x0]
	ldr	x1, =GICD
	mov	w0, #GICD_ENABLED
	str	w0, [x1]
	mov	x22, #0
	bl	up

	mov	x24, #1
2:	cmp	x24, x19
	b.hs	3f
	ldr	w0, =PSCI_CPU_ON
	ldr	w1, [x21, x24, lsl #2]
	ldr	x2, =second
	mov	x3, x24
	tbz	x24, #0, 11f		/* by either of the two */
	smc	#0
	b	12f
11:	hvc	#0
12:	cbnz	x0, wrong
	add	x24, x24, #1
	b	2b
3:	wait_all 0, IS_UP, 1
	say	"guest: all VPs are up"

	/* One by one. */
	mov	x24, #0
4:	ldr	w0, [x21, x24, lsl #2]
	mov	x1, #1
	bl	send
	add	x24, x24, #1
	cmp	x24, x19
	b.lo	4b
	wait_all 0, GOT_SGIS, 1
	/* By clusters, of which the last may not be full. */
	mov	x24, #0
5:	lsl	w0, w24, #8
	mov	x1, #1
	bl	send_cluster
	add	x24, x24, #1
	cmp	x19, x24, lsl #4
	b.hi	5b
	wait_all 0, GOT_SGIS, 2
	/* Others than this one; and nobody, as no cluster has that many. */
	mov	x0, #(1 << 24)
	movk	x0, #SGI_RANGE_1, lsl #32
	movk	x0, #0xffff
	msr	ICC_SGI1R_EL1, x0
	mov	x0, #(1 << 24)
	movk	x0, #SGI_ALL_OTHERS, lsl #32
	msr	ICC_SGI1R_EL1, x0
	isb
	wait_all 1, GOT_SGIS, 3
	/* Around. */
	mov	x22, #0
	bl	send_next
	wait_all 0, GOT_RING, 1
	say	"guest: all SGIs came"

	/* SPIs, each to another VP: the n-th to the VP 5 n. */
	ldr	x1, =GICD
	mov	w0, #-1
	str	w0, [x1, #(GIC_GROUP + SPI_FIRST / 8)]
	str	w0, [x1, #(GICD_CONFIG + SPI_FIRST / 4)]
	str	w0, [x1, #(GICD_CONFIG + SPI_FIRST / 4 + 4)]
	add	x2, x1, #GICD_ROUTE
	mov	x24, #0
6:	mov	x3, #5
	mul	x3, x3, x24
	udiv	x4, x3, x19
	msub	x3, x4, x19, x3
	ldr	w5, [x21, x3, lsl #2]
	add	x4, x24, #SPI_FIRST
	str	x5, [x2, x4, lsl #3]
	add	x24, x24, #1
	cmp	x24, #SPI_COUNT
	b.lo	6b
	str	w0, [x1, #(GIC_ENABLE + SPI_FIRST / 8)]
	str	w0, [x1, #(GIC_PENDING + SPI_FIRST / 8)]
	ldr	x2, =seen
	mov	x24, #0
7:	ldr	w5, [x2, x24, lsl #2]
	cbnz	w5, 8f
	wfe
	b	7b
8:	mov	x3, #5
	mul	x3, x3, x24
	udiv	x4, x3, x19
	msub	x3, x4, x19, x3
	add	x3, x3, #1
	cmp	x3, x5
	b.ne	wrong
	add	x24, x24, #1
	cmp	x24, #SPI_COUNT
	b.lo	7b
	say	"guest: all SPIs came"

	/* And nothing else: this one was left out once, and nobody has got more than was sent. */
	ldr	w0, [x20, #GOT_SGIS]
	cmp	w0, #2
	b.ne	wrong
	mov	x3, #0
	mov	x24, #0
9:	slot_of	x5, x24
	ldr	w6, [x5, #GOT_SPIS]
	add	x3, x3, x6
	cbz	x24, 10f
	ldr	w6, [x5, #GOT_SGIS]
	cmp	w6, #3
	b.ne	wrong
10:	ldr	w6, [x5, #GOT_RING]
	cmp	w6, #1
	b.ne	wrong
	add	x24, x24, #1
	cmp	x24, x19
	b.lo	9b
	cmp	x3, #SPI_COUNT
	b.ne	wrong
	say	"guest: each has got its own"
	psci	PSCI_SYSTEM_OFF
	ret

wrong:	say	"guest: something is wrong"
1:	wfi
	b	1b

/* The SGI X1 to the VP with the affinity W0, or to all of its cluster. */
send:	and	w2, w0, #0xf
	mov	x3, #1
	lsl	x2, x3, x2
	b	1f
send_cluster:
	mov	x2, #0xffff
1:	ubfx	w3, w0, #8, #8
	orr	x2, x2, x3, lsl #16
	ubfx	w3, w0, #16, #8
	orr	x2, x2, x3, lsl #32
	orr	x2, x2, x1, lsl #24
	msr	ICC_SGI1R_EL1, x2
	isb
	ret

/* That of the ring from VP X22 to the next. */
send_next:
	add	x3, x22, #1
	cmp	x3, x19
	csel	x3, x3, xzr, lo
	ldr	w0, [x21, x3, lsl #2]
	mov	x1, #SGI_RING
	b	send

/* VP X22's redistributor and interface. */
up:	slot_of	x23, x22
	ldr	x0, =taken
	msr	vbar_el1, x0
	mov	x0, #7
	msr	ICC_SRE_EL1, x0
	isb
	add	x1, x18, x22, lsl #17
	str	wzr, [x1, #GICR_WAKER]
	add	x1, x1, #SGI_FRAME
	mov	w0, #-1
	str	w0, [x1, #GIC_GROUP]
	mov	w0, #0xffff
	str	w0, [x1, #GIC_ENABLE]
	mov	x0, #0xff
	msr	ICC_PMR_EL1, x0
	mov	x0, #1
	msr	ICC_IGRPEN1_EL1, x0
	isb
	msr	daifclr, #2
	mov	w0, #1
	str	w0, [x23, #IS_UP]
	ret

second:	ldr	x20, =slots
	ldr	x21, =affinities
	mov	x22, x0
	ldr	x19, =count
	ldp	x19, x18, [x19]
	adr	x28, wrong
	bl	up
1:	wfi
	b	1b

/* An interrupt: it keeps X0 to X6, and what it needs besides is every VP's own. */
	.balign	0x800
taken:
	.rept	4
	vector	fault
	vector	come
	vector	come
	vector	error
	.endr
come:	ldr	x26, =kept
	add	x26, x26, x22, lsl #7
	stp	x0, x1, [x26]
	stp	x2, x3, [x26, #16]
	stp	x4, x5, [x26, #32]
	stp	x6, x30, [x26, #48]
	mrs	x25, ICC_IAR1_EL1
	mov	x4, #GOT_SGIS
	cmp	x25, #SGI_RING
	b.lo	2f
	b.eq	1f
	mov	x4, #GOT_SPIS
	sub	x5, x25, #SPI_FIRST
	cmp	x5, #SPI_COUNT
	b.hs	4f			/* spurious */
	ldr	x6, =seen
	add	w0, w22, #1
	str	w0, [x6, x5, lsl #2]
	b	2f
1:	mov	x4, #GOT_RING
2:	ldr	w5, [x23, x4]
	add	w5, w5, #1
	str	w5, [x23, x4]
	msr	ICC_EOIR1_EL1, x25
	isb
	cmp	x25, #SGI_RING
	b.ne	4f
	cbz	x22, 4f			/* it is around */
	bl	send_next
4:	ldp	x0, x1, [x26]
	ldp	x2, x3, [x26, #16]
	ldp	x4, x5, [x26, #32]
	ldp	x6, x30, [x26, #48]
	eret

	.section .made, "aw", %progbits
	.balign	16
slots:	.skip	VPS_MAX << SLOT_SHIFT
affinities:
	.skip	4 * VPS_MAX
seen:	.skip	4 * SPI_COUNT
	.balign	16
count:	.quad	0, 0
	.balign	128
kept:	.skip	128 * VPS_MAX

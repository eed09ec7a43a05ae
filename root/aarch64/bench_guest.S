/* SPDX-License-Identifier: MIT */
/*
 * The guest of bench_vp.c: at EL1, without MMU. It sets up its GIC, tells that by a count of 1, and spins; the handler
 * of its SPI counts up, and once more at its end. (On an emulator that runs one CPU after the other, YIELD lets the
 * other one look.)
 */
#define GICD		0x08000000
#define GICD_ON		3	/* GICD_CTLR: both groups */
#define GICD_IGROUPR1	0x084
#define GICD_ISENABLER1 0x104
#define GICD_ICFGR2	0xc08
#define GICR		0x080a0000
#define GICR_WAKER	0x14
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IAR1_EL1	S3_0_C12_C12_0
#define ICC_EOIR1_EL1	S3_0_C12_C12_1
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define COUNT		0x800	/* BENCH_COUNT */
#define DONE		4	/* behind it */
#define VECTOR_IRQ	0x280	/* from EL1 itself */

	.section .rodata
	.globl	bench_guest, bench_guest_size
	.balign	0x800			/* as its copy */
bench_guest:
	adr	x0, vectors
	msr	vbar_el1, x0
	mov	x1, #GICD
	mov	w0, #GICD_ON
	str	w0, [x1]
	mov	w0, #-1
	str	w0, [x1, #GICD_IGROUPR1]
	str	w0, [x1, #GICD_ICFGR2]	/* by edges */
	str	w0, [x1, #GICD_ISENABLER1]
	mov	x1, #GICR
	str	wzr, [x1, #GICR_WAKER]
	mov	x0, #0xff
	msr	ICC_PMR_EL1, x0
	mov	x0, #1
	msr	ICC_IGRPEN1_EL1, x0
	isb
	mov	x5, #COUNT
	str	w0, [x5]
	msr	daifclr, #2
1:	yield
	b	1b

	.balign	0x800
vectors:
	.skip	VECTOR_IRQ
	ldr	w0, [x5]
	add	w0, w0, #1
	str	w0, [x5]
	yield
	mrs	x0, ICC_IAR1_EL1
	msr	ICC_EOIR1_EL1, x0
	ldr	w0, [x5, #DONE]
	add	w0, w0, #1
	str	w0, [x5, #DONE]
	eret
bench_guest_end:

	.balign 8
bench_guest_size:
	.quad	bench_guest_end - bench_guest

	.section .note.GNU-stack, "", %progbits

/* SPDX-License-Identifier: MIT */
/* VP 0 sends VP 1, which spins on another CPU, one SGI after the other, each as soon as the handler of the last runs. */
#include "harm.inc"
#define ROUNDS		2000
#define PSCI_CPU_ON	0xc4000003
#define GICD_ENABLE	0x12		/* ARE_NS, group 1 */
#define GICR_SGI	(GICR + 0x20000 + 0x10000) /* VP 1's second frame */
#define GICR_WAKER	(GICR + 0x20000 + 0x14)
#define GICR_GROUP	0x80
#define GICR_ENABLE	0x100
#define SGI_TO_VP_1	2		/* SGI 0, affinity 0.0.0, target list */
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IGRPEN1_EL1	S3_0_C12_C12_7
#define ICC_SGI1R_EL1	S3_0_C12_C11_5

guest_main:
	ldr	x0, =PSCI_CPU_ON
	mov	x1, #1
	ldr	x2, =second
	mov	x3, #0
	hvc	#0
	ldr	x19, =received
	mov	x23, #1
	mov	x21, #ROUNDS
	mov	x25, #SGI_TO_VP_1
1:	ldr	x0, [x19]
	cmp	x0, x23
	b.ne	1b
	add	x23, x23, #1
	msr	ICC_SGI1R_EL1, x25
	subs	x21, x21, #1
	b.ne	1b
	say	"guest: all SGIs came"
	psci	PSCI_SYSTEM_OFF
	ret

/* VP 1: spins, and counts the SGIs. */
second:
	ldr	x0, =second_vectors
	msr	vbar_el1, x0
	mov	x0, #7
	msr	ICC_SRE_EL1, x0
	isb
	ldr	x1, =GICD
	mov	w0, #GICD_ENABLE
	str	w0, [x1]
	ldr	x1, =GICR_WAKER
	str	wzr, [x1]
	ldr	x1, =GICR_SGI
	mov	w0, #-1
	str	w0, [x1, #GICR_GROUP]
	mov	w0, #1
	str	w0, [x1, #GICR_ENABLE]
	mov	x0, #0xff
	msr	ICC_PMR_EL1, x0
	mov	x0, #1
	msr	ICC_IGRPEN1_EL1, x0
	isb
	ldr	x19, =received
	mov	x20, #1
	str	x20, [x19]
	msr	daifclr, #2
1:	b	1b

	.balign	0x800
second_vectors:
	.rept	16
	.balign	0x80
	mrs	x0, ICC_IAR1_EL1
	cbnz	x0, 1f			/* spurious */
	add	x20, x20, #1
	str	x20, [x19]
	msr	ICC_EOIR1_EL1, x0
1:	eret
	.endr

	.section .made, "aw", %progbits
	.balign	8
received:
	.quad	0

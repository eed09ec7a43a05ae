/* SPDX-License-Identifier: MIT */
/*
 * What exits cost, in instructions of an emulator that counts them by its clock: the counter has CNTFRQ_EL0 ticks a
 * second, of 10^9 instructions. Runs in a partition of two VPs on two CPUs; bare, where there is no VP 1 to be
 * started, SGIs are left out.
 */
#include "../../guest/aarch64/harm.inc"
#define ROUNDS		1000
#define PSCI_CPU_ON	0xc4000003
#define GICD_ENABLE	0x12		/* ARE_NS, group 1 */
#define GICR_SGI	(GICR + 0x20000 + 0x10000) /* VP 1's second frame */
#define GICR_WAKER	(GICR + 0x20000 + 0x14)
#define GICR_GROUP	0x80
#define GICR_ENABLE	0x100
#define SGI_TO_VP_1	2		/* SGI 0, affinity 0.0.0, target list */
#define PL011_LEVELS	0x34		/* UARTIFLS: nobody sees what it holds */
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IGRPEN1_EL1	S3_0_C12_C12_7
#define ICC_SGI1R_EL1	S3_0_C12_C11_5

	.macro	measure name, limit, instruction:vararg
	isb
	mrs	x20, cntvct_el0
	mov	x21, #ROUNDS
	.balign	16
1:	\instruction
	subs	x21, x21, #1
	b.ne	1b
	isb
	mrs	x22, cntvct_el0
	report	"\name", \limit
	.endm

/* From X20 to X22. */
	.macro	report name, limit
	say_part "bench: \name: "
	bl	each
	bl	number
	say	" instructions (limit \limit)"
	.endm

	.macro say_part text
	.section .rodata
.Lpart\@:
	.asciz "\text"
	.text
	ldr	x0, =.Lpart\@
	bl	print
	.endm

guest_main:
	/* Warm: the pages of what is used are there. */
	ldr	x24, =UART_DATA
	str	wzr, [x24, #PL011_LEVELS]
	measure	"HVC with nothing to do", 150, bl hvc_none
	measure	"feature register", 250, mrs x0, id_aa64pfr0_el1
	measure	"MMIO write handled by the root task", 1000, str wzr, [x24, #PL011_LEVELS]
	ldr	x0, =PSCI_CPU_ON
	mov	x1, #1
	ldr	x2, =second
	mov	x3, #0
	hvc	#0
	cbnz	x0, 2f
	ldr	x19, =received
	mov	x23, #1
1:	ldr	x0, [x19]
	cmp	x0, x23
	b.ne	1b
	mov	x25, #SGI_TO_VP_1
	measure	"SGI to another VP, until its handler runs", 1200, bl sgi
2:	psci	PSCI_SYSTEM_OFF
	ret

hvc_none:
	mov	w0, #0x84000000		/* PSCI_VERSION */
	hvc	#0
	ret

sgi:
	add	x23, x23, #1
	msr	ICC_SGI1R_EL1, x25
1:	ldr	x0, [x19]
	cmp	x0, x23
	b.ne	1b
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

/* X0: instructions in a round. */
each:
	sub	x0, x22, x20
	ldr	x1, =1000000000
	mul	x0, x0, x1
	mrs	x1, cntfrq_el0
	udiv	x0, x0, x1
	mov	x1, #ROUNDS
	udiv	x0, x0, x1
	ret

/* Prints X0, in decimal. */
number:
	mov	x9, x30
	ldr	x3, =digits_end
	mov	x1, #10
1:	udiv	x2, x0, x1
	msub	x4, x2, x1, x0
	add	w4, w4, #'0'
	strb	w4, [x3, #-1]!
	mov	x0, x2
	cbnz	x0, 1b
	mov	x0, x3
	bl	print
	ret	x9

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
	.skip	20
digits_end:
	.byte	0
	.balign	8
received:
	.quad	0

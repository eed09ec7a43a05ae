/* SPDX-License-Identifier: MIT */
/*
 * What exits cost, in instructions of an emulator that counts them by its clock: the counter has CNTFRQ_EL0 ticks a
 * second, of 10^9 instructions. Of two processors both count: the emulator runs one after the other, and YIELD has
 * it run the next.
 */
#include "../../guest/aarch64/harm.inc"
#define ROUNDS		1000
#define PL011_LEVELS	0x34		/* UARTIFLS: nobody sees what it holds */
#define DOORBELL	0x0c000000	/* those of root/aarch64/bench_vp.c */
#define CONNECTION	0x2001		/* of root/bench.c */

#define PSCI_CPU_ON	0xc4000003
#define SECOND		1		/* its MPIDR_EL1, and its bit in a list of targets */
#define GICR_SECOND	(GICR + 0x20000)
#define GICR_WAKER	0x14
#define GICR_IGROUPR0	0x10080
#define GICR_ISENABLER0	0x10100
#define GICD_ON		3		/* GICD_CTLR: both groups */
#define SGI_TARGET	(1 << SECOND)	/* SGI 0 */
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_SGI1R_EL1	S3_0_C12_C11_5
#define ICC_IGRPEN1_EL1	S3_0_C12_C12_7

/* What the two processors share, from X19 on. */
#define SGI_AT		0		/* the counter when its handler began */
#define SGI_BEGUN	8
#define SGI_ENDED	12
#define SECOND_UP	16

/* Hypercalls by HVC #1, fast; of registers, one. */
#define HV_LONG_SPIN		0x10008
#define HV_SIGNAL_EVENT		0x1005d
#define HV_GET_REGISTERS	0x10050
#define HV_SET_REGISTERS	0x10051
#define HV_SELF			-1
#define HV_VP_SELF		-2
#define HV_REGISTER_INTERFACE	0x00090004 /* its low word is "Hv#1" */
#define HV_REGISTER_OS_ID	0x00090002
#define HV_REGISTER_STIMER0	0x000b0000 /* its configuration */
#define STIMER_CONFIG		0x1138	/* direct, to PPI 19; enabled by its count */

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

/* From X20 to X22; without a limit: "". X0 to X6 are kept. */
	.macro	report name, limit
	stp	x0, x1, [sp, #-64]!
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	str	x6, [sp, #48]
	say_part "bench: \name: "
	bl	each
	bl	number
	.ifc	\limit,
	say	" instructions"
	.else
	say	" instructions (limit \limit)"
	.endif
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldr	x6, [sp, #48]
	ldp	x0, x1, [sp], #64
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
	ldr	x23, =DOORBELL
	measure	"doorbell rung by a store", 400, str wzr, [x23]
	bl	sgi_measure
	bl	hyperv_measure
	psci	PSCI_SYSTEM_OFF
	ret

/* ---- an SGI to a processor that spins, from the instruction to the handler's first one ---- */

sgi_measure:
	mov	x18, x30
	ldr	x19, =shared
	ldr	x1, =GICD
	mov	w0, #GICD_ON
	str	w0, [x1]
	ldr	w0, =PSCI_CPU_ON
	movk	x0, #PSCI_CPU_ON >> 16, lsl #16
	mov	x1, #SECOND
	ldr	x2, =second
	hvc	#0
1:	yield
	ldr	w0, [x19, #SECOND_UP]
	cbz	w0, 1b
	mov	x21, #ROUNDS
	mov	x22, #0
	mov	x17, #SGI_TARGET
2:	mrs	x20, cntvct_el0
	msr	ICC_SGI1R_EL1, x17
3:	yield
	ldr	w0, [x19, #SGI_ENDED]
	cbz	w0, 3b
	ldr	x0, [x19, #SGI_AT]
	sub	x0, x0, x20
	add	x22, x22, x0
	stp	wzr, wzr, [x19, #SGI_BEGUN]
	subs	x21, x21, #1
	b.ne	2b
	mov	x20, #0
	report	"SGI to a VP that runs, until its handler runs", 1200
	ret	x18

second:
	ldr	x19, =shared
	ldr	x0, =second_vectors
	msr	vbar_el1, x0
	ldr	x1, =GICR_SECOND
	str	wzr, [x1, #GICR_WAKER]
	ldr	x1, =GICR_SECOND + GICR_IGROUPR0
	mov	w0, #-1
	str	w0, [x1]
	str	w0, [x1, #GICR_ISENABLER0 - GICR_IGROUPR0]
	mov	x0, #0xff
	msr	ICC_PMR_EL1, x0
	mov	x0, #1
	msr	ICC_IGRPEN1_EL1, x0
	isb
	str	w0, [x19, #SECOND_UP]
	msr	daifclr, #2
1:	yield
	b	1b

	.balign	0x800
second_vectors:
	.skip	0x280
	mrs	x0, cntvct_el0
	str	x0, [x19, #SGI_AT]
	mrs	x0, ICC_IAR1_EL1
	msr	ICC_EOIR1_EL1, x0
	mov	w0, #1
	str	w0, [x19, #SGI_ENDED]
	eret

/* ---- hypercalls ---- */

hyperv_measure:
	mov	x18, x30
	mov	x1, #HV_SELF
	mov	x2, #HV_VP_SELF
	ldr	x3, =HV_REGISTER_OS_ID
	mov	x4, #0
	mov	x5, #1
	mov	x6, #0
	bl	hv_set
	measure	"hypercall with nothing to do", 300, bl hv_spin
	mov	x1, #CONNECTION
	measure	"HvCallSignalEvent to a host event port", 400, bl hv_signal
	mov	x1, #HV_SELF
	mov	x2, #HV_VP_SELF
	ldr	x3, =HV_REGISTER_INTERFACE
	measure	"HvCallGetVpRegisters of one", "", bl hv_get
	ldr	x3, =HV_REGISTER_STIMER0
	mov	x5, #STIMER_CONFIG
	bl	hv_set
	ldr	x3, =HV_REGISTER_STIMER0 + 1
	mov	x5, #-1			/* in the far future, so that it never comes */
	lsr	x5, x5, #2
	measure	"synthetic timer set, sooner than before", "", bl hv_sooner
	ret	x18

	.macro	hypercall label, control
\label:
	ldr	x0, =\control
	hvc	#1
	ret
	.endm
	hypercall hv_spin, HV_LONG_SPIN
	hypercall hv_signal, HV_SIGNAL_EVENT
	hypercall hv_get, HV_GET_REGISTERS + (1 << 32)
hv_sooner:
	sub	x5, x5, #100
	hypercall hv_set, HV_SET_REGISTERS + (1 << 32)

hvc_none:
	mov	w0, #0x84000000		/* PSCI_VERSION */
	hvc	#0
	ret

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

	.section .made, "aw", %progbits
	.balign	8
shared:
	.skip	24
	.skip	20
digits_end:
	.byte	0

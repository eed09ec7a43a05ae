/* SPDX-License-Identifier: MIT */
/* The guest of the Hyper-V interface's tests. */
#include "guest.h"

	/*
	 * What the test wants, by X19, with X0 to X17 as it has set them: 0 HVC #1, 1 HVC #0, 2 a wait for an
	 * interrupt, 3 nothing. Then it tells 1, and begins again. Interrupts are let in all the time.
	 */
	.section .rodata.guests, "a"
	.balign	16
	.globl	guest_hyperv, guest_hyperv_end
guest_hyperv:
	mov	x2, #0xf0
	msr	s3_0_c4_c6_0, x2		/* ICC_PMR_EL1 */
	mov	x2, #1
	msr	s3_0_c12_c12_7, x2		/* ICC_IGRPEN1_EL1 */
	isb
	msr	daifclr, #2
1:	mov	x20, #GUEST_PORT
	mov	w21, #1
	str	w21, [x20]
	cmp	x19, #1
	b.eq	2f
	b.gt	3f
	hvc	#1
	b	1b
2:	hvc	#0
	b	1b
3:	cmp	x19, #2
	b.ne	1b
	wfi
	b	1b
guest_hyperv_end:

	/* X19 times the fast HvCallSetVpRegisters of EOM, then HvCallGetVpRegisters of the VP's index: X0 is what they
	   took. */
	.globl	guest_hyperv_trips, guest_hyperv_trips_end
	.balign	16
guest_hyperv_trips:
	mov	x20, #GUEST_PORT
	mov	x23, #0x51			/* HvCallSetVpRegisters */
	ldr	w24, =0xa0014
	mov	w21, #1
1:	mov	x10, x19
	orr	x23, x23, #0x10000		/* fast */
	orr	x23, x23, #0x100000000		/* one of them */
	mrs	x22, cntvct_el0
2:	ldr	w0, =0x46000001
	mov	x1, x23
	mov	x2, #-1				/* of this partition, and VP */
	mov	x3, #0xfffffffe
	mov	x4, x24
	mov	x5, #0
	mov	x6, #0
	mov	x7, #0
	hvc	#0
	cbnz	w0, 3f
	subs	x10, x10, #1
	b.ne	2b
3:	mrs	x0, cntvct_el0
	sub	x0, x0, x22
	str	w21, [x20]
	mov	x23, #0x50			/* HvCallGetVpRegisters */
	ldr	w24, =0x90003
	add	w21, w21, #1
	b	1b
	.ltorg
guest_hyperv_trips_end:

	.section .note.GNU-stack, "", %progbits

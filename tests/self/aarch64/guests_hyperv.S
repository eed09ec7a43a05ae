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

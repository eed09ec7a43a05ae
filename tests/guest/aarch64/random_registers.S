/* SPDX-License-Identifier: MIT */
/* System registers, at random: the instruction is made in memory. What the guest itself stands on is left out. */
#include "harm.inc"

#define MSR_X0		0xd5000000
#define ENCODING	0x003fffe0	/* L, op0, op1, CRn, CRm, op2 */

guest_main:
	say	"guest: random registers"
next:
	adr	x28, next
	mov	x0, #0
	msr	mdscr_el1, x0
	bl	random
	mov	x20, x0			/* the value */
	bl	random_bits
	and	w21, w0, #ENCODING
	ubfx	w1, w21, #19, #2	/* op0 */
	ubfx	w2, w21, #12, #4	/* CRn */
	ubfx	w3, w21, #16, #3	/* op1 */
	/* Feature registers more often than by chance. */
	tst	w0, #0xc0000000
	b.ne	1f
	mov	w2, #0x8000
	movk	w2, #0x38, lsl #16
	and	w21, w0, #0xfe0
	orr	w21, w21, w2
	and	w21, w21, #0xfffff8ff
	b	write
1:	cmp	w1, #2
	b.lo	next			/* hints and barriers, WFI among them */
	cmp	w3, #0
	b.ne	write
	cmp	w2, #1			/* SCTLR_EL1, CPACR_EL1 */
	b.eq	next
	cmp	w2, #2			/* TTBR0_EL1, TCR_EL1 */
	b.eq	next
	ubfx	w4, w21, #8, #4
	cmp	w2, #12
	b.ne	2f
	cbz	w4, next		/* VBAR_EL1 */
2:	cmp	w2, #4
	b.eq	next			/* SPSel and its like */
write:
	ldr	w2, =MSR_X0
	orr	w21, w21, w2
	ldr	x22, =made
	str	w21, [x22]
	dc	cvau, x22
	dsb	ish
	ic	ivau, x22
	dsb	ish
	isb
	mov	x0, x20
	blr	x22
	b	next

	.section .made, "awx", %progbits
	.balign	64
made:	nop
	ret
	.text

/* SPDX-License-Identifier: MIT */
/* Page tables of the upper half anywhere: in devices, in nothing, in RAM full of random descriptors. Its own stand still. */
#include "harm.inc"

#define TCR	0x5b5193519		/* T0SZ = T1SZ = 25, 4 KiB, cached, 48 bits */
#define MAIR	0x00ff			/* 0: Normal, 1: Device-nGnRnE */
#define UPPER	0xffffff8000000000
#define BLOCK_RAM    (RAM + 0x701)	/* AF, inner shareable, attribute 0 */
#define BLOCK_DEVICE 0x405		/* AF, attribute 1 */
#define SCTLR_M	1
#define WORDS	512

guest_main:
	say	"guest: page tables anywhere"
	ldr	x0, =own_table
	ldr	x1, =BLOCK_DEVICE
	ldr	x2, =BLOCK_RAM
	stp	x1, x2, [x0]
	ldr	x1, =MAIR
	msr	mair_el1, x1
	ldr	x1, =TCR
	msr	tcr_el1, x1
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x0
	isb
	tlbi	vmalle1
	dsb	ish
	mrs	x0, sctlr_el1
	orr	x0, x0, #SCTLR_M
	msr	sctlr_el1, x0
	isb
next:
	adr	x28, next
	bl	random_bits
	mov	x21, x0
	bl	random
	tbnz	x21, #0, in_memory
	and	x20, x0, #0xfffffffff000
	tbz	x21, #1, use
	and	x20, x20, #0x0fffffff	/* devices, and what is between them */
	b	use
in_memory:				/* descriptors that lead on to anything */
	ldr	x20, =random_table
	mov	x22, #WORDS
1:	bl	random
	orr	x0, x0, #1
	subs	x22, x22, #1
	str	x0, [x20, x22, lsl #3]
	b.ne	1b
use:
	msr	ttbr1_el1, x20
	isb
	tlbi	vmalle1
	dsb	ish
	isb
	bl	random_bits
	ldr	x22, =UPPER
	orr	x22, x22, x0
	try	ldr	x1, [x22]
	try	ldrb	w1, [x22]
	try	at	s1e1r, x22
	try	at	s1e0w, x22
	try	dc	civac, x22
	try	blr	x22
	try	ldp	x1, x2, [x22]
	b	next

	.bss
	.balign	4096
own_table:
	.skip	4096
random_table:
	.skip	4096
	.text

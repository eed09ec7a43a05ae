/* SPDX-License-Identifier: MIT */
/* SMC and HVC with random functions and arguments; first of all the end of the machine by semihosting. */
#include "harm.inc"

#define PSCI_BASE	0x84000000
#define PSCI_BASE_64	0xc4000000
#define HYPERCALL	0x46000001
/* Bits of PSCI's functions that end or suspend the caller. */
#define ENDS		(1 << 1 | 1 << 2 | 1 << 8 | 1 << 9 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 18 | 1 << 21)

#define SEMIHOSTING_EXIT 0x18

guest_main:
	mov	x0, #SEMIHOSTING_EXIT
	ldr	x1, =exit_block
	try	hlt	#0xf000
	say	"guest: random calls"
next:
	adr	x28, next
	bl	random
	mov	x21, x0
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 17
	bl	random
	mov	x\n, x0
	.endr
	and	x0, x21, #31
	tbnz	x21, #8, functions
	tbnz	x21, #9, hypercall
	bl	random_bits
	b	call
hypercall:
	ldr	w0, =HYPERCALL
	and	x1, x1, #0xff
	b	call
functions:
	ldr	w22, =ENDS
	lsr	w22, w22, w0
	tbnz	w22, #0, next
	ldr	w22, =PSCI_BASE
	ldr	w23, =PSCI_BASE_64
	tst	x21, #0x400
	csel	w22, w22, w23, eq
	orr	w0, w0, w22
call:
	/* Any of these may be one of those that end; what is left is random. */
	and	w22, w0, #0xbfffffff
	ldr	w23, =PSCI_BASE
	eor	w22, w22, w23
	cmp	w22, #31
	b.hi	1f
	ldr	w23, =ENDS
	lsr	w23, w23, w22
	tbnz	w23, #0, next
1:	tbnz	x21, #11, 2f
	tbnz	x21, #12, 3f
	tbnz	x21, #13, 4f
	hvc	#0
	b	next
2:	smc	#0
	b	next
3:	mov	x0, x1
	hvc	#1
	b	next
4:	hvc	#0x1234
	b	next

	.section .rodata
	.balign	8
exit_block:
	.quad	0x20026, 0		/* ADP_Stopped_ApplicationExit */

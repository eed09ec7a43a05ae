/* SPDX-License-Identifier: MIT */
/* How many ticks of the counter a write and a read of a device take, and what no exit takes, for 1000 of each. */
#include "guest.inc"
#define ROUNDS 1000

.macro measure name, instruction:vararg
	mov	x22, #ROUNDS
	isb
	mrs	x23, cntvct_el0
1:	\instruction
	subs	x22, x22, #1
	b.ne	1b
	isb
	mrs	x9, cntvct_el0
	sub	x23, x9, x23
	say	"\name: "
	mov	x9, x23
	bl	print_number
	say	"\n"
.endm

	.text
	.globl	_start
_start:	ldr	x0, =stack
	mov	sp, x0
	ldr	x20, =RTC
	mov	w1, #1
	measure "none", nop
	measure "write", str w1, [x20, #0x10]
	measure "read", ldr w1, [x20, #0x10]
	measure "pair", ldp w1, w2, [x20, #0x10]
	power_off
	guest_functions
	.bss
	.balign	16
	.skip	1024
stack:

/* SPDX-License-Identifier: MIT */
/*
 * What exits cost, in instructions of an emulator that counts them by its clock: the counter has CNTFRQ_EL0 ticks a
 * second, of 10^9 instructions. What SGIs cost a self test measures.
 */
#include "../../guest/aarch64/harm.inc"
#define ROUNDS		1000
#define PL011_LEVELS	0x34		/* UARTIFLS: nobody sees what it holds */

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
	psci	PSCI_SYSTEM_OFF
	ret

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
	.skip	20
digits_end:
	.byte	0

/* SPDX-License-Identifier: MIT */
/*
 * A Linux program that prints what the virtual counter says, in nanoseconds: on an emulator whose clock counts
 * instructions, how many there were since the counter was 0.
 */
#define SYS_WRITE 64
#define SYS_EXIT  93

	.text
	.globl _start
_start:
	mrs	x0, cntvct_el0
	ldr	x1, =1000000000
	mrs	x2, cntfrq_el0
	udiv	x1, x1, x2
	mul	x0, x0, x1
	ldr	x3, =line_end
	mov	x1, #10
1:	udiv	x2, x0, x1
	msub	x4, x2, x1, x0
	add	w4, w4, #'0'
	strb	w4, [x3, #-1]!
	mov	x0, x2
	cbnz	x0, 1b
	mov	x20, x3
	ldr	x1, =words
	mov	x2, #words_end - words
	bl	write
	mov	x1, x20
	ldr	x2, =line_end + 1
	sub	x2, x2, x1
	bl	write
	mov	x0, #0
	mov	x8, #SYS_EXIT
	svc	#0

write:
	mov	x0, #1
	mov	x8, #SYS_WRITE
	svc	#0
	ret

	.data
words:
	.ascii "trivet-guest: time stamp "
words_end:
	.skip 20
line_end:
	.ascii "\n"

	.section .note.GNU-stack, "", %progbits

/* SPDX-License-Identifier: MIT */
/*
 * void *memset(void *to, int byte, size_t size), with general registers alone: that of the C library uses those of
 * SIMD, which hold a guest's, and each of its calls would have them saved.
 */
	.section .text.memset, "ax", %progbits
	.globl	memset
	.type	memset, %function
memset:
	and	x1, x1, #0xff
	mov	x3, #0x0101010101010101
	mul	x1, x1, x3
	mov	x3, x0
	subs	x2, x2, #64
	b.lo	2f
1:	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hs	1b
2:	add	x2, x2, #64		/* 0 to 63 are left */
	tbz	x2, #5, 3f
	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	add	x3, x3, #32
3:	tbz	x2, #4, 4f
	stp	x1, x1, [x3], #16
4:	tbz	x2, #3, 5f
	str	x1, [x3], #8
5:	tbz	x2, #2, 6f
	str	w1, [x3], #4
6:	tbz	x2, #1, 7f
	strh	w1, [x3], #2
7:	tbz	x2, #0, 8f
	strb	w1, [x3]
8:	ret
	.size	memset, . - memset

	.section .note.GNU-stack, "", %progbits

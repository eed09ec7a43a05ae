/* SPDX-License-Identifier: MIT */
/* Sends messages to the VMBus without a pause, which are none. */
#include "harm.inc"
#define CALL_SET_REGISTERS 0x51
#define CALL_POST_MESSAGE  0x5c
#define CALL_FAST	   (1 << 16)
#define CALL_ONE	   (1 << 32)	/* one element */
#define GUEST_OS_ID	   0x00090002
#define OS_ID		   0x8100000000000000
#define CONNECTION_OLD	   1

guest_main:
	ldr	x0, =(CALL_SET_REGISTERS | CALL_FAST | CALL_ONE)
	mov	x1, #-1			/* this partition, */
	mov	w2, #-2			/* this VP */
	ldr	x3, =GUEST_OS_ID
	mov	x4, #0
	ldr	x5, =OS_ID
	mov	x6, #0
	hvc	#1
	say	"guest: posts"
1:	mov	x0, #CALL_POST_MESSAGE
	ldr	x1, =message
	mov	x2, #0
	hvc	#1
	b	1b

	.section .made, "aw", %progbits
	.balign	256
message:
	.word	CONNECTION_OLD, 0, 1, 8	/* reserved, type, size of the payload */
	.word	0xffff, 0
	.skip	232

/* SPDX-License-Identifier: MIT */
/* Reads every port by bytes, words and double words, also with a string instruction, and writes
 * zeros to each that does not end the partition. */
#include "guest.inc"
#define PORTS	    0x10000
#define EXIT_FIRST  (DEBUG_EXIT - 3) /* a double word here reaches the exit device */
#define EXIT_LAST   (DEBUG_EXIT + 3)

guest_main:
	xor %ebx, %ebx
1:	mov %ebx, %edx
	in %dx, %al
	in %dx, %ax
	in %dx, %eax
	mov $buffer, %edi
	mov $2, %ecx
	rep insw
	cmp $EXIT_FIRST, %ebx
	jb 2f
	cmp $EXIT_LAST, %ebx
	jbe 3f
2:	xor %eax, %eax
	out %al, %dx
	out %ax, %dx
	out %eax, %dx
3:	inc %ebx
	cmp $PORTS, %ebx
	jb 1b
	say "guest: every port answers"
	xor %eax, %eax
	jmp debug_exit

	.bss
	.balign 8
buffer:	.skip 8

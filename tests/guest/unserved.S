/* SPDX-License-Identifier: MIT */
/* Ports and addresses that nobody serves read as ones, and take writes. */
#include "guest.inc"
#define UNSERVED_PORT	 0x2345
#define UNSERVED_ADDRESS 0xd0001000

guest_main:
	mov $UNSERVED_PORT, %dx
	xor %eax, %eax
	out %eax, %dx
	in %dx, %eax
	cmp $-1, %eax
	jne wrong
	in %dx, %al
	cmp $0xff, %al
	jne wrong
	movl $0, UNSERVED_ADDRESS
	mov UNSERVED_ADDRESS, %eax
	cmp $-1, %eax
	jne wrong
	movzbl UNSERVED_ADDRESS + 3, %eax
	cmp $0xff, %eax
	jne wrong
	say "guest: ones everywhere"
	xor %eax, %eax
	jmp debug_exit
wrong:
	say "guest: not ones"
	mov $1, %eax
	jmp debug_exit

/* SPDX-License-Identifier: MIT */
/* Sends messages to the VMBus without a pause, which are none. */
#include "guest.inc"
#define MSR_GUEST_OS_ID	 0x40000000
#define MSR_HYPERCALL	 0x40000001
#define OS_ID_HIGH	 0x81000000
#define CALL_POST_MESSAGE 0x5c
#define CONNECTION_OLD	 1

guest_main:
	mov $MSR_GUEST_OS_ID, %ecx
	xor %eax, %eax
	mov $OS_ID_HIGH, %edx
	wrmsr
	mov $MSR_HYPERCALL, %ecx
	mov $hypercall, %eax
	or $1, %eax
	xor %edx, %edx
	wrmsr
	say "guest: posts"
1:	mov $CALL_POST_MESSAGE, %eax
	xor %edx, %edx
	mov $message, %ecx
	xor %ebx, %ebx
	xor %esi, %esi
	xor %edi, %edi
	call hypercall
	jmp 1b

	.data
	.balign 256
message:
	.long CONNECTION_OLD, 0, 1, 8	/* reserved, type, size of the payload */
	.long 0xffff, 0
	.skip 232

	.bss
	.balign 4096
hypercall:
	.skip 4096

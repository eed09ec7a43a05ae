/* SPDX-License-Identifier: MIT */
/*
 * A Linux program (32-bit, by interrupt 0x80) that prints the time stamp counter: on an emulator
 * whose clock counts instructions, how many there were since the counter was 0.
 */
#define SYS_EXIT  1
#define SYS_WRITE 4

	.text
	.globl start
start:
	rdtsc
	mov $line_end, %edi
	mov $10, %ecx
	mov %edx, %ebp		/* the counter is EBP:EBX */
	mov %eax, %ebx
1:	xor %edx, %edx
	mov %ebp, %eax
	div %ecx
	mov %eax, %ebp
	mov %ebx, %eax
	div %ecx
	mov %eax, %ebx
	add $'0', %dl
	dec %edi
	mov %dl, (%edi)
	or %ebp, %eax
	jnz 1b
	mov $SYS_WRITE, %eax
	mov $1, %ebx
	mov $words, %ecx
	mov $words_end - words, %edx
	int $0x80
	mov $SYS_WRITE, %eax
	mov %edi, %ecx
	mov $line_end + 1, %edx
	sub %edi, %edx
	int $0x80
	mov $SYS_EXIT, %eax
	xor %ebx, %ebx
	int $0x80

	.data
words:
	.ascii "trivet-guest: time stamp "
words_end:
	.skip 20
line_end:
	.ascii "\n"

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/* Tells by its Hyper-V interface that it has crashed, with a text of two lines, and ends. */
#include "guest.inc"
#define CRASH_P0	0x40000100
#define CRASH_P3	0x40000103
#define CRASH_P4	0x40000104
#define CRASH_CTL	0x40000105
#define NOTIFY_MESSAGE	0xc0000000	/* bits 63 and 62 */
	.macro write_msr register, low, high=0
	mov $\register, %ecx
	mov $\low, %eax
	mov $\high, %edx
	wrmsr
	.endm
guest_main:
	write_msr CRASH_P0, 0x4711
	write_msr CRASH_P3, text
	write_msr CRASH_P4, "(text_end-text)"
	write_msr CRASH_CTL, 0, NOTIFY_MESSAGE
	say "guest: has told"
	mov $0, %eax
	call debug_exit
	.section .rodata
text:	.ascii "nothing goes any more\n\033[31mred\n"
text_end:

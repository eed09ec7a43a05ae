/* SPDX-License-Identifier: MIT */
/*
 * Waits for a byte on its console. Then it resets its machine a hundred times, in each way that there is
 * in turn; the count is kept in the battery-backed memory. Then it tells, begins anew, and waits again.
 */
#include "guest.inc"
#define CMOS_INDEX    0x70
#define CMOS_DATA     0x71
#define CMOS_COUNT    0x50
#define RESET_CONTROL 0xcf9	/* the FADT's reset register, too */
#define RESET_HARD    0x06
#define KBC_COMMAND   0x64
#define KBC_RESET     0xfe
#define PORT_A	      0x92
#define PORT_A_RESET  0x01
#define LINE_READY    0x01
#define COM1_MODEM_CONTROL 0x3fc
#define REQUEST_TO_SEND	   0x02
#define RESETS	      100
#define WAYS	      4

guest_main:
	mov $CMOS_COUNT, %al
	out %al, $CMOS_INDEX
	in $CMOS_DATA, %al
	test %al, %al
	jnz 2f
	mov $COM1_MODEM_CONTROL, %dx
	mov $REQUEST_TO_SEND, %al
	out %al, %dx
	say "guest: waits"
	mov $COM1_LINE_STATUS, %dx
1:	in %dx, %al
	test $LINE_READY, %al
	jz 1b
	mov $COM1_DATA, %dx
	in %dx, %al
	mov $CMOS_COUNT, %al
	out %al, $CMOS_INDEX
	xor %al, %al
2:	cmp $RESETS, %al
	jb 3f
	say "guest: reset a hundred times"
	mov $CMOS_COUNT, %al
	out %al, $CMOS_INDEX
	xor %al, %al
	out %al, $CMOS_DATA
	jmp guest_main
3:	inc %al
	out %al, $CMOS_DATA
	and $(WAYS - 1), %eax
	jmp *ways(, %eax, 4)

by_register:
	mov $RESET_CONTROL, %dx
	mov $RESET_HARD, %al
	out %al, %dx
1:	jmp 1b
by_keyboard:
	mov $KBC_RESET, %al
	out %al, $KBC_COMMAND
1:	jmp 1b
by_port_a:
	mov $PORT_A_RESET, %al
	out %al, $PORT_A
1:	jmp 1b
by_triple_fault:
	lidt no_table
	ud2

	.section .rodata
	.balign 4
ways:
	.long by_register, by_keyboard, by_port_a, by_triple_fault
no_table:
	.word 0
	.long 0

/* SPDX-License-Identifier: MIT */
/*
 * Measures round trips out of a guest, from within: the time stamp before and after many of them.
 * On an emulator whose clock counts instructions the quotient is instructions for one, the
 * guest's loop included. Prints the lines that scripts/bench reads.
 */
#include "../guest/guest.inc"
#define ROUNDS		 1000
#define APIC_BASE_MSR	 0x1b
#define UNSERVED_PORT	 0x2345
#define UNSERVED_ADDRESS 0xd0001000

/* What is measured. EDI counts the rounds and must be kept. */
	.macro do_cpuid
	xor %eax, %eax
	cpuid
	.endm

	.macro do_rdmsr
	mov $APIC_BASE_MSR, %ecx
	rdmsr
	.endm

	.macro do_out
	mov $UNSERVED_PORT, %dx
	out %eax, %dx
	.endm

	.macro do_mmio
	mov %eax, UNSERVED_ADDRESS
	.endm

/* measure NAME, LIMIT (none: ""), one of these. */
	.macro measure name, limit, code
	\code			/* the first one may have to build something */
	rdtsc
	mov %eax, before
	mov $ROUNDS, %edi
1:	\code
	dec %edi
	jnz 1b
	rdtsc
	sub before, %eax
	xor %edx, %edx
	mov $ROUNDS, %ecx
	div %ecx
	mov %eax, quotient
	print_text "bench: \name: "
	mov quotient, %eax
	call print_number
	print_text " instructions\limit\r\n"
	.endm

	.macro print_text text
	.section .rodata
.Ltext\@:
	.asciz "\text"
	.text
	mov $.Ltext\@, %esi
	call print
	.endm

guest_main:
	measure "CPUID handled in the kernel", " (limit 250)", do_cpuid
	measure "RDMSR handled in the kernel", "", do_rdmsr
	measure "OUT handled by the root task", " (limit 1200)", do_out
	measure "MMIO write handled by the root task", "", do_mmio
	xor %eax, %eax
	jmp debug_exit

/* EAX in decimal. */
print_number:
	mov $number_end, %esi
	mov $10, %ecx
1:	xor %edx, %edx
	div %ecx
	add $'0', %dl
	dec %esi
	mov %dl, (%esi)
	test %eax, %eax
	jnz 1b
	jmp print

	.data
before:
	.long 0
quotient:
	.long 0
	.skip 10
number_end:
	.byte 0

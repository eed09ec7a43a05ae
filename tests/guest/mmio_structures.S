/* SPDX-License-Identifier: MIT */
/* Puts where devices are what a processor expects in memory; the command line's letter tells what:
 * f: code, in the local APIC; g: code, in the I/O APIC; h: code that runs from RAM into a device;
 * c: the page directory, in the local APIC; u: the page directory, where there is nothing;
 * b: the page directory, in the last page below 4 GiB; t: a page table, in the I/O APIC;
 * p: the PAE directory pointers; i: the IDT; d: the GDT; s: the stack of a fault; k: the TSS. */
#include "hostile.inc"
#define IOAPIC	   0xfec00000
#define NOTHING	   0xd0000000
#define LAST_PAGE  0xfffff000
#define RAM_END	   0x01000000 /* of a guest with 16 MiB */
#define CR0_PG_PE  0x80000011
#define CR4_PSE	   0x10
#define CR4_PAE	   0x20
#define PAGE_LARGE 0x83
#define PAGE_TABLE 3
#define TASK_TYPE  0x89
#define MOVL_EAX   0xa1 /* opcode of mov ADDRESS, %eax */

guest_main:
	call hostile_setup
	mov %eax, %ebp
	say_kind "guest: structures in devices:"
	movl $stuck, resume
	mov %ebp, %eax
	mov $choices, %esi
1:	cmp (%esi), %eax
	je 2f
	add $8, %esi
	cmp $choices_end, %esi
	jb 1b
stuck:	jmp .
2:	jmp *4(%esi)

fetch_lapic:
	mov $LAPIC, %eax
	jmp *%eax
fetch_ioapic:
	mov $IOAPIC, %eax
	jmp *%eax
/* Its first three bytes are the last of RAM. */
fetch_across:
	movb $MOVL_EAX, RAM_END - 3
	movw $0, RAM_END - 2
	mov $RAM_END - 3, %eax
	jmp *%eax

directory_lapic:
	mov $LAPIC, %eax
	jmp page
directory_nothing:
	mov $NOTHING, %eax
	jmp page
directory_last:
	mov $LAST_PAGE, %eax
	jmp page
pointers:
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	mov $LAPIC + 0x20, %eax
page:	mov %eax, %cr3
	mov $CR0_PG_PE, %eax
	mov %eax, %cr0
	jmp stuck

table:	movl $PAGE_LARGE, directory
	movl $IOAPIC + PAGE_TABLE, directory + 4
	mov $directory, %eax
	mov %eax, %cr3
	mov $CR4_PSE, %eax
	mov %eax, %cr4
	mov $CR0_PG_PE, %eax
	mov %eax, %cr0
	mov 0x400000, %eax
	movl $1, 0x400000
	jmp stuck

interrupts:
	movl $IOAPIC, idt_pointer + 2
	lidt idt_pointer
	ud2
segments:
	movl $LAPIC, gdt_pointer + 2
	lgdt gdt_pointer
	mov $DATA, %eax
	mov %eax, %fs
	jmp stuck
stack:	mov $IOAPIC + 0x20, %esp
	ud2
task_state:
	movw $0x67, gdt_task
	movw $LAPIC & 0xffff, gdt_task + 2
	movb $LAPIC >> 16 & 0xff, gdt_task + 4
	movb $TASK_TYPE, gdt_task + 5
	movb $LAPIC >> 24, gdt_task + 7
	ljmp $TASK, $0
	jmp stuck

	.section .rodata
	.balign 4
choices:
	.long 'f', fetch_lapic, 'g', fetch_ioapic, 'h', fetch_across, 'c', directory_lapic
	.long 'u', directory_nothing, 'b', directory_last, 't', table, 'p', pointers
	.long 'i', interrupts, 'd', segments, 's', stack, 'k', task_state
choices_end:

	.bss
	.balign 4096
directory:
	.skip 4096

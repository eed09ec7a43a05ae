/* SPDX-License-Identifier: MIT */
/*
 * Where a started CPU begins: a page below 1 MiB, in real mode. arch/x86_64/cpu_start.c copies
 * trampoline_start..trampoline_end there; the code works at any page, which it learns from CS.
 * With the boot tables it reaches the kernel's image, takes the ticket of the start that is
 * under way, and goes on in cpu_started() on its own stack. A CPU that comes too late finds no
 * ticket, and halts.
 */
#include <arch/layout.h>

#define CR0_PE		0x1
#define CR0_PG_WP_PE	0x80010001
#define CR4_PAE		0x20
#define EFER		0xc0000080
#define EFER_LME_NXE	0x900
#define AT(symbol)	((symbol) - trampoline_start)

	.section .rodata, "a"
	.balign 16
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	xor %esi, %esi
	mov %ax, %si
	shl $4, %esi			/* where this page is */
	lea AT(gdt)(%esi), %eax
	mov %eax, AT(gdt_pointer) + 2
	lea AT(protected)(%esi), %eax
	mov %eax, AT(far_protected)
	lea AT(long)(%esi), %eax
	mov %eax, AT(far_long)
	lgdtl AT(gdt_pointer)
	mov $CR0_PE, %eax
	mov %eax, %cr0
	ljmpl *AT(far_protected)
	.code32
protected:
	mov $SELECTOR_KERNEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	rdmsr
	or $EFER_LME_NXE, %eax
	wrmsr
	mov $CR0_PG_WP_PE, %eax
	mov %eax, %cr0
	ljmp *AT(far_long)(%esi)
	.code64
long:
	mov $cpu_start_entry, %rax
	jmp *%rax

	.balign 8
gdt:
	.quad 0
	.quad 0x00209b0000000000	/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10: flat data */
	.quad 0x00cf9b000000ffff	/* 0x18: 32-bit code */
gdt_pointer:
	.short gdt_pointer - gdt - 1
	.long 0
far_protected:
	.long 0
	.short 0x18
far_long:
	.long 0
	.short SELECTOR_KERNEL_CODE
trampoline_end:

	.text
cpu_start_entry:
	xor %edi, %edi
	xchg %rdi, cpu_start_ticket	/* the CPU's area, for the first who asks */
	test %rdi, %rdi
	jz 1f
	mov kernel_cr3, %rax
	mov %rax, %cr3
	lea CPU_STACK_TOP(%rdi), %rsp
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	xor %ebp, %ebp
	call cpu_started
1:	cli
	hlt
	jmp 1b

	.section .note.GNU-stack, "", @progbits

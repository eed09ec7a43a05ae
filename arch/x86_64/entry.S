/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C. A Multiboot2 loader enters at _start in 32-bit protected mode
 * without paging; this code checks that the processor can run the kernel at all, switches to long
 * mode with a first set of page tables and calls boot_prepare() in the upper half. That builds
 * the kernel's own tables; with them loaded boot_main() goes on, on the boot CPU's stack.
 *
 * The first tables map 0-4 GiB three times: where it lies, in the direct map, and (1 GiB of it)
 * where the kernel is linked. They serve once more for each further CPU (trampoline.S) and are
 * in no CPU's CR3 afterwards.
 */
#include <arch/layout.h>

#define MULTIBOOT2_MAGIC	0xe85250d6
#define MULTIBOOT2_LOADED	0x36d76289
#define MULTIBOOT2_I386		0
#define TAG_END			0
#define TAG_INFORMATION		1
#define TAG_MODULE_ALIGN	6
#define TAG_OPTIONAL		1
#define INFO_COMMAND_LINE	1
#define INFO_MODULE		3
#define INFO_MEMORY_MAP		6
#define INFO_ACPI_OLD		14
#define INFO_ACPI_NEW		15

#define PTE_TABLE	0x003	/* present, writable */
#define PTE_LARGE	0x083	/* and a leaf of 2 MiB */
#define CR0_PG_WP_PE	0x80010001
#define CR4_PAE		0x20
#define EFER		0xc0000080
#define EFER_LME_NXE	0x900
#define CPUID_EXTENDED	0x80000001
#define CPUID_LM	(1 << 29)
#define CPUID_NX	(1 << 20)
#define EFLAGS_ID	(1 << 21)
#define COM1		0x3f8
#define LINE_STATUS	5
#define LINE_EMPTY	0x20

	.section .multiboot2, "a"
	.balign 8
multiboot2_header:
	.long MULTIBOOT2_MAGIC, MULTIBOOT2_I386
	.long multiboot2_end - multiboot2_header
	.long -(MULTIBOOT2_MAGIC + MULTIBOOT2_I386 + (multiboot2_end - multiboot2_header))
	.balign 8
1:	.short TAG_INFORMATION, 0
	.long 2f - 1b
	.long INFO_MEMORY_MAP
2:
	.balign 8
1:	.short TAG_INFORMATION, TAG_OPTIONAL
	.long 2f - 1b
	.long INFO_COMMAND_LINE, INFO_MODULE, INFO_ACPI_OLD, INFO_ACPI_NEW
2:
	.balign 8
	.short TAG_MODULE_ALIGN, 0
	.long 8
	.balign 8
	.short TAG_END, 0
	.long 8
multiboot2_end:

	.section .boot.text, "ax"
	.code32
	.globl _start
_start:
	cli
	cld
	mov $boot_stack32, %esp
	mov %ebx, %ebp			/* the loader's information */
	mov $words_loader, %esi
	cmp $MULTIBOOT2_LOADED, %eax
	jne refuse
	mov $words_processor, %esi
	pushfl				/* CPUID is there when EFLAGS.ID can be changed */
	pop %eax
	mov %eax, %ecx
	xor $EFLAGS_ID, %eax
	push %eax
	popfl
	pushfl
	pop %eax
	cmp %eax, %ecx
	je refuse
	mov $0x80000000, %eax
	cpuid
	cmp $CPUID_EXTENDED, %eax
	jb refuse
	mov $CPUID_EXTENDED, %eax
	cpuid
	and $(CPUID_LM | CPUID_NX), %edx
	cmp $(CPUID_LM | CPUID_NX), %edx
	jne refuse

	/* 2048 large pages, in the four directories that stand one behind the other */
	mov $boot_directories, %edi
	mov $PTE_LARGE, %eax
	mov $2048, %ecx
1:	mov %eax, (%edi)
	add $8, %edi
	add $0x200000, %eax
	loop 1b
	mov $(boot_directories + PTE_TABLE), %eax
	mov %eax, boot_pdpt + 0
	mov %eax, boot_pdpt_high + 510 * 8
	add $0x1000, %eax
	mov %eax, boot_pdpt + 8
	add $0x1000, %eax
	mov %eax, boot_pdpt + 16
	add $0x1000, %eax
	mov %eax, boot_pdpt + 24
	movl $(boot_pdpt + PTE_TABLE), boot_pml4 + 0
	movl $(boot_pdpt + PTE_TABLE), boot_pml4 + 256 * 8
	movl $(boot_pdpt_high + PTE_TABLE), boot_pml4 + 511 * 8

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
	lgdt boot_gdt_pointer
	ljmp $SELECTOR_KERNEL_CODE, $1f
	.code64
1:	mov $boot_high, %rax		/* sign-extended: the upper half */
	jmp *%rax

	.code32
	/* Says ESI's words on the first serial port, and halts. */
refuse:
	lodsb
	test %al, %al
	jz 3f
	mov %al, %bl
	mov $0x10000, %ecx		/* a port that is not there never gets ready */
2:	mov $(COM1 + LINE_STATUS), %dx
	in %dx, %al
	test $LINE_EMPTY, %al
	loopz 2b
	mov %bl, %al
	mov $COM1, %dx
	out %al, %dx
	jmp refuse
3:	hlt
	jmp 3b

	.section .boot.rodata, "a"
words_loader:
	.asciz "trivet: the loader does not speak Multiboot2\r\n"
words_processor:
	.asciz "trivet: the processor has no 64-bit mode with no-execute pages\r\n"
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00209b0000000000	/* 64-bit code, ring 0 */
	.quad 0x0000930000000000	/* data */
boot_gdt_pointer:
	.short . - boot_gdt - 1
	.long boot_gdt

	.section .boot.bss, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_directories:
	.skip 4 * 4096
	.skip 64
boot_stack32:

	.section .bss
	.balign 16
	.skip 8192
boot_stack:

	.text
	.code64
boot_high:
	mov $SELECTOR_KERNEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $boot_stack, %rsp
	mov %ebp, %edi
	xor %ebp, %ebp
	call boot_prepare		/* gives the root of the kernel's tables */
	mov %rax, %cr3
	mov $(CPU_AREAS_BASE + CPU_STACK_TOP), %rsp
	call boot_main
	ud2

	.section .note.GNU-stack, "", @progbits

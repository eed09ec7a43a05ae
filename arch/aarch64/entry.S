/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C. A loader that knows the arm64 `Image` (Linux, Documentation/arch/arm64/booting)
 * puts it at any multiple of 2 MiB and enters at its first byte, at EL2, with the MMU off and the address of
 * the device tree in X0. The code makes a first set of tables and calls boot_prepare() with them; that builds
 * the kernel's own, with which boot_main() goes on, on the boot CPU's stack. Further CPUs come from PSCI to
 * secondary_entry, and load the kernel's tables at once.
 *
 * This page is mapped where it lies, in both sets of tables, for the moment in which the MMU is switched on.
 * Until then nothing has an address but by its distance.
 */
#include <arch/layout.h>

#define HCR_EL2_BOOT	0x8800		/* RW and TGE, in the upper half-word: no guest, and E2H off */
#define HCR_E2H		34
#define CPTR_RES1	0x33ff
#define IMAGE_FLAGS	0xa		/* little-endian, 4 KiB pages, anywhere in memory */
#define EL2		(2 << 2)
#define PAGE		4096
#define PE_HEADERS	PAGE
#define PE_AARCH64	0xaa64
#define PE_EXECUTABLE	0x206		/* and without debugging information */
#define PE_32_PLUS	0x20b
#define PE_APPLICATION	10
#define PE_CODE		0x60000020	/* read, executed */
#define PE_DATA		0xc0000040	/* read, written */

/* The first tables' entries, Arm ARM D8.3: all may be written and executed. */
#define TABLE		0x3
#define BLOCK_NORMAL	0x741		/* AF, inner shareable, AP[1], attributes 0 */

/* TCR_EL2: 48 bits, walks are cached and inner shareable; and the size of physical addresses. */
#define TCR_LOW		0x3510
#define TCR_HIGH	0x8080		/* RES1, in the upper half-word */
#define TCR_PS		16
#define PARANGE_40	2		/* fewer do not reach what VTCR_EL2 says: 39 bits */
#define PARANGE_48	5
/* MAIR_EL2: 0 normal, write-back; 1 device, nGnRE; 2 normal, not cached */
#define MAIR_LOW	0x04ff
#define MAIR_HIGH	0x0044

/* SCTLR_EL2: RES1; M, C, I, SA; WXN for the kernel's tables. */
#define SCTLR_OFF_LOW	0x0830
#define SCTLR_OFF_HIGH	0x30c5
#define SCTLR_BOOT	0x100d
#define SCTLR_WXN	(1 << 19)

	.section .image_header, "ax"
	.globl image_start
image_start:
	ccmp x18, #0, #13, pl		/* does nothing; its first two bytes are "MZ", for UEFI */
	b boot_entry
	.quad 0				/* from a multiple of 2 MiB */
	.quad __image_end - image_start
	.quad IMAGE_FLAGS
	.quad 0, 0, 0
	.ascii "ARM\x64"
	.long pe_header - image_start

	/* The same as an application of UEFI: PE/COFF, chapters 3 and 4. Code with constants, and data. */
	.balign 8
pe_header:
	.ascii "PE\0\0"
	.short PE_AARCH64, 2		/* sections */
	.long 0, 0, 0
	.short pe_sections - pe_optional, PE_EXECUTABLE
pe_optional:
	.short PE_32_PLUS, 0
	.long __data_start - image_start - PE_HEADERS
	.long __pe_data_memory
	.long 0
	.long efi_main - image_start
	.long PE_HEADERS
	.quad 0
	.long PAGE, PAGE		/* alignment in memory and in the file */
	.short 0, 0, 0, 0, 0, 0
	.long 0
	.long __image_end - image_start
	.long PE_HEADERS
	.long 0
	.short PE_APPLICATION, 0
	.quad 0, 0, 0, 0
	.long 0
	.long 6				/* directories, all empty */
	.quad 0, 0, 0, 0, 0, 0
pe_sections:
	.ascii ".text\0\0\0"
	.long __data_start - image_start - PE_HEADERS, PE_HEADERS
	.long __data_start - image_start - PE_HEADERS, PE_HEADERS
	.long 0, 0, 0, PE_CODE
	.ascii ".data\0\0\0"
	.long __pe_data_memory, __data_start - image_start
	.long __pe_data_file, __data_start - image_start
	.long 0, 0, 0, PE_DATA

	.globl _start
_start:
boot_entry:
	msr daifset, #0xf
	mov x20, x0
	adrp x19, image_start
	mrs x0, CurrentEL
	cmp x0, #EL2
	adrp x1, words_not_at_el2
	add x1, x1, :lo12:words_not_at_el2
	b.ne refuse
	bl el2_setup
	cbnz x1, refuse
	/* five tables, one behind the other */
	adrp x1, boot_tables
	add x2, x1, #0x5000
2:	stp xzr, xzr, [x1], #16
	cmp x1, x2
	b.ne 2b
	sub x1, x1, #0x5000		/* level 0 */
	add x3, x1, #0x1000		/* levels 1 and 2 of this place */
	add x4, x1, #0x2000
	add x5, x1, #0x3000		/* levels 1 and 2 of the image */
	add x6, x1, #0x4000
	add x7, x3, #TABLE
	lsr x8, x19, #39
	str x7, [x1, x8, lsl #3]
	add x7, x4, #TABLE
	ubfx x8, x19, #30, #9
	str x7, [x3, x8, lsl #3]
	mov x9, #BLOCK_NORMAL
	add x7, x19, x9
	ubfx x8, x19, #21, #9
	str x7, [x4, x8, lsl #3]
	add x7, x5, #TABLE
	str x7, [x1, #511 * 8]
	add x7, x6, #TABLE
	str x7, [x5]
	/* the image */
	ldr x10, =__image_end - KERNEL_IMAGE_BASE
	add x7, x19, x9
	mov x8, x6
3:	str x7, [x8], #8
	add x7, x7, #0x200000
	subs x10, x10, #0x200000
	b.hi 3b
	/* the device tree, if there is one, may reach over one end of 2 MiB */
	cbz x20, 5f
	bic x7, x20, #0x1fffff
	add x7, x7, x9
	add x8, x6, #BOOT_FDT_PAGE * 8
	add x10, x7, #0x200000
	stp x7, x10, [x8]
5:	/* what a cache may still have from before, of what was written past it */
	add x2, x1, #0x5000
	mov x3, x1
	dsb sy
4:	dc ivac, x3
	add x3, x3, #16
	cmp x3, x2
	b.ne 4b
	mov x0, x1
	ldr x1, =boot_high
	mov w2, #SCTLR_BOOT
	b mmu_on

	/* X1: why; X20: the device tree */
refuse:
	adrp x0, boot_stack_end
	mov sp, x0
	mov x29, xzr
	mov x0, x20
	bl boot_refuse_early
halt:	wfi
	b halt

	/* Registers of EL2 that a loader may have left anyhow; X0 to X2 are lost. X1: why this processor is none
	 * for Trivet, 0 if it is one. E2H may be fixed (Arm ARM, FEAT_E2H0), and then registers have another form. */
el2_setup:
	mov x0, #(HCR_EL2_BOOT << 16)
	msr hcr_el2, x0
	isb
	mrs x0, hcr_el2
	adrp x1, words_e2h
	add x1, x1, :lo12:words_e2h
	tbnz x0, #HCR_E2H, 1f
	mrs x0, id_aa64mmfr0_el1
	and x0, x0, #0xf
	adrp x1, words_physical
	add x1, x1, :lo12:words_physical
	cmp x0, #PARANGE_40
	b.lo 1f
	mov w0, #SCTLR_OFF_LOW
	movk w0, #SCTLR_OFF_HIGH, lsl #16
	msr sctlr_el2, x0
	isb
	mov w0, #MAIR_LOW
	movk w0, #MAIR_HIGH, lsl #16
	msr mair_el2, x0
	mov w0, #TCR_LOW
	movk w0, #TCR_HIGH, lsl #16
	mrs x1, id_aa64mmfr0_el1
	and x1, x1, #0xf
	mov x2, #PARANGE_48
	cmp x1, x2
	csel x1, x1, x2, ls
	orr x0, x0, x1, lsl #TCR_PS
	msr tcr_el2, x0
	mov w0, #CPTR_RES1
	msr cptr_el2, x0
	msr tpidr_el2, xzr
	mov x1, xzr
1:	ret

	/* X0: the root of tables in which this page lies where it is; X1: where to go on; X2: bits of
	 * SCTLR_EL2 beside RES1. The MMU may be on, with other tables: no translation of those is left. */
mmu_on:
	mov w3, #SCTLR_OFF_LOW
	movk w3, #SCTLR_OFF_HIGH, lsl #16
	dsb sy
	msr sctlr_el2, x3
	isb
	msr ttbr0_el2, x0
	isb
	tlbi alle2
	ic iallu
	dsb nsh
	isb
	orr x3, x3, x2
	msr sctlr_el2, x3
	isb
	br x1

	/* PSCI's CPU_ON, Arm DEN0022 6.4: at EL2 as who called it, MMU off. X0 is the CPU's area. */
	.globl secondary_entry
secondary_entry:
	msr daifset, #0xf
	mov x21, x0
	bl el2_setup
	cbnz x1, halt			/* who has started it says that it does not come */
	adrp x0, kernel_ttbr
	ldr x0, [x0, :lo12:kernel_ttbr]
	ldr x1, =secondary_high
	mov w2, #SCTLR_BOOT
	orr w2, w2, #SCTLR_WXN
	b mmu_on
	.ltorg
	.org image_start + 4096		/* and not more: one page is mapped */

	/* Not in .bss, which is cleared while these are in use. */
	.section .kept.bss, "aw", @nobits
	.balign 4096
boot_tables:
	.skip 4 * 4096
	.globl boot_image_entries
boot_image_entries:
	.skip 4096

	.skip 16384
	.globl boot_stack_end
boot_stack_end:
	.balign 4096

	.section .rodata
words_not_at_el2:
	.asciz "the processor is not at EL2: firmware, or an emulator, must start Trivet there"
words_e2h:
	.asciz "the processor cannot clear HCR_EL2.E2H (it lacks FEAT_E2H0)"
words_physical:
	.asciz "the processor has less than 40 bits of physical addresses"

	.text
	/* efi_enter(image, tree): the firmware is left, its translation still on, in which this lies where it is.
	 * (The first page it takes for headers, which are not executed.) */
	.globl efi_enter, efi_enter_end
efi_enter:
	msr daifset, #0xf
	mov x3, x0
	mrs x2, sctlr_el2
	bic x2, x2, #(1 << 0)		/* M */
	bic x2, x2, #(1 << 2)		/* C */
	msr sctlr_el2, x2
	isb
	tlbi alle2
	ic iallu
	dsb nsh
	isb
	mov x0, x1
	br x3
efi_enter_end:

boot_high:
	adrp x0, boot_stack_end
	mov sp, x0
	mov x29, xzr
	adrp x0, __bss_start
	adrp x1, __bss_end
1:	stp xzr, xzr, [x0], #16
	cmp x0, x1
	b.ne 1b
	mov x0, x19
	mov x1, x20
	bl boot_prepare			/* gives the root of the kernel's tables */
	ldr x1, =boot_on_stack
	mov w2, #SCTLR_BOOT
	orr w2, w2, #SCTLR_WXN
	ldr x3, =mmu_on - KERNEL_IMAGE_BASE
	add x3, x3, x19
	br x3

boot_on_stack:
	ldr x0, =CPU_AREAS_BASE
	msr tpidr_el2, x0
	add x1, x0, #CPU_STACK_TOP
	mov sp, x1
	mov x29, xzr
	bl boot_main
	brk #0

secondary_high:
	msr tpidr_el2, x21
	add x1, x21, #CPU_STACK_TOP
	mov sp, x1
	mov x29, xzr
	mov x0, x21
	bl cpu_started
	brk #0

	.section .note.GNU-stack, "", @progbits

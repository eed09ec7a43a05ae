/* SPDX-License-Identifier: MIT */
/*
 * Where things stand in the kernel's half of every address space, and the numbers that C and
 * assembly share: selectors, the CPU's area, offsets of fields. A field's offset is checked
 * against its structure in arch/x86_64/cpu.c.
 *
 *	0x0000000000001000	user half: the task's own, up to USER_LIMIT
 *	0xffff800000000000	direct map: all RAM (and ACPI tables), NX
 *	0xffffff0000000000	the CPUs' areas, CPU_AREA_SIZE each
 *	0xffffff4000000000	device registers, uncached
 *	0xffffffff80000000	the kernel image
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#ifdef __ASSEMBLY__
#define LAYOUT_UL(n) n
#else
#define LAYOUT_UL(n) n##ull
#endif

#define USER_LIMIT	    LAYOUT_UL(0x00007ffffffff000) /* the last page stays empty: SYSRET */
#define DIRECT_MAP_BASE	    LAYOUT_UL(0xffff800000000000)
#define DIRECT_MAP_SIZE	    LAYOUT_UL(0x0000400000000000) /* 64 TiB */
#define CPU_AREAS_BASE	    LAYOUT_UL(0xffffff0000000000)
#define DEVICE_MAP_BASE	    LAYOUT_UL(0xffffff4000000000)
#define DEVICE_MAP_SIZE	    LAYOUT_UL(0x0000004000000000)
#define KERNEL_IMAGE_OFFSET LAYOUT_UL(0xffffffff80000000)

#define ARCH_ELF_MACHINE 62 /* of the programs that it runs: ELF_MACHINE_X86_64 */

/*
 * A CPU's area, aligned to its size. Pages that are not named are guards.
 *
 *	page 0-1	struct cpu
 *	page 3		stack of NMI
 *	page 5-6	stack of #MC
 *	page 8-9	stack of #DF
 *	page 12-15	the CPU's stack
 */
#define CPU_AREA_SHIFT	  16
#define CPU_AREA_SIZE	  0x10000
#define CPU_AREA_PAGES	  16
#define CPU_PAGES_PRESENT 0xf36b /* bit n: page n is there */
#define CPU_STACK_NMI	  0x4000
#define CPU_STACK_MCE	  0x7000
#define CPU_STACK_DF	  0xa000
/* Not the very end, so that the mask finds the area also while the stack is empty. */
#define CPU_STACK_TOP	  0xffc0

/* The order is SYSCALL's and SYSRET's (SDM 3A 5.8.8): STAR holds 0x08 and 0x10. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b
#define SELECTOR_USER_CODE   0x23
#define SELECTOR_TSS	     0x28

/* struct arch_cpu, struct cpu */
#define CPU_SELF      0
#define CPU_STACK     8
#define CPU_USER_RSP  16
#define ARCH_CPU_SIZE 256
#define CPU_CURRENT   (ARCH_CPU_SIZE + 8)

/* struct user_registers, which struct arch_thread and struct thread begin with */
#define REG_RDI	   0
#define REG_RSI	   8
#define REG_RDX	   16
#define REG_R10	   24
#define REG_R8	   32
#define REG_R9	   40
#define REG_RAX	   48
#define REG_RBX	   56
#define REG_RBP	   64
#define REG_R12	   72
#define REG_R13	   80
#define REG_R14	   88
#define REG_R15	   96
#define REG_RCX	   104
#define REG_R11	   112
#define REG_RIP	   120
#define REG_CS	   128
#define REG_RFLAGS 136
#define REG_RSP	   144
#define REG_SS	   152

/* Interrupt vectors. */
#define VECTOR_PIC	  0x20 /* 16: what a masked 8259 pair may still raise */
#define VECTOR_CONSOLE	  0x30
#define VECTOR_TIMER	  0xef
#define VECTOR_KICK	  0xf0
#define VECTOR_POSTED	  0xf1 /* a guest has posted interrupts; the host has nothing to do */
#define VECTOR_APIC_ERROR 0xfe
#define VECTOR_SPURIOUS	  0xff

#endif

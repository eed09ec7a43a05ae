/* SPDX-License-Identifier: MIT */
/*
 * Where things stand in the kernel's address space, and the numbers that C and assembly share. A field's
 * offset is checked against its structure in arch/aarch64/cpu.c.
 *
 * EL2 has a translation of its own (TTBR0_EL2, 48 bits), in which there is no room for tasks: those have
 * theirs in stage 2 tables (include/arch/paging.h).
 *
 *	0x0000800000000000	direct map: all RAM, not executable
 *	0x0000f00000000000	the CPUs' areas, CPU_AREA_SIZE each
 *	0x0000f04000000000	device registers
 *	0x0000ff8000000000	the kernel image
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#ifdef __ASSEMBLY__
#define LAYOUT_UL(n) n
#else
#define LAYOUT_UL(n) n##ull
#endif

/* A task's addresses are intermediate ones of stage 2. Every processor has 40 bits of those; 39 are
 * what tables of three levels translate, and what is allowed on all. */
#define USER_BITS	  39
#define USER_LIMIT	  LAYOUT_UL(0x0000007ffffff000)
#define DIRECT_MAP_BASE	  LAYOUT_UL(0x0000800000000000)
#define DIRECT_MAP_SIZE	  LAYOUT_UL(0x0000400000000000) /* 64 TiB */
#define CPU_AREAS_BASE	  LAYOUT_UL(0x0000f00000000000)
#define DEVICE_MAP_BASE	  LAYOUT_UL(0x0000f04000000000)
#define DEVICE_MAP_SIZE	  LAYOUT_UL(0x0000004000000000)
#define KERNEL_IMAGE_BASE LAYOUT_UL(0x0000ff8000000000)

#define ARCH_ELF_MACHINE 183 /* of the programs that it runs: ELF_MACHINE_AARCH64 */

/* In the first tables only (entry.S): the device tree, and the console's registers. 2 MiB each. */
#define BOOT_FDT_PAGE	  256
#define BOOT_CONSOLE_PAGE 260

/*
 * A CPU's area, aligned to its size. Pages that are not named are guards.
 *
 *	page 0-1	struct cpu
 *	page 4-5	the stack of who has left its own
 *	page 12-15	the CPU's stack
 */
#define CPU_AREA_SIZE	    0x10000
#define CPU_AREA_PAGES	    16
#define CPU_PAGES_PRESENT   0xf033 /* bit n: page n is there */
#define CPU_STACK_TOP	    0x10000
#define CPU_STACK_LOWEST    0xc000
#define CPU_STACK_EMERGENCY 0x6000

/* struct cpu */
#define ARCH_CPU_SIZE 128
#define CPU_CURRENT   (ARCH_CPU_SIZE + 8)

/* struct user_registers, which struct arch_thread and struct thread begin with */
#define REG_X(n)   ((n)*8)
#define REG_SP	   248
#define REG_PC	   256
#define REG_PSTATE 264

/* struct trap_frame */
#define FRAME_SP   248
#define FRAME_PC   256
#define FRAME_ESR  272
#define FRAME_KIND 288
#define FRAME_SIZE 304

/* What a vector says to C: enum trap_kind. */
#define TRAP_SYNCHRONOUS 0
#define TRAP_IRQ	 1
#define TRAP_FIQ	 2
#define TRAP_SERROR	 3
#define TRAP_OVERFLOW	 4 /* the stack pointer is not on the CPU's stack */
#define TRAP_UNEXPECTED	 5 /* from a mode that nobody uses */

/* Software generated interrupts. */
#define SGI_KICK 0
#define SGI_STOP 1

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The doors into the kernel and the way out.
 *
 * From EL0 the registers go straight into the current thread (struct thread begins with struct
 * user_registers), the CPU's stack is empty, and C begins there; nothing returns, the way out is
 * thread_leave(). An exception of EL2 itself is a bug: its registers go on the stack, in a struct trap_frame; if
 * the stack pointer is not on the CPU's stack any more, on the stack for that.
 */
#include <arch/layout.h>

#define ESR_EC_SHIFT	26
#define EC_SVC64	0x15

	.text

	/* X0 and X1 lie on the stack: the rest goes to the thread, whose registers X0 has then. */
	.macro save_user
	stp x0, x1, [sp, #-16]!
	mrs x0, tpidr_el2
	ldr x0, [x0, #CPU_CURRENT]
	stp x2, x3, [x0, #REG_X(2)]
	stp x4, x5, [x0, #REG_X(4)]
	stp x6, x7, [x0, #REG_X(6)]
	stp x8, x9, [x0, #REG_X(8)]
	ldp x2, x3, [sp], #16
	stp x10, x11, [x0, #REG_X(10)]
	stp x12, x13, [x0, #REG_X(12)]
	stp x14, x15, [x0, #REG_X(14)]
	stp x16, x17, [x0, #REG_X(16)]
	stp x18, x19, [x0, #REG_X(18)]
	stp x20, x21, [x0, #REG_X(20)]
	stp x22, x23, [x0, #REG_X(22)]
	stp x24, x25, [x0, #REG_X(24)]
	stp x26, x27, [x0, #REG_X(26)]
	stp x28, x29, [x0, #REG_X(28)]
	stp x2, x3, [x0, #REG_X(0)]
	mrs x4, sp_el0
	mrs x5, elr_el2
	mrs x6, spsr_el2
	stp x30, x4, [x0, #REG_X(30)]
	stp x5, x6, [x0, #REG_PC]
	mov x29, xzr
	.endm

	.macro from_user kind
	.balign 128
	b trap_user_\kind
	.endm

	/* Of EL2 itself: room for the frame, if that lies on the stack (its offset in the area is from
	 * CPU_STACK_LOWEST on). No register is free to look: SP and X0 are added, and taken apart again. */
	.macro from_kernel kind
	.balign 128
	sub sp, sp, #FRAME_SIZE
	add sp, sp, x0
	sub x0, sp, x0
	tbz x0, #15, 1f
	tbz x0, #14, 1f
	sub x0, sp, x0
	sub sp, sp, x0
	stp x0, x1, [sp]
	mov x0, #\kind
	b trap_kernel
1:	sub x0, sp, x0
	sub sp, sp, x0
	b trap_overflow
	.endm

	.balign 2048
	.globl trap_vectors, trap_kernel_vectors
trap_vectors:
	/* of EL2 with SP_EL0, which nobody uses */
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	/* of EL2 */
	.balign 128
trap_kernel_vectors:
	from_kernel TRAP_SYNCHRONOUS
	from_kernel TRAP_IRQ
	from_kernel TRAP_FIQ
	from_kernel TRAP_SERROR
	/* of EL0, in AArch64 */
	from_user synchronous
	from_user irq
	from_user fiq
	from_user serror
	/* in AArch32, where no task is */
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	from_kernel TRAP_UNEXPECTED
	.balign 128

trap_user_synchronous:
	save_user
	mrs x1, esr_el2
	lsr x2, x1, #ESR_EC_SHIFT
	cmp x2, #EC_SVC64
	b.ne 1f
	mov x1, x0			/* the arguments stand first */
	ldr x0, [x0, #REG_X(8)]
	bl trap_syscall
1:	mov x0, #TRAP_SYNCHRONOUS
	bl trap_from_user

trap_user_irq:
	save_user
	mov x0, #TRAP_IRQ
	bl trap_from_user

trap_user_fiq:
	save_user
	mov x0, #TRAP_FIQ
	bl trap_from_user

trap_user_serror:
	save_user
	mrs x1, esr_el2
	mov x0, #TRAP_SERROR
	bl trap_from_user

	/* X0 is lost: SP_EL0, whoever's, keeps it for as long as this takes. */
trap_overflow:
	msr sp_el0, x0
	mov x0, sp
	msr tpidrro_el0, x0
	mrs x0, tpidr_el2
	add x0, x0, #CPU_STACK_EMERGENCY
	sub sp, x0, #FRAME_SIZE
	mrs x0, sp_el0
	stp x0, x1, [sp]
	mrs x1, tpidrro_el0
	mov x0, #TRAP_OVERFLOW
	b 1f
trap_kernel:
	mov x1, sp
1:	add x1, x1, #FRAME_SIZE
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
	stp x30, x1, [sp, #240]
	mrs x2, elr_el2
	mrs x3, spsr_el2
	mrs x4, esr_el2
	mrs x5, far_el2
	stp x2, x3, [sp, #FRAME_PC]
	stp x4, x5, [sp, #FRAME_ESR]
	str x0, [sp, #FRAME_KIND]
	mov x0, sp
	bl trap_from_kernel

	/* thread_leave(thread) */
	.balign 16
	.globl thread_leave
	.type thread_leave, @function
thread_leave:
	mrs x1, tpidr_el2
	add x1, x1, #CPU_STACK_TOP
	mov sp, x1
	ldr x4, [x0, #REG_SP]
	ldp x5, x6, [x0, #REG_PC]
	msr sp_el0, x4
	msr elr_el2, x5
	msr spsr_el2, x6
	ldp x2, x3, [x0, #REG_X(2)]
	ldp x4, x5, [x0, #REG_X(4)]
	ldp x6, x7, [x0, #REG_X(6)]
	ldp x8, x9, [x0, #REG_X(8)]
	ldp x10, x11, [x0, #REG_X(10)]
	ldp x12, x13, [x0, #REG_X(12)]
	ldp x14, x15, [x0, #REG_X(14)]
	ldp x16, x17, [x0, #REG_X(16)]
	ldp x18, x19, [x0, #REG_X(18)]
	ldp x20, x21, [x0, #REG_X(20)]
	ldp x22, x23, [x0, #REG_X(22)]
	ldp x24, x25, [x0, #REG_X(24)]
	ldp x26, x27, [x0, #REG_X(26)]
	ldp x28, x29, [x0, #REG_X(28)]
	ldr x30, [x0, #REG_X(30)]
	ldp x0, x1, [x0, #REG_X(0)]
	eret
	.size thread_leave, . - thread_leave

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * The doors into the kernel and the way out.
 *
 * From ring 3 the registers go straight into the current thread (struct thread begins with
 * struct user_registers), the CPU's stack is empty, and C begins there; nothing returns, the way
 * out is thread_leave(). From the kernel itself (a device interrupt in an interrupt window, a
 * fault with a fixup, or a bug) the registers go on the stack in a struct trap_frame.
 *
 * GS keeps ring 3's base also in the kernel: only SYSCALL needs it, for two instructions, to find
 * a stack; an interrupt finds one in the TSS. So NMI and #MC have no half-swapped state to
 * guess about.
 */
#include <arch/layout.h>
#include <arch/speculation.h>

#define VECTOR_NMI	2
#define VECTOR_DF	8
#define VECTOR_MCE	18
#define RFLAGS_AC_BIT	18

/* Vectors whose exception pushes an error code (SDM 3A table 6-1): 8, 10-14, 17, 21, 29, 30. */
#define ERROR_CODES	0x60227d00

	.text
	.code64

	/* One stub a vector, 16 bytes each, as trap.c's IDT expects. */
	.balign 16
	.globl trap_vectors
trap_vectors:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector >= 32
	push $0
	.elseif ((ERROR_CODES >> vector) & 1) == 0
	push $0
	.endif
	.byte 0x68			/* push with 32 bits: 8 would be sign-extended */
	.long vector
	.if vector == VECTOR_NMI || vector == VECTOR_DF || vector == VECTOR_MCE
	jmp trap_stacked
	.else
	jmp trap_common
	.endif
	.set vector, vector + 1
	.endr

	/* On the stack: vector, error, RIP, CS, RFLAGS, RSP, SS. */
	.balign 16
trap_common:
	testb $3, 24(%rsp)
	jz trap_stacked
	push %rax
	mov %rsp, %rax
	and $~(CPU_AREA_SIZE - 1), %rax
	mov CPU_CURRENT(%rax), %rax
	mov %rdi, REG_RDI(%rax)
	mov %rsi, REG_RSI(%rax)
	mov %rdx, REG_RDX(%rax)
	mov %r10, REG_R10(%rax)
	mov %r8, REG_R8(%rax)
	mov %r9, REG_R9(%rax)
	pop REG_RAX(%rax)
	mov %rbx, REG_RBX(%rax)
	mov %rbp, REG_RBP(%rax)
	mov %r12, REG_R12(%rax)
	mov %r13, REG_R13(%rax)
	mov %r14, REG_R14(%rax)
	mov %r15, REG_R15(%rax)
	mov %rcx, REG_RCX(%rax)
	mov %r11, REG_R11(%rax)
	pop %rdi			/* vector */
	pop %rsi			/* error code */
	pop REG_RIP(%rax)
	pop REG_CS(%rax)
	pop REG_RFLAGS(%rax)
	pop REG_RSP(%rax)
	pop REG_SS(%rax)
	/* Ring 3 may have set AC, which opens SMAP; CLAC does not exist everywhere. */
	push $2
	popf
	movzbl %dil, %edi
	xor %ebp, %ebp
	call trap_from_user
	ud2

trap_stacked:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	mov %rsp, %rbp
	pushf				/* AC and DF may be ring 3's */
	btrl $RFLAGS_AC_BIT, (%rsp)
	popf
	cld
	and $-16, %rsp
	call trap_from_kernel
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	/* An NMI goes back to ring 3, or to where VERW was the last step before a guest. */
	testb $SPECULATION_VERW, speculation + SPECULATION_ACTIONS(%rip)
	jz 1f
	verw speculation_selector(%rip)
1:	add $16, %rsp
	iretq

	/* SFMASK has cleared IF, DF, AC, TF, NT. RSP serves as a second scratch register: with
	 * interrupts off nobody pushes on it (NMI and #MC have stacks of their own). */
	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	mov %rsp, %gs:CPU_USER_RSP
	mov %gs:CPU_CURRENT, %rsp
	mov %rdi, REG_RDI(%rsp)
	mov %rsi, REG_RSI(%rsp)
	mov %rdx, REG_RDX(%rsp)
	mov %r10, REG_R10(%rsp)
	mov %r8, REG_R8(%rsp)
	mov %r9, REG_R9(%rsp)
	mov %rbx, REG_RBX(%rsp)
	mov %rbp, REG_RBP(%rsp)
	mov %r12, REG_R12(%rsp)
	mov %r13, REG_R13(%rsp)
	mov %r14, REG_R14(%rsp)
	mov %r15, REG_R15(%rsp)
	mov %rcx, REG_RIP(%rsp)
	mov %r11, REG_RFLAGS(%rsp)
	mov %rsp, %rsi			/* the arguments stand first */
	mov %gs:CPU_USER_RSP, %rcx
	mov %rcx, REG_RSP(%rsp)
	mov %gs:CPU_STACK, %rsp
	swapgs
	mov %rax, %rdi
	movq $SELECTOR_USER_CODE, REG_CS(%rsi)
	movq $SELECTOR_USER_DATA, REG_SS(%rsi)
	movq $1, REG_SS + 16(%rsi)	/* arch_thread.fast_exit */
	xor %ebp, %ebp
	call trap_syscall
	ud2

	/* thread_leave(thread): RIP has been checked to be an address of the user half. */
	.balign 16
	.globl thread_leave
thread_leave:
	mov REG_RSI(%rdi), %rsi
	mov REG_RDX(%rdi), %rdx
	mov REG_R10(%rdi), %r10
	mov REG_R8(%rdi), %r8
	mov REG_R9(%rdi), %r9
	mov REG_RAX(%rdi), %rax
	mov REG_RBX(%rdi), %rbx
	mov REG_RBP(%rdi), %rbp
	mov REG_R12(%rdi), %r12
	mov REG_R13(%rdi), %r13
	mov REG_R14(%rdi), %r14
	mov REG_R15(%rdi), %r15
	cmpq $0, REG_SS + 16(%rdi)
	je 1f
	mov REG_RIP(%rdi), %rcx
	mov REG_RFLAGS(%rdi), %r11
	mov REG_RSP(%rdi), %rsp
	mov REG_RDI(%rdi), %rdi
	sysretq
1:	mov REG_RCX(%rdi), %rcx
	mov REG_R11(%rdi), %r11
	/* The frame goes to the CPU's stack: a fault of IRETQ must find one. */
	push REG_SS(%rdi)
	push REG_RSP(%rdi)
	push REG_RFLAGS(%rdi)
	push REG_CS(%rdi)
	push REG_RIP(%rdi)
	mov REG_RDI(%rdi), %rdi
	iretq

	.section .note.GNU-stack, "", @progbits

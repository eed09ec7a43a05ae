/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts the root task's first thread: RDI holds the address of struct boot_info,
 * RSP is 0 and there is no thread pointer. The thread gets a small stack of its own and goes on in
 * C. Later threads are started by thread_trampoline, on the stack that they were given.
 */
	.section .text, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	leaq	start_stack_top(%rip), %rsp
	xorl	%ebp, %ebp
	call	root_start
	ud2				/* root_start does not return */
	.size	_start, . - _start

/* RSP is 16-byte aligned and RDI the argument; thread_begin() is an ordinary function. */
	.globl	thread_trampoline
	.type	thread_trampoline, @function
thread_trampoline:
	xorl	%ebp, %ebp
	call	thread_begin
	ud2				/* thread_begin does not return */
	.size	thread_trampoline, . - thread_trampoline

/*
 * void thread_leave(_Atomic uint32_t *ended, long number): says that this stack is not used any
 * more, and ends the thread without touching it again.
 */
	.globl	thread_leave
	.type	thread_leave, @function
thread_leave:
	movq	%rsi, %rax
	movl	$1, (%rdi)
	syscall
	ud2
	.size	thread_leave, . - thread_leave

	.section .bss.start_stack, "aw", @nobits
	.balign	16
	.skip	16384
start_stack_top:

	.section .note.GNU-stack, "", @progbits

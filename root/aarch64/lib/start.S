/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts the root task's first thread: X0 holds the address of struct boot_info, SP is 0 and
 * there is no thread pointer. The thread gets a small stack of its own and goes on in C. Later threads are
 * started by thread_trampoline, on the stack that they were given.
 */
	.section .text, "ax", %progbits
	.globl	_start
	.type	_start, %function
_start:
	adrp	x1, start_stack_top
	add	x1, x1, :lo12:start_stack_top
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	bl	root_start
	udf	#0			/* root_start does not return */
	.size	_start, . - _start

/* SP is 16-byte aligned and X0 the argument; thread_begin() is an ordinary function. */
	.globl	thread_trampoline
	.type	thread_trampoline, %function
thread_trampoline:
	mov	x29, xzr
	mov	x30, xzr
	bl	thread_begin
	udf	#0			/* thread_begin does not return */
	.size	thread_trampoline, . - thread_trampoline

/*
 * void thread_leave(_Atomic uint32_t *ended, long number): says that this stack is not used any
 * more, and ends the thread without touching it again.
 */
	.globl	thread_leave
	.type	thread_leave, %function
thread_leave:
	mov	x8, x1
	mov	w2, #1
	stlr	w2, [x0]
	svc	#0
	udf	#0
	.size	thread_leave, . - thread_leave

	.section .bss.start_stack, "aw", %nobits
	.balign	16
	.skip	16384
start_stack_top:

	.section .note.GNU-stack, "", %progbits

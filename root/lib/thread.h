/* SPDX-License-Identifier: MIT */
/*
 * Threads of the root task. Each has a stack, an event of its own on which it sleeps and waits for
 * locks, and a control block around its thread pointer, of which the first part belongs to libc's
 * pure functions (errno). A thread stays on the CPU on which it was started.
 */
#ifndef LIB_THREAD_H
#define LIB_THREAD_H

#include <lib/processor.h>
#include <trivet/abi.h>

#define THREAD_STACK_SIZE KIB(64)

/* Of a thread's own event: a lock that it waited for is its own now. */
#define THREAD_WAKE_LOCK BIT(0)

struct thread {
	struct thread *self;   /* where the psABI wants it at the thread pointer */
	uint8_t libc[512 - 8]; /* libc's part of the block; zero at the start */
	handle_t event;
	handle_t handle;
	void (*function)(void *argument);
	void *argument;
	void *stack;		/* the allocation that holds the stack and this block */
	_Atomic uint32_t ended; /* the stack is out of use */
};
static_assert(THREAD_POINTER_OFFSET <= offsetof(struct thread, event), "libc has its part");

/*
 * Starts function(argument) on a CPU with a priority. The thread must be joined with
 * thread_join(), which gives its memory back. NO_MEMORY, or what the kernel answers.
 */
status_t thread_start(uint32_t cpu, uint32_t priority, void (*function)(void *argument),
		      void *argument, struct thread **thread) __must_check;
/* Waits until the thread's function has returned, and frees the thread. Not for oneself. */
void thread_join(struct thread *thread);

/* This thread. Not in the task's very first thread, which only starts the others. */
static inline struct thread *thread_current(void)
{
	return (struct thread *)((uint8_t *)thread_pointer_read() - THREAD_POINTER_OFFSET);
}

/* Sleeps for at least that time. */
void thread_sleep(uint64_t ns);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads. A thread has no kernel stack: while it is in the kernel it runs on its CPU's. To wait
 * it leaves a continuation, which is called on the CPU's stack when the thread is next picked,
 * instead of a return to ring 3; the continuation ends in sched_exit() or simply returns, which
 * resumes ring 3.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <kernel/cpu.h>
#include <kernel/object.h>

enum thread_state { THREAD_NEW, THREAD_READY, THREAD_BLOCKED, THREAD_DEAD };

struct thread {
	struct arch_thread arch; /* first: the register frame, known to assembly */
	struct object object;
	struct task *task;
	struct cpu *cpu;
	_Atomic uint32_t state; /* enum thread_state */
	uint32_t priority;
	uint64_t slice_end; /* timestamp; 0: its next slice has not begun */
	void (*continuation)(struct thread *thread); /* NULL: return to ring 3 */
	struct thread *next;			     /* run queue or wake list */
	struct event *waiting;			     /* the event that it waits on */
	uint64_t deadline;			     /* of that wait, timestamp */
	struct timer timeout;
	struct vp *vp;		   /* bound to this thread */
	_Atomic bool wake_pending; /* made ready while it was on its way to block */
};

/* A thread of `task` on a CPU, not yet ready. INVALID_ARGUMENT (CPU, priority), INVALID_ADDRESS
 * (outside the user half), NO_MEMORY. The caller holds the reference that it gets. */
status_t thread_create(struct task *task, uint32_t cpu, uint32_t priority, uint64_t entry,
		       uint64_t stack, uint64_t argument, uint64_t tls, struct thread **thread);
/* Makes a new thread ready, once; from then on it lives until it ends. */
void thread_start(struct thread *thread);
/* Ends the current thread; with the root task's last one, the machine. */
__noreturn void thread_exit(void);

#endif

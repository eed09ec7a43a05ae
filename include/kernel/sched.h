/* SPDX-License-Identifier: MIT */
/*
 * Scheduling: fixed priorities, round robin with a time slice within one, for each CPU by itself.
 * A thread stays on its CPU. The kernel is not preempted: a CPU looks for the next thread on its
 * way out, in sched_exit().
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/lock.h>
#include <kernel/timer.h>
#include <trivet/types.h>

#define PRIORITY_COUNT 16u
#define TIME_SLICE_MS  4u

struct cpu;
struct thread;

struct run_queue {
	struct spinlock lock; /* protects `wake`; the rest is the CPU's own */
	struct thread *wake;  /* threads that other CPUs made ready, the last one first */
	struct thread *head[PRIORITY_COUNT];
	struct thread *tail[PRIORITY_COUNT];
	uint64_t lengths[PRIORITY_COUNT];
	uint64_t switches;	  /* to another thread than the one that ran before */
	uint32_t occupied;	  /* bit n: head[n] is not NULL */
	bool leaving;		  /* the current thread is blocked, or queued to run again */
	bool slice_over;	  /* the current thread gives way to others of its priority */
	struct timer slice;	  /* set while others of its priority are ready */
	struct thread *loaded;	  /* whose address space and registers this CPU holds */
	_Atomic uint32_t running; /* the current thread's priority + 1; 0: idle. Others read it */
};

/* The rest of making a CPU's queue, which is zero before; other CPUs may use it already. */
void run_queue_init(struct run_queue *queue);

/* Makes a blocked or new thread ready; any CPU. Gives the CPU that the caller has to sched_kick(), or
 * NULL. It does that when it holds no lock that the thread is going to want: the kicked CPU is there
 * at once, and would spin for it. */
struct cpu *sched_ready(struct thread *thread) __must_check;
void sched_kick(struct cpu *cpu);
/* The current thread stops being ready; its continuation runs when it is made ready again. That
 * may be sooner than its reason to wait is gone (a wake that came too late for an earlier wait is
 * kept): a continuation looks again, and blocks again. The caller leaves through sched_exit(). */
void sched_block(struct thread *thread);
/* Takes over what other CPUs put on the wake list; for cpu_pending_process(). */
void sched_wake_list_drain(struct cpu *cpu);
/* The current thread goes to the end of its priority's queue. False: it is alone there. */
bool sched_yield(void);
/* True when a kernel loop that serves the current thread should leave through sched_exit():
 * a thread of higher priority is ready or the slice is over. */
bool sched_should_switch(void);
/* The way out of the kernel: picks the next thread, idles if there is none, resumes it through
 * its continuation or to ring 3. */
__noreturn void sched_exit(void);

#endif

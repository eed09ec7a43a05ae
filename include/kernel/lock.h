/* SPDX-License-Identifier: MIT */
/*
 * Spin locks (ticket locks). The kernel runs with interrupts off, so a lock needs no more. No
 * lock is held across a wait for another CPU, a user copy, or an exit from the kernel.
 *
 * Order of locks, outermost first: gpa space, address space, handle table, console input, event,
 * VP wake, run queue, heap. Those of blocks, of doorbells, of reference TSC pages, of synics and of the log
 * are taken last, alone. Those of the opening and of the input of serial lines come before all.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <arch/cpu.h>
#include <stdatomic.h>
#include <trivet/types.h>

struct spinlock {
	_Atomic uint16_t next;	  /* the ticket that the next comer draws */
	_Atomic uint16_t serving; /* whose turn it is */
};

static inline void spin_lock(struct spinlock *lock)
{
	uint16_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

	while (atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket)
		cpu_relax();
}

static inline void spin_unlock(struct spinlock *lock)
{
	uint16_t serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);

	atomic_store_explicit(&lock->serving, (uint16_t)(serving + 1), memory_order_release);
}

#endif

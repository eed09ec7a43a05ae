/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for each CPU. Only the CPU itself touches it, except where a field
 * says otherwise. A CPU's structure stands at the start of an aligned block (CPU_AREA_SIZE)
 * that also holds its stacks, so that this_cpu() is the stack pointer, masked.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <kernel/arch.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

/* Bits of cpu.pending: what other CPUs ask of this one. Set, then kick. */
enum cpu_pending {
	CPU_PENDING_WAKE = BIT(0), /* threads wait on the wake list */
	CPU_PENDING_RESCHEDULE = BIT(1),
	CPU_PENDING_FLUSH_USER = BIT(2), /* host TLB: user half */
	CPU_PENDING_CALL = BIT(3),	 /* cpu_call() of another CPU */
};

struct cpu_call;
struct fpu_state;

struct cpu {
	struct arch_cpu arch; /* first: assembly knows its offsets */
	uint32_t index;
	struct thread *current;	  /* NULL while idle */
	_Atomic uint32_t pending; /* any CPU sets bits; this CPU clears them */
	struct run_queue ready;
	struct timer_queue timers;
	struct fpu_state *fpu_owner; /* whose state is in the registers; NULL: nobody's */
	void *backend;		     /* the backend's own, for this CPU */
	bool runs_no_guests;	     /* the backend would not have it (hypervisor_cpu_enable()) */
	uint64_t idle_ticks;
	_Atomic uint32_t
		threads; /* of this CPU, that were started and have not ended; any CPU counts */
	_Atomic uint64_t flush_done;	 /* host TLB: the last request that it has carried out */
	_Atomic(struct cpu_call *) call; /* what another CPU wants done here; NULL: nothing */
	_Atomic uint32_t
		reading; /* odd: within a read section (<kernel/reader.h>); any CPU looks */
};

/* By index, 0 to cpu_count - 1; fixed once arch_cpus_start() returned. */
extern struct cpu **cpus;
extern uint32_t cpu_count;

/* Another thread should have this CPU instead of the current one, as far as it knows by itself: what
 * others have put on its wake list is not looked at. */
static inline bool cpu_is_wanted(struct cpu *self)
{
	const struct run_queue *queue = &self->ready;

	/* Bits of priorities above the current one; all, when no thread runs (self tests). */
	return queue->slice_over || queue->occupied >> atomic_load_explicit(&self->ready.running,
									    memory_order_relaxed) !=
					    0;
}

/* The CPU's own first call, before it sets a timer or runs a thread. */
void cpu_init(struct cpu *cpu);
/* Where a started CPU goes to once it has its struct cpu in cpus[]; never returns. */
__noreturn void cpu_secondary_main(void);

/* Does what other CPUs asked for. Called on each way out of the kernel and in waits. */
void cpu_pending_process(struct cpu *cpu);
/* Sets bits of another CPU's pending word, and kicks it if they were not set. */
void cpu_request(struct cpu *cpu, uint32_t bits);

/* One turn of a loop that waits for another CPU: serves what that one may be waiting for in turn. */
void cpu_wait(struct cpu *self);
/* Runs a function on a CPU and returns when it has ended; at once if it is this one. The function
 * neither waits nor calls. No lock may be held; others' requests are served meanwhile. */
void cpu_call(struct cpu *cpu, void (*function)(void *argument), void *argument);

struct address_space;
/* Returns when no CPU holds a translation of the space's user half that is older than the call.
 * No lock may be held; others' requests are served meanwhile. */
void host_tlb_shootdown(struct address_space *space);

#endif

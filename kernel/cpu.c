/* SPDX-License-Identifier: MIT */
/*
 * What CPUs ask of each other. A request is a bit in the other's pending word and a kick; it is
 * served on the other's way out of the kernel, or while it waits for somebody itself. A request
 * that is waited for has a number: the requester waits until the other's number has come as far.
 */
#include <kernel/cpu.h>
#include <kernel/task.h>
#include <kernel/thread.h>

struct cpu **cpus;
uint32_t cpu_count;

static _Atomic uint64_t flush_requests; /* the number of the last */

void cpu_request(struct cpu *cpu, uint32_t bits)
{
	if ((atomic_fetch_or(&cpu->pending, bits) & bits) != bits)
		arch_cpu_kick(cpu);
}

static void flush_serve(struct cpu *cpu)
{
	/* The number is read before the flush: what is asked for later is not answered by it. */
	uint64_t number = atomic_load(&flush_requests);

	arch_tlb_flush(0, 0);
	atomic_store(&cpu->flush_done, number);
}

struct cpu_call {
	void (*function)(void *argument);
	void *argument;
	_Atomic bool done;
};

static void call_serve(struct cpu *cpu)
{
	struct cpu_call *call = atomic_exchange(&cpu->call, NULL);

	if (call == NULL)
		return;
	call->function(call->argument);
	atomic_store(&call->done, true);
}

void cpu_pending_process(struct cpu *cpu)
{
	uint32_t bits = atomic_exchange(&cpu->pending, 0);

	if (bits & CPU_PENDING_FLUSH_USER)
		flush_serve(cpu);
	if (bits & CPU_PENDING_CALL)
		call_serve(cpu);
	if (bits & CPU_PENDING_WAKE)
		sched_wake_list_drain(cpu);
}

void cpu_wait(struct cpu *self)
{
	const uint32_t mask = CPU_PENDING_FLUSH_USER | CPU_PENDING_CALL;
	uint32_t bits = 0;

	if (atomic_load(&self->pending) & mask)
		bits = atomic_fetch_and(&self->pending, ~mask);
	if (bits & CPU_PENDING_FLUSH_USER)
		flush_serve(self);
	if (bits & CPU_PENDING_CALL)
		call_serve(self);
	cpu_relax();
}

void cpu_call(struct cpu *cpu, void (*function)(void *argument), void *argument)
{
	struct cpu_call call = {.function = function, .argument = argument};
	struct cpu_call *expected = NULL;
	struct cpu *self = this_cpu();

	if (cpu == self) {
		function(argument);
		return;
	}
	while (!atomic_compare_exchange_strong(&cpu->call, &expected, &call)) {
		expected = NULL;
		cpu_wait(self);
	}
	cpu_request(cpu, CPU_PENDING_CALL);
	while (!atomic_load(&call.done))
		cpu_wait(self);
}

void host_tlb_shootdown(struct address_space *space)
{
	struct cpu *self = this_cpu();
	uint64_t number = atomic_fetch_add(&flush_requests, 1) + 1;

	(void)space; /* there is one task: every CPU may hold its translations */
	for (uint32_t i = 0; i < cpu_count; i++)
		if (cpus[i] != self)
			cpu_request(cpus[i], CPU_PENDING_FLUSH_USER);
	arch_tlb_flush(0, 0);
	for (uint32_t i = 0; i < cpu_count; i++)
		while (cpus[i] != self && atomic_load(&cpus[i]->flush_done) < number)
			cpu_wait(self);
}

void cpu_init(struct cpu *cpu)
{
	cpu->timers.programmed = TIMER_NEVER;
	run_queue_init(&cpu->ready);
}

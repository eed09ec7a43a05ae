/* SPDX-License-Identifier: MIT */
/*
 * Threads: one allocation holds the stack and, above it, the control block.
 *
 *	allocation                                   +THREAD_STACK_SIZE
 *	|            stack, growing down <-----------| struct thread |
 *
 * A stack is out of use only after its thread's last instruction that could touch it: that is
 * thread_leave(), in start.S.
 */
#include <stdatomic.h>
#include <string.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/thread.h>
#include <lib/time.h>

#define THREAD_BLOCK_SIZE (THREAD_STACK_SIZE + PAGE_SIZE)

static_assert(sizeof(struct thread) <= PAGE_SIZE, "the block has a page");

/* In start.S. */
void thread_trampoline(void);
__noreturn void thread_leave(_Atomic uint32_t *ended, long number);
/* Called by thread_trampoline. */
__noreturn void thread_begin(struct thread *thread);

__noreturn void thread_begin(struct thread *thread)
{
	thread->function(thread->argument);
	thread_leave(&thread->ended, SYS_thread_exit);
}

status_t thread_start(uint32_t cpu, uint32_t priority, void (*function)(void *argument),
		      void *argument, struct thread **thread)
{
	uint8_t *block = memory_allocate(THREAD_BLOCK_SIZE, PAGE_SIZE);
	struct thread *new;
	status_t status;

	if (!block)
		return STATUS_NO_MEMORY;
	new = (struct thread *)(block + THREAD_STACK_SIZE);
	memset(new, 0, sizeof(*new));
	new->self = new;
	new->function = function;
	new->argument = argument;
	new->stack = block;
	status = event_create(&new->event);
	if (status != STATUS_OK)
		goto no_event;
	/* Written before the thread runs: it may be joined as soon as it exists. */
	*thread = new;
	status = thread_create(cpu, priority, thread_trampoline, block + THREAD_STACK_SIZE, new,
			       block + THREAD_STACK_SIZE + THREAD_POINTER_OFFSET, &new->handle);
	if (status == STATUS_OK)
		return STATUS_OK;
	*thread = NULL;
	handle_close(new->event);
no_event:
	memory_free(block, THREAD_BLOCK_SIZE);
	return status;
}

void thread_join(struct thread *thread)
{
	uint64_t pause = 20 * NS_PER_US;

	while (!atomic_load_explicit(&thread->ended, memory_order_acquire)) {
		thread_sleep(pause);
		pause = MIN(2 * pause, NS_PER_MS);
	}
	handle_close(thread->handle);
	handle_close(thread->event);
	memory_free(thread->stack, THREAD_BLOCK_SIZE);
}

void thread_sleep(uint64_t ns)
{
	uint64_t deadline = time_now() + ns, bits;

	/* Bits that come meanwhile are late news of a lock: whoever waits for one looks at the
	 * lock, not at the bits. */
	while (time_now() < deadline)
		if (event_wait(thread_current()->event, deadline, &bits) == STATUS_TIMED_OUT)
			break;
}

/* SPDX-License-Identifier: MIT */
/*
 * Stands in for <lib/thread.h> in hosted tests (-include): threads are the host's, so that the
 * lock and the machines' threads can be tested with their real code.
 */
#ifndef LIB_THREAD_H
#define LIB_THREAD_H

#include <trivet/abi.h>

#define THREAD_WAKE_LOCK BIT(0)

struct thread {
	handle_t event;
	uint64_t host; /* pthread_t */
	void (*function)(void *argument);
	void *argument;
};

status_t thread_start(uint32_t cpu, uint32_t priority, void (*function)(void *argument),
		      void *argument, struct thread **thread) __must_check;
void thread_join(struct thread *thread);
void thread_sleep(uint64_t ns);
struct thread *thread_current(void);

#endif

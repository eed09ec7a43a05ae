/* SPDX-License-Identifier: MIT */
/*
 * A thread of the kernel's own that runs VP 1 on the last CPU, as the system call does: it blocks while the VP is halted,
 * and is woken by vp_request().
 */
#ifndef TESTS_SELF_SECOND_THREAD_H
#define TESTS_SELF_SECOND_THREAD_H

#include <kernel/processor.h>
#include <kernel/selftest.h>

#define PATIENCE_MS 5000u

/* That runs on the last CPU; a test may put another one here while none runs there. */
extern struct vp *second_vp;

/* Its VMM has to act. */
extern _Atomic bool second_stopped;

/* Once, before anything else; false: out of memory. */
bool second_task_init(void);
/* The same as second_run() with a continuation of the test's own. */
struct thread;
bool second_run_by(void (*begin)(struct thread *thread));
/* Runs it there from here on, side by side with the caller, until its VMM has to act. */
bool second_run(void);
/* It has come back, within PATIENCE_MS. */
bool second_is_over(void);
/* It leaves that CPU; it does not run. */
void second_unbind(void);

/* All but the task's table, the first time. The thread that ran the VP ends a little after its VP's stop. */
bool second_memory_is_back(uint64_t pages_before);

#endif

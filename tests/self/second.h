/* SPDX-License-Identifier: MIT */
/*
 * A VP on the last CPU beside the test's own: a thread of the kernel's runs it as the system call
 * does. One at a time.
 */
#ifndef TESTS_SELF_SECOND_H
#define TESTS_SELF_SECOND_H

#include "guest.h"

/* The VP; who sets it has given it a run page. */
extern struct vp *second_vp;
/* Its VMM has to act. */
extern _Atomic bool second_stopped;

/* Once, before anything else; false: out of memory. */
bool second_task_init(void);
/* Runs second_vp on the last CPU from here on, until its VMM, the test, has to act. */
bool second_run(void);
/* The same with a continuation of the test's own. */
struct thread;
bool second_run_by(void (*begin)(struct thread *thread));
/* Waits for that: it was an OUT of `value`. */
bool second_says(uint32_t value);
/* Waits until it is halted, or waits for its start. */
bool second_is_blocked(void);
/* Takes it off the last CPU, when it does not run: for cpu_call(). */
void second_leave(void *vp);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A task: an address space and a handle table. The root task is the first; its window shows all
 * RAM that it owns at ROOT_WINDOW_BASE + host-physical address.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <kernel/lock.h>
#include <kernel/object.h>
#include <kernel/page_table.h>

struct address_space {
	struct spinlock lock;
	struct page_table table;
};

struct task {
	struct object object;
	struct heap *heap; /* pays for its handles, threads, tables */
	struct address_space space;
	struct handle_table handles;
	_Atomic uint32_t threads; /* that were started and have not ended */
};

/* The task's last thread has ended. */
void task_ended(struct task *task);

/* Loads root.elf of the bundle and starts its first thread; says what is wrong if it can't. */
status_t root_task_start(void);
struct task *task_current(void);

/* The host-physical address of a window range; INVALID_ADDRESS: it does not lie in the window. That
 * it is all the task's RAM is for blocks_pin() or blocks_check() to say. */
status_t task_window_range(struct task *task, uint64_t va, uint64_t size, hpa_t *hpa) __must_check;
/* Takes a 2 MiB block out of the window / puts it back, shootdown included. */
status_t task_window_remove(struct task *task, hpa_t block) __must_check;
status_t task_window_restore(struct task *task, hpa_t block);

#endif

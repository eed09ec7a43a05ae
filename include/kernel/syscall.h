/* SPDX-License-Identifier: MIT */
/*
 * The front door: one table of system calls. A row names the handler; a handler decodes and
 * checks all its arguments, then performs.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <kernel/thread.h>
#include <trivet/abi.h>

struct partition;
struct vp;

struct syscall_result {
	status_t status;
	uint64_t value;
};

typedef struct syscall_result syscall_handler_t(struct thread *thread, const uint64_t a[6]);

/* Declares sys_NAME for each row of SYSCALL_TABLE (include/trivet/abi.h). Those of threads,
 * events, memory and console stand in kernel/syscall.c; the others in the files of their objects
 * (kernel/partition_syscall.c, kernel/msi.c ...). */
#define SYSCALL_DECLARE(name, number, words) syscall_handler_t sys_##name;
SYSCALL_TABLE(SYSCALL_DECLARE)
#undef SYSCALL_DECLARE

/* handle_get() for an argument: a value wider than a handle names nothing. */
status_t syscall_object(struct thread *thread, uint64_t handle, enum object_type type,
			uint32_t rights, struct object **object) __must_check;

struct gpa_space;
/* A VTL's space of a partition (INVALID_VTL). */
status_t syscall_space(struct partition *partition, uint64_t vtl,
		       struct gpa_space **space) __must_check;
/* The VP that a handle names, if it is bound to the calling thread, with a reference to its object. */
status_t syscall_bound_vp(struct thread *thread, uint64_t handle, uint32_t rights,
			  struct vp **vp) __must_check;
/* The partition that a handle names, in any state, with a reference. */
status_t syscall_partition(struct thread *thread, uint64_t handle, uint32_t rights,
			   struct partition **partition) __must_check;
/* A partition that has been built, with a reference. */
status_t syscall_built_partition(struct thread *thread, uint64_t handle, uint32_t rights,
				 struct partition **partition) __must_check;
/* A VP that any thread may name: by the first two arguments, a partition that has been built, of which
 * the caller puts the reference, and an index. NOT_FOUND: no such VP. */
status_t syscall_vp(struct thread *thread, const uint64_t a[6], uint32_t rights,
		    struct partition **partition, struct vp **vp) __must_check;

static inline struct syscall_result syscall_ok(uint64_t value)
{
	return (struct syscall_result){.status = STATUS_OK, .value = value};
}

static inline struct syscall_result syscall_status(status_t status)
{
	return (struct syscall_result){.status = status};
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The kernel's model, hosted, with all that is around it made by the fuzzer:
 *
 *   fuzz_model.c     the input, and the root task's threads
 *   model_check.c    what must hold after each call and at the end
 *   model_machine.c  two CPUs and the threads on them, each on a stack of its own
 *   model_boot.c     the start of the kernel, up to the root task that is in a bundle
 *   model_backend.c  a backend whose guests do what chance says
 *   model_wrap.c     memory that runs out, and that is forbidden to ASan while it is free; turns of CPUs
 *
 * CPUs take turns where the real ones could be told apart: in a guest, in ring 3, where one waits for
 * another, and in each call that allocates or copies. The input says what happens; when the CPUs take
 * turns follows from its first bytes alone.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <arch/fake.h>
#include <calls.h>
#include <kernel/backend.h>
#include <kernel/task.h>
#include <kernel/thread.h>

#define MODEL_CPUS   2u
#define MODEL_RAM    MIB(48)
#define MODEL_KERNEL MIB(2) /* its heap */
#define ARENA_SIZE   MIB(32)

/* Where programs of the root task begin. */
#define ENTRY_ROOT   0x400000ull
#define ENTRY_WORKER 0x400010ull
#define ENTRY_EXIT   0x400020ull
/* The user memory of the fuzzer: each caller's buffer. */
#define USER_BASE    0x10000000ull

/* A promise of the kernel's that is not kept ends the fuzzer. */
#define CHECK(condition)                                            \
	do {                                                        \
		if (!(condition))                                   \
			model_fail(__FILE__, __LINE__, #condition); \
	} while (0)
__noreturn void model_fail(const char *file, int line, const char *condition);

/* ---- fuzz_model.c ---- */

/* From the input: 0 when it is used up. A number below the limit; of 64 bits, if that is 0. */
uint64_t input_below(uint64_t limit);
bool input_is_used_up(void);
/* One time in n, by what the input began with. */
bool chance(uint32_t n);

/* A thread of the root task, in ring 3. The program ends by SYS_thread_exit. */
void program_root(void);
void program_worker(uint64_t argument);

/* ---- model_check.c ---- */

/* The root task has begun, by this thread: so the world has to be again at the end of each input. */
void check_begin(struct thread *root);
void check_end(void);
/* The first handle behind this one; HANDLE_NONE: there is no more. */
handle_t check_next_handle(handle_t after);
/* Around each system call of a thread: what it may have changed. */
void call_begins(struct thread *thread, uint64_t number, const uint64_t a[6]);
void call_ends(struct thread *thread);
/* Something else happens during the calls that are on their way. */
void call_is_disturbed(void);

/* ---- model_machine.c ---- */

/* Starts the machine: comes back when the root task's first thread has called machine_pause(). */
void machine_start(void);
/* From program_root() to the caller of machine_start() or machine_continue(), and back. */
void machine_pause(void);
void machine_continue(void);
void machine_time_reset(void);
/* The other CPU gets a turn, maybe. */
void machine_interleave(uint32_t n);
/* The other CPU is idle. */
bool machine_is_quiet(void);
void machine_quiet_check(void);
struct thread *machine_thread(void); /* the one in ring 3 */
/* A byte comes on the console. */
void machine_type(uint8_t byte);
/* Takes interrupts that are due at this CPU. */
void machine_interrupts(void);
/* A VMM asks each VP that waits to yield. */
void machine_wake(void);
bool machine_is_kicked(uint32_t kicks);

/* ---- model_boot.c ---- */

void model_boot(void);
enum model_host { HOST_AMD, HOST_INTEL, HOST_COUNT };
void model_host_set(enum model_host host);
extern const struct page_table_format *const model_formats[HOST_COUNT];

/* ---- model_backend.c ---- */

/* For the partitions that are made from now on. */
void model_backend_set(enum model_host host, uint32_t assists);
void model_backend_quiet_check(void);

/* ---- model_wrap.c ---- */

/* The n-th allocation from now on fails; 0: none does. */
void heap_fail_after(uint32_t n);

#endif

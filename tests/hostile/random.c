/* SPDX-License-Identifier: MIT */
/*
 * The system calls of calls.c on all CPUs at once, from two workers. A third thread asks every VP to
 * yield, time and again: a VP may have halted for good. When all is closed, the kernel must have as
 * many free pages as before, and the window all of its memory.
 */
#include "hostile.h"
#include <stdatomic.h>

#define WORKERS_MAX   2u
#define STUCK_SECONDS 60u
#define FILL_SECONDS  1u
#define RESERVE	      64u

struct worker {
	struct caller caller;
	uint64_t random;
	uint64_t until;
	_Atomic bool done;
};

static struct worker workers[WORKERS_MAX];
static uint32_t worker_count;
static uint64_t filled; /* events that took the kernel's memory */
static _Atomic bool stop;
static _Atomic bool stopped;
static uint64_t buffers[WORKERS_MAX][CALLER_WORDS] __aligned(4096);
struct call_place call_place;

/* xorshift64* */
static uint64_t draw(struct worker *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * 0x2545f4914f6cdd1dull;
}

uint64_t draw_below(struct caller *caller, uint64_t limit)
{
	struct worker *w = container_of(caller, struct worker, caller);

	return limit ? (draw(w) >> 11) % limit : draw(w);
}

static void work(uint64_t argument_value)
{
	struct worker *w = &workers[argument_value];
	uint64_t n;

	for (n = 0; time_ns() < w->until; n++) {
		if (n % 256 == 0)
			call_partition_make(&w->caller);
		if (n % 8 == 0)
			buffer_fill(&w->caller);
		call_one(&w->caller);
	}
	w->done = true;
}

static void stuck_say(void)
{
	uint32_t i;

	for (i = 0; i < worker_count; i++) {
		const struct worker *w = &workers[i];

		if (!w->done)
			say("hostile: worker %u: call %u %llx %llx %llx has not come back", i,
			    w->caller.number, (unsigned long long)w->caller.a[0],
			    (unsigned long long)w->caller.a[1], (unsigned long long)w->caller.a[2]);
	}
}

/* Wakes what a worker's VP sleeps in; and says when even that does not help. */
static void watch(uint64_t limit)
{
	while (!stop) {
		uint64_t i;

		sleep_ms(5);
		for (i = 0; i < kept_partitions(); i++) {
			if (kept_partition(i) == HANDLE_NONE)
				continue;
			(void)call(SYS_vp_request_yield, kept_partition(i), 0, 0, 0, 0, 0);
			(void)call(SYS_vp_request_yield, kept_partition(i), 1, 0, 0, 0, 0);
		}
		if (time_ns() > limit) {
			stuck_say();
			end(END_FAILED);
		}
	}
	stopped = true;
}

/* All handles that can have been given out. */
static void all_close(void)
{
	uint64_t i;

	for (i = 1; i < filled + 2 * KEPT_MAX; i++) /* also that of the task, which was guessed */
		(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	/* They hold an event, too. */
	(void)call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0);
	(void)call(SYS_serial_open, 2, HANDLE_NONE, 0, 0, 0, 0);
	calls_forget();
}

static uint64_t pages_free(void)
{
	struct memory_info info;

	EXPECT(call(SYS_memory_info, 0, (uintptr_t)&info, 0, 0, 0, 0) == STATUS_OK);
	return info.pages_free;
}

/* Threads that were created and have not run yet end before they are counted. */
static void threads_settle(void)
{
	uint64_t before, after = pages_free();

	do {
		before = after;
		sleep_ms(200);
		after = pages_free();
	} while (before != after);
}

static void round_run(uint64_t seed, uint64_t seconds)
{
	uint64_t i, until = time_ns() + seconds * 1000000000;
	uint64_t calls = 0;

	stop = stopped = false;
	thread_run(boot_info->cpu_count - 1, boot_info->priority_count - 1, watch,
		   until + STUCK_SECONDS * 1000000000ull);
	for (i = 0; i < worker_count; i++) {
		workers[i] = (struct worker){
			.caller = {.buffer = buffers[i], .buffer_va = (uintptr_t)buffers[i]},
			.random = (seed + i + 1) * 0x9e3779b97f4a7c15ull,
			.until = until};
		thread_run((uint32_t)i, ROOT_PRIORITY, work, i);
	}
	for (i = 0; i < worker_count; i++) {
		while (!workers[i].done)
			sleep_ms(20);
		calls += workers[i].caller.calls;
	}
	stop = true;
	while (!stopped)
		sleep_ms(5);
	all_close();
	threads_settle();
	all_close();
	say("hostile: %llu random calls are answered", (unsigned long long)calls);
}

/* Takes all memory of the kernel by events. */
static void kernel_fill(void)
{
	uint64_t i;

	while (call(SYS_event_create, 0, 0, 0, 0, 0, 0) == STATUS_OK)
		filled++;
	for (i = filled; i > filled - RESERVE; i--) /* so that the watch can sleep */
		(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	say("hostile: %llu events, %llu pages left", (unsigned long long)filled,
	    (unsigned long long)pages_free());
}

void random_calls(uint64_t seed, uint64_t seconds)
{
	uint64_t before, after, i;

	worker_count = MIN(boot_info->cpu_count, WORKERS_MAX);
	workers[0].random = seed * 2 + 1;
	call_place = (struct call_place){.arena = arena,
					 .arena_va = (uintptr_t)arena,
					 .arena_size = ARENA_SIZE,
					 .thread_entry = (uintptr_t)hostile_exit,
					 .recent_handles = RECENT_MAX,
					 .keeps_partitions = true};
	arena_fill(&workers[0].caller);
	kernel_fill();
	round_run(seed, FILL_SECONDS);
	round_run(seed + 50, FILL_SECONDS); /* tables have grown */
	before = pages_free();
	round_run(seed + 100, seconds);
	after = pages_free();
	for (i = 0; i < ARENA_SIZE; i += 4096)
		arena[i] = 1;
	say("hostile: %llu pages free before, %llu after", (unsigned long long)before,
	    (unsigned long long)after);
	EXPECT(before == after);
}

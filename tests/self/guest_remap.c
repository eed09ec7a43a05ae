/* SPDX-License-Identifier: MIT */
/*
 * Memory comes and goes under a VP that runs on another CPU: once an unmap has returned, no read gives
 * what the memory holds afterwards. The VP reads without an end; where nothing is mapped it exits, and
 * its VMM, a thread of the kernel's, has it try again.
 */
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <kernel/thread.h>

GUEST_CODE_DECLARE(remap_watch);

#define PLACE	   MIB(4)
#define ROUNDS	   24u
#define RIGHT_WORD 0x600d600d600d600dull
#define WRONG_WORD 0xbad0bad0bad0bad0ull

/* GUEST_DATA: what it has read so far, the word that it expects, and whether it is to end. */
enum { DATA_COUNT, DATA_EXPECTED, DATA_END, DATA_FOUND };

static volatile uint64_t *data;

static void watch_continue(struct thread *thread)
{
	for (;;) {
		enum vp_outcome outcome = vp_run(second_vp);

		if (outcome == VP_SWITCH) {
			thread->continuation = watch_continue;
			return;
		}
		if (outcome != VP_TO_VMM || second_vp->run->reason != VP_RUN_EMULATE)
			break;
		arch_vp_resume(second_vp);
		arch_interrupt_window();
		cpu_wait(this_cpu());
	}
	atomic_store(&second_stopped, true);
	thread_exit();
}

static void watch_begin(struct thread *thread)
{
	arch_vp_bind(second_vp);
	arch_vp_resume(second_vp);
	watch_continue(thread);
}

static bool count_grows(const volatile uint64_t *count)
{
	uint64_t limit = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;
	uint64_t from = *count;

	while (*count < from + 3 && !atomic_load(&second_stopped) && timestamp_read() < limit)
		cpu_wait(this_cpu());
	return *count >= from + 3 && !atomic_load(&second_stopped);
}

/* The guest has read some more, and each time what it should. */
static bool reads_on(void)
{
	return count_grows(&data[DATA_COUNT]);
}

/* It reads nothing any more. */
static bool misses_on(void)
{
	return count_grows(&second_vp->stats->exits[VP_EXIT_MEMORY]);
}

/* As one mapping, which is one page; or as two, which are smaller pages, or one of them the word's. */
static bool map(struct gpa_space *space, hpa_t base, uint64_t size, uint64_t first)
{
	return gpa_map(space, PLACE, base, first, 0) == STATUS_OK &&
	       (first == size ||
		gpa_map(space, PLACE + first, base + first, size - first, 0) == STATUS_OK);
}

static bool come_and_go(struct gpa_space *space, volatile uint64_t *word, uint64_t size,
			uint64_t first)
{
	hpa_t base = ALIGN_DOWN(kva_to_hpa((uint64_t *)(uintptr_t)word), size);
	bool ok;

	*word = RIGHT_WORD;
	ok = map(space, base, size, first) && reads_on();
	if (gpa_unmap(space, PLACE, size) != STATUS_OK)
		return false;
	*word = WRONG_WORD;
	return ok && misses_on();
}

static bool rounds(struct test_guest *g, uint64_t *word, uint64_t size)
{
	struct gpa_space *space = partition_space(g->partition, 0);
	bool ok;
	unsigned int i;

	guest_start(g, remap_watch);
	data = (volatile uint64_t *)(g->ram + GUEST_DATA);
	data[DATA_EXPECTED] = RIGHT_WORD;
	data[DATA_END] = 0;
	g->vp->arch.gpr[GPR_RBX] = PLACE + (kva_to_hpa(word) & (size - 1));
	arch_vp_unbind(g->vp); /* this CPU has set its registers */
	ok = second_run_by(watch_begin);
	for (i = 0; ok && i < ROUNDS; i++)
		ok = come_and_go(space, word, size, i % 2 ? size / 2 : size);
	data[DATA_END] = 1;
	*word = RIGHT_WORD;
	if (!map(space, ALIGN_DOWN(kva_to_hpa(word), size), size, size) || !second_says(1))
		return false; /* with 99: it has seen another word */
	second_unbind();
	return ok && gpa_unmap(space, PLACE, size) == STATUS_OK;
}

/* False: it failed, or (*why) cannot run here. */
static bool watched(uint64_t size, const char **why)
{
	struct test_guest g;
	uint64_t *word;

	*why = "the machine has one CPU";
	if (cpu_count < 2 || !guests_can_run(why))
		return false;
	*why = NULL;
	word = page_alloc(&kernel_heap, 1);
	if (!word || !second_task_init() || !guest_create(&g))
		return false;
	second_vp = g.vp;
	/* A VP that still runs cannot be taken away: after a failure its guest stays. */
	if (!rounds(&g, word, size))
		return false;
	guest_destroy(&g);
	page_free(&kernel_heap, word, 1);
	return true;
}

#define WATCH_TEST(size)                    \
	do {                                \
		const char *why;            \
		bool ok;                    \
                                            \
		ok = watched((size), &why); \
		if (why)                    \
			SKIP(why);          \
		CHECK(ok);                  \
	} while (0)

SELFTEST(memory_goes_under_a_vp_that_runs)
{
	WATCH_TEST(2 * PAGE_SIZE);
}

SELFTEST(memory_goes_by_large_pages_and_by_small_ones)
{
	WATCH_TEST(LARGE_PAGE_SIZE);
}

/* SPDX-License-Identifier: MIT */
/*
 * The lock: nobody is in it together with another, nobody is left waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>
#include <lib/sync.h>
#include <lib/thread.h>
#include <lib/time.h>

#define THREADS 6
#define ROUNDS	4000

static struct mutex lock;
static uint64_t counter;
static _Atomic int inside;
static _Atomic int collisions;

static void worker(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		mutex_lock(&lock);
		if (atomic_fetch_add(&inside, 1) != 0)
			atomic_fetch_add(&collisions, 1);
		counter++;
		/* Now and then the others have time to queue. */
		if (i % 97 == 0)
			thread_sleep(20 * NS_PER_US);
		atomic_fetch_sub(&inside, 1);
		mutex_unlock(&lock);
	}
}

static void lock_excludes(void **state)
{
	struct thread *threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(thread_start(0, 0, worker, NULL, &threads[i]), STATUS_OK);
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	assert_int_equal(counter, THREADS * ROUNDS);
	assert_int_equal(collisions, 0);
	assert_int_equal(lock.state, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lock_excludes)};
	const struct boot_info info = {.tsc_hz = 2000000000};

	time_init(&info);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

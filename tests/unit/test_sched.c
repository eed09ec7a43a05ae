/* SPDX-License-Identifier: MIT */
/*
 * Threads, events and scheduling on a fake machine of two CPUs.
 */
#include "machine_memory.h"

#include <kernel/event.h>
#include <kernel/task.h>
#include <kernel/thread.h>

static struct heap heap;
static struct task task;
static bool ended;

void task_ended(struct task *last)
{
	assert_ptr_equal(last, &task);
	ended = true;
}

static void task_destroy(struct object *object)
{
	(void)object;
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(4));
	test_heap_init(&heap, MIB(2), 1);
	memset(&task, 0, sizeof(task));
	object_init(&task.object, OBJECT_TASK, task_destroy);
	task.heap = &heap;
	ended = false;
	fake_cpus_init(2);
	fake_interrupts = NULL;
	fake_kicked = NULL;
	for (uint32_t i = 0; i < 2; i++) {
		fake_cpu_set(i);
		cpu_init(cpus[i]);
	}
	fake_cpu_set(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_cpus_destroy();
	fake_ram_destroy();
	return 0;
}

static struct thread *thread_new(uint32_t cpu, uint32_t priority)
{
	struct thread *thread = NULL;

	assert_int_equal(thread_create(&task, cpu, priority, 0x1000, 0, 0, 0, &thread), STATUS_OK);
	thread_start(thread);
	return thread;
}

static void run_exit(void *argument)
{
	(void)argument;
	sched_exit();
}

static void run_thread_exit(void *argument)
{
	(void)argument;
	thread_exit();
}

static uint64_t wait_deadline;

static void run_wait(void *argument)
{
	struct event *event = argument;

	object_get(&event->object);
	event_wait(event, wait_deadline);
}

/* The thread that the current CPU resumes next; NULL: it idles. */
static struct thread *next_thread(void)
{
	enum fake_end end = fake_run(run_exit, NULL);

	if (end == FAKE_IDLE)
		return NULL;
	assert_int_equal(end, FAKE_RESUMED);
	assert_ptr_equal(this_cpu()->current, fake_resumed);
	return fake_resumed;
}

static void test_create(void **state)
{
	struct thread *thread;

	(void)state;
	assert_int_equal(thread_create(&task, 2, 1, 0, 0, 0, 0, &thread), STATUS_INVALID_ARGUMENT);
	assert_int_equal(thread_create(&task, 0, PRIORITY_COUNT, 0, 0, 0, 0, &thread),
			 STATUS_INVALID_ARGUMENT);
	assert_int_equal(thread_create(&task, 0, 1, BIT(47), 0, 0, 0, &thread),
			 STATUS_INVALID_ADDRESS);
	assert_int_equal(thread_create(&task, 0, 1, 0, BIT(63), 0, 0, &thread),
			 STATUS_INVALID_ADDRESS);
	thread = thread_new(0, 1);
	assert_ptr_equal(next_thread(), thread);
	object_put(&thread->object);
	assert_int_equal(fake_run(run_thread_exit, NULL), FAKE_IDLE);
	assert_true(ended);
	assert_null(this_cpu()->current);
	assert_int_equal(heap.pages_free, 509);
}

static void test_priorities(void **state)
{
	struct thread *low = thread_new(0, 3), *high, *equal;

	(void)state;
	assert_ptr_equal(next_thread(), low);
	assert_false(sched_should_switch());
	high = thread_new(0, 9);
	assert_false(sched_yield()); /* nobody waits */
	assert_true(sched_should_switch());
	assert_ptr_equal(next_thread(), high);
	assert_ptr_equal(next_thread(), high);
	assert_int_equal(fake_run(run_thread_exit, NULL), FAKE_RESUMED);
	assert_ptr_equal(this_cpu()->current, low);
	/* No slice timer runs while it is alone; it does with company. */
	assert_false(timer_is_set(&this_cpu()->ready.slice));
	equal = thread_new(0, 3);
	assert_true(timer_is_set(&this_cpu()->ready.slice));
	assert_ptr_equal(next_thread(), low);
	fake_timestamp += timestamp_hz / 1000 * TIME_SLICE_MS;
	timer_interrupt();
	assert_true(sched_should_switch());
	assert_ptr_equal(next_thread(), equal);
	assert_true(timer_is_set(&this_cpu()->ready.slice));
	/* One who is interrupted by a more urgent thread goes on, with what is left of the slice. */
	high = thread_new(0, 9);
	assert_ptr_equal(next_thread(), high);
	fake_timestamp += timestamp_hz / 1000 * TIME_SLICE_MS / 2;
	assert_int_equal(fake_run(run_thread_exit, NULL), FAKE_RESUMED);
	assert_ptr_equal(this_cpu()->current, equal);
	fake_timestamp += timestamp_hz / 1000 * TIME_SLICE_MS / 2;
	timer_interrupt();
	assert_ptr_equal(next_thread(), low);
	assert_true(sched_yield());
	assert_ptr_equal(next_thread(), equal);
}

/* A kicked CPU is there before the kicker goes on: it finds the event free. */
static struct event *signalled;

static void event_is_free(struct cpu *cpu)
{
	assert_ptr_equal(cpu, cpus[0]);
	assert_int_equal(signalled->lock.serving, signalled->lock.next);
}

static void test_event(void **state)
{
	struct thread *a = thread_new(0, 4);
	struct event *event;

	(void)state;
	assert_int_equal(event_create(&heap, &event), STATUS_OK);
	assert_ptr_equal(next_thread(), a);
	event_signal(event, 5);
	event_signal(event, 8);
	wait_deadline = TIMER_NEVER;
	assert_int_equal(fake_run(run_wait, event), FAKE_RESUMED);
	assert_int_equal(a->arch.status, STATUS_OK);
	assert_int_equal(a->arch.value, 13);
	/* A deadline in the past only looks. */
	wait_deadline = 0;
	assert_int_equal(fake_run(run_wait, event), FAKE_RESUMED);
	assert_int_equal(a->arch.status, STATUS_TIMED_OUT);
	/* Waits; is woken by its timer. */
	wait_deadline = fake_timestamp + 100;
	assert_int_equal(fake_run(run_wait, event), FAKE_IDLE);
	assert_int_equal(this_cpu()->arch.timer_deadline, wait_deadline);
	fake_timestamp += 100;
	timer_interrupt();
	assert_ptr_equal(next_thread(), a);
	assert_int_equal(a->arch.status, STATUS_TIMED_OUT);
	assert_null(event->waiter);
	assert_int_equal(event->object.references, 1);
	/* Waits; a wake without a reason sends it back; a signal from another CPU ends it. */
	wait_deadline = TIMER_NEVER;
	assert_int_equal(fake_run(run_wait, event), FAKE_IDLE);
	sched_kick(sched_ready(a));
	assert_null(next_thread());
	fake_cpu_set(1);
	signalled = event;
	fake_kicked = event_is_free;
	event_signal(event, 32);
	assert_int_equal(cpus[0]->arch.kicks, 1);
	event_signal(event, 64);
	assert_int_equal(cpus[0]->arch.kicks, 1);
	fake_cpu_set(0);
	assert_ptr_equal(next_thread(), a);
	assert_int_equal(a->arch.value, 96);
	object_put(&event->object);
}

static void test_event_busy(void **state)
{
	struct thread *a = thread_new(0, 4), *b = thread_new(1, 4);
	struct event *event;

	(void)state;
	assert_int_equal(event_create(&heap, &event), STATUS_OK);
	wait_deadline = TIMER_NEVER;
	assert_ptr_equal(next_thread(), a);
	assert_int_equal(fake_run(run_wait, event), FAKE_IDLE);
	fake_cpu_set(1);
	assert_ptr_equal(next_thread(), b);
	assert_int_equal(fake_run(run_wait, event), FAKE_RESUMED);
	assert_int_equal(b->arch.status, STATUS_BUSY);
	assert_int_equal(event->object.references, 2);
}

/* A continuation that counts, then blocks again. */
static unsigned int continued;

static void count_and_block(struct thread *thread)
{
	continued++;
	thread->continuation = count_and_block;
	sched_block(thread);
	sched_exit();
}

static void run_block(void *argument)
{
	count_and_block(argument);
}

static void test_wake_race(void **state)
{
	struct thread *a = thread_new(0, 4), *b;

	(void)state;
	continued = 0;
	assert_ptr_equal(next_thread(), a);
	/* A wake that comes before the thread has blocked is kept: it runs once more. */
	fake_cpu_set(1);
	sched_kick(sched_ready(a));
	assert_int_equal(cpus[0]->arch.kicks, 0);
	fake_cpu_set(0);
	assert_int_equal(fake_run(run_block, a), FAKE_IDLE);
	assert_int_equal(continued, 2);
	/* Two wakes of a blocked thread queue it once. */
	fake_cpu_set(1);
	sched_kick(sched_ready(a));
	sched_kick(sched_ready(a));
	fake_cpu_set(0);
	assert_null(next_thread());
	assert_int_equal(continued, 4);
	/* A wake for somebody less urgent does not interrupt, and is not lost. */
	b = thread_new(0, 9);
	assert_ptr_equal(next_thread(), b);
	cpus[0]->arch.kicks = 0;
	fake_cpu_set(1);
	sched_kick(sched_ready(a));
	assert_int_equal(cpus[0]->arch.kicks, 0);
	fake_cpu_set(0);
	assert_int_equal(fake_run(run_thread_exit, NULL), FAKE_IDLE);
	assert_int_equal(continued, 5);
}

/* Others answer a shootdown while it waits: here, as soon as they are kicked. */
static void test_shootdown_number(void **state)
{
	(void)state;
	cpu_request(cpus[1], CPU_PENDING_FLUSH_USER);
	cpu_request(cpus[1], CPU_PENDING_FLUSH_USER);
	assert_int_equal(cpus[1]->arch.kicks, 1);
	fake_cpu_set(1);
	cpu_pending_process(cpus[1]);
	assert_int_equal(atomic_load(&cpus[1]->pending), 0);
	atomic_store(&cpus[1]->flush_done, 1000);
	fake_cpu_set(0);
	host_tlb_shootdown(&task.space);
	assert_true(atomic_load(&cpus[1]->pending) & CPU_PENDING_FLUSH_USER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wake_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shootdown_number, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

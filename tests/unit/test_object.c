/* SPDX-License-Identifier: MIT */
/*
 * Object counts and handle tables.
 */
#include "machine_memory.h"

#include <arch/fake.h>
#include <kernel/cpu.h>
#include <kernel/object.h>

static struct heap heap;
static struct handle_table table;
static unsigned int destroyed, closed;

static void object_destroyed(struct object *object)
{
	(void)object;
	destroyed++;
}

static void object_closed(struct object *object)
{
	(void)object;
	closed++;
}

static int setup(void **state)
{
	(void)state;
	fake_cpus_init(2);
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 2);
	handle_table_init(&table, &heap);
	destroyed = closed = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	handle_table_destroy(&table);
	assert_int_equal(heap.pages_free, 2 * 509);
	fake_relaxed = NULL;
	fake_ram_destroy();
	fake_cpus_destroy();
	return 0;
}

static void test_life(void **state)
{
	struct object object, *found;
	handle_t a, b, c;

	(void)state;
	object_init(&object, OBJECT_EVENT, object_destroyed);
	object.closed = object_closed;
	assert_int_equal(handle_create(&table, &object, RIGHTS_ALL, &a), STATUS_OK);
	object_put(&object);
	assert_int_equal(a, 1);
	assert_int_equal(handle_duplicate(&table, a, RIGHT_READ | RIGHT_WAIT, &b), STATUS_OK);
	assert_int_equal(handle_duplicate(&table, b, RIGHT_WRITE, &c), STATUS_ACCESS_DENIED);
	assert_int_equal(handle_duplicate(&table, 77, 0, &c), STATUS_INVALID_HANDLE);
	assert_int_equal(handle_get(&table, b, OBJECT_EVENT, RIGHT_WAIT, &found), STATUS_OK);
	assert_ptr_equal(found, &object);
	assert_int_equal(handle_get(&table, b, OBJECT_EVENT, RIGHT_WRITE, &found),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(handle_get(&table, b, OBJECT_TASK, 0, &found), STATUS_WRONG_TYPE);
	assert_int_equal(handle_get(&table, 0, OBJECT_EVENT, 0, &found), STATUS_INVALID_HANDLE);
	assert_int_equal(handle_get(&table, UINT32_MAX, OBJECT_EVENT, 0, &found),
			 STATUS_INVALID_HANDLE);
	assert_int_equal(handle_close(&table, a), STATUS_OK);
	assert_int_equal(handle_close(&table, a), STATUS_INVALID_HANDLE);
	assert_int_equal(handle_close(&table, b), STATUS_OK);
	assert_int_equal(closed, 2);
	assert_int_equal(destroyed, 0);
	object_put(&object);
	assert_int_equal(destroyed, 1);
}

static void test_many(void **state)
{
	enum { COUNT = 150000 }; /* more than one page of page pointers lists */
	struct object object, *found;
	handle_t handle;

	(void)state;
	object_init(&object, OBJECT_EVENT, object_destroyed);
	for (handle_t i = 1; i <= COUNT; i++) {
		assert_int_equal(handle_create(&table, &object, i & RIGHTS_ALL, &handle),
				 STATUS_OK);
		assert_int_equal(handle, i);
	}
	for (handle_t i = 1; i <= COUNT; i += 7)
		assert_int_equal(handle_close(&table, i), STATUS_OK);
	for (handle_t i = 1; i <= COUNT; i++) {
		bool open = i % 7 != 1;

		assert_int_equal(handle_get(&table, i, OBJECT_EVENT, i & RIGHTS_ALL, &found),
				 open ? STATUS_OK : STATUS_INVALID_HANDLE);
		if (open)
			object_put(found);
	}
	assert_int_equal(handle_create(&table, &object, 0, &handle), STATUS_OK);
	assert_int_equal(handle % 7, 1);
	handle_table_destroy(&table);
	object_put(&object);
	assert_int_equal(destroyed, 1);
}

static void test_no_memory(void **state)
{
	struct object object;
	handle_t handle;
	void *list = NULL, *page;

	(void)state;
	object_init(&object, OBJECT_EVENT, object_destroyed);
	while ((page = page_alloc(&heap, 0)) != NULL)
		page_list_push(&list, page);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(handle_create(&table, &object, 0, &handle), STATUS_NO_MEMORY);
		page_free(&heap, page_list_pop(&list), 0);
	}
	assert_int_equal(handle_create(&table, &object, 0, &handle), STATUS_OK);
	page_list_free(&heap, list);
	assert_int_equal(handle_close(&table, handle), STATUS_OK);
	object_put(&object);
}

static struct object object_a, object_b;
static unsigned int turns;

/* CPU 1 is within a lookup that began before the close. It has seen the object and its rights, so
 * neither may go, nor may the number name another object. Then it ends, and begins the next. */
static void lookup_goes_on(void)
{
	handle_t other;

	turns++;
	assert_int_equal(closed, 0);
	assert_int_equal(destroyed, 0);
	assert_int_equal(handle_create(&table, &object_b, RIGHT_READ, &other), STATUS_OK);
	assert_int_equal(other, 1 + turns);
	if (turns == 3)
		cpus[1]->reading += 2;
}

static void test_close_waits_for_lookups(void **state)
{
	struct object *found;
	handle_t handle;

	(void)state;
	object_init(&object_a, OBJECT_EVENT, object_destroyed);
	object_init(&object_b, OBJECT_EVENT, object_destroyed);
	object_a.closed = object_closed;
	turns = 0;
	assert_int_equal(handle_create(&table, &object_a, RIGHTS_ALL, &handle), STATUS_OK);
	assert_int_equal(handle, 1);
	object_put(&object_a);
	cpus[1]->reading = 7;
	fake_relaxed = lookup_goes_on;
	assert_int_equal(handle_close(&table, handle), STATUS_OK);
	assert_int_equal(turns, 3);
	assert_int_equal(closed, 1);
	assert_int_equal(destroyed, 1);
	/* Between its lookups a CPU is not waited for. */
	cpus[1]->reading = 10;
	assert_int_equal(handle_close(&table, 2), STATUS_OK);
	assert_int_equal(turns, 3);
	/* A lookup leaves no section open, whatever it finds. */
	assert_int_equal(handle_get(&table, 3, OBJECT_EVENT, RIGHT_READ, &found), STATUS_OK);
	object_put(found);
	assert_int_equal(handle_get(&table, 3, OBJECT_TASK, RIGHT_READ, &found), STATUS_WRONG_TYPE);
	assert_int_equal(handle_get(&table, 2, OBJECT_EVENT, 0, &found), STATUS_INVALID_HANDLE);
	assert_int_equal(handle_get(&table, 9999, OBJECT_EVENT, 0, &found), STATUS_INVALID_HANDLE);
	assert_int_equal(this_cpu()->reading % 2, 0);
	assert_int_equal(this_cpu()->reading, 8);
}

static uint64_t free_before;

static void directory_is_there(void)
{
	assert_int_equal(heap.pages_free, free_before);
	turns++;
	cpus[1]->reading++;
}

/* The outgrown directory of pages stays while a lookup may go through it. */
static void test_growth_waits_for_lookups(void **state)
{
	enum { COUNT = 512 * 256 - 1 }; /* what one page of page pointers lists */
	handle_t handle;

	(void)state;
	object_init(&object_a, OBJECT_EVENT, object_destroyed);
	turns = 0;
	fake_relaxed = directory_is_there;
	cpus[1]->reading = 1;
	for (handle_t i = 0; i < COUNT; i++)
		assert_int_equal(handle_create(&table, &object_a, 0, &handle), STATUS_OK);
	assert_int_equal(turns, 0);
	free_before = heap.pages_free - 3; /* one of entries, two of pointers */
	assert_int_equal(handle_create(&table, &object_a, 0, &handle), STATUS_OK);
	assert_int_equal(turns, 1);
	assert_int_equal(heap.pages_free, free_before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_waits_for_lookups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_growth_waits_for_lookups, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

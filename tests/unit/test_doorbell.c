/* SPDX-License-Identifier: MIT */
/*
 * Doorbells, with partitions, spaces and guests left out: which of them a write rings, what is
 * refused, and that either end may come first, the handle's or the partition's.
 */
#include "machine_memory.h"

#include <kernel/cpu.h>
#include <kernel/doorbell.h>
#include <kernel/event.h>
#include <kernel/memory_map.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define USER	 0x10000u
#define MAPPED	 0x5000u
#define VTLS	 2u
#define MANY	 3000u
#define PHYSICAL 40u

static struct heap heap;
static struct task task;
static struct thread thread;
static struct partition partition;
static struct gpa_space space;
static struct event *event;
static handle_t partition_handle, event_handle;
static uint64_t signalled;
static uint64_t pages_before, pages_at_start;
static struct doorbell_config config;

void event_signal(struct event *e, uint64_t bits)
{
	assert_ptr_equal(e, event);
	signalled |= bits;
}

static void nothing(struct object *object)
{
	(void)object;
}

void partition_put(struct partition *p)
{
	object_put(&p->object);
}

bool gpa_is_mapped(struct gpa_space *s, gpa_t gpa)
{
	(void)s;
	return ALIGN_DOWN(gpa, PAGE_SIZE) == MAPPED;
}

status_t syscall_space(struct partition *p, uint64_t vtl, struct gpa_space **s)
{
	(void)p;
	*s = &space;
	return vtl < VTLS ? STATUS_OK : STATUS_INVALID_VTL;
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 2);
	pages_at_start = heap.pages_free;
	memset(&partition, 0, sizeof(partition));
	fake_cpus_init(1);
	handle_table_init(&task.handles, &heap);
	task.heap = partition.heap = &heap;
	thread.task = &task;
	partition.physical_bits = PHYSICAL;
	object_init(&partition.object, OBJECT_PARTITION, nothing);
	event = heap_alloc(&heap, sizeof(*event));
	object_init(&event->object, OBJECT_EVENT, nothing);
	signalled = 0;
	fake_user_memory(USER, &config, sizeof(config));
	return handle_create(&task.handles, &partition.object, RIGHTS_ALL, &partition_handle) ||
	       handle_create(&task.handles, &event->object, RIGHTS_ALL, &event_handle);
}

static int teardown(void **state)
{
	(void)state;
	doorbells_destroy(&partition);
	handle_table_destroy(&task.handles);
	assert_int_equal(event->object.references, 1);
	assert_int_equal(partition.object.references, 1);
	heap_free(&heap, event, sizeof(*event));
	assert_int_equal(heap.pages_free, pages_at_start);
	fake_cpus_destroy();
	fake_ram_destroy();
	return 0;
}

static struct syscall_result make(struct doorbell_config c, uint64_t min_vtl)
{
	c.event = c.event ? c.event : event_handle;
	config = c;
	return sys_partition_doorbell_create(&thread,
					     (uint64_t[6]){partition_handle, min_vtl, USER});
}

/* The bits that a write signals, by the system call. */
static uint64_t rung(uint64_t vtl, uint64_t kind, uint64_t address, uint64_t length, uint64_t value)
{
	const uint64_t a[6] = {partition_handle, vtl, kind, address, length, value};
	status_t status = sys_doorbell_ring(&thread, a).status;
	uint64_t bits = signalled;

	signalled = 0;
	assert_int_equal(status, bits ? STATUS_OK : STATUS_NOT_FOUND);
	return bits;
}

static void test_the_most_special_rings(void **state)
{
	const struct doorbell_config any = {.address = 8, .bits = 1};
	const struct doorbell_config four = {.address = 8, .length = 4, .bits = 2};
	const struct doorbell_config seven = {
		.address = 8, .flags = DOORBELL_VALUE, .value = 7, .bits = 4};
	const struct doorbell_config both = {
		.address = 8, .length = 4, .flags = DOORBELL_VALUE, .value = 7, .bits = 8};

	(void)state;
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 4, 7), 0);
	assert_int_equal(make(any, 0).status, STATUS_OK);
	assert_int_equal(make(seven, 0).status, STATUS_OK);
	assert_int_equal(make(both, 0).status, STATUS_OK);
	assert_int_equal(make(four, 0).status, STATUS_OK);
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 4, 7), 8);
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 2, 7), 4);
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 4, 6), 2);
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 1, 6), 1);
	assert_int_equal(rung(0, DOORBELL_GPA, 9, 1, 6), 0);
	assert_int_equal(rung(0, DOORBELL_PORT, 8, 1, 6), 0);
	assert_int_equal(make(any, 0).status, STATUS_ALREADY_EXISTS);
	assert_int_equal(make(four, 1).status, STATUS_ALREADY_EXISTS);
	assert_int_equal(make(seven, 0).status, STATUS_ALREADY_EXISTS);
	assert_int_equal(make(both, 0).status, STATUS_ALREADY_EXISTS);
}

static void test_a_lower_vtl_does_not_ring(void **state)
{
	(void)state;
	assert_int_equal(make((struct doorbell_config){.address = 8, .bits = 1}, 1).status,
			 STATUS_OK);
	assert_int_equal(rung(0, DOORBELL_GPA, 8, 4, 0), 0);
	assert_int_equal(rung(1, DOORBELL_GPA, 8, 4, 0), 1);
}

static void test_thousands_come_and_go(void **state)
{
	static handle_t handles[MANY];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		const struct doorbell_config c = {.address = i / 3 * PAGE_SIZE + MIB(1),
						  .length = 4,
						  .flags = DOORBELL_VALUE,
						  .value = i % 3,
						  .bits = i + 1};

		struct syscall_result result = make(c, 0);

		assert_int_equal(result.status, STATUS_OK);
		handles[i] = (handle_t)result.value;
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(rung(0, DOORBELL_GPA, i / 3 * PAGE_SIZE + MIB(1), 4, i % 3),
				 i + 1);
	for (uint32_t i = 0; i < MANY; i += 2)
		assert_int_equal(handle_close(&task.handles, handles[i]), STATUS_OK);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(rung(0, DOORBELL_GPA, i / 3 * PAGE_SIZE + MIB(1), 4, i % 3),
				 i % 2 ? i + 1 : 0);
	assert_int_equal(partition.doorbell_count, MANY / 2);
}

/* The rest of them end in teardown, partition first. */
static void test_a_copy_of_the_handle_keeps_it(void **state)
{
	struct syscall_result result =
		make((struct doorbell_config){.kind = DOORBELL_PORT, .address = 8, .bits = 1}, 0);
	handle_t copy;

	(void)state;
	assert_int_equal(handle_duplicate(&task.handles, (handle_t)result.value, 0, &copy),
			 STATUS_OK);
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
	assert_int_equal(rung(0, DOORBELL_PORT, 8, 2, 3), 1);
	assert_int_equal(handle_close(&task.handles, copy), STATUS_OK);
	assert_int_equal(rung(0, DOORBELL_PORT, 8, 2, 3), 0);
}

static void test_there_is_a_most(void **state)
{
	struct doorbell_config c = {.address = 8, .flags = DOORBELL_VALUE, .bits = 1};

	(void)state;
	assert_int_equal(make(c, 0).status, STATUS_OK);
	partition.doorbell_count = DOORBELLS_MAX;
	c.value = 1;
	assert_int_equal(make(c, 0).status, STATUS_TOO_LARGE);
	partition.doorbell_count = 1;
	assert_int_equal(make(c, 0).status, STATUS_OK);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		struct doorbell_config config;
		uint64_t vtl;
		status_t status;
	} rows[] = {
		{{.bits = 0}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .kind = 2}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .length = 3}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .length = 16}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .length = 255}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .kind = DOORBELL_PORT, .length = 8}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .flags = 2}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .reserved = 1}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .value = 1}, 0, STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .flags = DOORBELL_VALUE, .length = 1, .value = 256},
		 0,
		 STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .flags = DOORBELL_VALUE, .kind = DOORBELL_PORT, .value = BIT(32)},
		 0,
		 STATUS_INVALID_ARGUMENT},
		{{.bits = 1, .address = 2, .length = 4}, 0, STATUS_MISALIGNED},
		{{.bits = 1, .address = BIT(PHYSICAL)}, 0, STATUS_INVALID_ADDRESS},
		{{.bits = 1, .address = UINT64_MAX}, 0, STATUS_INVALID_ADDRESS},
		{{.bits = 1, .address = MAPPED + 8}, 0, STATUS_OVERLAP},
		{{.bits = 1, .kind = DOORBELL_PORT, .address = 0x10000}, 0, STATUS_INVALID_ADDRESS},
		{{.bits = 1, .kind = DOORBELL_PORT, .address = 0xfffe, .length = 4},
		 0,
		 STATUS_INVALID_ADDRESS},
		{{.bits = 1}, VTLS, STATUS_INVALID_VTL},
		{{.bits = 1}, BIT(32), STATUS_INVALID_VTL},
		{{.bits = 1, .event = 9999}, 0, STATUS_INVALID_HANDLE},
	};
	handle_t weak;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(make(rows[i].config, rows[i].vtl).status, rows[i].status);
	assert_int_equal(handle_duplicate(&task.handles, event_handle, RIGHT_WAIT, &weak),
			 STATUS_OK);
	assert_int_equal(make((struct doorbell_config){.bits = 1, .event = weak}, 0).status,
			 STATUS_ACCESS_DENIED);
	assert_int_equal(
		sys_partition_doorbell_create(&thread, (uint64_t[6]){partition_handle, 0, USER + 8})
			.status,
		STATUS_INVALID_ADDRESS);
	assert_int_equal(partition.doorbell_count, 0);
	assert_int_equal(event->object.references, 3);
}

static void test_rings_that_are_refused(void **state)
{
	static const struct {
		uint64_t a[5];
		status_t status;
	} rows[] = {
		{{VTLS, 0, 8, 4, 0}, STATUS_INVALID_VTL},
		{{0, 2, 8, 4, 0}, STATUS_INVALID_ARGUMENT},
		{{0, 0, 8, 0, 0}, STATUS_INVALID_ARGUMENT},
		{{0, 0, 8, 3, 0}, STATUS_INVALID_ARGUMENT},
		{{0, 0, 8, BIT(32) + 4, 0}, STATUS_INVALID_ARGUMENT},
		{{0, 0, 8, 2, 65536}, STATUS_INVALID_ARGUMENT},
		{{0, 1, 8, 8, 0}, STATUS_INVALID_ARGUMENT},
		{{0, 0, UINT64_MAX, 1, 0}, STATUS_NOT_FOUND},
		{{0, 0, BIT(63) | 8, 4, 0}, STATUS_NOT_FOUND},
		{{0, 0, BIT(PHYSICAL) | 8, 4, 0}, STATUS_NOT_FOUND},
		{{0, 0, 8, 4, 0}, STATUS_OK},
	};

	(void)state;
	assert_int_equal(make((struct doorbell_config){.bits = 1, .address = 8}, 0).status,
			 STATUS_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t *r = rows[i].a;
		const uint64_t a[6] = {partition_handle, r[0], r[1], r[2], r[3], r[4]};

		assert_int_equal(sys_doorbell_ring(&thread, a).status, rows[i].status);
	}
}

static void test_without_memory_nothing_is_left(void **state)
{
	struct syscall_result result;
	void *taken = NULL, *page;

	(void)state;
	while ((page = page_alloc(&heap, 0)))
		page_list_push(&taken, page);
	pages_before = heap.pages_free;
	result = make((struct doorbell_config){.bits = 1}, 0);
	assert_int_equal(result.status, STATUS_NO_MEMORY);
	assert_int_equal(heap.pages_free, pages_before);
	assert_int_equal(event->object.references, 2);
	page_list_free(&heap, taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_most_special_rings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_lower_vtl_does_not_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thousands_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_copy_of_the_handle_keeps_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_there_is_a_most, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rings_that_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_memory_nothing_is_left, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

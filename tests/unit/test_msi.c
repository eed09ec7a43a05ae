/* SPDX-License-Identifier: MIT */
/* Sources of interrupts: what their handles let one do, and how long they and their partition live. */
#include "machine_memory.h"

#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

static struct heap heap;
static struct task task;
static struct thread thread;
static struct partition partition;
static handle_t partition_handle;
static unsigned int destroyed, messages;
static uint32_t last_vtl, last_data;
static uint64_t last_address;
static bool pending;

struct gpa_space *partition_space(const struct partition *p, uint32_t vtl)
{
	return p->space[vtl];
}

void partition_put(struct partition *p)
{
	object_put(&p->object);
}

status_t arch_request_msi(struct partition *p, uint32_t vtl, uint64_t address, uint32_t data,
			  bool *merged)
{
	assert_ptr_equal(p, &partition);
	messages++;
	last_vtl = vtl;
	last_address = address;
	last_data = data;
	*merged = pending;
	return address ? STATUS_OK : STATUS_INVALID_ADDRESS;
}

status_t syscall_object(struct thread *t, uint64_t handle, enum object_type type, uint32_t rights,
			struct object **object)
{
	return handle_get(&t->task->handles, (handle_t)handle, type, rights, object);
}

static void destroy(struct object *object)
{
	(void)object;
	destroyed++;
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 1);
	memset(&partition, 0, sizeof(partition));
	fake_cpus_init(1);
	handle_table_init(&task.handles, &heap);
	thread.task = &task;
	object_init(&partition.object, OBJECT_PARTITION, destroy);
	partition.state = PARTITION_BUILT;
	partition.heap = &heap;
	partition.space[0] = (struct gpa_space *)&heap; /* there is one */
	destroyed = messages = 0;
	pending = false;
	return handle_create(&task.handles, &partition.object, RIGHTS_ALL, &partition_handle);
}

static int teardown(void **state)
{
	(void)state;
	handle_table_destroy(&task.handles);
	fake_cpus_destroy();
	assert_int_equal(partition.object.references, 1);
	fake_ram_destroy();
	return 0;
}

static struct syscall_result create(uint64_t handle, uint64_t vtl)
{
	return sys_msi_source_create(&thread, (const uint64_t[6]){handle, vtl});
}

static struct syscall_result signal(uint64_t source, uint64_t address, uint64_t data)
{
	return sys_msi_signal(&thread, (const uint64_t[6]){source, address, data});
}

static void test_a_source_signals(void **state)
{
	struct syscall_result source = create(partition_handle, 0);
	struct syscall_result result;

	(void)state;
	assert_int_equal(source.status, STATUS_OK);
	result = signal(source.value, 0xfee00000, 0x41);
	assert_int_equal(result.status, STATUS_OK);
	assert_int_equal(result.value, 0);
	assert_int_equal(messages, 1);
	assert_int_equal(last_vtl, 0);
	assert_int_equal(last_address, 0xfee00000);
	assert_int_equal(last_data, 0x41);
	pending = true;
	assert_int_equal(signal(source.value, 0xfee00000, 0x41).value, 1);
	assert_int_equal(signal(source.value, 0, 0x41).status, STATUS_INVALID_ADDRESS);
	assert_int_equal(signal(source.value, 0xfee00000, BIT(32)).status, STATUS_INVALID_ARGUMENT);
	assert_int_equal(messages, 3);
}

static void test_its_handle_gives_no_other_rights(void **state)
{
	struct syscall_result source = create(partition_handle, 0);
	struct object *object;
	handle_t reader;

	(void)state;
	assert_int_equal(
		handle_get(&task.handles, (handle_t)source.value, OBJECT_PARTITION, 0, &object),
		STATUS_WRONG_TYPE);
	assert_int_equal(signal(partition_handle, 0xfee00000, 0x41).status, STATUS_WRONG_TYPE);
	assert_int_equal(
		handle_duplicate(&task.handles, (handle_t)source.value, RIGHT_READ, &reader),
		STATUS_OK);
	assert_int_equal(signal(reader, 0xfee00000, 0x41).status, STATUS_ACCESS_DENIED);
	/* Nor does one without the right on the partition make one. */
	assert_int_equal(handle_duplicate(&task.handles, partition_handle, RIGHT_READ, &reader),
			 STATUS_OK);
	assert_int_equal(create(reader, 0).status, STATUS_ACCESS_DENIED);
	assert_int_equal(messages, 0);
}

static void test_it_keeps_the_partition(void **state)
{
	uint64_t before = heap.pages_free;
	struct syscall_result source = create(partition_handle, 0);

	(void)state;
	assert_int_equal(partition.object.references, 3);
	assert_int_equal(handle_close(&task.handles, partition_handle), STATUS_OK);
	assert_int_equal(signal(source.value, 0xfee00000, 0x41).status, STATUS_OK);
	assert_int_equal(handle_close(&task.handles, (handle_t)source.value), STATUS_OK);
	assert_int_equal(partition.object.references, 1);
	assert_int_equal(heap.pages_free, before);
}

static void test_creation_refuses(void **state)
{
	(void)state;
	assert_int_equal(create(partition_handle, 1).status, STATUS_INVALID_VTL);
	assert_int_equal(create(partition_handle, VTL_COUNT).status, STATUS_INVALID_VTL);
	assert_int_equal(create(partition_handle, BIT(32)).status, STATUS_INVALID_VTL);
	partition.state = PARTITION_PROTO;
	assert_int_equal(create(partition_handle, 0).status, STATUS_WRONG_STATE);
	partition.state = PARTITION_BUILT;
	partition.config.flags = PARTITION_USER_MODE_APIC; /* there is no APIC to send to */
	assert_int_equal(create(partition_handle, 0).status, STATUS_WRONG_STATE);
	assert_int_equal(create(9999, 0).status, STATUS_INVALID_HANDLE);
	assert_int_equal(partition.object.references, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_source_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_handle_gives_no_other_rights, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_it_keeps_the_partition, setup, teardown),
		cmocka_unit_test_setup_teardown(test_creation_refuses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Binding VPs to threads, with partitions and guests left out: what a handle and its end do.
 */
#include "machine_memory.h"
#include <arch/fake.h>

#include <kernel/backend.h>
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define WINDOW MIB(16)

static struct heap heap;
static struct task task;
static struct thread thread, other;
static struct partition partition;
static struct vp vp;
static unsigned int pins, unbinds, destroyed, left_behind, looks, flushes;
#define USER 0x4000u

static uint32_t requested;
static struct vp_debug_state debug_state;

static void unbind(struct vp *v)
{
	(void)v;
	left_behind++;
}

static const struct backend_ops fake_backend = {.unbind = unbind};
const struct backend_ops *backend = &fake_backend;

struct vp *partition_vp(const struct partition *p, uint32_t index)
{
	(void)p;
	return index == 0 ? &vp : NULL;
}

void partition_put(struct partition *p)
{
	object_put(&p->object);
}

status_t task_window_range(struct task *t, uint64_t va, uint64_t size, hpa_t *hpa)
{
	(void)t;
	(void)size;
	*hpa = va - WINDOW;
	return va >= WINDOW && va < WINDOW + MIB(8) ? STATUS_OK : STATUS_INVALID_ADDRESS;
}

status_t blocks_pin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
	pins++;
	return STATUS_OK;
}

void blocks_unpin(hpa_t base, uint64_t size)
{
	(void)base;
	(void)size;
	pins--;
}

static struct cpu *called;
static void (*before_call)(void);

void cpu_call(struct cpu *cpu, void (*function)(void *argument), void *argument)
{
	uint32_t home = this_cpu()->index;

	called = cpu;
	if (before_call)
		before_call();
	fake_cpu_set(cpu->index);
	function(argument);
	fake_cpu_set(home);
}

void monitors_wake(struct partition *p)
{
	(void)p;
}

void arch_vp_bind(struct vp *v)
{
	(void)v;
}

void arch_vp_unbind(struct vp *v)
{
	(void)v;
	unbinds++;
}

void arch_vp_resume(struct vp *v)
{
	(void)v;
}

status_t arch_vp_get_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count)
{
	(void)v;
	(void)vtl;
	(void)names;
	(void)values;
	(void)count;
	return STATUS_OK;
}

status_t arch_vp_set_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count)
{
	(void)v;
	(void)vtl;
	(void)names;
	(void)values;
	(void)count;
	return STATUS_OK;
}

status_t arch_vp_apic_access(struct vp *v, uint32_t vtl, uint32_t offset, bool write,
			     uint32_t *value)
{
	(void)v;
	(void)vtl;
	(void)offset;
	(void)write;
	(void)value;
	return STATUS_OK;
}

static gpa_t gic_gpa;
static unsigned int gic_size;
static bool gic_write;

status_t arch_vp_gic_access(struct vp *v, uint32_t vtl, gpa_t gpa, unsigned int size, bool write,
			    uint64_t *value)
{
	(void)v;
	(void)vtl;
	gic_gpa = gpa;
	gic_size = size;
	gic_write = write;
	*value += 1;
	return STATUS_OK;
}

status_t arch_vp_set_debug_state(struct vp *v, uint32_t vtl, const struct vp_debug_state *state)
{
	(void)v;
	(void)vtl;
	debug_state = *state;
	return STATUS_OK;
}

enum vp_outcome vp_run(struct vp *v)
{
	(void)v;
	return VP_TO_VMM;
}

status_t arch_vp_intercept(struct vp *v, struct hv_message *message)
{
	assert_ptr_equal(v, &vp);
	*message = (struct hv_message){.type = HV_MESSAGE_UNMAPPED_GPA};
	return STATUS_OK;
}

void arch_vp_flush_requests(struct vp *v)
{
	assert_ptr_equal(v, &vp);
	flushes++;
}

status_t vp_reset(struct vp *v)
{
	(void)v;
	return STATUS_OK;
}

void vp_request(struct vp *v, uint32_t bits)
{
	(void)v;
	requested |= bits;
}

void sched_block(struct thread *t)
{
	(void)t;
}

__noreturn void sched_exit(void)
{
	abort();
}

status_t syscall_object(struct thread *t, uint64_t handle, enum object_type type, uint32_t rights,
			struct object **object)
{
	return handle_get(&t->task->handles, (handle_t)handle, type, rights, object);
}

status_t syscall_vp(struct thread *t, const uint64_t a[6], uint32_t rights, struct partition **p,
		    struct vp **v)
{
	(void)t;
	(void)rights;
	if (a[1])
		return STATUS_NOT_FOUND;
	object_get(&partition.object);
	*p = &partition;
	*v = &vp;
	return STATUS_OK;
}

static void destroy(struct object *object)
{
	(void)object;
	destroyed++;
}

static handle_t partition_handle;

static int setup(void **state)
{
	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&heap, MIB(2), 1);
	memset(&vp, 0, sizeof(vp));
	memset(&partition, 0, sizeof(partition));
	fake_cpus_init(2);
	thread.cpu = cpus[1];
	before_call = NULL;
	left_behind = looks = flushes = 0;
	handle_table_init(&task.handles, &heap);
	thread.task = other.task = &task;
	object_init(&thread.object, OBJECT_THREAD, destroy);
	object_init(&partition.object, OBJECT_PARTITION, destroy);
	partition.state = PARTITION_BUILT;
	vp.partition = &partition;
	pins = unbinds = destroyed = requested = 0;
	return handle_create(&task.handles, &partition.object, RIGHTS_ALL, &partition_handle);
}

static int teardown(void **state)
{
	(void)state;
	handle_table_destroy(&task.handles);
	fake_cpus_destroy();
	assert_int_equal(pins, 0);
	assert_int_equal(partition.object.references, 1);
	assert_int_equal(thread.object.references, 1);
	assert_int_equal(destroyed, 0);
	fake_ram_destroy();
	return 0;
}

static struct syscall_result bind(uint64_t index, uint64_t va)
{
	const uint64_t a[6] = {partition_handle, index, va};

	return sys_vp_bind(&thread, a);
}

static void test_a_cpu_that_runs_no_guests_binds_none(void **state)
{
	(void)state;
	this_cpu()->runs_no_guests = true;
	assert_int_equal(bind(0, WINDOW).status, STATUS_NO_VIRTUALIZATION);
	this_cpu()->runs_no_guests = false;
	assert_int_equal(pins, 0);
	assert_int_equal(unbinds, 0);
}

static void test_the_last_handle_unbinds(void **state)
{
	struct syscall_result first, again;
	handle_t copy;

	(void)state;
	first = bind(0, WINDOW);
	assert_int_equal(first.status, STATUS_OK);
	assert_int_equal(bind(0, WINDOW).status, STATUS_BUSY);
	assert_int_equal(handle_duplicate(&task.handles, (handle_t)first.value, RIGHT_RUN, &copy),
			 STATUS_OK);
	assert_int_equal(handle_close(&task.handles, (handle_t)first.value), STATUS_OK);
	assert_int_equal(unbinds, 0);
	assert_int_equal(handle_close(&task.handles, copy), STATUS_OK);
	assert_int_equal(unbinds, 1);
	assert_null(vp.thread);
	again = bind(0, WINDOW);
	assert_int_equal(again.status, STATUS_OK);
}

static void test_a_closed_handle_stops_a_vp_that_runs(void **state)
{
	struct syscall_result result;

	(void)state;
	result = bind(0, WINDOW);
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
	assert_int_equal(requested, 0);
	result = bind(0, WINDOW);
	atomic_store(&vp.run_state, VP_BLOCKED);
	object_get(&vp.object); /* vp_run's own */
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
	assert_int_equal(requested, VP_REQUEST_YIELD);
	assert_ptr_equal(vp.thread, &thread);
	object_put(&vp.object);
	assert_null(vp.thread);
}

static void test_bind_refuses(void **state)
{
	struct syscall_result result;

	(void)state;
	assert_int_equal(bind(0, WINDOW + 8).status, STATUS_MISALIGNED);
	assert_int_equal(bind(0, 0).status, STATUS_INVALID_ADDRESS);
	assert_int_equal(bind(1, WINDOW).status, STATUS_NOT_FOUND);
	assert_int_equal(bind(BIT(32), WINDOW).status, STATUS_NOT_FOUND);
	partition.state = PARTITION_BUILDING;
	assert_int_equal(bind(0, WINDOW).status, STATUS_WRONG_STATE);
	partition.state = PARTITION_BUILT;
	assert_int_equal(pins, 0);
	result = bind(0, WINDOW);
	assert_int_equal(sys_vp_run(&other, (uint64_t[6]){result.value}).status,
			 STATUS_WRONG_STATE);
}

/* ---- looking at a VP from elsewhere ---- */

static void look(struct vp *v, void *argument)
{
	assert_ptr_equal(v, &vp);
	assert_ptr_equal(argument, &looks);
	looks++;
}

static void test_a_call_goes_to_the_cpu_of_the_vp(void **state)
{
	struct syscall_result result = bind(0, WINDOW);

	(void)state;
	assert_int_equal(vp_call(&vp, look, &looks), STATUS_OK);
	assert_int_equal(looks, 1);
	assert_ptr_equal(called, cpus[1]);
	assert_int_equal(left_behind, 0);
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
}

static void test_a_vp_that_is_bound_to_nobody_is_looked_at_here(void **state)
{
	(void)state;
	assert_int_equal(vp_call(&vp, look, &looks), STATUS_OK);
	assert_int_equal(looks, 1);
	assert_ptr_equal(called, cpus[0]);
	assert_int_equal(left_behind, 1); /* nothing of it may stay on this CPU */
}

/* Each time that somebody has found out where the VP is, it is elsewhere. */
static void go_away(void)
{
	vp.thread->cpu = cpus[called == cpus[0]];
}

static unsigned int moves;

static void go_away_once(void)
{
	if (!moves++)
		go_away();
}

static void test_a_call_follows_a_vp_that_moves(void **state)
{
	struct syscall_result result = bind(0, WINDOW);

	(void)state;
	moves = 0;
	before_call = go_away_once;
	assert_int_equal(vp_call(&vp, look, &looks), STATUS_OK);
	assert_int_equal(looks, 1);
	assert_int_equal(moves, 2);
	before_call = go_away;
	assert_int_equal(vp_call(&vp, look, &looks), STATUS_BUSY);
	assert_int_equal(looks, 1);
	before_call = NULL;
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
}

/* Nobody runs while a reset is under way, or after one that has failed. */
static void test_no_run_without_a_good_reset(void **state)
{
	static const uint32_t states[] = {PARTITION_CHANGING, PARTITION_BAD_RESET};
	struct syscall_result result = bind(0, WINDOW);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		partition.state = states[i];
		assert_int_equal(sys_vp_run(&thread, (uint64_t[6]){result.value}).status,
				 STATUS_WRONG_STATE);
		assert_int_equal(vp.run_state, VP_STOPPED);
		assert_int_equal(sys_vp_reset(&thread, (uint64_t[6]){result.value}).status,
				 STATUS_OK);
	}
}

/* On its own thread, by a handle that may write. */
static void test_requests_are_flushed(void **state)
{
	struct syscall_result result = bind(0, WINDOW);
	handle_t copy;

	(void)state;
	assert_int_equal(sys_vp_flush_requests(&other, (uint64_t[6]){result.value}).status,
			 STATUS_WRONG_STATE);
	assert_int_equal(sys_vp_flush_requests(&thread, (uint64_t[6]){partition_handle}).status,
			 STATUS_WRONG_TYPE);
	assert_int_equal(handle_duplicate(&task.handles, (handle_t)result.value,
					  RIGHTS_ALL & ~(uint32_t)RIGHT_WRITE, &copy),
			 STATUS_OK);
	assert_int_equal(sys_vp_flush_requests(&thread, (uint64_t[6]){copy}).status,
			 STATUS_ACCESS_DENIED);
	assert_int_equal(flushes, 0);
	assert_int_equal(handle_close(&task.handles, (handle_t)result.value), STATUS_OK);
	assert_int_equal(handle_close(&task.handles, copy), STATUS_OK);
	result = bind(0, WINDOW);
	assert_int_equal(sys_vp_flush_requests(&thread, (uint64_t[6]){result.value}).status,
			 STATUS_OK);
	assert_int_equal(flushes, 1);
	assert_int_equal(vp.object.references, 1);
}

static void test_no_access_to_an_apic_of_the_vmms(void **state)
{
	struct syscall_result result = bind(0, WINDOW);
	const uint64_t a[6] = {result.value, 0, 0x20};
	struct vp_vtl vtl = {.space = NULL};

	(void)state;
	vp.vtl[0] = &vtl;
	assert_int_equal(sys_vp_apic_access(&thread, a).status, STATUS_OK);
	partition.config.flags = PARTITION_USER_MODE_APIC;
	assert_int_equal(sys_vp_apic_access(&thread, a).status, STATUS_WRONG_STATE);
}

static void test_access_to_a_gic(void **state)
{
	struct syscall_result result = bind(0, WINDOW), access;
	static const uint64_t wrong[] = {0, 3, 5, 16, BIT(16), BIT(17) | 4, BIT(32) | 4};
	uint64_t a[6] = {result.value, 0, 0x8000104, BIT(16) | 4, 41};
	struct vp_vtl vtl = {.space = NULL};
	size_t i;

	(void)state;
	vp.vtl[0] = &vtl;
	access = sys_vp_gic_access(&thread, a);
	assert_int_equal(access.status, STATUS_OK);
	assert_int_equal(access.value, 42);
	assert_true(gic_gpa == 0x8000104 && gic_size == 4 && gic_write);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		a[3] = wrong[i];
		assert_int_equal(sys_vp_gic_access(&thread, a).status, STATUS_INVALID_ARGUMENT);
	}
	a[3] = 8;
	a[1] = VTL_COUNT;
	assert_int_equal(sys_vp_gic_access(&thread, a).status, STATUS_INVALID_VTL);
}

static void test_debug_state_is_copied(void **state)
{
	static struct vp_vtl vtl0;
	struct vp_debug_state set = {
		.flags = DEBUG_SINGLE_STEP,
		.breakpoint = {[3] = {.address = 8, .kind = BREAKPOINT_WRITE, .length = 8}},
	};
	const struct vp_debug_state none = {.flags = 0};
	uint64_t a[6];

	(void)state;
	vp.vtl[0] = &vtl0;
	a[0] = bind(0, WINDOW).value;
	a[1] = 0;
	a[2] = USER;
	fake_user_memory(USER, &set, sizeof(set));
	assert_int_equal(sys_vp_set_debug_state(&other, a).status, STATUS_WRONG_STATE);
	assert_int_equal(sys_vp_set_debug_state(&thread, a).status, STATUS_OK);
	assert_memory_equal(&debug_state, &set, sizeof(set));
	a[2] = 0;
	assert_int_equal(sys_vp_set_debug_state(&thread, a).status, STATUS_OK);
	assert_memory_equal(&debug_state, &none, sizeof(none));
	a[2] = USER + 8; /* its end is not there */
	assert_int_equal(sys_vp_set_debug_state(&thread, a).status, STATUS_INVALID_ADDRESS);
	a[1] = VTL_COUNT;
	assert_int_equal(sys_vp_set_debug_state(&thread, a).status, STATUS_INVALID_VTL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_cpu_that_runs_no_guests_binds_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_last_handle_unbinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_closed_handle_stops_a_vp_that_runs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_bind_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_are_flushed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_to_a_gic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_access_to_an_apic_of_the_vmms, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_call_goes_to_the_cpu_of_the_vp, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_vp_that_is_bound_to_nobody_is_looked_at_here,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_call_follows_a_vp_that_moves, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_run_without_a_good_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_debug_state_is_copied, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The life of a partition, with everything below it left out: who may build it, and what a build
 * that fails or that another thread is at leaves behind.
 */
#include "machine_memory.h"

#include <kernel/backend.h>
#include <kernel/doorbell.h>
#include <kernel/hyperv.h>
#include <kernel/memory_map.h>
#include <kernel/processor.h>
#include <kernel/state.h>
#include <kernel/task.h>

const struct backend_ops *backend;
struct heap kernel_heap;

static struct partition *partition;
static unsigned int builds, spaces, vps, resets;
static status_t vp_status, arch_status, window_status, status_inside, reset_status;
static bool block_in_window, block_returned;
static bool build_inside;

status_t hypervisor_available(void)
{
	return STATUS_OK;
}

bool arch_config_valid(const struct proto_partition_config *config)
{
	return config->apic_mode <= APIC_MODE_X2APIC_ENABLED && !config->reserved[0] &&
	       !config->reserved[1];
}

status_t arch_isolation_check(uint32_t type)
{
	static const status_t statuses[] = {STATUS_OK, STATUS_NO_VBS, STATUS_NO_SNP,
					    STATUS_NOT_SUPPORTED};

	return statuses[type];
}

status_t arch_partition_create(struct partition *p)
{
	(void)p;
	return arch_status;
}

/* Where another thread of the task may come in between. */
status_t arch_partition_build(struct partition *p, const struct cpuid_leaf *leaves, uint32_t count)
{
	builds++;
	if (build_inside) {
		build_inside = false;
		status_inside = proto_partition_build(p, leaves, count);
		assert_null(partition_vp(p, 0));
	}
	return STATUS_OK;
}

/* Where another thread may reset it, or run a VP. */
status_t arch_partition_reset(struct partition *p)
{
	resets++;
	assert_int_equal(p->state, PARTITION_CHANGING);
	status_inside = partition_reset(p);
	return reset_status;
}

static status_t hv_status;

status_t hv_partition_create(struct partition *p)
{
	(void)p;
	return hv_status;
}

void monitors_stop(struct partition *p)
{
	(void)p;
}

void hv_partition_destroy(struct partition *p)
{
	(void)p;
}

status_t hv_partition_reset(struct partition *p)
{
	(void)p;
	return hv_status;
}

void arch_partition_destroy(struct partition *p)
{
	(void)p;
}

status_t gpa_space_create(struct partition *p, struct gpa_space **space)
{
	*space = heap_alloc(p->heap, sizeof(**space));
	spaces++;
	return STATUS_OK;
}

void doorbells_destroy(struct partition *p)
{
	(void)p;
}

void gpa_space_destroy(struct gpa_space *space)
{
	heap_free(&kernel_heap, space, sizeof(*space));
	spaces--;
}

status_t vp_create(struct partition *p, uint32_t index, struct vp **vp)
{
	if (index == 1 && vp_status != STATUS_OK)
		return vp_status;
	*vp = heap_alloc(p->heap, sizeof(**vp));
	vps++;
	return STATUS_OK;
}

void vp_destroy(struct vp *vp)
{
	heap_free(&kernel_heap, vp, sizeof(*vp));
	vps--;
}

void object_init(struct object *object, enum object_type type,
		 void (*destroy)(struct object *object))
{
	*object = (struct object){.references = 1, .type = type, .destroy = destroy};
}

void object_get(struct object *object)
{
	object->references++;
}

void object_put(struct object *object)
{
	if (--object->references == 0)
		object->destroy(object);
}

status_t task_window_restore(struct task *task, hpa_t block)
{
	(void)task;
	(void)block;
	block_in_window = window_status == STATUS_OK;
	return window_status;
}

void block_return(hpa_t block)
{
	(void)block;
	assert_true(block_in_window);
	block_returned = true;
}

void arch_partition_time_skip(struct partition *p, uint64_t ticks)
{
	(void)p;
	(void)ticks;
}

static int setup(void **state)
{
	const struct proto_partition_config config = {.vp_count = 2};

	(void)state;
	fake_ram_init(MIB(8));
	test_heap_init(&kernel_heap, MIB(2), 1);
	builds = spaces = vps = resets = 0;
	vp_status = arch_status = window_status = reset_status = STATUS_OK;
	build_inside = block_in_window = block_returned = false;
	return proto_partition_create(NULL, &config, &partition) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	partition_put(partition);
	assert_int_equal(spaces, 0);
	assert_int_equal(vps, 0);
	assert_int_equal(kernel_heap.pages_free, 509);
	fake_ram_destroy();
	return 0;
}

static void test_is_built_once(void **state)
{
	(void)state;
	assert_null(partition_vp(partition, 0));
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_WRONG_STATE);
	assert_non_null(partition_vp(partition, 1));
	assert_null(partition_vp(partition, 2));
	assert_int_equal(builds, 1);
}

static void test_two_builds_at_the_same_time(void **state)
{
	(void)state;
	build_inside = true;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	assert_int_equal(status_inside, STATUS_WRONG_STATE);
	assert_int_equal(builds, 1);
	assert_int_equal(vps, 2);
}

static void test_a_build_that_failed_can_be_repeated(void **state)
{
	(void)state;
	vp_status = STATUS_NO_MEMORY;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_NO_MEMORY);
	assert_int_equal(vps, 0);
	assert_int_equal(spaces, 0);
	assert_int_equal(partition_reset(partition), STATUS_WRONG_STATE);
	vp_status = STATUS_OK;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	assert_int_equal(partition_reset(partition), STATUS_OK);
}

static void test_a_reset_that_failed_leaves_it_stopped(void **state)
{
	(void)state;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	reset_status = STATUS_NO_MEMORY;
	assert_int_equal(partition_reset(partition), STATUS_NO_MEMORY);
	assert_int_equal(partition->state, PARTITION_BAD_RESET);
	assert_int_equal(status_inside, STATUS_BUSY);
	/* Whatever the VPs do: the rule is about the partition. */
	atomic_store(&partition->vps[1]->run_state, VP_BLOCKED);
	assert_int_equal(partition_reset(partition), STATUS_BUSY);
	assert_int_equal(partition->state, PARTITION_BAD_RESET);
	atomic_store(&partition->vps[1]->run_state, VP_STOPPED);
	assert_int_equal(partition_reset(partition), STATUS_NO_MEMORY);
	reset_status = STATUS_OK;
	assert_int_equal(partition_reset(partition), STATUS_OK);
	assert_int_equal(partition->state, PARTITION_BUILT);
	assert_int_equal(resets, 3);
}

static void test_no_reset_while_a_vp_runs(void **state)
{
	static const uint32_t states[] = {VP_RUNNING, VP_READY, VP_BLOCKED};

	(void)state;
	assert_int_equal(partition_reset(partition), STATUS_WRONG_STATE);
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		atomic_store(&partition->vps[1]->run_state, states[i]);
		assert_int_equal(partition_reset(partition), STATUS_BUSY);
		assert_int_equal(partition->state, PARTITION_BUILT);
	}
	assert_int_equal(resets, 0);
	atomic_store(&partition->vps[1]->run_state, VP_STOPPED);
	assert_int_equal(partition_reset(partition), STATUS_OK);
	assert_true(partition_reference_time(partition) < 10000000);
}

static void test_configurations(void **state)
{
	static const struct {
		struct proto_partition_config config;
		status_t status;
	} rows[] = {
		{{.vp_count = 0}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .apic_mode = 3}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = UINT32_MAX, .apic_mode = APIC_MODE_X2APIC_SUPPORTED},
		 STATUS_TOO_LARGE},
		{{.vp_count = 1, .flags = BIT(3)}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .isolation = ISOLATION_SNP}, STATUS_NO_SNP},
		{{.vp_count = 1, .isolation = ISOLATION_TDX}, STATUS_NOT_SUPPORTED},
		{{.vp_count = 1, .isolation = 4}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .reserved = {0, 1}}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .name = {[15] = 1}}, STATUS_INVALID_ARGUMENT},
	};
	struct partition *other;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(proto_partition_create(NULL, &rows[i].config, &other),
				 rows[i].status);
}

/* One that the VMM does is one. */
static void test_who_does_the_hyperv_interface(void **state)
{
	const struct proto_partition_config neither = {.vp_count = 1,
						       .flags = PARTITION_HYPERV_VMM};
	struct proto_partition_config config = {.flags = PARTITION_HYPERV};
	struct partition *other;

	(void)state;
	assert_int_equal(proto_partition_create(NULL, &neither, &other), STATUS_INVALID_ARGUMENT);
	assert_true(partition_has_hyperv(&config));
	config.flags |= PARTITION_HYPERV_VMM;
	assert_false(partition_has_hyperv(&config));
	/* Only the kernel's can let the guest ask for an invariant TSC. */
	config.vp_count = 1;
	config.flags |= PARTITION_HYPERV_TSC_INVARIANT;
	assert_int_equal(proto_partition_create(NULL, &config, &other), STATUS_INVALID_ARGUMENT);
	config.flags = PARTITION_HYPERV_TSC_INVARIANT;
	assert_int_equal(proto_partition_create(NULL, &config, &other), STATUS_INVALID_ARGUMENT);
	config.flags |= PARTITION_HYPERV;
	assert_int_equal(proto_partition_create(NULL, &config, &other), STATUS_OK);
	partition_put(other);
}

/* A VP's part of it that can't go yet. */
static void test_a_reset_with_the_hyperv_interface(void **state)
{
	(void)state;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	reset_status = STATUS_OK;
	hv_status = STATUS_BUSY;
	assert_int_equal(partition_reset(partition), STATUS_BUSY);
	assert_int_equal(partition->state, PARTITION_BAD_RESET);
	hv_status = STATUS_OK;
	assert_int_equal(partition_reset(partition), STATUS_OK);
}

static void test_the_architecture_may_refuse(void **state)
{
	const struct proto_partition_config config = {.vp_count = 256};
	uint64_t before = kernel_heap.pages_free;
	struct partition *other;

	(void)state;
	arch_status = STATUS_TOO_LARGE;
	assert_int_equal(proto_partition_create(NULL, &config, &other), STATUS_TOO_LARGE);
	assert_int_equal(kernel_heap.pages_free, before);
}

static void test_a_block_is_the_tasks_when_it_is_in_its_window(void **state)
{
	hpa_t block;

	(void)state;
	heap_add_block(&partition->own_heap, MIB(4));
	assert_int_equal(heap_remove_block(&partition->own_heap, &block), STATUS_OK);
	window_status = STATUS_NO_MEMORY;
	assert_int_equal(partition_block_give(partition, block), STATUS_NO_MEMORY);
	assert_false(block_returned);
	assert_int_equal(partition->own_heap.pages_total, LARGE_PAGE_SIZE / PAGE_SIZE);
	assert_int_equal(heap_remove_block(&partition->own_heap, &block), STATUS_OK);
	window_status = STATUS_OK;
	assert_int_equal(partition_block_give(partition, block), STATUS_OK);
	assert_true(block_returned);
	assert_int_equal(partition->own_heap.pages_total, 0);
}

/* ---- time ---- */

/* Another CPU, while this one reads the time. */
static void stand_still_meanwhile(void)
{
	fake_timestamp_taken = NULL;
	assert_int_equal(partition_freeze(partition), STATUS_OK);
	fake_timestamp += 1000000;
	assert_int_equal(partition_thaw(partition), STATUS_OK);
}

static void freeze_meanwhile(void)
{
	fake_timestamp_taken = NULL;
	fake_timestamp += 500;
	assert_int_equal(partition_freeze(partition), STATUS_OK);
}

static void reset_meanwhile(void)
{
	fake_timestamp_taken = NULL;
	fake_timestamp += 5000;
	assert_int_equal(partition_reset(partition), STATUS_OK);
}

static void test_time_that_is_changed_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(proto_partition_build(partition, NULL, 0), STATUS_OK);
	fake_timestamp += 7000; /* ns */
	assert_int_equal(partition_reference_time(partition), 70);
	fake_timestamp_taken = stand_still_meanwhile;
	assert_int_equal(partition_reference_time(partition), 70);
	fake_timestamp_taken = freeze_meanwhile;
	assert_int_equal(partition_reference_time(partition), 75);
	assert_int_equal(partition_reference_time(partition), 75);
	fake_timestamp += 800;
	assert_int_equal(partition_reference_time(partition), 75);
	assert_int_equal(partition_thaw(partition), STATUS_OK);
	assert_int_equal(partition_reference_time(partition), 75);
	fake_timestamp_taken = reset_meanwhile;
	assert_int_equal(partition_reference_time(partition), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_is_built_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_builds_at_the_same_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_build_that_failed_can_be_repeated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_reset_that_failed_leaves_it_stopped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_reset_while_a_vp_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_configurations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_does_the_hyperv_interface, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_reset_with_the_hyperv_interface, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_architecture_may_refuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_block_is_the_tasks_when_it_is_in_its_window,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_time_that_is_changed_meanwhile, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

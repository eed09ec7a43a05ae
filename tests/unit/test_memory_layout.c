/* SPDX-License-Identifier: MIT */
/*
 * The partition's memory map for sizes on both sides of each border, and access to RAM that is in
 * several pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader_fixture.h"

/* Both lists ascend without overlap, and what is usable is RAM. */
static void check(const struct memory_layout *layout)
{
	for (size_t i = 1; i < layout->map_count; i++)
		assert_true(layout->map[i - 1].gpa + layout->map[i - 1].size <= layout->map[i].gpa);
	for (size_t i = 0; i < layout->map_count; i++) {
		const struct memory_region *region = &layout->map[i];
		bool backed = false;

		assert_true(region->size > 0);
		for (size_t j = 0; j < layout->ram_count; j++)
			backed |= region->gpa >= layout->ram[j].gpa &&
				  range_within(region->gpa - layout->ram[j].gpa, region->size,
					       layout->ram[j].size);
		assert_true(backed);
		if (region->kind == MEMORY_USABLE)
			assert_false(range_overlaps(region->gpa, region->size, LAYOUT_DEVICE_BASE,
						    GIB(1)));
	}
}

static void test_sizes(void **state)
{
	static const uint64_t sizes[] = {
		MIB(1), MIB(1) + KIB(4), MIB(256), GIB(3) - KIB(4),
		GIB(3), GIB(3) + KIB(4), GIB(4),   GIB(1024),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct memory_layout layout;
		uint64_t top;

		assert_int_equal(memory_layout_build(&layout, sizes[i]), STATUS_OK);
		check(&layout);
		top = layout.ram[layout.ram_count - 1].gpa + layout.ram[layout.ram_count - 1].size;
		assert_int_equal(top, sizes[i] <= GIB(3) ? sizes[i] : sizes[i] + GIB(1));
		assert_int_equal(memory_layout_low_end(&layout), MIN(sizes[i], GIB(3)));
	}
}

static void test_refused_sizes(void **state)
{
	struct memory_layout layout;

	(void)state;
	assert_int_equal(memory_layout_build(&layout, 0), STATUS_INVALID_ARGUMENT);
	assert_int_equal(memory_layout_build(&layout, MIB(1) - KIB(4)), STATUS_INVALID_ARGUMENT);
	assert_int_equal(memory_layout_build(&layout, MIB(2) + 1), STATUS_MISALIGNED);
	assert_int_equal(memory_layout_build(&layout, BIT(52)), STATUS_TOO_LARGE);
	assert_int_equal(memory_layout_build(&layout, UINT64_MAX - 0xfff), STATUS_TOO_LARGE);
}

static void test_bios_data(void **state)
{
	struct machine machine;
	struct guest_memory nothing = {NULL, 0};

	(void)state;
	assert_true(machine_open(&machine, MIB(1)));
	assert_int_equal(memory_layout_write_bda(&machine.memory), STATUS_OK);
	assert_int_equal(machine_read(&machine, 0x40e, 2), 0x9fc0);
	assert_int_equal(machine_read(&machine, 0x413, 2), 639);
	assert_int_equal(machine_read(&machine, 0x400, 2), 0x3f8);
	assert_int_equal(memory_layout_write_bda(&nothing), STATUS_INVALID_ADDRESS);
	machine_close(&machine);
}

/* Three ranges, of which the first two touch. */
static void test_guest_memory(void **state)
{
	uint8_t a[16] = {0}, b[16] = {0}, c[16] = {0}, data[32];
	const struct guest_range ranges[] = {{0x1000, 16, a}, {0x1010, 16, b}, {0x2000, 16, c}};
	const struct guest_memory memory = {ranges, 3};

	(void)state;
	memset(data, 7, sizeof(data));
	assert_ptr_equal(guest_memory_pointer(&memory, 0x1018, 8), b + 8);
	assert_null(guest_memory_pointer(&memory, 0x1018, 9));
	assert_null(guest_memory_pointer(&memory, 0x1008, 16));
	assert_null(guest_memory_pointer(&memory, 0x1000, UINT64_MAX));
	assert_null(guest_memory_pointer(&memory, UINT64_MAX, 8));
	assert_true(guest_memory_contains(&memory, 0x1000, 32));
	assert_false(guest_memory_contains(&memory, 0x1000, 33));
	assert_false(guest_memory_contains(&memory, 0xfff, 2));
	assert_true(guest_memory_contains(&memory, 0x5000, 0));
	assert_int_equal(guest_memory_write(&memory, 0x1008, data, 16), STATUS_OK);
	assert_int_equal(a[7], 0);
	assert_int_equal(a[8], 7);
	assert_int_equal(b[7], 7);
	assert_int_equal(b[8], 0);
	assert_int_equal(guest_memory_write(&memory, 0x1018, data, 9), STATUS_INVALID_ADDRESS);
	assert_int_equal(b[8], 0);
	assert_int_equal(guest_memory_fill(&memory, 0x100f, 9, 2), STATUS_OK);
	assert_int_equal(guest_memory_fill(&memory, 0x2000, 9, 17), STATUS_INVALID_ADDRESS);
	assert_int_equal(guest_memory_read(&memory, 0x100e, data, 3), STATUS_OK);
	assert_int_equal(data[0], 7);
	assert_int_equal(data[1], 9);
	assert_int_equal(data[2], 9);
	assert_int_equal(guest_memory_read(&memory, 0x1fff, data, 2), STATUS_INVALID_ADDRESS);
	assert_int_equal(guest_memory_size(&memory), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_refused_sizes),
		cmocka_unit_test(test_bios_data),
		cmocka_unit_test(test_guest_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

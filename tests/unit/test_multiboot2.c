/* SPDX-License-Identifier: MIT */
/* The decoder of the boot loader's information: what a loader gives, and what one could lie. */
#include <arch/multiboot2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint8_t info[0x8000];
static uint32_t used;
static struct multiboot2 out;

static void put32(uint32_t value)
{
	memcpy(info + used, &value, 4);
	used += 4;
}

static void put64(uint64_t value)
{
	memcpy(info + used, &value, 8);
	used += 8;
}

static void info_start(void)
{
	memset(info, 0, sizeof(info));
	used = 8;
}

static void tag(uint32_t type, uint32_t size)
{
	used = ALIGN_UP(used, 8u);
	put32(type);
	put32(size);
}

struct entry {
	uint64_t base, size;
	uint32_t type;
};

static void map_tag(const struct entry *entries, uint32_t count)
{
	tag(6, 16 + 24 * count);
	put32(24);
	put32(0);
	for (uint32_t i = 0; i < count; i++) {
		put64(entries[i].base);
		put64(entries[i].size);
		put32(entries[i].type);
		put32(0);
	}
}

static status_t parse(void)
{
	uint8_t *copy;
	status_t status;

	tag(0, 8);
	memcpy(info, &used, 4);
	copy = malloc(used); /* of the exact size, so that the sanitizer sees its end */
	memcpy(copy, info, used);
	status = multiboot2_parse(copy, used, &out);
	free(copy);
	return status;
}

static const struct entry simple[] = {
	{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0x100000, 0x7ee0000, 1}, {0x7fe0000, 0x10000, 3}};

static void test_all_tags(void **state)
{
	(void)state;
	info_start();
	tag(1, 8 + 6);
	memcpy(info + used, "a=b c", 6);
	used += 6;
	tag(3, 16 + 2);
	put32(0x400000);
	put32(0x400123);
	used += 2;
	tag(3, 17);
	put32(0x500000);
	put32(0x600000);
	used += 1;
	map_tag(simple, 4);
	tag(14, 28);
	memcpy(info + used, "old", 3);
	used += 20;
	tag(15, 44);
	memcpy(info + used, "new", 3);
	used += 36;
	assert_int_equal(parse(), STATUS_OK);
	assert_string_equal(out.command_line, "a=b c");
	assert_int_equal(out.bundle_base, 0x400000);
	assert_int_equal(out.bundle_size, 0x123);
	assert_int_equal(out.module_count, 2);
	assert_int_equal(out.rsdp_size, 36);
	assert_memory_equal(out.rsdp, "new", 3);
	assert_int_equal(out.memory_count, 4);
	assert_int_equal(out.memory[0].size, 0x9f000); /* RAM inwards */
	assert_int_equal(out.memory[1].base, 0x9f000); /* the rest outwards */
	assert_int_equal(out.memory[3].kind, MEMORY_ACPI);
}

static void test_overlaps_take_the_careful_kind(void **state)
{
	(void)state;
	static const struct entry entries[] = {{0x100000, 0x1000000, 1}, {0x80000, 0x200000, 1},
					       {0x200000, 0x1000, 2},	 {0xfff000, 0x300000, 2},
					       {0x300800, 0x10, 3},	 {UINT64_MAX - 5, 100, 1},
					       {0x900000, 0, 1}};

	info_start();
	map_tag(entries, ARRAY_SIZE(entries));
	assert_int_equal(parse(), STATUS_OK);
	for (uint32_t i = 0; i < out.memory_count; i++) {
		const struct memory_range *r = &out.memory[i];

		assert_true(r->size && IS_ALIGNED(r->base | r->size, PAGE_SIZE));
		if (i)
			assert_true(r[-1].base + r[-1].size <= r->base);
		if (r->kind != MEMORY_RAM)
			continue;
		assert_false(range_overlaps(r->base, r->size, 0x200000, 0x1000));
		assert_false(range_overlaps(r->base, r->size, 0xfff000, 0x300000));
		assert_false(range_overlaps(r->base, r->size, 0x300000, 0x1000));
	}
	assert_int_equal(out.memory[0].base, 0x80000);
}

static void test_lies(void **state)
{
	(void)state;
	info_start();
	assert_int_equal(parse(), STATUS_NOT_FOUND); /* no map */
	info_start();
	map_tag(simple + 1, 1);
	assert_int_equal(parse(), STATUS_NOT_FOUND); /* no RAM */
	info_start();
	map_tag(simple, 4);
	memcpy(info + 16, &(uint32_t){16}, 4); /* entries too small */
	assert_int_equal(parse(), STATUS_BAD_FORMAT);
	info_start();
	tag(3, 16);
	put32(0x500000);
	put32(0x400000); /* ends before it starts */
	assert_int_equal(parse(), STATUS_BAD_FORMAT);
	info_start();
	tag(1, 7);
	assert_int_equal(parse(), STATUS_BAD_FORMAT);
	info_start();
	tag(1, 0xfffffff9);
	assert_int_equal(parse(), STATUS_TRUNCATED);
	assert_int_equal(multiboot2_parse(info, 7, &out), STATUS_TRUNCATED);
	memcpy(info, &(uint32_t){0x7fffffff}, 4);
	assert_int_equal(multiboot2_parse(info, sizeof(info), &out), STATUS_TRUNCATED);
}

static status_t parse_module(uint32_t start, uint32_t end, const struct entry *entries,
			     uint32_t count)
{
	info_start();
	tag(3, 17);
	put32(start);
	put32(end);
	used += 1;
	map_tag(entries, count);
	return parse();
}

/* The kernel reads it as RAM: it must be there, and may reach over the seam of two entries. */
static void test_module_lies_in_ram(void **state)
{
	(void)state;
	static const struct entry seam[] = {{0x100000, 0x100000, 1}, {0x200000, 0x100000, 1}};

	assert_int_equal(parse_module(0x1f0000, 0x210000, seam, 2), STATUS_OK);
	assert_int_equal(parse_module(0x100000, 0x300000, seam, 2), STATUS_OK);
	assert_int_equal(parse_module(0x1f0000, 0x300001, seam, 2), STATUS_BAD_FORMAT);
	assert_int_equal(parse_module(0x1f0000, 0x210000, seam, 1), STATUS_BAD_FORMAT);
	assert_int_equal(parse_module(0xff000, 0x101000, seam, 2), STATUS_BAD_FORMAT);
	assert_int_equal(parse_module(0xfee00000, 0xfee01000, simple, 4), STATUS_BAD_FORMAT);
	assert_int_equal(parse_module(0x7fdf000, 0x7fe1000, simple, 4), STATUS_BAD_FORMAT);
	assert_int_equal(parse_module(0x500000, 0x500000, simple, 4), STATUS_OK); /* empty */
}

static void test_long_command_line(void **state)
{
	(void)state;
	info_start();
	tag(1, 8 + 3000);
	memset(info + used, 'x', 3000); /* and no end */
	used += 3000;
	map_tag(simple, 4);
	assert_int_equal(parse(), STATUS_OK);
	assert_true(out.command_line_cut);
	assert_int_equal(strlen(out.command_line), COMMAND_LINE_MAX - 1);
}

static void test_many_ranges(void **state)
{
	(void)state;
	static struct entry entries[700];

	for (uint32_t i = 0; i < 700; i++)
		entries[i] = (struct entry){0x100000 + i * 0x2000ull, 0x1000, 1};
	info_start();
	map_tag(entries, 700);
	assert_int_equal(parse(), STATUS_OK);
	assert_int_equal(out.memory_count, MEMORY_RANGE_MAX);
	assert_int_equal(out.ranges_dropped, 700 - MEMORY_RANGE_MAX);
	for (uint32_t i = 0; i < 700; i++)
		entries[i].type = 2;
	info_start();
	map_tag(entries, 700);
	assert_int_equal(parse(), STATUS_TOO_LARGE);
}

static void test_map_set(void **state)
{
	(void)state;
	info_start();
	map_tag(simple, 4);
	assert_int_equal(parse(), STATUS_OK);
	assert_int_equal(memory_map_set(&out, 0x200000, 0x3000, MEMORY_RESERVED), STATUS_OK);
	assert_int_equal(out.memory_count, 6);
	assert_int_equal(out.memory[2].size, 0x100000);
	assert_true(out.memory[3].base == 0x200000 && out.memory[3].size == 0x3000);
	assert_int_equal(out.memory[3].kind, MEMORY_RESERVED);
	assert_int_equal(out.memory[4].base, 0x203000);
	assert_int_equal(memory_map_set(&out, 0x1000, 0x8000000, MEMORY_RESERVED), STATUS_OK);
	assert_int_equal(out.memory_count, 2);
	assert_int_equal(out.memory[0].size, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_tags),
		cmocka_unit_test(test_overlaps_take_the_careful_kind),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_module_lies_in_ram),
		cmocka_unit_test(test_long_command_line),
		cmocka_unit_test(test_many_ranges),
		cmocka_unit_test(test_map_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is kept of a guest's crash, and what the VMM gets of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/memory.h>
#include <kernel/memory_map.h>
#include <kernel/processor.h>

#define TEXT_GPA 0x5000ull
#define MEMORY	 0x3000u /* from there on */
#define NOTIFY	 HV_CRASH_NOTIFY
#define MESSAGE	 (HV_CRASH_NOTIFY | HV_CRASH_MESSAGE)

static struct gpa_space space;
static struct hv_partition hv;
static struct partition partition = {.hv = &hv};
static struct vp_vtl vtl0 = {.space = &space};
static struct vp vp = {.partition = &partition, .index = 3, .vtl = {&vtl0}};
static struct event event, other;
static struct partition_crash out;
static char memory[MEMORY];
static uint64_t signalled;
static unsigned int logged, pages;
static bool no_memory;
static unsigned int crashes_left; /* while it is copied */

void (*fake_relaxed)(void);

status_t gpa_read(struct gpa_space *at, gpa_t gpa, void *buffer, size_t size)
{
	assert_ptr_equal(at, &space);
	if (gpa < TEXT_GPA || gpa - TEXT_GPA > MEMORY || size > MEMORY - (gpa - TEXT_GPA))
		return STATUS_INVALID_ADDRESS;
	memcpy(buffer, memory + (gpa - TEXT_GPA), size);
	return STATUS_OK;
}

status_t user_copy_out(uint64_t user, const void *source, size_t size)
{
	if (!user)
		return STATUS_INVALID_ADDRESS;
	memcpy((void *)user, source, size);
	if (crashes_left) {
		crashes_left--;
		hv_crash_notify(&vp, 0, NOTIFY);
	}
	return STATUS_OK;
}

void event_signal(struct event *e, uint64_t bits)
{
	assert_ptr_equal(e, hv.crash.event);
	signalled |= bits;
}

void object_get(struct object *object)
{
	object->references++;
}

void object_put(struct object *object)
{
	object->references--;
}

void *page_alloc(struct heap *heap, unsigned int order)
{
	(void)heap;
	if (no_memory)
		return NULL;
	pages++;
	return calloc(1, PAGE_SIZE << order);
}

void page_free(struct heap *heap, void *page, unsigned int order)
{
	(void)heap;
	assert_int_equal(order, 1);
	pages--;
	free(page);
}

void log_at(enum log_level level, const char *text, ...)
{
	(void)level;
	(void)text;
	logged++;
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	memset(&hv, 0, sizeof(hv));
	signalled = logged = crashes_left = 0;
	no_memory = false;
	for (i = 0; i < MEMORY; i++)
		memory[i] = (char)('a' + i % 26);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_crash_destroy(&partition);
	assert_int_equal(pages, 0);
	assert_int_equal(event.object.references + other.object.references, 0);
	return 0;
}

static status_t get(void)
{
	return hv_crash_copy(&partition, (uintptr_t)&out);
}

static void test_told(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(hv_crash_bind(&partition, &event, 6), STATUS_OK);
	assert_int_equal(get(), STATUS_NOT_FOUND);
	for (i = 0; i < PARTITION_CRASH_PARAMETERS; i++)
		hv.crash.parameter[i] = 100 + i;
	hv_crash_notify(&vp, 0, NOTIFY | BIT(58));
	assert_int_equal(signalled, 6);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.vp, 3);
	assert_int_equal(out.vtl, 0);
	assert_int_equal(out.control, NOTIFY | BIT(58));
	assert_int_equal(out.parameter[0], 100);
	assert_int_equal(out.parameter[4], 104);
	assert_int_equal(out.text_size, 0);
	assert_int_equal(hv_crash_copy(&partition, 0), STATUS_INVALID_ADDRESS);
	/* it is told again, and by another event */
	assert_int_equal(hv_crash_bind(&partition, &other, 8), STATUS_OK);
	assert_int_equal(event.object.references, 0);
	hv_crash_notify(&vp, 0, NOTIFY);
	assert_int_equal(signalled, 14);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.count, 2);
	hv_crash_reset(&partition);
	assert_int_equal(get(), STATUS_NOT_FOUND);
	assert_int_equal(hv.crash.parameter[0], 0);
}

static void test_text(void **state)
{
	(void)state;
	assert_int_equal(hv_crash_bind(&partition, &event, 1), STATUS_OK);
	hv.crash.parameter[3] = TEXT_GPA + 5;
	hv.crash.parameter[4] = 10;
	hv_crash_notify(&vp, 0, MESSAGE);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.text_size, 10);
	assert_memory_equal(out.text, "fghijklmno", 10);
	/* more than there may be, and across a page's end */
	hv.crash.parameter[4] = UINT64_MAX;
	hv_crash_notify(&vp, 0, MESSAGE);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.text_size, PARTITION_CRASH_TEXT);
	assert_memory_equal(out.text, memory + 5, PARTITION_CRASH_TEXT);
	/* where nothing is */
	hv.crash.parameter[3] = 0x1000;
	hv_crash_notify(&vp, 0, MESSAGE);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.text_size, 0);
	hv.crash.parameter[3] = UINT64_MAX - 4000;
	hv_crash_notify(&vp, 0, MESSAGE);
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.text_size, 0);
	assert_int_equal(out.count, 4);
}

/* Nobody wants to know: it is logged, at 1, 2 and 4. */
static void test_nobody_is_told(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++)
		hv_crash_notify(&vp, 0, MESSAGE);
	assert_int_equal(logged, 3);
	assert_int_equal(signalled, 0);
	assert_int_equal(get(), STATUS_NOT_FOUND);
	no_memory = true;
	assert_int_equal(hv_crash_bind(&partition, &event, 1), STATUS_NO_MEMORY);
	assert_null(hv.crash.event);
	partition.hv = NULL;
	assert_int_equal(hv_crash_bind(&partition, &event, 1), STATUS_NOT_SUPPORTED);
	assert_int_equal(get(), STATUS_NOT_FOUND);
	partition.hv = &hv;
}

static void test_changes_while_it_is_copied(void **state)
{
	(void)state;
	assert_int_equal(hv_crash_bind(&partition, &event, 1), STATUS_OK);
	hv_crash_notify(&vp, 0, NOTIFY);
	crashes_left = 2;
	assert_int_equal(get(), STATUS_OK);
	assert_int_equal(out.count, 3);
	crashes_left = 100;
	assert_int_equal(get(), STATUS_BUSY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(told),
		TEST(text),
		TEST(nobody_is_told),
		TEST(changes_while_it_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Formats, the log ring, console input, the command line, statuses.
 */
#define sched_yield libc_sched_yield /* the kernel has its own */
#include <pthread.h>
#undef sched_yield

#include "machine_memory.h"

#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/panic.h>
#include <stdio.h>
#include <unistd.h>

struct boot_source boot_source;

/* Signals are counted here instead of in kernel/event.c. */
static unsigned int signals;

void event_signal(struct event *event, uint64_t bits)
{
	(void)event;
	assert_int_equal(bits, 4);
	signals++;
}

void object_get(struct object *object)
{
	object->references++;
}

void object_put(struct object *object)
{
	object->references--;
}

bool panic_is_on(void)
{
	return false;
}

#define SAME(...)                                                                    \
	do {                                                                         \
		char ours[100], libs[100];                                           \
		int length = format(ours, sizeof(ours), __VA_ARGS__);                \
		assert_int_equal(length, snprintf(libs, sizeof(libs), __VA_ARGS__)); \
		assert_string_equal(ours, libs);                                     \
	} while (0)

static void test_format(void **state)
{
	char small[4] = "xxx";

	(void)state;
	SAME("plain %% %s %c|", "text", 'c');
	SAME("%d %i %u %x", -1, 0, 4000000000u, 0xdeadbeef);
	SAME("%5d|%-5d|%05d|%05d|%2d", 12, 12, 12, -12, 12345);
	SAME("%lu %llx %zu %ld", ~0ul, 0x123456789abcdefull, (size_t)7, -9223372036854775807l - 1);
	SAME("%hhu %hx %hhd %hd", 511, 0x12345, 200, 70000);
	SAME("%10s|%-10s|%.2s|%*d|%.*s", "abc", "abc", "abc", 6, 42, 1, "xyz");
	SAME("%p %016llx %08x", (void *)0x1234, 0xffull, 0x1f);
	assert_int_equal(format(small, sizeof(small), "%s", "longer"), 6);
	assert_string_equal(small, "lon");
	assert_int_equal(format(NULL, 0, "%d", 1000), 4);
	assert_int_equal(format(small, 1, "abc"), 3);
	assert_string_equal(small, "");
}

static void test_log(void **state)
{
	static char buffer[70000];
	uint64_t position = 0;
	size_t got;

	(void)state;
	fake_cpus_init(1);
	log_level = LOG_ERROR;
	log_info("hello %d", 5);
	got = log_read(&position, buffer, sizeof(buffer));
	assert_int_equal(got, 17);
	assert_memory_equal(buffer, "trivet: hello 5\r\n", 17);
	assert_int_equal(log_read(&position, buffer, sizeof(buffer)), 0);
	memset(buffer, 'a', 300);
	buffer[300] = '\0';
	log_info("%s", buffer); /* is cut, but ends its line */
	got = log_read(&position, buffer, sizeof(buffer));
	assert_int_equal(got, 256);
	assert_memory_equal(buffer + 253, "a\r\n", 3);
	for (unsigned int i = 0; i < 10000; i++)
		log_info("line %u", i);
	position = 3;
	got = log_read(&position, buffer, sizeof(buffer));
	assert_int_equal(got, 65536);
	assert_memory_equal(buffer + got - 19, "trivet: line 9999\r\n", 19);
	position = UINT64_MAX;
	assert_int_equal(log_read(&position, buffer, 10), 0);
	fake_cpus_destroy();
}

static void test_input(void **state)
{
	struct event event = {.object.references = 1};
	char buffer[5000];

	(void)state;
	fake_cpus_init(1);
	line_input(LINE_CONSOLE, 'a');
	line_bind(LINE_CONSOLE, &event, 4);
	assert_int_equal(signals, 1);
	assert_int_equal(event.object.references, 2);
	line_input(LINE_CONSOLE, 'b');
	assert_int_equal(signals, 2);
	assert_int_equal(line_read(LINE_CONSOLE, buffer, 1), 1);
	assert_int_equal(line_read(LINE_CONSOLE, buffer + 1, sizeof(buffer)), 1);
	assert_memory_equal(buffer, "ab", 2);
	line_bind(LINE_CONSOLE, NULL, 0);
	assert_int_equal(event.object.references, 1);
	assert_int_equal(line_read(LINE_SECOND, buffer, sizeof(buffer)), 0); /* each has its own */
	for (unsigned int i = 0; i < 5000; i++)
		line_input(LINE_CONSOLE, (uint8_t)i);
	assert_int_equal(line_read(LINE_CONSOLE, buffer, sizeof(buffer)), 4096);
	assert_int_equal((uint8_t)buffer[4095], 4095 & 0xff);
	fake_cpus_destroy();
}

/* ---- the second line ---- */

#define OTHER_COM 3u

static uint32_t opened; /* the COM port that is the second line */
static pthread_t other_thread;
static struct event other_event = {.object.references = 1};

static void *other_opens(void *argument)
{
	(void)argument;
	assert_int_equal(line_open(OTHER_COM, &other_event, 4), STATUS_OK);
	return NULL;
}

/* While the first is opened, another thread comes, and has all the time that it needs. */
status_t arch_line_open(uint32_t com)
{
	if (com > OTHER_COM)
		return STATUS_NOT_FOUND;
	opened = com;
	if (com != OTHER_COM) {
		assert_int_equal(pthread_create(&other_thread, NULL, other_opens, NULL), 0);
		usleep(20000);
	}
	return STATUS_OK;
}

static void test_two_open_the_second_line(void **state)
{
	struct event event = {.object.references = 1};

	(void)state;
	fake_cpus_init(1);
	assert_int_equal(line_open(OTHER_COM + 1, &event, 4), STATUS_NOT_FOUND);
	assert_int_equal(event.object.references, 1);
	assert_int_equal(line_open(2, &event, 4), STATUS_OK);
	assert_int_equal(pthread_join(other_thread, NULL), 0);
	/* Whoever's port it is now is whose event is told. */
	assert_int_equal(opened, OTHER_COM);
	assert_int_equal(event.object.references, 1);
	assert_int_equal(other_event.object.references, 2);
	line_bind(LINE_SECOND, NULL, 0);
	assert_int_equal(other_event.object.references, 1);
	fake_cpus_destroy();
}

static void test_options(void **state)
{
	char text[8];
	uint64_t value;

	(void)state;
	boot_source.command_line = "  kmem=16M\tquiet xkmem=1 selftest= max=0x10k a=1  a=2 bad=12q "
				   "big=99999999999999999999 over=17179869184G none=";
	assert_true(boot_option_size("kmem", &value));
	assert_int_equal(value, MIB(16));
	assert_true(boot_option_size("max", &value));
	assert_int_equal(value, KIB(16));
	assert_false(boot_option_size("bad", &value));
	assert_false(boot_option_size("big", &value));
	assert_false(boot_option_size("over", &value));
	assert_false(boot_option_size("none", &value));
	assert_false(boot_option_size("quiet", &value));
	assert_false(boot_option_size("mem", &value));
	assert_string_equal(boot_option("quiet"), "");
	assert_null(boot_option("qui"));
	assert_null(boot_option("em"));
	assert_true(boot_option_copy("selftest", text, sizeof(text)));
	assert_string_equal(text, "");
	assert_true(boot_option_copy("a", text, sizeof(text)));
	assert_string_equal(text, "2");
	assert_true(boot_option_copy("kmem", text, 4));
	assert_string_equal(text, "16M");
	assert_false(boot_option_copy("kmem", text, 3));
	boot_source.command_line = "";
	assert_null(boot_option("a"));
}

static void test_status(void **state)
{
	(void)state;
	for (int i = 0; i < STATUS_COUNT; i++) {
		assert_non_null(status_words((status_t)i));
		assert_non_null(status_name((status_t)i));
	}
	assert_string_equal(status_name(STATUS_NO_MEMORY), "NO_MEMORY");
	assert_string_equal(status_name((status_t)-1), "UNKNOWN");
	assert_string_equal(status_name(STATUS_COUNT), "UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), cmocka_unit_test(test_log),
		cmocka_unit_test(test_input),  cmocka_unit_test(test_options),
		cmocka_unit_test(test_status), cmocka_unit_test(test_two_open_the_second_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

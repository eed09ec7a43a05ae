/* SPDX-License-Identifier: MIT */
/*
 * Runs self tests and reports them a line each:
 *
 *	selftest: NAME: ok | FAILED: why | skipped: why
 *	selftest: N passed, N failed, N skipped
 *
 * `selftest.skip=NAME[,NAME...]` leaves tests out that an emulator cannot run.
 */
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/panic.h>
#include <kernel/selftest.h>
#include <kernel/string.h>

extern const struct selftest __selftests_start[], __selftests_end[];

/* The pattern, in which * stands for any text, is somewhere in the name. */
static bool name_matches(const char *pattern, const char *name)
{
	const char *retry = pattern, *retry_name = name;

	for (;;) {
		while (*pattern == '*') {
			retry = ++pattern;
			retry_name = name;
		}
		if (*pattern == '\0')
			return true;
		if (*name == '\0')
			return false;
		if (*pattern == *name) {
			pattern++;
			name++;
		} else {
			pattern = retry;
			name = ++retry_name;
		}
	}
}

static void console_print(const char *text, ...) __printf(1, 2);
static void console_print(const char *text, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, text);
	format_v(line, sizeof(line) - 2, text, arguments);
	va_end(arguments);
	memcpy(line + strlen(line), "\r\n", 3);
	console_write(line, strlen(line));
}

/* The name is in the command line's list. */
static bool test_is_left_out(const char *name)
{
	const char *list = boot_option("selftest.skip");
	size_t length = strlen(name);

	while (list != NULL) {
		if (strncmp(list, name, length) == 0 &&
		    (list[length] == ',' || list[length] == ' ' || list[length] == '\0'))
			return true;
		while (*list != ',' && *list != ' ' && *list != '\0')
			list++;
		list = *list == ',' ? list + 1 : NULL;
	}
	return false;
}

static enum selftest_outcome test_run(const struct selftest *test)
{
	const char *reason = "by selftest.skip=";
	enum selftest_outcome outcome = SELFTEST_SKIPPED;

	if (!test_is_left_out(test->name))
		outcome = test->run(&reason);
	switch (outcome) {
	case SELFTEST_OK: console_print("selftest: %s: ok", test->name); break;
	case SELFTEST_FAILED: console_print("selftest: %s: FAILED: %s", test->name, reason); break;
	case SELFTEST_SKIPPED:
		console_print("selftest: %s: skipped: %s", test->name, reason);
		break;
	}
	return outcome;
}

static void nothing(void *argument)
{
	(void)argument;
}

/* A CPU that has come may still be taking memory for what it needs: it answers when it has all. */
static void cpus_settle(void)
{
	for (uint32_t i = 0; i < cpu_count; i++)
		cpu_call(cpus[i], nothing, NULL);
}

__noreturn void selftest_run(const char *pattern)
{
	const struct selftest *test;
	unsigned int counts[3] = {0};

	cpus_settle();
	for (test = __selftests_start; test < __selftests_end; test++)
		if (name_matches(pattern, test->name))
			counts[test_run(test)]++;
	console_print("selftest: %u passed, %u failed, %u skipped", counts[SELFTEST_OK],
		      counts[SELFTEST_FAILED], counts[SELFTEST_SKIPPED]);
	if (&__selftests_start[0] == &__selftests_end[0])
		log_error("this kernel has no self tests: they are in trivet-selftest.elf");
	else if (counts[SELFTEST_OK] + counts[SELFTEST_FAILED] + counts[SELFTEST_SKIPPED] == 0)
		log_error("no self test has a name like \"%s\"", pattern);
	else if (counts[SELFTEST_FAILED] == 0)
		system_end_words(false, END_OK, "self tests passed");
	system_end(false, END_SELFTESTS_FAILED);
}

/* SPDX-License-Identifier: MIT */
/* The start of the hostile root task, and the little that its parts share. */
#include "hostile.h"
#include <lib/format.h>
#include <lib/syscall.h>
#include <string.h>

#define STACK_SIZE   16384u
#define THREADS_MAX  16u
#define SLEEP_RIGHTS (RIGHT_WAIT | RIGHT_WRITE)

const struct boot_info *boot_info;
uint8_t *arena;

static uint8_t stacks[THREADS_MAX][STACK_SIZE] __aligned(16);
static _Atomic uint32_t stacks_used;

struct start {
	void (*function)(uint64_t argument);
	uint64_t argument;
};
static struct start starts[THREADS_MAX];

/* Called by start.S. */
__noreturn void root_start(const struct boot_info *info);
__noreturn void thread_begin(struct start *start);
void thread_trampoline(void);

void say(const char *format, ...)
{
	char line[200];
	va_list arguments;
	uint64_t value;
	int length;

	va_start(arguments, format);
	length = format_text(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	length = MIN(length, (int)sizeof(line) - 2);
	line[length] = '\n';
	(void)syscall3(SYS_console_write, (uintptr_t)line, (uint64_t)length + 1, 0, &value);
}

__noreturn void end(uint32_t code)
{
	uint64_t value;

	for (;;)
		(void)syscall3(SYS_system_end, SYSTEM_END_POWER_OFF, code, 0, &value);
}

__noreturn void failed(const char *file, int line, const char *condition)
{
	say("hostile: %s:%d: not so: %s", file, line, condition);
	end(END_FAILED);
}

status_t call_value(uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4, uint64_t a5, uint64_t *value)
{
	status_t status = syscall6((enum syscall_number)number, a0, a1, a2, a3, a4, a5, value);

	EXPECT((uint32_t)status < STATUS_COUNT);
	return status;
}

/* ---- the command line ---- */

static const char *option(const char *word)
{
	size_t length = strlen(word);
	const char *at;

	for (at = boot_info->command_line; *at; at++)
		if (!strncmp(at, word, length))
			return at + length;
	return NULL;
}

uint64_t option_number(const char *word, uint64_t standard)
{
	const char *at = option(word);
	uint64_t number = 0;

	if (!at)
		return standard;
	for (; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/* ---- time and threads ---- */

uint64_t time_ns(void)
{
	uint64_t ticks = timestamp() - boot_info->tsc_base;

	return ticks / boot_info->tsc_hz * 1000000000 +
	       ticks % boot_info->tsc_hz * 1000000000 / boot_info->tsc_hz;
}

void sleep_ms(uint64_t ms)
{
	uint64_t event, deadline = time_ns() + ms * 1000000;

	if (call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &event) != STATUS_OK)
		return;
	while (time_ns() < deadline &&
	       call(SYS_event_wait, event, deadline, 0, 0, 0, 0) != STATUS_INVALID_HANDLE)
		;
	(void)call(SYS_handle_close, event, 0, 0, 0, 0, 0);
}

__noreturn void thread_begin(struct start *start)
{
	uint64_t value;

	start->function(start->argument);
	for (;;)
		(void)syscall3(SYS_thread_exit, 0, 0, 0, &value);
}

void thread_run(uint32_t cpu, uint32_t priority, void (*function)(uint64_t argument),
		uint64_t argument)
{
	uint32_t n = stacks_used++;
	uint64_t handle;

	EXPECT(n < THREADS_MAX);
	starts[n] = (struct start){function, argument};
	EXPECT(call_value(SYS_thread_create, cpu, priority, (uintptr_t)thread_trampoline,
			  (uintptr_t)stacks[n] + STACK_SIZE, (uintptr_t)&starts[n], 0,
			  &handle) == STATUS_OK);
	EXPECT(call(SYS_handle_close, handle, 0, 0, 0, 0, 0) == STATUS_OK);
}

/* ---- the start ---- */

static void arena_find(void)
{
	uint32_t i;

	for (i = 0; i < boot_info->memory_count; i++) {
		const struct boot_memory *m = &boot_info->memory[i];
		hpa_t base = ALIGN_DOWN(m->base + m->size - ARENA_SIZE, LARGE_PAGE_SIZE);

		if (m->kind == BOOT_MEMORY_FREE && m->size > ARENA_SIZE && base >= m->base)
			arena = (uint8_t *)(ROOT_WINDOW_BASE + base);
	}
	EXPECT(arena);
}

__noreturn void root_start(const struct boot_info *info)
{
	const char *kind;

	boot_info = info;
	kind = option("hostile=");
	arena_find();
	if (kind && !strncmp(kind, "fpu", 3))
		fpu_is_kept();
	if (kind && !strncmp(kind, "wrong", 5)) {
		wrong_calls();
		wrong_lines();
		end(END_OK);
	}
	if (kind)
		fault(kind);
	inspection_is_right();
	wrong_calls();
	random_calls(option_number("seed=", 1), option_number("seconds=", 5));
	end(END_OK);
}

/* SPDX-License-Identifier: MIT */
/*
 * Calls that are wrong in one way each, with the status that they must answer: addresses that are not the task's,
 * in a space of 39 bits; handles; and what there is on other architectures alone.
 */
#include "../hostile.h"

#define KERNEL_ADDRESS 0x0000ff8000000000ull
#define SPACE_END      BIT(39)
#define NO_HANDLE      0x7fffffull
#define PATIENCE       60000000000ull /* ns */

struct wrong_call {
	uint32_t number;
	status_t status;
	uint64_t a[6];
};

static void calls_make(const struct wrong_call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t *a = calls[i].a;
		status_t status = call(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);

		if (status != calls[i].status)
			say("hostile: row %u: call %u: status %u", (unsigned int)i, calls[i].number,
			    status);
		EXPECT(status == calls[i].status);
	}
}

/* The kernel looks up a task's pages by itself: no address may lead it elsewhere. */
static void wrong_addresses(void)
{
	const uint64_t bad[] = {
		0,
		0x1000,
		KERNEL_ADDRESS,
		SPACE_END - 1,
		SPACE_END,
		SPACE_END | (uintptr_t)arena,
		ROOT_WINDOW_BASE - 1,
		ROOT_WINDOW_BASE,
		0x0000800000000000ull,
		0x8000000000000000ull | (uintptr_t)arena,
		UINT64_MAX,
		UINT64_MAX - 7,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT(call(SYS_console_write, bad[i], 8, 0, 0, 0, 0) == STATUS_INVALID_ADDRESS);
		EXPECT(call(SYS_memory_info, HANDLE_NONE, bad[i], 0, 0, 0, 0) ==
		       STATUS_INVALID_ADDRESS);
	}
	/* what may only be read */
	EXPECT(call(SYS_memory_info, HANDLE_NONE, (uintptr_t)boot_info, 0, 0, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_memory_info, HANDLE_NONE, (uintptr_t)hostile_exit, 0, 0, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_thread_create, 0, 1, SPACE_END, 0, 0, 0) == STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_thread_create, 0, 1, (uintptr_t)hostile_exit, SPACE_END + 1, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_thread_create, 0, 1, (uintptr_t)hostile_exit, 0, 0, SPACE_END) ==
	       STATUS_INVALID_ADDRESS);
}

void wrong_calls(void)
{
	static const struct wrong_call calls[] = {
		{SYSCALL_LIMIT, STATUS_INVALID_SYSCALL, {0}},
		{UINT32_MAX, STATUS_INVALID_SYSCALL, {0}},
		{SYS_handle_close, STATUS_INVALID_HANDLE, {NO_HANDLE}},
		{SYS_handle_close, STATUS_INVALID_HANDLE, {UINT64_MAX}},
		{SYS_event_signal, STATUS_INVALID_HANDLE, {NO_HANDLE, 1}},
		{SYS_event_signal, STATUS_WRONG_TYPE, {1, 1}},
		{SYS_event_wait, STATUS_WRONG_TYPE, {1, 0}},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, {UINT32_MAX, 1, 0x400000}},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, {0, 16, 0x400000}},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, {2, 0}},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, {0, 256}},
		{SYS_serial_open, STATUS_BUSY, {1}},
		{SYS_serial_open, STATUS_NOT_FOUND, {2}},
		{SYS_vp_run, STATUS_WRONG_TYPE, {1}},
		{SYS_vp_run, STATUS_INVALID_HANDLE, {NO_HANDLE}},
	};

	calls_make(calls, ARRAY_SIZE(calls));
	wrong_addresses();
	say("hostile: wrong calls are answered");
}

/* Input that is read to a place that is not there is lost, and what reads it answers so. */
void wrong_lines(void)
{
	status_t answer;
	uint64_t event, value = 0;

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &event) == STATUS_OK);
	EXPECT(call(SYS_console_bind, event, 1, 0, 0, 0, 0) == STATUS_OK);
	say("hostile: type");
	do {
		EXPECT(call(SYS_event_wait, event, time_ns() + PATIENCE, 0, 0, 0, 0) == STATUS_OK);
		answer = call_value(SYS_console_read, SPACE_END, 1, 0, 0, 0, 0, &value);
	} while (answer == STATUS_OK && !value);
	EXPECT(answer == STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0) == STATUS_OK);
	say("hostile: one line is read");
	EXPECT(call(SYS_handle_close, event, 0, 0, 0, 0, 0) == STATUS_OK);
}

/* SPDX-License-Identifier: MIT */
/* See wrong.h: input is needed for what input can be refused. Bytes that are read to a place that is not
 * there are lost, and what reads them answers so. */
#include "wrong.h"

#define COM2	  2u
#define PATIENCE  60000000000ull /* ns */
#define UNTOUCHED 0xa5u

/* What came while nothing was bound is told of, too. */
static void input_wait(uint64_t event)
{
	EXPECT(call(SYS_event_wait, event, time_ns() + PATIENCE, 0, 0, 0, 0) == STATUS_OK);
}

static void wrong_read(uint32_t number, uint64_t event)
{
	const uint64_t bad[] = {
		0,	    KERNEL_ADDRESS,	  NON_CANONICAL,	  UINT64_MAX,
		WINDOW_END, (uintptr_t)boot_info, (uintptr_t)hostile_exit};
	uint64_t count, value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		status_t answer = call_value(number, bad[i], 1, 0, 0, 0, 0, &value);

		while (answer == STATUS_OK && !value) { /* nothing there yet */
			input_wait(event);
			answer = call_value(number, bad[i], 1, 0, 0, 0, 0, &value);
		}
		EXPECT(answer == STATUS_INVALID_ADDRESS && !value);
	}
	places.out[1] = UNTOUCHED;
	for (;;) {
		EXPECT(call_value(number, (uintptr_t)places.out, 1, 0, 0, 0, 0, &count) ==
		       STATUS_OK);
		if (count)
			break;
		input_wait(event);
	}
	EXPECT(count == 1 && places.out[1] == UNTOUCHED);
}

void wrong_lines(void)
{
	uint64_t event;
	status_t answer;

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &event) == STATUS_OK);
	EXPECT(call(SYS_console_bind, event, 1, 0, 0, 0, 0) == STATUS_OK);
	say("hostile: type");
	wrong_read(SYS_console_read, event);
	EXPECT(call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0) == STATUS_OK);
	answer = call(SYS_serial_open, COM2, event, 1, 0, 0, 0);
	EXPECT(answer == STATUS_OK || answer == STATUS_NOT_FOUND);
	if (answer == STATUS_OK) {
		wrong_read(SYS_serial_read, event);
		EXPECT(call(SYS_serial_open, COM2, HANDLE_NONE, 0, 0, 0, 0) == STATUS_OK);
	}
	say("hostile: %s line is read", answer == STATUS_OK ? "a second" : "one");
	EXPECT(call(SYS_handle_close, event, 0, 0, 0, 0, 0) == STATUS_OK);
}

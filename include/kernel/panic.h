/* SPDX-License-Identifier: MIT */
/*
 * How the machine ends. The last line on the console is always "trivet: end: WORDS (code N)"; the
 * number goes to an emulator's exit device too, if the command line names one.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <trivet/types.h>

/* Codes from 64 up are a guest's own status + 64. */
enum end_code {
	END_OK = 0,
	END_PANIC = 10,
	END_GUEST_CRASHED = 11,
	END_ROOT_FAULTED = 12,
	END_NOTHING_TO_RUN = 13,
	END_SELFTESTS_FAILED = 14,
	END_GUEST_STATUS = 64,
};

/* Writes the last line, with the code's own words or others, and switches off or restarts. */
__noreturn void system_end(bool restart, uint8_t code);
__noreturn void system_end_words(bool restart, uint8_t code, const char *words);
/* A panic is under way: locks may never be given back. */
bool panic_is_on(void);

#endif

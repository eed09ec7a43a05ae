/* SPDX-License-Identifier: MIT */
/*
 * Guests of two VPs on two CPUs: the test runs VP 0, second_thread.h's thread VP 1, until its VMM would have to act or
 * it is told to stop.
 */
#ifndef TESTS_SELF_AARCH64_SECOND_H
#define TESTS_SELF_AARCH64_SECOND_H

#include "../second_thread.h"
#include "guest.h"

/* Runs VP 1 there from here on. False: out of memory. */
bool second_start(struct test_guest *guest);
/* Stops it, and takes it off that CPU. False: it did not stop within PATIENCE_MS. */
bool second_stop(void);

#define SECOND_SETUP(guest)                              \
	do {                                             \
		if (cpu_count < 2)                       \
			SKIP("the machine has one CPU"); \
		GUEST_SETUP_VPS(guest, 2);               \
	} while (0)

#endif

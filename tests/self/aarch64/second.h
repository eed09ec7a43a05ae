/* SPDX-License-Identifier: MIT */
/*
 * Guests of two VPs on two CPUs: the test runs VP 0, a thread of the kernel's own runs VP 1 on the last CPU, as the
 * system call does, until its VMM would have to act or it is told to stop.
 */
#ifndef TESTS_SELF_AARCH64_SECOND_H
#define TESTS_SELF_AARCH64_SECOND_H

#include "guest.h"

#define PATIENCE_MS 5000u

/* Runs VP 1 there from here on. False: out of memory. */
bool second_run(struct test_guest *guest);
/* Stops it, and takes it off that CPU. False: it did not stop within PATIENCE_MS. */
bool second_stop(void);

#define SECOND_SETUP(guest)                              \
	do {                                             \
		if (cpu_count < 2)                       \
			SKIP("the machine has one CPU"); \
		GUEST_SETUP_VPS(guest, 2);               \
	} while (0)

#endif

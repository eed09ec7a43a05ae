/* SPDX-License-Identifier: MIT */
/*
 * Tiny AArch64 guests for self tests: a partition that the kernel heap pays for, 1 MiB of RAM at GPA 0, and code
 * that is copied to GUEST_CODE and started at EL1 with the MMU off. The test runs it step by step and looks at what
 * each return to the "VMM", that is the test, tells.
 *
 * Memory of such a guest, by GPA:
 *   0x8000 stack top   0x9000 data   0x10000 code   0x20000 vectors
 */
#ifndef TESTS_SELF_AARCH64_GUEST_H
#define TESTS_SELF_AARCH64_GUEST_H

#define GUEST_STACK   0x8000
#define GUEST_DATA    0x9000
#define GUEST_CODE    0x10000
#define GUEST_VECTORS 0x20000
#define GUEST_SLOT    0x31200 /* of a synic's messages: SINT 2, in a page of which guests make use */
#define GUEST_GICD    0x08000000
#define GUEST_GICR    0x080a0000
/* The guest tells of something by a store of 32 bits here; the test finds it in the run page. */
#define GUEST_PORT    0x09000000
#define GUEST_SPIS    480

#ifndef __ASSEMBLY__

#include <kernel/backend.h>
#include <kernel/memory_map.h>
#include <kernel/partition.h>
#include <kernel/partition_arch.h>
#include <kernel/processor.h>
#include <kernel/selftest.h>
#include <trivet/hv/arm64_registers.h>

#define GUEST_RAM MIB(1)

struct test_guest {
	struct partition *partition;
	struct vp *vp; /* VP 0 */
	uint8_t *ram;
	struct vp_run_page *run;    /* of VP 0 */
	struct vp_run_page *second; /* of VP 1, if there is one */
};

/* Code between two symbols of guests.S. */
#define GUEST_CODE_DECLARE(name) extern const char guest_##name[], guest_##name##_end[]
#define guest_start(guest, name) guest_start_code(guest, guest_##name, guest_##name##_end)

/* False: this machine runs no guests; *reason says why (for SKIP). */
bool guests_can_run(const char **reason);
/* A partition in reset state, its RAM mapped and zeroed; false: out of memory. */
bool guest_create_flags(struct test_guest *guest, uint32_t vp_count, uint32_t flags);
static inline bool guest_create_vps(struct test_guest *guest, uint32_t vp_count)
{
	return guest_create_flags(guest, vp_count, 0);
}
void guest_destroy(struct test_guest *guest);
/* Copies code and puts VP 0 at its start; the vectors are those of guests.S, which tell of each exception. */
void guest_start_code(struct test_guest *guest, const char *code, const char *end);
/* Runs a VP until it returns to the VMM, idling while it waits; the reason. */
uint32_t guest_run_vp(struct test_guest *guest, struct vp *vp);
uint32_t guest_run(struct test_guest *guest);
/* Runs a VP until it blocks, as it should. */
bool guest_blocks(struct vp *vp);
/* guest_run, and it was a store of `value` to GUEST_PORT. */
bool guest_says(struct test_guest *guest, uint32_t value);
/* The same of any value, which is given; UINT64_MAX: it was something else. */
uint64_t guest_tells(struct test_guest *guest);
uint64_t guest_register(struct test_guest *guest, uint32_t name);
bool guest_register_set(struct test_guest *guest, uint32_t name, uint64_t value);

/* At the start of each test with a guest. */
#define GUEST_SETUP_FLAGS(guest, count, flags)                  \
	do {                                                    \
		const char *why;                                \
		if (!guests_can_run(&why))                      \
			SKIP(why);                              \
		CHECK(guest_create_flags(guest, count, flags)); \
	} while (0)
#define GUEST_SETUP_VPS(guest, count) GUEST_SETUP_FLAGS(guest, count, 0)
#define GUEST_SETUP(guest)	      GUEST_SETUP_VPS(guest, 1)
/* A check that gives the guest back when it fails. */
#define GUEST_CHECK(guest, condition)                                       \
	do {                                                                \
		if (!(condition)) {                                         \
			guest_destroy(guest);                               \
			*outcome = SELFTEST_FAILED;                         \
			*reason = SELFTEST_PLACE(__LINE__) ": " #condition; \
			return;                                             \
		}                                                           \
	} while (0)

#endif
#endif

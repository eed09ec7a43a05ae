/* SPDX-License-Identifier: MIT */
/*
 * Tiny guests for self tests: a partition that the kernel heap pays for, 1 MiB of RAM at GPA 0, and
 * code that is copied to GUEST_CODE and started in 64-bit mode with identity-mapped memory. The
 * test runs it step by step and looks at what each return to the "VMM", that is the test, tells.
 *
 * Memory of such a guest, by GPA:
 *   0x1000 GDT   0x2000 IDT   0x3000 page tables (4 pages)   0x8000 stack top   0x10000 code
 */
#ifndef TESTS_SELF_GUEST_H
#define TESTS_SELF_GUEST_H

#include <kernel/backend.h>
#include <kernel/memory_map.h>
#include <kernel/partition.h>
#include <kernel/processor.h>
#include <kernel/selftest.h>

#define GUEST_GDT	  0x1000u
#define GUEST_IDT	  0x2000u
#define GUEST_PAGE_TABLES 0x3000u
#define GUEST_STACK	  0x8000u
#define GUEST_DATA	  0x9000u
#define GUEST_CODE	  0x10000u
#define GUEST_RAM	  MIB(1)
#define GUEST_CS	  0x08u
#define GUEST_DS	  0x10u

/* The guest tells of something by OUT to this port; the test finds it in the run page. */
#define GUEST_PORT 0x99u

struct test_guest {
	struct partition *partition;
	struct vp *vp; /* VP 0 */
	uint8_t *ram;
	struct vp_run_page *run; /* of VP 0 */
};

/* Code between two symbols of guests.S. */
#define GUEST_CODE_DECLARE(name) extern const char guest_##name[], guest_##name##_end[]
#define guest_start(guest, name) guest_start_code(guest, guest_##name, guest_##name##_end)

/* It may be guarded (arch_backend_guard), and stand elsewhere then. */
static inline bool backend_is(const struct backend_ops *ops)
{
	return backend->probe == ops->probe;
}

/* False: this machine runs no guests; *reason says why (for SKIP). */
bool guests_can_run(const char **reason);
/* A partition of 1 VP in reset state, its RAM mapped and zeroed; false: out of memory. */
bool guest_create(struct test_guest *guest);
/* The same with flags of enum proto_partition_flags. */
bool guest_create_flags(struct test_guest *guest, uint32_t flags);
/* The same with CPUID leaves of the VMM's. */
bool guest_create_leaves(struct test_guest *guest, const struct cpuid_leaf *leaves, uint32_t count);
/* The same with more VPs; who gives one of them a run page runs it. */
bool guest_create_vps(struct test_guest *guest, uint32_t vp_count);
bool guest_create_vps_leaves(struct test_guest *guest, uint32_t vp_count,
			     const struct cpuid_leaf *leaves, uint32_t count);
bool guest_create_vps_flags(struct test_guest *guest, uint32_t vp_count, uint32_t flags);
void guest_destroy(struct test_guest *guest);
/* Copies code and puts VP 0 at its start: 64-bit mode, interrupts off, IDT empty. */
void guest_start_code(struct test_guest *guest, const char *code, const char *end);
/* Sets an IDT entry of the guest to the code at `offset` of GUEST_CODE. */
void guest_vector_set(struct test_guest *guest, unsigned int vector, uint64_t handler);
/* Runs VP 0 until it returns to the VMM, idling while it is halted; the reason. */
uint32_t guest_run(struct test_guest *guest);
/* guest_run, and it was an OUT of `value` to GUEST_PORT. */
bool guest_says(struct test_guest *guest, uint32_t value);
/* Guest registers, for looking at and changing. */
uint64_t guest_register(struct test_guest *guest, uint32_t name);
bool guest_register_set(struct test_guest *guest, uint32_t name, uint64_t value);

/* At the start of each test with a guest. */
#define GUEST_SETUP(guest)                  \
	do {                                \
		const char *why;            \
		if (!guests_can_run(&why))  \
			SKIP(why);          \
		CHECK(guest_create(guest)); \
	} while (0)
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

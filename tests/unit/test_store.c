/* SPDX-License-Identifier: MIT */
/* The kernel's decoder of plain stores. That it agrees with the root task's emulator, which knows all
 * instructions, is for tests/fuzz/fuzz_store.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <store.h>

static const uint64_t gpr[16] = {
	0x1111222233334455,
	0x100,
	0x200,
	0x300,
	0x400,
	0x500,
	0x600,
	0x700,
	0x800,
	0x900,
	0xa00,
	0xb00,
	0xc00,
	0xd00,
	0xe00,
	0xf00,
};

struct row {
	uint8_t bytes[STORE_BYTES_MAX];
	bool code_32;
	struct store store; /* length 0: not decoded */
};

static const struct row rows[] = {
	{{0x89, 0x03}, false, {2, 4, 0x33334455, 0x300}},		/* mov %eax, (%rbx) */
	{{0x66, 0x89, 0x03}, false, {3, 2, 0x4455, 0x300}},		/* mov %ax, (%rbx) */
	{{0x88, 0x03}, false, {2, 1, 0x55, 0x300}},			/* mov %al, (%rbx) */
	{{0x88, 0x23}, false, {2, 1, 0x44, 0x300}},			/* mov %ah, (%rbx) */
	{{0x40, 0x88, 0x23}, false, {3, 1, 0x00, 0x300}},		/* mov %spl, (%rbx) */
	{{0x48, 0x89, 0x03}, false, {3, 8, 0x1111222233334455, 0x300}}, /* mov %rax, (%rbx) */
	{{0x66, 0x48, 0x89, 0x03}, false, {4, 8, 0x1111222233334455, 0x300}},
	{{0x44, 0x89, 0x3b}, false, {3, 4, 0xf00, 0x300}},	      /* mov %r15d, (%rbx) */
	{{0x41, 0x89, 0x47, 0x80}, false, {4, 4, 0x33334455, 0xe80}}, /* -128(%r15) */
	{{0x89, 0x43, 0x7f}, false, {3, 4, 0x33334455, 0x37f}},
	{{0x89, 0x83, 0, 0, 0, 0xf0}, false, {6, 4, 0x33334455, 0xfffffffff0000300}},
	{{0x89, 0x04, 0x8b}, false, {3, 4, 0x33334455, 0x700}},	      /* (%rbx, %rcx, 4) */
	{{0x89, 0x04, 0x24}, false, {3, 4, 0x33334455, 0x400}},	      /* (%rsp) */
	{{0x41, 0x89, 0x04, 0x24}, false, {4, 4, 0x33334455, 0xc00}}, /* (%r12) */
	{{0x42, 0x89, 0x04, 0x23}, false, {4, 4, 0x33334455, 0xf00}}, /* (%rbx, %r12) */
	{{0x89, 0x04, 0x25, 4, 3, 2, 1}, false, {7, 4, 0x33334455, 0x01020304}},
	{{0x89, 0x05, 4, 0, 0, 0}, false, {6, 4, 0x33334455, 0x8000000a}}, /* 4(%rip) */
	{{0xc7, 0x05, 4, 0, 0, 0, 9, 8, 7, 6}, false, {10, 4, 0x06070809, 0x8000000e}},
	{{0xc6, 0x03, 0xff}, false, {3, 1, 0xff, 0x300}},
	{{0x66, 0xc7, 0x03, 1, 0xff}, false, {5, 2, 0xff01, 0x300}},
	{{0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff}, false, {7, 8, -2ull, 0x300}},
	{{0x89, 0x03}, true, {2, 4, 0x33334455, 0x1300}},	      /* by DS */
	{{0x89, 0x04, 0x24}, true, {3, 4, 0x33334455, 0x20400}},      /* by SS */
	{{0x89, 0x45, 0x04}, true, {3, 4, 0x33334455, 0x20504}},      /* 4(%ebp), by SS */
	{{0x89, 0x05, 4, 0, 0, 0}, true, {6, 4, 0x33334455, 0x1004}}, /* by DS */
	{{0x89, 0x83, 0, 0, 0, 0xff}, true, {6, 4, 0x33334455, 0xff001300}},
	{{0x41, 0x89, 0x07}, true, {0}},	/* inc %ecx */
	{{0x89, 0xc3}, false, {0}},		/* to a register */
	{{0xc7, 0x0b, 1, 2, 3, 4}, false, {0}}, /* not /0 */
	{{0x01, 0x03}, false, {0}},		/* add */
	{{0x8b, 0x03}, false, {0}},		/* a load */
	{{0xf0, 0x89, 0x03}, false, {0}},
	{{0x65, 0x89, 0x03}, false, {0}}, /* by GS */
	{{0x67, 0x89, 0x03}, false, {0}},
	{{0x66, 0x66, 0x89, 0x03}, false, {0}},
	{{0x48, 0x66, 0x89, 0x03}, false, {0}},
	{{0xa3, 1, 2, 3, 4}, true, {0}},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct store_state from = {
			.gpr = gpr,
			.rip = 0x80000000,
			.ds = row->code_32 ? 0x1000 : 0,
			.ss = row->code_32 ? 0x20000 : 0,
			.long_mode = !row->code_32,
		};
		struct store store = {0};

		assert_int_equal(store_decode(&from, row->bytes, &store), row->store.length != 0);
		if (!row->store.length)
			continue;
		assert_int_equal(store.length, row->store.length);
		assert_int_equal(store.size, row->store.size);
		assert_int_equal(store.value, row->store.value);
		assert_int_equal(store.address, row->store.address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Memory is taken from a guest whose other VP runs on another CPU and never exits by itself. */
#include "guest_gic.h"
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/memory.h>

GUEST_CODE_DECLARE(gic_pair);

#define SOME_GPA  0x10000000ull
#define ENOUGH_MS 500u

SELFTEST(arm_unmap_of_a_guest_that_runs)
{
	uint64_t from, ticks = 0;
	struct test_guest g;
	void *page = page_alloc(&kernel_heap, 0);
	struct gpa_space *space;
	bool right = true;
	unsigned int i;

	CHECK(page);
	SECOND_SETUP(&g);
	space = g.partition->space[0];
	guest_start(&g, gic_pair);
	gic_up(&g, 2);
	right = second_start(&g) && guest_says(&g, 0); /* it takes what comes, without an exit */
	for (i = 0; i < 10 && right; i++) {
		right = gpa_map(space, SOME_GPA, kva_to_hpa(page), PAGE_SIZE, 0) == STATUS_OK;
		from = timestamp_read();
		right = right && gpa_unmap(space, SOME_GPA, PAGE_SIZE) == STATUS_OK;
		ticks += timestamp_read() - from;
	}
	CHECK(second_stop());
	page_free(&kernel_heap, page, 0);
	GUEST_CHECK(&g, right && ticks < timestamp_hz / 1000 * ENOUGH_MS);
	guest_destroy(&g);
}

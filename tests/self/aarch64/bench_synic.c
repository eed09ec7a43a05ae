/* SPDX-License-Identifier: MIT */
/* What a message costs that is posted to a VP which runs on another CPU. */
#include "bench.h"
#include "guest_gic.h"
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/hyperv.h>
#include <kernel/synic.h>

GUEST_CODE_DECLARE(gic_counter);

#define ROUNDS	   BENCH_ROUNDS
#define SINT	   2u
#define PPI	   18u
#define MESSAGES   ((uint64_t)GUEST_SLOT & ~0xfffull)
#define POST_LIMIT 1500u

/* Of VP 1, as its own CPU would, before it has one. */
static bool synic_up(const struct test_guest *g)
{
	struct vp *vp = partition_vp(g->partition, 1);
	status_t status;

	if (!hv_change_begin(g->partition->hv))
		return false;
	status = synic_page_set(vp, 0, SYNIC_MESSAGES_PAGE, MESSAGES | HV_SYNIC_ENABLE);
	hv_change_end(g->partition->hv);
	synic_sint_set(vp, 0, SINT, PPI);
	synic_control_set(vp, 0, HV_SYNIC_ENABLE);
	redistributor_write(g, 1, 0x10100, (uint32_t)BIT(PPI));
	return status == STATUS_OK;
}

static bool becomes(const volatile uint32_t *count, uint32_t value)
{
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (*count != value && timestamp_read() < end)
		cpu_wait(this_cpu());
	return *count == value;
}

/* From the post to the handler's first instructions; what that does afterwards is not in it. */
static bool posts(struct test_guest *g)
{
	const struct hv_message message = {.type = 1, .payload_size = HV_MESSAGE_PAYLOAD};
	const volatile uint32_t *count = (const uint32_t *)(g->ram + GUEST_DATA);
	struct vp *vp = partition_vp(g->partition, 1);
	uint64_t ticks = 0;
	uint32_t i;

	for (i = 1; i <= ROUNDS; i++) {
		uint64_t from = timestamp_read();

		if (synic_post_message(vp, 0, SINT, &message) != STATUS_OK || !becomes(count, i))
			return false;
		ticks += timestamp_read() - from;
		if (!becomes(count + 1, i))
			return false;
	}
	bench_report("message to a running VP, until its handler runs", ticks, POST_LIMIT);
	return true;
}

SELFTEST(bench_arm_synic_messages)
{
	struct test_guest g;
	bool right;

	if (cpu_count < 2)
		SKIP("the machine has one CPU");
	GUEST_SETUP_FLAGS(&g, 2, PARTITION_HYPERV);
	guest_start(&g, gic_counter);
	gic_up(&g, 2);
	GUEST_CHECK(&g, synic_up(&g));
	right = second_start(&g) && guest_says(&g, 0) && posts(&g);
	CHECK(second_stop());
	GUEST_CHECK(&g, right);
	guest_destroy(&g);
}

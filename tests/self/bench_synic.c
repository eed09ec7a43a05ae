/* SPDX-License-Identifier: MIT */
/*
 * What the synic costs. scripts/bench runs this on an emulator whose time stamp counts instructions; elsewhere
 * the numbers say nothing, but what is measured must happen.
 */
#include "second.h"
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>
#include <kernel/synic.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(synic_writer);
GUEST_CODE_DECLARE(synic_counter);
extern const char guest_synic_counter_message[];

#define ROUNDS		 1000u
#define VECTOR		 0x51u
#define SINT		 2u
#define TIMER_LIMIT	 350u
#define UNITS_PER_SECOND 10000000u
#define POST_LIMIT	 1500u
#define SECOND_ID	 0xfee01000ull /* a message to VP 1: */
#define START_UP	 0x0600u       /* start-up */

static void report(const char *name, uint64_t time, uint32_t limit)
{
	char line[128];
	int length = format(line, sizeof(line), "bench: %s: %llu instructions", name,
			    (unsigned long long)(time / ROUNDS));

	if (limit)
		length +=
			format(line + length, sizeof(line) - (size_t)length, " (limit %u)", limit);
	length += format(line + length, sizeof(line) - (size_t)length, "\n");
	console_write(line, (size_t)length);
}

static bool writes(struct test_guest *g, const char *name, uint32_t msr, uint64_t first,
		   int64_t step, uint32_t limit)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RDI] = msr;
	gpr[GPR_RBP] = ROUNDS;
	gpr[GPR_R10] = (uint64_t)step;
	gpr[GPR_R11] = first;
	if (!guest_says(g, 1))
		return false;
	report(name, gpr[GPR_R14], limit);
	return true;
}

#define CONFIG \
	(HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE | (uint64_t)VECTOR << HV_STIMER_VECTOR_SHIFT)

static bool timer_costs(struct test_guest *g)
{
	/* Its lower half is counted up and down. */
	uint64_t far = partition_reference_time(g->partition) + UNITS_PER_SECOND;

	guest_start(g, synic_writer);
	return guest_says(g, 1) && writes(g, "WRMSR of TSC_AUX", 0xc0000103, 0, 0, 0) &&
	       writes(g, "WRMSR of SINT", HV_MSR_SINT0 + SINT, VECTOR, 0, 0) &&
	       writes(g, "WRMSR of EOM", HV_MSR_EOM, 0, 0, 0) &&
	       writes(g, "synthetic timer configured", HV_MSR_STIMER0_CONFIG, CONFIG, 0, 0) &&
	       writes(g, "synthetic timer set, later than before", HV_MSR_STIMER0_COUNT, far, 100,
		      TIMER_LIMIT) &&
	       writes(g, "synthetic timer set, sooner than before", HV_MSR_STIMER0_COUNT, far, -100,
		      TIMER_LIMIT);
}

static bool becomes(const volatile uint32_t *count, uint32_t value)
{
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;
	uint32_t turns = 0;

	while (*count != value) {
		cpu_wait(this_cpu());
		if (++turns % 1024 == 0 && timestamp_read() > end)
			return false;
	}
	return true;
}

/* From the post to the handler's first instruction; what that does afterwards is not in it. */
static bool posts(struct test_guest *g)
{
	const volatile uint32_t *count = (const uint32_t *)(g->ram + GUEST_DATA + 0x10);
	const struct hv_message message = {.type = 1, .payload_size = HV_MESSAGE_PAYLOAD};
	uint64_t time = 0;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t from = timestamp_read();

		if (synic_post_message(second_vp, 0, SINT, &message) != STATUS_OK ||
		    !becomes(count, i + 2))
			return false;
		time += timestamp_read() - from;
		if (!becomes(count + 1, i + 1))
			return false;
	}
	report("message to a running VP, until its handler runs", time, POST_LIMIT);
	return true;
}

static bool post_costs(struct test_guest *g)
{
	bool good, merged;

	second_code_set(g, synic_counter);
	*(uint32_t *)(g->ram + VECTOR * 4) =
		SECOND_CODE << 12 | (uint16_t)(uintptr_t)guest_synic_counter_message;
	if (!second_run() || !second_is_blocked())
		return false;
	if (arch_request_msi(g->partition, 0, SECOND_ID, START_UP | SECOND_CODE >> 12, &merged) !=
	    STATUS_OK)
		return false;
	good = becomes((const uint32_t *)(g->ram + GUEST_DATA + 0x10), 1) && posts(g);
	g->ram[GUEST_DATA] = 1;
	return second_says(4) && good;
}

SELFTEST(bench_synic_timers)
{
	struct test_guest g;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_flags(&g, PARTITION_HYPERV));
	GUEST_CHECK(&g, timer_costs(&g));
	guest_destroy(&g);
}

SELFTEST(bench_synic_messages)
{
	const char *why;
	bool ok = second_test_flags(post_costs, PARTITION_HYPERV, &why);

	if (why)
		SKIP(why);
	CHECK(ok);
}

/* SPDX-License-Identifier: MIT */
/*
 * What exits cost that stay in the kernel, and one that comes to the VMM, without the VMM: its part is the system
 * call. On an emulator that counts instructions the counter's ticks are so many of them; elsewhere the numbers
 * say nothing, but what is measured must happen.
 */
#include "bench.h"
#include "guest_gic.h"
#include <kernel/console.h>

GUEST_CODE_DECLARE(trips);
GUEST_CODE_DECLARE(gic_sgis);
GUEST_CODE_DECLARE(hyperv_trips);

#define ROUNDS		BENCH_ROUNDS
#define INSTRUCTIONS_HZ 1000000000ull /* QEMU's -icount shift=0 */
#define HVC_LIMIT	150u
#define REGISTER_LIMIT	250u
#define SGI_LIMIT	1200u /* between two CPUs; this is less than that */

void bench_report(const char *name, uint64_t ticks, uint32_t limit)
{
	char line[128];
	uint64_t instructions = ticks * (INSTRUCTIONS_HZ / timestamp_hz) / ROUNDS;
	int length = format(line, sizeof(line), "bench: %s: %llu instructions", name,
			    (unsigned long long)instructions);

	if (limit)
		length +=
			format(line + length, sizeof(line) - (size_t)length, " (limit %u)", limit);
	length += format(line + length, sizeof(line) - (size_t)length, "\r\n");
	console_write(line, (size_t)length);
}

SELFTEST(bench_arm_exits)
{
	struct test_guest g;
	unsigned int i;
	uint64_t start;

	GUEST_SETUP(&g);
	guest_start(&g, trips);
	GUEST_CHECK(&g, guest_register_set(&g, HV_ARM64_REGISTER_X0 + 19, ROUNDS));
	GUEST_CHECK(&g, guest_says(&g, 1));
	bench_report("HVC", g.vp->arch.x[0], HVC_LIMIT);
	GUEST_CHECK(&g, guest_says(&g, 2));
	bench_report("feature register", g.vp->arch.x[0], REGISTER_LIMIT);
	start = timestamp_read();
	for (i = 0; i < ROUNDS; i++)
		GUEST_CHECK(&g, guest_says(&g, ROUNDS));
	bench_report("MMIO to the kernel's caller", timestamp_read() - start, 0);
	guest_destroy(&g);
}

/* Sent, listed, acknowledged and ended: all but the kick and the exit of another CPU. */
SELFTEST(bench_arm_sgi)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, gic_sgis);
	gic_up(&g, 1);
	GUEST_CHECK(&g, guest_register_set(&g, HV_ARM64_REGISTER_X0 + 19, ROUNDS));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_says(&g, 0));
	bench_report("SGI to itself", g.vp->arch.x[0], SGI_LIMIT);
	guest_destroy(&g);
}

/* By registers of the Hyper-V interface, which stay in the kernel with the VP on its CPU. */
SELFTEST(bench_arm_hyperv)
{
	struct test_guest g;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	guest_start(&g, hyperv_trips);
	GUEST_CHECK(&g, guest_register_set(&g, HV_ARM64_REGISTER_X0 + 19, ROUNDS));
	GUEST_CHECK(&g, guest_says(&g, 1));
	bench_report("HvCallSetVpRegisters of EOM", g.vp->arch.x[0], 0);
	GUEST_CHECK(&g, guest_says(&g, 2));
	bench_report("HvCallGetVpRegisters of the VP's index", g.vp->arch.x[0], 0);
	guest_destroy(&g);
}

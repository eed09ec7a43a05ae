/* SPDX-License-Identifier: MIT */
/* What measurements of AArch64 have of their own. */
#include <bench.h>
#include <firmware/platform.h>

const struct proto_partition_config bench_proto = {
	.vp_count = 1,
	.spi_count = PLATFORM_SPI_COUNT,
	.gic_distributor = PLATFORM_GICD_BASE,
	.gic_redistributors = PLATFORM_GICR_BASE,
};

/* Where no device is. */
const struct doorbell_config bench_doorbells[] = {
	{.kind = DOORBELL_GPA, .address = 0x0c000000, .length = 4, .bits = 1},
	{.length = 0},
};

void (*const bench_more[])(void) = {NULL};

/* SPDX-License-Identifier: MIT */
/* What measurements of AArch64 have of their own. */
#include <string.h>
#include <bench.h>
#include <firmware/platform.h>
#include <lib/model.h>
#include <trivet/hv/arm64_registers.h>

#define GUEST_CODE	0x1000u
#define GICD_SETSPI_NSR 0x40u
#define INTID		40u

const struct proto_partition_config bench_proto = {
	.vp_count = 1,
	.spi_count = PLATFORM_SPI_COUNT,
	.gic_distributor = PLATFORM_GICD_BASE,
	.gic_redistributors = PLATFORM_GICR_BASE,
};

/* Where no device is; tests/bench/aarch64/exits.S writes there. */
const struct doorbell_config bench_doorbells[] = {
	{.kind = DOORBELL_GPA, .address = 0x0c000000, .length = 4, .bits = 1},
	{.length = 0},
};

const struct bench_message bench_message = {PLATFORM_GICD_BASE + GICD_SETSPI_NSR, INTID};

/* bench_guest.S */
extern const uint8_t bench_guest[];
extern const uint64_t bench_guest_size;

void bench_guest_load(uint8_t *memory)
{
	memcpy(memory + GUEST_CODE, bench_guest, bench_guest_size);
}

status_t bench_guest_start(handle_t vp)
{
	static const uint32_t name = HV_ARM64_REGISTER_PC;
	const union hv_register_value value = {.reg64 = GUEST_CODE};

	return vp_set_registers(vp, 0, &name, &value, 1);
}

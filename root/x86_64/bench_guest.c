/* SPDX-License-Identifier: MIT */
/* What measurements of x86-64 have of their own. */
#include <string.h>
#include <bench.h>
#include <lib/model.h>

#define GUEST_CODE    0x1000u
#define GUEST_STACK   0x8000u
#define VECTOR	      0x40u
#define MSI_ADDRESS   0xfee00000u
#define CS_ATTRIBUTES 0x9bu
#define REAL_LIMIT    0xffffu

/* Where no device is; tests/bench/exits.S writes there. */
#define DOORBELL_AT_PORT 0x2346u
#define DOORBELL_AT_GPA	 0xff010000ull

const struct proto_partition_config bench_proto = {.vp_count = 1,
						   .apic_mode = APIC_MODE_X2APIC_SUPPORTED};

const struct doorbell_config bench_doorbells[] = {
	{.kind = DOORBELL_PORT, .address = DOORBELL_AT_PORT, .length = 4, .bits = 1},
	{.kind = DOORBELL_GPA, .address = DOORBELL_AT_GPA, .length = 4, .bits = 2},
	{.length = 0},
};

const struct bench_message bench_message = {MSI_ADDRESS, VECTOR};

/* bench_guest.S */
extern const uint8_t bench_guest[];
extern const uint16_t bench_guest_handler, bench_guest_size;

void bench_guest_load(uint8_t *memory)
{
	uint16_t *entry = (uint16_t *)memory + VECTOR * 2;

	memcpy(memory + GUEST_CODE, bench_guest, bench_guest_size);
	entry[0] = bench_guest_handler;
	entry[1] = GUEST_CODE >> 4;
}

status_t bench_guest_start(handle_t vp)
{
	static const uint32_t names[] = {HV_X64_REGISTER_CS, HV_X64_REGISTER_RIP,
					 HV_X64_REGISTER_RSP};
	const union hv_register_value values[] = {
		{.segment = {.base = GUEST_CODE,
			     .limit = REAL_LIMIT,
			     .selector = GUEST_CODE >> 4,
			     .attributes = CS_ATTRIBUTES}},
		{.reg64 = 0},
		{.reg64 = GUEST_STACK},
	};

	return vp_set_registers(vp, 0, names, values, ARRAY_SIZE(names));
}

/* SPDX-License-Identifier: MIT */
/* What calls say of a guest, in AArch64's words. */
#ifndef HOSTILE_GUEST_WORDS_H
#define HOSTILE_GUEST_WORDS_H

#include <trivet/abi.h>
#include <trivet/hv/arm64_registers.h>

#define RESET_PAGE 0ull /* where a VP begins */

/* The n-th of a few forms, of which all but one are right. */
static inline struct proto_partition_config config_form(uint32_t vp_count, uint32_t n)
{
	return (struct proto_partition_config){
		.vp_count = vp_count,
		.spi_count = n * 32,
		.gic_distributor = 0x8000000,
		.gic_redistributors = n == 3 ? 0x8000000 : 0x80a0000,
	};
}
#define CONFIG_FORMS 4u
#define CONFIG_USUAL 2u
#define CONFIG_OTHER 1u

/* Eight from each on. */
static const uint32_t register_firsts[] = {HV_ARM64_REGISTER_X0,      HV_ARM64_REGISTER_X0 + 8,
					   HV_ARM64_REGISTER_X0 + 24, HV_ARM64_REGISTER_SP,
					   HV_ARM64_REGISTER_PC,      HV_ARM64_REGISTER_Q0};

/* B ., WFI, HVC, SMC, a load, a store, MRS of an ID register, DC CISW and WFE in loops, UDF, BRK. Little-endian. */
static const uint8_t guest_code[][8] = {
	{0x00, 0x00, 0x00, 0x14},
	{0x7f, 0x20, 0x03, 0xd5, 0xff, 0xff, 0xff, 0x17},
	{0x02, 0x00, 0x00, 0xd4, 0xff, 0xff, 0xff, 0x17},
	{0x03, 0x00, 0x00, 0xd4, 0xff, 0xff, 0xff, 0x17},
	{0x20, 0x00, 0x40, 0xf9, 0xff, 0xff, 0xff, 0x17},
	{0x20, 0x00, 0x00, 0xf9, 0xff, 0xff, 0xff, 0x17},
	{0x00, 0x04, 0x38, 0xd5, 0xff, 0xff, 0xff, 0x17},
	{0x40, 0x7e, 0x08, 0xd5, 0xff, 0xff, 0xff, 0x17},
	{0x5f, 0x20, 0x03, 0xd5, 0xff, 0xff, 0xff, 0x17},
	{0x00, 0x00, 0x00, 0x00},
	{0x20, 0x00, 0x20, 0xd4},
};

/* Four that are read, the first of which takes any value. */
static const uint32_t looked_at[] = {HV_ARM64_REGISTER_X0 + 8, HV_ARM64_REGISTER_PC,
				     HV_ARM64_REGISTER_PSTATE, HV_ARM64_REGISTER_Q0};

#endif

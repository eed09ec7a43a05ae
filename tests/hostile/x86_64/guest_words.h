/* SPDX-License-Identifier: MIT */
/* What calls say of a guest, in x86's words. */
#ifndef HOSTILE_GUEST_WORDS_H
#define HOSTILE_GUEST_WORDS_H

#include <trivet/abi.h>
#include <trivet/hv/registers.h>

#define RESET_PAGE 0xfffff000ull /* where a VP begins */

/* The n-th of a few forms, of which all but one are right. */
static inline struct proto_partition_config config_form(uint32_t vp_count, uint32_t n)
{
	return (struct proto_partition_config){.vp_count = vp_count, .apic_mode = n};
}
#define CONFIG_FORMS 3u
#define CONFIG_USUAL APIC_MODE_X2APIC_ENABLED
#define CONFIG_OTHER APIC_MODE_X2APIC_SUPPORTED

/* Eight from each on. */
static const uint32_t register_firsts[] = {
	HV_X64_REGISTER_RAX, HV_X64_REGISTER_XMM0, HV_X64_REGISTER_CR0, HV_X64_REGISTER_DR0,
	HV_X64_REGISTER_ES,  HV_X64_REGISTER_IDTR, HV_X64_REGISTER_TSC, HV_X64_REGISTER_TSC_AUX};

/* JMP $, HLT, CPUID, OUT, RDMSR, WRMSR and LOCK MOV in loops, UD2, INT 10h. */
static const uint8_t guest_code[][8] = {
	{0xeb, 0xfe},
	{0xf4, 0xeb, 0xfd},
	{0x0f, 0xa2, 0xeb, 0xfc},
	{0xe6, 0x99, 0xeb, 0xfc},
	{0x0f, 0x32, 0xeb, 0xfc},
	{0x0f, 0x30, 0xeb, 0xfc},
	{0xf0, 0x89, 0x07, 0xeb, 0xfb},
	{0x0f, 0x0b},
	{0xcd, 0x10},
};

/* Four that are read, the first of which takes any value. */
static const uint32_t looked_at[] = {HV_X64_REGISTER_R8, HV_X64_REGISTER_RIP, HV_X64_REGISTER_CS,
				     HV_X64_REGISTER_XMM0};

#endif

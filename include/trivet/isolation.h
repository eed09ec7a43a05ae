/* SPDX-License-Identifier: MIT */
/*
 * Isolation types and their numbers in the Hyper-V interface (TLFS, "Hypervisor CPUID Leaf Range",
 * leaf 0x4000000C, EBX 3:0).
 */
#ifndef TRIVET_ISOLATION_H
#define TRIVET_ISOLATION_H

#include <trivet/abi.h>

#define HV_ISOLATION_NONE 0u
#define HV_ISOLATION_VBS  1u
#define HV_ISOLATION_SNP  2u
#define HV_ISOLATION_TDX  3u

/* INVALID_ARGUMENT: no type has that number; *type is left alone. */
static inline status_t isolation_from_hv(uint32_t number, enum isolation_type *type)
{
	switch (number) {
	case HV_ISOLATION_NONE: *type = ISOLATION_NONE; break;
	case HV_ISOLATION_VBS: *type = ISOLATION_VBS; break;
	case HV_ISOLATION_SNP: *type = ISOLATION_SNP; break;
	case HV_ISOLATION_TDX: *type = ISOLATION_TDX; break;
	default: return STATUS_INVALID_ARGUMENT;
	}
	return STATUS_OK;
}

static inline uint32_t isolation_to_hv(enum isolation_type type)
{
	switch (type) {
	case ISOLATION_VBS: return HV_ISOLATION_VBS;
	case ISOLATION_SNP: return HV_ISOLATION_SNP;
	case ISOLATION_TDX: return HV_ISOLATION_TDX;
	default: return HV_ISOLATION_NONE;
	}
}

/* The guest does not trust its host with its memory. */
static inline bool is_isolated(enum isolation_type type)
{
	return type != ISOLATION_NONE;
}

/* And the processor keeps the hypervisor out as well. */
static inline bool is_hardware_isolated(enum isolation_type type)
{
	return type == ISOLATION_SNP || type == ISOLATION_TDX;
}

#endif

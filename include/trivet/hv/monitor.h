/* SPDX-License-Identifier: MIT */
/*
 * The monitor page (TLFS, "Monitored Notifications", HV_MONITOR_PAGE): a guest sets a bit in it instead of
 * making a hypercall, and the connection that belongs to the bit is signalled a little later.
 */
#ifndef TRIVET_HV_MONITOR_H
#define TRIVET_HV_MONITOR_H

#include <trivet/types.h>

#define HV_MONITOR_GROUPS	4u
#define HV_MONITOR_GROUP_BITS	32u
#define HV_MONITORS		(HV_MONITOR_GROUPS * HV_MONITOR_GROUP_BITS)
#define HV_MONITOR_PENDING_MASK MASK(32)

struct hv_monitor_parameter {
	uint32_t connection;
	uint16_t flag;
	uint16_t reserved;
};

struct hv_monitor_page {
	uint32_t trigger_state; /* bits 0-3: groups that are looked at */
	uint32_t reserved;
	_Atomic uint64_t trigger_group[HV_MONITOR_GROUPS]; /* bits 0-31: pending, 32-63: armed */
	uint64_t reserved2[3];
	uint32_t next_check_time[HV_MONITORS];
	uint16_t latency[HV_MONITORS]; /* in units of 100 ns */
	uint64_t reserved3[32];
	struct hv_monitor_parameter parameter[HV_MONITORS];
	uint8_t reserved4[1984];
};
static_assert(sizeof(struct hv_monitor_page) == 4096, "TLFS size");

#endif

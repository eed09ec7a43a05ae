/* SPDX-License-Identifier: MIT */
/*
 * The APIC ids that the kernel gives to the VPs of a partition: fields of bits for socket, core and thread, each
 * as wide as its count needs (SDM 3A, "Hierarchical Mapping of Shared Resources").
 */
#ifndef FIRMWARE_TOPOLOGY_H
#define FIRMWARE_TOPOLOGY_H

#include <trivet/types.h>

/* Fills in ids[0] to ids[vp_count - 1]; threads and cores as in struct proto_partition_config. */
void topology_apic_ids(uint32_t vp_count, uint32_t threads_per_core, uint32_t cores_per_socket,
		       uint32_t *ids);

#endif

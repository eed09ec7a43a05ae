/* SPDX-License-Identifier: MIT */
/* APIC ids by socket, core and thread. */
#include <firmware/topology.h>

static uint32_t bits_for(uint32_t count)
{
	return count <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(count - 1);
}

void topology_apic_ids(uint32_t vp_count, uint32_t threads_per_core, uint32_t cores_per_socket,
		       uint32_t *ids)
{
	uint32_t threads = MIN(MAX(threads_per_core, 1u), vp_count);
	uint32_t all_cores = (vp_count - 1) / threads + 1;
	uint32_t cores = cores_per_socket ? MIN(cores_per_socket, all_cores) : all_cores;

	for (uint32_t vp = 0; vp < vp_count; vp++) {
		uint32_t core = vp / threads;
		uint32_t place = core / cores << bits_for(cores) | core % cores;

		ids[vp] = place << bits_for(threads) | vp % threads;
	}
}

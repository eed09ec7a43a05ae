/* SPDX-License-Identifier: MIT */
/* A test's way to its guest's GIC. */
#ifndef TESTS_SELF_AARCH64_GUEST_GIC_H
#define TESTS_SELF_AARCH64_GUEST_GIC_H

#include "../../../arch/aarch64/guest/vgic.h"
#include "guest.h"

#define GIC_SPI_FIRST 32u

static inline struct vgic *gic_of(const struct test_guest *g)
{
	return &g->partition->arch.gic;
}

static inline struct vgic_cpu *gic_cpu_of(const struct test_guest *g, uint32_t index)
{
	return &g->partition->vps[index]->vtl[0]->arch.gic;
}

static inline void distributor_write(const struct test_guest *g, uint32_t offset, uint32_t value)
{
	vgic_distributor_write(gic_of(g), offset, 4, value);
}

static inline void redistributor_write(const struct test_guest *g, uint32_t index, uint32_t offset,
				       uint32_t value)
{
	vgic_redistributor_write(gic_cpu_of(g, index), offset, 4, value);
}

/* Both groups on; all in group 1; SGIs and SPIs enabled and edge-triggered, of priority 0x80. */
void gic_up(const struct test_guest *g, uint32_t vps);

#endif

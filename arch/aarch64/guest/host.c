/* SPDX-License-Identifier: MIT */
/* The machine's processors, as far as guests feel them: the boot CPU says what there is, the others must have it too. */
#include "guest.h"
#include "vgic_hw.h"
#include "world.h"
#include <arch/cpu_check.h>
#include <arch/sysreg.h>
#include <kernel/backend.h>

uint64_t el2_host_ids[IDS_COUNT];

#define ID_READ(crm, op2) ids[ID_PLACE(crm, op2)] = sysreg_read(s3_0_c0_c##crm##_##op2);
#define ID_READ_ROW(crm) \
	ID_READ(crm, 0)  \
	ID_READ(crm, 1)  \
	ID_READ(crm, 2)  \
	ID_READ(crm, 3)  \
	ID_READ(crm, 4)  \
	ID_READ(crm, 5)  \
	ID_READ(crm, 6)  \
	ID_READ(crm, 7)

static __cold void ids_read(uint64_t ids[IDS_COUNT]){ID_READ_ROW(1) ID_READ_ROW(2) ID_READ_ROW(3)
							     ID_READ_ROW(4) ID_READ_ROW(5)
								     ID_READ_ROW(6) ID_READ_ROW(7)}

__cold bool el2_host_probe(void)
{
	ids_read(el2_host_ids);
	return vgic_hw_probe(&guest_gic_host);
}

/* A VP goes from CPU to CPU with what it has been shown, and with as many list registers. */
static bool gic_suffices(void)
{
	const struct vgic_host *boot = &guest_gic_host;
	struct vgic_host own;

	return vgic_hw_probe(&own) && own.lr_count >= boot->lr_count &&
	       own.priority_bits >= boot->priority_bits &&
	       own.preemption_bits >= boot->preemption_bits && own.traps_dir >= boot->traps_dir &&
	       own.range_selector >= boot->range_selector;
}

__cold uint32_t guest_cpu_check(void)
{
	uint64_t own[IDS_COUNT];
	uint32_t place;

	if (!backend)
		return CPU_SUFFICES;
	ids_read(own);
	place = ids_lacking(own, el2_host_ids);
	if (place < IDS_COUNT)
		return CPU_LACKS_FEATURE(place / 8 + 1, place % 8);
	return gic_suffices() ? CPU_SUFFICES : CPU_LACKS_GIC;
}

/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 processor of a VP from power-on (Arm ARM D1.4, "Reset"; where that says "unknown", 0), and its way to
 * a CPU and from it. VP 0 begins at address 0 with its caches off; the others wait for PSCI CPU_ON.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>
#include <kernel/synic.h>

#define SCTLR_RESET  0x30d00800ull /* what is RES1 without extensions */
#define PSTATE_RESET (PSTATE_DAIF | PSTATE_EL1H)
#define MPIDR_RES1   BIT(31)
/* ICC_SGI1R_EL1 reaches sixteen in one go. */
#define AFF0_BITS    4u
#define AFF_BITS     8u

uint64_t guest_mpidr(uint32_t index)
{
	return MPIDR_RES1 | (index & MASK(AFF0_BITS)) |
	       (index >> AFF0_BITS & MASK(AFF_BITS)) << AFF_BITS |
	       (uint64_t)(index >> (AFF0_BITS + AFF_BITS)) << 2 * AFF_BITS;
}

bool guest_mpidr_index(const struct partition *partition, uint64_t mpidr, uint32_t *index)
{
	*index = (uint32_t)((mpidr & MASK(AFF0_BITS)) |
			    (mpidr >> AFF_BITS & MASK(AFF_BITS)) << AFF0_BITS |
			    (mpidr >> 2 * AFF_BITS & MASK(AFF_BITS)) << (AFF0_BITS + AFF_BITS));
	return *index < partition->vp_count &&
	       (guest_mpidr(*index) & MPIDR_AFFINITY) == (mpidr & ~MPIDR_RES1);
}

/* ---- partitions ---- */

#define FRAME_ALIGNMENT KIB(64)

static uint32_t physical_bits(void)
{
	uint32_t bits = ids_pa_bits((uint32_t)(el2_host_ids[ID_AA64MMFR0] & 0xf));

	return MIN(bits, page_table_bits(&stage2_format));
}

bool arch_config_valid(const struct proto_partition_config *config)
{
	uint64_t size = (uint64_t)config->vp_count * VGIC_REDISTRIBUTOR_SIZE;
	uint64_t limit = BIT(page_table_bits(&stage2_format));

	return config->spi_count <= VGIC_SPI_MAX / 32 * 32 && config->spi_count % 32 == 0 &&
	       IS_ALIGNED(config->gic_distributor | config->gic_redistributors, FRAME_ALIGNMENT) &&
	       range_within(config->gic_distributor, VGIC_DISTRIBUTOR_SIZE, limit) &&
	       range_within(config->gic_redistributors, size, limit) &&
	       !range_overlaps(config->gic_distributor, VGIC_DISTRIBUTOR_SIZE,
			       config->gic_redistributors, size);
}

__cold status_t arch_partition_create(struct partition *partition)
{
	const uint32_t other = PARTITION_USER_MODE_APIC | PARTITION_HYPERV | PARTITION_HYPERV_VMM;

	if (partition->config.flags & other)
		return STATUS_NOT_SUPPORTED;
	return partition->config.vp_count > VGIC_VP_MAX ? STATUS_TOO_LARGE : STATUS_OK;
}

__cold status_t arch_partition_build(struct partition *partition, const struct cpuid_leaf *leaves,
				     uint32_t leaf_count)
{
	struct arch_partition *a = &partition->arch;
	struct heap *heap = partition->heap;

	(void)leaves;
	if (leaf_count)
		return STATUS_NOT_SUPPORTED;
	partition->physical_bits = (uint8_t)physical_bits();
	a->cpu_count = cpu_count;
	a->ids = heap_alloc(heap, IDS_COUNT * sizeof(a->ids[0]));
	a->last_vp = heap_alloc(heap, a->cpu_count * sizeof(a->last_vp[0]));
	if (!a->ids || !a->last_vp)
		return STATUS_NO_MEMORY;
	ids_filter(el2_host_ids, partition->physical_bits, a->ids);
	a->counter_offset = timestamp_read();
	return guest_gic_create(partition);
}

__cold void arch_partition_destroy(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;
	struct heap *heap = partition->heap;

	guest_gic_destroy(partition);
	if (a->ids)
		heap_free(heap, a->ids, IDS_COUNT * sizeof(a->ids[0]));
	if (a->last_vp)
		heap_free(heap, a->last_vp, a->cpu_count * sizeof(a->last_vp[0]));
	a->ids = NULL;
	a->last_vp = NULL;
}

__cold status_t arch_partition_reset(struct partition *partition)
{
	partition->arch.counter_offset = timestamp_read();
	vgic_reset(&partition->arch.gic);
	return STATUS_OK;
}

/* ---- VPs ---- */

__cold status_t arch_vp_create(struct vp *vp)
{
	struct arch_vp_vtl *a = vtl_arch(vp, 0);

	vp->arch.fpu_area = heap_alloc(vp->partition->heap, FPU_AREA_SIZE);
	if (!vp->arch.fpu_area)
		return STATUS_NO_MEMORY;
	fpu_state_init(&vp->arch.fpu, vp->arch.fpu_area);
	a->vp = vp;
	vgic_cpu_create(&a->gic, &vp->partition->arch.gic, vp->index,
			(uint32_t)(guest_mpidr(vp->index) & MASK(24)));
	guest_timers_create(vp, 0);
	return STATUS_OK;
}

__cold void arch_vp_destroy(struct vp *vp)
{
	struct arch_vp_vtl *a = vp->vtl[0] ? vtl_arch(vp, 0) : NULL;

	if (a && a->gic.vgic)
		vgic_cpu_remove(&a->gic);
	if (vp->arch.fpu_area)
		heap_free(vp->partition->heap, vp->arch.fpu_area, FPU_AREA_SIZE);
	vp->arch.fpu_area = NULL;
}

/* Of power-on and of CPU_ON: with the MMU and caches off, interrupts masked. */
static __cold void registers_reset(struct arch_vp_vtl *a)
{
	memset(&a->system, 0, sizeof(a->system));
	memset(&a->pauth, 0, sizeof(a->pauth));
	memset(&a->debug, 0, sizeof(a->debug));
	a->system.sctlr_el1 = SCTLR_RESET;
	a->pc = 0;
	a->pstate = PSTATE_RESET;
	a->sp_el0 = a->sp_el1 = 0;
	a->traps_caches = true;
	a->set_way = false;
}

__cold void guest_vtl_reset(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);
	bool runs = vp->index == 0;

	el1_release(vp);
	registers_reset(a);
	guest_timers_reset(vp, vtl);
	a->activity = runs ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_ON;
	atomic_store(&a->power, runs ? PSCI_ON : PSCI_OFF);
	a->waiting = WAITING_NONE;
	a->work = runs ? WORK_CLEAN : 0;
}

__cold void arch_vp_reset(struct vp *vp)
{
	fpu_release(&vp->arch.fpu);
	memset(vp->arch.x, 0, sizeof(vp->arch.x));
	fpu_state_init(&vp->arch.fpu, vp->arch.fpu_area);
	guest_vtl_reset(vp, 0);
	vgic_cpu_reset(&vtl_arch(vp, 0)->gic);
	if (vp->run)
		vp->run->set = 0;
}

/* PSCI 5.1.4: at the entry point, X0 the context, all else as after reset. Loaded or not. */
void guest_power_on(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	bool loaded = atomic_load(&vp->cpu) == this_cpu();

	if (atomic_load(&a->power) != PSCI_ON_PENDING)
		return;
	if (loaded)
		backend->put(vp);
	el1_release(vp);
	registers_reset(a);
	vgic_interface_reset(&a->gic);
	a->pc = a->entry;
	vp->arch.x[0] = a->context;
	a->activity = ACTIVITY_RUNNING;
	if (loaded)
		backend->load(vp);
	atomic_store(&a->power, PSCI_ON);
}

void arch_vp_load(struct vp *vp)
{
	if (unlikely(this_cpu()->fpu_owner != &vp->arch.fpu)) {
		fpu_take(&vp->arch.fpu);
		return;
	}
	fpu_guard(&vp->arch.fpu);
}

void arch_vp_put(struct vp *vp)
{
	(void)vp;
	fpu_guard(NULL);
}

void arch_vp_bind(struct vp *vp)
{
	guest_timers_bind(vp);
	stimer_update(vp);
}

void arch_vp_unbind(struct vp *vp)
{
	guest_timers_unbind(vp);
	stimer_cancel(vp);
	fpu_release(&vp->arch.fpu);
	backend->unbind(vp);
}

/* SPDX-License-Identifier: MIT */
/* The partition's GIC: its memory, its frames in the guest's memory, and how VPs hear of what is posted. */
#include "guest.h"
#include "vgic_hw.h"
#include <kernel/cpu.h>
#include <kernel/state.h>

struct vgic_host guest_gic_host;

static struct vp *vp_of(struct vgic_cpu *cpu)
{
	return container_of(cpu, struct arch_vp_vtl, gic)->vp;
}

static void notify(struct vgic_cpu *cpu)
{
	vp_request(vp_of(cpu), VP_REQUEST_INTERRUPT);
}

/* The kick makes it leave the guest; the next entry, or the put, folds. It may be waiting for us in turn. */
static void refresh(struct vgic_cpu *cpu, uint32_t folds)
{
	struct vp *vp = vp_of(cpu);
	struct cpu *at;

	while (vgic_is_resident(cpu) && atomic_load(&cpu->folds) == folds) {
		at = atomic_load(&vp->cpu);
		if (at && at != this_cpu())
			arch_cpu_kick(at);
		cpu_wait(this_cpu());
	}
}

static void end(struct vgic_cpu *cpu, uint32_t intid)
{
	if (intid == PPI_VIRTUAL)
		guest_timer_end(vp_of(cpu));
}

static const struct vgic_ops ops = {.notify = notify, .refresh = refresh, .end = end};

static unsigned int order_of(size_t size)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static size_t cpus_size(const struct partition *partition)
{
	return partition->config.vp_count * sizeof(void *);
}

static size_t spis_size(const struct partition *partition)
{
	return MAX(partition->config.spi_count, 1u) * sizeof(uint64_t);
}

__cold status_t guest_gic_create(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;
	struct vgic_config config = {
		.ops = &ops,
		.spi_count = partition->config.spi_count,
		.cpu_count = partition->config.vp_count,
		.host = guest_gic_host,
	};

	a->gic_cpus = page_alloc(partition->heap, order_of(cpus_size(partition)));
	a->spis = page_alloc(partition->heap, order_of(spis_size(partition)));
	if (!a->gic_cpus || !a->spis)
		return STATUS_NO_MEMORY;
	config.cpus = a->gic_cpus;
	config.spi = a->spis;
	vgic_create(&a->gic, &config);
	return STATUS_OK;
}

__cold void guest_gic_destroy(struct partition *partition)
{
	struct arch_partition *a = &partition->arch;

	if (a->gic_cpus)
		page_free(partition->heap, (void *)a->gic_cpus, order_of(cpus_size(partition)));
	if (a->spis)
		page_free(partition->heap, (void *)a->spis, order_of(spis_size(partition)));
	a->gic_cpus = NULL;
	a->spis = NULL;
}

/* ICH_MISR_EL2 tells of a maintenance interrupt: the list registers are taken back, and filled anew before the entry. */
bool guest_gic_interrupt(struct vp *vp)
{
	if (!sysreg_read(s3_4_c12_c11_3))
		return false;
	vgic_sync(&vp_arch(vp)->gic);
	vp_arch(vp)->work |= WORK_ENTRY;
	return true;
}

/* ---- its frames ---- */

struct frame {
	struct vgic_cpu *cpu; /* NULL: the distributor */
	uint32_t offset;
};

static bool frame_find(struct vp *vp, uint32_t vtl, gpa_t gpa, struct frame *frame)
{
	const struct partition *partition = vp->partition;
	const struct proto_partition_config *config = &partition->config;
	uint64_t offset = gpa - config->gic_redistributors;
	uint64_t index = offset / VGIC_REDISTRIBUTOR_SIZE;

	frame->cpu = NULL;
	frame->offset = (uint32_t)(gpa - config->gic_distributor);
	if (gpa - config->gic_distributor < VGIC_DISTRIBUTOR_SIZE)
		return true;
	if (index >= partition->vp_count)
		return false;
	frame->cpu = &vtl_arch(partition->vps[index], vtl)->gic;
	frame->offset = (uint32_t)(offset % VGIC_REDISTRIBUTOR_SIZE);
	return true;
}

bool guest_gic_read(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t *value)
{
	struct frame frame;

	if (!frame_find(vp, vtl, gpa, &frame))
		return false;
	vgic_sync(&vp_arch(vp)->gic);
	*value = frame.cpu ? vgic_redistributor_read(frame.cpu, frame.offset, size)
			   : vgic_distributor_read(&vp->partition->arch.gic, frame.offset, size);
	return true;
}

bool guest_gic_write(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t value)
{
	struct frame frame;

	if (!frame_find(vp, vtl, gpa, &frame))
		return false;
	vgic_sync(&vp_arch(vp)->gic);
	if (frame.cpu)
		vgic_redistributor_write(frame.cpu, frame.offset, size, value);
	else
		vgic_distributor_write(&vp->partition->arch.gic, frame.offset, size, value);
	return true;
}

/* ---- its state ---- */

uint32_t arch_partition_element_size(const struct partition *partition)
{
	return (uint32_t)(sizeof(struct partition_state_gic) +
			  partition->arch.gic.spi_count * sizeof(struct gic_state_irq));
}

void arch_partition_state_get(struct partition *partition, void *data)
{
	vgic_state_get(&partition->arch.gic, data);
}

bool arch_partition_state_valid(const struct partition *partition, const void *data)
{
	return vgic_state_valid(&partition->arch.gic, data);
}

void arch_partition_state_set(struct partition *partition, const void *data)
{
	vgic_state_set(&partition->arch.gic, data);
}

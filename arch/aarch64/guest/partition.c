/* SPDX-License-Identifier: MIT */
/* An AArch64 partition: what its VPs share, and what the system calls ask of it. */
#include "guest.h"
#include "vgic.h"
#include <arch/paging.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define FRAME_ALIGNMENT KIB(64)

uint32_t guest_physical_bits(void)
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
	const uint32_t other =
		PARTITION_USER_MODE_APIC | PARTITION_HYPERV_VMM | PARTITION_HYPERV_TSC_INVARIANT;

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
	partition->physical_bits = (uint8_t)guest_physical_bits();
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

/* ---- what the system calls ask ---- */

status_t arch_isolation_check(uint32_t type)
{
	switch ((enum isolation_type)type) {
	case ISOLATION_NONE: return STATUS_OK;
	case ISOLATION_VBS: return STATUS_NO_VBS;
	case ISOLATION_SNP: return STATUS_NO_SNP;
	case ISOLATION_TDX: return STATUS_NO_TDX;
	}
	return STATUS_INVALID_ARGUMENT;
}

#define GICD_SETSPI_NSR 0x40u

/* A message is a write of an INTID to the distributor. */
status_t arch_request_msi(struct partition *partition, uint32_t vtl, uint64_t address,
			  uint32_t data, bool *merged)
{
	(void)vtl;
	*merged = false;
	if (address != partition->config.gic_distributor + GICD_SETSPI_NSR)
		return STATUS_INVALID_ADDRESS;
	return vgic_pulse_spi(&partition->arch.gic, data, merged) ? STATUS_OK
								  : STATUS_INVALID_ARGUMENT;
}

status_t arch_partition_set_spi(struct partition *partition, uint32_t vtl, uint32_t intid,
				bool high)
{
	(void)vtl;
	return vgic_set_spi(&partition->arch.gic, intid, high) ? STATUS_OK
							       : STATUS_INVALID_ARGUMENT;
}

status_t arch_vp_gic_access(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, bool write,
			    uint64_t *value)
{
	bool done = write ? guest_gic_write(vp, vtl, gpa, size, *value)
			  : guest_gic_read(vp, vtl, gpa, size, value);

	return done ? STATUS_OK : STATUS_NOT_FOUND;
}

#define IMPLEMENTER_SHIFT 24

/* MIDR_EL1 begins with a letter of the maker's. */
void arch_partition_caps(const struct partition *partition, struct partition_caps *caps)
{
	uint64_t ids[IDS_COUNT];

	ids_filter(el2_host_ids, guest_physical_bits(), ids);
	caps->midr = sysreg_read(midr_el1);
	caps->vendor[0] = (char)(caps->midr >> IMPLEMENTER_SHIFT);
	caps->physical_address_bits = guest_physical_bits();
	caps->gic_version = 3;
	caps->vp_count = partition->config.vp_count;
	caps->tsc_hz = timestamp_hz;
	caps->flags = CAP_CAN_FREEZE_TIME;
	if (ID_FIELD(ids[ID_AA64PFR0], PFR0_EL0_SHIFT) > 1)
		caps->flags |= CAP_AARCH32_EL0;
}

/* ---- what x86 has alone ---- */

status_t arch_proto_cpuid(const struct partition *partition, uint32_t eax, uint32_t ecx,
			  uint32_t out[4])
{
	(void)partition;
	(void)eax;
	(void)ecx;
	(void)out;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_set_lint(struct vp *vp, uint32_t vtl, unsigned int lint, bool high)
{
	(void)vp;
	(void)vtl;
	(void)lint;
	(void)high;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int lint)
{
	(void)vp;
	(void)vtl;
	(void)lint;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_apic_access(struct vp *vp, uint32_t vtl, uint32_t offset, bool write,
			     uint32_t *value)
{
	(void)vp;
	(void)vtl;
	(void)offset;
	(void)write;
	(void)value;
	return STATUS_NOT_SUPPORTED;
}

/* ---- time ---- */

uint64_t arch_partition_tsc(const struct partition *partition)
{
	return partition_timestamp(partition) - partition->arch.counter_offset;
}

/* The counter's rate is the machine's. */
uint64_t arch_partition_tsc_hz(const struct partition *partition)
{
	(void)partition;
	return timestamp_hz;
}

bool arch_partition_tsc_can_run(uint64_t hz, bool prepared)
{
	(void)hz;
	(void)prepared;
	return false;
}

void arch_partition_tsc_set(struct partition *partition, uint64_t tsc, uint64_t hz)
{
	(void)hz;
	partition->arch.counter_offset = partition_timestamp(partition) - tsc;
}

void arch_partition_tsc_settle(struct partition *partition)
{
	(void)partition;
}

void arch_partition_time_skip(struct partition *partition, uint64_t ticks)
{
	partition->arch.counter_offset += ticks;
}

bool arch_partition_tsc_at(const struct partition *partition, uint64_t timestamp, uint64_t *tsc,
			   uint64_t *scale)
{
	(void)scale;
	*tsc = timestamp - partition->arch.counter_offset;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* What the system calls ask of an x86 partition: MSIs, local interrupts, APIC accesses, caps. */
#include "apic_bus.h"
#include "guest.h"
#include <arch/msr.h>
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <kernel/synic.h>

#define CPUID_VENDOR		0u
#define CPUID_FEATURES		1u
#define CPUID_EXTENDED_FEATURES 0x80000001u
#define CPUID_RDTSCP		BIT(27)
#define CPUID_SIZES		0x80000008u

status_t arch_proto_cpuid(const struct partition *partition, uint32_t eax, uint32_t ecx,
			  uint32_t out[4])
{
	guest_cpuid_default(&partition->config, eax, ecx, out);
	return STATUS_OK;
}

status_t arch_request_msi(struct partition *partition, uint32_t vtl, uint64_t address,
			  uint32_t data, bool *merged)
{
	return apic_bus_msi(partition, vtl, address, data, merged);
}

bool arch_config_valid(const struct proto_partition_config *config)
{
	return config->apic_mode <= APIC_MODE_X2APIC_ENABLED && !config->reserved[0] &&
	       !config->reserved[1];
}

#define CPUID_ENCRYPTION 0x8000001fu
#define ENCRYPTION_SNP	 BIT(4)
#define MTRR_CAP_MSR	 0xfeu
#define MTRR_CAP_SEAMRR	 BIT(15) /* there is memory for SEAM mode, in which TDX's module runs */
#define CPUID_MTRR	 BIT(12)
#define CPUID_EXTENDED	 0x80000000u

static bool host_has_snp(void)
{
	uint32_t r[4];

	cpuid_host(CPUID_EXTENDED, 0, r);
	if (r[0] < CPUID_ENCRYPTION)
		return false;
	cpuid_host(CPUID_ENCRYPTION, 0, r);
	return r[0] & ENCRYPTION_SNP;
}

/* Intel TDX Module Base Architecture, "SEAM range registers". */
static bool host_has_tdx(void)
{
	uint32_t r[4];

	cpuid_host(CPUID_FEATURES, 0, r);
	return (r[3] & CPUID_MTRR) && (msr_read(MTRR_CAP_MSR) & MTRR_CAP_SEAMRR);
}

status_t arch_isolation_check(uint32_t type)
{
	switch ((enum isolation_type)type) {
	case ISOLATION_NONE: return STATUS_OK;
	case ISOLATION_VBS: return STATUS_NO_VBS;
	case ISOLATION_SNP: return host_has_snp() ? STATUS_NOT_SUPPORTED : STATUS_NO_SNP;
	case ISOLATION_TDX: return host_has_tdx() ? STATUS_NOT_SUPPORTED : STATUS_NO_TDX;
	}
	return STATUS_INVALID_ARGUMENT;
}

/* As built, or, before that, by default. */
static void leaf_get(const struct partition *partition, uint32_t leaf, uint32_t out[4])
{
	if (partition->state >= PARTITION_BUILT)
		guest_cpuid_built(partition, leaf, out);
	else
		guest_cpuid_default(&partition->config, leaf, 0, out);
}

void arch_partition_caps(const struct partition *partition, struct partition_caps *caps)
{
	const bool built = partition->state >= PARTITION_BUILT;
	struct cpuid_xsave xsave;
	uint32_t r[4];

	leaf_get(partition, CPUID_VENDOR, r);
	memcpy(&caps->vendor[0], &r[1], sizeof(r[1]));
	memcpy(&caps->vendor[4], &r[3], sizeof(r[3]));
	memcpy(&caps->vendor[8], &r[2], sizeof(r[2]));
	leaf_get(partition, CPUID_FEATURES, r);
	caps->reset_rdx = r[0];
	leaf_get(partition, CPUID_SIZES, r);
	caps->physical_address_bits = built ? partition->physical_bits : r[0] & 0xff;
	caps->apic_mode = partition->config.apic_mode;
	guest_xsave(partition, &xsave);
	caps->xsave_features = xsave.allowed;
	caps->xsave_size_standard = cpuid_xsave_size(&xsave, xsave.allowed);
	caps->xsave_size_compact = cpuid_xsave_size_compact(&xsave, xsave.allowed);
	caps->vp_count = partition->vp_count;
	caps->tsc_hz = timestamp_hz;
	leaf_get(partition, CPUID_EXTENDED_FEATURES, r);
	if (r[3] & CPUID_RDTSCP)
		caps->flags |= CAP_TSC_AUX;
}

status_t arch_partition_set_spi(struct partition *partition, uint32_t vtl, uint32_t intid,
				bool high)
{
	(void)partition;
	(void)vtl;
	(void)intid;
	(void)high;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_gic_access(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, bool write,
			    uint64_t *value)
{
	(void)vp;
	(void)vtl;
	(void)gpa;
	(void)size;
	(void)write;
	(void)value;
	return STATUS_NOT_SUPPORTED;
}

status_t arch_vp_set_lint(struct vp *vp, uint32_t vtl, unsigned int lint, bool high)
{
	guest_lapic_set_lint(vp, vtl, lint, high);
	return STATUS_OK;
}

status_t arch_vp_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int lint)
{
	guest_lapic_pulse_lint(vp, vtl, lint);
	return STATUS_OK;
}

status_t arch_vp_apic_access(struct vp *vp, uint32_t vtl, uint32_t offset, bool write,
			     uint32_t *value)
{
	uint32_t vector;

	if (!write)
		return guest_lapic_read(vp, vtl, offset, value) ? STATUS_OK : STATUS_NOT_FOUND;
	if (!guest_lapic_write(vp, vtl, offset, *value))
		return STATUS_NOT_FOUND;
	*value = 0;
	if (guest_lapic_eoi_take(vp, vtl, &vector))
		*value = APIC_ACCESS_EOI | vector;
	return STATUS_OK;
}

void arch_vp_bind(struct vp *vp)
{
	guest_lapic_timer_update(vp);
	stimer_update(vp);
}

void arch_vp_unbind(struct vp *vp)
{
	guest_lapic_timer_cancel(vp);
	stimer_cancel(vp);
	fpu_release(&vp->arch.fpu);
	backend->unbind(vp);
}

/* SPDX-License-Identifier: MIT */
/* What the system calls ask of an x86 partition: MSIs, local interrupts, APIC accesses, caps. */
#include "apic_bus.h"
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/string.h>

#define CPUID_VENDOR   0u
#define CPUID_FEATURES 1u

void arch_proto_cpuid(const struct partition *partition, uint32_t eax, uint32_t ecx,
		      uint32_t out[4])
{
	guest_cpuid_default(&partition->config, eax, ecx, out);
}

status_t arch_request_msi(struct partition *partition, uint32_t vtl, uint64_t address,
			  uint32_t data, bool *merged)
{
	return apic_bus_msi(partition, vtl, address, data, merged);
}

void arch_partition_caps(const struct partition *partition, struct partition_caps *caps)
{
	uint32_t r[4];

	guest_cpuid_built(partition, CPUID_VENDOR, r);
	memcpy(&caps->vendor[0], &r[1], sizeof(r[1]));
	memcpy(&caps->vendor[4], &r[3], sizeof(r[3]));
	memcpy(&caps->vendor[8], &r[2], sizeof(r[2]));
	guest_cpuid_built(partition, CPUID_FEATURES, r);
	caps->reset_rdx = r[0];
	caps->physical_address_bits = partition->arch.physical_bits;
	caps->apic_mode = partition->config.apic_mode;
	caps->xsave_features = partition->arch.xcr0_allowed;
	caps->xsave_size_standard = guest_xsave_size(partition, caps->xsave_features);
	caps->xsave_size_compact = guest_xsave_size_compact(partition, caps->xsave_features);
	caps->vp_count = partition->vp_count;
	caps->tsc_hz = timestamp_hz;
	if (guest_cpuid_has(partition, 0x80000001, 3, 27))
		caps->flags |= CAP_TSC_AUX;
}

void arch_vp_set_lint(struct vp *vp, uint32_t vtl, unsigned int lint, bool high)
{
	guest_lapic_set_lint(vp, vtl, lint, high);
}

void arch_vp_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int lint)
{
	guest_lapic_pulse_lint(vp, vtl, lint);
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
}

void arch_vp_unbind(struct vp *vp)
{
	guest_lapic_timer_cancel(vp);
	fpu_release(&vp->arch.fpu);
	backend->unbind(vp);
}

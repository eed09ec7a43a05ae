/* SPDX-License-Identifier: MIT */
/*
 * What the system calls ask of the guest half of the architecture, beside what
 * <kernel/processor.h> lists. Arguments are checked by the caller where a line doesn't say
 * otherwise.
 */
#ifndef KERNEL_PARTITION_ARCH_H
#define KERNEL_PARTITION_ARCH_H

#include <kernel/processor.h>
#include <trivet/hv/synic.h>

/* The fields that are an architecture's have values that they can have; those of others, and reserved ones,
 * are 0. */
bool arch_config_valid(const struct proto_partition_config *config);
/* Whether the machine, and the kernel on it, can isolate a partition so: OK, NO_VBS, NO_SNP, NO_TDX, or
 * NOT_SUPPORTED: the processor could, the kernel can't. A type of enum isolation_type. */
status_t arch_isolation_check(uint32_t type);
/* The calls that ask an architecture for what only another one has answer NOT_SUPPORTED: CPUID, local
 * interrupt inputs and APIC are x86's, SPIs arm's. */

/* The CPUID answer that VP 0 would get by default. */
status_t arch_proto_cpuid(const struct partition *partition, uint32_t eax, uint32_t ecx,
			  uint32_t out[4]);
/* An architectural MSI. INVALID_ADDRESS, INVALID_ARGUMENT, NOT_SUPPORTED (SMI). Any CPU. *merged: one
 * like it was still pending at a target. */
status_t arch_request_msi(struct partition *partition, uint32_t vtl, uint64_t address,
			  uint32_t data, bool *merged);
/* Fills in what the architecture knows; the structure is zeroed. Before the partition is built: what it
 * has without leaves of the VMM's. */
void arch_partition_caps(const struct partition *partition, struct partition_caps *caps);
/* The level of a shared peripheral interrupt, by its INTID. Any CPU. INVALID_ARGUMENT: there is none. */
status_t arch_partition_set_spi(struct partition *partition, uint32_t vtl, uint32_t intid,
				bool high);
/* The level of a local interrupt input, 0 or 1. Any CPU. */
status_t arch_vp_set_lint(struct vp *vp, uint32_t vtl, unsigned int lint, bool high);
/* The input rises and falls. */
status_t arch_vp_pulse_lint(struct vp *vp, uint32_t vtl, unsigned int lint);
/* An access to the xAPIC page, 32 bits. NOT_FOUND: the APIC is not there. VP stopped, own CPU.
 * A write may leave an EOI for the VMM in the run page: the value is then 1. */
status_t arch_vp_apic_access(struct vp *vp, uint32_t vtl, uint32_t offset, bool write,
			     uint32_t *value);
/* An access to the frames of an Arm GIC, of 1, 2, 4 or 8 bytes. NOT_FOUND: none is there. NOT_SUPPORTED: on x86. VP
 * stopped, own CPU. */
status_t arch_vp_gic_access(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, bool write,
			    uint64_t *value);
/* Registers by name, all or nothing. INVALID_REGISTER, INVALID_REGISTER_VALUE. */
status_t arch_vp_get_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count);
status_t arch_vp_set_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count);
/* The exit with which the VP came to its VMM, as an intercept message of the Hyper-V interface. NOT_FOUND: it is
 * none. VP stopped, own CPU. */
status_t arch_vp_intercept(struct vp *vp, struct hv_message *message) __must_check;
/* The architecture's part of the structure, of the active VTL. As vp_call() calls it. */
void arch_vp_inspect(struct vp *vp, struct inspect_vp *view);
/* What a debugger asks for; a state that asks for nothing ends it. INVALID_ARGUMENT, MISALIGNED. VP
 * stopped, own CPU. */
status_t arch_vp_set_debug_state(struct vp *vp, uint32_t vtl, const struct vp_debug_state *state);
/* The VP belongs to this CPU from now on: its timers run here. */
void arch_vp_bind(struct vp *vp);
/* The VP leaves this CPU for good: no timer, no register state of it may stay here. */
void arch_vp_unbind(struct vp *vp);

#endif

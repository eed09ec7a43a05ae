/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers of a guest (SDM volume 4; APM volume 2, appendix A). The table below
 * is the whole surface, sorted by number; what is not in it answers #GP.
 *
 * Deliberately: microcode and machine-check MSRs read as a processor without banks and with a
 * current microcode. Performance counters of AMD's oldest kind, which have no CPUID bit, read 0
 * and take writes; Intel's do so only in a partition with PARTITION_LENIENT_PMU. The MSRs that
 * control speculation exist where CPUID shows them; AMD's VIRT_SPEC_CTRL nowhere.
 */
#include "msr.h"
#include "cpuid.h"
#include "cpuid_policy.h"
#include "hv_msr.h"
#include <kernel/hv_registers.h>
#include <trivet/hv/features.h>
#include "lapic.h"
#include "mtrr.h"
#include "tsc.h"

#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/arch.h>
#include <kernel/backend.h>
#include <kernel/console.h>

struct msr_row {
	uint32_t first, last;
	bool (*read)(struct vp *vp, const struct msr_row *row, uint32_t msr, uint64_t *value);
	bool (*write)(struct vp *vp, const struct msr_row *row, uint32_t msr, uint64_t value);
	uint64_t value; /* of a constant; the allowed bits of a write */
	uint16_t group; /* enum guest_state_group and the place in struct guest_state */
	uint16_t place;
	uint8_t feature; /* enum msr_feature */
};

/* What must be so for the row to exist. */
enum msr_feature {
	EVERYWHERE,
	ON_INTEL,
	ON_AMD,
	WITH_LENIENT_PMU,
	WITH_RDTSCP,
	WITH_XSAVES,
	WITH_SPEC_CTRL,
	WITH_IBPB,
	WITH_L1D_FLUSH,
	WITH_CAPABILITIES,
	WITH_HYPERV,
};

typedef struct msr_row row_t;

/* ---- constants ---- */

static bool read_constant(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)msr;
	*value = row->value;
	return true;
}

static bool write_ignore(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)vp;
	(void)row;
	(void)msr;
	(void)value;
	return true;
}

/* A register of which nothing can be changed takes its own value. */
static bool write_same(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)vp;
	(void)msr;
	return value == row->value;
}

/* ---- registers that the backend keeps ---- */

static uint64_t *state_place(struct guest_state *state, const row_t *row)
{
	return (uint64_t *)((uint8_t *)state + row->place);
}

static bool read_state(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	struct guest_state state;

	(void)msr;
	backend->arch.state_get(vp, vp->active_vtl, row->group, &state);
	*value = *state_place(&state, row);
	return true;
}

static bool write_state(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	struct guest_state state;

	(void)msr;
	backend->arch.state_get(vp, vp->active_vtl, row->group, &state);
	*state_place(&state, row) = value;
	backend->arch.state_set(vp, vp->active_vtl, row->group, &state);
	return true;
}

/* Registers that hold a linear address. */
static bool write_address(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	return guest_address_is_canonical(value) && write_state(vp, row, msr, value);
}

/* Registers of 32 bits. */
static bool write_low(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	return write_state(vp, row, msr, (uint32_t)value);
}

static bool write_pat(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	return pat_valid(value) && write_state(vp, row, msr, value);
}

#define CR0_PG BIT(31)

static bool read_efer(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	struct guest_state state;

	(void)row;
	(void)msr;
	backend->arch.state_get(vp, vp->active_vtl, STATE_CONTROL, &state);
	*value = state.efer;
	return true;
}

/* SDM, "IA32_EFER": LMA is the processor's; LME cannot change while paging is on. */
static bool write_efer(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	struct guest_state state;
	uint64_t before;

	(void)row;
	(void)msr;
	if (value & ~(vp->partition->arch.efer_allowed | EFER_LMA))
		return false;
	backend->arch.state_get(vp, vp->active_vtl, STATE_CONTROL, &state);
	before = state.efer;
	if (((before ^ value) & EFER_LME) && (state.cr0 & CR0_PG))
		return false;
	state.efer = (value & ~EFER_LMA) | (before & EFER_LMA);
	backend->arch.state_set(vp, vp->active_vtl, STATE_CONTROL, &state);
	return true;
}

/* ---- time ---- */

static bool read_tsc(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = guest_tsc_read(vp);
	return true;
}

static bool write_tsc(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	guest_tsc_write(vp, value, timestamp_read());
	return true;
}

/* SDM, "IA32_TSC_ADJUST Register Support": the sum of all that software added. */
static bool read_tsc_adjust(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = guest_tsc_adjust_get(vp);
	return true;
}

static bool write_tsc_adjust(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	guest_tsc_adjust_set(vp, value);
	return true;
}

static bool read_tsc_deadline(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = lapic_tsc_deadline_get(vp_lapic(vp, vp->active_vtl), timestamp_read());
	return !vp->partition->arch.user_apic;
}

static bool write_tsc_deadline(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	guest_lapic_tsc_deadline_write(vp, value);
	return true;
}

static bool read_tsc_aux(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = vp->arch.tsc_aux;
	return true;
}

static bool write_tsc_aux(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	if (value > UINT32_MAX)
		return false;
	vp->arch.tsc_aux = value;
	/* RDTSCP reads the processor's, which arch_vp_load() has written before. */
	if (vp->partition->arch.instructions & INSTRUCTION_RDTSCP)
		msr_write(msr, value);
	return true;
}

static bool read_xss(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = vp->arch.xss;
	return true;
}

static bool write_xss(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	if (value & ~vp->partition->arch.xss_allowed)
		return false;
	vp->arch.xss = value;
	return true;
}

/* ---- the APIC, MTRRs ---- */

static bool read_apic_base(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = lapic_base_get(vp_lapic(vp, vp->active_vtl));
	return !vp->partition->arch.user_apic;
}

static bool write_apic_base(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	return !vp->partition->arch.user_apic && guest_lapic_base_write(vp, value);
}

static bool read_x2apic(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	return guest_lapic_msr_read(vp, msr, value);
}

static bool write_x2apic(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	return guest_lapic_msr_write(vp, msr, value);
}

static bool read_mtrr(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	return guest_mtrr_read(&vp->arch.mtrr, msr, value);
}

static bool write_mtrr(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	return guest_mtrr_write(&vp->arch.mtrr, vp->partition->physical_bits, msr, value);
}

static bool read_synthetic(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	return guest_hv_msr_read(vp, msr, value);
}

static bool write_synthetic(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	return guest_hv_msr_write(vp, msr, value);
}

/* ---- speculation ---- */

static bool read_spec_ctrl(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = vp->arch.spec_ctrl;
	return true;
}

/* The processor's is written at the next entry. */
static bool write_spec_ctrl(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)row;
	(void)msr;
	if (value & ~(vp->partition->arch.speculation_allowed & GUEST_SPEC_CTRL))
		return false;
	vp->arch.spec_ctrl = value;
	vp->arch.spec_ctrl_entered = value | speculation.guest_control;
	return true;
}

/* A command that concerns this CPU: it is given to it, with the bits that there are (row->value).
 * SBPB, which drops less, is carried out as IBPB. */
static bool write_command(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	uint64_t allowed = row->value;

	if (msr == MSR_PRED_CMD && (vp->partition->arch.speculation_allowed & GUEST_SBPB))
		allowed |= PRED_CMD_SBPB;
	if (value & ~allowed)
		return false;
	if (value)
		msr_write(msr, row->value);
	return true;
}

/* What the processor is not affected by, and what VERW does. Nothing that comes with an MSR. */
#define CAPABILITIES_SHOWN                                                                    \
	(MASK(7) | BIT(8) | MASK(3) << 13 | BIT(17) | BIT(19) | BIT(20) | BIT(24) | BIT(26) | \
	 BIT(27) | BIT(28) | BIT(62))

static bool read_capabilities(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)row;
	(void)msr;
	*value = speculation.capabilities & CAPABILITIES_SHOWN;
	return true;
}

/* ---- AMD ---- */

#define DE_CFG_LFENCE BIT(1)

/* LFENCE serialises where CPUID says so; whether it could be made so is not the guest's. */
static bool read_de_cfg(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)row;
	(void)msr;
	*value = guest_cpuid_has(vp->partition, 0x80000021, CPUID_EAX, 2) ? DE_CFG_LFENCE : 0;
	return true;
}

#define HWCR_TSC_FREQUENCY BIT(24) /* the TSC runs at the rate of the highest P-state */

static bool read_hwcr(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)row;
	(void)msr;
	*value = HWCR_TSC_FREQUENCY;
	return true;
}

/* Bits that a guest may write but that have no effect (row->value). */
static bool write_bits(struct vp *vp, const row_t *row, uint32_t msr, uint64_t value)
{
	(void)vp;
	(void)msr;
	return !(value & ~row->value);
}

static bool read_zero(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)row;
	(void)msr;
	*value = 0;
	return true;
}

/* Fast strings; branch trace and PEBS not available. */
#define MISC_ENABLE (BIT(0) | BIT(11) | BIT(12))

static bool read_misc_enable(struct vp *vp, const row_t *row, uint32_t msr, uint64_t *value)
{
	(void)vp;
	(void)row;
	(void)msr;
	*value = MISC_ENABLE;
	return true;
}

/* ---- the table ---- */

#define STATE(group_bit, member) .group = (group_bit), .place = offsetof(struct guest_state, member)
#define ONE(n)			 .first = (n), .last = (n)

/* Writable without effect: fast strings, thermal control, SpeedStep, MONITOR, CPUID limit, XD. */
#define MISC_ENABLE_IGNORED (BIT(0) | BIT(3) | BIT(11) | BIT(12) | BIT(16) | BIT(18) | BIT(22))
#define VM_CR_OFF	    (BIT(4) | BIT(3)) /* SVMDIS, LOCK */
#define HWCR_IGNORED	    (BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(18) | BIT(24))
#define SYSCFG_IGNORED	    (BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(22))
/* A revision that no guest will try to better. */
#define MICROCODE_INTEL	    ((uint64_t)UINT32_MAX << 32)
#define MICROCODE_AMD	    0x01000065u

static const row_t rows[] = {
	/* P5 machine check */
	{.first = 0x0, .last = 0x1, .read = read_zero, .write = write_ignore},
	{ONE(0x10), .read = read_tsc, .write = write_tsc},
	/* PLATFORM_ID */
	{ONE(0x17), .read = read_zero, .feature = ON_INTEL},
	{ONE(MSR_APIC_BASE), .read = read_apic_base, .write = write_apic_base},
	/* EBL_CR_POWERON */
	{ONE(0x2a), .read = read_zero, .write = write_same, .feature = ON_INTEL},
	/* FEATURE_CONTROL: locked, no VMX */
	{ONE(0x3a), .read = read_constant, .value = BIT(0), .feature = ON_INTEL},
	{ONE(0x3b), .read = read_tsc_adjust, .write = write_tsc_adjust},
	{ONE(MSR_SPEC_CTRL), .read = read_spec_ctrl, .write = write_spec_ctrl,
	 .feature = WITH_SPEC_CTRL},
	{ONE(MSR_PRED_CMD), .write = write_command, .value = PRED_CMD_IBPB, .feature = WITH_IBPB},
	/* BIOS_UPDT_TRIG, BIOS_SIGN_ID */
	{ONE(0x79), .write = write_ignore},
	{ONE(0x8b), .read = read_constant, .write = write_ignore, .value = MICROCODE_INTEL,
	 .feature = ON_INTEL},
	{ONE(0x8b), .read = read_constant, .value = MICROCODE_AMD, .feature = ON_AMD},
	/* PMC0-7 */
	{.first = 0xc1,
	 .last = 0xc8,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = WITH_LENIENT_PMU},
	/* PLATFORM_INFO; no ratio, no CPUID faulting */
	{ONE(0xce), .read = read_zero, .feature = ON_INTEL},
	{ONE(0xfe), .read = read_mtrr},
	{ONE(MSR_ARCH_CAPABILITIES), .read = read_capabilities, .feature = WITH_CAPABILITIES},
	{ONE(MSR_FLUSH_CMD), .write = write_command, .value = FLUSH_CMD_L1D,
	 .feature = WITH_L1D_FLUSH},
	/* BBL_CR_CTL3 */
	{ONE(0x11e), .read = read_constant, .value = 0xbe702111, .feature = ON_INTEL},
	{ONE(0x174), .read = read_state, .write = write_low, STATE(STATE_SYSCALL, sysenter_cs)},
	{ONE(0x175), .read = read_state, .write = write_address,
	 STATE(STATE_SYSCALL, sysenter_esp)},
	{ONE(0x176), .read = read_state, .write = write_address,
	 STATE(STATE_SYSCALL, sysenter_eip)},
	/* MCG_CAP: no bank; MCG_STATUS */
	{ONE(0x179), .read = read_zero},
	{ONE(0x17a), .read = read_zero, .write = write_same},
	/* PERFEVTSEL0-7 */
	{.first = 0x186,
	 .last = 0x18d,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = WITH_LENIENT_PMU},
	/* PERF_STATUS, PERF_CTL */
	{.first = 0x198, .last = 0x199, .read = read_zero, .write = write_same},
	{ONE(0x1a0), .read = read_misc_enable, .write = write_bits, .value = MISC_ENABLE_IGNORED,
	 .feature = ON_INTEL},
	/* DEBUGCTL: no branch records */
	{ONE(0x1d9), .read = read_zero, .write = write_same},
	/* LASTBRANCHFROMIP ... LASTINTTOIP */
	{.first = 0x1db, .last = 0x1de, .read = read_zero},
	{.first = 0x200, .last = 0x20f, .read = read_mtrr, .write = write_mtrr},
	{ONE(0x250), .read = read_mtrr, .write = write_mtrr},
	{.first = 0x258, .last = 0x259, .read = read_mtrr, .write = write_mtrr},
	{.first = 0x268, .last = 0x26f, .read = read_mtrr, .write = write_mtrr},
	{ONE(MSR_PAT), .read = read_state, .write = write_pat, STATE(STATE_PAT, pat)},
	{ONE(0x2ff), .read = read_mtrr, .write = write_mtrr},
	/* FIXED_CTR0-2, PERF_CAPABILITIES, FIXED_CTR_CTRL ... GLOBAL_STATUS_SET, PEBS_ENABLE */
	{.first = 0x309,
	 .last = 0x30b,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = WITH_LENIENT_PMU},
	{ONE(0x345), .read = read_zero, .feature = WITH_LENIENT_PMU},
	{.first = 0x38d,
	 .last = 0x391,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = WITH_LENIENT_PMU},
	{ONE(0x3f1), .read = read_zero, .write = write_ignore, .feature = WITH_LENIENT_PMU},
	/* full-width PMC0-7 */
	{.first = 0x4c1,
	 .last = 0x4c8,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = WITH_LENIENT_PMU},
	/* RAPL_POWER_UNIT */
	{ONE(0x606), .read = read_zero, .feature = ON_INTEL},
	{ONE(MSR_TSC_DEADLINE), .read = read_tsc_deadline, .write = write_tsc_deadline},
	{.first = X2APIC_MSR_BASE,
	 .last = X2APIC_MSR_END - 1,
	 .read = read_x2apic,
	 .write = write_x2apic},
	{ONE(0xda0), .read = read_xss, .write = write_xss, .feature = WITH_XSAVES},
	{.first = HV_MSR_FIRST,
	 .last = HV_MSR_LAST,
	 .read = read_synthetic,
	 .write = write_synthetic,
	 .feature = WITH_HYPERV},
	{ONE(MSR_EFER), .read = read_efer, .write = write_efer},
	{ONE(MSR_STAR), .read = read_state, .write = write_state, STATE(STATE_SYSCALL, star)},
	{ONE(MSR_LSTAR), .read = read_state, .write = write_address, STATE(STATE_SYSCALL, lstar)},
	{ONE(MSR_CSTAR), .read = read_state, .write = write_address, STATE(STATE_SYSCALL, cstar)},
	{ONE(MSR_SFMASK), .read = read_state, .write = write_low, STATE(STATE_SYSCALL, sfmask)},
	{ONE(MSR_FS_BASE), .read = read_state, .write = write_address,
	 STATE(STATE_SEGMENTS, segment[SEGMENT_FS].base)},
	{ONE(MSR_GS_BASE), .read = read_state, .write = write_address,
	 STATE(STATE_SEGMENTS, segment[SEGMENT_GS].base)},
	{ONE(MSR_KERNEL_GS_BASE), .read = read_state, .write = write_address,
	 STATE(STATE_SYSCALL, kernel_gs_base)},
	{ONE(0xc0000103), .read = read_tsc_aux, .write = write_tsc_aux, .feature = WITH_RDTSCP},
	/* K7 PERFEVTSEL0-3, PERFCTR0-3 */
	{.first = 0xc0010000,
	 .last = 0xc0010007,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = ON_AMD},
	{ONE(0xc0010010), .read = read_zero, .write = write_bits, .value = SYSCFG_IGNORED,
	 .feature = ON_AMD},
	{ONE(0xc0010015), .read = read_hwcr, .write = write_bits, .value = HWCR_IGNORED,
	 .feature = ON_AMD},
	/* TOP_MEM, TOP_MEM2: not told */
	{ONE(0xc001001a), .read = read_zero, .feature = ON_AMD},
	{ONE(0xc001001d), .read = read_zero, .feature = ON_AMD},
	/* NB_CFG, PATCH_LOADER, INT_PENDING_MSG, MMIO_CONF_BASE */
	{ONE(0xc001001f), .read = read_zero, .write = write_ignore, .feature = ON_AMD},
	{ONE(0xc0010020), .write = write_ignore, .feature = ON_AMD},
	{ONE(0xc0010055), .read = read_zero, .write = write_same, .feature = ON_AMD},
	{ONE(0xc0010058), .read = read_zero, .write = write_same, .feature = ON_AMD},
	/* P-state limit, control, status: one state */
	{.first = 0xc0010061,
	 .last = 0xc0010063,
	 .read = read_zero,
	 .write = write_same,
	 .feature = ON_AMD},
	/* TSEG base and mask: no SMM */
	{.first = 0xc0010112, .last = 0xc0010113, .read = read_zero, .feature = ON_AMD},
	{ONE(0xc0010114), .read = read_constant, .write = write_same, .value = VM_CR_OFF,
	 .feature = ON_AMD},
	/* LS_CFG, IC_CFG, DC_CFG, BU_CFG, DE_CFG, BU_CFG2: chicken bits of errata */
	{.first = 0xc0011020,
	 .last = 0xc0011023,
	 .read = read_zero,
	 .write = write_ignore,
	 .feature = ON_AMD},
	{ONE(0xc0011029), .read = read_de_cfg, .write = write_ignore, .feature = ON_AMD},
	{ONE(0xc001102a), .read = read_zero, .write = write_ignore, .feature = ON_AMD},
	{ONE(0xc001102c), .read = read_zero, .write = write_ignore, .feature = ON_AMD},
};

static bool row_exists(const struct vp *vp, const row_t *row)
{
	const struct partition *partition = vp->partition;

	switch ((enum msr_feature)row->feature) {
	case ON_INTEL: return !guest_cpuid_is_amd(partition);
	case ON_AMD: return guest_cpuid_is_amd(partition);
	case WITH_LENIENT_PMU: return partition->arch.lenient_pmu;
	case WITH_RDTSCP:
		return guest_cpuid_has(partition, 0x80000001, CPUID_EDX, 27) ||
		       guest_cpuid_has(partition, 7, CPUID_ECX, 22);
	case WITH_XSAVES: return partition->arch.xss_allowed || partition->arch.xcr0_allowed;
	case WITH_SPEC_CTRL: return partition->arch.speculation_allowed & GUEST_SPEC_CTRL;
	case WITH_IBPB: return partition->arch.speculation_allowed & GUEST_IBPB;
	case WITH_L1D_FLUSH: return partition->arch.speculation_allowed & GUEST_L1D_FLUSH;
	case WITH_HYPERV: return partition->hv;
	case WITH_CAPABILITIES: return partition->arch.speculation_allowed & GUEST_CAPABILITIES;
	default: return true;
	}
}

/* Two rows may share a number, for the two vendors. */
static const row_t *row_find(const struct vp *vp, uint32_t msr)
{
	size_t from = 0, to = ARRAY_SIZE(rows);

	while (from < to) { /* ends: the interval shrinks */
		size_t middle = (from + to) / 2;

		if (rows[middle].last < msr)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < ARRAY_SIZE(rows) && rows[from].first <= msr; from++)
		if (row_exists(vp, &rows[from]))
			return &rows[from];
	return NULL;
}

/* A guest may ask for ever: only powers of two of such accesses are logged. */
static void refused(const struct vp *vp, const char *what, uint32_t msr)
{
	static _Atomic uint32_t count;
	uint32_t n;

	if (vp->partition->arch.user_apic && guest_msr_is_apic(msr))
		return; /* the VMM's */
	if (vp->arch.outside)
		return; /* written later */
	n = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;
	if ((n & (n - 1)) == 0)
		log_debug("vp %u: %s of MSR %#x refused (%u so far)", vp->index, what, msr, n);
}

bool guest_msr_is_apic(uint32_t msr)
{
	return msr == MSR_APIC_BASE || msr == MSR_TSC_DEADLINE ||
	       msr - X2APIC_MSR_BASE < X2APIC_MSR_END - X2APIC_MSR_BASE;
}

bool guest_msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	const row_t *row;

	if (msr - X2APIC_MSR_BASE < X2APIC_MSR_END - X2APIC_MSR_BASE)
		return guest_lapic_msr_read(vp, msr, value);
	row = row_find(vp, msr);
	if (row && row->read && row->read(vp, row, msr, value))
		return true;
	refused(vp, "read", msr);
	return false;
}

static __attribute__((noinline)) bool deadline_write(struct vp *vp, uint64_t value)
{
	guest_lapic_tsc_deadline_write(vp, value);
	return !vp->partition->arch.user_apic;
}

static __attribute__((noinline)) bool synthetic_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	if (guest_hv_msr_write(vp, msr, value))
		return true;
	refused(vp, "write", msr);
	return false;
}

static __attribute__((noinline)) bool row_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	const row_t *row = row_find(vp, msr);

	vp_active(vp)->arch.work |= WORK_ENTRY;
	if (row && row->write && row->write(vp, row, msr, value))
		return true;
	refused(vp, "write", msr);
	return false;
}

/* What a running guest writes all the time does without a search, and without a stack here. */
bool guest_msr_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	const struct hv_partition *hv = vp->partition->hv;

	if (msr - X2APIC_MSR_BASE < X2APIC_MSR_END - X2APIC_MSR_BASE)
		return guest_lapic_msr_write(vp, msr, value);
	if (msr == MSR_TSC_DEADLINE)
		return deadline_write(vp, value);
	if (msr - HV_MSR_STIMER0_CONFIG <= HV_MSR_STIMER3_COUNT - HV_MSR_STIMER0_CONFIG && hv &&
	    (hv->privileges & HV_PRIVILEGE_SYNTHETIC_TIMERS))
		return hv_stimer_write(vp, vp->active_vtl, msr - HV_MSR_STIMER0_CONFIG, value);
	if (msr - HV_MSR_FIRST <= HV_MSR_LAST - HV_MSR_FIRST && hv)
		return synthetic_write(vp, msr, value);
	return row_write(vp, msr, value);
}

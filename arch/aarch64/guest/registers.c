/* SPDX-License-Identifier: MIT */
/*
 * Registers by their names in the Hyper-V interface: where each stands while the VP is loaded on no CPU. All or
 * nothing: names and values are checked before the first is set.
 */
#include "guest.h"
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <trivet/hv/arm64_registers.h>

#define PSTATE_SP BIT(0)
#define PSTATE_KNOWN                                                                      \
	(PSTATE_MODE | PSTATE_DAIF | PSTATE_BTYPE | PSTATE_SSBS | PSTATE_IL | PSTATE_SS | \
	 PSTATE_PAN | PSTATE_UAO | PSTATE_DIT | PSTATE_TCO | PSTATE_NZCV)
/* AArch32: T, E, IT, GE, Q as well. */
#define PSTATE_KNOWN_32 UINT32_MAX
#define MODE_USER_32	0x10ull

bool guest_pstate_valid(const struct partition *partition, uint64_t pstate)
{
	uint64_t mode = pstate & PSTATE_MODE;
	bool has_32 = ID_FIELD(partition->arch.ids[ID_AA64PFR0], PFR0_EL0_SHIFT) > 1;

	if (pstate & PSTATE_32)
		return has_32 && mode == MODE_USER_32 && !(pstate & ~(uint64_t)PSTATE_KNOWN_32);
	return (mode == PSTATE_EL0 || mode == PSTATE_EL1T || mode == PSTATE_EL1H) &&
	       !(pstate & ~PSTATE_KNOWN);
}

#define SYSTEM(name, field)                                                       \
	{                                                                         \
		HV_ARM64_REGISTER_##name, offsetof(struct vp_state_system, field) \
	}

static const struct {
	uint32_t name;
	uint32_t offset;
} system_registers[] = {
	SYSTEM(SCTLR_EL1, sctlr_el1),	  SYSTEM(ACTLR_EL1, actlr_el1),
	SYSTEM(CPACR_EL1, cpacr_el1),	  SYSTEM(TTBR0_EL1, ttbr0_el1),
	SYSTEM(TTBR1_EL1, ttbr1_el1),	  SYSTEM(TCR_EL1, tcr_el1),
	SYSTEM(ESR_EL1, esr_el1),	  SYSTEM(FAR_EL1, far_el1),
	SYSTEM(PAR_EL1, par_el1),	  SYSTEM(MAIR_EL1, mair_el1),
	SYSTEM(VBAR_EL1, vbar_el1),	  SYSTEM(CONTEXTIDR_EL1, contextidr_el1),
	SYSTEM(TPIDR_EL1, tpidr_el1),	  SYSTEM(TPIDRRO_EL0, tpidrro_el0),
	SYSTEM(TPIDR_EL0, tpidr_el0),	  SYSTEM(SPSR_EL1, spsr_el1),
	SYSTEM(ELR_EL1, elr_el1),	  SYSTEM(CSSELR_EL1, csselr_el1),
	SYSTEM(CNTKCTL_EL1, cntkctl_el1),
};

#define BANK 16u

/* Breakpoints and watchpoints that the guest has; NULL: not this one. */
static uint64_t *debug_place(const struct vp *vp, struct arch_vp_vtl *a, uint32_t name)
{
	uint32_t n = name % BANK, bank = (name - HV_ARM64_REGISTER_DBGBCR0_EL1) / BANK;
	uint64_t dfr0 = vp->partition->arch.ids[ID_AA64DFR0];
	bool watch = bank & 1;

	if (n > ID_FIELD(dfr0, watch ? DFR0_WATCHPOINTS_SHIFT : DFR0_BREAKPOINTS_SHIFT))
		return NULL;
	if (watch)
		return bank < 2 ? &a->debug.watchpoint[n].control : &a->debug.watchpoint[n].value;
	return bank < 2 ? &a->debug.breakpoint[n].control : &a->debug.breakpoint[n].value;
}

/* Of 64 bits that are what they say; NULL: no such one. */
static uint64_t *place_of(struct vp *vp, uint32_t vtl, uint32_t name)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);
	unsigned int i;

	if (name >= HV_ARM64_REGISTER_X0 && name <= HV_ARM64_REGISTER_X30)
		return &vp->arch.x[name - HV_ARM64_REGISTER_X0];
	if (name >= HV_ARM64_REGISTER_DBGBCR0_EL1 &&
	    name < HV_ARM64_REGISTER_DBGBCR0_EL1 + 4 * BANK)
		return debug_place(vp, a, name);
	for (i = 0; i < ARRAY_SIZE(system_registers); i++)
		if (system_registers[i].name == name)
			return (uint64_t *)((char *)&a->system + system_registers[i].offset);
	switch (name) {
	case HV_ARM64_REGISTER_SP:
		return (a->pstate & PSTATE_MODE) == PSTATE_EL1H ? &a->sp_el1 : &a->sp_el0;
	case HV_ARM64_REGISTER_SP_EL0: return &a->sp_el0;
	case HV_ARM64_REGISTER_SP_EL1: return &a->sp_el1;
	case HV_ARM64_REGISTER_PC: return &a->pc;
	case HV_ARM64_REGISTER_PSTATE: return &a->pstate;
	case HV_ARM64_REGISTER_MDSCR_EL1: return &a->debug.mdscr_el1;
	case HV_ARM64_REGISTER_CNTV_CTL_EL0: return &a->virtual_timer.control;
	case HV_ARM64_REGISTER_CNTV_CVAL_EL0: return &a->virtual_timer.compare;
	default: return NULL;
	}
}

static bool is_simd(uint32_t name)
{
	return name >= HV_ARM64_REGISTER_Q0 && name <= HV_ARM64_REGISTER_Q31;
}

/* False: it is none of these. */
static bool constant_get(struct vp *vp, uint32_t name, uint64_t *value)
{
	switch (name) {
	case HV_ARM64_REGISTER_MPIDR_EL1: *value = guest_mpidr(vp->index); return true;
	case HV_ARM64_REGISTER_MIDR_EL1: *value = sysreg_read(midr_el1); return true;
	case HV_ARM64_REGISTER_CNTVCT_EL0: *value = guest_counter(vp); return true;
	default: return false;
	}
}

bool guest_register_is_known(uint32_t name)
{
	return (name >= HV_ARM64_REGISTER_X0 && name <= HV_ARM64_REGISTER_PSTATE) || is_simd(name);
}

status_t arch_vp_get_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count)
{
	uint64_t value, *place;
	uint32_t i;

	el1_save(vp);
	for (i = 0; i < count; i++) {
		memset(&values[i], 0, sizeof(values[i]));
		if (is_simd(names[i])) {
			fpu_release(&vp->arch.fpu);
			memcpy(&values[i], vp->arch.fpu.v[names[i] - HV_ARM64_REGISTER_Q0],
			       sizeof(values[i]));
			continue;
		}
		place = place_of(vp, vtl, names[i]);
		if (place)
			value = *place;
		else if (!constant_get(vp, names[i], &value))
			return STATUS_INVALID_REGISTER;
		values[i].reg64 = value;
	}
	return STATUS_OK;
}

static status_t check(struct vp *vp, uint32_t vtl, uint32_t name,
		      const union hv_register_value *value)
{
	if (is_simd(name))
		return STATUS_OK;
	if (!place_of(vp, vtl, name))
		return STATUS_INVALID_REGISTER;
	if (value->high)
		return STATUS_INVALID_REGISTER_VALUE;
	switch (name) {
	case HV_ARM64_REGISTER_PSTATE:
		return guest_pstate_valid(vp->partition, value->reg64)
			       ? STATUS_OK
			       : STATUS_INVALID_REGISTER_VALUE;
	case HV_ARM64_REGISTER_ACTLR_EL1:
		return value->reg64 ? STATUS_INVALID_REGISTER_VALUE : STATUS_OK;
	case HV_ARM64_REGISTER_CNTV_CTL_EL0:
		return value->reg64 & ~(TIMER_ENABLE | TIMER_MASK) ? STATUS_INVALID_REGISTER_VALUE
								   : STATUS_OK;
	default: return STATUS_OK;
	}
}

/* What hangs together with it. */
static void changed(struct vp *vp, uint32_t vtl, uint32_t name)
{
	switch (name) {
	case HV_ARM64_REGISTER_SCTLR_EL1: guest_caches_changed(vp, vtl); break;
	case HV_ARM64_REGISTER_CNTV_CTL_EL0:
	case HV_ARM64_REGISTER_CNTV_CVAL_EL0: guest_timers_changed(vp, vtl); break;
	default: break;
	}
}

status_t arch_vp_set_registers(struct vp *vp, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count)
{
	status_t status = STATUS_OK;
	uint32_t i;

	for (i = 0; i < count && status == STATUS_OK; i++)
		status = check(vp, vtl, names[i], &values[i]);
	if (status != STATUS_OK)
		return status;
	el1_release(vp);
	for (i = 0; i < count; i++) {
		if (is_simd(names[i])) {
			fpu_release(&vp->arch.fpu);
			memcpy(vp->arch.fpu.v[names[i] - HV_ARM64_REGISTER_Q0], &values[i],
			       sizeof(values[i]));
			continue;
		}
		*place_of(vp, vtl, names[i]) = values[i].reg64;
		changed(vp, vtl, names[i]);
	}
	return STATUS_OK;
}

void arch_vp_inspect(struct vp *vp, struct inspect_vp *view)
{
	const struct arch_vp_vtl *a = vp_arch(vp);

	view->activity = a->activity;
	view->work = a->work;
	view->pc = a->pc;
	view->pstate = a->pstate;
	view->virtual_control = a->virtual_timer.control;
	view->virtual_compare = a->virtual_timer.compare;
	view->physical_control = a->physical_timer.control;
	view->physical_compare = a->physical_timer.compare;
}

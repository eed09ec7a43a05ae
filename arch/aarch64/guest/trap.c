/* SPDX-License-Identifier: MIT */
/*
 * System registers that trap: one table, the most common first. What is not in it is undefined, as on a processor
 * that does not have it; feature registers (HCR_EL2.TID3) are a table of values, ids.c.
 */
#include "guest.h"
#include "vgic_hw.h"
#include <kernel/string.h>

struct trap {
	uint32_t key; /* SYSTEM_KEY */
	uint32_t argument;
	/* False: the access is undefined. NULL: so too. */
	bool (*read)(struct vp *vp, const struct trap *trap, uint64_t *value);
	bool (*write)(struct vp *vp, const struct trap *trap, uint64_t value);
};

/* ---- the GIC ---- */

static bool sgi_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	vgic_sgi_write(&vp_arch(vp)->gic, (enum vgic_sgi_register)trap->argument, value);
	return true;
}

/* List registers are taken back for these, and have to be filled anew. */
static bool icc_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	vp_arch(vp)->work |= WORK_ENTRY;
	return vgic_icc_access(&vp_arch(vp)->gic, (enum vgic_icc)trap->argument, false, value);
}

static bool icc_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	vp_arch(vp)->work |= WORK_ENTRY;
	return vgic_icc_access(&vp_arch(vp)->gic, (enum vgic_icc)trap->argument, true, &value);
}

/* ---- timers ---- */

static bool physical_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	*value = guest_physical_read(vp, trap->argument);
	return true;
}

static bool physical_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	guest_physical_write(vp, trap->argument, value);
	return true;
}

static bool counter_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	(void)trap;
	*value = guest_counter(vp);
	return true;
}

/* ---- translation, while the guest's caches are off (HCR_EL2.TVM) ---- */

#define EL1_WRITE(name)                                                                  \
	static bool name##_write(struct vp *vp, const struct trap *trap, uint64_t value) \
	{                                                                                \
		(void)vp;                                                                \
		(void)trap;                                                              \
		sysreg_write(name, value);                                               \
		return true;                                                             \
	}
EL1_WRITE(ttbr0_el1)
EL1_WRITE(ttbr1_el1)
EL1_WRITE(tcr_el1)
EL1_WRITE(afsr0_el1)
EL1_WRITE(afsr1_el1)
EL1_WRITE(esr_el1)
EL1_WRITE(far_el1)
EL1_WRITE(mair_el1)
EL1_WRITE(amair_el1)
EL1_WRITE(contextidr_el1)

static bool sctlr_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	(void)trap;
	guest_caches_written(vp, value);
	return true;
}

static bool set_way(struct vp *vp, const struct trap *trap, uint64_t value)
{
	(void)trap;
	(void)value;
	guest_caches_set_way(vp);
	return true;
}

/* ---- what is there, and does nothing ---- */

static bool constant_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	(void)vp;
	*value = trap->argument;
	return true;
}

static bool write_ignored(struct vp *vp, const struct trap *trap, uint64_t value)
{
	(void)vp;
	(void)trap;
	(void)value;
	return true;
}

/* ---- debug registers: MDCR_EL2.TDA, debug.c ---- */

#define OSLSR_IMPLEMENTED BIT(3) /* OSLM: 0b10 */

static bool mdscr_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	(void)trap;
	*value = vp_arch(vp)->debug.mdscr_el1;
	return true;
}

static bool mdscr_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	(void)trap;
	vp_arch(vp)->debug.mdscr_el1 = value & GUEST_MDSCR_WRITABLE;
	guest_debug_load(vp);
	return true;
}

/* Op2 4 to 7 of CRn 0: DBGBVR, BCR, WVR, WCR; CRm is which. */
static uint64_t *debug_register(struct vp *vp, const struct trap *trap)
{
	struct vp_state_debug *debug = &vp_arch(vp)->debug;
	unsigned int n = SYSTEM_CRM(vp->exit.syndrome);
	bool watch = trap->argument & 2;
	uint64_t dfr0 = vp->partition->arch.ids[ID_AA64DFR0];
	unsigned int last = ID_FIELD(dfr0, watch ? DFR0_WATCHPOINTS_SHIFT : DFR0_BREAKPOINTS_SHIFT);

	if (n > last)
		return NULL;
	if (watch)
		return trap->argument & 1 ? &debug->watchpoint[n].control
					  : &debug->watchpoint[n].value;
	return trap->argument & 1 ? &debug->breakpoint[n].control : &debug->breakpoint[n].value;
}

static bool debug_read(struct vp *vp, const struct trap *trap, uint64_t *value)
{
	const uint64_t *reg = debug_register(vp, trap);

	if (!reg)
		return false;
	*value = *reg;
	return true;
}

static bool debug_write(struct vp *vp, const struct trap *trap, uint64_t value)
{
	uint64_t *reg = debug_register(vp, trap);

	if (!reg)
		return false;
	*reg = trap->argument & 1 ? (uint32_t)value : value;
	guest_debug_load(vp);
	return true;
}

static const struct trap traps[] = {
	{SYSTEM_KEY(3, 0, 12, 11, 5), VGIC_SGI1R, NULL, sgi_write},
	{SYSTEM_KEY(3, 3, 14, 2, 1), 1, physical_read, physical_write}, /* CNTP_CTL */
	{SYSTEM_KEY(3, 3, 14, 2, 2), 2, physical_read, physical_write}, /* CNTP_CVAL */
	{SYSTEM_KEY(3, 3, 14, 2, 0), 0, physical_read, physical_write}, /* CNTP_TVAL */
	{SYSTEM_KEY(3, 3, 14, 0, 1), 0, counter_read, NULL},		/* CNTPCT */
	{SYSTEM_KEY(3, 0, 12, 11, 1), VGIC_ICC_DIR, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 4, 6, 0), VGIC_ICC_PMR, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 11, 3), VGIC_ICC_RPR, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 12, 4), VGIC_ICC_CTLR, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 12, 5), 7, constant_read, write_ignored}, /* ICC_SRE: SRE, DFB, DIB */
	{SYSTEM_KEY(3, 0, 12, 11, 6), VGIC_ASGI1R, NULL, sgi_write},
	{SYSTEM_KEY(3, 0, 12, 11, 7), VGIC_SGI0R, NULL, sgi_write},
	{SYSTEM_KEY(3, 0, 1, 0, 0), 0, NULL, sctlr_write},
	{SYSTEM_KEY(3, 0, 2, 0, 0), 0, NULL, ttbr0_el1_write},
	{SYSTEM_KEY(3, 0, 2, 0, 1), 0, NULL, ttbr1_el1_write},
	{SYSTEM_KEY(3, 0, 2, 0, 2), 0, NULL, tcr_el1_write},
	{SYSTEM_KEY(3, 0, 5, 1, 0), 0, NULL, afsr0_el1_write},
	{SYSTEM_KEY(3, 0, 5, 1, 1), 0, NULL, afsr1_el1_write},
	{SYSTEM_KEY(3, 0, 5, 2, 0), 0, NULL, esr_el1_write},
	{SYSTEM_KEY(3, 0, 6, 0, 0), 0, NULL, far_el1_write},
	{SYSTEM_KEY(3, 0, 10, 2, 0), 0, NULL, mair_el1_write},
	{SYSTEM_KEY(3, 0, 10, 3, 0), 0, NULL, amair_el1_write},
	{SYSTEM_KEY(3, 0, 13, 0, 1), 0, NULL, contextidr_el1_write},
	{SYSTEM_KEY(1, 0, 7, 6, 2), 0, NULL, set_way},		      /* DC ISW */
	{SYSTEM_KEY(1, 0, 7, 10, 2), 0, NULL, set_way},		      /* DC CSW */
	{SYSTEM_KEY(1, 0, 7, 14, 2), 0, NULL, set_way},		      /* DC CISW */
	{SYSTEM_KEY(3, 0, 1, 0, 1), 0, constant_read, write_ignored}, /* ACTLR */
	{SYSTEM_KEY(2, 0, 0, 2, 2), 0, mdscr_read, mdscr_write},
	{SYSTEM_KEY(2, 0, 1, 0, 4), 0, NULL, write_ignored},		     /* OSLAR */
	{SYSTEM_KEY(2, 0, 1, 1, 4), OSLSR_IMPLEMENTED, constant_read, NULL}, /* OSLSR */
	{SYSTEM_KEY(2, 0, 1, 3, 4), 0, constant_read, write_ignored},	     /* OSDLR */
	{SYSTEM_KEY(2, 0, 1, 0, 0), 0, constant_read, NULL},		     /* MDRAR */
	{SYSTEM_KEY(2, 0, 1, 4, 4), 0, constant_read, write_ignored},	     /* DBGPRCR */
	{SYSTEM_KEY(2, 0, 0, 0, 2), 0, constant_read, write_ignored},	     /* OSDTRRX */
	{SYSTEM_KEY(2, 0, 0, 3, 2), 0, constant_read, write_ignored},	     /* OSDTRTX */
	{SYSTEM_KEY(2, 0, 0, 6, 2), 0, constant_read, write_ignored},	     /* OSECCR */
	{SYSTEM_KEY(2, 0, 0, 2, 0), 0, constant_read, write_ignored},	     /* MDCCINT */
	{SYSTEM_KEY(2, 3, 0, 1, 0), 0, constant_read, NULL},		     /* MDCCSR */
	{SYSTEM_KEY(2, 3, 0, 4, 0), 0, constant_read, write_ignored},	     /* DBGDTR */
	{SYSTEM_KEY(2, 3, 0, 5, 0), 0, constant_read, write_ignored},	     /* DBGDTRRX, TX */
	{SYSTEM_KEY(2, 0, 7, 8, 6), 0xff, constant_read, write_ignored},     /* DBGCLAIMSET */
	{SYSTEM_KEY(2, 0, 7, 9, 6), 0, constant_read, write_ignored},	     /* DBGCLAIMCLR */
	{SYSTEM_KEY(2, 0, 7, 14, 6), 0, constant_read, NULL},		     /* DBGAUTHSTATUS */
	/* While list registers are short, vgic_interface.c. */
	{SYSTEM_KEY(3, 0, 12, 12, 0), VGIC_ICC_IAR1, icc_read, NULL},
	{SYSTEM_KEY(3, 0, 12, 12, 1), VGIC_ICC_EOIR1, NULL, icc_write},
	{SYSTEM_KEY(3, 0, 12, 12, 2), VGIC_ICC_HPPIR1, icc_read, NULL},
	{SYSTEM_KEY(3, 0, 12, 12, 3), VGIC_ICC_BPR1, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 12, 7), VGIC_ICC_IGRPEN1, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 9, 0), VGIC_ICC_AP1R0, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 9, 1), VGIC_ICC_AP1R1, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 9, 2), VGIC_ICC_AP1R2, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 9, 3), VGIC_ICC_AP1R3, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 0), VGIC_ICC_IAR0, icc_read, NULL},
	{SYSTEM_KEY(3, 0, 12, 8, 1), VGIC_ICC_EOIR0, NULL, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 2), VGIC_ICC_HPPIR0, icc_read, NULL},
	{SYSTEM_KEY(3, 0, 12, 8, 3), VGIC_ICC_BPR0, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 12, 6), VGIC_ICC_IGRPEN0, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 4), VGIC_ICC_AP0R0, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 5), VGIC_ICC_AP0R1, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 6), VGIC_ICC_AP0R2, icc_read, icc_write},
	{SYSTEM_KEY(3, 0, 12, 8, 7), VGIC_ICC_AP0R3, icc_read, icc_write},
};

/* By Op2; CRm is which of them. */
static const struct trap debug_traps[] = {
	{0, 0, debug_read, debug_write},
	{0, 1, debug_read, debug_write},
	{0, 2, debug_read, debug_write},
	{0, 3, debug_read, debug_write},
};
#define DEBUG_FIRST_OP2 4u

static const struct trap *trap_find(uint64_t syndrome)
{
	uint32_t key = SYSTEM_KEY_OF(syndrome);
	const struct trap *trap;

	for (trap = traps; trap < traps + ARRAY_SIZE(traps); trap++)
		if (trap->key == key)
			return trap;
	if ((key & SYSTEM_KEY(3, 7, 15, 0, 0)) == SYSTEM_KEY(2, 0, 0, 0, 0) &&
	    SYSTEM_OP2(syndrome) >= DEBUG_FIRST_OP2)
		return &debug_traps[SYSTEM_OP2(syndrome) - DEBUG_FIRST_OP2];
	return NULL;
}

static bool trap_access(struct vp *vp, uint64_t syndrome)
{
	const struct trap *trap = trap_find(syndrome);
	unsigned int n = SYSTEM_REGISTER(syndrome);
	uint64_t value = 0;

	if (!trap)
		return false;
	if (!(syndrome & SYSTEM_READ))
		return trap->write && trap->write(vp, trap, guest_x(vp, n));
	if (!trap->read || !trap->read(vp, trap, &value))
		return false;
	guest_x_set(vp, n, value);
	return true;
}

enum vp_outcome exit_system_register(struct vp *vp, struct vp_exit *exit)
{
	uint64_t syndrome = exit->syndrome;

	if (likely(SYSTEM_IS_ID(syndrome) && (syndrome & SYSTEM_READ))) {
		unsigned int place = ID_PLACE(SYSTEM_CRM(syndrome), SYSTEM_OP2(syndrome));

		guest_x_set(vp, SYSTEM_REGISTER(syndrome), vp->partition->arch.ids[place]);
		guest_instruction_done(vp);
	} else if (trap_access(vp, syndrome)) {
		guest_instruction_done(vp);
	} else {
		guest_undefined(vp);
	}
	return VP_CONTINUE;
}

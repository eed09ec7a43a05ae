/* SPDX-License-Identifier: MIT */
/*
 * The backend: EL2 with HCR_EL2.E2H = 0, on processors with FEAT_VHE too.
 *
 * From load to put the vectors are the guest's, and so is all of EL1 and EL0. Tasks run without EL1 (HCR_EL2.TGE), so
 * a put leaves EL1's registers in the processor: they move when another VP comes to the CPU, or when somebody wants
 * to see them. What tasks share with guests is loaded anew on the way to EL0 (cpu->arch.el0_is_tasks).
 *
 * Interrupts of the host stay masked in EL2 and are taken from EL1 and EL0, whatever those mask: so there is no
 * gap before an entry. A guest's TLB maintenance tells all CPUs by the VMID (HCR_EL2.FB for what is local), which
 * is the partition's. Two of its VPs that share a CPU must not see each other's translations, as theirs are two
 * processors': the CPU drops what it has of the partition when another one comes.
 */
#include "guest.h"
#include "vgic_hw.h"
#include "world.h"
#include <arch/gic.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/string.h>

uint64_t el2_host_ids[IDS_COUNT];
static uint64_t hcr_fixed;
static bool has_pauth, has_ras;
static uint32_t features[1];

/* Between the tasks' and the first of a guest. */
#define VMID_FIRST (VMID_TASKS + 1)

/* ---- EL1's registers ---- */

/* X(register, field of struct vp_state_system) */
#define EL1_REGISTERS(X)                  \
	X(ttbr0_el1, ttbr0_el1)           \
	X(ttbr1_el1, ttbr1_el1)           \
	X(tcr_el1, tcr_el1)               \
	X(spsr_el1, spsr_el1)             \
	X(elr_el1, elr_el1)               \
	X(afsr0_el1, afsr0_el1)           \
	X(afsr1_el1, afsr1_el1)           \
	X(esr_el1, esr_el1)               \
	X(far_el1, far_el1)               \
	X(par_el1, par_el1)               \
	X(mair_el1, mair_el1)             \
	X(amair_el1, amair_el1)           \
	X(vbar_el1, vbar_el1)             \
	X(contextidr_el1, contextidr_el1) \
	X(tpidr_el1, tpidr_el1)           \
	X(csselr_el1, csselr_el1)

/* Those that EL0 of tasks feels too: they move with each load and put. */
#define SHARED_REGISTERS(X)         \
	X(sctlr_el1, sctlr_el1)     \
	X(cpacr_el1, cpacr_el1)     \
	X(cntkctl_el1, cntkctl_el1) \
	X(tpidr_el0, tpidr_el0)     \
	X(tpidrro_el0, tpidrro_el0)

/* X(register, key, half) */
#define PAUTH_REGISTERS(X)    \
	X(s3_0_c2_c1_0, 0, 0) \
	X(s3_0_c2_c1_1, 0, 1) \
	X(s3_0_c2_c1_2, 1, 0) \
	X(s3_0_c2_c1_3, 1, 1) \
	X(s3_0_c2_c2_0, 2, 0) \
	X(s3_0_c2_c2_1, 2, 1) \
	X(s3_0_c2_c2_2, 3, 0) \
	X(s3_0_c2_c2_3, 3, 1) \
	X(s3_0_c2_c3_0, 4, 0) \
	X(s3_0_c2_c3_1, 4, 1)

#define SAVE(name, field)	      s->field = sysreg_read(name);
#define RESTORE(name, field)	      sysreg_write(name, s->field);
#define SAVE_KEY(name, key_, half)    keys->key[key_][half] = sysreg_read(name);
#define RESTORE_KEY(name, key_, half) sysreg_write(name, keys->key[key_][half]);

static void registers_save(struct arch_vp_vtl *a)
{
	struct vp_state_pauth *keys = &a->pauth;
	struct vp_state_system *s = &a->system;

	EL1_REGISTERS(SAVE)
	a->sp_el1 = sysreg_read(sp_el1);
	if (has_pauth) {
		PAUTH_REGISTERS(SAVE_KEY)
	}
}

static void registers_restore(const struct arch_vp_vtl *a)
{
	const struct vp_state_pauth *keys = &a->pauth;
	const struct vp_state_system *s = &a->system;

	EL1_REGISTERS(RESTORE)
	sysreg_write(sp_el1, a->sp_el1);
	if (has_pauth) {
		PAUTH_REGISTERS(RESTORE_KEY)
	}
}

static struct el2_cpu *el2_cpu(void)
{
	return this_cpu()->backend;
}

void el1_save(struct vp *vp)
{
	if (el2_cpu()->owner == vp)
		registers_save(vp_arch(vp));
}

void el1_release(struct vp *vp)
{
	struct el2_cpu *c = el2_cpu();

	el1_save(vp);
	if (c->owner == vp)
		c->owner = NULL;
}

/* ---- translations ---- */

/* Of the partition whose table is loaded, of both stages: on this CPU alone. */
static void translations_drop(void)
{
	__asm__ volatile("isb\n\t"
			 "tlbi vmalls12e1\n\t"
			 "dsb nsh\n\t"
			 "isb"
			 :
			 :
			 : "memory");
}

void el2_translations_drop(struct vp *vp)
{
	if (atomic_load(&vp->cpu) == this_cpu())
		translations_drop();
	else
		el2_cpu()->vttbr = vp->partition->arch.last_vp[this_cpu()->index] = 0;
}

static void translations_drop_all(void)
{
	__asm__ volatile("isb\n\t"
			 "tlbi alle1\n\t"
			 "ic iallu\n\t"
			 "dsb nsh\n\t"
			 "isb"
			 :
			 :
			 : "memory");
}

static __attribute__((noinline)) void owner_change(struct el2_cpu *c, struct vp *vp)
{
	if (c->owner)
		registers_save(vp_arch(c->owner));
	registers_restore(vp_arch(vp));
	sysreg_write(vmpidr_el2, guest_mpidr(vp->index));
	/* A guest that is shown no RAS can write DISR_EL1 nevertheless, which is this one (HCR_EL2.AMO). */
	if (has_ras)
		sysreg_write(s3_4_c12_c1_1, 0); /* VDISR_EL2 */
	c->owner = vp;
}

static __attribute__((noinline)) void space_change(struct el2_cpu *c, struct vp *vp)
{
	struct partition *partition = vp->partition;
	uint32_t *last = &partition->arch.last_vp[this_cpu()->index];
	uint64_t root = vp_active(vp)->space->table.root;
	bool flush;
	uint32_t vmid = vmid_get(&c->vmid, &partition->arch.vmid, &flush);

	c->vttbr = VTTBR_VMID(vmid) | root;
	sysreg_write(vttbr_el2, c->vttbr);
	if (unlikely(flush))
		translations_drop_all();
	if (unlikely(*last != vp->index + 1)) {
		translations_drop();
		*last = vp->index + 1;
	}
}

static inline void space_load(struct el2_cpu *c, struct vp *vp)
{
	if (likely(c->owner == vp && c->vttbr && vmid_stays(&c->vmid, &vp->partition->arch.vmid)))
		sysreg_write(vttbr_el2, c->vttbr);
	else
		space_change(c, vp);
}

/* ---- the backend's operations ---- */

static uint64_t traps_of(const struct arch_vp_vtl *a)
{
	return hcr_fixed | (a->traps_caches ? HCR_TVM : 0);
}

void el2_traps_update(struct vp *vp)
{
	sysreg_write(hcr_el2, traps_of(vp_arch(vp)));
}

void el2_wfe_allow(void)
{
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) & ~HCR_TWE);
}

bool el2_has_pan(void)
{
	return ID_FIELD(el2_host_ids[ID_AA64MMFR1], MMFR1_PAN_SHIFT);
}

static void el2_load(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	const struct vp_state_system *s = &a->system;
	struct cpu *cpu = this_cpu();
	struct el2_cpu *c = cpu->backend;

	cpu->arch.el0_is_tasks = false;
	sysreg_write(hcr_el2, traps_of(a));
	sysreg_write(vbar_el2, (uintptr_t)world_vectors);
	sysreg_write(cnthctl_el2, 0);
	space_load(c, vp);
	/* Nobody has touched what the GIC's interface of a quiet VP has. */
	if (unlikely(c->owner != vp || !a->gic.quiet))
		vgic_load(&a->gic);
	if (unlikely(c->owner != vp))
		owner_change(c, vp);
	SHARED_REGISTERS(RESTORE)
	sysreg_write(sp_el0, a->sp_el0);
	guest_timers_load(vp);
	if (unlikely(a->debug.mdscr_el1 || (a->work & WORK_DEBUG)))
		guest_debug_load(vp);
}

/* What tasks need otherwise is brought to memory. */
static void el2_put(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct vp_state_system *s = &a->system;

	vgic_put(&a->gic);
	guest_timers_put(vp);
	if (unlikely(a->debug.mdscr_el1 || (a->work & WORK_DEBUG)))
		guest_debug_put();
	SHARED_REGISTERS(SAVE)
	a->sp_el0 = sysreg_read(sp_el0);
	sysreg_write(vbar_el2, (uintptr_t)trap_vectors);
}

/* Nothing is signalled to the guest for as long as this takes, which is an instruction. */
static __cold enum vp_outcome enter_held(struct vp *vp, struct arch_vp_vtl *a)
{
	enum vp_outcome outcome;

	vgic_hold(true, &a->gic);
	outcome = el2_run(vp, a);
	vgic_hold(false, &a->gic);
	return outcome;
}

static enum vp_outcome el2_enter(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	uint64_t generation = atomic_load(&v->space->tlb_generation);

	if (unlikely(vp->tlb_seen != generation))
		translations_drop();
	atomic_store_explicit(&vp->tlb_seen, generation, memory_order_release);
	vgic_enter(&v->arch.gic);
	if (unlikely(v->arch.debugger.holds))
		return enter_held(vp, &v->arch);
	return el2_run(vp, &v->arch);
}

/* What moves to another CPU finds there whatever translations that one had: so here as well, when it comes back. */
static void el2_unbind(struct vp *vp)
{
	uint32_t *last = &vp->partition->arch.last_vp[this_cpu()->index];

	el1_release(vp);
	if (*last == vp->index + 1)
		*last = 0;
}

static __cold status_t el2_vp_create(struct vp *vp, uint32_t vtl)
{
	(void)vp;
	(void)vtl;
	return STATUS_OK;
}

static __cold void el2_vp_destroy(struct vp *vp, uint32_t vtl)
{
	(void)vp;
	(void)vtl;
}

/* ---- exits ---- */

/* By class; those that no guest's exit has are 0. */
static const uint8_t kinds[CLASSES] = {
	[CLASS_UNKNOWN] = VP_EXIT_UNDEFINED,
	[CLASS_WFX] = VP_EXIT_WAIT,
	[CLASS_CP15_32] = VP_EXIT_UNDEFINED,
	[CLASS_CP15_64] = VP_EXIT_UNDEFINED,
	[CLASS_CP14_32] = VP_EXIT_UNDEFINED,
	[CLASS_CP14_LDC] = VP_EXIT_UNDEFINED,
	[CLASS_SIMD] = VP_EXIT_SIMD,
	[CLASS_VMRS] = VP_EXIT_UNDEFINED,
	[CLASS_LS64] = VP_EXIT_UNDEFINED,
	[CLASS_CP14_64] = VP_EXIT_UNDEFINED,
	[CLASS_HVC] = VP_EXIT_HYPERCALL,
	[CLASS_SMC] = VP_EXIT_SMC,
	[CLASS_SYSTEM] = VP_EXIT_SYSTEM_REGISTER,
	[CLASS_SVE] = VP_EXIT_UNDEFINED,
	[CLASS_SME] = VP_EXIT_UNDEFINED,
	[CLASS_FETCH] = VP_EXIT_FETCH,
	[CLASS_DATA] = VP_EXIT_MEMORY,
	[CLASS_BREAKPOINT] = VP_EXIT_DEBUG,
	[CLASS_STEP] = VP_EXIT_DEBUG,
	[CLASS_WATCHPOINT] = VP_EXIT_DEBUG,
	[CLASS_BRK32] = VP_EXIT_DEBUG,
	[CLASS_BRK] = VP_EXIT_DEBUG,
};

enum world_vector { VECTOR_SYNCHRONOUS, VECTOR_IRQ, VECTOR_FIQ, VECTOR_SERROR };

static const uint8_t asynchronous[] = {
	[VECTOR_IRQ] = VP_EXIT_INTERRUPT,
	[VECTOR_FIQ] = VP_EXIT_INTERRUPT,
	[VECTOR_SERROR] = VP_EXIT_MACHINE_CHECK,
};

#define HPFAR_ADDRESS(hpfar) (((hpfar)&MASK(44)) >> 4 << PAGE_SHIFT)
#define PAR_FAILED	     BIT(0)
#define PAR_ADDRESS	     (MASK(52) & ~MASK(PAGE_SHIFT))

/* HPFAR_EL2 is not known of a permission fault that is not the walk's: the guest's tables say it. False: they
 * have been changed meanwhile. */
static bool translate_again(uint64_t far, gpa_t *gpa)
{
	uint64_t kept = sysreg_read(par_el1), par;

	__asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(far) : "memory");
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, kept);
	*gpa = (par & PAR_ADDRESS) | (far & MASK(PAGE_SHIFT));
	return !(par & PAR_FAILED);
}

static void abort_read(struct vp_exit *exit)
{
	exit->far = sysreg_read(far_el2);
	exit->gpa = HPFAR_ADDRESS(sysreg_read(hpfar_el2)) | (exit->far & MASK(PAGE_SHIFT));
	if (unlikely(FAULT_IS_PERMISSION(ABORT_FAULT(exit->syndrome)) &&
		     !(exit->syndrome & ABORT_WALK)) &&
	    !translate_again(exit->far, &exit->gpa))
		exit->kind = VP_EXIT_NONE;
}

enum vp_outcome el2_exit(struct vp *vp, uint64_t syndrome, uint32_t vector)
{
	struct vp_exit *exit = &vp->exit;

	exit->syndrome = syndrome;
	exit->kind =
		vector == VECTOR_SYNCHRONOUS ? kinds[SYNDROME_EC(syndrome)] : asynchronous[vector];
	if (exit->kind == VP_EXIT_MEMORY || exit->kind == VP_EXIT_FETCH)
		abort_read(exit);
	else if (unlikely(!exit->kind))
		exit->kind = VP_EXIT_FAILED;
	return vp_exit_take(vp, vp_active(vp));
}

/* ---- the machine ---- */

#define ID_READ(crm, op2) el2_host_ids[ID_PLACE(crm, op2)] = sysreg_read(s3_0_c0_c##crm##_##op2);
#define ID_READ_ROW(crm) \
	ID_READ(crm, 0)  \
	ID_READ(crm, 1)  \
	ID_READ(crm, 2)  \
	ID_READ(crm, 3)  \
	ID_READ(crm, 4)  \
	ID_READ(crm, 5)  \
	ID_READ(crm, 6)  \
	ID_READ(crm, 7)

static __cold status_t el2_probe(void)
{
	ID_READ_ROW(1)
	ID_READ_ROW(2)
	ID_READ_ROW(3)
	ID_READ_ROW(4)
	ID_READ_ROW(5)
	ID_READ_ROW(6)
	ID_READ_ROW(7)
	if (vgic_hw_probe(&guest_gic_host))
		return STATUS_OK;
	log_warn("the GIC has no interface for guests");
	return STATUS_NOT_SUPPORTED;
}

static __cold status_t el2_init(void)
{
	const uint64_t *ids = el2_host_ids;

	has_pauth = (ids[ID_AA64ISAR1] & 0xff0) || ID_FIELD(ids[ID_AA64ISAR2], ISAR2_APA3_SHIFT);
	hcr_fixed = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER |
		    HCR_TWI | HCR_TWE | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW |
		    HCR_RW;
	if (has_pauth)
		hcr_fixed |= HCR_APK | HCR_API;
	if (ID_FIELD(ids[ID_AA64MMFR1], MMFR1_LO_SHIFT))
		hcr_fixed |= HCR_TLOR;
	has_ras = ID_FIELD(ids[ID_AA64PFR0], PFR0_RAS_SHIFT);
	if (has_ras)
		hcr_fixed |= HCR_TERR;
	vmid_init(stage2_vmid_bits(), VMID_FIRST);
	return STATUS_OK;
}

#define MPAM2_TRAPS (BIT(48) | BIT(49)) /* of MPAM1_EL1 and MPAM0_EL1 */

/* All fine-grained traps: none, but of what the guest is not shown. */
static __cold void extensions_off(void)
{
	if (ID_FIELD(el2_host_ids[ID_AA64MMFR0], MMFR0_FGT_SHIFT)) {
		sysreg_write(s3_4_c1_c1_4, 0); /* HFGRTR_EL2 */
		sysreg_write(s3_4_c1_c1_5, 0); /* HFGWTR_EL2 */
		sysreg_write(s3_4_c1_c1_6, 0); /* HFGITR_EL2 */
		sysreg_write(s3_4_c3_c1_4, 0); /* HDFGRTR_EL2 */
		sysreg_write(s3_4_c3_c1_5, 0); /* HDFGWTR_EL2 */
	}
	if (ID_FIELD(el2_host_ids[ID_AA64MMFR1], MMFR1_HCX_SHIFT))
		sysreg_write(s3_4_c1_c2_2, 0); /* HCRX_EL2 */
	if (ID_FIELD(el2_host_ids[ID_AA64PFR0], PFR0_MPAM_SHIFT) ||
	    ID_FIELD(el2_host_ids[ID_AA64PFR1], PFR1_MPAM_SHIFT))
		sysreg_write(s3_4_c10_c5_0, MPAM2_TRAPS); /* MPAM2_EL2 */
}

static __cold status_t el2_cpu_enable(void)
{
	struct el2_cpu *c = heap_alloc(&kernel_heap, sizeof(*c));

	if (!c)
		return STATUS_NO_MEMORY;
	vmid_cpu_add(&c->vmid);
	this_cpu()->backend = c;
	extensions_off();
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(hstr_el2, 0);
	sysreg_write(cntvoff_el2, 0);
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(mdcr_el2, (sysreg_read(mdcr_el2) & MDCR_HPMN_MASK) | MDCR_TDRA | MDCR_TDOSA |
				       MDCR_TDA | MDCR_TPM | MDCR_TPMCR | MDCR_TPMS | MDCR_TTRF);
	sysreg_write(mdscr_el1, 0);
	sysreg_write(oslar_el1, 0); /* locked, there would be no debug exceptions */
	vgic_hw_start();
	gic_private_enable(PPI_VIRTUAL, true);
	gic_private_enable(PPI_MAINTENANCE, true);
	isb();
	return STATUS_OK;
}

static __cold void el2_cpu_disable(void)
{
	gic_private_enable(PPI_VIRTUAL, false);
	gic_private_enable(PPI_MAINTENANCE, false);
}

static const struct backend_ops el2_backend = {
	.name = "el2",
	.features = features,
	.feature_count = ARRAY_SIZE(features),
	.probe = el2_probe,
	.init = el2_init,
	.cpu_enable = el2_cpu_enable,
	.cpu_disable = el2_cpu_disable,
	.gpa_format = &stage2_format,
	.vp_create = el2_vp_create,
	.vp_destroy = el2_vp_destroy,
	.unbind = el2_unbind,
	.load = el2_load,
	.put = el2_put,
	.enter = el2_enter,
};

const struct backend_ops *const arch_backends[] = {&el2_backend};
const uint32_t arch_backend_count = ARRAY_SIZE(arch_backends);

const struct backend_ops *arch_backend_guard(const struct backend_ops *ops)
{
	return ops;
}

/* SPDX-License-Identifier: MIT */
/*
 * The VMCS of a VP. It is active on the one CPU that the VP is bound to (vmx_unbind clears it), and
 * current while the VP is worked on. Fields are written when their value changes; what no exit uses
 * is not read.
 *
 * The kernel runs with interrupts off, so what arrives between the last look and VM entry stays
 * pending and exits at once ("external-interrupt exiting", SDM 3C 26.2). Bochs 2.7 forgets that for a
 * guest which it enters with RFLAGS.IF clear after the host has closed its own IF. So the preemption
 * timer bounds what a guest runs, over any number of exits that the kernel handles, until a look at
 * the host's interrupts is due whatever becomes of them.
 */
#include "vmx.h"
#include <arch/cr.h>
#include <arch/guest_tsc.h>
#include <arch/msr.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/memory_map.h>
#include <kernel/string.h>

#define DR7_OFF		   0x400ull
#define MSR_CSTAR	   0xc0000083u
#define VPID_LIMIT	   0x10000u
#define VIRTUAL_TPR	   (LAPIC_TPR / sizeof(uint32_t)) /* index in the APIC's page */
#define LINK_NONE	   UINT64_MAX
#define CR4_VMXE	   BIT(13)
/* PAUSEs of ring 0 that are no further apart, and as many ticks of the TSC with them, make an exit
 * (SDM 3C 26.1.3). */
#define PAUSE_GAP	   128u
#define PAUSE_WINDOW	   4096u
/* A fixed-point number as arch_vp.tsc_ratio (SDM 3C 26.3). */
#define TSC_MULTIPLIER_ONE BIT(TSC_RATIO_SHIFT)
#define CR0_OWNED	   (CR0_NE | CR0_NW | CR0_CD)

/* ---- the VMCS ---- */

void vmx_use(struct vmx_vp *s)
{
	struct vmx_cpu *c = this_cpu()->backend;

	if (c->current == s)
		return;
	vmcs_load(s->vmcs_hpa);
	s->cpu = c;
	c->current = s;
}

void vmx_cpu_control(struct vmx_vp *s, uint32_t bit, bool on)
{
	uint32_t controls = on ? s->cpu_controls | bit : s->cpu_controls & ~bit;

	if (controls == s->cpu_controls)
		return;
	s->cpu_controls = controls;
	vmcs_write(VMCS_CPU_CONTROLS, controls);
}

/* Why the last VMX instruction failed (SDM 3C 31.4); there is a current VMCS. */
static const char *vmx_error_words(void)
{
	static const char *const words[] = {
		[2] = "VMCLEAR of an address that is not valid",
		[4] = "VMLAUNCH of a VMCS that is not clear",
		[5] = "VMRESUME of a VMCS that is not launched",
		[7] = "controls that are not valid",
		[8] = "host state that is not valid",
		[9] = "VMPTRLD of an address that is not valid",
		[11] = "VMPTRLD of another revision",
		[12] = "no such field",
		[13] = "a field that is only read",
		[26] = "events are blocked by MOV SS",
		[28] = "INVEPT or INVVPID of what is not valid",
	};
	uint64_t error = vmcs_read(VMCS_INSTRUCTION_ERROR);

	return error < ARRAY_SIZE(words) && words[error] ? words[error] : "an error without a name";
}

/*
 * The secondary controls for what the partition's CPUID shows. RDTSCP, INVPCID and XSAVES work where
 * theirs is set, RDRAND and RDSEED exit. ENCLS exits always, the descriptor tables' registers while
 * vmx_tables_watch() says so. All others stay off, among them VM functions, PML, and what makes ENCLV, PCONFIG, TPAUSE and UMWAIT work.
 */
static uint32_t controls2(const struct vp *vp)
{
	static const struct {
		uint32_t instruction, control;
	} enable[] =
		{
			{INSTRUCTION_RDTSCP, CPU2_RDTSCP},
			{INSTRUCTION_INVPCID, CPU2_INVPCID},
			{INSTRUCTION_XSAVES, CPU2_XSAVES},
		},
	  exiting[] = {
		  {INSTRUCTION_RDRAND, CPU2_RDRAND},
		  {INSTRUCTION_RDSEED, CPU2_RDSEED},
	  };
	uint32_t shown = vp->partition->arch.instructions;
	uint32_t off = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(enable); i++)
		if (!(shown & enable[i].instruction))
			off |= enable[i].control;
	for (i = 0; i < ARRAY_SIZE(exiting); i++)
		if (shown & exiting[i].instruction)
			off |= exiting[i].control;
	return vmx_controls.cpu2 & ~(off | (uint32_t)(APIC_CONTROLS2 | CPU2_TABLES));
}

void vmx_stay_begin(void)
{
	if (vmx_controls.pin & PIN_PREEMPTION_TIMER)
		vmcs_write(VMCS_PREEMPTION_TIMER, vmx_stay_limit);
}

bool vmx_fields_write(const struct vmcs_value *fields, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (vmcs_write_checked(fields[i].field, fields[i].value))
			continue;
		log_warn("vmx: VMCS field 0x%x does not take 0x%llx: %s", fields[i].field,
			 (unsigned long long)fields[i].value, vmx_error_words());
		return false;
	}
	return true;
}

/* What never changes, and the host's part that is the same on each CPU. */
static __cold bool vmcs_init(struct vp *vp, struct vmx_vp *s)
{
	const struct vmcs_value fields[] = {
		{VMCS_PIN_CONTROLS, vmx_controls.pin & ~(uint32_t)PIN_POSTED_INTERRUPTS},
		{VMCS_CPU_CONTROLS, s->cpu_controls},
		{VMCS_CPU_CONTROLS_2, s->cpu_controls2},
		{VMCS_EXIT_CONTROLS, vmx_controls.exit},
		{VMCS_ENTRY_CONTROLS, vmx_controls.entry},
		{VMCS_EXCEPTION_BITMAP, vmx_exceptions(vp_active(vp))},
		{VMCS_PF_ERROR_MASK, 0},
		{VMCS_PF_ERROR_MATCH, 0},
		{VMCS_CR3_TARGET_COUNT, 0},
		{VMCS_EXIT_MSR_STORE_COUNT, 0},
		{VMCS_EXIT_MSR_LOAD_COUNT, 0},
		{VMCS_ENTRY_MSR_LOAD_COUNT, 0},
		{VMCS_ENTRY_EVENT, 0},
		{VMCS_MSR_BITMAP, vmx_msr_bitmap},
		{VMCS_TPR_THRESHOLD, 0},
		{VMCS_EPT_POINTER, s->eptp},
		{VMCS_LINK_POINTER, LINK_NONE},
		{VMCS_GUEST_DEBUGCTL, 0},
		{VMCS_GUEST_INTERRUPTIBILITY, 0},
		{VMCS_GUEST_ACTIVITY, 0},
		{VMCS_GUEST_PENDING_DEBUG, 0},
		{VMCS_GUEST_RIP, 0},
		{VMCS_GUEST_RSP, 0},
		{VMCS_GUEST_RFLAGS, 0},
		{VMCS_TSC_OFFSET, 0},
		{VMCS_CR0_MASK, CR0_OWNED},
		{VMCS_CR4_MASK, ~vp->partition->arch.cr4_allowed | CR4_VMXE | CR4_MCE},
		{VMCS_HOST_EFER, msr_read(MSR_EFER)},
		{VMCS_HOST_PAT, msr_read(MSR_PAT)},
		{VMCS_HOST_SYSENTER_CS, 0},
		{VMCS_HOST_SYSENTER_ESP, 0},
		{VMCS_HOST_SYSENTER_EIP, 0},
		{VMCS_HOST_RIP, (uint64_t)vmx_world_exit},
	};

	if (!vmx_fields_write(fields, ARRAY_SIZE(fields)))
		return false;
	if (vmx_controls.cpu2 & CPU2_XSAVES)
		vmcs_write(VMCS_XSS_EXITING, 0);
	if (vmx_controls.cpu2 & CPU2_TSC_SCALING)
		vmcs_write(VMCS_TSC_MULTIPLIER, TSC_MULTIPLIER_ONE);
	if (vmx_controls.cpu2 & CPU2_ENCLS)
		vmcs_write(VMCS_ENCLS_EXITING, UINT64_MAX);
	if (vmx_controls.cpu2 & CPU2_PAUSE_LOOP) {
		vmcs_write(VMCS_PAUSE_GAP, PAUSE_GAP);
		vmcs_write(VMCS_PAUSE_WINDOW, PAUSE_WINDOW);
	}
	vmx_stay_begin();
	return true;
}

/* The host's part that each CPU has of its own. Written when the VMCS comes to a CPU. */
static void host_state_write(void)
{
	struct cpu *cpu = this_cpu();
	struct vmx_cpu *c = cpu->backend;
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} idtr;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	vmcs_write(VMCS_HOST_ES_SELECTOR, SELECTOR_KERNEL_DATA);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 2, SELECTOR_KERNEL_CODE);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 4, SELECTOR_KERNEL_DATA);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 6, SELECTOR_KERNEL_DATA);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 8, 0);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 10, 0);
	vmcs_write(VMCS_HOST_ES_SELECTOR + 12, SELECTOR_TSS);
	vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)&cpu->arch.tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, c->gdtr.base);
	vmcs_write(VMCS_HOST_IDTR_BASE, idtr.base);
	vmcs_write(VMCS_HOST_GS_BASE, 0);
	vmcs_write(VMCS_HOST_CR4, cr4_read());
}

__cold status_t vmx_vp_create(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct vmx_vp *s = heap_alloc(heap, sizeof(*s));

	if (!s)
		return STATUS_NO_MEMORY;
	vp->vtl[vtl]->backend = s;
	s->vmcs = page_alloc(heap, 0);
	if (!s->vmcs) {
		vmx_vp_destroy(vp, vtl);
		return STATUS_NO_MEMORY;
	}
	s->vmcs_hpa = kva_to_hpa(s->vmcs);
	*(uint32_t *)s->vmcs = vmx_revision;
	s->cpu_controls = vmx_controls.cpu & ~(uint32_t)(CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW);
	s->cpu_controls2 = controls2(vp);
	s->eptp = vp->vtl[vtl]->space->table.root | vmx_ept_flags;
	s->dr6 = 0xffff0ff0;
	if (!vmcs_clear(s->vmcs_hpa)) {
		vmx_vp_destroy(vp, vtl);
		return STATUS_BACKEND_FAILED;
	}
	vmx_use(s);
	if (!vmcs_init(vp, s)) {
		vmx_vp_destroy(vp, vtl);
		return STATUS_BACKEND_FAILED;
	}
	return STATUS_OK;
}

/* VMCLEAR writes back what the CPU holds of the VMCS; it can then be made current elsewhere. */
static void vmcs_release(struct vmx_vp *s)
{
	struct vmx_cpu *c = this_cpu()->backend;

	if (!s->cpu)
		return;
	vmcs_clear(s->vmcs_hpa);
	if (c->current == s)
		c->current = NULL;
	s->cpu = NULL;
	s->launched = false;
	s->placed = false;
}

__cold void vmx_vp_destroy(struct vp *vp, uint32_t vtl)
{
	struct heap *heap = vp->partition->heap;
	struct vmx_vp *s = vp->vtl[vtl]->backend;

	if (!s)
		return;
	vmcs_release(s);
	if (s->vmcs)
		page_free(heap, s->vmcs, 0);
	heap_free(heap, s, sizeof(*s));
	vp->vtl[vtl]->backend = NULL;
}

__cold void vmx_unbind(struct vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		if (vp->vtl[vtl])
			vmcs_release(vp->vtl[vtl]->backend);
	}
}

/* With RDTSC exits RDTSCP, where it is there (SDM 3C 26.1.3). */
__cold void vmx_tsc_set(struct vp *vp, uint32_t vtl)
{
	struct vmx_vp *s = vp->vtl[vtl]->backend;

	vmx_use(s);
	vmx_cpu_control(s, CPU_RDTSC, vp->arch.tsc_exits);
	if (vmx_controls.cpu2 & CPU2_TSC_SCALING)
		vmcs_write(VMCS_TSC_MULTIPLIER,
			   vp->arch.tsc_ratio ? vp->arch.tsc_ratio : TSC_MULTIPLIER_ONE);
}

/* ---- to a CPU and from it ---- */

static void syscall_msrs_load(const struct vmx_vp *s, struct vmx_cpu *c)
{
	c->kernel_gs_base = msr_read(MSR_KERNEL_GS_BASE);
	msr_write(MSR_KERNEL_GS_BASE, s->kernel_gs_base);
	msr_write(MSR_STAR, s->star);
	msr_write(MSR_LSTAR, s->lstar);
	msr_write(MSR_CSTAR, s->cstar);
	msr_write(MSR_SFMASK, s->sfmask);
}

static void syscall_msrs_put(struct vmx_vp *s, const struct vmx_cpu *c)
{
	s->kernel_gs_base = msr_read(MSR_KERNEL_GS_BASE);
	msr_write(MSR_KERNEL_GS_BASE, c->kernel_gs_base);
	msr_write(MSR_STAR, c->star);
	msr_write(MSR_LSTAR, c->lstar);
	msr_write(MSR_SFMASK, c->sfmask);
}

void vmx_load(struct vp *vp)
{
	struct vmx_cpu *c = this_cpu()->backend;
	struct vmx_vp *s = vmx_active(vp);

	vmx_use(s);
	if (!s->placed) {
		host_state_write();
		s->placed = true;
		s->vpid_generation = 0; /* translations of an earlier stay may be left here */
	}
	/* VPIDs are used up by others alone, while this VP is not loaded. */
	if (s->vpid_generation != c->vpid_generation)
		s->flush = true;
	vmcs_write(VMCS_HOST_CR0, cr0_read());
	vmcs_write(VMCS_HOST_CR3, cr3_read());
	vmcs_write(VMCS_HOST_FS_BASE, msr_read(MSR_FS_BASE));
	syscall_msrs_load(s, c);
	cr2_write(vp->arch.cr2);
	s->loaded = true;
	if (vmcs_read(VMCS_GUEST_DR7) & DR7_ENABLED)
		vmx_dr_take(vp, s);
}

void vmx_put(struct vp *vp)
{
	struct vmx_cpu *c = this_cpu()->backend;
	struct vmx_vp *s = vmx_active(vp);

	if (s->dr_live)
		vmx_dr_put(vp, s);
	vp->arch.cr2 = cr2_read();
	s->loaded = false;
	syscall_msrs_put(s, c);
	/* Ring 3 would find descriptors in whatever lies behind the table. (The IDT is full.) */
	__asm__ volatile("lgdt %0" : : "m"(c->gdtr));
}

/* ---- entering ---- */

/* A VPID names the translations of one VP on one CPU; drawn as ASIDs are (svm/svm.c). */
static void vpid_assign(struct vmx_vp *s)
{
	struct vmx_cpu *c = this_cpu()->backend;

	s->flush = false;
	/* Without VPIDs each entry and exit flushes what is guest-linear (SDM 3C 29.4.3.1). */
	if (s->vpid_generation == c->vpid_generation) {
		if (vmx_has_vpid)
			vmx_invvpid(INVALIDATE_SINGLE, (uint16_t)s->vpid);
		return;
	}
	/* Guest-physical translations are tagged by the EPT pointer alone, which a space that is no
	 * more may have had. */
	vmx_invept(INVALIDATE_SINGLE, s->eptp);
	if (vmx_has_vpid) {
		if (c->next_vpid >= VPID_LIMIT) {
			c->vpid_generation++;
			c->next_vpid = 1;
			vmx_invvpid(INVALIDATE_ALL, 0);
		}
		s->vpid = c->next_vpid++;
		vmcs_write(VMCS_VPID, s->vpid);
	}
	s->vpid_generation = c->vpid_generation;
}

static __cold void translations_refresh(struct vmx_vp *s, uint64_t generation)
{
	if (s->tlb_generation != generation) {
		s->tlb_generation = generation;
		vmx_invept(INVALIDATE_SINGLE, s->eptp);
	}
	if (s->flush)
		vpid_assign(s);
}

/* The threshold may not be above the TPR (27.2.1.1). */
static void tpr_changed(struct vmx_vp *s, uint8_t cr8)
{
	s->cr8 = cr8;
	if (s->threshold > cr8) {
		s->threshold = cr8;
		vmcs_write(VMCS_TPR_THRESHOLD, cr8);
	}
}

void vmx_cr8_take(struct vp_vtl *v, struct vmx_vp *s)
{
	uint8_t cr8 = (uint8_t)(s->page[VIRTUAL_TPR] >> 4) & 0xf;

	if (likely(s->cr8 == cr8))
		return;
	v->arch.cr8 = cr8;
	tpr_changed(s, cr8);
}

/* Of a shadow that the VMCS does not have, it does not matter which it is. */
__cold void vmx_blocking_write(const struct vp_vtl *v, struct vmx_vp *s)
{
	uint32_t shadow = s->blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
	uint32_t blocked = s->blocked & BLOCKED_STEP;

	if (v->arch.nmi_masked)
		blocked |= BLOCKED_BY_NMI;
	if (v->arch.shadow)
		blocked |= shadow ? shadow : BLOCKED_BY_MOV_SS;
	if (s->blocked != blocked)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocked & ~(uint32_t)BLOCKED_STEP);
	s->blocked = blocked;
	/* SDM 3C 27.3.1.5: in a shadow, TF needs its trap to be pending. */
	if (v->arch.shadow && (v->arch.rflags & RFLAGS_TF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
}

/* What the shared code changed since the last exit. */
static void changes_write(const struct vp *vp, const struct vp_vtl *v, struct vmx_vp *s)
{
	vmx_resume_write(v, s);
	if (unlikely(v->arch.nmi_masked))
		vmx_blocking_write(v, s);
	if (unlikely(s->rsp != vp->arch.gpr[GPR_RSP]))
		vmcs_write(VMCS_GUEST_RSP, vp->arch.gpr[GPR_RSP]);
	if (unlikely(s->tsc_offset != vp->arch.tsc_offset)) {
		s->tsc_offset = vp->arch.tsc_offset;
		vmcs_write(VMCS_TSC_OFFSET, s->tsc_offset);
	}
	if (unlikely(s->cr8 != v->arch.cr8)) {
		if (s->page[VIRTUAL_TPR] >> 4 != v->arch.cr8)
			s->page[VIRTUAL_TPR] = (uint32_t)v->arch.cr8 << 4;
		tpr_changed(s, v->arch.cr8);
	}
}

enum vp_outcome vmx_enter(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	struct vmx_vp *s = v->backend;
	uint64_t generation = atomic_load(&v->space->tlb_generation);
	bool launched = s->launched;
	enum vp_outcome outcome;

	if (unlikely(s->tlb_generation != generation || s->flush))
		translations_refresh(s, generation);
	atomic_store_explicit(&vp->tlb_seen, generation, memory_order_release);
	changes_write(vp, v, s);
	if (unlikely(v->arch.lapic.service_changed))
		vmx_apic_service_write(v);
	s->launched = true;
	outcome = vmx_world_switch(vp, launched);
	vp->arch.gpr[GPR_RSP] = s->rsp = vmcs_read(VMCS_GUEST_RSP);
	vmx_cr8_take(v, s);
	return outcome;
}

/* An entry that failed keeps what it was to deliver (SDM 3C 27.8): that is lost, as the debug exceptions that
 * were pending, or a reset VP would be entered with them. */
__cold void vmx_launch_undo(struct vmx_vp *s)
{
	vmcs_write(VMCS_ENTRY_EVENT, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_clear(s->vmcs_hpa);
	vmcs_load(s->vmcs_hpa);
	s->launched = false;
}

__cold enum vp_outcome vmx_entry_failed(struct vp *vp)
{
	struct vmx_vp *s = vmx_active(vp);

	vp->exit.kind = VP_EXIT_FAILED;
	vp->exit.code = vmcs_read(VMCS_INSTRUCTION_ERROR);
	log_warn("vmx: entry refused: %s (%llu)", vmx_error_words(),
		 (unsigned long long)vp->exit.code);
	vmx_launch_undo(s);
	if (s->blocked & BLOCKED_STEP) {
		s->blocked &= ~BLOCKED_STEP;
		vmx_step_left(vp);
	}
	return vp_exit_take(vp, vp_active(vp));
}

/* ---- events ---- */

/* SS has the CPL (25.4.1). */
bool vmx_in_kernel_64(const struct vp *vp)
{
	(void)vp;
	return !(vmcs_read(VMCS_GUEST_ES_ACCESS + 2 * SEGMENT_SS) & HV_SEGMENT_DPL_MASK) &&
	       (vmcs_read(VMCS_GUEST_ES_ACCESS + 2 * SEGMENT_CS) & HV_SEGMENT_L) &&
	       (vmcs_read(VMCS_GUEST_EFER) & EFER_LMA);
}

bool vmx_can_take(struct vp *vp, enum vp_window window)
{
	struct vp_vtl *v = vp_active(vp);

	if (v->arch.shadow || (vmcs_read(VMCS_ENTRY_EVENT) & EVENT_INFO_VALID))
		return false;
	if (window == WINDOW_NMI)
		return !v->arch.nmi_masked;
	return v->arch.rflags & RFLAGS_IF;
}

void vmx_inject(struct vp *vp, const struct vp_event *event)
{
	static const uint8_t types[] = {
		[EVENT_INTERRUPT] = EVENT_INFO_INTERRUPT,
		[EVENT_NMI] = EVENT_INFO_NMI,
		[EVENT_EXCEPTION] = EVENT_INFO_EXCEPTION,
		[EVENT_SOFTWARE] = EVENT_INFO_SOFTWARE,
		[EVENT_SOFTWARE_EXCEPTION] = EVENT_INFO_SOFTWARE_EXCEPTION,
	};
	uint64_t info = EVENT_INFO_VALID | ((uint64_t)types[event->type] << 8) | event->vector;

	(void)vp;
	/* Real mode has no error codes (SDM 3C 27.2.1.3). */
	if (event->has_error && (vmcs_read(VMCS_GUEST_CR0) & CR0_PE)) {
		info |= EVENT_INFO_ERROR_VALID;
		vmcs_write(VMCS_ENTRY_EVENT_ERROR, event->error);
	}
	if (unlikely(event->type >= EVENT_SOFTWARE))
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, event->length);
	vmcs_write(VMCS_ENTRY_EVENT, info);
}

/* One control for all of them, and for the loads. What follows the APIC's mode stays. */
__cold void vmx_tables_watch(struct vp *vp, uint32_t vtl, uint32_t stores)
{
	struct vmx_vp *s = vp->vtl[vtl]->backend;
	uint32_t controls;

	vmx_use(s);
	controls = (uint32_t)vmcs_read(VMCS_CPU_CONTROLS_2) & ~(uint32_t)CPU2_TABLES;
	s->cpu_controls2 &= ~(uint32_t)CPU2_TABLES;
	if (stores) {
		controls |= (uint32_t)CPU2_TABLES;
		s->cpu_controls2 |= (uint32_t)CPU2_TABLES;
	}
	vmcs_write(VMCS_CPU_CONTROLS_2, controls);
}

void vmx_window_request(struct vp *vp, enum vp_window window)
{
	struct vmx_vp *s = vmx_active(vp);
	uint8_t class;

	switch (window) {
	case WINDOW_INTERRUPT: vmx_cpu_control(s, CPU_INTERRUPT_WINDOW, true); break;
	case WINDOW_NMI: vmx_cpu_control(s, CPU_NMI_WINDOW, true); break;
	case WINDOW_PRIORITY:
		/* Any CR8 below the present one. Without the TPR shadow each write exits. */
		if (!(s->cpu_controls & CPU_TPR_SHADOW))
			break;
		class = vp_active(vp)->arch.cr8;
		if (s->threshold != class) {
			s->threshold = class;
			vmcs_write(VMCS_TPR_THRESHOLD, class);
		}
		break;
	}
}

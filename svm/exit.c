/* SPDX-License-Identifier: MIT */
/*
 * From SVM's exit codes to the neutral exits of the model: one table, and a function for each code
 * that carries more than its name. Where the processor does not give the next RIP, it follows from
 * the length of the instruction, which for those here does not vary without prefixes; prefixes
 * have no meaning on them, and a guest that puts them there on such an old processor resumes in
 * the middle of its own instruction, to its own harm alone.
 */
#include "svm.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/string.h>

#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR6_BREAKPOINTS 0xfull
#define DR6_STATUS	(uint32_t)(DR6_BREAKPOINTS | DR6_BD | DR6_BS)
#define EXCEPTION_BP	3u
#define EXCEPTION_PF	14u
#define LAST_EXCEPTION	31u
/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP */
#define EXCEPTIONS_WITH_ERROR \
	(BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(17) | BIT(21))

typedef void decode_function_t(struct vp *vp, struct svm_vp *s, struct vp_exit *exit);

struct exit_row {
	uint8_t kind;	/* enum vp_exit_kind */
	uint8_t length; /* of the instruction; 0: none */
	decode_function_t *decode;
};

static uint64_t next_rip(const struct vp *vp, const struct svm_vp *s, unsigned int length)
{
	if (svm_features & SVM_FEATURE_NRIP)
		return s->vmcb->next_rip;
	return vp_active(vp)->arch.rip + length;
}

static void decode_msr(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	svm_cr8_take(vp_active(vp), s); /* the APIC's registers */
	exit->kind = s->vmcb->exit_info1 ? VP_EXIT_MSR_WRITE : VP_EXIT_MSR_READ;
}

static void decode_port(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	uint64_t info = s->vmcb->exit_info1;

	(void)vp;
	exit->port.port = IOIO_PORT(info);
	exit->port.size = IOIO_SIZE(info);
	exit->port.write = !(info & IOIO_IN);
	if (info & (IOIO_STRING | IOIO_REP))
		exit->kind = VP_EXIT_PORT_STRING;
	exit->next_rip = s->vmcb->exit_info2; /* 15.10.2: always given */
}

static void decode_npf(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	struct vmcb *vmcb = s->vmcb;
	uint64_t info = vmcb->exit_info1;

	(void)vp;
	exit->kind = VP_EXIT_MEMORY;
	exit->memory.gpa = vmcb->exit_info2;
	exit->memory.gva = GVA_NONE;
	exit->memory.access =
		(uint32_t)((info & NPF_SAME) | (info >> NPF_WALK_SHIFT & MEMORY_WALK));
	if ((svm_features & SVM_FEATURE_DECODE) && vmcb->fetched_count <= sizeof(exit->bytes)) {
		exit->byte_count = vmcb->fetched_count;
		memcpy(exit->bytes, vmcb->fetched, sizeof(exit->bytes));
	}
}

static void decode_cr(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	struct vmcb *vmcb = s->vmcb;

	exit->cr.number = vmcb->exit_code == SVM_EXIT_CR0_SEL ? 0 : vmcb->exit_code & 0xf;
	exit->cr.write = vmcb->exit_code >= SVM_EXIT_CR_WRITE;
	exit->cr.decoded = (svm_features & SVM_FEATURE_DECODE) && (vmcb->exit_info1 & CR_INFO_MOV);
	exit->cr.gpr = CR_INFO_GPR(vmcb->exit_info1);
	exit->next_rip = next_rip(vp, s, 3);
	if (exit->cr.number == 8)
		svm_window_close(s);
}

/* The guest uses its debug registers: it gets them, and the instruction is run again. */
static void decode_dr(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	exit->cr.number = s->vmcb->exit_code & 0xf;
	exit->cr.write = s->vmcb->exit_code >= SVM_EXIT_DR_WRITE;
	if (guest_debug_owns(&vp_active(vp)->arch))
		return;
	exit->kind = VP_EXIT_NONE;
	svm_dr_take(vp, s);
}

/* An intercept that is there for the step only: the instruction would have shown TF. */
static bool step_caught(const struct vp_vtl *v, uint64_t code)
{
	if (code == SVM_EXIT_PUSHF || code == SVM_EXIT_POPF || code == SVM_EXIT_INTN)
		return true;
	if (code == SVM_EXIT_IRET)
		return !v->arch.nmi_masked;
	return code >= SVM_EXIT_EXCEPTION && code <= SVM_EXIT_EXCEPTION + LAST_EXCEPTION &&
	       !(SVM_EXCEPTIONS & BIT(code - SVM_EXIT_EXCEPTION));
}

/* The end of an entry that stepped to a window, whatever the exit: the instruction may have
 * exited itself, or not begun. True: what waits can be taken, since TF's trap and no other ended
 * it, or since the instruction can't be stepped over: it comes an instruction early then. */
static bool step_end(struct vp *vp, struct svm_vp *s)
{
	struct vp_vtl *v = vp_active(vp);
	struct vmcb *vmcb = s->vmcb;

	svm_step_stop(v, s);
	if (step_caught(v, vmcb->exit_code)) {
		v->arch.shadow = 0;
		return true;
	}
	if (vmcb->exit_code != SVM_EXIT_EXCEPTION + EXCEPTION_DB)
		return false;
	vmcb->dr6 &= ~DR6_BS;
	vmcb_dirty(vmcb, VMCB_CLEAN_DR);
	return !(vmcb->dr6 & ~s->step_dr6 & DR6_BREAKPOINTS);
}

/* QEMU 7.2 finds the intercept of RDTSC also at RDTSCP. */
static void decode_tsc(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	(void)vp;
	exit->tsc.with_aux = s->vmcb->exit_code == SVM_EXIT_RDTSCP;
	exit->tsc.either = !exit->tsc.with_aux && !(svm_features & SVM_FEATURE_NRIP);
}

/* What DR6 has of it; the debugger's DR6 starts anew. */
static void decode_debug(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	exit->event.debug = s->vmcb->dr6 & DR6_STATUS;
	if (!guest_debug_owns(&vp_active(vp)->arch))
		return;
	s->vmcb->dr6 = DR6_RESET;
	vmcb_dirty(s->vmcb, VMCB_CLEAN_DR);
}

static void decode_exception(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	struct vmcb *vmcb = s->vmcb;
	uint64_t vector = vmcb->exit_code - SVM_EXIT_EXCEPTION;

	exit->event.vector = (uint8_t)vector;
	exit->event.has_error = EXCEPTIONS_WITH_ERROR & BIT(vector);
	exit->event.length = (uint8_t)(next_rip(vp, s, 0) - vp_active(vp)->arch.rip); /* (15.7.1) */
	exit->event.error = (uint32_t)vmcb->exit_info1;
	switch (vector) {
	case EXCEPTION_MC: exit->kind = VP_EXIT_MACHINE_CHECK; break;
	case EXCEPTION_DB: decode_debug(vp, s, exit); break;
	case EXCEPTION_PF: /* CR2 is left for us to write (15.12.15) */
		vmcb->cr2 = vmcb->exit_info2;
		vmcb_dirty(vmcb, VMCB_CLEAN_CR2);
		break;
	default: break;
	}
}

/* INT n where INT3 is meant: see svm_debug_set(). The instruction tells which it is. */
static void decode_software(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->event.vector = EXCEPTION_BP;
	exit->event.has_error = false;
	exit->event.length = 0;
}

/* INT1 is #DB without a change of DR6, and its handler returns behind it. */
static void decode_icebp(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	(void)s;
	vp_active(vp)->arch.rip = exit->next_rip;
	exit->event.vector = EXCEPTION_DB;
	exit->event.has_error = false;
	exit->event.debug = EXIT_DEBUG_INT1;
}

/* APM 15.9: IRET is about to end the NMI handler. It has not run yet; the interrupt shadow keeps a
 * further NMI away until it has. */
static void decode_iret(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	struct vp_vtl *v = vp_active(vp);

	exit->kind = VP_EXIT_NMI_WINDOW;
	v->arch.nmi_masked = false;
	v->arch.shadow = 1;
	svm_intercept(s->vmcb, INTERCEPT_IRET, false);
}

/* In the order of their codes. */
static void decode_table(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	static const uint8_t stores[] = {HV_NPIEP_SIDT, HV_NPIEP_SGDT, HV_NPIEP_SLDT, HV_NPIEP_STR};

	(void)vp;
	exit->table.stores = stores[s->vmcb->exit_code - SVM_EXIT_IDTR_READ];
}

static void decode_window(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	(void)exit;
	if (vp_active(vp)->arch.shadow)
		s->shadow_dropped = true;
	svm_window_close(s);
}

static const struct exit_row rows[SVM_EXIT_LIMIT] = {
	[SVM_EXIT_CR_READ... SVM_EXIT_CR_WRITE + 15] = {VP_EXIT_CR, 0, decode_cr},
	[SVM_EXIT_DR_READ... SVM_EXIT_DR_WRITE + 15] = {VP_EXIT_DR, 0, decode_dr},
	[SVM_EXIT_EXCEPTION... SVM_EXIT_EXCEPTION +
		LAST_EXCEPTION] = {VP_EXIT_EXCEPTION, 0, decode_exception},
	[SVM_EXIT_INTR] = {VP_EXIT_INTERRUPT, 0, NULL},
	[SVM_EXIT_NMI] = {VP_EXIT_INTERRUPT, 0, NULL},
	[SVM_EXIT_SMI] = {VP_EXIT_INTERRUPT, 0, NULL},
	[SVM_EXIT_INIT] = {VP_EXIT_INTERRUPT, 0, NULL},
	[SVM_EXIT_VINTR] = {VP_EXIT_INTERRUPT_WINDOW, 0, decode_window},
	[SVM_EXIT_CR0_SEL] = {VP_EXIT_CR, 0, decode_cr},
	[SVM_EXIT_IDTR_READ... SVM_EXIT_TR_READ] = {VP_EXIT_TABLE, 0, decode_table},
	[SVM_EXIT_RDTSC] = {VP_EXIT_TSC, 2, decode_tsc},
	[SVM_EXIT_RDPMC] = {VP_EXIT_PROTECTED, 2, NULL},
	[SVM_EXIT_CPUID] = {VP_EXIT_CPUID, 2, NULL},
	[SVM_EXIT_RSM] = {VP_EXIT_UNDEFINED, 2, NULL},
	[SVM_EXIT_IRET] = {VP_EXIT_NMI_WINDOW, 0, decode_iret},
	[SVM_EXIT_INTN] = {VP_EXIT_EXCEPTION, 0, decode_software},
	[SVM_EXIT_INVD] = {VP_EXIT_CACHE, 2, NULL},
	[SVM_EXIT_PAUSE] = {VP_EXIT_PAUSE, 2, NULL},
	[SVM_EXIT_HLT] = {VP_EXIT_HALT, 1, NULL},
	[SVM_EXIT_INVLPGA] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_IOIO] = {VP_EXIT_PORT, 0, decode_port},
	[SVM_EXIT_MSR] = {VP_EXIT_MSR_READ, 2, decode_msr},
	[SVM_EXIT_FERR] = {VP_EXIT_NONE, 0, NULL},
	[SVM_EXIT_SHUTDOWN] = {VP_EXIT_SHUTDOWN, 0, NULL},
	[SVM_EXIT_VMRUN] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_VMMCALL] = {VP_EXIT_HYPERCALL, 3, NULL},
	[SVM_EXIT_VMLOAD] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_VMSAVE] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_STGI] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_CLGI] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_SKINIT] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_ICEBP] = {VP_EXIT_EXCEPTION, 1, decode_icebp},
	[SVM_EXIT_RDTSCP] = {VP_EXIT_TSC, 3, decode_tsc},
	[SVM_EXIT_WBINVD] = {VP_EXIT_CACHE, 2, NULL},
	[SVM_EXIT_MONITOR] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_MWAIT] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_MWAIT_COND] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_XSETBV] = {VP_EXIT_XSETBV, 3, NULL},
	[SVM_EXIT_RDPRU] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_INVLPGB] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_INVLPGB_IL] = {VP_EXIT_UNDEFINED, 3, NULL},
	[SVM_EXIT_INVPCID] = {VP_EXIT_UNDEFINED, 5, NULL},
	[SVM_EXIT_MCOMMIT] = {VP_EXIT_UNDEFINED, 4, NULL},
	[SVM_EXIT_TLBSYNC] = {VP_EXIT_UNDEFINED, 3, NULL},
};

/* The code stands in no row, or in one that means nothing. */
static void decode_unlisted(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	uint64_t code = s->vmcb->exit_code;

	if (likely(code == SVM_EXIT_NPF)) {
		decode_npf(vp, s, exit);
	} else if (code != SVM_EXIT_FERR) {
		exit->kind = VP_EXIT_FAILED;
		exit->code = code;
	}
}

/*
 * An event that was on its way when the guest exited (15.7.2) is delivered again. INT n, INT3 and
 * INTO are not: RIP still points at them, so they run again by themselves.
 */
static void reinject(struct vp_vtl *v, const struct svm_vp *s, uint64_t info)
{
	uint8_t vector = VMCB_EVENT_VECTOR(info);
	uint64_t type = VMCB_EVENT_TYPE(info);

	if (type == VMCB_EVENT_SOFTWARE) {
		v->arch.rip -= s->soft_length;
		return;
	}
	if (type == VMCB_EVENT_EXCEPTION && (vector == 3 || vector == 4))
		return;
	v->arch.event.type = type == VMCB_EVENT_INTERRUPT ? EVENT_INTERRUPT
			     : type == VMCB_EVENT_NMI	  ? EVENT_NMI
							  : EVENT_EXCEPTION;
	v->arch.event.vector = vector;
	v->arch.event.has_error = info & VMCB_EVENT_ERROR_VALID;
	v->arch.event.error = (uint32_t)(info >> 32);
	v->arch.work |= WORK_EVENT;
	if (type == VMCB_EVENT_NMI)
		v->arch.nmi_masked = false;
}

static inline void decode_row(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	uint64_t code = s->vmcb->exit_code;
	const struct exit_row *row;

	row = likely(code < ARRAY_SIZE(rows)) ? &rows[code] : &rows[SVM_EXIT_FERR];
	exit->kind = row->kind;
	if (row->length)
		exit->next_rip = next_rip(vp, s, row->length);
	if (row->decode)
		row->decode(vp, s, exit);
	else if (!row->kind)
		decode_unlisted(vp, s, exit);
}

/* The exit cut the delivery of an event short, or ended a step. */
static __cold void decode_interrupted(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	uint64_t info = s->vmcb->exit_int_info;

	if (info & VMCB_EVENT_VALID)
		reinject(vp_active(vp), s, info);
	s->soft_length = 0;
	if (s->step == SVM_STEP_WINDOW && step_end(vp, s)) {
		exit->kind = VP_EXIT_NMI_WINDOW;
		return;
	}
	decode_row(vp, s, exit);
	if (s->step == SVM_STEP_DEBUG)
		svm_step_left(vp, s);
	s->step = SVM_STEP_NONE;
}

/* What QEMU 7.2 lets a guest put into its registers, though VMRUN refuses it: the upper halves of
 * DR6 and DR7, and L with D in CS, which it runs as 64-bit code. True: there was some. */
static bool state_mend(struct vmcb *vmcb)
{
	bool wrong = vmcb->dr6 >> 32 || vmcb->dr7 >> 32;

	vmcb->dr6 = (uint32_t)vmcb->dr6;
	vmcb->dr7 = (uint32_t)vmcb->dr7;
	if ((vmcb->cs.attributes & VMCB_SEGMENT_L) && (vmcb->cs.attributes & VMCB_SEGMENT_D)) {
		vmcb->cs.attributes &= (uint16_t)~VMCB_SEGMENT_D;
		wrong = true;
	}
	vmcb->clean = 0;
	return wrong;
}

bool svm_entry_refused(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	struct vp_vtl *v = vp_active(vp);
	struct vmcb *vmcb = s->vmcb;

	exit->kind = VP_EXIT_FAILED;
	exit->code = SVM_EXIT_INVALID;
	if (!s->illegal && state_mend(vmcb)) {
		exit->kind = VP_EXIT_NONE;
		if (vmcb->exit_int_info & VMCB_EVENT_VALID)
			reinject(v, s, vmcb->exit_int_info);
	} else if (!s->illegal && !(svm_features & SVM_FEATURE_NRIP) && (vmcb->efer & EFER_LMA)) {
		/* QEMU 7.2 ends so for a MOV to CR3 that should be #GP. */
		vmcb->exit_code = SVM_EXIT_CR_WRITE + 3;
		return false;
	}
	if (s->step == SVM_STEP_WINDOW)
		svm_step_stop(v, s);
	else if (s->step == SVM_STEP_DEBUG)
		svm_step_left(vp, s);
	s->step = SVM_STEP_NONE;
	s->soft_length = 0;
	svm_window_close(s);
	s->cr8 = CR8_UNKNOWN;
	vmcb->event_inject = 0;
	return true;
}

/* An entry in an interrupt shadow that ends before its first instruction leaves the shadow as it
 * was. QEMU 7.2's VMRUN does not load it, and so #VMEXIT has none to store. */
static void shadow_keep(const struct vp_vtl *v, struct vmcb *vmcb)
{
	uint64_t code = vmcb->exit_code;

	if (vmcb->rip == v->arch.rip && code >= SVM_EXIT_INTR && code <= SVM_EXIT_VINTR)
		vmcb->interrupt_shadow = 1;
}

static inline void decode(struct vp *vp, struct svm_vp *s, struct vp_exit *exit)
{
	exit->byte_count = 0;
	if (unlikely((s->vmcb->exit_int_info & VMCB_EVENT_VALID) || s->step))
		decode_interrupted(vp, s, exit);
	else
		decode_row(vp, s, exit);
}

enum vp_outcome svm_exit(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	struct svm_vp *s = v->backend;
	struct vmcb *vmcb = s->vmcb;
	enum vp_outcome outcome;

	if (unlikely((uint32_t)vmcb->exit_code == SVM_EXIT_INVALID) &&
	    svm_entry_refused(vp, s, &vp->exit))
		return vp_exit_take(vp, v);
	if (unlikely(v->arch.shadow))
		shadow_keep(v, vmcb);
	v->arch.rip = vmcb->rip;
	v->arch.rflags = vmcb->rflags;
	vp->arch.gpr[GPR_RAX] = vmcb->rax;
	vp->arch.gpr[GPR_RSP] = vmcb->rsp; /* a refused entry may lose it */
	v->arch.shadow = vmcb->interrupt_shadow & 1;
	vmcb->clean = VMCB_CLEAN_ALL;
	vmcb->tlb_control = TLB_KEEP;
	vmcb->event_inject = 0;
	decode(vp, s, &vp->exit);
	/* A change of the space by another CPU kicks this one, which ends the next entry at once. */
	outcome = vp_exit_take(vp, v);
	if (likely(outcome == VP_ENTER))
		svm_resume_write(vp, v, vmcb);
	else
		svm_cr8_take(v, s);
	return outcome;
}

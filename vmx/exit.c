/* SPDX-License-Identifier: MIT */
/*
 * From VMX's exit reasons to the neutral exits of the model: one table, and a function for each
 * reason that carries more than its name. The processor gives no bytes of the instruction:
 * exit->byte_count stays 0, as it was made.
 */
#include "vmx.h"
#include <arch/cr.h>
#include <kernel/console.h>

#define VECTOR_DB  1u
#define VECTOR_NMI 2u
#define VECTOR_PF  14u
#define VECTOR_MC  18u
#define DR6_STATUS (MASK(4) | BIT(13) | BIT(14))

typedef void decode_function_t(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit);

struct exit_row {
	uint8_t kind;	     /* enum vp_exit_kind */
	bool is_instruction; /* next_rip comes from its length */
	decode_function_t *decode;
};

/* A reason that the table does not have, among them entries that failed (SDM 3C 27.8). */
static __cold void decode_failed(struct vmx_vp *s, struct vp_exit *exit, uint32_t reason)
{
	uint16_t basic = (uint16_t)reason;

	if (basic == VMX_MACHINE_CHECK) {
		exit->kind = VP_EXIT_MACHINE_CHECK;
		return;
	}
	exit->kind = VP_EXIT_FAILED;
	exit->code = reason;
	log_warn("vmx: %s, reason %u, qualification 0x%llx",
		 basic == VMX_ENTRY_GUEST_STATE ? "entry failed, guest state is not valid"
		 : basic == VMX_ENTRY_MSR_LOAD	? "entry failed, MSRs were not loaded"
		 : basic == VMX_TASK_SWITCH	? "a task switch, which is not supported"
						: "unexpected exit",
		 basic, (unsigned long long)vmcs_read(VMCS_EXIT_QUALIFICATION));
	if (reason & VMX_REASON_ENTRY_FAILED)
		vmx_launch_undo(s);
}

/* The IRET is run again, and only then are NMIs let through. */
static void iret_undo(struct vp *vp, uint64_t bits)
{
	if (!(bits & NMI_UNBLOCKED_BY_IRET) || (vmcs_read(VMCS_VECTORING_EVENT) & EVENT_INFO_VALID))
		return;
	vp_active(vp)->arch.nmi_masked = true;
}

/* #DB: DR6 is left for us to write, from the qualification (SDM 3C 28.2.1). */
static void debug_exception(const struct arch_vp_vtl *a, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t bits = vmcs_read(VMCS_EXIT_QUALIFICATION) & DR6_STATUS;

	exit->event.debug = (uint32_t)bits;
	if (a->work & WORK_DEBUG)
		return;
	if (s->dr_live) {
		__asm__ volatile("mov %%dr6, %0" : "=r"(s->dr6));
		s->dr6 |= bits;
		__asm__ volatile("mov %0, %%dr6" : : "r"(s->dr6));
	} else {
		s->dr6 |= bits;
	}
}

static void decode_exception(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint32_t info = (uint32_t)vmcs_read(VMCS_EXIT_EVENT);
	struct arch_vp_vtl *a = &vp_active(vp)->arch;

	iret_undo(vp, info);
	exit->event.vector = EVENT_INFO_VECTOR(info);
	exit->event.has_error = info & EVENT_INFO_ERROR_VALID;
	exit->event.length = (uint8_t)vmcs_read(VMCS_INSTRUCTION_LENGTH); /* (28.2.5) */
	exit->event.error = 0;
	if (exit->event.has_error)
		exit->event.error = (uint32_t)vmcs_read(VMCS_EXIT_EVENT_ERROR);
	switch (exit->event.vector) {
	case VECTOR_NMI:
		/* The host's; it is blocked until an IRET, so it is taken at once. */
		__asm__ volatile("int $2");
		exit->kind = VP_EXIT_INTERRUPT;
		break;
	case VECTOR_MC: exit->kind = VP_EXIT_MACHINE_CHECK; break;
	case VECTOR_DB:
		/* INT1 changes no DR6, and its handler returns behind it. */
		exit->event.debug = EXIT_DEBUG_INT1;
		if (EVENT_INFO_TYPE(info) == EVENT_INFO_ICEBP)
			a->rip += vmcs_read(VMCS_INSTRUCTION_LENGTH);
		else
			debug_exception(a, s, exit);
		break;
	case VECTOR_PF: cr2_write(vmcs_read(VMCS_EXIT_QUALIFICATION)); break; /* (28.2.1) */
	default: break;
	}
}

/* With EXIT_ACKNOWLEDGE the interrupt controller has been asked for the vector already. */
static void decode_interrupt(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t info = vmcs_read(VMCS_EXIT_EVENT);

	(void)vp;
	(void)s;
	(void)exit;
	vmx_stay_begin();
	if (info & EVENT_INFO_VALID)
		arch_interrupt_acknowledged(EVENT_INFO_VECTOR(info));
}

/* The timer stands at 0, and would exit again before the guest's next instruction. */
static void decode_stay_end(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	(void)exit;
	vmx_stay_begin();
}

static void decode_interrupt_window(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	vmx_cpu_control(s, CPU_INTERRUPT_WINDOW, false);
}

static void decode_nmi_window(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	vmx_cpu_control(s, CPU_NMI_WINDOW, false);
}

static void decode_threshold(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)exit;
	s->threshold = 0;
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
}

static void decode_cr(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	(void)vp;
	(void)s;
	exit->cr.number = CR_NUMBER(qualification);
	exit->cr.write = CR_TYPE(qualification) != CR_MOV_FROM;
	exit->cr.decoded = CR_TYPE(qualification) <= CR_MOV_FROM;
	exit->cr.gpr = CR_GPR(qualification);
}

/* The guest uses its debug registers: it gets them, and the instruction is run again. */
static void decode_dr(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	exit->cr.number = DR_NUMBER(qualification);
	exit->cr.write = !(qualification & DR_READ);
	if (guest_debug_owns(&vp_active(vp)->arch))
		return;
	exit->kind = VP_EXIT_NONE;
	vmx_dr_take(vp, s);
}

static void decode_port(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	(void)vp;
	(void)s;
	exit->port.port = IO_PORT(qualification);
	exit->port.size = IO_SIZE(qualification);
	exit->port.write = !(qualification & IO_IN);
	if (qualification & (IO_STRING | IO_REP))
		exit->kind = VP_EXIT_PORT_STRING;
}

static void decode_memory(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	(void)s;
	iret_undo(vp, qualification);
	exit->memory.gpa = vmcs_read(VMCS_GUEST_PHYSICAL);
	exit->memory.gva = qualification & EPT_GVA ? vmcs_read(VMCS_GUEST_LINEAR) : GVA_NONE;
	exit->memory.access = (qualification & EPT_PRESENT ? MEMORY_MAPPED : 0) |
			      (uint32_t)(qualification & EPT_WRITE) |
			      (uint32_t)(qualification & EPT_FETCH) << EPT_FETCH_SHIFT;
	if ((qualification & (EPT_GVA | EPT_FINAL)) == EPT_GVA)
		exit->memory.access |= MEMORY_WALK;
}

/* The APIC's registers: TPR is CR8. */
static void decode_msr(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)exit;
	vmx_cr8_take(vp_active(vp), s);
}

static void decode_table(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t information = vmcs_read(VMCS_INSTRUCTION_INFORMATION);
	uint32_t first = (uint16_t)vmcs_read(VMCS_EXIT_REASON) == VMX_GDTR_IDTR ? HV_NPIEP_SGDT
										: HV_NPIEP_SLDT;

	(void)vp;
	(void)s;
	exit->table.stores = (uint8_t)(information & TABLE_SECOND ? first << 1 : first);
	if (information & TABLE_LOAD)
		exit->table.stores = 0;
}

static void decode_tsc(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->tsc.with_aux = exit->tsc.either = false;
}

static void decode_tsc_and_aux(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->tsc.with_aux = true;
	exit->tsc.either = false;
}

static void decode_misconfiguration(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->code = vmcs_read(VMCS_GUEST_PHYSICAL);
	log_error("vmx: EPT misconfiguration at guest-physical 0x%llx",
		  (unsigned long long)exit->code);
}

static const struct exit_row rows[VMX_REASON_LIMIT] = {
	[VMX_EXCEPTION_OR_NMI] = {VP_EXIT_EXCEPTION, false, decode_exception},
	[VMX_EXTERNAL_INTERRUPT] = {VP_EXIT_INTERRUPT, false, decode_interrupt},
	[VMX_TRIPLE_FAULT] = {VP_EXIT_SHUTDOWN, false, NULL},
	[VMX_INTERRUPT_WINDOW] = {VP_EXIT_INTERRUPT_WINDOW, false, decode_interrupt_window},
	[VMX_NMI_WINDOW] = {VP_EXIT_NMI_WINDOW, false, decode_nmi_window},
	[VMX_CPUID] = {VP_EXIT_CPUID, true, NULL},
	[VMX_GETSEC] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_HLT] = {VP_EXIT_HALT, true, NULL},
	[VMX_INVD] = {VP_EXIT_CACHE, true, NULL},
	[VMX_RDPMC] = {VP_EXIT_PROTECTED, false, NULL},
	[VMX_RDTSC] = {VP_EXIT_TSC, true, decode_tsc},
	[VMX_RSM] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_VMCALL] = {VP_EXIT_HYPERCALL, true, NULL},
	[VMX_VMCLEAR... VMX_VMXON] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_CR_ACCESS] = {VP_EXIT_CR, true, decode_cr},
	[VMX_DR_ACCESS] = {VP_EXIT_DR, false, decode_dr},
	[VMX_IO] = {VP_EXIT_PORT, true, decode_port},
	[VMX_RDMSR] = {VP_EXIT_MSR_READ, true, decode_msr},
	[VMX_WRMSR] = {VP_EXIT_MSR_WRITE, true, decode_msr},
	[VMX_MWAIT] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_MONITOR] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_PAUSE] = {VP_EXIT_PAUSE, true, NULL},
	[VMX_TPR_BELOW_THRESHOLD] = {VP_EXIT_TPR, false, decode_threshold},
	[VMX_APIC_ACCESS] = {VP_EXIT_APIC_ACCESS, false, vmx_decode_apic_access},
	[VMX_VIRTUALIZED_EOI] = {VP_EXIT_EOI, false, vmx_decode_eoi},
	[VMX_GDTR_IDTR... VMX_LDTR_TR] = {VP_EXIT_TABLE, false, decode_table},
	[VMX_EPT_VIOLATION] = {VP_EXIT_MEMORY, false, decode_memory},
	[VMX_EPT_MISCONFIGURATION] = {VP_EXIT_FAILED, false, decode_misconfiguration},
	[VMX_INVEPT] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_RDTSCP] = {VP_EXIT_TSC, true, decode_tsc_and_aux},
	[VMX_PREEMPTION_TIMER] = {VP_EXIT_INTERRUPT, false, decode_stay_end},
	[VMX_INVVPID] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_WBINVD] = {VP_EXIT_CACHE, true, NULL},
	[VMX_XSETBV] = {VP_EXIT_XSETBV, true, NULL},
	[VMX_APIC_WRITE] = {VP_EXIT_APIC_WRITE, false, vmx_decode_apic_write},
	[VMX_RDRAND] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_INVPCID] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_RDSEED] = {VP_EXIT_UNDEFINED, false, NULL},
	[VMX_ENCLS] = {VP_EXIT_UNDEFINED, false, NULL},
};

/*
 * An event that was on its way (28.2.4) is delivered again. Software interrupts and exceptions are
 * not: RIP still points at their instruction.
 */
static __attribute__((noinline)) void reinject(struct vp_vtl *v, uint64_t info)
{
	uint64_t type = EVENT_INFO_TYPE(info);

	if (type > EVENT_INFO_EXCEPTION)
		return;
	v->arch.event.type = type == EVENT_INFO_INTERRUPT ? EVENT_INTERRUPT
			     : type == EVENT_INFO_NMI	  ? EVENT_NMI
							  : EVENT_EXCEPTION;
	v->arch.event.vector = EVENT_INFO_VECTOR(info);
	v->arch.event.has_error = info & EVENT_INFO_ERROR_VALID;
	v->arch.event.error = 0;
	if (v->arch.event.has_error)
		v->arch.event.error = (uint32_t)vmcs_read(VMCS_VECTORING_ERROR);
	v->arch.work |= WORK_EVENT;
	if (type == EVENT_INFO_NMI)
		v->arch.nmi_masked = false;
}

/* An exit that no instruction asked for. Apart, so that the others need no stack for it. */
static __attribute__((noinline)) void decode_unasked(struct vp *vp, struct vp_vtl *v,
						     struct vmx_vp *s, struct vp_exit *exit,
						     const struct exit_row *row)
{
	uint64_t vectoring = vmcs_read(VMCS_VECTORING_EVENT);

	if (vectoring & EVENT_INFO_VALID)
		reinject(v, vectoring);
	if (!row->kind)
		decode_failed(s, exit, (uint32_t)(row - rows));
	else if (row->decode)
		row->decode(vp, s, exit);
}

static __cold void blocking_take(struct vp *vp, struct vmx_vp *s)
{
	struct vp_vtl *v = vp_active(vp);
	bool stepped = s->blocked & BLOCKED_STEP;

	s->blocked = (uint32_t)vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	v->arch.shadow = !!(s->blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	v->arch.nmi_masked = s->blocked & BLOCKED_BY_NMI;
	if (stepped)
		vmx_step_left(vp);
}

static __cold __attribute__((noinline)) void decode_unknown(struct vp *vp, struct vmx_vp *s,
							    struct vp_exit *exit, uint32_t reason)
{
	blocking_take(vp, s);
	decode_failed(s, exit, reason);
}

static inline void decode(struct vp *vp, struct vp_vtl *v, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t reason = vmcs_read(VMCS_EXIT_REASON);
	const struct exit_row *row = &rows[reason];

	if (unlikely(reason >= VMX_REASON_LIMIT)) {
		decode_unknown(vp, s, exit, (uint32_t)reason);
		return;
	}
	__asm__("" : "+r"(row)); /* else its address is computed for each member */
	exit->kind = row->kind;
	if (unlikely(s->blocked != (uint32_t)vmcs_read(VMCS_GUEST_INTERRUPTIBILITY)))
		blocking_take(vp, s);
	if (!row->is_instruction) {
		decode_unasked(vp, v, s, exit, row);
		return;
	}
	exit->next_rip = v->arch.rip + vmcs_read(VMCS_INSTRUCTION_LENGTH);
	if (row->decode)
		row->decode(vp, s, exit);
}

enum vp_outcome vmx_exit(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	struct vmx_vp *s = v->backend;
	enum vp_outcome outcome;

	v->arch.rip = vmcs_read(VMCS_GUEST_RIP);
	v->arch.rflags = s->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	decode(vp, v, s, &vp->exit);
	/* A change of the space by another CPU kicks this one, which ends the next entry at once. */
	outcome = vp_exit_take(vp, v);
	if (likely(outcome == VP_ENTER))
		vmx_resume_write(v, s);
	return outcome;
}

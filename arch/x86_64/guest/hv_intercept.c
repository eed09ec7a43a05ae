/* SPDX-License-Identifier: MIT */
/*
 * The last exit of a VP as an intercept message (TLFS, "HV_MESSAGE_TYPE"). A table by kind of exit; what is
 * in none is no intercept.
 */
#include "cpuid.h"
#include "guest.h"
#include <arch/cr.h>
#include <arch/fpu.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <trivet/hv/intercept.h>

struct source {
	struct vp *vp;
	const struct vp_exit *exit;
	struct guest_state state;
};

/* @payload is zeroed, and begins with the header, which is filled in. */
typedef uint32_t filler_t(const struct source *from, void *payload);

static uint8_t bytes_copy(const struct source *from, uint8_t bytes[16])
{
	memcpy(bytes, from->exit->bytes, from->exit->byte_count);
	return from->exit->byte_count;
}

static uint32_t fill_port(const struct source *from, void *payload)
{
	const struct vp_exit *exit = from->exit;
	const uint64_t *gpr = from->vp->arch.gpr;
	struct hv_x64_io_port_intercept *m = payload;

	m->header.access = exit->port.write ? HV_INTERCEPT_WRITE : HV_INTERCEPT_READ;
	m->port = exit->port.port;
	m->access_info = exit->port.size;
	if (exit->kind == VP_EXIT_PORT_STRING)
		m->access_info |= HV_PORT_ACCESS_STRING;
	m->byte_count = bytes_copy(from, m->bytes);
	m->rax = gpr[GPR_RAX];
	m->ds = from->state.segment[SEGMENT_DS];
	m->es = from->state.segment[SEGMENT_ES];
	m->rcx = gpr[GPR_RCX];
	m->rsi = gpr[GPR_RSI];
	m->rdi = gpr[GPR_RDI];
	return HV_MESSAGE_X64_IO_PORT_INTERCEPT;
}

static uint32_t fill_memory(const struct source *from, void *payload)
{
	uint32_t access = from->exit->memory.access;
	struct hv_x64_memory_intercept *m = payload;

	m->header.access = access & MEMORY_WRITE   ? HV_INTERCEPT_WRITE
			   : access & MEMORY_FETCH ? HV_INTERCEPT_EXECUTE
						   : HV_INTERCEPT_READ;
	m->cache_type = HV_CACHE_WRITE_BACK;
	m->byte_count = bytes_copy(from, m->bytes);
	m->tpr_priority = vp_arch(from->vp)->cr8;
	m->gpa = from->exit->memory.gpa;
	if (from->exit->memory.gva != GVA_NONE) {
		m->access_info = HV_MEMORY_ACCESS_GVA_VALID;
		m->gva = from->exit->memory.gva;
	}
	return access & MEMORY_MAPPED ? HV_MESSAGE_GPA_INTERCEPT : HV_MESSAGE_UNMAPPED_GPA;
}

static uint32_t fill_msr(const struct source *from, void *payload)
{
	const uint64_t *gpr = from->vp->arch.gpr;
	struct hv_x64_msr_intercept *m = payload;

	if (from->exit->kind == VP_EXIT_MSR_WRITE)
		m->header.access = HV_INTERCEPT_WRITE;
	m->msr = (uint32_t)gpr[GPR_RCX];
	m->rdx = gpr[GPR_RDX];
	m->rax = gpr[GPR_RAX];
	return HV_MESSAGE_X64_MSR_INTERCEPT;
}

static uint32_t fill_cpuid(const struct source *from, void *payload)
{
	const uint64_t *gpr = from->vp->arch.gpr;
	struct hv_x64_cpuid_intercept *m = payload;
	uint32_t out[4];

	guest_cpuid_query(from->vp, (uint32_t)gpr[GPR_RAX], (uint32_t)gpr[GPR_RCX], out);
	m->header.access = HV_INTERCEPT_EXECUTE;
	m->rax = gpr[GPR_RAX];
	m->rcx = gpr[GPR_RCX];
	m->rdx = gpr[GPR_RDX];
	m->rbx = gpr[GPR_RBX];
	m->default_rax = out[CPUID_EAX];
	m->default_rcx = out[CPUID_ECX];
	m->default_rdx = out[CPUID_EDX];
	m->default_rbx = out[CPUID_EBX];
	return HV_MESSAGE_X64_CPUID_INTERCEPT;
}

static uint32_t fill_hypercall(const struct source *from, void *payload)
{
	const uint64_t *gpr = from->vp->arch.gpr;
	struct hv_x64_hypercall_intercept *m = payload;
	unsigned int i;

	m->header.access = HV_INTERCEPT_EXECUTE;
	m->rax = gpr[GPR_RAX];
	m->rbx = gpr[GPR_RBX];
	m->rcx = gpr[GPR_RCX];
	m->rdx = gpr[GPR_RDX];
	m->r8 = gpr[GPR_R8];
	m->rsi = gpr[GPR_RSI];
	m->rdi = gpr[GPR_RDI];
	for (i = 0; i < ARRAY_SIZE(m->xmm); i++)
		memcpy(m->xmm[i], fpu_xmm(&from->vp->arch.fpu, i), sizeof(m->xmm[i]));
	return HV_MESSAGE_HYPERCALL_INTERCEPT;
}

static uint32_t fill_shutdown(const struct source *from, void *payload)
{
	(void)from;
	(void)payload;
	return HV_MESSAGE_UNRECOVERABLE_EXCEPTION;
}

static const struct {
	filler_t *fill;
	uint8_t size;
} rows[VP_EXIT_KINDS] = {
	[VP_EXIT_PORT] = {fill_port, sizeof(struct hv_x64_io_port_intercept)},
	[VP_EXIT_PORT_STRING] = {fill_port, sizeof(struct hv_x64_io_port_intercept)},
	[VP_EXIT_MEMORY] = {fill_memory, sizeof(struct hv_x64_memory_intercept)},
	[VP_EXIT_APIC_ACCESS] = {fill_memory, sizeof(struct hv_x64_memory_intercept)},
	[VP_EXIT_MSR_READ] = {fill_msr, sizeof(struct hv_x64_msr_intercept)},
	[VP_EXIT_MSR_WRITE] = {fill_msr, sizeof(struct hv_x64_msr_intercept)},
	[VP_EXIT_CPUID] = {fill_cpuid, sizeof(struct hv_x64_cpuid_intercept)},
	[VP_EXIT_HYPERCALL] = {fill_hypercall, sizeof(struct hv_x64_hypercall_intercept)},
	[VP_EXIT_SHUTDOWN] = {fill_shutdown, sizeof(struct hv_x64_intercept_header)},
};

static uint16_t execution_state(const struct source *from)
{
	const struct arch_vp_vtl *a = vp_arch(from->vp);
	const struct guest_state *state = &from->state;
	uint16_t dpl = state->segment[SEGMENT_SS].attributes & HV_SEGMENT_DPL_MASK;

	return (uint16_t)(dpl >> HV_SEGMENT_DPL_SHIFT |
			  (state->cr0 & CR0_PE ? HV_EXECUTION_PE : 0) |
			  (state->cr0 & CR0_AM ? HV_EXECUTION_AM : 0) |
			  (state->efer & EFER_LMA ? HV_EXECUTION_LMA : 0) |
			  (a->work & WORK_DEBUG ? HV_EXECUTION_DEBUG_ACTIVE : 0) |
			  (a->work & WORK_EVENT ? HV_EXECUTION_INTERRUPTION_PENDING : 0) |
			  from->vp->active_vtl << HV_EXECUTION_VTL_SHIFT |
			  (a->shadow ? HV_EXECUTION_INTERRUPT_SHADOW : 0));
}

/* The length of an instruction that waits for the VMM's answer; others are done, or need to be decoded. */
static uint8_t instruction_length(const struct arch_vp_vtl *a)
{
	switch (a->waiting) {
	case WAITING_NONE:
	case WAITING_EMULATE: return 0;
	default: return (uint8_t)(a->next_rip - a->rip) & 0xf;
	}
}

static void header_fill(const struct source *from, struct hv_x64_intercept_header *header)
{
	const struct arch_vp_vtl *a = vp_arch(from->vp);

	header->vp_index = from->vp->index;
	header->length_and_cr8 = (uint8_t)(instruction_length(a) | a->cr8 << 4);
	header->execution_state = execution_state(from);
	header->cs = from->state.segment[SEGMENT_CS];
	header->rip = a->rip;
	header->rflags = a->rflags;
}

status_t arch_vp_intercept(struct vp *vp, struct hv_message *message)
{
	struct source from = {.vp = vp, .exit = &vp->exit};
	uint32_t kind = vp->exit.kind;

	if (!rows[kind].fill)
		return STATUS_NOT_FOUND;
	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS | STATE_CONTROL, &from.state);
	memset(message, 0, sizeof(*message));
	header_fill(&from, (struct hv_x64_intercept_header *)message->payload);
	message->type = rows[kind].fill(&from, message->payload);
	message->payload_size = rows[kind].size;
	return STATUS_OK;
}

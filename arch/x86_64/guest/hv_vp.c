/* SPDX-License-Identifier: MIT */
/* What hypercalls ask of x86 VPs by their index: to start, or an interrupt. */
#include "apic_bus.h"
#include "guest.h"
#include <kernel/hypercall.h>

/* ---- HvCallStartVirtualProcessor ---- */

struct start {
	uint32_t vtl;
	const struct hv_initial_vp_context *context;
	status_t status;
};

static void segments_load(struct guest_state *state, const struct hv_initial_vp_context *c)
{
	state->segment[SEGMENT_CS] = c->cs;
	state->segment[SEGMENT_DS] = c->ds;
	state->segment[SEGMENT_ES] = c->es;
	state->segment[SEGMENT_FS] = c->fs;
	state->segment[SEGMENT_GS] = c->gs;
	state->segment[SEGMENT_SS] = c->ss;
	state->segment[SEGMENT_TR] = c->tr;
	state->segment[SEGMENT_LDTR] = c->ldtr;
	state->idtr = c->idtr;
	state->gdtr = c->gdtr;
}

/* The rest is as INIT left it. */
static void context_load(struct guest_registers *r, const struct hv_initial_vp_context *c)
{
	segments_load(&r->state, c);
	r->rip = c->rip;
	r->rflags = c->rflags;
	r->gpr[GPR_RSP] = c->rsp;
	r->state.efer = c->efer;
	r->state.cr0 = c->cr0;
	r->state.cr3 = c->cr3;
	r->state.cr4 = c->cr4;
	r->state.pat = c->pat;
	r->activity.activity = VP_RUNNING_ACTIVE;
}

static void vp_start(struct vp *vp, void *argument)
{
	struct start *start = argument;
	struct guest_registers r;

	start->status = STATUS_WRONG_STATE;
	if (vp->vtl[start->vtl]->arch.activity != ACTIVITY_WAIT_FOR_SIPI ||
	    (atomic_load(&vp->requests) & VP_REQUEST_INIT))
		return;
	guest_registers_get(vp, start->vtl, &r);
	context_load(&r, start->context);
	start->status = guest_registers_set(vp, start->vtl, &r);
}

status_t arch_vp_start(struct vp *vp, uint32_t vtl, const void *context)
{
	struct start start = {.vtl = vtl, .context = context};

	if (vp_call(vp, vp_start, &start) != STATUS_OK)
		return STATUS_BUSY;
	if (start.status == STATUS_OK)
		vp_request(vp, VP_REQUEST_INTERRUPT); /* that it looks */
	return start.status;
}

bool arch_device_vectors_valid(const struct partition *partition, uint32_t first, uint32_t count)
{
	(void)partition;
	return first >= HV_IPI_VECTOR_FIRST && first <= HV_IPI_VECTOR_LAST &&
	       first + (count - 1) <= HV_IPI_VECTOR_LAST;
}

/* Others reach beyond the VP, or ask something of it. */
bool arch_register_is_plain(uint32_t name)
{
	return name != HV_X64_REGISTER_APIC_BASE && name != HV_X64_REGISTER_TSC;
}

/* ---- HvCallAssertVirtualInterrupt ---- */

static status_t lint_assert(struct partition *partition, uint32_t vtl, uint32_t id, unsigned int n)
{
	uint32_t index;

	if (!guest_apic_index(&partition->config, id, &index))
		return STATUS_INVALID_ARGUMENT;
	guest_lapic_pulse_lint(partition->vps[index], vtl, n);
	return STATUS_OK;
}

/* Nobody is told of a wrong vector, as nothing is sent. */
status_t arch_assert_interrupt(struct partition *partition, uint32_t vtl, uint64_t control,
			       uint64_t destination, uint32_t vector)
{
	uint32_t type = HV_INTERRUPT_TYPE(control);
	const struct apic_message message = {
		.source = APIC_NO_SOURCE,
		.destination = (uint32_t)destination,
		.vector = (uint8_t)vector,
		.delivery = (uint8_t)type,
		.logical = control & HV_INTERRUPT_LOGICAL,
		.wide = destination > UINT8_MAX,
		.level = control & HV_INTERRUPT_LEVEL,
		.asserted = true,
	};

	if ((control & HV_INTERRUPT_RESERVED) || destination > UINT32_MAX || vector > UINT8_MAX)
		return STATUS_INVALID_ARGUMENT;
	if (type - HV_INTERRUPT_LINT0 < 2)
		return lint_assert(partition, vtl, (uint32_t)destination,
				   type - HV_INTERRUPT_LINT0);
	if (type > APIC_EXTINT || (type <= APIC_LOWEST && vector < HV_IPI_VECTOR_FIRST))
		return STATUS_INVALID_ARGUMENT;
	return apic_bus_send(partition, vtl, &message);
}

uint64_t arch_processor_vendor(const struct partition *partition)
{
	return guest_cpuid_is_amd(partition) ? 0 : 1;
}

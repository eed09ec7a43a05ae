/* SPDX-License-Identifier: MIT */
/* What hypercalls do (TLFS, "Hypercall Reference"). */
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/partition_arch.h>

/* HV_INPUT_VTL: one's own, or a lower one. */
static uint16_t vtl_decode(const struct hypercall *call, uint8_t input, uint32_t *vtl)
{
	*vtl = input & HV_INPUT_VTL_USE ? HV_INPUT_VTL_TARGET(input) : call->vtl;
	if (input & HV_INPUT_VTL_RESERVED)
		return HV_INVALID_PARAMETER;
	return *vtl > call->vtl ? HV_ACCESS_DENIED : HV_SUCCESS;
}

/* ---- translations ---- */

struct targets {
	struct partition *partition;
	bool all;
	uint64_t mask;
};

static struct vp *target(const struct targets *t, uint32_t index)
{
	if (t->all || (index < 64 && (t->mask >> index & 1)))
		return t->partition->vps[index];
	return NULL;
}

/* A VP drops its translations before it runs the guest again: one that does so now is made to, others
 * need not be waited for. */
static void targets_flush(const struct targets *t)
{
	struct cpu *cpu;
	struct vp *vp;
	uint32_t i;

	for (i = 0; i < t->partition->vp_count; i++) {
		vp = target(t, i);
		if (!vp)
			continue;
		atomic_fetch_or(&vp->requests, VP_REQUEST_FLUSH);
		cpu = atomic_load(&vp->cpu);
		if (cpu)
			arch_cpu_kick(cpu);
	}
	for (i = 0; i < t->partition->vp_count; i++) {
		vp = target(t, i);
		while (vp && atomic_load(&vp->cpu) &&
		       (atomic_load(&vp->requests) & VP_REQUEST_FLUSH))
			cpu_wait(this_cpu());
	}
}

/* All translations go, of all address spaces: more than was asked for is allowed. Bits of the mask that
 * are no VP's mean nothing. */
uint16_t hypercall_flush(struct hypercall *call, const void *header, const void *in, void *out)
{
	uint64_t known = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_SPACES | HV_FLUSH_NON_GLOBAL_ONLY;
	const struct hv_flush_input *input = header;
	const struct targets targets = {
		.partition = call->vp->partition,
		.all = input->flags & HV_FLUSH_ALL_PROCESSORS,
		.mask = input->processor_mask,
	};

	(void)in;
	(void)out;
	/* Of a list, global ones are meant too. */
	if (HV_CALL_CODE(call->control) == HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST)
		known &= ~HV_FLUSH_NON_GLOBAL_ONLY;
	if (input->flags & ~known)
		return HV_INVALID_PARAMETER;
	targets_flush(&targets);
	return HV_SUCCESS;
}

/* ---- scheduling ---- */

uint16_t hypercall_long_spin(struct hypercall *call, const void *header, const void *in, void *out)
{
	(void)header;
	(void)in;
	(void)out;
	call->yield = true;
	return HV_SUCCESS;
}

/* ---- VPs and their registers ---- */

struct register_read {
	uint32_t vtl, name;
	union hv_register_value *value;
	status_t status;
};

static void register_read(struct vp *vp, void *argument)
{
	struct register_read *r = argument;

	r->status = arch_hv_register_get(vp, r->vtl, r->name, r->value);
	if (r->status == STATUS_INVALID_REGISTER)
		r->status = arch_vp_get_registers(vp, r->vtl, &r->name, r->value, 1);
}

static uint16_t status_of(status_t status)
{
	switch (status) {
	case STATUS_OK: return HV_SUCCESS;
	case STATUS_BUSY: return HYPERCALL_BUSY;
	case STATUS_INVALID_REGISTER: return HV_INVALID_PARAMETER;
	default: return HV_INVALID_REGISTER_VALUE;
	}
}

static uint16_t registers_decode(const struct hypercall *call,
				 const struct hv_registers_input *input, struct vp **vp,
				 uint32_t *vtl)
{
	uint16_t status = vtl_decode(call, input->target_vtl, vtl);

	if (input->partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	*vp = input->vp_index == HV_VP_INDEX_SELF
		      ? call->vp
		      : partition_vp(call->vp->partition, input->vp_index);
	return *vp ? status : HV_INVALID_VP_INDEX;
}

uint16_t hypercall_get_register(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	struct register_read r = {.name = *(const uint32_t *)in, .value = out};
	struct vp *vp;
	uint16_t status = registers_decode(call, header, &vp, &r.vtl);

	if (status != HV_SUCCESS)
		return status;
	if (vp == call->vp)
		register_read(vp, &r);
	else if (vp_call(vp, register_read, &r) != STATUS_OK)
		return HYPERCALL_BUSY;
	return status_of(r.status);
}

/* Of the caller alone: another VP would have to be stopped for it. */
uint16_t hypercall_set_register(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	const struct hv_register_assoc *a = in;
	struct vp *vp;
	uint32_t vtl;
	status_t status;
	uint16_t wrong = registers_decode(call, header, &vp, &vtl);

	(void)out;
	if (wrong != HV_SUCCESS)
		return wrong;
	if (vp != call->vp)
		return HV_INVALID_VP_STATE;
	status = arch_hv_register_set(vp, vtl, a->name, a->value.low);
	if (status == STATUS_INVALID_REGISTER)
		status = arch_vp_set_registers(vp, vtl, &a->name, &a->value, 1);
	return status_of(status);
}

uint16_t hypercall_vp_index(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_vp_index_input *input = header;
	uint32_t vtl;
	uint16_t status = vtl_decode(call, input->target_vtl, &vtl);

	if (input->partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	if (status == HV_SUCCESS && !arch_vp_index(call->vp->partition, *(const uint32_t *)in, out))
		return HV_INVALID_PARAMETER;
	return status;
}

/* None of the extended ones. */
uint16_t hypercall_capabilities(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	(void)call;
	(void)header;
	(void)in;
	*(uint64_t *)out = 0;
	return HV_SUCCESS;
}

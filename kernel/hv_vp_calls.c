/* SPDX-License-Identifier: MIT */
/* Hypercalls about VPs of one's own partition: registers, translations, starting them. */
#include <kernel/hv_registers.h>
#include <kernel/hypercall.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>

static uint16_t status_of(status_t status)
{
	switch (status) {
	case STATUS_OK: return HV_SUCCESS;
	case STATUS_BUSY: return HYPERCALL_BUSY;
	case STATUS_INVALID_REGISTER: return HV_INVALID_PARAMETER;
	case STATUS_WRONG_STATE: return HV_INVALID_VP_STATE;
	default: return HV_INVALID_REGISTER_VALUE;
	}
}

/* NULL: there is none. */
static struct vp *vp_find(const struct hypercall *call, uint32_t index)
{
	return index == HV_VP_INDEX_SELF ? call->vp : partition_vp(call->vp->partition, index);
}

static uint16_t vp_decode(const struct hypercall *call, uint64_t partition_id, uint32_t index,
			  uint8_t target_vtl, struct vp **vp, uint32_t *vtl)
{
	uint16_t status = hypercall_vtl(call, target_vtl, vtl);

	if (partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	*vp = vp_find(call, index);
	return *vp ? status : HV_INVALID_VP_INDEX;
}

/* ---- registers ---- */

struct register_access {
	uint32_t vtl, name;
	union hv_register_value *value;
	status_t status;
};

static void register_read(struct vp *vp, void *argument)
{
	struct register_access *r = argument;

	r->status = hv_register_get(vp, r->vtl, r->name, r->value);
	if (r->status == STATUS_INVALID_REGISTER)
		r->status = arch_vp_get_registers(vp, r->vtl, &r->name, r->value, 1);
}

static void register_write(struct vp *vp, void *argument)
{
	struct register_access *r = argument;

	r->status = arch_vp_set_registers(vp, r->vtl, &r->name, r->value, 1);
}

/* Another VP's where that may be touched. */
static status_t register_access(const struct hypercall *call, struct vp *vp,
				void (*function)(struct vp *vp, void *argument),
				struct register_access *r)
{
	if (vp == call->vp)
		function(vp, r);
	else if (vp_call(vp, function, r) != STATUS_OK)
		return STATUS_BUSY;
	return r->status;
}

/* What the caller has of the interface itself is at hand while its CPU has it. */
static uint16_t register_get(const struct hypercall *call, struct vp *vp, struct register_access *r)
{
	if (!call->outside) {
		if (vp == call->vp && hv_register_get(vp, r->vtl, r->name, r->value) == STATUS_OK)
			return HV_SUCCESS;
		return HYPERCALL_LEAVE;
	}
	return status_of(register_access(call, vp, register_read, r));
}

uint16_t hypercall_get_register(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	const struct hv_registers_input *input = header;
	struct register_access r = {.name = *(const uint32_t *)in, .value = out};
	struct vp *vp;
	uint16_t status = vp_decode(call, input->partition_id, input->vp_index, input->target_vtl,
				    &vp, &r.vtl);

	return status == HV_SUCCESS ? register_get(call, vp, &r) : status;
}

static status_t processor_set(const struct hypercall *call, struct vp *vp,
			      struct register_access *r)
{
	bool own = vp == call->vp;
	status_t status;

	if (!own && !arch_register_is_plain(r->name))
		return STATUS_WRONG_STATE;
	status = register_access(call, vp, register_write, r);
	/* What it waits for may have come with that. */
	if (!own && status == STATUS_OK)
		vp_request(vp, VP_REQUEST_INTERRUPT);
	return status;
}

/* Of another VP only what is the partition's, and places a page of it: with the rest its own CPU works. */
static uint16_t register_set(struct hypercall *call, struct vp *vp, struct register_access *r)
{
	const struct hv_register_row *row = hv_register_find(vp, r->name);
	bool interface = row && row->set;

	if (!call->outside && (!interface || row->places))
		return HYPERCALL_LEAVE;
	if (!interface)
		return status_of(processor_set(call, vp, r));
	if (vp != call->vp && !row->shared)
		return HV_INVALID_VP_STATE;
	call->woke |= row == &hv_register_rows[HV_ROW_CRASH];
	return status_of(hv_register_put(vp, r->vtl, row, r->name, r->value->low));
}

uint16_t hypercall_set_register(struct hypercall *call, const void *header, const void *in,
				void *out)
{
	const struct hv_registers_input *input = header;
	const struct hv_register_assoc *a = in;
	union hv_register_value value = a->value;
	struct register_access r = {.name = a->name, .value = &value};
	struct vp *vp;
	uint16_t status = vp_decode(call, input->partition_id, input->vp_index, input->target_vtl,
				    &vp, &r.vtl);

	(void)out;
	return status == HV_SUCCESS ? register_set(call, vp, &r) : status;
}

/* ---- translations ---- */

#define PAGE_FAULT 14u

/* What an access would raise (HV_X64_PENDING_EXCEPTION_EVENT). */
static void event_put(struct hv_translate_ex_output *output, uint64_t gva, uint32_t error)
{
	output->event[0] = HV_EVENT0_PENDING | HV_EVENT0_ERROR |
			   PAGE_FAULT << HV_INTERRUPTION_VECTOR_SHIFT |
			   (uint64_t)error << HV_INTERRUPTION_CODE_SHIFT;
	output->event[1] = gva;
}

static void translation_put(const struct hypercall *call, const struct hv_translate_input *input,
			    const struct hv_translate_output *found, uint32_t error, void *out)
{
	struct hv_translate_ex_output *ex = out;

	if (HV_CALL_CODE(call->control) == HV_CALL_TRANSLATE_VIRTUAL_ADDRESS ||
	    ARCH_HV_TRANSLATION_EX_SIZE == sizeof(*found)) {
		*(struct hv_translate_output *)out = *found;
		return;
	}
	ex->result = found->result;
	ex->gpa_page = found->gpa_page;
	if (found->result.code && found->result.code <= HV_TRANSLATE_INVALID_FLAGS)
		event_put(ex, input->gva_page << PAGE_SHIFT, error);
}

/* That it is not translated is an answer, and no failure. */
uint16_t hypercall_translate(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_translate_input *input = header;
	uint64_t smap = HV_TRANSLATE_ENFORCE_SMAP | HV_TRANSLATE_OVERRIDE_SMAP;
	uint64_t flags = input->flags & MASK(HV_TRANSLATE_VTL_SHIFT);
	struct hv_translate_output found = {0};
	uint32_t vtl, error = 0;
	struct vp *vp;
	uint16_t status = vp_decode(call, input->partition_id, input->vp_index,
				    input->flags >> HV_TRANSLATE_VTL_SHIFT, &vp, &vtl);

	(void)in;
	if (status != HV_SUCCESS)
		return status;
	if ((flags & ~ARCH_HV_TRANSLATE_KNOWN) || (flags & smap) == smap ||
	    input->gva_page >> (64 - PAGE_SHIFT))
		return HV_INVALID_PARAMETER;
	if (arch_translate(vp, vtl, input, vp == call->vp, &found, &error) != STATUS_OK)
		return HYPERCALL_BUSY;
	translation_put(call, input, &found, error, out);
	return HV_SUCCESS;
}

/* ---- starting, finding ---- */

uint16_t hypercall_start_vp(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_start_vp_input *input = header;
	struct vp *vp;
	uint32_t vtl;
	uint16_t status =
		vp_decode(call, input->partition_id, input->vp_index,
			  HV_INPUT_VTL_USE | HV_INPUT_VTL_TARGET(input->target_vtl), &vp, &vtl);

	(void)in;
	(void)out;
	if (status == HV_SUCCESS && input->target_vtl != vtl)
		return HV_INVALID_PARAMETER;
	return status == HV_SUCCESS ? status_of(arch_vp_start(vp, vtl, &input->context)) : status;
}

uint16_t hypercall_vp_index(struct hypercall *call, const void *header, const void *in, void *out)
{
	const struct hv_vp_index_input *input = header;
	uint64_t id = 0;
	uint32_t vtl;
	uint16_t status = hypercall_vtl(call, input->target_vtl, &vtl);

	if (input->partition_id != HV_PARTITION_ID_SELF)
		return HV_ACCESS_DENIED;
	memcpy(&id, in, ARCH_HV_PROCESSOR_ID_SIZE);
	if (status == HV_SUCCESS && !arch_vp_index(call->vp->partition, id, out))
		return HV_INVALID_PARAMETER;
	return status;
}

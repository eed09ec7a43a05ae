/* SPDX-License-Identifier: MIT */
/* Hypercalls that drop translations of other VPs (TLFS, "Virtual MMU"). */
#include <kernel/cpu.h>
#include <kernel/hypercall.h>
#include <kernel/vp_set.h>

static struct vp *vp_of(const struct partition *partition, const struct vp_set *set,
			uint32_t *index)
{
	*index = vp_set_next(set, *index, partition->vp_count);
	return *index < partition->vp_count ? partition->vps[*index] : NULL;
}

/* A VP drops its translations before it runs the guest again: one that does so now is made to, others
 * need not be waited for. */
static void set_flush(const struct partition *partition, const struct vp_set *set)
{
	struct cpu *cpu;
	struct vp *vp;
	uint32_t i;

	for (i = 0; (vp = vp_of(partition, set, &i)); i++) {
		atomic_fetch_or(&vp->requests, VP_REQUEST_FLUSH);
		cpu = atomic_load(&vp->cpu);
		if (cpu)
			arch_cpu_kick(cpu);
	}
	for (i = 0; (vp = vp_of(partition, set, &i)); i++)
		while (atomic_load(&vp->cpu) && (atomic_load(&vp->requests) & VP_REQUEST_FLUSH))
			cpu_wait(this_cpu());
}

/* All translations go, of all address spaces: more than was asked for is allowed. Bits of a set that
 * are no VP's mean nothing. */
static uint16_t flush(const struct hypercall *call, uint64_t flags, bool list, struct vp_set *set)
{
	uint64_t known = HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_SPACES | HV_FLUSH_NON_GLOBAL_ONLY;

	/* Of a list, global ones are meant too. */
	if (list)
		known &= ~HV_FLUSH_NON_GLOBAL_ONLY;
	if (flags & ~known)
		return HV_INVALID_PARAMETER;
	set->all |= !!(flags & HV_FLUSH_ALL_PROCESSORS);
	set_flush(call->vp->partition, set);
	return HV_SUCCESS;
}

uint16_t hypercall_flush(struct hypercall *call, const void *header, const void *in, void *out)
{
	bool list = HV_CALL_CODE(call->control) == HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST;
	const struct hv_flush_input *input = header;
	struct vp_set set = vp_set_of_mask(&input->processor_mask);

	(void)in;
	(void)out;
	return flush(call, input->flags, list, &set);
}

uint16_t hypercall_flush_ex(struct hypercall *call, const void *header, const void *in, void *out)
{
	bool list = HV_CALL_CODE(call->control) == HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX;
	const struct hv_flush_ex_input *input = header;
	struct vp_set set;

	(void)in;
	(void)out;
	if (!vp_set_decode(&input->processors, call->variable, &set))
		return HV_INVALID_PARAMETER;
	return flush(call, input->flags, list, &set);
}

/* "Can only be used" with nesting, and there is none. */
uint16_t hypercall_flush_physical(struct hypercall *call, const void *header, const void *in,
				  void *out)
{
	const struct hv_flush_physical_input *input = header;

	(void)call;
	(void)in;
	(void)out;
	return input->flags ? HV_INVALID_PARAMETER : HV_OPERATION_DENIED;
}

/* SPDX-License-Identifier: MIT */
/*
 * The x86 processor of a VP from power-on: reset, INIT and start-up as the manuals give them
 * (SDM 3A table 10-1, APM 2 14.1), and its way to a CPU and from it.
 */
#include "apic_page.h"
#include "guest.h"
#include "npiep.h"
#include "outside.h"
#include "store_exit.h"
#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/state.h>
#include <kernel/string.h>

#define MSR_TSC_AUX	0xc0000103u
#define CPUID_FEATURES	1u
#define RESET_CS_BASE	0xffff0000u
#define RESET_CS	0xf000u
#define ATTRIBUTES_CODE 0x009bu
#define ATTRIBUTES_DATA 0x0093u
#define ATTRIBUTES_LDT	0x0082u
#define ATTRIBUTES_TSS	0x008bu
#define RESET_LIMIT	0xffffu
#define XAPIC_ID_MAX	254u /* 8 bits, and 255 is everybody */

__cold status_t arch_partition_create(struct partition *partition)
{
	const struct proto_partition_config *config = &partition->config;

	/* Ids grow with the index, and have gaps where counts are no powers of two. */
	if (config->apic_mode == APIC_MODE_XAPIC &&
	    guest_apic_id(config, config->vp_count - 1) > XAPIC_ID_MAX)
		return STATUS_TOO_LARGE;
	partition->arch.user_apic = config->flags & PARTITION_USER_MODE_APIC;
	return STATUS_OK;
}

__cold status_t arch_partition_build(struct partition *partition, const struct cpuid_leaf *leaves,
				     uint32_t leaf_count)
{
	status_t status = guest_cpuid_build(partition, leaves, leaf_count);

	if (status != STATUS_OK)
		return status;
	partition->arch.tsc_offset = 0 - timestamp_read();
	return STATUS_OK;
}

/* The VPs' TSCs begin at 0 again. */
__cold status_t arch_partition_reset(struct partition *partition)
{
	arch_partition_tsc_set(partition, 0, 0);
	partition->arch.tsc_offset = 0 - timestamp_read(); /* its time may stand still */
	return STATUS_OK;
}

__cold void arch_partition_destroy(struct partition *partition)
{
	guest_cpuid_destroy(partition);
}

__cold status_t arch_vp_create(struct vp *vp)
{
	static _Atomic uint64_t last_number;
	void *area = heap_alloc(vp->partition->heap, xsave_area_size);

	vp->arch.number = atomic_fetch_add(&last_number, 1) + 1;
	if (!area)
		return STATUS_NO_MEMORY;
	fpu_state_init(&vp->arch.fpu, area);
	vp->vtl[0]->arch.lapic.page = page_alloc(vp->partition->heap, 0);
	if (!vp->vtl[0]->arch.lapic.page)
		return STATUS_NO_MEMORY;
	guest_lapic_create(vp, 0);
	return vp->index == 0 ? guest_apic_page_create(vp->partition) : STATUS_OK;
}

__cold void arch_vp_destroy(struct vp *vp)
{
	struct vp_vtl *v = vp->vtl[0];

	if (v)
		guest_store_forget(vp, 0);
	if (v && v->arch.lapic.page)
		page_free(vp->partition->heap, v->arch.lapic.page, 0);
	if (vp->index == 0)
		guest_apic_page_destroy(vp->partition);
	if (vp->arch.fpu.area)
		heap_free(vp->partition->heap, vp->arch.fpu.area, xsave_area_size);
	vp->arch.fpu.area = NULL;
}

static __cold void segments_reset(struct guest_state *state)
{
	const struct hv_x64_segment_register data = {
		.limit = RESET_LIMIT,
		.attributes = ATTRIBUTES_DATA,
	};
	unsigned int i;

	for (i = 0; i < SEGMENT_COUNT; i++)
		state->segment[i] = data;
	state->segment[SEGMENT_CS].base = RESET_CS_BASE;
	state->segment[SEGMENT_CS].selector = RESET_CS;
	state->segment[SEGMENT_CS].attributes = ATTRIBUTES_CODE;
	state->segment[SEGMENT_LDTR].attributes = ATTRIBUTES_LDT;
	state->segment[SEGMENT_TR].attributes = ATTRIBUTES_TSS;
	state->gdtr = state->idtr = (struct hv_x64_table_register){.limit = RESET_LIMIT};
}

__cold void guest_state_reset(struct guest_state *state, uint64_t cache_bits)
{
	segments_reset(state);
	state->cr0 = CR0_ET | cache_bits;
	state->cr3 = state->cr4 = state->cr8 = state->efer = 0;
	state->dr6 = DR6_RESET;
	state->dr7 = DR7_RESET;
}

__cold uint64_t guest_signature(const struct vp *vp)
{
	uint32_t leaf[4];

	guest_cpuid_query(vp, CPUID_FEATURES, 0, leaf);
	return leaf[0];
}

static __cold void registers_reset(struct vp *vp, struct guest_state *state, uint64_t cache_bits)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	guest_state_reset(state, cache_bits);
	memset(vp->arch.gpr, 0, sizeof(vp->arch.gpr));
	memset(vp->arch.dr, 0, sizeof(vp->arch.dr));
	vp->arch.gpr[GPR_RDX] = guest_signature(vp);
	vp->arch.cr2 = 0;

	a->rip = GUEST_RESET_RIP;
	a->rflags = RFLAGS_FIXED;
	a->work &= WORK_DEBUG; /* a debugger outlives it */
	a->waiting = WAITING_NONE;
	a->shadow = 0;
	a->nmi_masked = false;
	a->event.type = EVENT_NONE;
	a->activity = vp->index == 0 ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_SIPI;
}

__cold void arch_vp_reset(struct vp *vp)
{
	struct guest_state state;

	memset(&state, 0, sizeof(state));
	registers_reset(vp, &state, CR0_CD | CR0_NW);
	state.pat = PAT_RESET;
	backend->arch.state_set(vp, 0, STATE_ALL, &state);
	fpu_release(&vp->arch.fpu);
	memset(vp->arch.fpu.area, 0, xsave_area_size);
	fpu_state_init(&vp->arch.fpu, vp->arch.fpu.area);
	vp->arch.fpu.xcr0 = XCR0_X87;
	vp->arch.xss = 0;
	vp->arch.spec_ctrl = 0;
	vp->arch.spec_ctrl_entered = speculation.guest_control;
	vp->arch.tsc_aux = 0;
	vp->arch.outside = OUTSIDE_NOTHING;
	guest_npiep_set(vp, 0, 0);
	guest_mtrr_reset(&vp->arch.mtrr);
	guest_lapic_reset(vp, 0);
	guest_tsc_reset(vp);
	if (vp->run)
		vp->run->set = 0;
}

/* INIT keeps the caches' bits, the FPU, the MTRRs and the PAT, the TSC, the syscall MSRs and
 * IA32_SPEC_CTRL, as all MSRs. */
__cold void guest_init(struct vp *vp)
{
	uint32_t vtl = vp->active_vtl;
	struct guest_state state;

	backend->arch.state_get(vp, vtl, STATE_ALL, &state);
	registers_reset(vp, &state, state.cr0 & (CR0_CD | CR0_NW));
	backend->arch.state_set(vp, vtl, STATE_ALL, &state);
	guest_lapic_init_reset(vp, vtl);
}

/* SDM 3A 9.4.4.2: execution starts at vector * 4 KiB in real mode. */
__cold void guest_sipi(struct vp *vp, uint8_t vector)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	struct guest_state state;

	if (a->activity != ACTIVITY_WAIT_FOR_SIPI)
		return;
	backend->arch.state_get(vp, vp->active_vtl, STATE_SEGMENTS, &state);
	state.segment[SEGMENT_CS].selector = (uint16_t)(vector << 8);
	state.segment[SEGMENT_CS].base = (uint64_t)vector << PAGE_SHIFT;
	backend->arch.state_set(vp, vp->active_vtl, STATE_SEGMENTS, &state);
	a->rip = 0;
	a->activity = ACTIVITY_RUNNING;
}

/*
 * The guest's FPU state stays in the registers when the VMM is called, which does without the FPU:
 * CR0.TS keeps watch. In the guest, its own CR0.TS is in force.
 */
void arch_vp_load(struct vp *vp)
{
	if (unlikely(this_cpu()->fpu_owner != &vp->arch.fpu)) {
		fpu_take(&vp->arch.fpu);
		fpu_guard(NULL);
	}
	if (vp->partition->arch.instructions & INSTRUCTION_RDTSCP)
		msr_write(MSR_TSC_AUX, vp->arch.tsc_aux);
}

void arch_vp_put(struct vp *vp)
{
	(void)vp;
}

__cold void arch_vp_unloaded(struct vp *vp)
{
	if (vp->arch.unload & VP_REQUEST_APIC_PAGE)
		guest_apic_page_remove(vp->partition);
	if (vp->arch.unload & VP_REQUEST_OUTSIDE)
		guest_outside_work(vp);
}

/* SPDX-License-Identifier: MIT */
/*
 * A backend as the kernel sees one. Its guests do what the input says: each entry ends with an exit of
 * any kind, after any registers and the task priority have changed. At each entry it looks at what a
 * processor would refuse, and that no interrupt that could be taken is forgotten.
 */
#include "model.h"

#include <arch/cr.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <string.h>

#include <guest.h>

#define WINDOWS 3u

/* Of a VTL of a VP. */
struct model_vp {
	struct guest_state state;
	struct vp_event event; /* waits for the next entry */
	bool window[WINDOWS];  /* enum vp_window */
	struct cpu *cpu;       /* on which it is loaded */
	bool delivers;	       /* what is in IRR */
	bool steps;	       /* at the next entry */
	uint32_t tables;       /* HV_NPIEP_...: what exits */
};

static uint32_t vps; /* that there are */
static uint32_t assists;

static struct model_vp *model_of(const struct vp *vp)
{
	return vp_active(vp)->backend;
}

/* ---- made, loaded, put away ---- */

static status_t model_probe(void)
{
	return STATUS_OK;
}

static void model_cpu_disable(void)
{
}

static status_t model_vp_create(struct vp *vp, uint32_t vtl)
{
	struct model_vp *m = heap_alloc(vp->partition->heap, sizeof(*m));

	if (!m)
		return STATUS_NO_MEMORY;
	vp->vtl[vtl]->backend = m;
	vps++;
	return STATUS_OK;
}

static void model_vp_destroy(struct vp *vp, uint32_t vtl)
{
	struct model_vp *m = vp->vtl[vtl]->backend;

	if (!m)
		return;
	CHECK(!m->cpu);
	CHECK(!vp->bound);
	heap_free(vp->partition->heap, m, sizeof(*m));
	vp->vtl[vtl]->backend = NULL;
	vps--;
}

static void model_unbind(struct vp *vp)
{
	CHECK(!model_of(vp)->cpu);
}

static void model_load(struct vp *vp)
{
	struct model_vp *m = model_of(vp);

	CHECK(!m->cpu);
	CHECK(vp->bound && vp->thread == this_cpu()->current && vp->thread->cpu == this_cpu());
	CHECK(this_cpu()->fpu_owner == &vp->arch.fpu);
	machine_interleave(8);
	m->cpu = this_cpu();
}

static void model_put(struct vp *vp)
{
	struct model_vp *m = model_of(vp);

	CHECK(m->cpu == this_cpu());
	CHECK(m->event.type == EVENT_NONE); /* it would come at a time of its own */
	m->cpu = NULL;
	machine_interleave(8);
}

/* ---- events ---- */

static bool can_take(const struct vp *vp, enum vp_window window)
{
	const struct arch_vp_vtl *a = &vp_active(vp)->arch;

	if (a->shadow || model_of(vp)->event.type != EVENT_NONE)
		return false;
	return window == WINDOW_NMI ? !a->nmi_masked : a->rflags & RFLAGS_IF;
}

static bool model_in_kernel_64(const struct vp *vp)
{
	(void)vp;
	return true;
}

static bool model_can_take(struct vp *vp, enum vp_window window)
{
	CHECK(model_of(vp)->cpu == this_cpu());
	return can_take(vp, window);
}

static void model_inject(struct vp *vp, const struct vp_event *event)
{
	struct model_vp *m = model_of(vp);

	CHECK(m->cpu == this_cpu());
	CHECK(m->event.type == EVENT_NONE);
	CHECK(event->type >= EVENT_INTERRUPT && event->type <= EVENT_SOFTWARE_EXCEPTION);
	CHECK(event->type != EVENT_EXCEPTION || event->vector < 32);
	CHECK(event->type != EVENT_NMI || event->vector == 2);
	CHECK(event->type < EVENT_SOFTWARE || (event->length >= 1 && event->length <= 15));
	m->event = *event;
	if (event->type == EVENT_NMI)
		vp_active(vp)->arch.nmi_masked = true;
}

static void model_window_request(struct vp *vp, enum vp_window window)
{
	CHECK(model_of(vp)->cpu == this_cpu());
	model_of(vp)->window[window] = true;
}

static void model_debug_set(struct vp *vp, uint32_t vtl)
{
	CHECK(vp->vtl[vtl]);
}

static void model_tsc_set(struct vp *vp, uint32_t vtl)
{
	CHECK(vp->vtl[vtl]);
	CHECK(!vp->arch.tsc_exits || vp->arch.tsc_ratio);
}

static void model_step(struct vp *vp, enum step_mode mode)
{
	CHECK(model_of(vp)->cpu == this_cpu());
	CHECK(mode == STEP_INSTRUCTION || mode == STEP_DELIVERY);
	model_of(vp)->steps = true;
}

static void model_tables_watch(struct vp *vp, uint32_t vtl, uint32_t stores)
{
	struct model_vp *m = vp->vtl[vtl]->backend;

	CHECK(!(stores & ~(uint32_t)HV_NPIEP_ALL));
	m->tables = stores;
}

static bool model_apic_place_set(struct vp *vp, uint32_t vtl, uint32_t place)
{
	struct model_vp *m = vp->vtl[vtl]->backend;

	CHECK(place != APIC_AT_PAGE || vp->partition->arch.apic_page);
	m->delivers = (assists & ASSIST_POSTED) && (place == APIC_AT_PAGE || place == APIC_IN_MSRS);
	return m->delivers;
}

static void model_state_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state)
{
	(void)groups;
	*state = ((const struct model_vp *)vp->vtl[vtl]->backend)->state;
	state->cr8 = vp->vtl[vtl]->arch.cr8;
}

#define COPY(group, member)   \
	if (groups & (group)) \
	memcpy(&to->member, &from->member, sizeof(to->member))

/* Those of other groups may be anything. */
static void model_state_set(struct vp *vp, uint32_t vtl, uint32_t groups,
			    const struct guest_state *from)
{
	struct guest_state *to = &((struct model_vp *)vp->vtl[vtl]->backend)->state;

	COPY(STATE_SEGMENTS, segment);
	COPY(STATE_TABLES, gdtr);
	COPY(STATE_TABLES, idtr);
	COPY(STATE_CONTROL, cr0);
	COPY(STATE_CONTROL, cr3);
	COPY(STATE_CONTROL, cr4);
	COPY(STATE_CONTROL, efer);
	COPY(STATE_SYSCALL, star);
	COPY(STATE_SYSCALL, lstar);
	COPY(STATE_SYSCALL, cstar);
	COPY(STATE_SYSCALL, sfmask);
	COPY(STATE_SYSCALL, kernel_gs_base);
	COPY(STATE_SYSCALL, sysenter_cs);
	COPY(STATE_SYSCALL, sysenter_esp);
	COPY(STATE_SYSCALL, sysenter_eip);
	COPY(STATE_PAT, pat);
	COPY(STATE_DEBUG, dr6);
	COPY(STATE_DEBUG, dr7);
	if (groups & STATE_CONTROL)
		vp->vtl[vtl]->arch.cr8 = (uint8_t)from->cr8;
}

/* ---- at an entry ---- */

/* SDM 3A 2.5, 10.8.5: what no processor can have. */
static void state_check(const struct vp *vp, const struct guest_state *s)
{
	bool paging = s->cr0 & CR0_PG, lme = s->efer & EFER_LME;

	CHECK(!paging || (s->cr0 & CR0_PE));
	CHECK(!(s->cr0 & CR0_NW) || (s->cr0 & CR0_CD));
	CHECK(!(s->cr0 >> 32));
	CHECK(!!(s->efer & EFER_LMA) == (paging && lme));
	CHECK(!(s->efer & EFER_LMA) || (s->cr4 & CR4_PAE));
	CHECK(!(s->cr4 & ~vp->partition->arch.cr4_allowed));
	CHECK(!(s->efer & ~(vp->partition->arch.efer_allowed | EFER_LMA)));
	CHECK(!(s->cr3 >> vp->partition->physical_bits));
	CHECK(!(s->dr6 >> 32) && !(s->dr7 >> 32));
	CHECK(!(s->pat & 0xf8f8f8f8f8f8f8f8ull));
}

/* What could be taken as soon as the guest lets it has a window. */
static void interrupts_check(struct vp *vp, struct arch_vp_vtl *a, const struct model_vp *m)
{
	int request, service;

	if (vp->requests || m->delivers)
		return;
	request = lapic_highest_request(&a->lapic);
	service = lapic_highest_service(&a->lapic);
	if (request < 0 || (service >= 0 && (service & 0xf0) >= (request & 0xf0)))
		return;
	if ((request >> 4) > a->cr8)
		CHECK(m->window[WINDOW_INTERRUPT]);
	else
		CHECK(m->window[WINDOW_PRIORITY] || m->window[WINDOW_INTERRUPT]);
}

static void entry_check(struct vp *vp, struct vp_vtl *v, struct model_vp *m)
{
	struct arch_vp_vtl *a = &v->arch;

	CHECK(m->cpu == this_cpu());
	CHECK(vp->run_state == VP_RUNNING && vp->cpu == this_cpu());
	CHECK(vp->partition->state == PARTITION_BUILT);
	CHECK(a->activity == ACTIVITY_RUNNING);
	CHECK((a->rflags & RFLAGS_FIXED) && !(a->rflags & ~0x3f7fd7ull));
	CHECK(a->cr8 <= 15);
	CHECK(this_cpu()->fpu_owner == &vp->arch.fpu);
	CHECK(vp->run && block_owner_get(vp->run_hpa) != BLOCK_DEPOSITED);
	CHECK(a->waiting == WAITING_NONE);
	CHECK(m->tables == (a->debug.lets ? 0 : a->npiep));
	CHECK(!a->debug.lets || (m->steps && m->event.type == EVENT_NONE));
	state_check(vp, &m->state);
	interrupts_check(vp, a, m);
}

/* ---- what the guest does ---- */

static void registers_change(struct vp *vp, struct arch_vp_vtl *a, struct model_vp *m)
{
	uint64_t what = input_below(256);

	if (what & 1)
		vp->arch.gpr[input_below(16)] = input_below(0);
	if (what & 2)
		a->rflags ^= RFLAGS_IF;
	if (what & 4)
		a->rflags ^= BIT(input_below(22)) & 0x3f7fd5;
	a->shadow = what >> 3 & 1;
	if (what & 16) {
		a->cr8 = (uint8_t)input_below(16);
		if (m->delivers)
			lapic_tpr_set(&a->lapic, (uint8_t)(a->cr8 << 4));
	}
	if (what & 32)
		m->state.cr3 = input_below(0) & MASK(vp->partition->physical_bits);
	if (what & 64)
		a->nmi_masked = false;
	a->rip += what >> 7;
}

/* An exit in the middle of a delivery. */
static void event_end(struct arch_vp_vtl *a, struct model_vp *m)
{
	if (m->event.type != EVENT_NONE && input_below(8) == 7) {
		a->event.type = m->event.type;
		a->event.vector = m->event.vector;
		a->event.has_error = m->event.has_error;
		a->event.error = m->event.error;
		a->work |= WORK_EVENT;
		if (m->event.type == EVENT_NMI)
			a->nmi_masked = false;
	}
	m->event.type = EVENT_NONE;
}

static uint32_t msr_any(void)
{
	static const uint32_t msrs[] = {
		0x10,	    0x1b,	0x3a,	    0x3b,	0x48,	    0x49,	0x10b,
		0x174,	    0x175,	0x176,	    0x1a0,	0x200,	    0x201,	0x250,
		0x277,	    0x2ff,	0x6e0,	    0x802,	0x808,	    0x80b,	0x80d,
		0x80f,	    0x828,	0x82f,	    0x830,	0x832,	    0x835,	0x836,
		0x837,	    0x838,	0x83e,	    0x83f,	0xda0,	    0xc0000080, 0xc0000081,
		0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x40000000,
		0x40000001, 0x40000020, 0x40000021, 0x40000022, 0x40000040, 0x40000106, 0x40000107,
		0x40000108, 0x40000118};
	uint64_t n = input_below(ARRAY_SIZE(msrs) + 1);

	return n < ARRAY_SIZE(msrs) ? msrs[n] : (uint32_t)input_below(0);
}

/* Values that registers like. */
static uint64_t value_any(void)
{
	switch (input_below(4)) {
	case 0: return input_below(256);
	case 1: return BIT(input_below(64));
	case 2: return 0xfee00000 | (input_below(16) << 8);
	default: return input_below(0);
	}
}

static void exit_msr(struct vp *vp, bool write)
{
	uint64_t value;

	vp->arch.gpr[GPR_RCX] = msr_any();
	if (!write)
		return;
	value = value_any();
	vp->arch.gpr[GPR_RAX] = (uint32_t)value;
	vp->arch.gpr[GPR_RDX] = value >> 32;
}

static void exit_memory(struct vp_exit *exit)
{
	static const gpa_t places[] = {0, 0xfffff000, 0xfee00000, LARGE_PAGE_SIZE};
	uint64_t flags = input_below(32);

	exit->memory.gpa = places[input_below(ARRAY_SIZE(places))] + input_below(4096);
	exit->memory.gva = flags & 1 ? GVA_NONE : input_below(0);
	exit->memory.access = (flags & 2 ? MEMORY_WRITE : 0) | (flags & 4 ? MEMORY_FETCH : 0) |
			      (flags & 8 ? MEMORY_WALK : 0) | (flags & 16 ? MEMORY_MAPPED : 0);
	exit->byte_count = (uint8_t)input_below(sizeof(exit->bytes) + 1);
}

static void exit_fill(struct vp *vp, struct vp_exit *exit)
{
	switch (exit->kind) {
	case VP_EXIT_CPUID:
		vp->arch.gpr[GPR_RAX] = input_below(0x40) | input_below(3) << 30;
		vp->arch.gpr[GPR_RCX] = input_below(8);
		break;
	case VP_EXIT_MSR_READ: exit_msr(vp, false); break;
	case VP_EXIT_MSR_WRITE: exit_msr(vp, true); break;
	case VP_EXIT_PORT:
	case VP_EXIT_PORT_STRING:
		exit->port.port = (uint16_t)input_below(65536);
		exit->port.size = (uint8_t)(1u << input_below(3));
		exit->port.write = input_below(2);
		break;
	case VP_EXIT_APIC_ACCESS:
	case VP_EXIT_MEMORY: exit_memory(exit); break;
	case VP_EXIT_CR:
		exit->cr.number = (uint8_t)(input_below(3) * 4);
		exit->cr.write = input_below(4);
		exit->cr.decoded = input_below(4);
		exit->cr.gpr = (uint8_t)input_below(16);
		vp->arch.gpr[exit->cr.gpr] = value_any() | value_any();
		break;
	case VP_EXIT_DR:
		exit->cr.number = (uint8_t)input_below(8);
		exit->cr.write = input_below(2);
		break;
	case VP_EXIT_XSETBV:
		vp->arch.gpr[GPR_RCX] = input_below(8) == 7;
		vp->arch.gpr[GPR_RAX] = input_below(256);
		vp->arch.gpr[GPR_RDX] = input_below(8) == 7 ? input_below(0) : 0;
		break;
	case VP_EXIT_EXCEPTION:
		exit->event.vector = (uint8_t)input_below(32);
		exit->event.has_error = input_below(2);
		exit->event.error = (uint32_t)input_below(65536);
		exit->event.length = exit->event.error & 15; /* not always known */
		exit->event.debug = exit->event.vector == 1 ? (uint32_t)value_any() & 0xe00f : 0;
		break;
	case VP_EXIT_EOI: exit->vector = (uint8_t)input_below(256); break;
	case VP_EXIT_APIC_WRITE:
		exit->offset = (uint32_t)input_below(256) << 4;
		lapic_page_put(&vp_arch(vp)->lapic, exit->offset, (uint32_t)value_any());
		break;
	case VP_EXIT_TABLE:
		exit->table.stores = (uint8_t)(BIT(input_below(5)) & HV_NPIEP_ALL);
		break;
	case VP_EXIT_FAILED: exit->code = input_below(0); break;
	case VP_EXIT_TSC:
		exit->tsc.with_aux = input_below(2);
		exit->tsc.either = input_below(2);
		break;
	default: break;
	}
}

static bool kind_fits(const struct model_vp *m, uint32_t kind)
{
	switch (kind) {
	case VP_EXIT_EOI: return m->delivers;
	/* Writes to what the processor works on itself do not exit: TPR, EOI, ICR are no part. */
	case VP_EXIT_APIC_WRITE:
	case VP_EXIT_APIC_ACCESS: return m->delivers;
	case VP_EXIT_TABLE: return m->tables;
	case VP_EXIT_INTERRUPT_WINDOW:
	case VP_EXIT_NMI_WINDOW:
	case VP_EXIT_TPR: return false; /* when they open */
	default: return true;
	}
}

static uint32_t exit_kind(struct vp *vp, struct model_vp *m, uint8_t cr8_before, uint32_t kicks)
{
	const struct arch_vp_vtl *a = vp_arch(vp);
	uint32_t kind;

	/* Before anything else can happen. */
	if (m->window[WINDOW_PRIORITY] && a->cr8 < cr8_before)
		return VP_EXIT_TPR;
	if (machine_is_kicked(kicks))
		return VP_EXIT_INTERRUPT;
	if (m->window[WINDOW_NMI] && can_take(vp, WINDOW_NMI))
		return VP_EXIT_NMI_WINDOW;
	if (m->window[WINDOW_INTERRUPT] && can_take(vp, WINDOW_INTERRUPT))
		return VP_EXIT_INTERRUPT_WINDOW;
	if (input_is_used_up())
		return VP_EXIT_SHUTDOWN; /* comes back to the VMM, and again */
	kind = (uint32_t)input_below(VP_EXIT_KINDS);
	if (kind == VP_EXIT_DR && !guest_debug_owns(a))
		return VP_EXIT_CPUID;
	return kind_fits(m, kind) ? kind : VP_EXIT_CPUID;
}

static void windows_close(struct model_vp *m, uint32_t kind)
{
	m->window[WINDOW_NMI] = false;
	m->window[WINDOW_INTERRUPT] = false;
	if (kind == VP_EXIT_TPR || kind == VP_EXIT_INTERRUPT_WINDOW)
		m->window[WINDOW_PRIORITY] = false;
}

static enum vp_outcome model_enter(struct vp *vp)
{
	struct vp_vtl *v = vp_active(vp);
	struct model_vp *m = v->backend;
	struct vp_exit *exit = &vp->exit;
	enum vp_outcome outcome;

	do {
		uint32_t kicks = this_cpu()->arch.kicks;
		uint8_t cr8 = v->arch.cr8;

		atomic_store(&vp->tlb_seen, atomic_load(&v->space->tlb_generation));
		entry_check(vp, v, m);
		v->arch.lapic.service_changed = false;
		machine_interleave(2);
		registers_change(vp, &v->arch, m);
		event_end(&v->arch, m);
		fake_timestamp += input_below(256) << input_below(8);
		memset(exit, 0x5a, sizeof(*exit));
		exit->byte_count = 0;
		exit->next_rip = v->arch.rip + 2;
		exit->kind = exit_kind(vp, m, cr8, kicks);
		windows_close(m, exit->kind);
		exit_fill(vp, exit);
		if (m->steps)
			guest_step_left(vp);
		m->steps = false;
		outcome = vp_exit_take(vp, v);
		CHECK(outcome != VP_ENTER || !(vp->requests | v->arch.work | v->arch.activity));
	} while (outcome == VP_ENTER);
	return outcome;
}

#define MODEL_OPS(format)                                                                          \
	{                                                                                          \
		.name = "model", .probe = model_probe, .init = model_probe,                        \
		.cpu_enable = model_probe, .cpu_disable = model_cpu_disable, .gpa_format = format, \
		.vp_create = model_vp_create, .vp_destroy = model_vp_destroy,                      \
		.unbind = model_unbind, .load = model_load, .put = model_put,                      \
		.enter = model_enter, .arch.in_kernel_64 = model_in_kernel_64,                     \
		.arch.can_take = model_can_take, .arch.inject = model_inject,                      \
		.arch.window_request = model_window_request,                                       \
		.arch.apic_place_set = model_apic_place_set, .arch.debug_set = model_debug_set,    \
		.arch.step = model_step, .arch.tables_watch = model_tables_watch,                  \
		.arch.state_get = model_state_get, .arch.state_set = model_state_set,              \
		.arch.tsc_set = model_tsc_set,                                                     \
	}

extern struct page_table_format npt_format, ept_format;

const struct backend_ops svm_backend = MODEL_OPS(&npt_format);
const struct backend_ops vmx_backend = MODEL_OPS(&ept_format);
const struct backend_ops *const arch_backends[] = {&svm_backend, &vmx_backend};
const uint32_t arch_backend_count = ARRAY_SIZE(arch_backends);

void model_backend_set(enum model_host host, uint32_t with)
{
	CHECK(!vps);
	backend = host == HOST_AMD ? &svm_backend : &vmx_backend;
	assists = backend_assists = with;
}

void model_backend_quiet_check(void)
{
	CHECK(!vps);
}

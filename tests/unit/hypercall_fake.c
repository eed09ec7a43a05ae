/* SPDX-License-Identifier: MIT */
/* See hypercall_fake.h. */
#include "hypercall_fake.h"

#include <assert.h>
#include <hv_call.h>
#include <kernel/port.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/overlay.h>
#include <kernel/sched.h>
#include <lapic.h>
#include <outside.h>
#include <stdlib.h>
#include <string.h>
#include <trivet/hv/features.h>

#define NAME_RBX HV_X64_REGISTER_RBX

struct partition *fake_partition;
struct vp *fake_vp;
uint8_t fake_memory[FAKE_MEMORY];
uint64_t fake_xmm[16][2];
int fake_fault;
unsigned int fake_outsides;
bool fake_yields;
status_t fake_call_status;
struct vp *fake_called;
uint64_t fake_kicked;
gpa_t fake_overlay = GPA_NOWHERE;
bool fake_memory_changes;
status_t fake_set_status;
struct guest_registers fake_set;
struct hv_post_message_input fake_posted;
uint32_t fake_signalled_connection, fake_signalled_flag;
uint32_t fake_objects_left = UINT32_MAX;

static struct cpu cpu;
struct cpu *fake_cpu = &cpu;
/* ---- what the kernel gives ---- */

status_t gpa_read(struct gpa_space *space, gpa_t gpa, void *buffer, size_t size)
{
	assert(space == fake_partition->space[0]);
	if (gpa >= FAKE_MEMORY || size > FAKE_MEMORY - gpa)
		return STATUS_INVALID_ADDRESS;
	memcpy(buffer, fake_memory + gpa, size);
	return STATUS_OK;
}

status_t gpa_write(struct gpa_space *space, gpa_t gpa, const void *buffer, size_t size)
{
	assert(space == fake_partition->space[0]);
	if (gpa >= FAKE_READ_ONLY_PAGE || size > FAKE_READ_ONLY_PAGE - gpa)
		return STATUS_ACCESS_DENIED;
	memcpy(fake_memory + gpa, buffer, size);
	return STATUS_OK;
}

status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay, gpa_t gpa)
{
	(void)space;
	overlay->gpa = gpa;
	return fake_call_status;
}

void *heap_alloc(struct heap *heap, size_t size)
{
	(void)heap;
	if (fake_objects_left == 0)
		return NULL;
	fake_objects_left--;
	return calloc(1, size);
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	(void)heap;
	(void)size;
	free(object);
}

uint64_t partition_reference_time_at(const struct partition *partition, uint64_t timestamp)
{
	(void)partition;
	return timestamp;
}

uint64_t partition_reference_time(const struct partition *partition)
{
	return partition_reference_time_at(partition, fake_timestamp);
}

void *fpu_xmm(struct fpu_state *state, unsigned int number)
{
	assert(state == &fake_vp->arch.fpu);
	return fake_xmm[number];
}

void guest_exception(struct vp *v, uint8_t vector, bool has_error, uint32_t error)
{
	assert(v == fake_vp);
	(void)has_error;
	(void)error;
	fake_fault = vector;
}

void guest_debug_flags_done(struct vp *v)
{
	(void)v;
	abort();
}

uint16_t port_post(struct vp *v, uint32_t vtl, const struct hv_post_message_input *input)
{
	assert(v == fake_vp && vtl == 0);
	fake_posted = *input;
	return HV_INSUFFICIENT_BUFFERS;
}

uint16_t port_signal(const struct partition *partition, uint32_t vtl, uint32_t connection,
		     uint16_t flag)
{
	assert(partition == fake_partition && vtl == 0);
	fake_signalled_connection = connection;
	fake_signalled_flag = flag;
	return HV_SUCCESS;
}

bool sched_yield(void)
{
	fake_yields = true;
	return true;
}

/* RBX, and RIP to be set. */
status_t arch_vp_get_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       union hv_register_value *values, uint32_t count)
{
	assert(count == 1);
	assert(vtl == 0);
	if (*names != NAME_RBX)
		return STATUS_INVALID_REGISTER;
	values->low = v->arch.gpr[GPR_RBX];
	return STATUS_OK;
}

status_t arch_vp_set_registers(struct vp *v, uint32_t vtl, const uint32_t *names,
			       const union hv_register_value *values, uint32_t count)
{
	assert(count == 1);
	assert(vtl == 0);
	if (*names == HV_X64_REGISTER_RIP) {
		v->vtl[0]->arch.rip = values->low;
		return STATUS_OK;
	}
	if (*names != NAME_RBX)
		return STATUS_INVALID_REGISTER;
	if (values->low >> 63)
		return STATUS_INVALID_REGISTER_VALUE;
	v->arch.gpr[GPR_RBX] = values->low;
	return STATUS_OK;
}

status_t vp_call(struct vp *v, void (*function)(struct vp *vp, void *argument), void *argument)
{
	fake_called = v;
	if (fake_call_status == STATUS_OK)
		function(v, argument);
	return fake_call_status;
}

/* A VP's CPU is its index + 1; it obeys at once. */
void arch_cpu_kick(struct cpu *cpu)
{
	fake_kicked |= BIT(((uintptr_t)cpu - 1) % 64);
}

void cpu_wait(struct cpu *self)
{
	uint32_t i;

	(void)self;
	for (i = 0; i < FAKE_VPS; i++)
		if (fake_partition->vps[i]->cpu)
			atomic_fetch_and(&fake_partition->vps[i]->requests,
					 ~(uint32_t)VP_REQUEST_FLUSH);
}

status_t gpa_exchange(struct gpa_space *space, gpa_t gpa, size_t size, uint64_t expected,
		      uint64_t value)
{
	uint64_t found = 0;
	status_t status = gpa_read(space, gpa, &found, size);

	if (status == STATUS_OK && (fake_memory_changes || found != expected)) {
		fake_memory_changes = false;
		return STATUS_BUSY;
	}
	return status == STATUS_OK ? gpa_write(space, gpa, &value, size) : status;
}

bool gpa_look(struct gpa_space *space, gpa_t gpa, struct gpa_view *view)
{
	assert(space == fake_partition->space[0]);
	view->overlay = (gpa & ~MASK(PAGE_SHIFT)) == fake_overlay;
	view->writable = view->overlay || gpa < FAKE_READ_ONLY_PAGE;
	return view->overlay || gpa < FAKE_MEMORY;
}

/* ---- objects ---- */

void object_init(struct object *object, enum object_type type,
		 void (*destroy)(struct object *object))
{
	object->references = 1;
	object->type = type;
	object->destroy = destroy;
}

void object_get(struct object *object)
{
	object->references++;
}

void object_put(struct object *object)
{
	assert(object->references);
	if (--object->references == 0)
		object->destroy(object);
}

void partition_put(struct partition *partition)
{
	object_put(&partition->object);
}

/* ---- registers, all of them ---- */

void guest_registers_get(struct vp *v, uint32_t vtl, struct guest_registers *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->gpr, v->arch.gpr, sizeof(r->gpr));
	r->state = stub_state;
	r->activity.activity = v->vtl[vtl]->arch.activity;
}

status_t guest_registers_set(struct vp *v, uint32_t vtl, const struct guest_registers *r)
{
	if (fake_set_status != STATUS_OK)
		return fake_set_status;
	fake_set = *r;
	v->vtl[vtl]->arch.activity = r->activity.activity;
	return STATUS_OK;
}

/* ---- what test_hv_crash.c has ---- */

void hv_crash_notify(struct vp *v, uint32_t vtl, uint64_t control)
{
	assert(vtl == 0);
	(void)control;
	v->partition->hv->crash.count++;
}

void hv_crash_reset(struct partition *partition)
{
	memset(&partition->hv->crash, 0, sizeof(partition->hv->crash));
}

void hv_crash_destroy(struct partition *partition)
{
	(void)partition;
}

/* ---- a partition ---- */

void fake_machine_create(void)
{
	const struct proto_partition_config config = {.vp_count = FAKE_VPS,
						      .threads_per_core = 2,
						      .apic_mode = APIC_MODE_X2APIC_ENABLED,
						      .flags = PARTITION_HYPERV};
	struct partition *p;
	uint32_t i;

	stub_host_set(HOST_SKYLAKE);
	p = fake_partition = stub_partition(&config);
	p->object.references = 1;
	p->space[0]->partition = p;
	assert(hv_partition_create(p) == STATUS_OK);
	for (i = 0; i < FAKE_VPS; i++) {
		p->vps[i]->vtl[0]->space = p->space[0];
		assert(hv_vp_create(p->vps[i]) == STATUS_OK);
	}
	p->hv->vtl[0].guest_os_id = 1;
	fake_vp = p->vps[1];
	memset(&stub_state, 0, sizeof(stub_state));
	stub_state.cr0 = CR0_PE;
	stub_state.efer = EFER_LMA;
	stub_state.segment[SEGMENT_CS].attributes = FAKE_CODE_64;
	memset(fake_memory, 0, sizeof(fake_memory));
	memset(fake_xmm, 0, sizeof(fake_xmm));
	fake_call_status = fake_set_status = STATUS_OK;
	fake_overlay = GPA_NOWHERE;
	fake_memory_changes = false;
	fake_kicked = 0;
}

void fake_machine_destroy(void)
{
	uint32_t i;

	for (i = 0; i < FAKE_VPS; i++)
		hv_vp_destroy(fake_partition->vps[i]);
	hv_partition_destroy(fake_partition);
	stub_partition_free(fake_partition);
}

void fake_instruction(unsigned int times)
{
	struct arch_vp_vtl *a = &fake_vp->vtl[0]->arch;

	a->rip = FAKE_RIP;
	fake_fault = -1;
	fake_outsides = 0;
	fake_yields = false;
	for (; times && a->rip == FAKE_RIP && fake_fault < 0; times--) {
		(void)guest_hypercall(fake_vp, FAKE_NEXT, false);
		if (fake_vp->arch.outside != OUTSIDE_HYPERCALL)
			continue;
		assert(a->rip == FAKE_RIP);
		fake_outsides++;
		guest_outside_work(fake_vp);
		assert(fake_vp->arch.outside == OUTSIDE_NOTHING);
	}
}

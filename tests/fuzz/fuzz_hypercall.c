/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher of hypercalls and all calls behind it: control word, registers, and the guest's memory are the
 * fuzzer's. Whatever a guest says, each call ends, with a status and reps that it can have, and
 * changes nothing of the caller but what the conventions let it.
 */
#include <stdlib.h>
#include <string.h>
#include <trivet/hv/features.h>

#include "hypercall_fake.h"

#define CALLS_MAX 64u /* of one input */
#define TURNS_MAX 1000u
#define PAGES	  (FAKE_MEMORY / 4096u)

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, size_t size)
{
	uint64_t value = 0;
	size_t left = (size_t)(in->end - in->at);

	memcpy(&value, in->at, MIN(size, left));
	in->at += MIN(size, left);
	return value;
}

static void check(bool good)
{
	if (!good)
		abort();
}

/* Mostly a call that there is, of which all else is anything. */
static uint64_t control_take(struct input *in)
{
	static const uint16_t codes[] = {
		0x0002, 0x0003, 0x0008, 0x000b, 0x0013, 0x0014, 0x0015, 0x0044,
		0x0046, 0x004d, 0x0050, 0x0051, 0x0052, 0x005c, 0x005d, 0x007e,
		0x0094, 0x0099, 0x009a, 0x00ac, 0x00af, 0x00b0, 0x8001,
	};
	uint64_t how = take(in, 1), control = take(in, 8);

	if (how & 1)
		control = (control & ~MASK(16)) | codes[take(in, 1) % ARRAY_SIZE(codes)];
	if (how & 2) /* nothing that is reserved, and reps or sets that may be right */
		control &= MASK(16) | HV_CALL_FAST | MASK(7) << 17 | MASK(6) << 32;
	if (how & 4)
		control &= MASK(32);
	return control;
}

/* Words of a page, where it is told, and the words that the most headers begin with. */
static void memory_take(struct input *in)
{
	uint64_t gpa = take(in, 2) % (FAKE_MEMORY / 8) * 8, count = take(in, 1) % 80;

	for (; count && gpa < FAKE_MEMORY; count--, gpa += 8) {
		uint64_t word = take(in, 8);

		memcpy(fake_memory + gpa, &word, 8);
	}
	if (take(in, 1) & 1) {
		uint64_t self = HV_PARTITION_ID_SELF;

		memcpy(fake_memory + take(in, 1) % PAGES * 4096, &self, 8);
	}
}

static void registers_take(struct input *in)
{
	uint64_t *gpr = fake_vp->arch.gpr;
	uint64_t how = take(in, 1);

	gpr[GPR_RCX] = control_take(in);
	gpr[GPR_RDX] = how & 1 ? take(in, 2) & ~7ull : take(in, 8);
	gpr[GPR_R8] = how & 2 ? take(in, 2) & ~7ull : take(in, 8);
	if (how & 4)
		gpr[GPR_RDX] = HV_PARTITION_ID_SELF;
	if (how & 8)
		for (unsigned int i = 0; i < 6; i++) {
			fake_xmm[i][0] = take(in, 8);
			fake_xmm[i][1] = take(in, 8);
		}
	stub_state.efer = how & 16 ? 0 : EFER_LMA;
	if (how & 16) { /* a 32-bit caller: the same by other registers */
		gpr[GPR_RAX] = (uint32_t)gpr[GPR_RCX];
		gpr[GPR_RBX] = gpr[GPR_RDX] >> 32;
		gpr[GPR_RDI] = gpr[GPR_R8] >> 32;
		gpr[GPR_RSI] = (uint32_t)gpr[GPR_R8];
		uint64_t control = gpr[GPR_RCX];
		gpr[GPR_RCX] = (uint32_t)gpr[GPR_RDX];
		gpr[GPR_RDX] = control >> 32;
	}
}

/* What another processor, and the VMM, do meanwhile. */
static void others_take(struct input *in)
{
	uint64_t how = take(in, 1);
	struct vp *vp = fake_partition->vps[take(in, 1) % FAKE_VPS];

	if (how & 1)
		vp->vtl[0]->arch.activity = (uint8_t)(how >> 4 & 3);
	if (how & 2)
		(void)guest_lapic_msr_write(vp, 0x80f, 0x1ff);
	fake_memory_changes = how & 4;
	fake_set_status = how & 8 ? STATUS_INVALID_REGISTER_VALUE : STATUS_OK;
	if (vp != fake_vp)
		vp->cpu = how & 64 ? (struct cpu *)(uintptr_t)(vp->index + 1) : NULL;
	stub_state.cr0 = CR0_PE | (how & 128 ? CR0_PG : 0);
	stub_state.cr3 = take(in, 2) & ~0xfffull;
	stub_state.cr4 = take(in, 4);
}

static void result_check(uint64_t control)
{
	bool wide = stub_state.efer & EFER_LMA;
	uint64_t result = fake_vp->arch.gpr[GPR_RAX];
	uint64_t reps, count = HV_CALL_REP_COUNT(control);

	if (!wide)
		result |= fake_vp->arch.gpr[GPR_RDX] << 32;
	reps = result >> HV_RESULT_REPS_SHIFT;
	check(!(result >> 16 & 0xffff) && (uint16_t)result != HYPERCALL_BUSY);
	check(reps <= count);
	if ((uint16_t)result == HV_SUCCESS)
		check(reps == count);
}

static void call_one(struct input *in)
{
	uint64_t control, before[16];

	memory_take(in);
	others_take(in);
	registers_take(in);
	memcpy(before, fake_vp->arch.gpr, sizeof(before));
	control = stub_state.efer & EFER_LMA ? before[GPR_RCX]
					     : before[GPR_RDX] << 32 | (uint32_t)before[GPR_RAX];
	fake_instruction(TURNS_MAX);
	check(fake_fault < 0);
	/* A call may go on for ever only if it waits for somebody. */
	check(fake_vp->vtl[0]->arch.rip != FAKE_RIP || fake_memory_changes);
	if (HV_CALL_CODE(control) == HV_CALL_SET_VP_REGISTERS ||
	    fake_vp->vtl[0]->arch.rip == FAKE_RIP)
		return;
	result_check(control);
	check(before[GPR_RSP] == fake_vp->arch.gpr[GPR_RSP] &&
	      before[GPR_RBX] == fake_vp->arch.gpr[GPR_RBX] &&
	      before[GPR_RSI] == fake_vp->arch.gpr[GPR_RSI]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	unsigned int n;

	fake_machine_create();
	if (take(&in, 1) & 1)
		fake_partition->config.flags |= PARTITION_USER_MODE_APIC;
	for (n = 0; n < CALLS_MAX && in.at < in.end; n++)
		call_one(&in);
	fake_partition->config.flags = PARTITION_HYPERV;
	fake_machine_destroy();
	return 0;
}

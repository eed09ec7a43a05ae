/* SPDX-License-Identifier: MIT */
/* The state of a VP: as it is after reset, as no processor can have it, and of many VPs at once. */
#include "../../vmx/vmx.h"
#include "guest.h"
#include <kernel/memory.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(out);
GUEST_CODE_DECLARE(fpu);

#define MANY_PARTITIONS 64u
#define MANY_GUESTS	3u
#define MANY_FLUSHES	100u
#define LAPIC_ID	0x20u
#define LAPIC_VERSION	0x30u
#define LAPIC_TPR	0x80u
#define LAPIC_SVR	0xf0u

/* SDM 3A table 10-1, APM 2 table 14-1. */
static const struct {
	uint32_t name;
	uint64_t value;
} reset_values[] = {
	{HV_X64_REGISTER_RAX, 0},
	{HV_X64_REGISTER_RSP, 0},
	{HV_X64_REGISTER_RIP, 0xfff0},
	{HV_X64_REGISTER_RFLAGS, 2},
	{HV_X64_REGISTER_CR0, 0x60000010},
	{HV_X64_REGISTER_CR2, 0},
	{HV_X64_REGISTER_CR3, 0},
	{HV_X64_REGISTER_CR4, 0},
	{HV_X64_REGISTER_CR8, 0},
	{HV_X64_REGISTER_EFER, 0},
	{HV_X64_REGISTER_XFEM, 1},
	{HV_X64_REGISTER_DR0, 0},
	{HV_X64_REGISTER_DR6, 0xffff0ff0},
	{HV_X64_REGISTER_DR7, 0x400},
	{HV_X64_REGISTER_PAT, 0x0007040600070406},
};

static bool segment_is(struct vp *vp, uint32_t name, uint64_t base, uint16_t selector,
		       uint16_t attributes)
{
	union hv_register_value value;

	return arch_vp_get_registers(vp, 0, &name, &value, 1) == STATUS_OK &&
	       value.segment.base == base && value.segment.limit == 0xffff &&
	       value.segment.selector == selector && value.segment.attributes == attributes;
}

SELFTEST(state_after_reset)
{
	struct test_guest g;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	for (i = 0; i < ARRAY_SIZE(reset_values); i++)
		GUEST_CHECK(&g, guest_register(&g, reset_values[i].name) == reset_values[i].value);
	GUEST_CHECK(&g, segment_is(g.vp, HV_X64_REGISTER_CS, 0xffff0000, 0xf000, 0x9b));
	for (i = HV_X64_REGISTER_ES; i <= HV_X64_REGISTER_GS; i++)
		GUEST_CHECK(&g, i == HV_X64_REGISTER_CS || segment_is(g.vp, i, 0, 0, 0x93));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RDX) != 0); /* the signature */
	guest_destroy(&g);
}

/* PG without PE (APM 2 15.5.1, SDM 3C 27.3.1.1). The registers are still the guest's, and the next
 * guest runs. */
SELFTEST(state_refused_is_kept)
{
	static const uint32_t kept[] = {
		HV_X64_REGISTER_RAX, HV_X64_REGISTER_RSP,    HV_X64_REGISTER_R15,
		HV_X64_REGISTER_RIP, HV_X64_REGISTER_RFLAGS, HV_X64_REGISTER_CR3,
		HV_X64_REGISTER_CR4,
	};
	struct test_guest g, next;
	uint64_t before[ARRAY_SIZE(kept)];
	struct guest_state state;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_RAX, 0x123456789a));
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		before[i] = guest_register(&g, kept[i]);
	backend->arch.state_get(g.vp, 0, STATE_CONTROL, &state);
	state.cr0 &= ~1ull;
	backend->arch.state_set(g.vp, 0, STATE_CONTROL, &state);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_FAILED);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		GUEST_CHECK(&g, guest_register(&g, kept[i]) == before[i]);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_CR0) == state.cr0);
	GUEST_CHECK(&g, g.run->regs.rip == guest_register(&g, HV_X64_REGISTER_RIP));
	GUEST_CHECK(&g, guest_create(&next));
	guest_start(&next, out);
	GUEST_CHECK(&g, guest_says(&next, 0x11));
	guest_destroy(&next);
	guest_destroy(&g);
}

/* L and D at once in CS (APM 2 15.5.1): the processor refuses, and the VP can be reset. What waited for
 * delivery is lost: no guest that has just been reset takes an interrupt. */
SELFTEST(state_that_cannot_be)
{
	const uint32_t name = HV_X64_REGISTER_CS;
	union hv_register_value value;
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, out);
	GUEST_CHECK(&g, arch_vp_get_registers(g.vp, 0, &name, &value, 1) == STATUS_OK);
	value.segment.attributes |= BIT(13) | BIT(14);
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, &name, &value, 1) == STATUS_OK);
	GUEST_CHECK(&g,
		    guest_register_set(&g, HV_REGISTER_PENDING_INTERRUPTION, 0x80 << 16 | BIT(0)));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_FAILED);
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	guest_destroy(&g);
}

/* SSE registers, while they are in the processor and while they are not. */
SELFTEST(state_xmm)
{
	const uint32_t names[] = {HV_X64_REGISTER_XMM0 + 5, HV_X64_REGISTER_CR8,
				  HV_X64_REGISTER_XMM15};
	union hv_register_value values[3] = {0};
	struct test_guest g, other;

	GUEST_SETUP(&g);
	guest_start(&g, fpu);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_XMM15) == 0); /* as after reset */
	GUEST_CHECK(&g, guest_says(&g, 10));
	GUEST_CHECK(&g, arch_vp_get_registers(g.vp, 0, names, values, 3) == STATUS_OK);
	GUEST_CHECK(&g, values[0].low == 0x1122334455667788 && values[0].high == 0);
	values[0].low = 0x99;
	values[1].reg64 = 16; /* none of a set that is refused */
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, names, values, 3) ==
				STATUS_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g, guest_register(&g, names[0]) == 0x1122334455667788);
	values[0].low = 0x5566;
	values[0].high = 0x77;
	values[1].reg64 = 0;
	values[2].low = values[2].high = 0x88;
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, names, values, 3) == STATUS_OK);
	GUEST_CHECK(&g, guest_create(&other));
	guest_start(&other, fpu);
	GUEST_CHECK(&g, guest_says(&other, 10));
	guest_destroy(&other);
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RBX) == 0x5566);
	GUEST_CHECK(&g, arch_vp_get_registers(g.vp, 0, names, values, 3) == STATUS_OK);
	GUEST_CHECK(&g, values[0].low == 0x5566 && values[0].high == 0x77);
	GUEST_CHECK(&g, values[2].low == 0x88 && values[2].high == 0x88);
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	GUEST_CHECK(&g, guest_register(&g, names[0]) == 0);
	guest_destroy(&g);
}

/* Registers of the local APIC's page, as the VMM decodes accesses to it. */
SELFTEST(state_xapic_page)
{
	struct test_guest g;
	uint32_t value = 0xff;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, arch_vp_apic_access(g.vp, 0, LAPIC_ID, false, &value) == STATUS_OK);
	GUEST_CHECK(&g, value == 0);
	GUEST_CHECK(&g, arch_vp_apic_access(g.vp, 0, LAPIC_VERSION, false, &value) == STATUS_OK);
	GUEST_CHECK(&g, (value & 0xf0) == 0x10);
	GUEST_CHECK(&g, arch_vp_apic_access(g.vp, 0, LAPIC_SVR, false, &value) == STATUS_OK);
	GUEST_CHECK(&g, value == 0xff);
	value = 0x35;
	GUEST_CHECK(&g, arch_vp_apic_access(g.vp, 0, LAPIC_TPR, true, &value) == STATUS_OK);
	GUEST_CHECK(&g,
		    guest_register(&g, HV_X64_REGISTER_CR8) == 3 || g.vp->vtl[0]->arch.cr8 == 3);
	GUEST_CHECK(&g, arch_vp_apic_access(g.vp, 0, LAPIC_TPR, false, &value) == STATUS_OK);
	GUEST_CHECK(&g, value == 0x35);
	guest_destroy(&g);
}

/* More flushes than a CPU has names for address spaces (ASIDs, VPIDs). */
SELFTEST(state_many_flushes)
{
	struct test_guest g[MANY_GUESTS];
	uint32_t made, i, n;
	const char *why;
	bool ok = true;

	if (!guests_can_run(&why))
		SKIP(why);
	for (made = 0; made < MANY_GUESTS && guest_create(&g[made]); made++)
		;
	for (n = 0; n < MANY_FLUSHES && ok; n++) {
		for (i = 0; i < made && ok; i++) {
			guest_start(&g[i], out);
			gpa_space_shootdown(partition_space(g[i].partition, 0));
			ok = guest_says(&g[i], 0x11) && guest_says(&g[i], 0x2233);
		}
	}
	for (i = 0; i < made; i++)
		guest_destroy(&g[i]);
	CHECK(made == MANY_GUESTS);
	CHECK(ok);
}

SELFTEST(state_many_partitions)
{
	const struct proto_partition_config config = {.vp_count = 2,
						      .apic_mode = APIC_MODE_X2APIC_ENABLED};
	struct partition *partitions[MANY_PARTITIONS];
	uint64_t before = kernel_heap.pages_free;
	uint32_t made, i;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	for (made = 0; made < MANY_PARTITIONS; made++) {
		if (proto_partition_create(NULL, &config, &partitions[made]) != STATUS_OK)
			break;
		if (proto_partition_build(partitions[made], NULL, 0) != STATUS_OK) {
			partition_put(partitions[made]);
			break;
		}
	}
	for (i = 0; i < made; i++)
		partition_put(partitions[i]);
	CHECK(made == MANY_PARTITIONS);
	CHECK(kernel_heap.pages_free == before);
}

/* An id of 8 bits, of which 255 is everybody: 255 VPs, unless they are x2APICs. */
SELFTEST(state_xapic_vps_limit)
{
	static const struct {
		uint32_t vp_count, apic_mode;
		status_t status;
	} rows[] = {
		{255, APIC_MODE_XAPIC, STATUS_OK},
		{256, APIC_MODE_XAPIC, STATUS_TOO_LARGE},
		{256, APIC_MODE_X2APIC_SUPPORTED, STATUS_OK},
		{256, APIC_MODE_X2APIC_ENABLED, STATUS_OK},
	};
	struct partition *partition;
	const char *why;
	unsigned int i;

	if (!guests_can_run(&why))
		SKIP(why);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct proto_partition_config config = {
			.vp_count = rows[i].vp_count,
			.apic_mode = rows[i].apic_mode,
		};
		status_t status = proto_partition_create(NULL, &config, &partition);

		if (status == STATUS_OK)
			partition_put(partition);
		CHECK(status == rows[i].status);
	}
}

/* Anybody may ask, on any CPU, while the VP runs on another: what the backend keeps of it, such as a VMCS,
 * is not touched. */
SELFTEST(state_caps_leave_vp_alone)
{
	struct partition_caps caps = {0};
	struct test_guest g;

	GUEST_SETUP(&g);
	if (!backend_is(&vmx_backend)) {
		guest_destroy(&g);
		SKIP("a VMCB is active on no CPU");
	}
	arch_partition_caps(g.partition, &caps);
	GUEST_CHECK(&g, caps.reset_rdx != 0);
	GUEST_CHECK(&g, !((struct vmx_vp *)g.vp->vtl[0]->backend)->cpu);
	guest_destroy(&g);
}

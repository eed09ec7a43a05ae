/* SPDX-License-Identifier: MIT */
/*
 * The Hyper-V interface of a partition: its CPUID leaves and synthetic MSRs. Overlay pages are only noted
 * here; a test of their own has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <guest.h>
#include <hv_call.h>
#include <hv_msr.h>
#include <kernel/cpu.h>
#include <kernel/memory_map.h>
#include <kernel/state.h>
#include <kernel/synic.h>
#include <outside.h>
#include <tsc.h>
#include <trivet/hv/features.h>

#include "guest_stubs.h"

#define RIP	 0x1000u
#define NEXT	 0x1002u
#define UNITS	 10000000ull
#define PLACE	 0x123456000ull
#define OTHER	 0x7000ull
#define TOO_FAR	 BIT(48)
#define LOCKED	 2u
#define LINUX_ID 0x8100000000000000ull

static struct cpu cpu; /* nobody wants it */
struct cpu *fake_cpu = &cpu;

static struct partition *p;
static struct vp *vp;
static uint32_t r[4];
static int last_fault; /* of the instruction that was done last; -1: none */
static bool waited;    /* it was finished outside */
static status_t move_status;

/* ---- what the kernel gives ---- */

status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay, gpa_t gpa)
{
	assert_ptr_equal(space, p->space[0]);
	if (move_status == STATUS_OK)
		overlay->gpa = gpa;
	return move_status;
}

void *heap_alloc(struct heap *heap, size_t size)
{
	(void)heap;
	return stub_no_memory ? NULL : calloc(1, size);
}

void heap_free(struct heap *heap, void *object, size_t size)
{
	(void)heap;
	(void)size;
	free(object);
}

uint64_t partition_reference_time_at(const struct partition *partition, uint64_t timestamp)
{
	return partition->time_offset + (timestamp - partition->time_base) / (timestamp_hz / UNITS);
}

uint64_t partition_reference_time(const struct partition *partition)
{
	return partition_reference_time_at(partition, partition_timestamp(partition));
}

void guest_exception(struct vp *v, uint8_t vector, bool has_error, uint32_t error)
{
	assert_ptr_equal(v, vp);
	assert_true(has_error && !error);
	last_fault = vector;
}

void guest_debug_flags_done(struct vp *v)
{
	(void)v;
	fail();
}

enum vp_outcome guest_hypercall(struct vp *v, uint64_t next_rip, bool outside)
{
	(void)v;
	(void)next_rip;
	(void)outside;
	fail();
	return VP_CONTINUE;
}

static uint64_t crash_control;

/* ---- what test_hv_crash.c has ---- */

void hv_crash_notify(struct vp *v, uint32_t vtl, uint64_t control)
{
	(void)v;
	assert_true(vtl == 0);
	crash_control = control;
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

static void make(uint32_t flags, uint32_t apic_mode)
{
	struct proto_partition_config config = {
		.vp_count = 2, .apic_mode = apic_mode, .flags = PARTITION_HYPERV | flags};
	uint32_t i;

	move_status = STATUS_OK;
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	p->arch.instructions = 0;
	p->arch.user_apic = flags & PARTITION_USER_MODE_APIC;
	p->space[0]->partition = p;
	p->time_base = fake_timestamp;
	assert_int_equal(hv_partition_create(p), STATUS_OK);
	for (i = 0; i < 2; i++) {
		p->vps[i]->vtl[0]->space = p->space[0];
		p->vps[i]->stats = calloc(1, sizeof(struct vp_stats));
		assert_int_equal(hv_vp_create(p->vps[i]), STATUS_OK);
	}
	vp = p->vps[0];
	vp->vtl[0]->arch.rip = RIP;
}

static int teardown(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		hv_vp_destroy(p->vps[i]);
		free(p->vps[i]->stats);
	}
	hv_partition_destroy(p);
	stub_partition_free(p);
	assert_int_equal(stub_pages, 0);
	return 0;
}

static void ask(uint32_t leaf)
{
	guest_cpuid_query(vp, leaf, 0, r);
}

static uint64_t rd(uint32_t msr)
{
	uint64_t value = 0;

	assert_true(guest_msr_read(vp, msr, &value));
	return value;
}

static bool can_read(uint32_t msr)
{
	uint64_t value;

	return guest_msr_read(vp, msr, &value);
}

/* WRMSR as its exit is handled. False: #GP. */
static bool wr(uint32_t msr, uint64_t value)
{
	vp->arch.gpr[GPR_RCX] = msr;
	vp->arch.gpr[GPR_RAX] = (uint32_t)value;
	vp->arch.gpr[GPR_RDX] = value >> 32;
	vp->vtl[0]->arch.rip = RIP;
	last_fault = -1;
	waited = false;
	if (guest_msr_write(vp, msr, value))
		return true;
	waited = guest_outside_waits(vp, NEXT);
	if (!waited)
		return false;
	assert_true(stub_requests[0] & VP_REQUEST_OUTSIDE);
	stub_requests[0] = 0;
	guest_outside_work(vp);
	if (last_fault >= 0)
		assert_int_equal(last_fault, EXCEPTION_GP);
	assert_int_equal(vp->vtl[0]->arch.rip, last_fault < 0 ? NEXT : RIP);
	return last_fault < 0;
}

static gpa_t place_of(const struct hv_page_register *page)
{
	return page->overlay.gpa;
}

/* ---- CPUID ---- */

static void test_leaves(void **state)
{
	(void)state;
	make(0, APIC_MODE_X2APIC_SUPPORTED);
	ask(1);
	assert_true(r[CPUID_ECX] & BIT(31));
	ask(0x40000000);
	assert_int_equal(r[CPUID_EAX], 0x4000000c);
	assert_memory_equal(&r[CPUID_EBX], "Micr", 4);
	assert_memory_equal(&r[CPUID_ECX], "osof", 4);
	assert_memory_equal(&r[CPUID_EDX], "t Hv", 4);
	ask(0x40000001);
	assert_memory_equal(&r[CPUID_EAX], "Hv#1", 4);
	assert_int_equal(r[1] | r[2] | r[3], 0);
	ask(0x40000003);
	assert_int_equal(r[CPUID_EAX], 0x2e7f);
	assert_int_equal(r[CPUID_EBX], BIT(4) | BIT(5) | BIT(17) | BIT(20) | BIT(21));
	assert_int_equal(r[CPUID_ECX], 0);
	assert_int_equal(r[CPUID_EDX],
			 BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(15) | BIT(18) | BIT(19));
	ask(0x40000004);
	assert_int_equal(r[CPUID_EAX], BIT(2) | BIT(3) | BIT(5) | BIT(9) | BIT(10) | BIT(11));
	assert_int_equal(r[CPUID_EBX], 0xfff);
	assert_int_equal(r[CPUID_ECX], 46);
	ask(0x40000005);
	assert_int_equal(r[CPUID_EAX], 4096);
	assert_int_equal(r[1] | r[2] | r[3], 0);
	ask(0x40000006);
	assert_int_equal(r[CPUID_EAX], BIT(1) | BIT(3));
	ask(0x4000000c);
	assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
	ask(0x40000010); /* Trivet's own is not there */
	assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
}

/* What the VMM does for itself is not the kernel's to offer. */
static void test_leaves_with_the_vmms_apic(void **state)
{
	(void)state;
	make(PARTITION_USER_MODE_APIC, APIC_MODE_XAPIC);
	ask(0x40000003);
	assert_int_equal(r[CPUID_EAX], 0xa63);
	assert_false(r[CPUID_EDX] & (BIT(5) | BIT(19)));
	assert_false(can_read(0x40000080) || can_read(0x40000090) || wr(0x400000b1, 1));
	ask(0x40000004);
	assert_int_equal(r[CPUID_EAX], BIT(2) | BIT(5) | BIT(9) | BIT(11));
	assert_false(can_read(0x400000f0) || can_read(0x40000072) || wr(0x40000070, 0));
	assert_true(can_read(0x40000002));
}

/* A leaf of the VMM's takes a privilege away, and the MSRs with it; it cannot give one. */
static void test_privileges(void **state)
{
	static const uint32_t features[] = {0x40000022, 0x40000105, 0x400000f0};
	uint64_t value;
	size_t i;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	for (i = 0; i < ARRAY_SIZE(features); i++)
		assert_true(can_read(features[i]));
	p->hv->features = 0;
	for (i = 0; i < ARRAY_SIZE(features); i++)
		assert_false(can_read(features[i]));
	assert_true(can_read(0x40000000));
	p->hv->privileges = 0;
	for (i = 0x40000000; i < 0x40000200; i++)
		assert_true(!guest_msr_read(vp, (uint32_t)i, &value) || i == 0x40000073);
	assert_false(wr(0x40000000, 1) || wr(0x40000001, 1) || wr(0x40000021, 1));
}

/* ---- MSRs ---- */

static void test_constants(void **state)
{
	(void)state;
	make(0, APIC_MODE_XAPIC);
	assert_int_equal(rd(0x40000002), 0);
	vp = p->vps[1];
	assert_int_equal(rd(0x40000002), 1);
	vp = p->vps[0];
	assert_int_equal(rd(0x40000022), timestamp_hz);
	assert_int_equal(rd(0x40000023), LAPIC_BUS_HZ);
	fake_timestamp += timestamp_hz;
	assert_int_equal(rd(0x40000020), UNITS);
	assert_false(wr(0x40000002, 0) || wr(0x40000020, 0) || wr(0x40000022, 1) ||
		     wr(0x40000010, 0));
	vp->stats->loaded_ticks = timestamp_hz * 3 / 2;
	assert_int_equal(rd(0x40000010), UNITS * 3 / 2);
	vp->cpu = (struct cpu *)vp;
	vp->loaded_at = fake_timestamp - timestamp_hz / 2;
	assert_int_equal(rd(0x40000010), UNITS * 2);
	vp->cpu = NULL;
	/* the gaps */
	assert_false(can_read(0x40000003) || can_read(0x40000085) || wr(0x400000b8, 0) ||
		     can_read(0x40000109) || can_read(0x400001ff) || can_read(0x40000118));
}

static bool shows_invariant(void)
{
	ask(0x80000007);
	return r[CPUID_EDX] & BIT(8);
}

static void test_tsc_registers(void **state)
{
	(void)state;
	make(0, APIC_MODE_XAPIC);
	assert_true(shows_invariant());
	assert_false(wr(0x40000118, 1));
	assert_int_equal(rd(0x40000106) | rd(0x40000107) | rd(0x40000108), 0);
	/* the vector of a fixed interrupt, and a VP; nothing reserved */
	assert_true(wr(0x40000106, 1ull << 32 | 0x10055));
	assert_false(wr(0x40000106, 2ull << 32 | 0x10055) || wr(0x40000106, 0x1000f) ||
		     wr(0x40000106, 0x10155) || wr(0x40000106, 0x18055) ||
		     wr(0x40000106, 0x30055) || wr(0x40000106, 0x80010055));
	assert_int_equal(rd(0x40000106), 1ull << 32 | 0x10055);
	assert_true(wr(0x40000106, 7ull << 32 | 3)); /* which is not enabled */
	assert_true(wr(0x40000107, 1));
	assert_false(wr(0x40000107, 2) || wr(0x40000107, BIT(63)));
	assert_false(wr(0x40000108, 1) || wr(0x40000108, 2));
	assert_true(wr(0x40000108, 0));
	/* all VPs have one */
	vp = p->vps[1];
	assert_int_equal(rd(0x40000106), 7ull << 32 | 3);
	assert_int_equal(rd(0x40000107), 1);
	assert_int_equal(hv_partition_reset(p), STATUS_OK);
	assert_int_equal(rd(0x40000106) | rd(0x40000107), 0);
	vp = p->vps[0];
}

static void test_tsc_is_invariant_when_asked(void **state)
{
	(void)state;
	make(PARTITION_HYPERV_TSC_INVARIANT, APIC_MODE_XAPIC);
	ask(0x40000003);
	assert_true(r[CPUID_EAX] & BIT(15));
	assert_false(shows_invariant());
	assert_false(wr(0x40000118, 2) || wr(0x40000118, 3));
	assert_true(wr(0x40000118, 0));
	assert_false(shows_invariant());
	assert_true(wr(0x40000118, 1));
	assert_int_equal(rd(0x40000118), 1);
	assert_true(shows_invariant());
	assert_true(wr(0x40000118, 1));
	assert_false(wr(0x40000118, 0));
	vp = p->vps[1];
	assert_true(shows_invariant());
	assert_int_equal(hv_partition_reset(p), STATUS_OK);
	assert_false(shows_invariant());
	assert_int_equal(rd(0x40000118), 0);
	vp = p->vps[0];
	/* What a leaf of the VMM's has hidden for good, the guest cannot show. */
	p->hv->tsc.hides = false;
	assert_true(wr(0x40000118, 1));
	assert_false(shows_invariant());
}

/* At another rate than the host's, until the guest knows better. */
static void emulated(uint64_t end_msr)
{
	const struct hv_reference_tsc_page *page = p->hv->vtl[0].reference_tsc.overlay.page;
	uint64_t rate = timestamp_hz / 2 * 3, tsc = BIT(40), scale;
	const struct partition_state_tsc_control control = {.reenlightenment = 1ull << 32 | 0x10055,
							    .emulation = 1};
	uint32_t sequence, i;

	assert_true(wr(0x40000021, PLACE | 1));
	scale = page->scale;
	assert_true(hv_tsc_state_valid(p, &control) && hv_tsc_state_asks(&control));
	hv_tsc_state_set(p, &control, true);
	arch_partition_tsc_set(p, tsc, rate);
	for (i = 0; i < 2; i++)
		guest_tsc_adjust_set(p->vps[i], 0);
	assert_int_equal(rd(0x10), tsc);
	fake_timestamp += 1000;
	assert_int_equal(rd(0x10), tsc + 1500);
	assert_int_equal(rd(0x40000108), 1);
	assert_int_equal(rd(0x40000022), timestamp_hz);
	assert_int_equal(page->scale,
			 (uint64_t)(((unsigned __int128)scale << 48) / p->arch.tsc_ratio));
	assert_true(page->sequence);
	sequence = page->sequence;
	/* The VP that is to hear of it does. */
	for (i = 0; i < 2; i++)
		hv_tsc_announce(p->vps[i]);
	assert_int_equal(lapic_highest_request(vp_lapic(p->vps[0], 0)), -1);
	assert_int_equal(lapic_highest_request(vp_lapic(p->vps[1], 0)), 0x55);
	assert_false(atomic_load(&p->hv->tsc.announce));
	assert_true(wr(0x40000108, 1)); /* as it is */
	assert_int_equal(rd(0x40000108), 1);
	stub_requests[1] = 0;
	assert_true(wr((uint32_t)end_msr, 0));
	assert_true(stub_requests[1] & VP_REQUEST_TSC);
	assert_int_equal(rd(0x40000108), 0);
	assert_true(page->sequence && page->sequence != sequence);
	assert_int_equal(page->scale, scale);
	assert_int_equal(rd(0x10), tsc + 1500);
	fake_timestamp += 1000;
	assert_int_equal(rd(0x10), tsc + 2500);
	assert_int_equal(p->vps[1]->arch.tsc_ratio != 0, 1); /* it has not looked yet */
	assert_int_equal(guest_tsc_read(p->vps[1]), tsc + 2500);
	guest_tsc_notice(p->vps[1]);
	assert_int_equal(p->vps[1]->arch.tsc_ratio, 0);
	assert_int_equal(guest_tsc_read(p->vps[1]), tsc + 2500);
}

static void test_tsc_emulation(void **state)
{
	static const uint32_t ends[] = {0x40000107, 0x40000108};
	unsigned int i, turn;

	for (turn = 0; turn < 4; turn++) {
		i = turn & 1;
		make(0, APIC_MODE_XAPIC);
		for (unsigned int n = 0; n < 2; n++)
			lapic_write(vp_lapic(p->vps[n], 0), LAPIC_SVR, 0x1ff, fake_timestamp,
				    &(struct lapic_effects){0});
		backend_assists = turn & 2 ? ASSIST_TSC_SCALING : 0;
		emulated(ends[i]);
		backend_assists = 0;
		assert_int_equal(rd(0x40000107), i);
		if (turn < 3)
			teardown(state);
	}
}

static void test_hypercall_page(void **state)
{
	struct hv_page_register *page;
	const uint8_t *code;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	page = &p->hv->vtl[0].hypercall;
	code = page->overlay.page;
	assert_memory_equal(code, "\x0f\x01\xc1\xc3\xcc", 5);
	assert_int_equal(code[PAGE_SIZE - 1], 0xcc);
	/* Without an identity it is not enabled, but its place is kept. */
	assert_true(wr(0x40000001, PLACE | 1));
	assert_int_equal(rd(0x40000001), PLACE);
	assert_int_equal(place_of(page), GPA_NOWHERE);
	assert_true(wr(0x40000000, LINUX_ID));
	assert_int_equal(rd(0x40000000), LINUX_ID);
	assert_true(wr(0x40000001, PLACE | 1));
	assert_int_equal(place_of(page), PLACE);
	/* all VPs see it */
	vp = p->vps[1];
	assert_int_equal(rd(0x40000001), PLACE | 1);
	vp = p->vps[0];
	assert_true(wr(0x40000001, OTHER | 0xffd)); /* reserved bits are not kept */
	assert_int_equal(rd(0x40000001), OTHER | 1);
	assert_int_equal(place_of(page), OTHER);
	assert_true(wr(0x40000001, OTHER));
	assert_int_equal(place_of(page), GPA_NOWHERE);
	assert_false(wr(0x40000001, TOO_FAR | 1));
	assert_false(wr(0x40000001, BIT(46)));
	assert_int_equal(rd(0x40000001), OTHER);
	/* without an identity any more */
	assert_true(wr(0x40000001, PLACE | 1));
	assert_true(wr(0x40000000, 0));
	assert_int_equal(rd(0x40000001), PLACE);
	assert_int_equal(place_of(page), GPA_NOWHERE);
}

static void test_locked_hypercall_page(void **state)
{
	struct hv_page_register *page;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	page = &p->hv->vtl[0].hypercall;
	assert_true(wr(0x40000000, LINUX_ID));
	assert_true(wr(0x40000001, PLACE | LOCKED | 1));
	assert_false(wr(0x40000001, OTHER | 1) || wr(0x40000001, 0));
	assert_true(wr(0x40000000, 0));
	assert_int_equal(rd(0x40000001), PLACE | LOCKED | 1);
	assert_int_equal(place_of(page), PLACE);
	assert_int_equal(hv_partition_reset(p), STATUS_OK);
	assert_int_equal(place_of(page), GPA_NOWHERE);
	assert_int_equal(rd(0x40000001) | rd(0x40000000), 0);
}

/* A move that can't be made, or not now. */
static void test_moves_that_fail(void **state)
{
	struct hv_page_register *page;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	page = &p->hv->vtl[0].hypercall;
	assert_true(wr(0x40000000, LINUX_ID));
	move_status = STATUS_NO_MEMORY;
	assert_false(wr(0x40000001, PLACE | 1));
	assert_int_equal(rd(0x40000001), 0);
	move_status = STATUS_BUSY;
	assert_false(guest_msr_write(vp, 0x40000001, PLACE | 1));
	assert_true(guest_outside_waits(vp, NEXT));
	vp->arch.gpr[GPR_RAX] = (uint32_t)PLACE | 1;
	vp->arch.gpr[GPR_RDX] = PLACE >> 32;
	last_fault = -1;
	guest_outside_work(vp);
	assert_int_equal(last_fault, -1);
	assert_int_equal(vp->vtl[0]->arch.rip, RIP);
	assert_true(stub_requests[0] & VP_REQUEST_OUTSIDE);
	/* Another VP is at these registers. */
	move_status = STATUS_OK;
	p->hv->changing = true;
	guest_outside_work(vp);
	assert_int_equal(place_of(page), GPA_NOWHERE);
	p->hv->changing = false;
	guest_outside_work(vp);
	assert_int_equal(place_of(page), PLACE);
	assert_int_equal(vp->vtl[0]->arch.rip, NEXT);
	/* Something took the VP elsewhere first. */
	assert_false(guest_msr_write(vp, 0x40000001, 0));
	vp->vtl[0]->arch.rip = 0xfff0;
	guest_outside_work(vp);
	assert_int_equal(vp->vtl[0]->arch.rip, 0xfff0);
	assert_int_equal(place_of(page), PLACE);
	guest_outside_work(vp); /* nothing is left to do */
}

static uint64_t page_time(uint64_t tsc)
{
	const struct hv_reference_tsc_page *page = p->hv->vtl[0].reference_tsc.overlay.page;

	return (uint64_t)((unsigned __int128)tsc * page->scale >> 64) + (uint64_t)page->offset;
}

static void test_reference_tsc(void **state)
{
	struct hv_reference_tsc_page *page;
	struct hv_page_register *reg;
	uint32_t sequence;
	int i;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	reg = &p->hv->vtl[0].reference_tsc;
	page = reg->overlay.page;
	fake_timestamp += 123456789;
	assert_true(wr(0x40000021, PLACE | 0x801));
	assert_true(waited);
	assert_int_equal(rd(0x40000021), PLACE | 1);
	assert_int_equal(place_of(reg), PLACE);
	assert_int_equal(page->sequence, 1);
	for (i = 0; i < 1000; i++) {
		uint64_t counter = rd(0x40000020), time = page_time(rd(0x10));

		assert_true(time - counter + 1 <= 2);
		fake_timestamp += timestamp_hz * 977 + 12347;
	}
	/* One VP's TSC goes its own way: no page can be right, and the guest asks. */
	assert_true(wr(0x10, 7));
	assert_int_equal(page->sequence, HV_TSC_INVALID);
	assert_true(wr(0x3b, 0));
	sequence = page->sequence;
	assert_int_equal(sequence, 2);
	/* Restored at another time. */
	p->time_offset += 1000 * UNITS;
	hv_time_changed(p);
	assert_int_equal(page->sequence, 3);
	assert_true(page_time(rd(0x10)) - rd(0x40000020) + 1 <= 2);
	p->hv->vtl[0].tsc_sequence = UINT32_MAX - 1;
	hv_time_changed(p);
	assert_int_equal(page->sequence, 1);
	/* Away, and beyond the end. */
	assert_true(wr(0x40000021, PLACE));
	assert_int_equal(rd(0x40000021), PLACE);
	assert_int_equal(place_of(reg), GPA_NOWHERE);
	/* Back again, it does not tell what was so before. */
	p->time_offset += 5 * UNITS;
	hv_time_changed(p);
	assert_true(wr(0x40000021, PLACE | 1));
	assert_true(page_time(rd(0x10)) - rd(0x40000020) + 1 <= 2);
	move_status = STATUS_NO_MEMORY;
	assert_false(wr(0x40000021, OTHER));
	move_status = STATUS_OK;
	assert_int_equal(rd(0x40000021), PLACE | 1);
	assert_true(wr(0x40000021, TOO_FAR | 1));
	assert_int_equal(rd(0x40000021), TOO_FAR | 1);
	assert_int_equal(place_of(reg), GPA_NOWHERE);
	/* A clock that has no scale. */
	timestamp_hz = UNITS;
	assert_true(wr(0x40000021, OTHER | 1));
	assert_int_equal(page->sequence, HV_TSC_INVALID);
	timestamp_hz = 2000000000;
	assert_int_equal(hv_partition_reset(p), STATUS_OK);
	assert_int_equal(rd(0x40000021), 0);
}

static void test_assist_page(void **state)
{
	(void)state;
	make(0, APIC_MODE_XAPIC);
	assert_true(wr(0x40000073, PLACE | 1));
	assert_int_equal(rd(0x40000073), PLACE | 1);
	assert_int_equal(place_of(&vp->vtl[0]->assist), PLACE);
	assert_int_equal(place_of(&p->vps[1]->vtl[0]->assist), GPA_NOWHERE);
	assert_true(vp->vtl[0]->assist.overlay.writable);
	*(uint8_t *)vp->vtl[0]->assist.overlay.page = 1;
	assert_int_equal(hv_vp_reset(vp), STATUS_OK);
	assert_int_equal(place_of(&vp->vtl[0]->assist), GPA_NOWHERE);
	assert_int_equal(rd(0x40000073), 0);
	assert_int_equal(*(uint8_t *)vp->vtl[0]->assist.overlay.page, 0);
	move_status = STATUS_INVALID_ADDRESS;
	assert_false(wr(0x40000073, TOO_FAR | 1));
	assert_int_equal(rd(0x40000073), 0);
}

static void test_apic(void **state)
{
	struct lapic *lapic;

	(void)state;
	make(0, APIC_MODE_X2APIC_SUPPORTED);
	lapic = vp_lapic(vp, 0);
	assert_true(guest_lapic_write(vp, 0, LAPIC_SVR, 0x1ff));
	assert_true(guest_lapic_write(p->vps[1], 0, LAPIC_SVR, 0x1ff));
	assert_true(wr(0x40000072, 0x35));
	assert_int_equal(rd(0x40000072), 0x35);
	assert_int_equal(vp->vtl[0]->arch.cr8, 3);
	assert_false(wr(0x40000072, 0x100) || can_read(0x40000070) || wr(0x40000070, BIT(32)));
	assert_true(wr(0x40000072, 0));
	/* to itself, by the shorthand */
	assert_true(wr(0x40000071, 0x44041));
	assert_int_equal(rd(0x40000071) & UINT32_MAX, 0x44041);
	assert_int_equal(lapic_pending_vector(lapic), 0x41);
	lapic_acknowledge(lapic, 0x41);
	assert_int_equal(lapic_highest_service(lapic), 0x41);
	assert_true(wr(0x40000070, 5));
	assert_int_equal(lapic_highest_service(lapic), -1);
	/* to the other, by its id */
	assert_true(wr(0x40000071, 1ull << 56 | 0x4052));
	assert_int_equal(rd(0x40000071), 1ull << 56 | 0x4052);
	assert_true(stub_requests[1] || (stub_notified & BIT(1)));
	/* in x2APIC mode as that mode's own */
	assert_true(wr(0x1b, 0xfee00d00));
	assert_true(wr(0x40000071, 1ull << 32 | 0x4053));
	assert_int_equal(rd(0x40000071), 1ull << 32 | 0x4053);
	assert_true(wr(0x40000072, 0x20) && wr(0x40000070, 1));
	assert_int_equal(rd(0x808), 0x20);
	/* off */
	assert_true(wr(0x1b, 0xfee00100));
	assert_false(can_read(0x40000072) || can_read(0x40000071) || wr(0x40000070, 0) ||
		     wr(0x40000071, 0));
}

static void test_idle(void **state)
{
	(void)state;
	make(0, APIC_MODE_XAPIC);
	assert_int_equal(rd(0x400000f0), 0);
	assert_int_equal(vp->vtl[0]->arch.activity, ACTIVITY_IDLE);
	assert_int_equal(p->vps[1]->vtl[0]->arch.activity, ACTIVITY_RUNNING);
	assert_false(wr(0x400000f0, 0));
}

static void test_crash(void **state)
{
	uint32_t n;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	for (n = 0; n < 5; n++)
		assert_true(wr(0x40000100 + n, 0xabc0 + n));
	vp = p->vps[1];
	assert_int_equal(rd(0x40000104), 0xabc4);
	assert_int_equal(rd(0x40000105), BIT(63) | BIT(62));
	vp = p->vps[0];
	assert_true(wr(0x40000105, BIT(58)));
	assert_int_equal(p->hv->crash.count, 0);
	assert_true(wr(0x40000105, BIT(63)));
	assert_int_equal(p->hv->crash.count, 1);
	assert_true(wr(0x40000105, BIT(63) | BIT(62) | BIT(58)));
	assert_int_equal(crash_control, BIT(63) | BIT(62) | BIT(58));
	assert_int_equal(hv_partition_reset(p), STATUS_OK);
	assert_int_equal(rd(0x40000104), 0);
}

/* ---- the synic ---- */

static void test_synic_registers(void **state)
{
	uint32_t n;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	assert_int_equal(rd(0x40000080), 0);
	assert_int_equal(rd(0x40000081), 1);
	assert_int_equal(rd(0x40000082) | rd(0x40000083) | rd(0x40000084), 0);
	/* what is to be preserved is kept */
	assert_true(wr(0x40000080, 0x8000000000000001));
	assert_int_equal(rd(0x40000080), 0x8000000000000001);
	assert_false(wr(0x40000081, 1) || wr(0x40000084, 1));
	assert_true(wr(0x40000084, 0));
	for (n = 0x40000090; n <= 0x4000009f; n++) {
		assert_int_equal(rd(n), 0x10000);
		assert_false(wr(n, 15) || wr(n, 0x4000f) || wr(n, 0));
		assert_true(wr(n, 0x10000) && wr(n, 0x10) && wr(n, 0xff00000000300000 | n));
		assert_int_equal(rd(n), 0xff00000000300000 | n);
		assert_int_equal(vp_synic(vp, 0)->sint[n - 0x40000090], rd(n));
	}
	/* of each VP */
	vp = p->vps[1];
	assert_int_equal(rd(0x40000090), 0x10000);
	assert_int_equal(rd(0x40000080), 0);
}

static void test_synic_pages(void **state)
{
	struct synic *synic;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	synic = vp_synic(vp, 0);
	assert_true(wr(0x40000082, PLACE | 1) && waited);
	assert_true(wr(0x40000083, OTHER | 0xfff) && waited);
	assert_int_equal(rd(0x40000082), PLACE | 1);
	assert_int_equal(rd(0x40000083), OTHER | 0xfff);
	assert_int_equal(place_of(&synic->page[SYNIC_EVENTS]), PLACE);
	assert_int_equal(place_of(&synic->page[SYNIC_MESSAGES_PAGE]), OTHER);
	assert_true(wr(0x40000083, TOO_FAR | 1));
	assert_int_equal(place_of(&synic->page[SYNIC_MESSAGES_PAGE]), GPA_NOWHERE);
	assert_true(wr(0x40000082, PLACE));
	assert_int_equal(place_of(&synic->page[SYNIC_EVENTS]), GPA_NOWHERE);
	move_status = STATUS_NO_MEMORY;
	assert_false(wr(0x40000082, PLACE | 1));
	move_status = STATUS_OK;
	assert_int_equal(rd(0x40000082), PLACE);
	assert_int_equal(hv_vp_reset(vp), STATUS_OK);
	assert_int_equal(rd(0x40000082) | rd(0x40000083), 0);
}

/* To a VP's local APIC from another CPU, and by itself. */
static void test_synic_interrupts(void **state)
{
	const struct hv_message message = {.type = 1};
	struct lapic *lapic;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	lapic = vp_lapic(vp, 0);
	assert_true(guest_lapic_write(vp, 0, LAPIC_SVR, 0x1ff));
	assert_true(wr(0x40000080, 1) && wr(0x40000083, PLACE | 1) && wr(0x40000092, 0x51));
	stub_requests[0] = 0;
	assert_int_equal(synic_post_message(vp, 0, 2, &message), STATUS_OK);
	assert_int_equal(stub_requests[0], VP_REQUEST_INTERRUPT);
	assert_int_equal(lapic_pending_vector(lapic), 0x51);
	lapic_acknowledge(lapic, 0x51);
	assert_int_equal(synic_post_message(vp, 0, 2, &message), STATUS_OK);
	stub_requests[0] = vp->vtl[0]->arch.work = 0;
	*(uint32_t *)((char *)vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.page + 512) = 0;
	assert_true(wr(0x40000084, 0));
	assert_int_equal(stub_requests[0], 0);
	assert_true(vp->vtl[0]->arch.work & WORK_INTERRUPT);
	assert_true(lapic_is_pending(lapic, 0x51));
	/* where the processor delivers */
	assert_true(wr(0x40000070, 0));
	assert_int_equal(lapic_pending_vector(lapic), 0x51);
	lapic_acknowledge(lapic, 0x51);
	memset(vp_synic(vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.page, 0, PAGE_SIZE);
	backend_assists |= ASSIST_POSTED;
	stub_notified = 0;
	assert_int_equal(synic_post_message(vp, 0, 2, &message), STATUS_OK);
	assert_int_equal(stub_notified, BIT(0));
	backend_assists &= ~(uint32_t)ASSIST_POSTED;
}

/* TLFS, "SINTx Registers": it is not in service after its delivery; others are, below and above it. */
static void test_auto_eoi(void **state)
{
	struct lapic *lapic;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	lapic = vp_lapic(vp, 0);
	assert_true(guest_lapic_write(vp, 0, LAPIC_SVR, 0x1ff));
	assert_true(wr(0x40000092, 0x20051) && wr(0x40000093, 0x61));
	assert_true(lapic->auto_eoi);
	arch_synic_interrupt(vp, 0, 0x51);
	assert_int_equal(lapic_pending_vector(lapic), 0x51);
	lapic_acknowledge(lapic, 0x51);
	assert_int_equal(lapic_highest_service(lapic), -1);
	arch_synic_interrupt(vp, 0, 0x61);
	assert_int_equal(lapic_pending_vector(lapic), 0x61);
	lapic_acknowledge(lapic, 0x61);
	arch_synic_interrupt(vp, 0, 0x51);
	assert_int_equal(lapic_pending_vector(lapic), -1);
	assert_int_equal(lapic_highest_service(lapic), 0x61);
	assert_true(wr(0x40000070, 0));
	lapic_acknowledge(lapic, 0x51);
	/* level-triggered it has an end that devices hear of */
	assert_true(lapic_accept(lapic, 0x51, true));
	assert_int_equal(lapic_pending_vector(lapic), 0x51);
	lapic_acknowledge(lapic, 0x51);
	assert_int_equal(lapic_highest_service(lapic), 0x51);
	assert_true(wr(0x40000070, 0));
	/* and not any more */
	assert_true(wr(0x40000092, 0x51));
	assert_false(lapic->auto_eoi);
	arch_synic_interrupt(vp, 0, 0x51);
	assert_int_equal(lapic_pending_vector(lapic), 0x51);
	lapic_acknowledge(lapic, 0x51);
	assert_int_equal(lapic_highest_service(lapic), 0x51);
}

static void test_stimers(void **state)
{
	struct lapic *lapic;
	uint32_t n;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	lapic = vp_lapic(vp, 0);
	assert_true(guest_lapic_write(vp, 0, LAPIC_SVR, 0x1ff));
	for (n = 0; n < 4; n++) {
		uint32_t msr = 0x400000b0 + 2 * n;

		assert_int_equal(rd(msr) | rd(msr + 1), 0);
		assert_false(wr(msr, BIT(13)) || wr(msr, BIT(20)) || wr(msr, BIT(63)));
		assert_true(wr(msr, 0xf1fff & ~1u));
		assert_int_equal(rd(msr), 0xf1ffe);
		assert_true(wr(msr, 0x1006 | (0x41 + n) << 4));
		assert_true(wr(msr + 1, UNITS + n));
		assert_int_equal(rd(msr + 1), UNITS + n);
		assert_int_equal(rd(msr), 0x1006 | (0x41 + n) << 4);
	}
	/* one-shot, direct, auto-enabled, in the past */
	fake_timestamp += timestamp_hz;
	assert_true(wr(0x400000b0, 0x1008 | 0x41 << 4) && wr(0x400000b1, 1));
	assert_int_equal(lapic_pending_vector(lapic), 0x41);
	assert_true(vp->vtl[0]->arch.work & WORK_INTERRUPT);
	p->hv->features &= ~(uint32_t)BIT(19);
	assert_false(wr(0x400000b0, 0x1008 | 0x41 << 4));
	assert_true(wr(0x400000b0, 0x20008));
}

/* Shown where the backend can do it; four bits, which it is told of when they change. */
static void test_npiep(void **state)
{
	(void)state;
	make(0, APIC_MODE_XAPIC);
	ask(0x40000003);
	assert_false((r[CPUID_EDX] & BIT(12)) || can_read(0x40000040) || wr(0x40000040, 0));
	teardown(NULL);
	backend_assists |= ASSIST_TABLES;
	make(0, APIC_MODE_XAPIC);
	ask(0x40000003);
	assert_true(r[CPUID_EDX] & BIT(12));
	assert_int_equal(rd(0x40000040), 0);
	stub_tables = 0x77;
	assert_true(wr(0x40000040, 0));
	assert_int_equal(stub_tables, 0x77);
	assert_true(wr(0x40000040, 0xa));
	assert_int_equal(stub_tables, 0xa);
	assert_int_equal(rd(0x40000040), 0xa);
	assert_false(wr(0x40000040, 0x1a) || wr(0x40000040, BIT(63)));
	assert_int_equal(rd(0x40000040), 0xa);
	assert_int_equal(p->vps[1]->vtl[0]->arch.npiep, 0);
	p->hv->features &= ~(uint32_t)BIT(12);
	assert_false(can_read(0x40000040) || wr(0x40000040, 1));
	backend_assists &= ~(uint32_t)ASSIST_TABLES;
}

/* Every number can be read and written, whatever it is. */
static void test_sweep(void **state)
{
	uint64_t value;
	uint32_t n;

	(void)state;
	make(0, APIC_MODE_XAPIC);
	for (n = 0x3ffffff0; n < 0x40000210; n++) {
		if (guest_msr_read(vp, n, &value))
			wr(n, value);
		wr(n, UINT64_MAX);
		wr(n, 0);
	}
	assert_int_equal(place_of(&p->hv->vtl[0].hypercall), GPA_NOWHERE);
	assert_int_equal(place_of(&p->hv->vtl[0].reference_tsc), GPA_NOWHERE);
}

static void test_without_memory(void **state)
{
	static const struct proto_partition_config config = {.vp_count = 2,
							     .flags = PARTITION_HYPERV};

	(void)state;
	stub_host_set(HOST_EPYC);
	p = stub_partition(&config);
	stub_no_memory = true;
	assert_int_equal(hv_partition_create(p), STATUS_NO_MEMORY);
	hv_partition_destroy(p);
	stub_no_memory = false;
	assert_int_equal(hv_partition_create(p), STATUS_OK);
	assert_memory_equal(p->hv->vtl[0].hypercall.overlay.page, "\x0f\x01\xd9\xc3", 4);
	hv_partition_destroy(p);
	stub_partition_free(p);
	assert_int_equal(stub_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_leaves, teardown),
		cmocka_unit_test_teardown(test_leaves_with_the_vmms_apic, teardown),
		cmocka_unit_test_teardown(test_privileges, teardown),
		cmocka_unit_test_teardown(test_constants, teardown),
		cmocka_unit_test_teardown(test_tsc_registers, teardown),
		cmocka_unit_test_teardown(test_tsc_is_invariant_when_asked, teardown),
		cmocka_unit_test_teardown(test_tsc_emulation, teardown),
		cmocka_unit_test_teardown(test_hypercall_page, teardown),
		cmocka_unit_test_teardown(test_locked_hypercall_page, teardown),
		cmocka_unit_test_teardown(test_moves_that_fail, teardown),
		cmocka_unit_test_teardown(test_reference_tsc, teardown),
		cmocka_unit_test_teardown(test_assist_page, teardown),
		cmocka_unit_test_teardown(test_apic, teardown),
		cmocka_unit_test_teardown(test_idle, teardown),
		cmocka_unit_test_teardown(test_crash, teardown),
		cmocka_unit_test_teardown(test_synic_registers, teardown),
		cmocka_unit_test_teardown(test_synic_pages, teardown),
		cmocka_unit_test_teardown(test_synic_interrupts, teardown),
		cmocka_unit_test_teardown(test_auto_eoi, teardown),
		cmocka_unit_test_teardown(test_stimers, teardown),
		cmocka_unit_test_teardown(test_npiep, teardown),
		cmocka_unit_test_teardown(test_sweep, teardown),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

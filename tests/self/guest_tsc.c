/* SPDX-License-Identifier: MIT */
/* The TSC of a guest that was saved where it ran at another rate, and what the Hyper-V interface has for that. */
#include "second.h"
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/state.h>
#include <trivet/hv/features.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(clocks);
extern const char guest_clocks_gp[], guest_clocks_irq[];

enum operation { READ_MSR, WRITE_MSR, LOOK, RACE, WAIT, CPUID };

#define GP		13u
#define PLACE		0x60000ull /* of the reference TSC page */
#define VECTOR		0x55u
#define TIMER		0x56u
#define UNITS		10000000ull /* of reference time, in a second */
#define SLACK		3u	    /* of them: two roundings, and a comparison of either side */
#define ENABLED		(HV_REENLIGHTENMENT_ENABLED | VECTOR)
#define MSR_TSC		0x10u
#define MSR_TSC_ADJUST	0x3bu
#define MSR_DEADLINE	0x6e0u
#define MSR_LVT_TIMER	0x832u
#define LVT_DEADLINE	(2u << 17)
#define MSR_TSC_AUX	0xc0000103u
#define AUX		0x1234567u
#define SHARED(g, at)	(*(volatile uint32_t *)((g)->ram + (at)))
#define TURNS		2000u
#define STATE_ORDER	3u
#define PARTITION_BYTES 512u

struct look {
	uint64_t before, tsc, with_aux, by_msr, time, after; /* in the order of time */
};

/* ---- what the guest does ---- */

/* The vector of its fault, or 0; UINT32_MAX: it went astray. */
static uint32_t does(struct test_guest *g, enum operation operation)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RDI] = operation;
	return guest_says(g, 1) ? (uint32_t)gpr[GPR_R12] : UINT32_MAX;
}

static uint32_t writes(struct test_guest *g, uint32_t msr, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = msr;
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	return does(g, WRITE_MSR);
}

static bool reads(struct test_guest *g, uint32_t msr, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = msr;
	return !does(g, READ_MSR) && ((uint32_t)gpr[GPR_R14] | gpr[GPR_R15] << 32) == value;
}

static bool has_rdtscp(const struct test_guest *g)
{
	return g->partition->arch.instructions & INSTRUCTION_RDTSCP;
}

/* Its clocks, which have to agree. */
static bool looks(struct test_guest *g, struct look *l)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RBX] = PLACE;
	gpr[GPR_RSI] = has_rdtscp(g);
	if (does(g, LOOK))
		return false;
	*l = (struct look){gpr[GPR_R8],	 gpr[GPR_R9],  gpr[GPR_R10],
			   gpr[GPR_R11], gpr[GPR_R14], gpr[GPR_R15]};
	if (has_rdtscp(g) && SHARED(g, 0x9008) != AUX)
		return false;
	return l->tsc <= l->with_aux && l->with_aux <= l->by_msr && l->before <= l->time + SLACK &&
	       l->time <= l->after + SLACK;
}

/* The processor lets a TSC run at another rate, without an exit. */
static bool scales(void)
{
	return backend_assists & ASSIST_TSC_SCALING;
}

/* All that was read was read by the processor, or nothing was. */
static bool exits_as_it_has_to(const struct vp *vp)
{
	return !vp->stats->exits[VP_EXIT_TSC] == scales();
}

static void spin(uint64_t ticks)
{
	uint64_t end = timestamp_read() + ticks;

	while (timestamp_read() < end) /* ends with time */
		;
}

static uint64_t ticks_of(uint64_t units, uint64_t hz)
{
	return units * (hz / 1000) / (UNITS / 1000);
}

/* From one look to another the TSC ran at that rate: of the counter, which is read before it and behind it, as
 * much has passed. */
static bool runs_at(struct test_guest *g, uint64_t hz, struct look *last)
{
	struct look first;
	uint64_t ticks;

	if (!looks(g, &first))
		return false;
	spin(timestamp_hz / 50);
	if (!looks(g, last) || last->tsc <= first.by_msr)
		return false;
	ticks = last->tsc - first.tsc;
	return ticks >= ticks_of(last->before - first.after - SLACK, hz) &&
	       ticks <= ticks_of(last->after - first.before + SLACK, hz);
}

static bool start(struct test_guest *g)
{
	guest_start(g, clocks);
	guest_vector_set(g, GP, (uintptr_t)guest_clocks_gp);
	guest_vector_set(g, VECTOR, (uintptr_t)guest_clocks_irq);
	guest_vector_set(g, TIMER, (uintptr_t)guest_clocks_irq);
	if (!guest_says(g, 1) || (has_rdtscp(g) && writes(g, MSR_TSC_AUX, AUX)))
		return false;
	return !writes(g, HV_MSR_REFERENCE_TSC, PLACE | HV_PAGE_ENABLE);
}

static bool prepares(struct test_guest *g)
{
	return !writes(g, HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED) &&
	       !writes(g, HV_MSR_TSC_EMULATION_CONTROL, HV_TSC_EMULATION_ENABLED);
}

/* ---- saved, and restored elsewhere ---- */

struct saved {
	uint64_t partition[PARTITION_BYTES / 8];
	uint64_t partition_size, vp_size;
	uint8_t *vp;
};

/* The first element of a partition's state. */
static struct partition_state_time *time_of(struct saved *s)
{
	return (struct partition_state_time *)((uint8_t *)s->partition +
					       sizeof(struct state_header) +
					       sizeof(struct state_record));
}

/* While its time stands still. */
static bool save(struct test_guest *g, struct saved *s)
{
	return partition_freeze(g->partition) == STATUS_OK &&
	       partition_save(g->partition, s->partition, sizeof(s->partition),
			      &s->partition_size) == STATUS_OK &&
	       vp_save(g->vp, s->vp, STATE_SIZE_MAX, &s->vp_size) == STATUS_OK;
}

static bool restore(struct test_guest *g, const struct saved *s)
{
	return partition_freeze(g->partition) == STATUS_OK &&
	       partition_restore(g->partition, s->partition, s->partition_size) == STATUS_OK &&
	       vp_restore(g->vp, s->vp, s->vp_size) == STATUS_OK &&
	       partition_thaw(g->partition) == STATUS_OK;
}

/* To a fresh partition, as if it came from where the TSC runs at that rate. */
static bool moves(struct test_guest *g, struct saved *s, uint64_t hz)
{
	uint32_t flags = g->partition->config.flags;
	struct test_guest other;

	if (!save(g, s) || !guest_create_flags(&other, flags))
		return false;
	memcpy(other.ram, g->ram, GUEST_RAM);
	guest_destroy(g);
	*g = other;
	time_of(s)->tsc_hz = hz;
	return restore(g, s);
}

/* Ends the emulation by one of the registers: no clock makes a step. */
static bool ends(struct test_guest *g, uint32_t msr)
{
	struct look before, after;
	uint64_t exits;

	if (!looks(g, &before) || writes(g, msr, 0) || !looks(g, &after))
		return false;
	exits = g->vp->stats->exits[VP_EXIT_TSC];
	return after.tsc >= before.by_msr && after.time >= before.time &&
	       after.tsc - before.tsc < timestamp_hz && runs_at(g, timestamp_hz, &after) &&
	       g->vp->stats->exits[VP_EXIT_TSC] == exits &&
	       reads(g, HV_MSR_TSC_EMULATION_STATUS, 0) &&
	       reads(g, HV_MSR_TSC_FREQUENCY, timestamp_hz);
}

/* The timer that follows the TSC does so at its rate: it does not come too soon. */
static bool deadline_comes(struct test_guest *g)
{
	uint32_t before = SHARED(g, 0x9010);
	struct look l;
	uint64_t deadline;

	if (writes(g, MSR_LVT_TIMER, LVT_DEADLINE | TIMER) || !looks(g, &l))
		return false;
	deadline = l.by_msr + timestamp_hz / 50;
	return !writes(g, MSR_DEADLINE, deadline) && !does(g, WAIT) && looks(g, &l) &&
	       SHARED(g, 0x9010) == before + 1 && l.tsc >= deadline &&
	       l.tsc - deadline < timestamp_hz * 2;
}

/* At that rate, it hears of it, and all clocks are right; then at this machine's. */
static bool emulated_at(struct test_guest *g, struct saved *s, uint64_t hz, uint32_t end)
{
	uint32_t heard = SHARED(g, 0x9010);
	uint64_t tsc;
	struct look l;

	if (!moves(g, s, hz))
		return false;
	tsc = time_of(s)->tsc;
	if (!looks(g, &l) || l.tsc < tsc || l.tsc - tsc > hz || SHARED(g, 0x9010) != heard + 1)
		return false;
	return reads(g, HV_MSR_TSC_EMULATION_STATUS, HV_TSC_EMULATION_IN_PROGRESS) &&
	       reads(g, HV_MSR_TSC_FREQUENCY, timestamp_hz) && runs_at(g, hz, &l) &&
	       deadline_comes(g) && writes(g, HV_MSR_TSC_EMULATION_STATUS, 2) == GP &&
	       writes(g, HV_MSR_TSC_EMULATION_STATUS, 1) == 0 && runs_at(g, hz, &l) &&
	       exits_as_it_has_to(g->vp) && ends(g, end) && deadline_comes(g);
}

static bool emulation(struct test_guest *g, struct saved *s)
{
	struct look l;

	return prepares(g) && looks(g, &l) && !g->vp->stats->exits[VP_EXIT_TSC] &&
	       emulated_at(g, s, timestamp_hz / 2 * 3, HV_MSR_TSC_EMULATION_STATUS) &&
	       emulated_at(g, s, timestamp_hz / 3 * 2, HV_MSR_TSC_EMULATION_CONTROL);
}

/* What the VP's software has added to its TSC stays, in both ways. */
static bool own_tsc(struct test_guest *g, struct saved *s)
{
	uint64_t rate = timestamp_hz / 4 * 5, added = 3 * timestamp_hz;
	struct look before, after;

	if (!prepares(g) || writes(g, MSR_TSC_ADJUST, added) || !moves(g, s, rate) ||
	    does(g, LOOK) || g->vp->arch.gpr[GPR_R14])
		return false; /* no page tells of two TSCs */
	if (!reads(g, MSR_TSC_ADJUST, added) || writes(g, MSR_TSC_ADJUST, 0) ||
	    !looks(g, &before) || before.tsc - time_of(s)->tsc > rate)
		return false;
	if (writes(g, MSR_TSC, 1) || !reads(g, HV_MSR_TSC_EMULATION_STATUS, 1))
		return false;
	(void)does(g, LOOK);
	before.tsc = g->vp->arch.gpr[GPR_R9];
	if (before.tsc > rate || writes(g, HV_MSR_TSC_EMULATION_STATUS, 0))
		return false;
	(void)does(g, LOOK);
	after.tsc = g->vp->arch.gpr[GPR_R9];
	return after.tsc > before.tsc && after.tsc - before.tsc < rate;
}

/* A save in the midst of it goes on from there, at the same rate, until one is at this machine's. */
static bool again(struct test_guest *g, struct saved *s)
{
	uint64_t rate = timestamp_hz / 2 * 3;
	struct look l;

	if (!prepares(g) || !moves(g, s, rate) || !runs_at(g, rate, &l) || !save(g, s) ||
	    time_of(s)->tsc_hz != rate || partition_thaw(g->partition) != STATUS_OK)
		return false;
	if (!moves(g, s, rate) || !runs_at(g, rate, &l) || !moves(g, s, timestamp_hz))
		return false;
	return reads(g, HV_MSR_TSC_EMULATION_STATUS, 0) && runs_at(g, timestamp_hz, &l) &&
	       SHARED(g, 0x9010) == 3;
}

/* Who has not asked for it is restored at another rate only where the processor scales, and nobody is at one that
 * is far away. */
static bool refused(struct test_guest *g, struct saved *s)
{
	static const struct {
		uint64_t reenlightenment, emulation;
		uint32_t times, by;
		bool scaled, emulated;
	} rows[] = {
		{0, 0, 3, 2, true, false},	   {ENABLED, 0, 3, 2, true, false},
		{0, 1, 3, 2, true, false},	   {ENABLED, 1, 3, 2, true, true},
		{ENABLED, 1, 17, 1, false, false}, {ENABLED, 1, 1, 17, false, false},
		{ENABLED, 1, 0, 1, false, false},
	};
	status_t status;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (writes(g, HV_MSR_REENLIGHTENMENT_CONTROL, rows[i].reenlightenment) ||
		    writes(g, HV_MSR_TSC_EMULATION_CONTROL, rows[i].emulation) || !save(g, s))
			return false;
		time_of(s)->tsc_hz = timestamp_hz / rows[i].by * rows[i].times;
		status = rows[i].emulated || (rows[i].scaled && scales()) ? STATUS_OK
									  : STATUS_TSC_RATE;
		if (partition_restore(g->partition, s->partition, s->partition_size) != status ||
		    partition_thaw(g->partition) != STATUS_OK ||
		    !reads(g, HV_MSR_TSC_EMULATION_STATUS, rows[i].emulated) ||
		    writes(g, HV_MSR_TSC_EMULATION_STATUS, 0))
			return false;
	}
	return true;
}

/* The page in a fresh partition, at this machine's rate: it tells the time that it told before. */
static bool page_moves(struct test_guest *g, struct saved *s)
{
	struct look before, after;
	uint32_t sequence;

	if (!looks(g, &before) || !before.time)
		return false;
	sequence = (uint32_t)g->vp->arch.gpr[GPR_R13];
	if (!moves(g, s, timestamp_hz))
		return false;
	return looks(g, &after) && after.time && g->vp->arch.gpr[GPR_R13] != sequence &&
	       after.time >= before.time && after.tsc > before.by_msr &&
	       after.time - before.time < UNITS && runs_at(g, timestamp_hz, &after) &&
	       SHARED(g, 0x9010) == 0;
}

static bool registers(struct test_guest *g, struct saved *s)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
		uint32_t fault;
	} rows[] = {
		{HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED | BIT(8), GP},
		{HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED | BIT(17), GP},
		{HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED | BIT(32), GP}, /* no such VP */
		{HV_MSR_REENLIGHTENMENT_CONTROL, HV_REENLIGHTENMENT_ENABLED | 15, GP},
		{HV_MSR_REENLIGHTENMENT_CONTROL, 0xff, 0},
		{HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED, 0},
		{HV_MSR_TSC_EMULATION_CONTROL, 2, GP},
		{HV_MSR_TSC_EMULATION_CONTROL, BIT(63), GP},
		{HV_MSR_TSC_EMULATION_CONTROL, 1, 0},
		{HV_MSR_TSC_EMULATION_STATUS, 1, GP}, /* nobody can begin it */
		{HV_MSR_TSC_EMULATION_STATUS, BIT(63), GP},
		{HV_MSR_TSC_EMULATION_STATUS, 0, 0},
		{HV_MSR_TSC_INVARIANT_CONTROL, 1, GP}, /* it is not offered */
	};
	unsigned int i;

	(void)s;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (writes(g, rows[i].msr, rows[i].value) != rows[i].fault)
			return false;
	return reads(g, HV_MSR_REENLIGHTENMENT_CONTROL, ENABLED) &&
	       reads(g, HV_MSR_TSC_EMULATION_CONTROL, 1) &&
	       reads(g, HV_MSR_TSC_EMULATION_STATUS, 0);
}

/* ---- that it is invariant ---- */

static bool shows_invariant(struct test_guest *g)
{
	g->vp->arch.gpr[GPR_RAX] = 0x80000007;
	return !does(g, CPUID) && (g->vp->arch.gpr[GPR_R14] & BIT(8));
}

static bool invariant(struct test_guest *g, struct saved *s)
{
	const uint32_t msr = HV_MSR_TSC_INVARIANT_CONTROL;

	if (shows_invariant(g) || !reads(g, msr, 0) || writes(g, msr, 2) != GP ||
	    writes(g, msr, BIT(63) | 1) != GP || writes(g, msr, 0) || shows_invariant(g))
		return false;
	if (writes(g, msr, 1) || !shows_invariant(g) || !reads(g, msr, 1) || writes(g, msr, 1) ||
	    writes(g, msr, 0) != GP || !shows_invariant(g))
		return false;
	if (!moves(g, s, timestamp_hz) || !shows_invariant(g) || !reads(g, msr, 1))
		return false;
	atomic_store(&g->vp->run_state, VP_STOPPED);
	return partition_reset(g->partition) == STATUS_OK && vp_reset(g->vp) == STATUS_OK &&
	       start(g) && !shows_invariant(g) && reads(g, msr, 0);
}

/* A reset ends the emulation, too. */
static bool reset(struct test_guest *g, struct saved *s)
{
	struct look l;

	if (!prepares(g) || !moves(g, s, timestamp_hz / 2 * 3) || !looks(g, &l))
		return false;
	atomic_store(&g->vp->run_state, VP_STOPPED);
	if (partition_reset(g->partition) != STATUS_OK || vp_reset(g->vp) != STATUS_OK || !start(g))
		return false;
	return runs_at(g, timestamp_hz, &l) && l.tsc < timestamp_hz &&
	       reads(g, HV_MSR_TSC_EMULATION_STATUS, 0) &&
	       reads(g, HV_MSR_REENLIGHTENMENT_CONTROL, 0) &&
	       reads(g, HV_MSR_TSC_EMULATION_CONTROL, 0);
}

static bool run(bool (*function)(struct test_guest *g, struct saved *s), uint32_t flags)
{
	uint64_t before = kernel_heap.pages_free;
	struct saved s = {.vp = page_alloc(&kernel_heap, STATE_ORDER)};
	struct test_guest g;
	bool ok = false;

	if (!s.vp)
		return false;
	if (guest_create_flags(&g, flags))
		ok = start(&g) && function(&g, &s);
	guest_destroy(&g);
	page_free(&kernel_heap, s.vp, STATE_ORDER);
	return ok && kernel_heap.pages_free == before;
}

/* Where the processor scales, also as if it did not. */
static void tsc_test(bool (*function)(struct test_guest *g, struct saved *s), uint32_t flags,
		     enum selftest_outcome *outcome, const char **reason)
{
	uint32_t assists = backend_assists;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(run(function, flags));
	backend_assists &= ~(uint32_t)ASSIST_TSC_SCALING;
	ok = backend_assists == assists || run(function, flags);
	backend_assists = assists;
	CHECK(ok);
}

#define TSC_TEST(name, flags)                           \
	SELFTEST(hyperv_tsc_##name)                     \
	{                                               \
		tsc_test(name, flags, outcome, reason); \
	}

TSC_TEST(emulation, PARTITION_HYPERV)
TSC_TEST(own_tsc, PARTITION_HYPERV)
TSC_TEST(again, PARTITION_HYPERV)
TSC_TEST(refused, PARTITION_HYPERV)
TSC_TEST(page_moves, PARTITION_HYPERV)
TSC_TEST(registers, PARTITION_HYPERV)
TSC_TEST(invariant, PARTITION_HYPERV | PARTITION_HYPERV_TSC_INVARIANT)
TSC_TEST(reset, PARTITION_HYPERV)

/* ---- scaled by the processor ---- */

/* The guest need not know of it: its TSC goes on at the rate at which it was. */
static bool unprepared(struct test_guest *g, struct saved *s)
{
	uint64_t rate = timestamp_hz / 2 * 3;
	struct look l;

	return moves(g, s, rate) && runs_at(g, rate, &l) && l.time && deadline_comes(g) &&
	       reads(g, HV_MSR_TSC_FREQUENCY, rate) && reads(g, HV_MSR_TSC_EMULATION_STATUS, 0) &&
	       !g->vp->stats->exits[VP_EXIT_TSC] && SHARED(g, 0x9010) == 1 && save(g, s) &&
	       time_of(s)->tsc_hz == rate && partition_thaw(g->partition) == STATUS_OK;
}

/* Nor need it have the Hyper-V interface. */
static bool plain(struct test_guest *g, struct saved *s)
{
	uint64_t rate = timestamp_hz / 2 * 3, before, after, from, to;

	guest_start(g, clocks);
	if (!guest_says(g, 1) || !moves(g, s, rate))
		return false;
	g->vp->arch.gpr[GPR_RAX] = 0x40000010;
	if (does(g, CPUID) || g->vp->arch.gpr[GPR_R15] != rate / 1000)
		return false;
	from = timestamp_read();
	before = guest_register(g, HV_X64_REGISTER_TSC);
	spin(timestamp_hz / 50);
	after = guest_register(g, HV_X64_REGISTER_TSC);
	to = timestamp_read();
	return after - before > timestamp_hz / 40 && after - before <= (to - from) / 2 * 3 + 3;
}

SELFTEST(hyperv_tsc_scaled)
{
	struct saved s = {.vp = NULL};
	struct test_guest g;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	if (!scales())
		SKIP("the processor does not scale TSCs");
	CHECK(run(unprepared, PARTITION_HYPERV));
	s.vp = page_alloc(&kernel_heap, STATE_ORDER);
	ok = s.vp && guest_create(&g) && plain(&g, &s);
	guest_destroy(&g);
	page_free(&kernel_heap, s.vp, STATE_ORDER);
	CHECK(ok);
}

/* ---- two VPs ---- */

/* The same partition goes on at another rate, with both VPs in step. */
static bool both_go_on(struct test_guest *g, uint64_t hz)
{
	struct saved s = {.vp = NULL};
	struct vp_state_tsc tsc;
	uint64_t size;

	if (partition_freeze(g->partition) != STATUS_OK ||
	    partition_save(g->partition, s.partition, sizeof(s.partition), &s.partition_size) !=
		    STATUS_OK ||
	    vp_state_get(g->vp, 0, VP_STATE_TSC, &tsc, sizeof(tsc), &size) != STATUS_OK)
		return false;
	time_of(&s)->tsc_hz = hz;
	return partition_restore(g->partition, s.partition, s.partition_size) == STATUS_OK &&
	       vp_state_set(g->vp, 0, VP_STATE_TSC, &tsc, size) == STATUS_OK &&
	       vp_state_set(second_vp, 0, VP_STATE_TSC, &tsc, size) == STATUS_OK &&
	       partition_thaw(g->partition) == STATUS_OK;
}

static bool races(struct test_guest *g)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RSI] = TURNS;
	gpr[GPR_RBX] = 0x9038;
	return !does(g, RACE);
}

/* VP 1 reads its TSC all the time, and so does VP 0, before and after it ends the emulation. */
static bool in_step(struct test_guest *g)
{
	struct test_guest other = {.vp = second_vp, .ram = g->ram};
	uint64_t *gpr = second_vp->arch.gpr;
	struct look l;
	uint32_t turns;
	bool ok;

	guest_start(&other, clocks);
	second_vp->vtl[0]->arch.activity = ACTIVITY_RUNNING;
	gpr[GPR_RSP] -= 0x400;
	gpr[GPR_RDI] = RACE;
	gpr[GPR_RSI] = 0;
	gpr[GPR_RBX] = 0x9034;
	if (!start(g) || !prepares(g) || !both_go_on(g, timestamp_hz / 2 * 3) || !second_run())
		return false;
	ok = races(g) && looks(g, &l) && l.time && exits_as_it_has_to(second_vp) &&
	     !writes(g, HV_MSR_TSC_EMULATION_STATUS, 0) && races(g) && looks(g, &l) && l.time;
	turns = SHARED(g, 0x9034);
	ok = ok && races(g);
	g->ram[GUEST_DATA] = 1;
	ok = second_says(5) && ok;
	return ok && SHARED(g, 0x9034) > turns && !SHARED(g, 0x9030) &&
	       !second_vp->arch.tsc_exits && runs_at(g, timestamp_hz, &l);
}

SELFTEST(hyperv_tsc_in_step)
{
	uint64_t before = kernel_heap.pages_free;
	uint32_t assists = backend_assists;
	const char *why;
	bool ok = second_test_flags(in_step, PARTITION_HYPERV, &why);

	if (why)
		SKIP(why);
	CHECK(ok);
	backend_assists &= ~(uint32_t)ASSIST_TSC_SCALING;
	ok = backend_assists == assists || second_test_flags(in_step, PARTITION_HYPERV, &why);
	backend_assists = assists;
	CHECK(ok);
	CHECK(second_memory_is_back(before));
}

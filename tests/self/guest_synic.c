/* SPDX-License-Identifier: MIT */
/* The synic and its timers as a guest finds them: messages, events, timers, and what ends an interrupt. */
#include "second.h"
#include <kernel/arch.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/state.h>
#include <kernel/synic.h>
#include <trivet/hv/msr.h>

GUEST_CODE_DECLARE(synic);
GUEST_CODE_DECLARE(synic_receiver);
extern const char guest_synic_irq[], guest_synic_second[], guest_synic_gp[];
extern const char guest_synic_receiver_message[], guest_synic_receiver_event[];

enum operation { READ_MSR, WRITE_MSR, READ, WRITE, SLEEP };

#define GP		 13u
#define VECTOR		 0x51u
#define SECOND_VECTOR	 0x52u
#define SINT		 2u
#define MESSAGES	 0x60000ull
#define EVENTS		 0x61000ull
#define SLOT		 (MESSAGES + SINT * HV_MESSAGE_SIZE)
#define TYPE		 0x77u
#define UNITS_PER_MS	 10000ull
#define SLOT_FLAGS(word) ((uint8_t)((word) >> 40))

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

static uint64_t reads(struct test_guest *g, uint32_t msr)
{
	g->vp->arch.gpr[GPR_RCX] = msr;
	return does(g, READ_MSR) ? UINT64_MAX : g->vp->arch.gpr[GPR_R14];
}

static uint64_t looks(struct test_guest *g, gpa_t gpa)
{
	g->vp->arch.gpr[GPR_RSI] = gpa;
	return does(g, READ) ? UINT64_MAX : g->vp->arch.gpr[GPR_R14];
}

/* Takes the interrupts that wait, behind it. */
static bool stores(struct test_guest *g, gpa_t gpa, uint64_t value)
{
	g->vp->arch.gpr[GPR_RSI] = gpa;
	g->vp->arch.gpr[GPR_R14] = value;
	return !does(g, WRITE);
}

/* So many interrupts were there since the last time. */
static bool interrupts(struct test_guest *g, uint64_t count)
{
	uint64_t *rbx = &g->vp->arch.gpr[GPR_RBX];
	bool right = stores(g, GUEST_DATA, 0) && *rbx == count;

	*rbx = 0;
	return right;
}

static status_t post(struct vp *vp, uint32_t number)
{
	struct hv_message message = {.type = TYPE, .payload_size = sizeof(number)};

	memcpy(message.payload, &number, sizeof(number));
	return synic_post_message(vp, 0, SINT, &message);
}

/* The number of the message that is in the slot; UINT32_MAX: none. */
static uint32_t slot_number(struct test_guest *g)
{
	return (uint32_t)looks(g, SLOT) == TYPE ? (uint32_t)looks(g, SLOT + 16) : UINT32_MAX;
}

static bool start(struct test_guest *g)
{
	guest_start(g, synic);
	guest_vector_set(g, GP, (uintptr_t)guest_synic_gp);
	guest_vector_set(g, VECTOR, (uintptr_t)guest_synic_irq);
	guest_vector_set(g, SECOND_VECTOR, (uintptr_t)guest_synic_second);
	return guest_says(g, 1);
}

static bool enable(struct test_guest *g)
{
	return !writes(g, HV_MSR_SIMP, MESSAGES | 1) && !writes(g, HV_MSR_SIEFP, EVENTS | 1) &&
	       !writes(g, HV_MSR_SINT0 + SINT, VECTOR) && !writes(g, HV_MSR_SCONTROL, 1);
}

/* ---- tests ---- */

static bool registers(struct test_guest *g)
{
	return reads(g, HV_MSR_SVERSION) == HV_SYNIC_VERSION && reads(g, HV_MSR_EOM) == 0 &&
	       reads(g, HV_MSR_SINT15) == HV_SINT_MASKED && writes(g, HV_MSR_SINT15, 15) == GP &&
	       writes(g, HV_MSR_SVERSION, 1) == GP && writes(g, HV_MSR_EOM, 1) == GP &&
	       writes(g, HV_MSR_STIMER0_CONFIG, BIT(20)) == GP && enable(g) &&
	       reads(g, HV_MSR_SIMP) == (MESSAGES | 1) && reads(g, HV_MSR_SCONTROL) == 1 &&
	       looks(g, SLOT) == 0 && stores(g, SLOT + 24, 5) && looks(g, SLOT + 24) == 5 &&
	       g->ram[SLOT + 24] == 0;
}

static bool messages(struct test_guest *g)
{
	if (!enable(g) || post(g->vp, 1) != STATUS_OK || post(g->vp, 2) != STATUS_OK)
		return false;
	if (!interrupts(g, 1) || slot_number(g) != 1 || !(SLOT_FLAGS(looks(g, SLOT)) & 1))
		return false;
	/* The slot is emptied, and the end of the message told. */
	if (!stores(g, SLOT, 0) || !interrupts(g, 0) || writes(g, HV_MSR_EOM, 0) ||
	    !interrupts(g, 1) || slot_number(g) != 2 || SLOT_FLAGS(looks(g, SLOT)))
		return false;
	/* And of one that a sleeping VP gets. */
	return stores(g, SLOT, 0) && post(g->vp, 3) == STATUS_OK && !does(g, SLEEP) &&
	       interrupts(g, 1) && slot_number(g) == 3;
}

static bool events(struct test_guest *g)
{
	bool was_set;

	if (!enable(g) || synic_signal_event(g->vp, 0, SINT, 65, &was_set) != STATUS_OK ||
	    was_set || !interrupts(g, 1) || looks(g, EVENTS + SINT * 256 + 8) != 2)
		return false;
	if (synic_signal_event(g->vp, 0, SINT, 65, &was_set) != STATUS_OK || !was_set ||
	    !interrupts(g, 0))
		return false;
	return stores(g, EVENTS + SINT * 256 + 8, 0) &&
	       synic_signal_event(g->vp, 0, SINT, 65, &was_set) == STATUS_OK && !was_set &&
	       interrupts(g, 1) && synic_clear_event(g->vp, 0, SINT, 65) == STATUS_OK &&
	       looks(g, EVENTS + SINT * 256 + 8) == 0;
}

static bool polling(struct test_guest *g)
{
	return enable(g) &&
	       !writes(g, HV_MSR_SINT0 + SINT, HV_SINT_POLLING | HV_SINT_MASKED | VECTOR) &&
	       post(g->vp, 1) == STATUS_OK && post(g->vp, 2) == STATUS_OK && interrupts(g, 0) &&
	       slot_number(g) == 1 && stores(g, SLOT, 0) && !writes(g, HV_MSR_EOM, 0) &&
	       interrupts(g, 0) && slot_number(g) == 2;
}

/* Two of one class wait: the second comes right behind the first, whose end no EOI tells. */
static bool auto_eoi_of_one_class(struct test_guest *g)
{
	uint64_t *gpr = g->vp->arch.gpr;
	bool was_set;

	if (!enable(g) || writes(g, HV_MSR_SINT0 + SINT, HV_SINT_AUTO_EOI | SECOND_VECTOR) ||
	    writes(g, HV_MSR_SINT0 + 5, HV_SINT_AUTO_EOI | VECTOR))
		return false;
	gpr[GPR_R9] = 0;
	return synic_signal_event(g->vp, 0, 5, 1, &was_set) == STATUS_OK &&
	       synic_signal_event(g->vp, 0, SINT, 1, &was_set) == STATUS_OK && interrupts(g, 1) &&
	       gpr[GPR_RBP] == 1;
}

/* No EOI, and one comes after the other, and what is below them; without it none does. */
static bool auto_eoi(struct test_guest *g)
{
	uint64_t *gpr = g->vp->arch.gpr;
	bool was_set;
	uint32_t i;

	if (!enable(g) || writes(g, HV_MSR_SINT0 + SINT, HV_SINT_AUTO_EOI | SECOND_VECTOR) ||
	    writes(g, HV_MSR_SINT0 + 5, VECTOR))
		return false;
	gpr[GPR_R9] = 0;
	for (i = 1; i <= 3; i++)
		if (post(g->vp, i) != STATUS_OK || !interrupts(g, 0) || gpr[GPR_RBP] != i ||
		    slot_number(g) != i || !stores(g, SLOT, 0))
			return false;
	if (synic_signal_event(g->vp, 0, 5, 1, &was_set) != STATUS_OK || !interrupts(g, 1))
		return false;
	/* That one is still in service. */
	if (synic_signal_event(g->vp, 0, 5, 2, &was_set) != STATUS_OK || !interrupts(g, 0))
		return false;
	gpr[GPR_R9] = 1;
	return !writes(g, 0x80b, 0) && interrupts(g, 1) &&
	       !writes(g, HV_MSR_SINT0 + SINT, SECOND_VECTOR) && post(g->vp, i) == STATUS_OK &&
	       interrupts(g, 0) && gpr[GPR_RBP] == i;
}

#define ASSIST 0x62000ull

/* No EOI but behind which another interrupt waits, and what comes afterwards is delivered all the same. */
static bool assist(struct test_guest *g)
{
	uint64_t *gpr = g->vp->arch.gpr;
	bool was_set;
	uint32_t i;

	if (g->vp->vtl[0]->arch.lapic.processor_delivers)
		return true; /* no EOI exits */
	if (!enable(g) || writes(g, HV_MSR_SINT0 + 5, SECOND_VECTOR) ||
	    writes(g, HV_MSR_VP_ASSIST_PAGE, ASSIST | 1))
		return false;
	gpr[GPR_R9] = 2;
	gpr[GPR_R8] = gpr[GPR_RBP] = 0;
	for (i = 1; i <= 3; i++)
		if (post(g->vp, i) != STATUS_OK || !interrupts(g, 1) || !stores(g, SLOT, 0) ||
		    gpr[GPR_R8])
			return false;
	if (post(g->vp, i) != STATUS_OK ||
	    synic_signal_event(g->vp, 0, 5, 1, &was_set) != STATUS_OK || !interrupts(g, 1) ||
	    gpr[GPR_RBP] != 1 || gpr[GPR_R8] != 1)
		return false;
	/* Switched off, it is an EOI for each. */
	return (uint32_t)looks(g, ASSIST) == 0 && !writes(g, HV_MSR_VP_ASSIST_PAGE, 0) &&
	       stores(g, SLOT, 0) && post(g->vp, i) == STATUS_OK && interrupts(g, 1) &&
	       gpr[GPR_R8] == 2;
}

/* ---- timers ---- */

static uint64_t now(const struct test_guest *g)
{
	return partition_reference_time(g->partition);
}

#define DIRECT (HV_STIMER_DIRECT | (uint64_t)VECTOR << HV_STIMER_VECTOR_SHIFT)

/* The guest sleeps until its interrupt, which does not come before its time. */
static bool sleeps_until(struct test_guest *g, uint64_t time)
{
	return !does(g, SLEEP) && now(g) >= time && interrupts(g, 1);
}

/* It is enabled until it has expired; the machine may be slow. */
static bool one_shot_config(struct test_guest *g, uint64_t due)
{
	uint64_t config = reads(g, HV_MSR_STIMER0_CONFIG);

	if (config == (DIRECT | HV_STIMER_AUTO_ENABLE))
		return now(g) >= due;
	return config == (DIRECT | HV_STIMER_AUTO_ENABLE | HV_STIMER_ENABLED);
}

static bool timer_one_shot(struct test_guest *g)
{
	uint64_t due = now(g) + 2 * UNITS_PER_MS;
	int i;

	if (writes(g, HV_MSR_STIMER0_CONFIG, DIRECT | HV_STIMER_AUTO_ENABLE))
		return false;
	for (i = 0; i < 3; i++, due = now(g) + 2 * UNITS_PER_MS)
		if (writes(g, HV_MSR_STIMER0_COUNT, due) || !one_shot_config(g, due) ||
		    !sleeps_until(g, due) ||
		    reads(g, HV_MSR_STIMER0_CONFIG) != (DIRECT | HV_STIMER_AUTO_ENABLE))
			return false;
	/* In the past it expires at once. */
	return !writes(g, HV_MSR_STIMER0_COUNT, 1) && interrupts(g, 1);
}

/* Never more than there were periods. */
static bool periodic(struct test_guest *g, uint64_t flags)
{
	uint64_t begin = now(g), *count = &g->vp->arch.gpr[GPR_RBX], i;

	*count = 0;
	if (writes(g, HV_MSR_STIMER0_CONFIG + 6, DIRECT | HV_STIMER_PERIODIC | flags) ||
	    writes(g, HV_MSR_STIMER3_COUNT, UNITS_PER_MS) ||
	    writes(g, HV_MSR_STIMER0_CONFIG + 6,
		   DIRECT | HV_STIMER_PERIODIC | HV_STIMER_ENABLED | flags))
		return false;
	for (i = 1; i <= 5; i++)
		if (does(g, SLEEP) || *count < i || now(g) < begin + *count * UNITS_PER_MS)
			return false;
	return !writes(g, HV_MSR_STIMER3_COUNT, 0) && stores(g, GUEST_DATA, 0);
}

static bool timer_periodic(struct test_guest *g)
{
	return periodic(g, 0) && periodic(g, HV_STIMER_LAZY);
}

static bool timer_message(struct test_guest *g)
{
	uint64_t due = now(g) + 2 * UNITS_PER_MS, delivered;

	if (!enable(g) || post(g->vp, 1) != STATUS_OK || !interrupts(g, 1) ||
	    writes(g, HV_MSR_STIMER0_CONFIG + 2,
		   HV_STIMER_AUTO_ENABLE | SINT << HV_STIMER_SINT_SHIFT) ||
	    writes(g, HV_MSR_STIMER0_COUNT + 2, due))
		return false;
	/* The slot is full until long after. */
	while (now(g) < due + UNITS_PER_MS || !(SLOT_FLAGS(looks(g, SLOT)) & 1))
		if (!interrupts(g, 0) || now(g) > due + PATIENCE_MS * UNITS_PER_MS)
			return false;
	if (slot_number(g) != 1 || !stores(g, SLOT, 0) || writes(g, HV_MSR_EOM, 0) ||
	    !interrupts(g, 1))
		return false;
	delivered = looks(g, SLOT + 32);
	return (uint32_t)looks(g, SLOT) == HV_MESSAGE_TIMER_EXPIRED &&
	       (uint8_t)(looks(g, SLOT) >> 32) == 24 && looks(g, SLOT + 16) == 1 &&
	       looks(g, SLOT + 24) == due && delivered >= due + UNITS_PER_MS && delivered <= now(g);
}

static bool reset(struct test_guest *g)
{
	if (!enable(g) || post(g->vp, 1) != STATUS_OK || post(g->vp, 2) != STATUS_OK ||
	    writes(g, HV_MSR_STIMER0_CONFIG, DIRECT | HV_STIMER_AUTO_ENABLE) ||
	    writes(g, HV_MSR_STIMER0_COUNT, now(g) + UNITS_PER_MS))
		return false;
	atomic_store(&g->vp->run_state, VP_STOPPED);
	if (partition_reset(g->partition) != STATUS_OK || vp_reset(g->vp) != STATUS_OK || !start(g))
		return false;
	return reads(g, HV_MSR_SIMP) == 0 && reads(g, HV_MSR_SCONTROL) == 0 &&
	       reads(g, HV_MSR_SINT0 + SINT) == HV_SINT_MASKED &&
	       reads(g, HV_MSR_STIMER0_CONFIG) == 0 && looks(g, SLOT) == 0 && enable(g) &&
	       looks(g, SLOT) == 0 && interrupts(g, 0);
}

/* ---- saved and restored ---- */

#define STATE_ORDER 3u
static_assert((PAGE_SIZE << STATE_ORDER) == STATE_SIZE_MAX, "the buffer");

/* Time stands still for both: what comes out of the copy is what went in. */
static bool copied(struct test_guest *g, struct test_guest *copy, void *state, uint8_t *again)
{
	uint64_t partition[32], size, other;

	memcpy(copy->ram, g->ram, GUEST_RAM);
	return partition_freeze(g->partition) == STATUS_OK &&
	       vp_save(g->vp, state, STATE_SIZE_MAX, &size) == STATUS_OK &&
	       partition_save(g->partition, partition, sizeof(partition), &other) == STATUS_OK &&
	       partition_freeze(copy->partition) == STATUS_OK &&
	       partition_restore(copy->partition, partition, other) == STATUS_OK &&
	       vp_restore(copy->vp, state, size) == STATUS_OK &&
	       vp_save(copy->vp, again, STATE_SIZE_MAX, &other) == STATUS_OK && other == size &&
	       !memcmp(state, again, size) && partition_thaw(copy->partition) == STATUS_OK;
}

static bool goes_on(struct test_guest *g, uint64_t due)
{
	uint32_t i;

	/* The first message was in its slot, and its interrupt taken. */
	if (slot_number(g) != 1 || !interrupts(g, 0))
		return false;
	for (i = 2; i <= 4; i++)
		if (!stores(g, SLOT, 0) || writes(g, HV_MSR_EOM, 0) || !interrupts(g, 1) ||
		    slot_number(g) != i)
			return false;
	if (looks(g, EVENTS + SINT * 256) != 4 || reads(g, HV_MSR_STIMER0_COUNT) != due ||
	    now(g) >= due)
		return false;
	return sleeps_until(g, due) && reads(g, HV_MSR_STIMER0_COUNT + 4) == UNITS_PER_MS;
}

static bool saved(struct test_guest *g)
{
	void *state = page_alloc(&kernel_heap, STATE_ORDER);
	uint8_t *again = page_alloc(&kernel_heap, STATE_ORDER);
	uint64_t due = now(g) + 1000 * UNITS_PER_MS;
	struct test_guest copy;
	bool was_set, good;
	uint32_t i;

	good = enable(g) && synic_signal_event(g->vp, 0, SINT, 2, &was_set) == STATUS_OK &&
	       interrupts(g, 1) && post(g->vp, 1) == STATUS_OK && interrupts(g, 1);
	for (i = 2; i <= 4; i++)
		good = good && post(g->vp, i) == STATUS_OK;
	good = good && !writes(g, HV_MSR_STIMER0_CONFIG, DIRECT | HV_STIMER_AUTO_ENABLE) &&
	       !writes(g, HV_MSR_STIMER0_COUNT, due) &&
	       !writes(g, HV_MSR_STIMER0_COUNT + 4, UNITS_PER_MS) &&
	       guest_create_flags(&copy, PARTITION_HYPERV);
	if (good) {
		good = copied(g, &copy, state, again) && goes_on(&copy, due);
		guest_destroy(&copy);
	}
	page_free(&kernel_heap, state, STATE_ORDER);
	page_free(&kernel_heap, again, STATE_ORDER);
	return good;
}

/* ---- a VP that runs on another CPU ---- */

#define POSTS 300u

static volatile uint32_t *counter(const struct test_guest *g, uint32_t at)
{
	return (volatile uint32_t *)(g->ram + GUEST_DATA + at);
}

static bool reaches(volatile const uint32_t *count, uint32_t value)
{
	uint64_t end = timestamp_read() + timestamp_hz / 1000 * PATIENCE_MS;

	while (*count < value && timestamp_read() < end)
		cpu_wait(this_cpu());
	return *count == value;
}

/* So many more, and all have come. Where there is no room for one, room for some has to come. */
static bool posts(const struct test_guest *g, uint32_t *number, uint32_t count)
{
	volatile const uint32_t *come = counter(g, 0x10);
	uint32_t last = *number + count, before;

	while (*number < last) {
		status_t status;

		before = *come;
		status = post(second_vp, *number);
		if (status == STATUS_OK)
			++*number;
		else if (status != STATUS_BUSY || !(reaches(come, before + 1) || *come > before))
			return false;
	}
	return reaches(come, last) && *counter(g, 0x14) == 0;
}

static void handler_set(const struct test_guest *g, uint32_t vector, const char *offset)
{
	*(uint32_t *)(g->ram + vector * 4) =
		SECOND_CODE << 12 | (uint32_t)(uint16_t)(uintptr_t)offset;
}

/* All of them come, in their order, whether it runs or sleeps. */
static bool running(struct test_guest *g)
{
	uint32_t number = 0, i;
	bool was_set;

	second_code_set(g, synic_receiver);
	handler_set(g, VECTOR, guest_synic_receiver_message);
	handler_set(g, SECOND_VECTOR, guest_synic_receiver_event);
	if (!start(g) || !second_run() || !second_is_blocked()) /* it waits for SIPI */
		return false;
	if (writes(g, 0x830, BIT(32) | 0x4500) || writes(g, 0x830, BIT(32) | 0x4620))
		return false;
	while (!g->ram[GUEST_DATA + 1])
		cpu_wait(this_cpu());
	for (i = 0; i < 10; i++)
		if (!posts(g, &number, 1))
			return false;
	if (!posts(g, &number, POSTS))
		return false;
	for (i = 1; i <= 20; i++)
		if (synic_signal_event(second_vp, 0, 3, i % 32, &was_set) != STATUS_OK || was_set ||
		    !reaches(counter(g, 0x18), i))
			return false;
	g->ram[GUEST_DATA + 2] = 1; /* it sleeps in between */
	for (i = 0; i < 10; i++)
		if (!second_is_blocked() || !posts(g, &number, 1))
			return false;
	if (!posts(g, &number, POSTS))
		return false;
	g->ram[GUEST_DATA] = 1;
	return posts(g, &number, 1) && second_says(4);
}

static void synic_test(bool (*function)(struct test_guest *g), enum selftest_outcome *outcome,
		       const char **reason)
{
	uint64_t before = kernel_heap.pages_free;
	struct test_guest g;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_flags(&g, PARTITION_HYPERV));
	ok = start(&g) && function(&g);
	guest_destroy(&g);
	CHECK(ok);
	CHECK(kernel_heap.pages_free == before);
}

#define SYNIC_TEST(name)                           \
	SELFTEST(synic_##name)                     \
	{                                          \
		synic_test(name, outcome, reason); \
	}

SYNIC_TEST(registers)
SYNIC_TEST(messages)
SYNIC_TEST(events)
SYNIC_TEST(auto_eoi_of_one_class)
SYNIC_TEST(polling)
SYNIC_TEST(auto_eoi)
SYNIC_TEST(assist)
SYNIC_TEST(timer_one_shot)
SYNIC_TEST(timer_periodic)
SYNIC_TEST(timer_message)
SYNIC_TEST(reset)
SYNIC_TEST(saved)

SELFTEST(synic_of_a_vp_that_runs)
{
	uint64_t before = kernel_heap.pages_free;
	const char *why;
	bool ok = second_test_flags(running, PARTITION_HYPERV, &why);

	if (why)
		SKIP(why);
	CHECK(ok);
	CHECK(second_memory_is_back(before));
}

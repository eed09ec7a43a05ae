/* SPDX-License-Identifier: MIT */
/*
 * A guest of two VPs is saved in mid-run, leaves the machine as text (carry.h), and goes on from that: here,
 * and on a machine whose processor has another backend. The text is printed if the kernel's command line has
 * the word `selftest.carry`; a file of the bundle named `carried` is such a text of another machine.
 */
#include "carry.h"
#include "second.h"
#include <arch/guest_lapic.h>
#include <kernel/boot.h>
#include <kernel/bundle.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>
#include <kernel/state_format.h>
#include <kernel/timer.h>

GUEST_CODE_DECLARE(carrier);
GUEST_CODE_DECLARE(carried);
extern const char guest_carrier_work[], guest_carrier_tick[], guest_carried_tick[];

#define WORK_VECTOR  0x41u
#define TICK_VECTOR  0x61u
#define OTHER_VECTOR 0x50u
#define ITERATIONS   4000000u /* as in guests_carry.S */
#define TSC_FIRST    0x9030u
#define TSC_LAST     0x9038u
#define SAVE_MS	     5u
#define ALARM_MS     20000u
#define DIRECTORY    (GUEST_PAGE_TABLES + 2 * PAGE_SIZE)
#define ROUNDS	     100000u
#define TRIES	     5u
#define TEXT_ORDER   6u
#define TEXT_SIZE    (PAGE_SIZE << TEXT_ORDER)
#define STATES_ORDER 5u
#define TSC_SECONDS  60u

/* What is carried beside the memory. */
struct states {
	uint64_t partition_size, vp_size[2], foreign_size;
	uint64_t features; /* of XCR0, in use in the foreign state */
	uint64_t tsc;	   /* of VP 0 */
	char backend[16];
	uint8_t partition[KIB(4)];
	uint8_t vp[2][STATE_SIZE_MAX];
	uint8_t foreign[STATE_SIZE_MAX]; /* of a VP with all that the processor has */
};
static_assert(sizeof(struct states) <= PAGE_SIZE << STATES_ORDER, "the pages hold it");

/* What each processor with either backend has, and can be shown alike: no XSAVE, of which the two differ in
 * components; nothing against speculation, no RDTSCP; 36 bits of physical addresses; and one maker's name. */
static const struct cpuid_leaf leaves[] = {
	{.function = 0,
	 .value = {0xd, 0x72726143, 0x79786554, 0x54646569},
	 .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	/* CMPXCHG16B, SSE3, x2APIC, TSC deadline, hypervisor; up to SSE2 */
	{.function = 1,
	 .value = {0x000306c1, 0x00010800, 0x81202001, 0x078bfbff},
	 .mask = {UINT32_MAX, 0x00ffffff, UINT32_MAX, UINT32_MAX}},
	{.function = 7, .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	{.function = 0xd, .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	{.function = 0x80000000,
	 .value = {0x80000008},
	 .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	/* SYSCALL, NX, long mode */
	{.function = 0x80000001,
	 .value = {0, 0, 0, 0x20100800},
	 .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	{.function = 0x80000008,
	 .value = {36 | 48 << 8},
	 .mask = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
};

/* ---- the guest ---- */

struct carried_guest {
	struct test_guest g;
	struct vp *vp[2];
};

static bool create(struct carried_guest *c)
{
	unsigned int i;

	if (!guest_create_vps_leaves(&c->g, 2, leaves, ARRAY_SIZE(leaves)))
		return false;
	for (i = 0; i < 2; i++)
		c->vp[i] = partition_vp(c->g.partition, i);
	c->vp[1]->run = page_alloc(&kernel_heap, 0);
	return c->vp[1]->run;
}

static void destroy(struct carried_guest *c)
{
	void *run = c->vp[1] ? c->vp[1]->run : NULL;

	if (c->vp[1])
		arch_vp_unbind(c->vp[1]);
	guest_destroy(&c->g);
	if (run)
		page_free(&kernel_heap, run, 0);
	memset(c, 0, sizeof(*c));
}

static struct vp *alarm_vp;

static void alarm_rings(struct timer *timer)
{
	(void)timer;
	vp_request(alarm_vp, VP_REQUEST_YIELD);
}

static struct timer alarm;

/* VP 0 yields then. */
static void alarm_set(struct carried_guest *c, uint64_t ms)
{
	timer_init(&alarm, alarm_rings);
	alarm_vp = c->vp[0];
	timer_set(&alarm, timestamp_read() + timestamp_hz / 1000 * ms);
}

static void alarm_end(void)
{
	if (timer_is_set(&alarm))
		timer_cancel(&alarm);
}

/* Until it halts, or has something to say. */
static bool runs(struct vp *vp)
{
	enum vp_outcome outcome;

	do {
		outcome = vp_run(vp);
	} while (outcome == VP_SWITCH);
	if (outcome == VP_BLOCK)
		atomic_store(&vp->run_state, VP_READY);
	return outcome == VP_TO_VMM;
}

/* Both in turn on this CPU, until one has something to say; NULL: none has. */
static struct vp *run_both(struct carried_guest *c)
{
	unsigned int round, i;

	for (i = 0; i < 2; i++)
		arch_vp_resume(c->vp[i]);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 2; i++)
			if (runs(c->vp[i]))
				return c->vp[i];
		if (!atomic_load(&c->vp[0]->requests) && !atomic_load(&c->vp[1]->requests))
			arch_idle();
	}
	return NULL;
}

static bool says(const struct vp *vp, uint32_t value)
{
	return vp->run->reason == VP_RUN_PORT_IO && vp->run->port.port == GUEST_PORT &&
	       vp->run->port.value == value;
}

/* VP 0 is at work in its handler, and VP 1 asleep; both have a timer. */
static bool start(struct carried_guest *c)
{
	uint16_t *gate = (uint16_t *)c->g.ram + OTHER_VECTOR * 2;
	bool yields;

	guest_start(&c->g, carrier);
	/* Its memory is all that it maps: less text. */
	memset(c->g.ram + DIRECTORY + sizeof(uint64_t), 0, PAGE_SIZE - sizeof(uint64_t));
	guest_vector_set(&c->g, WORK_VECTOR, (uintptr_t)guest_carrier_work);
	guest_vector_set(&c->g, TICK_VECTOR, (uintptr_t)guest_carrier_tick);
	second_code_set(&c->g, carried);
	gate[0] = (uint16_t)(uintptr_t)guest_carried_tick;
	gate[1] = SECOND_CODE >> 4;
	if (!guest_says(&c->g, 1) || runs(c->vp[1]))
		return false;
	alarm_set(c, SAVE_MS);
	yields = guest_run(&c->g) == VP_RUN_YIELD;
	alarm_end();
	return yields;
}

static uint32_t sum_expected(void)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < ITERATIONS; i++) {
		sum = sum * 1664525 + 1013904223;
		sum ^= sum >> 16;
	}
	return (uint32_t)sum;
}

static uint64_t word_at(const struct carried_guest *c, uint32_t gpa)
{
	return *(const uint64_t *)(c->g.ram + gpa);
}

/* It goes on to its end: right sums, each timer came, and the TSC went on from where it was. */
static bool ends(struct carried_guest *c, const struct states *states)
{
	uint32_t told[2] = {0, 1}, count = 0, other = 0;
	uint64_t first, last;

	alarm_set(c, ALARM_MS);
	while (count < 2 || !other) {
		struct vp *vp = run_both(c);

		if (!vp || vp->run->reason != VP_RUN_PORT_IO || (vp == c->vp[0] && count == 2))
			break;
		if (vp == c->vp[0])
			told[count++] = vp->run->port.value;
		else
			other += says(vp, 5) ? 1 : 2;
	}
	alarm_end();
	first = word_at(c, TSC_FIRST);
	last = word_at(c, TSC_LAST);
	if (count != 2 || other != 1 || told[1])
		log_error("carry: %u told, %u of VP 1, %u not as they were", count, other, told[1]);
	return count == 2 && told[0] == sum_expected() && told[1] == 0 && other == 1 &&
	       first < states->tsc && states->tsc < last &&
	       last - states->tsc < timestamp_hz * TSC_SECONDS;
}

/* ---- saved ---- */

static const void *element_of(const void *state, uint64_t size, uint32_t id)
{
	struct state_reader reader;
	struct state_item item;

	if (state_read_begin(&reader, state, size, STATE_OF_VP) != STATUS_OK)
		return NULL;
	while (state_read(&reader, &item) == STATUS_OK)
		if (item.element == id)
			return item.data;
	return NULL;
}

static uint32_t apic_register(const struct states *s, unsigned int vp, uint32_t offset)
{
	const struct vp_state_apic *apic = element_of(s->vp[vp], s->vp_size[vp], VP_STATE_APIC);
	uint32_t value;

	if (!apic)
		return 0;
	memcpy(&value, apic->page + offset, sizeof(value));
	return value;
}

/* It was saved where it is hard: in mid-loop, in service, with both timers to come. */
static bool is_in_the_midst(const struct states *s)
{
	const struct vp_state_registers *r =
		element_of(s->vp[0], s->vp_size[0], VP_STATE_REGISTERS);
	const struct vp_state_activity *other =
		element_of(s->vp[1], s->vp_size[1], VP_STATE_ACTIVITY);

	return r && other && r->gpr[9] > 0 && r->gpr[9] < ITERATIONS && (r->cr0 >> 31 & 1) &&
	       (apic_register(s, 0, LAPIC_ISR + WORK_VECTOR / 32 * 16) & BIT(WORK_VECTOR % 32)) &&
	       apic_register(s, 0, LAPIC_CURRENT_COUNT) && other->activity == VP_HALTED &&
	       apic_register(s, 1, LAPIC_CURRENT_COUNT);
}

static bool save(struct carried_guest *c, struct states *s)
{
	const struct vp_state_tsc *tsc;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		atomic_store(&c->vp[i]->run_state, VP_STOPPED);
		arch_vp_unbind(c->vp[i]);
	}
	if (partition_freeze(c->g.partition) != STATUS_OK ||
	    partition_save(c->g.partition, s->partition, sizeof(s->partition),
			   &s->partition_size) != STATUS_OK)
		return false;
	for (i = 0; i < 2; i++)
		if (vp_save(c->vp[i], s->vp[i], STATE_SIZE_MAX, &s->vp_size[i]) != STATUS_OK)
			return false;
	tsc = element_of(s->vp[0], s->vp_size[0], VP_STATE_TSC);
	if (!tsc)
		return false;
	s->tsc = tsc->tsc;
	format(s->backend, sizeof(s->backend), "%s", backend->name);
	return true;
}

/* A VP that has all components of XCR0 in use. */
static bool foreign_save(struct states *s)
{
	struct test_guest g;
	bool good;

	if (!guest_create(&g))
		return false;
	s->features = g.partition->arch.xcr0_allowed;
	good = !s->features ||
	       vp_state_set(g.vp, 0, VP_STATE_XCR0, &s->features, sizeof(s->features)) == STATUS_OK;
	good = good && vp_save(g.vp, s->foreign, STATE_SIZE_MAX, &s->foreign_size) == STATUS_OK;
	guest_destroy(&g);
	return good;
}

/* ---- restored ---- */

static bool restore(struct carried_guest *c, const struct states *s)
{
	status_t status = partition_freeze(c->g.partition);
	unsigned int i;

	if (status == STATUS_OK)
		status = partition_restore(c->g.partition, s->partition, s->partition_size);
	for (i = 0; i < 2 && status == STATUS_OK; i++)
		status = vp_restore(c->vp[i], s->vp[i], s->vp_size[i]);
	if (status == STATUS_OK)
		status = partition_thaw(c->g.partition);
	if (status != STATUS_OK)
		log_error("carry: %s", status_name(status));
	for (i = 0; i < 2; i++)
		arch_vp_bind(c->vp[i]);
	return status == STATUS_OK;
}

static bool sizes_are_right(const struct states *s)
{
	return s->partition_size <= sizeof(s->partition) && s->vp_size[0] <= STATE_SIZE_MAX &&
	       s->vp_size[1] <= STATE_SIZE_MAX && s->foreign_size <= STATE_SIZE_MAX;
}

/* The text into a fresh partition, which goes on. */
static bool goes_on(const char *text, size_t size, struct states *s)
{
	struct carried_guest c = {0};
	const struct carry_piece pieces[] = {{(uint8_t *)s, PAGE_SIZE << STATES_ORDER},
					     {NULL, GUEST_RAM}};
	struct carry_piece filled[2] = {pieces[0], pieces[1]};
	bool good = create(&c);

	filled[1].data = c.g.ram;
	memset(s, 0, PAGE_SIZE << STATES_ORDER);
	good = good && carry_read(filled, 2, text, size) == STATUS_OK && sizes_are_right(s) &&
	       restore(&c, s) && ends(&c, s);
	destroy(&c);
	return good;
}

/* A state with components of XCR0 that this processor lacks is refused, and nothing has changed. */
static bool foreign_is_refused(const struct states *s, uint8_t *before, uint8_t *after)
{
	uint64_t size, again, lacks;
	struct test_guest g;
	status_t status;
	bool good;

	if (!guest_create(&g))
		return false;
	arch_vp_unbind(g.vp);
	lacks = s->features & ~g.partition->arch.xcr0_allowed;
	good = partition_freeze(g.partition) == STATUS_OK &&
	       vp_save(g.vp, before, STATE_SIZE_MAX, &size) == STATUS_OK;
	status = vp_restore(g.vp, s->foreign, s->foreign_size);
	good = good && vp_save(g.vp, after, STATE_SIZE_MAX, &again) == STATUS_OK &&
	       partition_thaw(g.partition) == STATUS_OK;
	if (lacks)
		good = good && status != STATUS_OK && again == size &&
		       memcmp(before, after, size) == 0;
	log_info("carried: features 0x%llx are not here: %s", (unsigned long long)lacks,
		 status_name(status));
	arch_vp_bind(g.vp);
	guest_destroy(&g);
	return good;
}

/* ---- the text ---- */

/* Each of some bytes, and the end, damaged; each is found. */
static bool damage_is_found(char *text, size_t size, struct carry_piece *scratch)
{
	const size_t step = size / 61 | 1;
	size_t i;

	for (i = 0; i < size; i += step) {
		char good = text[i];
		status_t status;

		text[i] = good == '7' ? '6' : '7';
		status = carry_read(scratch, 2, text, size);
		text[i] = good;
		if (status != STATUS_BAD_FORMAT || carry_read(scratch, 2, text, i) == STATUS_OK)
			return false;
	}
	return carry_read(scratch, 2, text, size) == STATUS_OK &&
	       carry_read(scratch, 1, text, size) == STATUS_BAD_FORMAT; /* too much */
}

struct pages {
	char *text;
	struct states *states;
	uint8_t *ram;
};

static bool pages_get(struct pages *p)
{
	p->text = page_alloc(&kernel_heap, TEXT_ORDER);
	p->states = page_alloc(&kernel_heap, STATES_ORDER);
	p->ram = page_alloc(&kernel_heap, HEAP_MAX_ORDER);
	return p->text && p->states && p->ram;
}

static void pages_put(struct pages *p)
{
	if (p->text)
		page_free(&kernel_heap, p->text, TEXT_ORDER);
	if (p->states)
		page_free(&kernel_heap, p->states, STATES_ORDER);
	if (p->ram)
		page_free(&kernel_heap, p->ram, HEAP_MAX_ORDER);
}

/* The length of the text of a guest that was saved in mid-run; 0: none. */
static size_t saved_text(struct pages *p)
{
	struct carried_guest c = {0};
	size_t length = 0;

	if (create(&c) && start(&c) && save(&c, p->states) && is_in_the_midst(p->states) &&
	    foreign_save(p->states)) {
		const struct carry_piece pieces[] = {
			{(uint8_t *)p->states, PAGE_SIZE << STATES_ORDER}, {c.g.ram, GUEST_RAM}};

		length = carry_write(pieces, 2, p->text, TEXT_SIZE);
	}
	destroy(&c);
	return length;
}

/* A host that was busy elsewhere may have been late to save. */
static size_t saved_text_at_last(struct pages *p)
{
	unsigned int tries;
	size_t length = 0;

	for (tries = 0; !length && tries < TRIES; tries++)
		length = saved_text(p);
	return length;
}

SELFTEST(carried_by_text)
{
	struct carry_piece scratch[2];
	struct pages p = {0};
	size_t length = 0;
	bool good = false, found = false, refused = false;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	if (pages_get(&p))
		length = saved_text_at_last(&p);
	if (length && boot_option("selftest.carry"))
		console_write(p.text, length);
	if (length) {
		scratch[0] = (struct carry_piece){(uint8_t *)p.states, PAGE_SIZE << STATES_ORDER};
		scratch[1] = (struct carry_piece){p.ram, GUEST_RAM};
		found = damage_is_found(p.text, length, scratch);
		good = goes_on(p.text, length, p.states);
		refused = foreign_is_refused(p.states, p.ram, p.ram + STATE_SIZE_MAX);
	}
	pages_put(&p);
	CHECK(length);
	CHECK(found);
	CHECK(good);
	CHECK(refused);
}

SELFTEST(carried_from_bundle)
{
	struct pages p = {0};
	struct bundle_file file;
	struct bundle bundle;
	bool good, refused;
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	if (!boot_source.bundle_size)
		SKIP("there is no bundle");
	bundle_open(&bundle, hpa_to_kva(boot_source.bundle_base), boot_source.bundle_size);
	CHECK(bundle_find(&bundle, "carried", &file) == STATUS_OK);
	good = pages_get(&p) && goes_on((const char *)file.data, file.size, p.states);
	if (good)
		log_info("carried: from %s to %s", p.states->backend, backend->name);
	refused = good && foreign_is_refused(p.states, p.ram, p.ram + STATE_SIZE_MAX);
	pages_put(&p);
	CHECK(good);
	CHECK(refused);
}

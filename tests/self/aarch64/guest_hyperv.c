/* SPDX-License-Identifier: MIT */
/* The Hyper-V interface of AArch64 guests: calls by both instructions, registers, messages, events, timers. */
#include "guest_gic.h"
#include <kernel/arch.h>
#include <kernel/event.h>
#include <kernel/memory.h>
#include <kernel/port.h>
#include <kernel/state.h>
#include <kernel/string.h>
#include <kernel/synic.h>
#include <trivet/hv/features.h>
#include <trivet/hv/hypercall.h>
#include <trivet/hv/interface_registers.h>

GUEST_CODE_DECLARE(hyperv);

/* What guest_hyperv does by the number in X19. */
enum operation { BY_HVC_1, BY_SMCCC, WAIT, NOTHING };

#define FUNCTION    0x46000001u
#define PPI	    18u
#define TIMER_PPI   19u
#define SINT	    2u
#define EVENTS	    0x30000ull
#define MESSAGES    0x31000ull
#define TSC_PAGE    0x32000ull
#define INPUT	    0x40000ull
#define OUTPUT	    0x41000ull
#define OS_ID	    0x8100000000000000ull
#define CONNECTION  0xabcdefu
#define BITS	    0x30ull
#define REP(n)	    ((uint64_t)(n) << HV_CALL_REP_COUNT_SHIFT)
#define DONE(n)	    ((uint64_t)(n) << HV_RESULT_REPS_SHIFT)
#define VECTOR_IRQ  (0xe00u + 5)
#define VECTOR_SAME (0xe00u + 4)
#define MILLISECOND 10000u /* of reference time */

static bool start(struct test_guest *g)
{
	gic_up(g, 1);
	redistributor_write(g, 0, 0x10100, (uint32_t)(BIT(PPI) | BIT(TIMER_PPI)));
	guest_start(g, hyperv);
	return guest_says(g, 1);
}

/* Its words are where the conduit has them. */
static uint64_t calls(struct test_guest *g, enum operation how, uint64_t control,
		      const uint64_t *words, unsigned int count)
{
	uint64_t *x = g->vp->arch.x;

	x[19] = how;
	x[0] = FUNCTION;
	x[how] = control;
	memcpy(&x[how + 1], words, count * sizeof(words[0]));
	return guest_says(g, 1) ? x[0] : UINT64_MAX;
}

static uint64_t sets(struct test_guest *g, enum operation how, uint32_t name, uint64_t value)
{
	const uint64_t words[] = {HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, name, 0, value, 0};

	return calls(g, how, HV_CALL_SET_VP_REGISTERS | HV_CALL_FAST | REP(1), words,
		     ARRAY_SIZE(words));
}

/* The output is in the words behind the input. */
static uint64_t gets(struct test_guest *g, enum operation how, uint32_t name, uint64_t *value)
{
	const uint64_t words[] = {HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, name, 0};
	uint64_t result = calls(g, how, HV_CALL_GET_VP_REGISTERS | HV_CALL_FAST | REP(1), words,
				ARRAY_SIZE(words));

	*value = g->vp->arch.x[how + 1 + ARRAY_SIZE(words)];
	return result;
}

static bool writes(struct test_guest *g, uint32_t name, uint64_t value)
{
	return sets(g, BY_SMCCC, name, value) == DONE(1);
}

static uint64_t reads(struct test_guest *g, uint32_t name)
{
	uint64_t value;

	return gets(g, BY_SMCCC, name, &value) == DONE(1) ? value : UINT64_MAX;
}

static bool registers_right(struct test_guest *g, enum operation how)
{
	uint64_t value;

	return sets(g, how, HV_REGISTER_GUEST_OS_ID, OS_ID + how) == DONE(1) &&
	       g->partition->hv->vtl[0].guest_os_id == OS_ID + how &&
	       gets(g, how, HV_REGISTER_GUEST_OS_ID, &value) == DONE(1) && value == OS_ID + how &&
	       gets(g, how, HV_REGISTER_FEATURES, &value) == DONE(1) &&
	       value == g->partition->hv->privileges &&
	       gets(g, how, HV_ARM64_REGISTER_PC, &value) == DONE(1) && value > GUEST_CODE &&
	       value < GUEST_CODE + 0x100 &&
	       sets(g, how, HV_ARM64_REGISTER_X0 + 25, 0x2525) == DONE(1) &&
	       g->vp->arch.x[25] == 0x2525 &&
	       sets(g, how, HV_ARM64_REGISTER_TPIDR_EL0, 0x77) == DONE(1) &&
	       guest_register(g, HV_ARM64_REGISTER_TPIDR_EL0) == 0x77 &&
	       gets(g, how, 0x12345, &value) == HV_INVALID_PARAMETER &&
	       sets(g, how, HV_REGISTER_VP_INDEX, 1) == HV_INVALID_PARAMETER &&
	       sets(g, how, HV_REGISTER_SINT0, 40) == HV_INVALID_REGISTER_VALUE;
}

/* More than one turn of them, and one that does not exist. */
static bool list_right(struct test_guest *g, enum operation how)
{
	const uint64_t words[] = {INPUT, OUTPUT};
	uint64_t *input = (void *)(g->ram + INPUT);
	uint32_t *names = (uint32_t *)&input[2], i;
	const uint64_t(*values)[2] = (void *)(g->ram + OUTPUT);
	uint64_t control = HV_CALL_GET_VP_REGISTERS | REP(20);

	memset(g->ram + OUTPUT, 0, PAGE_SIZE);
	input[0] = HV_PARTITION_ID_SELF;
	input[1] = HV_VP_INDEX_SELF;
	for (i = 0; i < 20; i++)
		names[i] = i & 1 ? HV_REGISTER_LIMITS : HV_REGISTER_INTERFACE;
	if (calls(g, how, control, words, 2) != DONE(20))
		return false;
	for (i = 0; i < 20; i++)
		if (values[i][0] != (i & 1 ? HV_VP_SET_VPS : 0x31237648))
			return false;
	names[18] = 0x12345;
	return calls(g, how, control, words, 2) == (DONE(18) | HV_INVALID_PARAMETER);
}

SELFTEST(arm_hv_registers)
{
	struct test_guest g;
	const uint64_t words[16] = {0};

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, registers_right(&g, BY_HVC_1) && registers_right(&g, BY_SMCCC));
	GUEST_CHECK(&g, list_right(&g, BY_HVC_1) && list_right(&g, BY_SMCCC));
	/* What PCs have alone, and what nobody has. */
	GUEST_CHECK(&g, calls(&g, BY_HVC_1, HV_CALL_START_VIRTUAL_PROCESSOR, words, 2) ==
				HV_INVALID_HYPERCALL_CODE);
	GUEST_CHECK(&g, calls(&g, BY_HVC_1, HV_CALL_SEND_IPI | HV_CALL_FAST, words, 2) ==
				HV_INVALID_HYPERCALL_CODE);
	GUEST_CHECK(&g, calls(&g, BY_SMCCC, 0x7777, words, 2) == HV_INVALID_HYPERCALL_CODE);
	GUEST_CHECK(&g, calls(&g, BY_SMCCC, HV_CALL_POST_MESSAGE | HV_CALL_FAST, words, 16) ==
				HV_INVALID_HYPERCALL_INPUT);
	GUEST_CHECK(&g, calls(&g, BY_HVC_1, HV_CALL_NOTIFY_LONG_SPIN_WAIT | HV_CALL_FAST, words,
			      2) == HV_SUCCESS);
	GUEST_CHECK(&g, calls(&g, BY_HVC_1, HV_EXT_CALL_QUERY_CAPABILITIES | HV_CALL_FAST, words,
			      2) == HV_SUCCESS);
	GUEST_CHECK(&g, calls(&g, BY_HVC_1, HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE, words, 2) ==
				HV_SUCCESS);
	guest_destroy(&g);
}

SELFTEST(arm_hv_absent)
{
	struct test_guest g;
	const uint64_t words[2] = {0};

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, calls(&g, BY_SMCCC, HV_CALL_SIGNAL_EVENT, words, 2) == UINT64_MAX);
	g.vp->arch.x[19] = BY_HVC_1;
	GUEST_CHECK(&g, guest_says(&g, VECTOR_SAME));
	guest_destroy(&g);
}

/* ---- synic ---- */

static bool synic_up(struct test_guest *g)
{
	return writes(g, HV_REGISTER_SIEFP, EVENTS | HV_SYNIC_ENABLE) &&
	       writes(g, HV_REGISTER_SIMP, MESSAGES | HV_SYNIC_ENABLE) &&
	       writes(g, HV_REGISTER_SINT0 + SINT, PPI) &&
	       writes(g, HV_REGISTER_SCONTROL, HV_SYNIC_ENABLE) &&
	       reads(g, HV_REGISTER_SIMP) == (MESSAGES | HV_SYNIC_ENABLE) &&
	       reads(g, HV_REGISTER_SINT0 + SINT) == PPI;
}

/* The guest takes that one: it is there (NOTHING), or the guest sleeps until then (WAIT). */
static bool interrupted(struct test_guest *g, enum operation how, uint32_t intid)
{
	g->vp->arch.x[19] = how;
	return guest_says(g, VECTOR_IRQ) && guest_says(g, intid) && guest_says(g, 1);
}

static struct hv_message *slot(const struct test_guest *g)
{
	return (struct hv_message *)vp_synic(g->vp, 0)->page[SYNIC_MESSAGES_PAGE].overlay.page +
	       SINT;
}

static bool posts_to_guest(struct test_guest *g, uint32_t type)
{
	const struct hv_message message = {.type = type, .payload_size = 8, .payload = {1}};

	return synic_post_message(g->vp, 0, SINT, &message) == STATUS_OK;
}

SELFTEST(arm_hv_synic)
{
	uint32_t *flags;
	struct test_guest g;
	bool was_set;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g) && synic_up(&g));
	GUEST_CHECK(&g, posts_to_guest(&g, 5) && posts_to_guest(&g, 6));
	GUEST_CHECK(&g, interrupted(&g, NOTHING, PPI));
	GUEST_CHECK(&g, slot(&g)->type == 5 && (slot(&g)->flags & HV_MESSAGE_PENDING));
	/* The second one comes when the slot is empty and the guest says so. */
	slot(&g)->type = HV_MESSAGE_NONE;
	g.vp->arch.x[19] = BY_SMCCC;
	{
		const uint64_t words[] = {
			HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, HV_REGISTER_EOM, 0, 0, 0};

		memcpy(&g.vp->arch.x[2], words, sizeof(words));
		g.vp->arch.x[0] = FUNCTION;
		g.vp->arch.x[1] = HV_CALL_SET_VP_REGISTERS | HV_CALL_FAST | REP(1);
	}
	GUEST_CHECK(&g, guest_says(&g, VECTOR_IRQ) && guest_says(&g, PPI) && guest_says(&g, 1));
	GUEST_CHECK(&g, g.vp->arch.x[0] == DONE(1) && slot(&g)->type == 6);
	/* Events. */
	GUEST_CHECK(&g, synic_signal_event(g.vp, 0, SINT, 33, &was_set) == STATUS_OK && !was_set);
	GUEST_CHECK(&g, interrupted(&g, NOTHING, PPI));
	flags = (uint32_t *)vp_synic(g.vp, 0)->page[SYNIC_EVENTS].overlay.page;
	GUEST_CHECK(&g, flags[SINT * HV_EVENT_FLAGS / 32 + 1] == 2);
	/* Of a source that is masked nothing comes. */
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_SINT0 + SINT, PPI | HV_SINT_MASKED));
	GUEST_CHECK(&g, !posts_to_guest(&g, 7));
	guest_destroy(&g);
}

/* ---- what the guest sends ---- */

static bool sends(struct test_guest *g, struct event *event, enum operation how)
{
	const struct port_connection connection = {
		.number = CONNECTION + how, .event = event, .bits = BITS};
	struct hv_post_message_input *input = (void *)(g->ram + INPUT);
	const uint64_t signal[] = {CONNECTION + how, 0}, post[] = {INPUT, 0};
	uint64_t control = HV_CALL_SIGNAL_EVENT | HV_CALL_FAST;
	struct port *signals, *messages;
	struct port_message message;
	uint64_t turn;
	bool ok;

	memset(input, how + 1, sizeof(*input));
	input->connection = CONNECTION + 8 + how;
	input->reserved = 0;
	input->type = 1;
	input->payload_size = HV_MESSAGE_PAYLOAD;
	if (calls(g, how, control, signal, 2) != HV_INVALID_CONNECTION_ID ||
	    port_connect(g->partition, PORT_HOST_EVENT, &connection, &signals) != STATUS_OK)
		return false;
	ok = calls(g, how, control, signal, 2) == HV_SUCCESS && event->bits == BITS;
	object_put(port_object(signals));
	event->bits = 0;
	if (!ok ||
	    port_connect(g->partition, PORT_MESSAGE,
			 &(struct port_connection){
				 .number = CONNECTION + 8 + how, .event = event, .bits = BITS},
			 &messages) != STATUS_OK)
		return false;
	ok = calls(g, how, HV_CALL_POST_MESSAGE, post, 2) == HV_SUCCESS && event->bits == BITS &&
	     port_message_peek(messages, &message, &turn) == STATUS_OK &&
	     message.message.payload[HV_MESSAGE_PAYLOAD - 1] == how + 1;
	object_put(port_object(messages));
	event->bits = 0;
	return ok;
}

SELFTEST(arm_hv_ports)
{
	struct test_guest g;
	struct event *event;
	bool ok;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, event_create(&kernel_heap, &event) == STATUS_OK);
	ok = start(&g) && sends(&g, event, BY_HVC_1) && sends(&g, event, BY_SMCCC);
	object_put(&event->object);
	GUEST_CHECK(&g, ok);
	guest_destroy(&g);
}

/* ---- time ---- */

SELFTEST(arm_hv_timers)
{
	const uint64_t direct =
		HV_STIMER_ENABLED | HV_STIMER_DIRECT | TIMER_PPI << HV_STIMER_VECTOR_SHIFT;
	uint64_t now;
	struct test_guest g;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	arch_vp_bind(g.vp);
	GUEST_CHECK(&g, start(&g) && synic_up(&g));
	now = reads(&g, HV_REGISTER_TIME_REF_COUNT);
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_TIME_REF_COUNT) > now);
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_VP_RUNTIME) != UINT64_MAX);
	/* By an interrupt of its own. */
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_STIMER0_CONFIG, direct));
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_STIMER0_COUNT,
			       reads(&g, HV_REGISTER_TIME_REF_COUNT) + 20 * MILLISECOND));
	GUEST_CHECK(&g, interrupted(&g, WAIT, TIMER_PPI));
	/* By a message. */
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_STIMER0_CONFIG + 2,
			       HV_STIMER_ENABLED | SINT << HV_STIMER_SINT_SHIFT));
	now = reads(&g, HV_REGISTER_TIME_REF_COUNT) + 20 * MILLISECOND;
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_STIMER0_COUNT + 2, now));
	GUEST_CHECK(&g, interrupted(&g, WAIT, PPI));
	GUEST_CHECK(&g, slot(&g)->type == HV_MESSAGE_TIMER_EXPIRED);
	GUEST_CHECK(&g, ((struct hv_timer_message *)slot(&g)->payload)->timer == 1);
	GUEST_CHECK(&g, ((struct hv_timer_message *)slot(&g)->payload)->delivery >= now);
	guest_destroy(&g);
}

SELFTEST(arm_hv_reference_tsc)
{
	const struct hv_reference_tsc_page *page;
	uint64_t now, told, scaled;
	struct test_guest g;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_REFERENCE_TSC, TSC_PAGE | HV_PAGE_ENABLE));
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_REFERENCE_TSC) == (TSC_PAGE | HV_PAGE_ENABLE));
	page = g.partition->hv->vtl[0].reference_tsc.overlay.page;
	GUEST_CHECK(&g, page->sequence != HV_TSC_INVALID);
	scaled = (uint64_t)((unsigned __int128)guest_register(&g, HV_ARM64_REGISTER_CNTVCT_EL0) *
				    page->scale >>
			    64);
	told = scaled + (uint64_t)page->offset;
	now = partition_reference_time(g.partition);
	GUEST_CHECK(&g, now >= told && now - told < 1000 * MILLISECOND);
	guest_destroy(&g);
}

/* ---- state ---- */

static struct vp_state_synic saved, other;
static struct vp_state_timers timers;

SELFTEST(arm_hv_state)
{
	uint64_t size;
	struct test_guest g;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g) && synic_up(&g));
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_VP_ASSIST_PAGE, 0x50001));
	GUEST_CHECK(&g, writes(&g, HV_REGISTER_STIMER0_COUNT + 4, 1234567));
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_SYNIC_MSRS, &saved, sizeof(saved), &size) ==
				STATUS_OK);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_SYNIC_TIMERS, &timers, sizeof(timers),
				     &size) == STATUS_OK);
	GUEST_CHECK(&g, saved.sint[SINT] == PPI && saved.messages == (MESSAGES | 1) &&
				saved.control == 1 && timers.timer[2].count == 1234567);
	/* A VP that has just been reset gets it all back. */
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_SIMP) == 0);
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_VP_ASSIST_PAGE) == 0);
	other = saved;
	other.sint[SINT] = 3;
	GUEST_CHECK(&g, vp_state_set(g.vp, 0, VP_STATE_SYNIC_MSRS, &other, sizeof(other)) ==
				STATUS_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g,
		    vp_state_set(g.vp, 0, VP_STATE_SYNIC_MSRS, &saved, sizeof(saved)) == STATUS_OK);
	GUEST_CHECK(&g, reads(&g, HV_REGISTER_SIMP) == (MESSAGES | HV_SYNIC_ENABLE));
	GUEST_CHECK(&g,
		    posts_to_guest(&g, 9) && interrupted(&g, NOTHING, PPI) && slot(&g)->type == 9);
	guest_destroy(&g);
}

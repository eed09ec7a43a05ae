/* SPDX-License-Identifier: MIT */
/* What a guest posts and signals, by calls and by its monitor page, and a guest whose Hyper-V interface is the
 * VMM's. */
#include "guest.h"
#include <kernel/event.h>
#include <kernel/arch.h>
#include <kernel/memory.h>
#include <kernel/monitor.h>
#include <kernel/port.h>
#include <kernel/string.h>
#include <trivet/hv/hypercall.h>
#include <trivet/hv/monitor.h>

GUEST_CODE_DECLARE(hyperv);
GUEST_CODE_DECLARE(hyperv_vmm);
GUEST_CODE_DECLARE(synic);
GUEST_CODE_DECLARE(monitor);
extern const char guest_hyperv_gp[], guest_hyperv_ud[];
extern const char guest_synic_irq[], guest_synic_second[];
extern const char guest_hyperv_vmm_gp[], guest_hyperv_vmm_ud[];

/* What guest_hyperv does by the number in RDI. */
enum operation { WRITE_MSR = 1, CALL = 6 };

#define OS_ID	   0x8100000000000000ull
#define PAGE	   0x60000ull /* of hypercalls */
#define INPUT	   0x70000ull
#define CONNECTION 0xabcdefu
#define OTHER	   0x000001u
#define BITS	   0x30ull
#define GP	   13u
#define UD	   6u

static bool writes(struct test_guest *g, uint32_t msr, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = msr;
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	gpr[GPR_RDI] = WRITE_MSR;
	gpr[GPR_R13] = 2;
	return guest_says(g, 1) && !gpr[GPR_R12];
}

static uint64_t calls(struct test_guest *g, uint64_t control, uint64_t input)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RDI] = CALL;
	gpr[GPR_RBX] = PAGE;
	gpr[GPR_RCX] = control;
	gpr[GPR_RDX] = input;
	gpr[GPR_R8] = 0;
	return guest_says(g, 1) && !gpr[GPR_R12] ? gpr[GPR_R14] : UINT64_MAX;
}

static bool start(struct test_guest *g)
{
	guest_start(g, hyperv);
	guest_vector_set(g, GP, (uintptr_t)guest_hyperv_gp);
	guest_vector_set(g, UD, (uintptr_t)guest_hyperv_ud);
	return guest_says(g, 1) && writes(g, HV_MSR_GUEST_OS_ID, OS_ID) &&
	       writes(g, HV_MSR_HYPERCALL, PAGE | 1);
}

static uint64_t signals(struct test_guest *g, uint32_t connection, uint64_t flag)
{
	return calls(g, HV_CALL_SIGNAL_EVENT | HV_CALL_FAST, connection | flag << 32);
}

static uint64_t signals_in_memory(struct test_guest *g, uint32_t connection)
{
	*(struct hv_signal_event_input *)(g->ram + INPUT) =
		(struct hv_signal_event_input){.connection = connection};
	return calls(g, HV_CALL_SIGNAL_EVENT, INPUT);
}

static uint64_t posts(struct test_guest *g, uint32_t connection, uint8_t byte)
{
	struct hv_post_message_input *input = (void *)(g->ram + INPUT);

	memset(input, byte, sizeof(*input));
	input->connection = connection;
	input->reserved = 0;
	input->type = 1;
	input->payload_size = HV_MESSAGE_PAYLOAD;
	return calls(g, HV_CALL_POST_MESSAGE, INPUT);
}

static uint64_t bits_take(struct event *event)
{
	uint64_t bits = event->bits;

	event->bits = 0;
	return bits;
}

static bool connected(struct test_guest *g, enum port_kind kind, struct event *event,
		      uint32_t min_vtl, uint32_t number, struct port **port)
{
	const struct port_connection connection = {
		.number = number, .min_vtl = min_vtl, .event = event, .bits = BITS};

	return port_connect(g->partition, kind, &connection, port) == STATUS_OK;
}

static bool signal_test(struct test_guest *g, struct event *event)
{
	struct port *port, *other;
	bool ok;

	if (signals(g, CONNECTION, 0) != HV_INVALID_CONNECTION_ID ||
	    !connected(g, PORT_HOST_EVENT, event, 0, CONNECTION, &port))
		return false;
	ok = connected(g, PORT_HOST_EVENT, event, 1, OTHER, &other);
	if (ok)
		ok = signals(g, CONNECTION, 0) == HV_SUCCESS && bits_take(event) == BITS &&
		     signals_in_memory(g, CONNECTION) == HV_SUCCESS && bits_take(event) == BITS &&
		     signals(g, OTHER, 0) == HV_ACCESS_DENIED &&
		     signals(g, CONNECTION, 1) == HV_INVALID_PARAMETER &&
		     signals(g, CONNECTION, BIT(16)) == HV_INVALID_PARAMETER &&
		     signals(g, CONNECTION | BIT(24), 0) == HV_INVALID_CONNECTION_ID &&
		     posts(g, CONNECTION, 1) == HV_INVALID_PORT_ID && bits_take(event) == 0;
	if (ok)
		object_put(port_object(other));
	object_put(port_object(port));
	return ok && signals(g, CONNECTION, 0) == HV_INVALID_CONNECTION_ID &&
	       signals_in_memory(g, OTHER) == HV_INVALID_CONNECTION_ID && bits_take(event) == 0;
}

/* The queue is full, and all of it comes out, in its order. */
static bool queue_test(struct test_guest *g, struct event *event, struct port *port)
{
	struct port_message message;
	uint64_t turn;
	unsigned int i;

	for (i = 0; i < PORT_MESSAGES; i++)
		if (posts(g, CONNECTION, (uint8_t)i) != HV_SUCCESS)
			return false;
	if (posts(g, CONNECTION, 0xff) != HV_INSUFFICIENT_BUFFERS || bits_take(event) != BITS)
		return false;
	for (i = 0; i < PORT_MESSAGES; i++)
		if (port_message_peek(port, &message, &turn) != STATUS_OK ||
		    !port_message_drop(port, turn) ||
		    message.message.payload_size != HV_MESSAGE_PAYLOAD ||
		    message.message.payload[0] != i ||
		    message.message.payload[HV_MESSAGE_PAYLOAD - 1] != i)
			return false;
	return port_message_peek(port, &message, &turn) == STATUS_NOT_FOUND &&
	       posts(g, CONNECTION, 1) == HV_SUCCESS && bits_take(event) == BITS;
}

static bool post_test(struct test_guest *g, struct event *event)
{
	struct port *port, *other;
	bool ok;

	if (posts(g, CONNECTION, 0) != HV_INVALID_CONNECTION_ID ||
	    !connected(g, PORT_MESSAGE, event, 0, CONNECTION, &port))
		return false;
	ok = connected(g, PORT_MESSAGE, event, 1, OTHER, &other);
	if (ok) {
		ok = queue_test(g, event, port) && posts(g, OTHER, 0) == HV_ACCESS_DENIED &&
		     signals(g, CONNECTION, 0) == HV_INVALID_PORT_ID &&
		     calls(g, HV_CALL_POST_MESSAGE, INPUT + 0xf08) == HV_INVALID_ALIGNMENT &&
		     calls(g, HV_CALL_POST_MESSAGE, MIB(2)) == HV_INVALID_HYPERCALL_INPUT;
		object_put(port_object(other));
	}
	object_put(port_object(port));
	return ok && posts(g, CONNECTION, 0) == HV_INVALID_CONNECTION_ID;
}

static void ports_test(bool (*function)(struct test_guest *g, struct event *event),
		       enum selftest_outcome *outcome, const char **reason)
{
	uint64_t before = kernel_heap.pages_free;
	struct event *event;
	struct test_guest g;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(event_create(&kernel_heap, &event) == STATUS_OK);
	CHECK(guest_create_flags(&g, PARTITION_HYPERV));
	ok = start(&g) && function(&g, event);
	guest_destroy(&g);
	object_put(&event->object);
	CHECK(ok);
	CHECK(kernel_heap.pages_free == before);
}

SELFTEST(ports_signal)
{
	ports_test(signal_test, outcome, reason);
}

SELFTEST(ports_post)
{
	ports_test(post_test, outcome, reason);
}

/* ---- flags of the guest ---- */

/* What guest_synic does by the number in RDI: WRITE_MSR too; STORE takes the interrupts that wait behind it. */
#define STORE	      3u
#define EVENTS	      0x61000ull
#define VECTOR	      0x51u /* counted in RBX */
#define SECOND_VECTOR 0x52u /* in RBP */

static bool synic_writes(struct test_guest *g, uint32_t msr, uint64_t value)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_RCX] = msr;
	gpr[GPR_RAX] = (uint32_t)value;
	gpr[GPR_RDX] = value >> 32;
	gpr[GPR_RDI] = WRITE_MSR;
	return guest_says(g, 1) && !gpr[GPR_R12];
}

/* So many interrupts of either vector were there since the last time. */
static bool interrupted(struct test_guest *g, uint64_t first, uint64_t second)
{
	uint64_t *gpr = g->vp->arch.gpr;
	bool right;

	gpr[GPR_RSI] = GUEST_DATA;
	gpr[GPR_R14] = 0;
	gpr[GPR_RDI] = STORE;
	right = guest_says(g, 1) && gpr[GPR_RBX] == first && gpr[GPR_RBP] == second;
	gpr[GPR_RBX] = gpr[GPR_RBP] = 0;
	return right;
}

static bool flag_signals(struct test_guest *g, struct port *port)
{
	const struct port_target other = {.vp = 0, .sint = 3, .flag = 2047};
	const struct port_target none = {.vp = 1, .sint = 3, .flag = 0};

	if (port_guest_signal(port) != STATUS_WRONG_STATE ||
	    !synic_writes(g, HV_MSR_SIEFP, EVENTS | 1) ||
	    !synic_writes(g, HV_MSR_SINT0 + 2, VECTOR) ||
	    !synic_writes(g, HV_MSR_SINT0 + 3, SECOND_VECTOR) ||
	    !synic_writes(g, HV_MSR_SCONTROL, 1))
		return false;
	if (port_guest_signal(port) != STATUS_OK || !interrupted(g, 1, 0) ||
	    port_guest_signal(port) != STATUS_OK || !interrupted(g, 0, 0) ||
	    port_guest_clear(port) != STATUS_OK || port_guest_signal(port) != STATUS_OK ||
	    !interrupted(g, 1, 0))
		return false;
	if (port_guest_retarget(port, &none) != STATUS_NOT_FOUND ||
	    port_guest_retarget(port, &other) != STATUS_OK ||
	    port_guest_signal(port) != STATUS_OK || !interrupted(g, 0, 1))
		return false;
	return synic_writes(g, HV_MSR_SINT0 + 3, HV_SINT_MASKED | SECOND_VECTOR) &&
	       port_guest_clear(port) == STATUS_OK &&
	       port_guest_signal(port) == STATUS_WRONG_STATE && interrupted(g, 0, 0);
}

static bool flag_test(struct test_guest *g, struct event *event)
{
	const struct port_target target = {.vp = 0, .sint = 2, .flag = 65};
	struct port *port;
	bool ok;

	(void)event;
	guest_start(g, synic);
	guest_vector_set(g, VECTOR, (uintptr_t)guest_synic_irq);
	guest_vector_set(g, SECOND_VECTOR, (uintptr_t)guest_synic_second);
	if (!guest_says(g, 1) || port_guest_create(g->partition, 0, &target, &port) != STATUS_OK)
		return false;
	ok = flag_signals(g, port);
	object_put(port_object(port));
	return ok;
}

SELFTEST(ports_flag)
{
	ports_test(flag_test, outcome, reason);
}

/* ---- monitor pages ---- */

#define MONITOR	   0x80000ull
#define LATENCY	   2000u /* 200 us */
#define RUN_MS	   5u
#define MONITOR_ID 70u

static bool bit_set(struct test_guest *g, uint64_t bit)
{
	uint64_t *gpr = g->vp->arch.gpr;

	gpr[GPR_R8] = offsetof(struct hv_monitor_page, trigger_group) * 8 + bit;
	gpr[GPR_R9] = MONITOR;
	gpr[GPR_R10] = timestamp_hz / 1000 * RUN_MS;
	return guest_says(g, 1);
}

static uint32_t pending(struct test_guest *g, uint64_t group)
{
	uint64_t word = 0;

	return monitor_read(g->partition, 0,
			    MONITOR + offsetof(struct hv_monitor_page, trigger_group) + 8 * group,
			    &word, 8) == STATUS_OK
		       ? (uint32_t)word
		       : UINT32_MAX;
}

/* Bit 6 of group 2. What has no connection is taken and means nothing. */
static bool monitor_signals(struct test_guest *g, struct event *event, struct object *monitored)
{
	const uint64_t memory = g->vp->stats->exits[VP_EXIT_MEMORY];
	const struct hv_monitor_page *below = (const void *)(g->ram + MONITOR);
	bool ok = bit_set(g, 64 * 2 + 6) && bits_take(event) == BITS && !pending(g, 2) &&
		  bit_set(g, 64 * 2 + 6) && bits_take(event) == BITS && bit_set(g, 64 * 2 + 7) &&
		  bits_take(event) == 0 && !pending(g, 2) && !below->trigger_group[2];

	object_put(monitored);
	return ok && bit_set(g, 64 * 2 + 6) && bits_take(event) == 0 &&
	       g->vp->stats->exits[VP_EXIT_MEMORY] == memory;
}

static bool monitor_test(struct test_guest *g, struct event *event)
{
	struct object *monitored;
	struct port *port;
	bool ok = false;

	guest_start(g, monitor);
	if (!guest_says(g, 1) || !connected(g, PORT_HOST_EVENT, event, 0, CONNECTION, &port))
		return false;
	if (monitor_page_set(g->partition, 0, MONITOR) == STATUS_OK &&
	    monitor_register(g->partition, 0, MONITOR_ID, CONNECTION, LATENCY, &monitored) ==
		    STATUS_OK)
		ok = monitor_signals(g, event, monitored);
	object_put(port_object(port));
	return ok;
}

SELFTEST(ports_monitor)
{
	ports_test(monitor_test, outcome, reason);
}

/* ---- the VMM's interface ---- */

static bool cpuid_exit(struct test_guest *g)
{
	const uint64_t *gpr = g->vp->arch.gpr;
	unsigned int i;

	if (guest_run(g) != VP_RUN_CPUID || g->run->cpuid.function != 0x40000005 ||
	    g->run->cpuid.index != 7)
		return false;
	for (i = 0; i < 4; i++)
		g->run->cpuid.value[i] = 0xf0000001 + i;
	return guest_says(g, 1) && gpr[GPR_R8] == 0xf0000001 && gpr[GPR_R9] == 0xf0000002 &&
	       gpr[GPR_R10] == 0xf0000003 && gpr[GPR_R11] == 0xf0000004;
}

static bool msr_exits(struct test_guest *g)
{
	const uint64_t *gpr = g->vp->arch.gpr;

	if (guest_run(g) != VP_RUN_MSR || g->run->msr.index != 0x40000020 || g->run->msr.write)
		return false;
	g->run->msr.value = 0x1111111122222222;
	if (!guest_says(g, 2) || gpr[GPR_R8] != 0x22222222 || gpr[GPR_R9] != 0x11111111)
		return false;
	if (guest_run(g) != VP_RUN_MSR || !g->run->msr.write ||
	    g->run->msr.value != 0x9abcdef012345678 || !guest_says(g, 3))
		return false;
	if (guest_run(g) != VP_RUN_MSR || g->run->msr.index != 0x400001ff)
		return false;
	g->run->msr.fault = 1;
	return guest_says(g, 5) && guest_says(g, 4) && guest_says(g, 5) && guest_says(g, 4);
}

static bool hypercall_exits(struct test_guest *g)
{
	struct vp_run_page *run = g->run;

	if (guest_run(g) != VP_RUN_HYPERCALL || run->hypercall.next_rip != run->regs.rip + 3)
		return false;
	run->regs.gpr[GPR_RAX] = 0x777;
	run->regs.rip = run->hypercall.next_rip;
	run->set = VP_SET_GPRS;
	if (!guest_says(g, 6) || g->vp->arch.gpr[GPR_R8] != 0x777)
		return false;
	if (guest_run(g) != VP_RUN_HYPERCALL)
		return false;
	run->event.vector = UD;
	run->event.has_error = 0;
	run->set = VP_SET_EVENT;
	return guest_says(g, 7);
}

SELFTEST(hyperv_vmm)
{
	uint64_t before = kernel_heap.pages_free;
	struct test_guest g;
	const char *why;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(guest_create_flags(&g, PARTITION_HYPERV | PARTITION_HYPERV_VMM));
	guest_start(&g, hyperv_vmm);
	guest_vector_set(&g, GP, (uintptr_t)guest_hyperv_vmm_gp);
	guest_vector_set(&g, UD, (uintptr_t)guest_hyperv_vmm_ud);
	g.vp->arch.gpr[GPR_R15] = backend_is(&svm_backend);
	ok = cpuid_exit(&g) && msr_exits(&g) && hypercall_exits(&g);
	guest_destroy(&g);
	CHECK(ok);
	CHECK(kernel_heap.pages_free == before);
}

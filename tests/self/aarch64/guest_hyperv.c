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
#include <kernel/vpci.h>
#include <trivet/hv/features.h>
#include <trivet/hv/hypercall.h>
#include <trivet/hv/interface_registers.h>

GUEST_CODE_DECLARE(hyperv);

/* What guest_hyperv does by the number in X19. */
enum operation { BY_HVC_1, BY_SMCCC, WAIT, NOTHING };

#define SCTLR_M	    BIT(0)
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

/* ---- other VPs ---- */

#define TABLES	      0x50000ull
#define LOWER_TABLE   (TABLES + PAGE_SIZE)
#define STACK	      0x7700ull
#define LEAF	      (BIT(0) | ENTRY_AF)
#define ENTRY_AF      BIT(10)
#define ENTRY_EL0     BIT(6)
#define ENTRY_RO      BIT(7)
#define ENTRY_PXN     BIT(53)
#define MEMORY	      0xffull /* MAIR_EL1: write-back */
#define NON_CACHEABLE (0x44ull << 8)
#define ATTRIBUTES_1  BIT(2)
#define BITS_39	      25ull   /* TCR_EL1.T0SZ */
#define TOP_OFF	      BIT(23) /* EPD1 */

/* The first GiB as it lies; the second by 2 MiB, of several kinds; of the third the table is nowhere; the fourth is
 * without memory. */
static void tables_make(struct test_guest *g)
{
	uint64_t *top = (void *)(g->ram + TABLES), *lower = (void *)(g->ram + LOWER_TABLE);

	top[0] = LEAF;
	top[1] = LOWER_TABLE | 3;
	top[2] = 0x7fffff000ull | 3;
	top[3] = 0xc0000000 | LEAF;
	lower[0] = LEAF | ENTRY_EL0 | ENTRY_RO | ATTRIBUTES_1;
	lower[1] = BIT(0);
	lower[3] = LEAF | ENTRY_PXN;
}

static uint64_t starts(struct test_guest *g, uint32_t vp, uint64_t pc)
{
	const uint64_t words[] = {HV_PARTITION_ID_SELF,
				  vp,
				  pc,
				  STACK,
				  SCTLR_M | 0x30d00800,
				  MEMORY | NON_CACHEABLE,
				  BITS_39 | TOP_OFF,
				  GUEST_VECTORS,
				  TABLES,
				  0,
				  0x1818};

	return calls(g, BY_SMCCC, HV_CALL_START_VIRTUAL_PROCESSOR | HV_CALL_FAST, words,
		     ARRAY_SIZE(words));
}

/* The result, and the page in *page. */
static uint64_t translates(struct test_guest *g, uint16_t code, uint64_t flags, uint64_t address,
			   uint64_t *page)
{
	const uint64_t words[] = {HV_PARTITION_ID_SELF, 1, flags, address >> PAGE_SHIFT};
	const uint64_t *output = &g->vp->arch.x[BY_SMCCC + 1 + ARRAY_SIZE(words)];
	uint64_t status = calls(g, BY_SMCCC, code | HV_CALL_FAST, words, ARRAY_SIZE(words));

	*page = output[1];
	return status == HV_SUCCESS ? output[0] : UINT64_MAX;
}

static bool translated_right(struct test_guest *g, uint16_t code)
{
	const uint64_t write_back = (uint64_t)HV_CACHE_TYPE_WRITE_BACK << 32;
	const uint64_t combining = (uint64_t)HV_CACHE_TYPE_WRITE_COMBINING << 32;
	const uint64_t gib = GIB(1), block = MIB(2);
	static const struct {
		uint64_t flags, address, code;
	} wrong[] = {
		{HV_TRANSLATE_WRITE, GIB(1), HV_TRANSLATE_PRIVILEGE_VIOLATION},
		{HV_TRANSLATE_READ | HV_TRANSLATE_USER, 0, HV_TRANSLATE_PRIVILEGE_VIOLATION},
		{HV_TRANSLATE_READ | HV_TRANSLATE_PAN_SET, GIB(1),
		 HV_TRANSLATE_PRIVILEGE_VIOLATION},
		{HV_TRANSLATE_EXECUTE, GIB(1) + 3 * MIB(2), HV_TRANSLATE_PRIVILEGE_VIOLATION},
		{0, GIB(1) + MIB(2), HV_TRANSLATE_NOT_PRESENT},	    /* not accessed yet */
		{0, GIB(1) + 2 * MIB(2), HV_TRANSLATE_NOT_PRESENT}, /* nothing */
		{0, GIB(2), HV_TRANSLATE_GPA_UNMAPPED},
		{0, GIB(3), HV_TRANSLATE_GPA_UNMAPPED},
		{0, BIT(39), HV_TRANSLATE_NOT_PRESENT},
	};
	unsigned int i;
	uint64_t page;

	if (translates(g, code, HV_TRANSLATE_WRITE, 0x9123, &page) != write_back || page != 9)
		return false;
	if (translates(g, code, HV_TRANSLATE_READ | HV_TRANSLATE_USER, gib + 0x3000, &page) !=
		    combining ||
	    page != 3)
		return false;
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		if (translates(g, code, wrong[i].flags, wrong[i].address, &page) != wrong[i].code)
			return false;
	return translates(g, code, HV_TRANSLATE_READ, gib + 3 * block, &page) == write_back &&
	       translates(g, code, HV_TRANSLATE_EXEMPT, 0, &page) == UINT64_MAX;
}

SELFTEST(arm_hv_starts_and_translates)
{
	struct test_guest g;
	struct vp *second;
	union hv_register_value value;
	uint32_t name = HV_ARM64_REGISTER_SP;

	GUEST_SETUP_FLAGS(&g, 2, PARTITION_HYPERV);
	second = g.partition->vps[1];
	tables_make(&g);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, starts(&g, 2, GUEST_CODE) == HV_INVALID_VP_INDEX);
	GUEST_CHECK(&g, starts(&g, 0, GUEST_CODE) == HV_INVALID_VP_STATE);
	GUEST_CHECK(&g, starts(&g, 1, GUEST_CODE + 2) == HV_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g, starts(&g, 1, GUEST_CODE) == HV_SUCCESS);
	GUEST_CHECK(&g, starts(&g, 1, GUEST_CODE) == HV_INVALID_VP_STATE);
	GUEST_CHECK(&g, arch_vp_get_registers(second, 0, &name, &value, 1) == STATUS_OK);
	GUEST_CHECK(&g, value.low == STACK && second->arch.x[18] == 0x1818);
	GUEST_CHECK(&g, translated_right(&g, HV_CALL_TRANSLATE_VIRTUAL_ADDRESS));
	GUEST_CHECK(&g, translated_right(&g, HV_CALL_TRANSLATE_VIRTUAL_ADDRESS_EX));
	/* With its MMU on, by its tables. */
	second->arch.x[19] = NOTHING;
	GUEST_CHECK(&g, guest_run_vp(&g, second) == VP_RUN_MMIO);
	GUEST_CHECK(&g, g.second->mmio.gpa == GUEST_PORT && g.second->mmio.value == 1);
	guest_destroy(&g);
}

/* ---- interrupts by calls ---- */

#define SGI 5u
#define SPI (GIC_SPI_FIRST + 3)

static uint32_t pending(const struct test_guest *g, uint32_t vp)
{
	return (uint32_t)vgic_redistributor_read(gic_cpu_of(g, vp), 0x10200, 4);
}

static bool spi_pending(const struct test_guest *g)
{
	return vgic_distributor_read(gic_of(g), 0x204, 4) & BIT(SPI - GIC_SPI_FIRST);
}

static uint64_t sends_ipi(struct test_guest *g, uint32_t intid, uint64_t mask)
{
	const uint64_t words[] = {intid, mask};

	return calls(g, BY_SMCCC, HV_CALL_SEND_IPI | HV_CALL_FAST, words, 2);
}

static uint64_t asserts(struct test_guest *g, uint64_t control, uint64_t mpidr, uint32_t intid)
{
	const uint64_t words[] = {HV_PARTITION_ID_SELF, control, mpidr, intid};

	return calls(g, BY_SMCCC, HV_CALL_ASSERT_VIRTUAL_INTERRUPT | HV_CALL_FAST, words, 4);
}

SELFTEST(arm_hv_interrupts)
{
	const uint64_t ids[] = {HV_PARTITION_ID_SELF, 0, 1, 0};
	struct test_guest g;

	GUEST_SETUP_FLAGS(&g, 2, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, sends_ipi(&g, SGI, 2) == HV_SUCCESS && pending(&g, 1) == BIT(SGI));
	GUEST_CHECK(&g, sends_ipi(&g, PPI, 2) == HV_SUCCESS && (pending(&g, 1) & BIT(PPI)));
	GUEST_CHECK(&g, sends_ipi(&g, SPI, 2) == HV_INVALID_PARAMETER);
	/* As inputs: high until they are low. */
	distributor_write(&g, 0xc08, 0);
	distributor_write(&g, 0x184, UINT32_MAX);
	GUEST_CHECK(&g, asserts(&g, HV_ARM64_INTERRUPT_ASSERTED, 0, SPI) == HV_SUCCESS);
	GUEST_CHECK(&g, spi_pending(&g));
	GUEST_CHECK(&g, asserts(&g, 0, 0, SPI) == HV_SUCCESS && !spi_pending(&g));
	GUEST_CHECK(&g, asserts(&g, HV_ARM64_INTERRUPT_ASSERTED, 1, 20) == HV_SUCCESS);
	GUEST_CHECK(&g, pending(&g, 1) & BIT(20));
	GUEST_CHECK(&g, asserts(&g, 0, 1, 27) == HV_INVALID_PARAMETER);
	GUEST_CHECK(&g, asserts(&g, 0, 7, 20) == HV_INVALID_PARAMETER);
	GUEST_CHECK(&g, asserts(&g, 1, 0, SPI) == HV_INVALID_PARAMETER);
	GUEST_CHECK(&g, asserts(&g, 0, 0, 1019) == HV_INVALID_PARAMETER);
	/* MPIDRs have eight bytes. */
	GUEST_CHECK(&g,
		    calls(&g, BY_SMCCC, HV_CALL_GET_VP_INDEX_FROM_APIC_ID | HV_CALL_FAST | REP(1),
			  ids, 3) == DONE(1));
	GUEST_CHECK(&g, (uint32_t)g.vp->arch.x[BY_SMCCC + 5] == 1);
	guest_destroy(&g);
}

/* A device's message, which its driver moves to another SPI. */
SELFTEST(arm_hv_device_interrupts)
{
	struct vpci_target target = {.vector = SPI - 1};
	struct hv_msi_entry message;
	struct object *device;
	struct test_guest g;
	uint64_t words[7];
	bool ok;

	GUEST_SETUP_FLAGS(&g, 1, PARTITION_HYPERV);
	GUEST_CHECK(&g, start(&g));
	GUEST_CHECK(&g, vpci_device_create(g.partition, 0, 77, &device) == STATUS_OK);
	target.set.all = true;
	ok = vpci_register(device, 1, &target, &message) == STATUS_OK;
	target.vector = 20;
	ok = ok && vpci_register(device, 1, &target, &message) == STATUS_INVALID_ARGUMENT;
	memcpy(words,
	       (const uint64_t[]){HV_PARTITION_ID_SELF, 77, HV_INTERRUPT_SOURCE_MSI,
				  message.address | (uint64_t)message.data << 32, 0, SPI, 1},
	       sizeof(words));
	ok = ok && calls(&g, BY_SMCCC, HV_CALL_RETARGET_DEVICE_INTERRUPT | HV_CALL_FAST, words,
			 7) == HV_SUCCESS;
	words[5] = PPI;
	ok = ok && calls(&g, BY_SMCCC, HV_CALL_RETARGET_DEVICE_INTERRUPT | HV_CALL_FAST, words,
			 7) == HV_INVALID_PARAMETER;
	ok = ok && vpci_signal(device, message.address, message.data) == STATUS_OK &&
	     spi_pending(&g);
	object_put(device);
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

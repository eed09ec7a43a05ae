/* SPDX-License-Identifier: MIT */
/*
 * State that is saved, restored and reset: by element, and whole. The tests are the same on each backend,
 * and so is what is saved.
 */
#include "guest.h"
#include <arch/msr.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>
#include <kernel/state_format.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(out);
GUEST_CODE_DECLARE(in);
GUEST_CODE_DECLARE(saved);
GUEST_CODE_DECLARE(saved_tsc);
GUEST_CODE_DECLARE(saved_nmi);
extern const char guest_saved_timer[], guest_saved_ipi[], guest_saved_nmi_nmi[];

#define BUFFER_ORDER 3u
#define RAM_ORDER    8u
#define NMI_VECTOR   2u

/* Two states, in pages; NULL: none. */
static uint8_t *buffers_create(void)
{
	return page_alloc(&kernel_heap, BUFFER_ORDER + 1);
}

static void buffers_destroy(uint8_t *buffers)
{
	page_free(&kernel_heap, buffers, BUFFER_ORDER + 1);
}

#define SECOND(buffers) ((buffers) + STATE_SIZE_MAX)

static bool save(struct vp *vp, void *buffer, uint64_t *size)
{
	return vp_save(vp, buffer, STATE_SIZE_MAX, size) == STATUS_OK;
}

/* The data of an element in a state that is whole. */
static void *element_of(void *state, uint64_t size, uint32_t id)
{
	struct state_reader reader;
	struct state_item item;

	if (state_read_begin(&reader, state, size, STATE_OF_VP) != STATUS_OK)
		return NULL;
	while (state_read(&reader, &item) == STATUS_OK)
		if (item.element == id)
			return (void *)(uintptr_t)item.data;
	return NULL;
}

/* Equal but for the time that has passed. */
static bool same(void *a, void *b, uint64_t size)
{
	struct vp_state_tsc *x = element_of(a, size, VP_STATE_TSC);
	struct vp_state_tsc *y = element_of(b, size, VP_STATE_TSC);

	if (!x || !y)
		return false;
	*x = *y;
	return memcmp(a, b, size) == 0;
}

static bool at_reset(struct vp *vp, uint8_t *buffers)
{
	uint64_t size, reset_size;
	uint32_t i;

	for (i = 0; i < arch_vp_element_count; i++) {
		const struct state_element *element = &arch_vp_elements[i];

		if (!arch_vp_element_size(vp, element) || !(element->flags & STATE_EXACT))
			continue;
		if (vp_state_get(vp, 0, element->id, buffers, STATE_SIZE_MAX, &size) != STATUS_OK ||
		    vp_state_at_reset(vp, 0, element->id, SECOND(buffers), STATE_SIZE_MAX,
				      &reset_size) != STATUS_OK ||
		    size != reset_size || memcmp(buffers, SECOND(buffers), size)) {
			log_error("element %u is not as at reset", element->id);
			return false;
		}
	}
	return true;
}

static void saved_start(struct test_guest *g)
{
	guest_start(g, saved);
	guest_vector_set(g, 0x41, (uint64_t)guest_saved_timer);
	guest_vector_set(g, 0x61, (uint64_t)guest_saved_ipi);
}

/* ---- reset ---- */

SELFTEST(saved_fresh_is_reset)
{
	uint8_t *buffers = buffers_create();
	struct test_guest g;
	bool fresh, second, again = false, by_element;
	uint64_t size;
	uint32_t i;

	GUEST_SETUP(&g);
	guest_destroy(&g);
	CHECK(guest_create_vps(&g, 2));
	fresh = at_reset(g.vp, buffers);
	second = at_reset(partition_vp(g.partition, 1), buffers);
	saved_start(&g);
	if (guest_says(&g, 1) && !at_reset(g.vp, buffers) && vp_reset(g.vp) == STATUS_OK)
		again = at_reset(g.vp, buffers);
	saved_start(&g);
	by_element = guest_says(&g, 1);
	for (i = 0; i < arch_vp_element_count; i++) {
		uint32_t id = arch_vp_elements[i].id;

		if (!arch_vp_element_size(g.vp, &arch_vp_elements[i]))
			continue;
		by_element &= vp_state_at_reset(g.vp, 0, id, buffers, STATE_SIZE_MAX, &size) ==
				      STATUS_OK &&
			      vp_state_set(g.vp, 0, id, buffers, size) == STATUS_OK;
	}
	by_element = by_element && at_reset(g.vp, buffers);
	buffers_destroy(buffers);
	GUEST_CHECK(&g, fresh);
	GUEST_CHECK(&g, second);
	GUEST_CHECK(&g, again);
	GUEST_CHECK(&g, by_element);
	guest_destroy(&g);
}

/* INIT keeps the caches' bits of CR0, the APIC's base and id, and what is not the core's (SDM 3A table
 * 10-1): x87 and SSE, MTRRs, PAT, MSRs, XCR0. */
SELFTEST(saved_init_keeps)
{
	uint8_t *buffers = buffers_create();
	struct vp_state_registers *r = (void *)buffers;
	struct vp_state_registers *reset = (void *)SECOND(buffers);
	uint64_t apic_base, n, again;
	struct test_guest g;

	GUEST_SETUP(&g);
	CHECK(buffers);
	saved_start(&g);
	GUEST_CHECK(&g, guest_says(&g, 1));
	apic_base = guest_register(&g, HV_X64_REGISTER_APIC_BASE);
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_CR0,
					   guest_register(&g, HV_X64_REGISTER_CR0) | BIT(30)));
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_XSAVE, buffers, STATE_SIZE_MAX, &n) ==
				STATUS_OK);
	vp_request(g.vp, VP_REQUEST_ARCH << 1 | VP_REQUEST_YIELD); /* VP_REQUEST_INIT */
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_YIELD);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_XSAVE, SECOND(buffers), STATE_SIZE_MAX,
				     &again) == STATUS_OK);
	GUEST_CHECK(&g, again == n && memcmp(buffers, SECOND(buffers), n) == 0);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_PAT) == 0x01040506);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_LSTAR) == 0x2222);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_APIC_BASE) == apic_base);
	GUEST_CHECK(&g, apic_base & APIC_BASE_X2APIC);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_REGISTERS, r, sizeof(*r), &n) == STATUS_OK);
	GUEST_CHECK(&g, vp_state_at_reset(g.vp, 0, VP_STATE_REGISTERS, reset, sizeof(*reset), &n) ==
				STATUS_OK);
	GUEST_CHECK(&g, r->cr0 == (0x10 | BIT(30)));
	r->cr0 = reset->cr0;
	GUEST_CHECK(&g, memcmp(r, reset, sizeof(*r)) == 0);
	buffers_destroy(buffers);
	guest_destroy(&g);
}

/* ---- by element ---- */

/* Each element that can be exact: another value is set, and read back. */
SELFTEST(saved_elements)
{
	static const struct {
		uint32_t id, offset;
		uint64_t flip;
	} changes[] = {
		{VP_STATE_REGISTERS, 0, 0x1234567890},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, rip), 0x1000},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, rflags), BIT(9)},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr2), UINT64_MAX},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr8), 7},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, segment[4].base), 0x5000},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, idtr.base), 0x7000},
		{VP_STATE_ACTIVITY, 0, VP_HALTED},
		{VP_STATE_ACTIVITY, 0, (uint64_t)VP_PENDING_NMI << 32},
		{VP_STATE_ACTIVITY, 0, (uint64_t)VP_PENDING_INIT << 32},
		{VP_STATE_ACTIVITY, 0, (uint64_t)VP_PENDING_SIPI << 32 | 0x33ull << 48},
		{VP_STATE_ACTIVITY, 0, (uint64_t)VP_PENDING_PIC << 32 | 0x44ull << 56},
		{VP_STATE_ACTIVITY, 8, HV_INTERRUPTION_PENDING | 0x80 << 16},
		{VP_STATE_ACTIVITY, 8, HV_INTERRUPTION_PENDING | 2 << 1 | 2 << 16},
		{VP_STATE_ACTIVITY, 8,
		 HV_INTERRUPTION_PENDING | 3 << 1 | HV_INTERRUPTION_ERROR | 13 << 16 | 5ull << 32},
		{VP_STATE_ACTIVITY, 16, HV_INTERRUPT_SHADOW},
		{VP_STATE_ACTIVITY, 16, HV_NMI_MASKED},
		{VP_STATE_XSAVE, 160, 0x123456789abcdef0},
		{VP_STATE_XSAVE, 32, 0x55},
		{VP_STATE_XSAVE, 24, BIT(15)},
		{VP_STATE_APIC, 0, 0x400},	      /* base: x2APIC mode, as it is */
		{VP_STATE_APIC, 16, 3},		      /* LINT0 and LINT1 */
		{VP_STATE_APIC, 16, 4},		      /* an ExtINT message */
		{VP_STATE_APIC, 16, 0x80ull << 32},   /* errors */
		{VP_STATE_APIC, 24, 0x155},	      /* an EOI */
		{VP_STATE_APIC, 32 + 0x80, 0x23},     /* TPR */
		{VP_STATE_APIC, 32 + 0x210, BIT(7)},  /* IRR */
		{VP_STATE_APIC, 32 + 0x120, BIT(9)},  /* ISR */
		{VP_STATE_APIC, 32 + 0x190, BIT(7)},  /* TMR */
		{VP_STATE_APIC, 32 + 0x320, 0x20044}, /* the timer's entry: periodic */
		{VP_STATE_APIC, 32 + 0x350, 0x700},   /* LINT0 */
		{VP_STATE_APIC, 32 + 0x3e0, 0xb},     /* divide */
		{VP_STATE_MTRR, 8, 0x0606060606060606},
		{VP_STATE_MTRR, 0, BIT(11) | 6},
		{VP_STATE_PAT, 0, 1},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, star), UINT64_MAX},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, lstar), 0xffffffff81000000},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, kernel_gs_base), 0x9000},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, sysenter_eip), 0xa000},
		{VP_STATE_DEBUG, offsetof(struct vp_state_debug, dr[2]), 0xb000},
		{VP_STATE_DEBUG, offsetof(struct vp_state_debug, dr6), 1},
		{VP_STATE_DEBUG, offsetof(struct vp_state_debug, dr7), 0x100},
		{VP_STATE_XCR0, 0, 2},
		{VP_STATE_TSC_AUX, 0, 0x12345678},
		{VP_STATE_SPEC_CTRL, 0, 1},
		{VP_STATE_XSAVE_STANDARD, 176, 0x1111},
	};
	uint8_t *data = buffers_create();
	uint64_t size, again, done = 0;
	struct test_guest g;
	uint32_t i;

	GUEST_SETUP(&g);
	CHECK(data);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		uint64_t *word = (uint64_t *)(data + changes[i].offset);
		status_t status = vp_reset(g.vp);

		if (status == STATUS_OK)
			status = vp_state_get(g.vp, 0, changes[i].id, data, STATE_SIZE_MAX, &size);
		if (status == STATUS_NOT_SUPPORTED &&
		    (changes[i].id == VP_STATE_SPEC_CTRL || changes[i].id == VP_STATE_XCR0 ||
		     changes[i].id == VP_STATE_TSC_AUX))
			continue;
		if (changes[i].id == VP_STATE_APIC && changes[i].offset == 32 + 0x320)
			*(uint32_t *)(data + 32 + 0xf0) |= 0x100; /* software-enabled */
		if (changes[i].id == VP_STATE_APIC && changes[i].offset == 32 + 0x350) {
			*(uint32_t *)(data + 32 + 0xf0) |= 0x100;
			*(uint32_t *)word = 0;
		}
		*word ^= changes[i].flip;
		if (changes[i].id == VP_STATE_APIC && changes[i].offset == 0)
			*(uint32_t *)(data + 32 + 0xd0) = 1; /* LDR follows from the id */
		if (status == STATUS_OK)
			status = vp_state_set(g.vp, 0, changes[i].id, data, size);
		if (status == STATUS_OK)
			status = vp_state_get(g.vp, 0, changes[i].id, SECOND(data), STATE_SIZE_MAX,
					      &again);
		if (changes[i].id == VP_STATE_APIC) /* PPR follows from TPR and ISR */
			*(uint32_t *)(data + 32 + 0xa0) = *(uint32_t *)(SECOND(data) + 32 + 0xa0);
		if (status != STATUS_OK || again != size || memcmp(data, SECOND(data), size)) {
			log_error("change %u of element %u: %s", i, changes[i].id,
				  status_name(status));
			break;
		}
		done++;
	}
	buffers_destroy(data);
	GUEST_CHECK(&g, i == ARRAY_SIZE(changes));
	GUEST_CHECK(&g, done > 30);
	guest_destroy(&g);
}

SELFTEST(saved_element_statuses)
{
	uint8_t *data = buffers_create();
	struct test_guest g;
	uint64_t size = 0;

	GUEST_SETUP(&g);
	CHECK(data);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, 0, data, 8, &size) == STATUS_INVALID_ARGUMENT);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_ELEMENTS, data, 8, &size) ==
				STATUS_INVALID_ARGUMENT);
	GUEST_CHECK(&g, vp_state_get(g.vp, 1, VP_STATE_PAT, data, 8, &size) == STATUS_INVALID_VTL);
	GUEST_CHECK(&g,
		    vp_state_get(g.vp, 0, VP_STATE_CET, data, 8, &size) == STATUS_NOT_SUPPORTED);
	GUEST_CHECK(&g, vp_state_set(g.vp, 0, VP_STATE_CET_SS, data, 8) == STATUS_NOT_SUPPORTED);
	GUEST_CHECK(&g, vp_state_get(g.vp, 0, VP_STATE_SYNIC_MSRS, data, 8, &size) ==
				STATUS_NOT_SUPPORTED);
	GUEST_CHECK(&g,
		    vp_state_get(g.vp, 0, VP_STATE_REGISTERS, data, 8, &size) == STATUS_TOO_LARGE);
	GUEST_CHECK(&g, size == sizeof(struct vp_state_registers));
	GUEST_CHECK(&g, vp_state_set(g.vp, 0, VP_STATE_PAT, data, 16) == STATUS_BAD_FORMAT);
	memset(data, 0xff, 8);
	GUEST_CHECK(&g,
		    vp_state_set(g.vp, 0, VP_STATE_PAT, data, 8) == STATUS_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_PAT) == 0x0007040600070406);
	GUEST_CHECK(&g, vp_save(g.vp, data, 100, &size) == STATUS_TOO_LARGE);
	GUEST_CHECK(&g, size > 2000 && size <= STATE_SIZE_MAX);
	buffers_destroy(data);
	guest_destroy(&g);
}

/* Values that no VP can have; each is refused as an element, and in a whole state, which then changes
 * nothing. */
SELFTEST(saved_refuses)
{
	static const struct {
		uint32_t id, offset;
		uint64_t value;
	} wrong[] = {
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, rflags), 0},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, rflags), BIT(63) | 2},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr0), 0},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr0), BIT(31) | 0x10},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr3), BIT(63)},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr4), BIT(13)},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, cr8), 16},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, efer), BIT(12)},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, gdtr), 1},
		{VP_STATE_REGISTERS, offsetof(struct vp_state_registers, segment[1]) + 8,
		 0xffffull | 0x0f9bull << 48},
		{VP_STATE_ACTIVITY, 0, VP_SHUT_DOWN + 1},
		{VP_STATE_ACTIVITY, 0, 0x10ull << 32},
		{VP_STATE_ACTIVITY, 8, 1 | 4 << 1}, /* a software interrupt */
		{VP_STATE_ACTIVITY, 8, 1 | 2 << 1 | 3 << 16},
		{VP_STATE_ACTIVITY, 8, 1 | 3 << 1 | 32 << 16},
		{VP_STATE_ACTIVITY, 8, 1 | 3 << 1 | 6 << 16 | HV_INTERRUPTION_ERROR},
		{VP_STATE_ACTIVITY, 8, 1 | 3 << 1 | 6 << 16 | BIT(32)},
		{VP_STATE_ACTIVITY, 8, 2},
		{VP_STATE_ACTIVITY, 16, 4},
		{VP_STATE_XSAVE, 24, BIT(31)}, /* MXCSR */
		{VP_STATE_XSAVE, 512, BIT(62)},
		{VP_STATE_XSAVE, 512, BIT(20)},
		{VP_STATE_XSAVE, 520, 3},
		{VP_STATE_XSAVE, 520, BIT(63) | BIT(20)},
		{VP_STATE_XSAVE, 528, 1},
		{VP_STATE_APIC, 0, 0xfee00400}, /* x2APIC mode, but off */
		{VP_STATE_APIC, 0, BIT(60) | 0xfee00900},
		{VP_STATE_APIC, 8, 1},		     /* a deadline in another mode */
		{VP_STATE_APIC, 16, 8},		     /* a third input */
		{VP_STATE_APIC, 24, 0x105},	     /* an EOI of no vector */
		{VP_STATE_APIC, 24, 0x1ull << 32},   /* reserved */
		{VP_STATE_APIC, 32 + 0x20, BIT(24)}, /* another's id */
		{VP_STATE_APIC, 32 + 0x80, 0x100},
		{VP_STATE_APIC, 32 + 0x100, 1},
		{VP_STATE_APIC, 32 + 0x320, BIT(20)},
		{VP_STATE_APIC, 32 + 0x390, 5}, /* over the initial count */
		{VP_STATE_XCR0, 0, 0},
		{VP_STATE_XCR0, 0, 5},
		{VP_STATE_XSS, 0, BIT(11)},
		{VP_STATE_MTRR, 0, 2},
		{VP_STATE_MTRR, 8, 2},
		{VP_STATE_MTRR, 96, BIT(9)},
		{VP_STATE_PAT, 0, 2},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, lstar), BIT(62)},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, cstar), BIT(62)},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, kernel_gs_base), BIT(62)},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, sfmask), BIT(32)},
		{VP_STATE_VIRTUAL_MSRS, offsetof(struct vp_state_msrs, sysenter_esp), BIT(62)},
		{VP_STATE_DEBUG, offsetof(struct vp_state_debug, dr7), BIT(40) | 0x400},
		{VP_STATE_DEBUG, offsetof(struct vp_state_debug, dr7), 0},
		{VP_STATE_TSC_AUX, 0, BIT(32)},
		{VP_STATE_SPEC_CTRL, 0, BIT(30)},
	};
	uint8_t *state = buffers_create();
	uint64_t size, again;
	struct test_guest g;
	bool good = true;
	uint32_t i;

	GUEST_SETUP(&g);
	CHECK(state);
	for (i = 0; i < ARRAY_SIZE(wrong) && good; i++) {
		uint8_t *data;

		good = save(g.vp, state, &size);
		data = good ? element_of(state, size, wrong[i].id) : NULL;
		if (!data)
			continue; /* not in this partition */
		memcpy(data + wrong[i].offset, &wrong[i].value, 8);
		good = vp_restore(g.vp, state, size) == STATUS_INVALID_REGISTER_VALUE ||
		       vp_restore(g.vp, state, size) == STATUS_BAD_FORMAT;
		good &= save(g.vp, state, &size) && save(g.vp, SECOND(state), &again) &&
			size == again && same(state, SECOND(state), size);
		good &= at_reset(g.vp, state);
		if (!good)
			log_error("value %u of element %u", i, wrong[i].id);
	}
	/* Each is right by itself. */
	if (good && save(g.vp, state, &size)) {
		uint8_t *apic = element_of(state, size, VP_STATE_APIC);

		apic[32 + 0x80] = 0x50;
		good = vp_restore(g.vp, state, size) == STATUS_INVALID_REGISTER_VALUE;
	}
	buffers_destroy(state);
	GUEST_CHECK(&g, good);
	guest_destroy(&g);
}

/* ---- whole ---- */

/* A partition of its own, with the memory of another. */
static bool copy_create(struct test_guest *copy, const struct test_guest *g)
{
	if (!guest_create(copy))
		return false;
	memcpy(copy->ram, g->ram, GUEST_RAM);
	return true;
}

static bool saved_finishes(struct test_guest *g)
{
	return guest_says(g, 0) && guest_says(g, 1) && guest_says(g, 2) && guest_says(g, 1);
}

/* In mid-run: into a fresh partition, where time is that of the first. */
SELFTEST(saved_goes_on)
{
	uint8_t *state = buffers_create();
	struct test_guest g, copy;
	uint64_t size, again, partition_size;
	uint64_t partition[9];
	bool good;

	GUEST_SETUP(&g);
	CHECK(state);
	saved_start(&g);
	GUEST_CHECK(&g, guest_says(&g, 1));
	arch_vp_unbind(g.vp);
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, save(g.vp, state, &size));
	GUEST_CHECK(&g, partition_save(g.partition, partition, sizeof(partition),
				       &partition_size) == STATUS_OK);
	GUEST_CHECK(&g, copy_create(&copy, &g));
	guest_destroy(&g);
	good = partition_freeze(copy.partition) == STATUS_OK &&
	       partition_restore(copy.partition, partition, partition_size) == STATUS_OK &&
	       vp_restore(copy.vp, state, size) == STATUS_OK &&
	       save(copy.vp, SECOND(state), &again) && again == size &&
	       memcmp(state, SECOND(state), size) == 0 && /* the TSC too */
	       partition_thaw(copy.partition) == STATUS_OK;
	arch_vp_bind(copy.vp);
	buffers_destroy(state);
	GUEST_CHECK(&copy, good);
	GUEST_CHECK(&copy, saved_finishes(&copy));
	guest_destroy(&copy);
}

static bool debug_set(struct vp *vp, const struct vp_debug_state *state)
{
	return arch_vp_set_debug_state(vp, 0, state) == STATUS_OK;
}

/* A debugger is none of the guest's state: it is not in what is saved, and outlives what is restored. */
static bool debugged_and_back(struct test_guest *g, uint8_t *state)
{
	static const struct vp_debug_state none,
		steps = {
			.flags = DEBUG_SINGLE_STEP,
			.breakpoint = {{.kind = BREAKPOINT_EXECUTE, .length = 1, .address = 0x10}}};
	uint64_t size, again;

	if (!debug_set(g->vp, &steps) || guest_run(g) != VP_RUN_SINGLE_STEP ||
	    !save(g->vp, state, &size))
		return false;
	if (!debug_set(g->vp, &none) || !save(g->vp, SECOND(state), &again) || again != size ||
	    !same(state, SECOND(state), size))
		return false;
	if (!debug_set(g->vp, &steps) || guest_run(g) != VP_RUN_SINGLE_STEP ||
	    vp_restore(g->vp, state, size) != STATUS_OK || !save(g->vp, SECOND(state), &again) ||
	    !same(state, SECOND(state), size))
		return false;
	return guest_run(g) == VP_RUN_SINGLE_STEP && debug_set(g->vp, &none);
}

SELFTEST(saved_without_the_debugger)
{
	const uint64_t own = GUEST_DATA + 0x100;
	uint8_t *state = buffers_create();
	struct test_guest g;
	bool good;

	GUEST_SETUP(&g);
	CHECK(state);
	saved_start(&g);
	good = guest_says(&g, 1) && guest_register_set(&g, HV_X64_REGISTER_DR0, own) &&
	       guest_register_set(&g, HV_X64_REGISTER_DR7, 0x400 | BIT(0)) &&
	       debugged_and_back(&g, state);
	buffers_destroy(state);
	GUEST_CHECK(&g, good);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_DR0) == own &&
				guest_register(&g, HV_X64_REGISTER_DR7) == (0x400 | BIT(0)));
	GUEST_CHECK(&g, saved_finishes(&g));
	guest_destroy(&g);
}

/* The partition itself goes on after what is saved was restored into it, and again. */
SELFTEST(saved_and_back)
{
	uint8_t *state = buffers_create();
	struct test_guest g;
	uint64_t size;
	bool good;

	GUEST_SETUP(&g);
	CHECK(state);
	saved_start(&g);
	good = guest_says(&g, 1) && save(g.vp, state, &size) && saved_finishes(&g) &&
	       vp_reset(g.vp) == STATUS_OK && vp_restore(g.vp, state, size) == STATUS_OK;
	/* The TSC has gone on with reference time: the deadline is over, and held off by TPR. */
	good = good && guest_says(&g, 0) && guest_says(&g, 0) && guest_says(&g, 2) &&
	       guest_says(&g, 1);
	buffers_destroy(state);
	GUEST_CHECK(&g, good);
	guest_destroy(&g);
}

/* An IN that the VMM has answered, and the guest not yet seen. */
SELFTEST(saved_takes_the_answer)
{
	uint8_t *state = buffers_create();
	struct test_guest g, copy;
	uint64_t size;

	GUEST_SETUP(&g);
	CHECK(state);
	guest_start(&g, in);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO && !g.run->port.write);
	g.run->port.value = 0x5a;
	GUEST_CHECK(&g, save(g.vp, state, &size));
	GUEST_CHECK(&g, copy_create(&copy, &g));
	guest_destroy(&g);
	GUEST_CHECK(&copy, vp_restore(copy.vp, state, size) == STATUS_OK);
	GUEST_CHECK(&copy, guest_register(&copy, HV_X64_REGISTER_RAX) == 0x112233445566775a);
	GUEST_CHECK(&copy, guest_run(&copy) == VP_RUN_PORT_IO && copy.run->port.size == 2);
	GUEST_CHECK(&copy, guest_register(&copy, HV_X64_REGISTER_RBX) == 0x112233445566775a);
	buffers_destroy(state);
	guest_destroy(&copy);
}

/* In an NMI's handler: a second one waits for its IRET, in the copy too. */
SELFTEST(saved_nmi)
{
	uint8_t *state = buffers_create();
	struct test_guest g, copy;
	uint64_t size;

	GUEST_SETUP(&g);
	CHECK(state);
	guest_start(&g, saved_nmi);
	guest_vector_set(&g, NMI_VECTOR, (uint64_t)guest_saved_nmi_nmi);
	GUEST_CHECK(&g, guest_says(&g, 1));
	vp_request(g.vp, VP_REQUEST_ARCH); /* VP_REQUEST_NMI */
	GUEST_CHECK(&g, guest_says(&g, 0x10));
	vp_request(g.vp, VP_REQUEST_ARCH);
	GUEST_CHECK(&g, save(g.vp, state, &size));
	GUEST_CHECK(&g, copy_create(&copy, &g));
	guest_destroy(&g);
	GUEST_CHECK(&copy, vp_restore(copy.vp, state, size) == STATUS_OK);
	buffers_destroy(state);
	GUEST_CHECK(&copy, guest_says(&copy, 0x11));
	GUEST_CHECK(&copy, guest_says(&copy, 0x10));
	GUEST_CHECK(&copy, guest_says(&copy, 0x11));
	GUEST_CHECK(&copy, guest_says(&copy, 2));
	guest_destroy(&copy);
}

/* ---- a state that no VP has saved ---- */

/* Constants of a guest in 64-bit mode, on whatever backend it once ran: nothing of one is in it. */
static const struct vp_state_registers constant_registers = {
	.gpr = {[4] = GUEST_STACK, [8] = 0x88},
	.rip = GUEST_CODE,
	.rflags = 0x2,
	.segment =
		{
			{.limit = UINT32_MAX, .selector = 0x10, .attributes = 0xc093},
			{.limit = UINT32_MAX, .selector = 0x08, .attributes = 0xa09b},
			{.attributes = 0}, /* a null selector, at CPL 0 */
			{.attributes = 0},
			{.base = 0x1000, .attributes = 0},
			{.base = 0x2000, .attributes = 0},
			{.limit = 0xffff, .attributes = 0},
			{.limit = 0xffff, .attributes = 0x8b},
		},
	.gdtr = {.limit = 23, .base = GUEST_GDT},
	.idtr = {.limit = 0xfff, .base = GUEST_IDT},
	.cr0 = 0x80010033,
	.cr3 = GUEST_PAGE_TABLES,
	.cr4 = 0x620,
	.efer = 0xd01,
};

SELFTEST(saved_from_constants)
{
	uint8_t *state = buffers_create();
	struct vp_state_registers *registers;
	struct test_guest g;
	uint64_t size, again;

	GUEST_SETUP(&g);
	CHECK(state);
	guest_start(&g, out); /* its memory */
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	GUEST_CHECK(&g, save(g.vp, state, &size));
	registers = element_of(state, size, VP_STATE_REGISTERS);
	GUEST_CHECK(&g, registers);
	*registers = constant_registers;
	GUEST_CHECK(&g, vp_restore(g.vp, state, size) == STATUS_OK);
	GUEST_CHECK(&g, save(g.vp, SECOND(state), &again) && again == size);
	GUEST_CHECK(&g, same(state, SECOND(state), size));
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	GUEST_CHECK(&g, guest_says(&g, 0x2233));
	/* What the processor made of it has the same form. */
	GUEST_CHECK(&g, save(g.vp, SECOND(state), &again));
	GUEST_CHECK(&g,
		    memcmp(((struct vp_state_registers *)element_of(SECOND(state), again,
								    VP_STATE_REGISTERS))
				   ->segment,
			   constant_registers.segment, sizeof(constant_registers.segment)) == 0);
	buffers_destroy(state);
	guest_destroy(&g);
}

/* ---- time ---- */

static bool tsc_read(struct test_guest *g, uint64_t *tsc)
{
	if (guest_run(g) != VP_RUN_PORT_IO)
		return false;
	*tsc = g->run->port.value;
	if (guest_run(g) != VP_RUN_PORT_IO)
		return false;
	*tsc |= (uint64_t)g->run->port.value << 32;
	return true;
}

static void spin(uint64_t ticks)
{
	uint64_t end = timestamp_read() + ticks;

	while (timestamp_read() < end) /* ends with time */
		;
}

SELFTEST(saved_time_stands_still)
{
	uint64_t pause = timestamp_hz / 100, before, after, reference, size, start, all;
	struct partition_state_time *time;
	struct test_guest g;
	uint64_t state[9];

	GUEST_SETUP(&g);
	guest_start(&g, saved_tsc);
	start = timestamp_read();
	GUEST_CHECK(&g, tsc_read(&g, &before));
	arch_vp_unbind(g.vp);
	GUEST_CHECK(&g, partition_thaw(g.partition) == STATUS_WRONG_STATE);
	atomic_store(&g.vp->bound, true);
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_BUSY);
	atomic_store(&g.vp->bound, false);
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_WRONG_STATE);
	reference = partition_reference_time(g.partition);
	spin(pause);
	GUEST_CHECK(&g, partition_reference_time(g.partition) == reference);
	GUEST_CHECK(&g, partition_thaw(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, tsc_read(&g, &after));
	all = timestamp_read() - start;
	/* For the guest, of the time that all took the pause was none. */
	GUEST_CHECK(&g, after > before && after - before <= all - pause);
	/* The TSC is the partition's. */
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, partition_save(g.partition, state, sizeof(state), &size) == STATUS_OK);
	time = (struct partition_state_time *)((uint8_t *)state + 48);
	GUEST_CHECK(&g, time->tsc == guest_register(&g, HV_X64_REGISTER_TSC));
	/* As if it came from a machine that had been on for long. */
	time->tsc = time->reference_time = 1ull << 60;
	GUEST_CHECK(&g, partition_restore(g.partition, state, size) == STATUS_OK);
	GUEST_CHECK(&g, partition_reference_time(g.partition) == 1ull << 60);
	GUEST_CHECK(&g, partition_thaw(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, partition_reference_time(g.partition) - (1ull << 60) < 10000000);
	time->tsc_hz += time->tsc_hz / 100;
	/* Another rate is what some processors can scale to; nothing can from so far. */
	GUEST_CHECK(&g,
		    partition_restore(g.partition, state, size) ==
			    (backend_assists & ASSIST_TSC_SCALING ? STATUS_OK : STATUS_TSC_RATE));
	time->tsc_hz *= 32;
	GUEST_CHECK(&g, partition_restore(g.partition, state, size) == STATUS_TSC_RATE);
	GUEST_CHECK(&g, partition_restore(g.partition, state, size - 8) == STATUS_TRUNCATED);
	guest_destroy(&g);
}

/* The VPs of a partition are in step before and after. */
SELFTEST(saved_tscs_in_step)
{
	uint8_t *state = buffers_create();
	struct vp_state_tsc *a, *b;
	struct test_guest g;
	uint64_t size, x;
	struct vp *second;

	GUEST_SETUP(&g);
	guest_destroy(&g);
	CHECK(state && guest_create_vps(&g, 2));
	second = partition_vp(g.partition, 1);
	GUEST_CHECK(&g, partition_freeze(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, save(g.vp, state, &size));
	spin(100000);
	GUEST_CHECK(&g, save(second, SECOND(state), &x) && x == size);
	a = element_of(state, size, VP_STATE_TSC);
	b = element_of(SECOND(state), size, VP_STATE_TSC);
	GUEST_CHECK(&g, a && b && a->tsc == b->tsc && a->reference_time == b->reference_time);
	a->tsc = b->tsc = 1ull << 50;
	GUEST_CHECK(&g, vp_restore(g.vp, state, size) == STATUS_OK);
	spin(100000);
	GUEST_CHECK(&g, vp_restore(second, SECOND(state), size) == STATUS_OK);
	GUEST_CHECK(&g, partition_thaw(g.partition) == STATUS_OK);
	GUEST_CHECK(&g, g.vp->arch.tsc_offset == second->arch.tsc_offset);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_TSC) - (1ull << 50) < timestamp_hz);
	arch_vp_unbind(second);
	buffers_destroy(state);
	guest_destroy(&g);
}

/* ---- by name ---- */

SELFTEST(saved_registers_by_name)
{
	const uint32_t names[] = {HV_X64_REGISTER_TSC,	       HV_REGISTER_PENDING_INTERRUPTION,
				  HV_REGISTER_INTERRUPT_STATE, HV_REGISTER_PENDING_EVENT0,
				  HV_X64_REGISTER_APIC_BASE,   HV_X64_REGISTER_RAX};
	const uint32_t wrong[] = {HV_REGISTER_PENDING_INTERRUPTION, HV_X64_REGISTER_RAX};
	union hv_register_value v[ARRAY_SIZE(names)] = {0};
	struct test_guest g;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, arch_vp_get_registers(g.vp, 0, names, v, 6) == STATUS_OK);
	GUEST_CHECK(&g, v[1].reg64 == 0 && v[2].reg64 == 0 && v[3].reg64 == 0);
	GUEST_CHECK(&g, v[4].reg64 == 0xfee00900);
	v[0].reg64 = 1ull << 44;
	v[2].reg64 = HV_NMI_MASKED;
	v[3].low = 1 | HV_EVENT0_ERROR | 14 << 16 | 7ull << 32;
	v[3].high = 0x1234;
	v[4].reg64 = 0xfee00d00; /* x2APIC mode */
	v[5].reg64 = 0x99;
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, names, v, 6) == STATUS_OK);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_CR2) == 0x1234);
	GUEST_CHECK(&g, arch_vp_get_registers(g.vp, 0, names, v, 6) == STATUS_OK);
	GUEST_CHECK(&g, v[0].reg64 - (1ull << 44) < timestamp_hz);
	GUEST_CHECK(&g, v[1].reg64 == (1 | 3 << 1 | 1 << 4 | 14 << 16 | 7ull << 32));
	GUEST_CHECK(&g, v[2].reg64 == HV_NMI_MASKED);
	GUEST_CHECK(&g, v[3].low == (1 | HV_EVENT0_ERROR | 14 << 16 | 7ull << 32));
	GUEST_CHECK(&g, v[3].high == 0x1234 && v[4].reg64 == 0xfee00d00 && v[5].reg64 == 0x99);
	/* All of them again change nothing; one that is wrong, nothing either. */
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, names, v, 6) == STATUS_OK);
	GUEST_CHECK(&g, guest_register(&g, names[1]) == v[1].reg64);
	v[4].reg64 = 1 | 4 << 1; /* a software interrupt */
	v[5].reg64 = 0x77;
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, wrong, &v[4], 2) ==
				STATUS_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RAX) == 0x99);
	/* None is left when it is taken back. */
	GUEST_CHECK(&g, guest_register_set(&g, HV_REGISTER_PENDING_INTERRUPTION, 0));
	GUEST_CHECK(&g, guest_register(&g, HV_REGISTER_PENDING_EVENT0) == 0);
	/* An interrupt is no exception, which an empty event leaves alone. */
	GUEST_CHECK(&g, guest_register_set(&g, names[1], 1 | 0x80 << 16));
	GUEST_CHECK(&g, guest_register_set(&g, names[3], 0));
	GUEST_CHECK(&g, guest_register(&g, names[1]) == (1 | 0x80 << 16));
	GUEST_CHECK(&g, guest_register(&g, names[3]) == 0);
	/* Where the processor would fault when it loads them. */
	GUEST_CHECK(&g, !guest_register_set(&g, HV_X64_REGISTER_LSTAR, BIT(60)));
	GUEST_CHECK(&g, !guest_register_set(&g, HV_X64_REGISTER_KERNEL_GS_BASE, BIT(60)));
	GUEST_CHECK(&g, !guest_register_set(&g, HV_X64_REGISTER_SFMASK, BIT(40)));
	guest_destroy(&g);
}

/* An exception by name is delivered before the next instruction. */
SELFTEST(saved_event_is_delivered)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	saved_start(&g);
	guest_vector_set(&g, NMI_VECTOR, (uint64_t)guest_saved_timer);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g,
		    guest_register_set(&g, HV_REGISTER_PENDING_INTERRUPTION, 1 | 2 << 1 | 2 << 16));
	GUEST_CHECK(&g, guest_says(&g, 0));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_R8 + 4) == 1);
	guest_destroy(&g);
}

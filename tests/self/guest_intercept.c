/* SPDX-License-Identifier: MIT */
/* What an exit looks like as an intercept message. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <trivet/hv/intercept.h>

GUEST_CODE_DECLARE(intercepts);
GUEST_CODE_DECLARE(shutdown);

#define PLACE  0x400123u
#define OUT_AT (GUEST_CODE + 10) /* the two before it have 5 bytes each */

static struct hv_message message;

/* Runs until then; the message is of that type and size, and its header is right. */
static bool comes(struct test_guest *g, uint32_t reason, uint32_t type, size_t size)
{
	const struct hv_x64_intercept_header *header = (const void *)message.payload;

	return guest_run(g) == reason && arch_vp_intercept(g->vp, &message) == STATUS_OK &&
	       message.type == type && message.payload_size == size && message.flags == 0 &&
	       header->vp_index == 0 && header->rflags == vp_active(g->vp)->arch.rflags &&
	       header->cs.selector == GUEST_CS &&
	       header->execution_state == (HV_EXECUTION_PE | HV_EXECUTION_LMA);
}

static bool ports_tell(struct test_guest *g)
{
	const struct hv_x64_io_port_intercept *m = (const void *)message.payload;

	if (!comes(g, VP_RUN_PORT_IO, HV_MESSAGE_X64_IO_PORT_INTERCEPT, sizeof(*m)))
		return false;
	if (m->port != GUEST_PORT || m->access_info != 4 || m->rax != 0x11223344 ||
	    m->header.access != HV_INTERCEPT_WRITE || m->header.rip != OUT_AT + 1 ||
	    m->header.length_and_cr8)
		return false;
	if (!comes(g, VP_RUN_PORT_IO, HV_MESSAGE_X64_IO_PORT_INTERCEPT, sizeof(*m)))
		return false;
	return m->access_info == 1 && m->header.access == HV_INTERCEPT_READ &&
	       m->header.rip == OUT_AT + 1 && m->header.length_and_cr8 == 1;
}

static bool memory_tells(struct test_guest *g)
{
	const struct hv_x64_memory_intercept *m = (const void *)message.payload;

	if (!comes(g, VP_RUN_EMULATE, HV_MESSAGE_UNMAPPED_GPA, sizeof(*m)))
		return false;
	g->run->regs.rip += 2;
	g->run->set = VP_SET_GPRS;
	return m->gpa == PLACE && m->header.access == HV_INTERCEPT_WRITE &&
	       m->header.rip == OUT_AT + 7 && (!m->access_info || m->gva == PLACE);
}

static bool strings_tell(struct test_guest *g)
{
	const struct hv_x64_io_port_intercept *m = (const void *)message.payload;

	if (!comes(g, VP_RUN_EMULATE, HV_MESSAGE_X64_IO_PORT_INTERCEPT, sizeof(*m)))
		return false;
	g->run->regs.rip += 1;
	g->run->set = VP_SET_GPRS;
	return m->access_info == (HV_PORT_ACCESS_STRING | 1) && m->rsi == GUEST_DATA &&
	       m->ds.selector == GUEST_DS && m->header.access == HV_INTERCEPT_WRITE;
}

/* What the processor leaves of a state that was shut down is its own. */
static bool shutdown_tells(struct test_guest *g)
{
	return guest_run(g) == VP_RUN_TRIPLE_FAULT &&
	       arch_vp_intercept(g->vp, &message) == STATUS_OK &&
	       message.type == HV_MESSAGE_UNRECOVERABLE_EXCEPTION &&
	       message.payload_size == sizeof(struct hv_x64_intercept_header);
}

SELFTEST(intercept_messages)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, arch_vp_intercept(g.vp, &message) == STATUS_NOT_FOUND);
	guest_start(&g, intercepts);
	GUEST_CHECK(&g, ports_tell(&g));
	GUEST_CHECK(&g, memory_tells(&g));
	GUEST_CHECK(&g, strings_tell(&g));
	guest_destroy(&g);
}

SELFTEST(intercept_of_a_shutdown)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, shutdown);
	GUEST_CHECK(&g, shutdown_tells(&g));
	guest_destroy(&g);
}

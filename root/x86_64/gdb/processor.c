/* SPDX-License-Identifier: MIT */
/* What gdb's target has to know of x86. */
#include <gdb/processor.h>
#include <emulator/guest_walk.h>
#include <trivet/state.h>
#include <stdlib.h>
#include <string.h>

#define XSAVE_SIZE 4096u
#define VECTOR_BP  3u

static bool walk_read(void *context, gpa_t gpa, void *data, unsigned size)
{
	return guest_memory_read(&((struct machine *)context)->memory, gpa, data, size) ==
	       STATUS_OK;
}

/* A walk that only looks writes nothing. */
static bool walk_write(void *context, gpa_t gpa, const void *data, unsigned size)
{
	(void)context;
	(void)gpa;
	(void)data;
	(void)size;
	return false;
}

bool gdb_translate(struct machine *machine, const struct gdb_state *state, uint64_t linear,
		   gpa_t *gpa)
{
	static const struct guest_memory_ops ops = {.read_gpa = walk_read, .write_gpa = walk_write};
	const struct guest_paging paging = {
		.cr0 = state->value[GDB_VALUE_CR0].reg64,
		.cr3 = state->value[GDB_VALUE_CR3].reg64,
		.cr4 = state->value[GDB_VALUE_CR4].reg64,
		.efer = state->value[GDB_VALUE_EFER].reg64,
		.rflags = state->value[GDB_VALUE_RFLAGS].reg64,
		.physical_bits = machine->physical_bits,
	};
	struct guest_walk_result result;

	if (guest_walk(&paging, &ops, machine, linear, GUEST_WALK_DEBUG, &result) != GUEST_WALK_OK)
		return false;
	*gpa = result.gpa;
	return true;
}

/* x87, which has no names. */
void gdb_state_read_more(struct processor *processor, struct gdb_state *state)
{
	uint8_t *area = malloc(XSAVE_SIZE);
	size_t size;

	if (!area)
		return;
	state->has_legacy = vp_state_get(processor->vp, 0, VP_STATE_XSAVE_STANDARD, area,
					 XSAVE_SIZE, &size) == STATUS_OK &&
			    size >= GDB_LEGACY_SIZE;
	if (state->has_legacy)
		memcpy(state->legacy, area, GDB_LEGACY_SIZE);
	free(area);
}

/* That can only be read. */
status_t gdb_state_write_more(struct processor *processor, const struct gdb_state *state)
{
	(void)processor;
	(void)state;
	return STATUS_OK;
}

/* Processors see that by themselves. */
void gdb_code_written(struct machine *machine, gpa_t gpa)
{
	(void)machine;
	(void)gpa;
}

void gdb_breakpoint_give(struct processor *processor)
{
	struct vp_run_page *page = processor->page;

	page->regs.rip++; /* INT3 is done */
	page->event.vector = VECTOR_BP;
	page->event.has_error = false;
	page->set = VP_SET_GPRS | VP_SET_EVENT;
}

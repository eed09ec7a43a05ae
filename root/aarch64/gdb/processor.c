/* SPDX-License-Identifier: MIT */
/* What gdb's target has to know of AArch64. */
#include <gdb/processor.h>
#include <lib/model.h>
#include <translation.h>

static bool walk_read(void *context, gpa_t gpa, uint64_t *entry)
{
	return guest_memory_read(&((struct machine *)context)->memory, gpa, entry,
				 sizeof(*entry)) == STATUS_OK;
}

bool gdb_translate(struct machine *machine, const struct gdb_state *state, uint64_t virtual,
		   gpa_t *gpa)
{
	const struct translation_regime regime = {
		.sctlr = state->value[GDB_VALUE_SCTLR].reg64,
		.tcr = state->value[GDB_VALUE_TCR].reg64,
		.ttbr0 = state->value[GDB_VALUE_TTBR0].reg64,
		.ttbr1 = state->value[GDB_VALUE_TTBR1].reg64,
	};
	struct translation found;

	if (!translation_walk(&regime, walk_read, machine, virtual, &found))
		return false;
	*gpa = found.gpa;
	return true;
}

void gdb_state_read_more(struct processor *processor, struct gdb_state *state)
{
	size_t size;

	state->has_simd = vp_state_get(processor->vp, 0, VP_STATE_SIMD, &state->simd,
				       sizeof(state->simd), &size) == STATUS_OK;
}

status_t gdb_state_write_more(struct processor *processor, const struct gdb_state *state)
{
	if (!state->simd_changed)
		return STATUS_OK;
	return vp_state_set(processor->vp, 0, VP_STATE_SIMD, &state->simd, sizeof(state->simd));
}

/* Caches of instructions are not kept right by themselves (Arm ARM B2.4.4); and the guest's data caches may be off. */
void gdb_code_written(struct machine *machine, gpa_t gpa)
{
	const void *at = guest_memory_pointer(&machine->memory, gpa, 1);

	if (at)
		__asm__ volatile("dc cvac, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish"
				 :
				 : "r"(at)
				 : "memory");
}

void gdb_breakpoint_give(struct processor *processor)
{
	struct vp_run_page *page = processor->page;

	page->event.type = VP_EVENT_BREAK;
	page->set = VP_SET_EVENT;
}

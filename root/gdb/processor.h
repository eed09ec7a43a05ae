/* SPDX-License-Identifier: MIT */
/* What gdb's target has to know of the processor: gdb/processor.c, below the architecture's name. */
#ifndef GDB_PROCESSOR_H
#define GDB_PROCESSOR_H

#include <gdb/registers.h>
#include <vmm/machine.h>

/* Where a virtual address is in guest memory; false: nowhere. Changes nothing. */
bool gdb_translate(struct machine *machine, const struct gdb_state *state, uint64_t virtual,
		   gpa_t *gpa);
/* On the VP's thread: what is known by other ways than by names. The exit is then done with: an answer to it comes
 * before. */
void gdb_state_read_more(struct processor *processor, struct gdb_state *state);
/* Of that, what gdb has changed. */
status_t gdb_state_write_more(struct processor *processor,
			      const struct gdb_state *state) __must_check;
/* What was written there is what processors fetch from now on. */
void gdb_code_written(struct machine *machine, gpa_t gpa);
/* The VP stands at a breakpoint instruction of its guest's own: it gets the exception. */
void gdb_breakpoint_give(struct processor *processor);

#endif

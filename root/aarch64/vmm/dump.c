/* SPDX-License-Identifier: MIT */
/*
 * The state of a VP in words, for the person who wants to know why a guest crashed. Runs on the
 * VP's own thread.
 */
#include <stdio.h>
#include <string.h>
#include <gdb/processor.h>
#include <lib/log.h>
#include <lib/model.h>
#include <vmm/machine.h>

#define CODE_INSTRUCTIONS 8u

static unsigned long long value_of(const struct gdb_state *state, unsigned int place)
{
	return state->value[place].reg64;
}

static void registers_print(const struct gdb_state *state)
{
	for (unsigned int i = 0; i < 28; i += 4)
		log_info("  x%-2u %016llx x%-2u %016llx x%-2u %016llx x%-2u %016llx", i,
			 value_of(state, i), i + 1, value_of(state, i + 1), i + 2,
			 value_of(state, i + 2), i + 3, value_of(state, i + 3));
	log_info("  x28 %016llx x29 %016llx x30 %016llx sp  %016llx", value_of(state, 28),
		 value_of(state, 29), value_of(state, 30), value_of(state, GDB_VALUE_SP));
	log_info("  pc  %016llx pstate %08llx sctlr %016llx tcr %016llx",
		 value_of(state, GDB_VALUE_PC), value_of(state, GDB_VALUE_PSTATE),
		 value_of(state, GDB_VALUE_SCTLR), value_of(state, GDB_VALUE_TCR));
	log_info("  ttbr0 %016llx ttbr1 %016llx vbar %016llx", value_of(state, GDB_VALUE_TTBR0),
		 value_of(state, GDB_VALUE_TTBR1), value_of(state, GDB_VALUE_SYSTEM + 5));
	log_info("  esr %08llx far %016llx elr %016llx spsr %08llx",
		 value_of(state, GDB_VALUE_SYSTEM + 6), value_of(state, GDB_VALUE_SYSTEM + 7),
		 value_of(state, GDB_VALUE_SYSTEM + 8), value_of(state, GDB_VALUE_SYSTEM + 9));
}

/* The instructions at PC, as far as they can be reached without changing anything. */
static void code_print(struct machine *machine, const struct gdb_state *state)
{
	char text[9 * CODE_INSTRUCTIONS + 1] = "";
	uint32_t instruction;
	gpa_t gpa;

	for (unsigned int i = 0; i < CODE_INSTRUCTIONS; i++) {
		if (!gdb_translate(machine, state, gdb_state_pc(state) + 4 * i, &gpa) ||
		    guest_memory_read(&machine->memory, gpa, &instruction, sizeof(instruction)) !=
			    STATUS_OK)
			break;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %08x", instruction);
	}
	log_info("  code:%s", text[0] ? text : " not in RAM");
}

void processor_dump(struct processor *processor)
{
	struct machine *machine = processor->machine;
	struct gdb_state state;
	status_t status;

	memset(&state, 0, sizeof(state));
	status = vp_get_registers(processor->vp, 0, gdb_value_names, state.value, GDB_VALUES);
	if (status != STATUS_OK) {
		log_error("%s: VP %u: its registers cannot be read: %s", machine->config->name,
			  processor->index, status_words(status));
		return;
	}
	log_info("%s: VP %u in EL%llu:", machine->config->name, processor->index,
		 value_of(&state, GDB_VALUE_PSTATE) >> 2 & 3);
	registers_print(&state);
	code_print(machine, &state);
}

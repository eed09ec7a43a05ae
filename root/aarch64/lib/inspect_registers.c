/* SPDX-License-Identifier: MIT */
/* The inspect tree's part of a VP that is AArch64's: registers, and its timers. */
#include <lib/inspect_registers.h>
#include <lib/model.h>
#include <trivet/hv/arm64_registers.h>

#define VP(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_kernel, member)

/* First name, and how many from there on. */
static const struct {
	uint32_t first, count;
} register_names[] = {
	{HV_ARM64_REGISTER_X0, 36},
	{HV_ARM64_REGISTER_SCTLR_EL1, 13},
	{HV_ARM64_REGISTER_TPIDRRO_EL0, 2},
	{HV_ARM64_REGISTER_SPSR_EL1, 2},
};

#define REGISTERS_A_CALL 64u

static const void *registers_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;
	uint32_t names[ARRAY_SIZE(in->registers)], count = 0;

	(void)above;
	(void)number;
	for (size_t i = 0; i < ARRAY_SIZE(register_names); i++)
		for (uint32_t n = 0; n < register_names[i].count; n++)
			names[count++] = register_names[i].first + n;
	static_assert(36 + 13 + 2 + 2 <= REGISTERS_A_CALL, "one call");
	return vp_peek_registers(in->partition, in->vp, in->vp_view.kernel.active_vtl, names,
				 in->registers, count) == STATUS_OK
		       ? in
		       : NULL;
}

/* In the order of register_names. */
#define REGISTERS(names, first, count)                                                            \
	{                                                                                         \
		names, NULL, offsetof(struct inspect_kernel, registers) + 16 * (first), 8, count, \
			16, INSPECT_HEX                                                           \
	}
static const struct inspect_row register_rows[] = {
	REGISTERS("x0\0x1\0x2\0x3\0x4\0x5\0x6\0x7\0x8\0x9\0x10\0x11\0x12\0x13\0x14\0x15\0x16\0x17\0"
		  "x18\0x19\0x20\0x21\0x22\0x23\0x24\0x25\0x26\0x27\0x28\0x29\0x30\0sp\0sp_el0\0"
		  "sp_el1\0pc\0pstate",
		  0, 36),
	REGISTERS("sctlr_el1\0actlr_el1\0cpacr_el1\0ttbr0_el1\0ttbr1_el1\0tcr_el1\0esr_el1\0"
		  "far_el1\0par_el1\0mair_el1\0vbar_el1\0contextidr_el1\0tpidr_el1\0"
		  "tpidrro_el0\0tpidr_el0\0spsr_el1\0elr_el1",
		  36, 17),
};
const struct inspect_directory inspect_registers = {.name = "registers",
						    .open = registers_open,
						    .rows = register_rows,
						    .row_count = ARRAY_SIZE(register_rows)};

static const struct inspect_row timer_rows[] = {
	VP("virtual_control", INSPECT_HEX, vp_view.kernel.virtual_control),
	VP("virtual_compare", INSPECT_HEX, vp_view.kernel.virtual_compare),
	VP("physical_control", INSPECT_HEX, vp_view.kernel.physical_control),
	VP("physical_compare", INSPECT_HEX, vp_view.kernel.physical_compare),
};
const struct inspect_directory inspect_controller = {
	.name = "timers", .rows = timer_rows, .row_count = ARRAY_SIZE(timer_rows)};

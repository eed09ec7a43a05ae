/* SPDX-License-Identifier: MIT */
/* The inspect tree's part of a VP that is x86's: registers, and its local APIC. */
#include <lib/inspect_registers.h>
#include <lib/model.h>
#include <lib/time.h>

#define VP(name, kind, member) INSPECT_VALUE(name, kind, struct inspect_kernel, member)
#define VP_MANY(names, kind, member, count, stride) \
	INSPECT_VALUES(names, kind, struct inspect_kernel, member, count, stride)

/* ---- registers ---- */

/* First name, and how many from there on. */
static const struct {
	uint32_t first, count;
} register_names[] = {
	{HV_X64_REGISTER_RAX, 18},  {HV_X64_REGISTER_CR0, 6},	  {HV_X64_REGISTER_DR0, 6},
	{HV_X64_REGISTER_EFER, 11}, {HV_X64_REGISTER_TSC_AUX, 1}, {HV_X64_REGISTER_ES, 8},
	{HV_X64_REGISTER_IDTR, 2},  {HV_X64_REGISTER_XMM0, 16},
};

#define REGISTERS_A_CALL 64u

static const void *registers_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;
	uint32_t names[ARRAY_SIZE(in->registers)], count = 0, done;

	(void)above;
	(void)number;
	for (size_t i = 0; i < ARRAY_SIZE(register_names); i++)
		for (uint32_t n = 0; n < register_names[i].count; n++)
			names[count++] = register_names[i].first + n;
	for (done = 0; done < count; done += REGISTERS_A_CALL)
		if (vp_peek_registers(in->partition, in->vp, in->vp_view.kernel.active_vtl,
				      names + done, in->registers + done,
				      MIN(count - done, REGISTERS_A_CALL)) != STATUS_OK)
			return NULL;
	return in;
}

/* In the order of register_names. */
#define REGISTERS(names, kind, first, count, size_)                                            \
	{                                                                                      \
		names, NULL, offsetof(struct inspect_kernel, registers) + 16 * (first), size_, \
			count, 16, kind                                                        \
	}
static const struct inspect_row register_rows[] = {
	REGISTERS("rax\0rcx\0rdx\0rbx\0rsp\0rbp\0rsi\0rdi\0r8\0r9\0r10\0r11\0r12\0r13\0r14\0r15\0"
		  "rip\0rflags\0cr0\0cr2\0cr3\0cr4\0cr8\0xcr0\0dr0\0dr1\0dr2\0dr3\0dr6\0dr7\0"
		  "efer\0kernel_gs_base\0apic_base\0pat\0sysenter_cs\0sysenter_eip\0sysenter_esp\0"
		  "star\0lstar\0cstar\0sfmask\0tsc_aux",
		  INSPECT_HEX, 0, 42, 8),
	REGISTERS("es\0cs\0ss\0ds\0fs\0gs\0ldtr\0tr", INSPECT_SEGMENT, 42, 8, 16),
	REGISTERS("idtr\0gdtr", INSPECT_TABLE, 50, 2, 16),
	REGISTERS("xmm0\0xmm1\0xmm2\0xmm3\0xmm4\0xmm5\0xmm6\0xmm7\0"
		  "xmm8\0xmm9\0xmm10\0xmm11\0xmm12\0xmm13\0xmm14\0xmm15",
		  INSPECT_HEX, 52, 16, 16),
};
const struct inspect_directory inspect_registers = {.name = "registers",
						    .open = registers_open,
						    .rows = register_rows,
						    .row_count = ARRAY_SIZE(register_rows)};

/* ---- the local APIC ---- */

#define APIC_ISR 0x100u

static const void *apic_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;

	(void)number;
	for (size_t i = 0; i < 24; i++)
		in->vp_view.apic_vectors[i / 8][i % 8] = in->vp_view.kernel.apic[APIC_ISR / 16 + i];
	in->vp_view.apic_timer = time_from_timestamp(in->vp_view.kernel.apic_timer);
	return above;
}

#define APIC(names, offset, count) \
	VP_MANY(names, INSPECT_HEX, vp_view.kernel.apic[(offset) / 16], count, 4)
static const struct inspect_row apic_rows[] = {
	APIC("id\0version", 0x20, 2),
	APIC("tpr", 0x80, 1),
	APIC("ppr", 0xa0, 1),
	APIC("ldr\0dfr\0svr", 0xd0, 3),
	VP_MANY("isr\0tmr\0irr", INSPECT_BITS, vp_view.apic_vectors[0], 3, 32),
	VP("posted", INSPECT_BITS, vp_view.kernel.apic_posted),
	APIC("esr", 0x280, 1),
	APIC("icr\0icr_high\0lvt_timer\0lvt_thermal\0lvt_performance\0lvt_lint0\0lvt_lint1\0"
	     "lvt_error\0initial_count",
	     0x300, 9),
	APIC("divide", 0x3e0, 1),
	VP("timer", INSPECT_TIME, vp_view.apic_timer),
};
const struct inspect_directory inspect_controller = {
	.name = "apic", .open = apic_open, .rows = apic_rows, .row_count = ARRAY_SIZE(apic_rows)};

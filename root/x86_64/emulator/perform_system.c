/* SPDX-License-Identifier: MIT */
/*
 * Port I/O with its permission check, control registers, and the interrupt flag.
 */
#include <emulator/execute.h>

#define TSS_TYPE_32BIT	      8 /* bit 3: 32-bit or 64-bit TSS */
#define TSS_IO_MAP_OFFSET     0x66
#define TSS_IO_MAP_OFFSET_END (TSS_IO_MAP_OFFSET + 1)

#define CR0_MSW_WRITABLE (GUEST_CR0_PE | GUEST_CR0_MP | GUEST_CR0_EM | GUEST_CR0_TS)

static unsigned flags_iopl(const struct emulation *e)
{
	return e->cpu->rflags >> GUEST_FLAG_IOPL_SHIFT & 3;
}

/* Reads 2 bytes of the TSS as the processor itself does. */
static enum emulator_outcome tss_read(struct emulation *e, uint32_t offset, uint16_t *value)
{
	uint64_t wrap = e->cpu->efer & GUEST_EFER_LMA ? ~0ull : 0xffffffff;
	struct memory_access access;
	enum emulator_outcome outcome;

	*value = 0;
	outcome = memory_translate_linear(e, (e->cpu->tr.base + offset) & wrap, 2,
					  GUEST_WALK_IMPLICIT, &access);
	return outcome == EMULATOR_DONE ? memory_read(e, &access, value) : outcome;
}

/* SDM vol. 1, 19.5.2: two bytes of the map are looked at, for ports that straddle them. */
enum emulator_outcome io_check_permission(struct emulation *e, uint16_t port, unsigned size)
{
	const struct hv_x64_segment_register *tr = &e->cpu->tr;
	bool vm86 = e->cpu->cr0 & GUEST_CR0_PE && !e->is_protected;
	enum emulator_outcome outcome;
	uint16_t map, bits;
	uint32_t offset;

	if (!vm86 && e->cpl <= flags_iopl(e))
		return EMULATOR_DONE;
	if (!(tr->attributes & HV_SEGMENT_P) || !(tr->attributes & TSS_TYPE_32BIT) ||
	    tr->limit < TSS_IO_MAP_OFFSET_END)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	outcome = tss_read(e, TSS_IO_MAP_OFFSET, &map);
	if (outcome != EMULATOR_DONE)
		return outcome;
	offset = map + port / 8u;
	if (offset + 1 > tr->limit)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	outcome = tss_read(e, offset, &bits);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (bits >> port % 8 & MASK(size))
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	return EMULATOR_DONE;
}

/* IN and OUT, with the port in DX or in an immediate byte. */
enum emulator_outcome perform_io(struct emulation *e)
{
	const struct operand *from = &e->insn.operand[1];
	unsigned size = e->insn.operand_size;
	bool in = e->insn.operation == OPERATION_IN;
	enum emulator_outcome outcome;
	uint32_t value = 0;
	uint16_t port;

	if (from->kind == OPERAND_IMMEDIATE)
		port = e->insn.immediate & 0xff;
	else
		port = (uint16_t)e->gpr[EMULATOR_RDX];
	outcome = io_check_permission(e, port, size);
	if (outcome != EMULATOR_DONE)
		return outcome;
	if (in ? !e->ops->io_in : !e->ops->io_out)
		return emulation_unhandled(e, "port I/O is not served");
	if (!in) {
		value = (uint32_t)register_read(e, EMULATOR_RAX, size);
		return emulation_answer(e, e->ops->io_out(e->context, port, size, value),
					"a port write");
	}
	outcome = emulation_answer(e, e->ops->io_in(e->context, port, size, &value), "a port read");
	if (outcome == EMULATOR_DONE)
		register_write(e, EMULATOR_RAX, size, value);
	return outcome;
}

static enum emulator_outcome cr_write(struct emulation *e, unsigned number, uint64_t value)
{
	if (!e->ops->cr_write)
		return emulation_unhandled(e, "control registers are not served");
	return emulation_answer(e, e->ops->cr_write(e->context, number, value),
				"a control register write");
}

/* MOV CR has the native width whatever the prefixes. */
static unsigned cr_size(const struct emulation *e)
{
	return e->code_size == 8 ? 8 : 4;
}

enum emulator_outcome perform_mov_from_cr(struct emulation *e)
{
	uint64_t value;

	if (e->cpl != 0)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	switch (e->insn.reg) {
	case 0: value = e->cpu->cr0; break;
	case 2: value = e->cpu->cr2; break;
	case 3: value = e->cpu->cr3; break;
	case 4: value = e->cpu->cr4; break;
	default: value = e->cpu->cr8; break; /* the decoder lets no other pass */
	}
	register_write(e, e->insn.rm, cr_size(e), value);
	return EMULATOR_DONE;
}

enum emulator_outcome perform_mov_to_cr(struct emulation *e)
{
	if (e->cpl != 0)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	return cr_write(e, e->insn.reg, register_read(e, e->insn.rm, cr_size(e)));
}

enum emulator_outcome perform_clts(struct emulation *e)
{
	if (e->cpl != 0)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	return cr_write(e, 0, e->cpu->cr0 & ~GUEST_CR0_TS);
}

/* LMSW can set PE but not clear it (SDM vol. 2, LMSW). */
enum emulator_outcome perform_lmsw(struct emulation *e)
{
	struct operand from = e->insn.operand[0];
	enum emulator_outcome outcome;
	uint64_t value;

	if (e->cpl != 0)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	from.size = 2;
	outcome = operand_read(e, &from, &value);
	if (outcome != EMULATOR_DONE)
		return outcome;
	value = (value & CR0_MSW_WRITABLE) | (e->cpu->cr0 & GUEST_CR0_PE);
	return cr_write(e, 0, (e->cpu->cr0 & ~CR0_MSW_WRITABLE) | value);
}

/* SMSW stores 2 bytes to memory whatever the operand size. */
enum emulator_outcome perform_smsw(struct emulation *e)
{
	struct operand to = e->insn.operand[0];

	if (e->cpl != 0 && e->cpu->cr4 & GUEST_CR4_UMIP)
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	if (to.kind == OPERAND_MEMORY)
		to.size = 2;
	return operand_write(e, &to, e->cpu->cr0);
}

/* Without the virtual interrupt flag (VME, PVI), which needs more than is at hand here. */
enum emulator_outcome perform_cli_sti(struct emulation *e)
{
	bool vm86 = e->cpu->cr0 & GUEST_CR0_PE && !e->is_protected;
	uint64_t feature = vm86 ? GUEST_CR4_VME : GUEST_CR4_PVI;

	if (e->cpl > flags_iopl(e)) {
		if (e->cpl == 3 && e->cpu->cr4 & feature)
			return emulation_unhandled(e, "the virtual interrupt flag");
		return emulation_fault(e, GUEST_VECTOR_GP, 0);
	}
	if (e->insn.operation == OPERATION_CLI) {
		e->rflags &= ~GUEST_FLAG_IF;
		return EMULATOR_DONE;
	}
	e->result->interrupt_shadow = !(e->rflags & GUEST_FLAG_IF);
	e->rflags |= GUEST_FLAG_IF;
	return EMULATOR_DONE;
}

/* Prefetches and hints: no access, so no fault. */
enum emulator_outcome perform_nop(struct emulation *e)
{
	(void)e;
	return EMULATOR_DONE;
}

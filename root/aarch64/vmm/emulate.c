/* SPDX-License-Identifier: MIT */
/*
 * An access that the processor could not describe: the emulator decodes its instruction, and its parts are done one
 * by one on the machine's devices. What can't be done ends as it would on a bus: with an external abort.
 */
#include <string.h>
#include <emulator/access.h>
#include <lib/model.h>
#include <vmm/access.h>
#include <vmm/machine.h>

#define PSTATE_AARCH32 BIT(4) /* Arm ARM C5.2.19, SPSR_EL2.M[4] */
#define PSTATE_EL_SP   0xfu   /* M[3:0]: exception level, and which SP */
#define PSTATE_EL1H    5u

static uint64_t *stack_pointer(struct vp_run_regs *regs)
{
	return (regs->pstate & PSTATE_EL_SP) == PSTATE_EL1H ? &regs->sp_el1 : &regs->sp_el0;
}

static void registers_load(struct vp_run_regs *regs, struct access_registers *registers)
{
	memcpy(registers->x, regs->x, sizeof(regs->x));
	registers->x[ACCESS_SP] = *stack_pointer(regs);
	registers->pc = regs->pc;
}

static void registers_store(struct processor *processor, const struct access_registers *registers)
{
	struct vp_run_regs *regs = &processor->page->regs;

	memcpy(regs->x, registers->x, sizeof(regs->x));
	*stack_pointer(regs) = registers->x[ACCESS_SP];
	regs->pc = registers->pc;
	processor->page->set |= VP_SET_GPRS;
}

/* Where its first part is: the processor tells where the part is that it could not do, and translations are by
 * pages. NULL, or why it can't be told. */
static const char *place_find(const struct vp_run_page *page, const struct access *access,
			      gpa_t *gpa)
{
	uint64_t length = (uint64_t)access->size * access->count;
	uint64_t first = access->address, last = first + length - 1;

	if ((first ^ last) / PAGE_SIZE)
		return "the access crosses a page";
	if (page->emulate.gva != GVA_NONE &&
	    (page->emulate.gva < first || page->emulate.gva > last))
		return "the instruction has changed meanwhile";
	*gpa = ALIGN_DOWN(page->emulate.gpa, PAGE_SIZE) + first % PAGE_SIZE;
	return NULL;
}

/* One part, of a device's or of the GIC's, which is the kernel's. False: nothing is there. */
static bool part_do(struct processor *processor, const struct access *access, gpa_t gpa,
		    uint64_t *value)
{
	if (access->write)
		return processor_mmio_write(processor, gpa, access->size, *value) ||
		       vp_gic_write(processor->vp, 0, gpa, access->size, *value) == STATUS_OK;
	return processor_mmio_read(processor, gpa, access->size, value) ||
	       vp_gic_read(processor->vp, 0, gpa, access->size, value) == STATUS_OK;
}

/* All parts, in their order. */
static bool parts_do(struct processor *processor, const struct access *access, gpa_t gpa,
		     const struct access_registers *registers, uint64_t values[ACCESS_PARTS])
{
	for (unsigned int i = 0; i < access->count; i++, gpa += access->size) {
		if (access->write)
			values[i] = access_store_value(access, i, registers);
		if (!part_do(processor, access, gpa, &values[i]))
			return false;
	}
	return true;
}

/* NULL: it is done. Otherwise why not. */
static const char *instruction_do(struct processor *processor)
{
	struct vp_run_page *page = processor->page;
	struct access_registers registers;
	struct access access;
	uint64_t values[ACCESS_PARTS] = {0};
	const char *problem;
	gpa_t gpa;

	if (page->regs.pstate & PSTATE_AARCH32)
		return "instructions of AArch32 are not emulated";
	if (!page->emulate.instruction)
		return "its instruction can't be read";
	registers_load(&page->regs, &registers);
	switch (access_decode(page->emulate.instruction, &registers, &access)) {
	case ACCESS_OK: break;
	case ACCESS_REFUSED: return "devices take no such access";
	default: return "its instruction is no load or store";
	}
	problem = place_find(page, &access, &gpa);
	if (problem)
		return problem;
	if (!parts_do(processor, &access, gpa, &registers, values))
		return "nothing is there";
	access_finish(&access, values, &registers);
	registers_store(processor, &registers);
	return NULL;
}

bool processor_emulate(struct processor *processor)
{
	struct vp_run_page *page = processor->page;
	uint32_t flags = page->emulate.flags;
	const char *problem;

	if (flags & EMULATE_FETCH)
		problem = "code is fetched where no memory is";
	else if (flags & EMULATE_WALK)
		problem = "page tables are where no memory is";
	else
		problem = instruction_do(processor);
	if (problem)
		processor_abort(processor, page->emulate.gpa, flags & EMULATE_WRITE, problem);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* Lazy switching of the FP and SIMD registers; the kernel itself never has anything in them. */
#include <arch/fpu.h>
#include <kernel/cpu.h>

void fpu_registers_save(struct fpu_state *state);
void fpu_registers_load(const struct fpu_state *state);
static_assert(offsetof(struct fpu_state, fpsr) == 512, "fpu_registers.S");

/* True for the guest or the task that is entered next, as each exception's return synchronizes; for the kernel, behind
 * an ISB. */
static inline void cptr_set(uint64_t value)
{
	struct arch_cpu *cpu = &this_cpu()->arch;

	if (cpu->cptr == value)
		return;
	cpu->cptr = value;
	sysreg_write(cptr_el2, value);
}

static __attribute__((noinline)) void registers_change(struct cpu *cpu, struct fpu_state *next)
{
	isb();
	if (cpu->fpu_owner)
		fpu_registers_save(cpu->fpu_owner);
	if (next)
		fpu_registers_load(next);
	cpu->fpu_owner = next;
}

void fpu_take(struct fpu_state *next)
{
	struct cpu *cpu = this_cpu();

	cptr_set(CPTR_BASE);
	if (unlikely(cpu->fpu_owner != next))
		registers_change(cpu, next);
}

void fpu_release(struct fpu_state *state)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_owner != state)
		return;
	cptr_set(CPTR_BASE);
	registers_change(cpu, NULL);
	fpu_guard(NULL);
}

void fpu_guard(const struct fpu_state *state)
{
	cptr_set(state && this_cpu()->fpu_owner == state ? CPTR_BASE : CPTR_BASE | CPTR_TFP);
}

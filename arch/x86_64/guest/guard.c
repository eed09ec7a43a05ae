/* SPDX-License-Identifier: MIT */
/*
 * The backend on a machine that closes leaks by speculation: what is due when a VP is loaded and on
 * the way to ring 3. (What is due at each entry and exit is in <arch/world_guard.inc>.)
 *
 * Predictions that a guest has trained are dropped when they would serve somebody else who is not the
 * kernel: another VP, also of the same partition, or the root task. (To a guest its VPs are CPUs, between
 * which predictions do not move; so its kernel drops none when it puts a program on another VP.) A
 * CPU remembers whose it may hold. A VP is known by a number that is never used again, not by its
 * address.
 */
#include <arch/msr.h>
#include <arch/speculation.h>
#include <arch/trap.h>
#include <kernel/backend.h>
#include <kernel/cpu.h>

extern const uint16_t speculation_selector;

const struct backend_ops *const arch_backends[] = {&svm_backend, &vmx_backend};
const uint32_t arch_backend_count = ARRAY_SIZE(arch_backends);

static const struct backend_ops *inner;
static struct backend_ops guarded;

static void predictions_drop(struct arch_cpu *cpu)
{
	if ((speculation.actions & SPECULATION_IBPB) && cpu->predictor)
		msr_write(MSR_PRED_CMD, PRED_CMD_IBPB);
	cpu->predictor = 0;
}

/* The flush is the last step: what the cache then holds is what the kernel touches for this VP. */
static void guarded_load(struct vp *vp)
{
	struct arch_cpu *cpu = &this_cpu()->arch;

	if (cpu->predictor != vp->arch.number)
		predictions_drop(cpu);
	cpu->predictor = vp->arch.number;
	inner->load(vp);
	if (speculation.actions & SPECULATION_L1D)
		msr_write(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
}

static __noreturn void guarded_leave(struct thread *thread)
{
	predictions_drop(&this_cpu()->arch);
	if (speculation.actions & SPECULATION_VERW)
		__asm__ volatile("verw %0" : : "m"(speculation_selector) : "cc", "memory");
	thread_leave(thread);
}

const struct backend_ops *arch_backend_guard(const struct backend_ops *ops)
{
	if (!speculation.actions)
		return ops;
	inner = ops;
	guarded = *ops;
	guarded.load = guarded_load;
	thread_door = guarded_leave;
	return &guarded;
}

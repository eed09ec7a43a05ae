/* SPDX-License-Identifier: MIT */
/*
 * The inline part of <kernel/arch.h> for AArch64: which CPU this is, time, and the structures that the
 * kernel embeds in its own for each CPU and each thread.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/layout.h>
#include <arch/sysreg.h>
#include <trivet/types.h>

struct cpu;
struct fpu_state;

/* What this machine keeps for a CPU; the first part of struct cpu. */
struct arch_cpu {
	uint64_t mpidr;	     /* affinity fields alone */
	uint64_t sgi_target; /* the same as ICC_SGI1R_EL1 wants it */
	volatile void *redistributor;
	_Atomic uint32_t online; /* a started CPU sets it when it is ready */
	uint32_t spurious;	 /* interrupts that nobody owned */
	/* EL0 is the tasks': the registers that arch/el0.h names are as tasks need them. A backend that
	 * has loaded a guest's says so by false; the way to the next task loads them anew. */
	bool el0_is_tasks;
	uint64_t cptr; /* CPTR_EL2 as loaded */
} __aligned(ARCH_CPU_SIZE);
static_assert(sizeof(struct arch_cpu) == ARCH_CPU_SIZE, "assembly knows the size");

/* EL0's registers while the thread is not there. The system call's arguments are the first six. */
struct user_registers {
	uint64_t x[31];
	uint64_t sp, pc, pstate;
};

struct arch_thread {
	struct user_registers registers;
	uint64_t tls;	       /* TPIDR_EL0; fixed by arch_thread_init */
	struct fpu_state *fpu; /* NULL until the thread first uses FP or SIMD */
};

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	/* Not volatile: a CPU's is the same all the time, and no code goes from one CPU to another. */
	__asm__("mrs %0, tpidr_el2" : "=r"(cpu));
	return cpu;
}

/* Each look at a table asks for it. */
static inline void *hpa_to_kva(hpa_t hpa)
{
	return (void *)(DIRECT_MAP_BASE + hpa);
}

static inline void cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

/* The physical counter: not the virtual one, whose offset may be a guest's. Not ordered against the
 * instructions around it. */
static inline uint64_t timestamp_read(void)
{
	return sysreg_read(cntpct_el0);
}

/*
 * An entry of a table that hardware may be walking turns from a leaf to a table or back, or shows other memory.
 * Break before make (Arm ARM D8.16.1): between the two it is invalid, and nobody's translation caches have
 * what it was. Who faults meanwhile looks again, with the table's lock.
 */
static inline void arch_table_entry_replace(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
	__asm__ volatile("dsb ishst\n\t"
			 "tlbi alle1is\n\t"
			 "dsb ish"
			 :
			 :
			 : "memory");
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

#endif

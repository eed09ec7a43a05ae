/* SPDX-License-Identifier: MIT */
/*
 * The inline part of <kernel/arch.h> for x86-64: which CPU this is, time, and the structures that
 * the kernel embeds in its own for each CPU and each thread.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/layout.h>
#include <trivet/types.h>

struct cpu;
struct fpu_state;

/* Task-state segment, SDM 3A 8.7. No I/O bitmap: ring 3 has no ports. */
struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map;
} __packed;
static_assert(sizeof(struct task_state) == 104, "SDM 3A 8.7");

/* What this machine keeps for a CPU; the first part of struct cpu. */
struct arch_cpu {
	struct arch_cpu *self;
	uint64_t stack_top; /* of the CPU's stack, as SYSCALL's entry loads it */
	uint64_t user_rsp;  /* scratch of SYSCALL's entry */
	uint32_t apic_id;
	_Atomic uint32_t online; /* a started CPU sets it when it is ready */
	uint64_t cr3;		 /* as loaded */
	uint64_t fs_base;	 /* as loaded; UINT64_MAX: not known */
	uint64_t xcr0;		 /* as loaded */
	uint64_t gdt[8];
	struct task_state tss;
	uint64_t start_timestamp; /* this CPU's, when it came online */
	uint32_t spurious;	  /* interrupts that nobody owned */
	uint32_t acknowledged;	  /* vector that an exit took, not yet handled; 0: none */
	uint32_t nmis;
	uint64_t predictor; /* number of the VP that may have trained it; 0: none */
} __aligned(ARCH_CPU_SIZE);
static_assert(sizeof(struct arch_cpu) == ARCH_CPU_SIZE, "assembly knows the size");

/* Ring 3's registers while the thread is not in ring 3. The system call's arguments stand first
 * and in their order; the last five are an interrupt frame that IRETQ takes as it stands. */
struct user_registers {
	uint64_t rdi, rsi, rdx, r10, r8, r9;
	uint64_t rax, rbx, rbp, r12, r13, r14, r15;
	uint64_t rcx, r11;
	uint64_t rip, cs, rflags, rsp, ss;
};

struct arch_thread {
	struct user_registers registers;
	uint64_t fs_base;      /* thread-local storage; fixed by arch_thread_init */
	uint64_t fast_exit;    /* it came by SYSCALL: RCX and R11 may be lost */
	struct fpu_state *fpu; /* NULL until the thread first uses the FPU */
};

/* Works on each of the CPU's stacks: they lie in the aligned area that struct cpu begins. */
static inline struct cpu *this_cpu(void)
{
	uint64_t rsp;

	__asm__("mov %%rsp, %0" : "=r"(rsp));
	return (struct cpu *)(rsp & ~(uint64_t)(CPU_AREA_SIZE - 1));
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* The time-stamp counter. Not ordered against the instructions around it. */
static inline uint64_t timestamp_read(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* An entry of a page table turns from a leaf to a table or back, or shows other memory: to the processor
 * that is a store like others. */
static inline void arch_table_entry_replace(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

#endif

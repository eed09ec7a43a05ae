/* SPDX-License-Identifier: MIT */
/*
 * What kernel/ asks of a machine. Each architecture's folder defines these functions; nothing
 * above this header names an architecture. <arch/cpu.h> gives the inline part: this_cpu(),
 * cpu_relax(), timestamp_read(), arch_table_entry_replace(), struct arch_cpu, struct arch_thread,
 * ARCH_ELF_MACHINE, USER_LIMIT.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include <arch/cpu.h>
#include <trivet/status.h>
#include <trivet/types.h>

struct cpu;
struct thread;
struct address_space;
struct boot_source;

/* ---- memory ---- */

/* All RAM stands in the kernel's direct map. hpa must be RAM or the caller's to know. */
void *hpa_to_kva(hpa_t hpa);
hpa_t kva_to_hpa(const void *kva); /* of the direct map or of the kernel image */

/* Copies between the kernel and the current task's memory. A range outside the user half, or a
 * page that is not there or not writable, gives INVALID_ADDRESS; part may have been copied. */
status_t user_copy_in(void *destination, uint64_t user, size_t size) __must_check;
status_t user_copy_out(uint64_t user, const void *source, size_t size) __must_check;

/* The page-table format of this machine's own address spaces. */
extern const struct page_table_format host_page_table_format;
/* Fills the kernel half of a new task's root table. */
void arch_space_init(struct address_space *space);
/* Drops this CPU's cached translations of one page, or (size 0) of all user memory. */
void arch_tlb_flush(uint64_t va, uint64_t size);

/* ---- CPUs, interrupts, time ---- */

/* Starts all other CPUs; each ends in cpu_secondary_main(). Gives how many are running. */
uint32_t arch_cpus_start(void);
/* Makes a CPU leave the guest, ring 3 or idle, and look at its pending word. Any CPU may call. */
void arch_cpu_kick(struct cpu *cpu);
/* The same for a CPU in a guest that has something posted: if the processor sees to that by itself, it
 * does not leave the guest. */
void arch_cpu_notify(struct cpu *cpu);
/* Takes interrupts that wait at this CPU, then closes the door again. */
void arch_interrupt_window(void);
/* An exit has already taken this one from the interrupt controller: it is the first at the next
 * arch_interrupt_window(). */
void arch_interrupt_acknowledged(uint32_t vector);
/* Waits with interrupts open until one has been taken. */
void arch_idle(void);
/* One-shot timer of this CPU, in timestamp ticks; UINT64_MAX: none. In the past: fires at once. */
void arch_timer_set(uint64_t deadline);
/* Ticks a second of timestamp_read(), the same on all CPUs. */
extern uint64_t timestamp_hz;
/* Seconds since 1970 by the machine's clock, 0: it has none. */
uint64_t arch_wall_clock(void);

/* ---- threads ---- */

void arch_thread_init(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument,
		      uint64_t tls);
void arch_thread_set_result(struct thread *thread, status_t status, uint64_t value);
/* Loads the address space, TLS base and lazy FPU state of `next`; prev may be NULL. */
void arch_thread_switch(struct thread *prev, struct thread *next);
/* Leaves the kernel for ring 3; the CPU's stack is empty afterwards. */
__noreturn void arch_thread_resume(struct thread *thread);
/* Empties this CPU's stack and calls the function, which never returns. */
__noreturn void arch_stack_restart(void (*function)(void));
/* Gives back what the thread holds of this machine (FPU state). */
void arch_thread_destroy(struct thread *thread);
/* Logs the thread's registers, for a root task that faulted. */
void arch_thread_dump(const struct thread *thread);

/* ---- console, end ---- */

/* Bytes to the host's serial line, polled. Callable from anywhere, also in a panic. */
void arch_console_write(const char *bytes, size_t size);
/* A COM port, from 1 up, becomes the second line. NOT_FOUND: there is none. BUSY: it is the console. One
 * CPU at a time: line_open(). */
status_t arch_line_open(uint32_t com);
void arch_line_write(const char *bytes, size_t size);
/* Switches the machine off or restarts it; `code` for an emulator's exit device. */
__noreturn void arch_system_end(bool restart, uint8_t code);
/* Stops all other CPUs, for good, and waits until they are (not for ever). One that does this after
 * another does not return. */
void arch_cpus_stop(void);
/* Logs this CPU's registers and a symbolised backtrace. */
void arch_backtrace(void);

/* ---- upcalls: implemented by kernel/, called by the trap code of the architecture ---- */

/* From ring 3, registers saved in this_cpu()->current's frame. Each ends in sched_exit(). */
__noreturn void trap_syscall(uint64_t number, const uint64_t arguments[6]);
__noreturn void trap_user_interrupt(void); /* the interrupt's own handler has run */
__noreturn void trap_user_fault(const char *what, uint64_t address);
/* In interrupt handlers; short, no scheduling. */
void timer_interrupt(void);
/* line_input() of <kernel/console.h> */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A hostile root task: it runs in the place of root.elf and does to the kernel what no good root
 * task would do. The kernel's command line says what: `hostile=calls` (the default) calls all
 * system calls with arguments that are wrong in every way, by a list and at random, on all CPUs,
 * and looks that each is answered and that no page is lost; `hostile=wrong` does what is on the list, and
 * asks for input; `hostile=KIND` faults (fault.c of the architecture).
 * It ends the machine with 0 or, with a line that says why, with 14.
 */
#ifndef HOSTILE_HOSTILE_H
#define HOSTILE_HOSTILE_H

#include "calls.h"
#include <trivet/state.h>

#define END_OK	   0u
#define END_FAILED 14u

/* A mistake of the kernel's: says so, and ends the machine. */
#define EXPECT(condition)                                       \
	do {                                                    \
		if (!(condition))                               \
			failed(__FILE__, __LINE__, #condition); \
	} while (0)

/* ---- main.c ---- */

extern const struct boot_info *boot_info;

void say(const char *format, ...) __printf(1, 2);
__noreturn void failed(const char *file, int line, const char *condition);
__noreturn void end(uint32_t code);
/* The number after WORD= on the kernel's command line. */
uint64_t option_number(const char *word, uint64_t standard);
/* Beside these, call_value() of calls.h, which EXPECTs that the status is one, and time_ns(). */
void sleep_ms(uint64_t ms);
/* A thread on a stack of its own (there are few of them). */
void thread_run(uint32_t cpu, uint32_t priority, void (*function)(uint64_t argument),
		uint64_t argument);

/* ---- x86_64/fault.c, aarch64/fault.c ---- */

/* A thread that ends at once, with no stack, by SYS_thread_exit. */
void hostile_exit(void);
/* The processor's counter, in which boot_info->tsc_base is. */
uint64_t timestamp(void);
/* Faults; returns when there is no such kind. */
void fault(const char *kind);

/* ---- x86_64/fpu.c, aarch64/fpu.c ---- */

/* Ends the machine when all threads have seen that nobody changes their registers. */
__noreturn void fpu_is_kept(void);

/* ---- x86_64/wrong.c and what belongs to it, aarch64/wrong.c ---- */

/* Calls that are wrong in one way each, with the status that they must answer. */
void wrong_calls(void);
/* The same of what reads input; asks for it. */
void wrong_lines(void);

/* ---- inspect.c ---- */

/* Inspection tells of what there is. */
void inspection_is_right(void);

/* ---- random.c ---- */

/* Memory of the window to play with: whole blocks of 2 MiB. */
#define ARENA_SIZE MIB(32)
extern uint8_t *arena;

void random_calls(uint64_t seed, uint64_t seconds);

#endif

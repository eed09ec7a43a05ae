/* SPDX-License-Identifier: MIT */
/* What the hostile root task does on x86-64 alone. */
#ifndef HOSTILE_X86_H
#define HOSTILE_X86_H

/* ---- fpu.c ---- */

/* Ends the machine when all threads have seen that nobody changes their registers. */
__noreturn void fpu_is_kept(void);

/* ---- wrong.c, wrong_lines.c ---- */

/* Calls that are wrong in one way each, with the status that they must answer. */
void wrong_calls(void);
/* The same of what reads input; asks for it. */
void wrong_lines(void);

/* ---- inspect.c ---- */

/* Inspection tells of what there is. */
void inspection_is_right(void);

#endif

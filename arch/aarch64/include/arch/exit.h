/* SPDX-License-Identifier: MIT */
/* What the world switch tells of an exit: the processor's own words (Arm ARM, ESR_EL2). */
#ifndef ARCH_EXIT_H
#define ARCH_EXIT_H

#include <trivet/types.h>

struct vp_exit {
	uint32_t kind;	   /* enum vp_exit_kind */
	uint64_t syndrome; /* ESR_EL2 */
	/* Of aborts. */
	gpa_t gpa;    /* to the byte, if far is valid; else its page */
	uint64_t far; /* FAR_EL2 */
};

#endif

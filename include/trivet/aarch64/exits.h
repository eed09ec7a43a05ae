/* SPDX-License-Identifier: MIT */
/* Why an AArch64 guest was left. */
#ifndef TRIVET_AARCH64_EXITS_H
#define TRIVET_AARCH64_EXITS_H

/* X(name, word) */
#define VP_EXIT_TABLE(X)                                                                    \
	X(NONE, "none")		  /* the world switch has dealt with it */                  \
	X(INTERRUPT, "interrupt") /* a host interrupt waits */                              \
	X(HYPERCALL, "hypercall") /* HVC */                                                 \
	X(SMC, "smc")                                                                       \
	X(SYSTEM_REGISTER, "system_register")                                               \
	X(MEMORY, "memory")		  /* a data abort of stage 2 */                     \
	X(FETCH, "fetch")		  /* an instruction abort of stage 2 */             \
	X(WAIT, "wait")			  /* WFI, WFE */                                    \
	X(SIMD, "simd")			  /* the registers are another's */                 \
	X(UNDEFINED, "undefined")	  /* an instruction that the guest does not have */ \
	X(DEBUG, "debug")		  /* of a debugger's: breakpoint, step, BRK */      \
	X(MACHINE_CHECK, "machine_check") /* SError, while the guest ran */                 \
	X(FAILED, "failed")		  /* exit.syndrome is of no known kind */

#endif

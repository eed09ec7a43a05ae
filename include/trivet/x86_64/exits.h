/* SPDX-License-Identifier: MIT */
/* Why an x86 guest was left. */
#ifndef TRIVET_X86_64_EXITS_H
#define TRIVET_X86_64_EXITS_H

/* X(name, word) */
#define VP_EXIT_TABLE(X)                                                                \
	X(NONE, "none")		  /* the backend has dealt with it */                   \
	X(INTERRUPT, "interrupt") /* a host interrupt or NMI waits */                   \
	X(CPUID, "cpuid")                                                               \
	X(MSR_READ, "msr_read")                                                         \
	X(MSR_WRITE, "msr_write")                                                       \
	X(PORT, "port")                                                                 \
	X(MEMORY, "memory")                                                             \
	X(HALT, "halt")                                                                 \
	X(HYPERCALL, "hypercall")                                                       \
	X(CR, "control_register")                                                       \
	X(DR, "debug_register")                                                         \
	X(XSETBV, "xsetbv")                                                             \
	X(CACHE, "cache") /* INVD, WBINVD */                                            \
	X(INTERRUPT_WINDOW, "interrupt_window")                                         \
	X(NMI_WINDOW, "nmi_window")                                                     \
	X(EXCEPTION, "exception") /* an intercepted exception: exit.event */            \
	X(UNDEFINED, "undefined") /* an instruction that the guest does not have */     \
	X(PROTECTED, "protected") /* an instruction that answers #GP here */            \
	X(SHUTDOWN, "shutdown")	  /* triple fault */                                    \
	X(FAILED, "failed")	  /* the processor refused the state: exit.code */      \
	X(PAUSE, "pause")	  /* after many in a row */                             \
	X(TPR, "tpr")                                                                   \
	X(EOI, "eoi")			  /* done by the processor: exit.vector */      \
	X(APIC_ACCESS, "apic_access")	  /* that it can't do by itself: exit.memory */ \
	X(MACHINE_CHECK, "machine_check") /* of the host, while the guest ran */        \
	X(APIC_WRITE, "apic_write")	  /* to the APIC's page: exit.offset */         \
	X(PORT_STRING, "port_string")	  /* INS and OUTS, repeated or not */           \
	X(TSC, "tsc")			  /* RDTSC, RDTSCP */                           \
	X(TABLE, "descriptor_table")	  /* SGDT, SIDT, SLDT, STR, or the loads: exit.table */

#endif

/* SPDX-License-Identifier: MIT */
/* What a backend tells of an exit, in words that are neither SVM's nor VMX's. */
#ifndef ARCH_EXIT_H
#define ARCH_EXIT_H

#include <trivet/types.h>

#define EXIT_DEBUG_INT1 BIT(31)

/* What was wrong with a memory access; numbered as in an x86 page fault's error code. */
enum memory_access {
	MEMORY_MAPPED = BIT(0), /* the address is, but not so that it could be */
	MEMORY_WRITE = BIT(1),
	MEMORY_FETCH = BIT(4),
	MEMORY_WALK = BIT(5), /* the access was the page walk's own */
};

struct vp_exit {
	uint32_t kind;	    /* enum vp_exit_kind */
	uint8_t byte_count; /* instruction bytes that the processor gave */
	uint8_t bytes[15];
	uint64_t next_rip; /* of the instruction that exited, where it is one */
	union {
		struct {
			gpa_t gpa;
			uint64_t gva;	 /* GVA_NONE: not known */
			uint32_t access; /* enum memory_access */
		} memory;
		struct {
			uint16_t port;
			uint8_t size;
			bool write;
		} port;
		struct {
			uint8_t number;
			bool write;
			bool decoded; /* gpr is known */
			uint8_t gpr;
		} cr;
		struct {
			uint8_t vector;
			bool has_error;
			uint8_t length; /* of INT3 and INTO, or 0: not known */
			uint32_t error;
			uint32_t debug; /* of #DB: what DR6 tells, or EXIT_DEBUG_INT1 */
		} event;
		struct {
			uint8_t stores; /* HV_NPIEP_...; 0: it loads */
		} table;
		uint8_t vector;
		uint32_t offset;
		uint64_t code;
		struct {
			bool with_aux; /* RDTSCP */
			bool either; /* it may be that: the instruction tells, and next_rip is RDTSC's */
		} tsc;
	};
};

#endif

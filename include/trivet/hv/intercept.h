/* SPDX-License-Identifier: MIT */
/*
 * Intercept messages of x64 (TLFS v6.0b, chapter 11 and "HV_MESSAGE_TYPE"): what a VP has done that is not for
 * itself to finish, as the payload of a struct hv_message. Instruction bytes are those that the processor
 * gave, which may be none.
 */
#ifndef TRIVET_HV_INTERCEPT_H
#define TRIVET_HV_INTERCEPT_H

#include <trivet/hv/registers.h>
#include <trivet/hv/synic.h>

enum hv_intercept_message_type {
	HV_MESSAGE_UNRECOVERABLE_EXCEPTION = 0x80000021, /* the header alone */
	HV_MESSAGE_HYPERCALL_INTERCEPT = 0x80000050,
	HV_MESSAGE_X64_IO_PORT_INTERCEPT = 0x80010000,
	HV_MESSAGE_X64_MSR_INTERCEPT = 0x80010001,
	HV_MESSAGE_X64_CPUID_INTERCEPT = 0x80010002,
};

enum hv_intercept_access { HV_INTERCEPT_READ, HV_INTERCEPT_WRITE, HV_INTERCEPT_EXECUTE };

/* Bits of execution_state; 0 and 1 are the CPL. */
#define HV_EXECUTION_PE			  BIT(2)
#define HV_EXECUTION_AM			  BIT(3)
#define HV_EXECUTION_LMA		  BIT(4)
#define HV_EXECUTION_DEBUG_ACTIVE	  BIT(5)
#define HV_EXECUTION_INTERRUPTION_PENDING BIT(6)
#define HV_EXECUTION_VTL_SHIFT		  7
#define HV_EXECUTION_INTERRUPT_SHADOW	  BIT(12)

struct hv_x64_intercept_header {
	uint32_t vp_index;
	uint8_t length_and_cr8; /* bits 0-3: of the instruction, 0 if RIP is behind it; 4-7: CR8 */
	uint8_t access;		/* enum hv_intercept_access */
	uint16_t execution_state;
	struct hv_x64_segment_register cs;
	uint64_t rip;
	uint64_t rflags;
};
static_assert(sizeof(struct hv_x64_intercept_header) == 40, "TLFS size");

#define HV_PORT_ACCESS_STRING BIT(3) /* bits 0-2: the size */

struct hv_x64_io_port_intercept {
	struct hv_x64_intercept_header header;
	uint16_t port;
	uint8_t access_info;
	uint8_t byte_count;
	uint32_t reserved;
	uint64_t rax;
	uint8_t bytes[16];
	struct hv_x64_segment_register ds, es;
	uint64_t rcx, rsi, rdi;
};
static_assert(sizeof(struct hv_x64_io_port_intercept) == 128, "TLFS size");

#define HV_MEMORY_ACCESS_GVA_VALID BIT(0)
#define HV_CACHE_WRITE_BACK	   6u

/* Of HV_MESSAGE_UNMAPPED_GPA, and of HV_MESSAGE_GPA_INTERCEPT: the page is there, but not for this. */
struct hv_x64_memory_intercept {
	struct hv_x64_intercept_header header;
	uint32_t cache_type;
	uint8_t byte_count;
	uint8_t access_info;
	uint8_t tpr_priority;
	uint8_t reserved;
	uint64_t gva, gpa;
	uint8_t bytes[16];
};
static_assert(sizeof(struct hv_x64_memory_intercept) == 80, "TLFS size");

struct hv_x64_msr_intercept {
	struct hv_x64_intercept_header header;
	uint32_t msr;
	uint32_t reserved;
	uint64_t rdx, rax;
};
static_assert(sizeof(struct hv_x64_msr_intercept) == 64, "TLFS size");

struct hv_x64_cpuid_intercept {
	struct hv_x64_intercept_header header;
	uint64_t rax, rcx, rdx, rbx;
	uint64_t default_rax, default_rcx, default_rdx, default_rbx;
};
static_assert(sizeof(struct hv_x64_cpuid_intercept) == 104, "TLFS size");

struct hv_x64_hypercall_intercept {
	struct hv_x64_intercept_header header;
	uint64_t rax, rbx, rcx, rdx, r8, rsi, rdi;
	uint64_t xmm[6][2];
	uint32_t flags;
	uint32_t reserved[3];
};

#endif

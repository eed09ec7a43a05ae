/* SPDX-License-Identifier: MIT */
/*
 * Names and formats of virtual-processor registers as the Hyper-V interface gives them
 * (TLFS, "Virtual Processor Register Formats" and appendix "HV_REGISTER_NAME"). The system
 * calls that read and write registers use the same names and the same 128-bit values.
 */
#ifndef TRIVET_HV_REGISTERS_H
#define TRIVET_HV_REGISTERS_H

#include <trivet/types.h>

/* HV_X64_SEGMENT_REGISTER. attributes: as bits 8-23 of a descriptor's second word (SDM 3.4.5). */
struct hv_x64_segment_register {
	uint64_t base;
	uint32_t limit; /* in bytes, the granularity bit already applied */
	uint16_t selector;
	uint16_t attributes;
};
static_assert(sizeof(struct hv_x64_segment_register) == 16, "TLFS size");

#define HV_SEGMENT_TYPE_MASK 0x000fu
#define HV_SEGMENT_S	     0x0010u /* code or data, not system */
#define HV_SEGMENT_DPL_SHIFT 5
#define HV_SEGMENT_DPL_MASK  0x0060u
#define HV_SEGMENT_P	     0x0080u
#define HV_SEGMENT_AVL	     0x1000u
#define HV_SEGMENT_L	     0x2000u
#define HV_SEGMENT_DB	     0x4000u
#define HV_SEGMENT_G	     0x8000u

/* HV_X64_TABLE_REGISTER: GDTR and IDTR. */
struct hv_x64_table_register {
	uint16_t pad[3];
	uint16_t limit;
	uint64_t base;
};
static_assert(sizeof(struct hv_x64_table_register) == 16, "TLFS size");

/* HV_REGISTER_VALUE */
union hv_register_value {
	struct {
		uint64_t low;
		uint64_t high;
	};
	uint64_t reg64;
	uint32_t reg32;
	uint16_t reg16;
	uint8_t reg8;
	struct hv_x64_segment_register segment;
	struct hv_x64_table_register table;
};
static_assert(sizeof(union hv_register_value) == 16, "TLFS size");

/* HV_X64_PENDING_INTERRUPTION_REGISTER */
#define HV_INTERRUPTION_PENDING	     BIT(0)
#define HV_INTERRUPTION_TYPE(r)	     ((r) >> 1 & 7) /* 0: external, 2: NMI, 3: exception */
#define HV_INTERRUPTION_ERROR	     BIT(4)	    /* with an error code */
#define HV_INTERRUPTION_VECTOR(r)    ((r) >> 16 & 0xffff)
#define HV_INTERRUPTION_VECTOR_SHIFT 16
#define HV_INTERRUPTION_CODE_SHIFT   32

/* HV_X64_INTERRUPT_STATE_REGISTER */
#define HV_INTERRUPT_SHADOW BIT(0)
#define HV_NMI_MASKED	    BIT(1)

/* HV_X64_PENDING_EXCEPTION_EVENT: vector and code are where an interruption has them. */
#define HV_EVENT0_PENDING BIT(0)
#define HV_EVENT0_ERROR	  BIT(8)

/* HV_REGISTER_NAME, x64 */
enum hv_register_name {
	HV_REGISTER_PENDING_INTERRUPTION = 0x00010002,
	HV_REGISTER_INTERRUPT_STATE = 0x00010003,
	HV_REGISTER_PENDING_EVENT0 = 0x00010004,
	HV_X64_REGISTER_RAX = 0x00020000,
	HV_X64_REGISTER_RCX = 0x00020001,
	HV_X64_REGISTER_RDX = 0x00020002,
	HV_X64_REGISTER_RBX = 0x00020003,
	HV_X64_REGISTER_RSP = 0x00020004,
	HV_X64_REGISTER_RBP = 0x00020005,
	HV_X64_REGISTER_RSI = 0x00020006,
	HV_X64_REGISTER_RDI = 0x00020007,
	HV_X64_REGISTER_R8 = 0x00020008,
	HV_X64_REGISTER_R15 = 0x0002000f,
	HV_X64_REGISTER_RIP = 0x00020010,
	HV_X64_REGISTER_RFLAGS = 0x00020011,
	HV_X64_REGISTER_XMM0 = 0x00030000,
	HV_X64_REGISTER_XMM15 = 0x0003000f,
	HV_X64_REGISTER_CR0 = 0x00040000,
	HV_X64_REGISTER_CR2 = 0x00040001,
	HV_X64_REGISTER_CR3 = 0x00040002,
	HV_X64_REGISTER_CR4 = 0x00040003,
	HV_X64_REGISTER_CR8 = 0x00040004,
	HV_X64_REGISTER_XFEM = 0x00040005, /* XCR0 */
	HV_X64_REGISTER_DR0 = 0x00050000,
	HV_X64_REGISTER_DR1 = 0x00050001,
	HV_X64_REGISTER_DR2 = 0x00050002,
	HV_X64_REGISTER_DR3 = 0x00050003,
	HV_X64_REGISTER_DR6 = 0x00050004,
	HV_X64_REGISTER_DR7 = 0x00050005,
	HV_X64_REGISTER_ES = 0x00060000,
	HV_X64_REGISTER_CS = 0x00060001,
	HV_X64_REGISTER_SS = 0x00060002,
	HV_X64_REGISTER_DS = 0x00060003,
	HV_X64_REGISTER_FS = 0x00060004,
	HV_X64_REGISTER_GS = 0x00060005,
	HV_X64_REGISTER_LDTR = 0x00060006,
	HV_X64_REGISTER_TR = 0x00060007,
	HV_X64_REGISTER_IDTR = 0x00070000,
	HV_X64_REGISTER_GDTR = 0x00070001,
	HV_X64_REGISTER_TSC = 0x00080000,
	HV_X64_REGISTER_EFER = 0x00080001,
	HV_X64_REGISTER_KERNEL_GS_BASE = 0x00080002,
	HV_X64_REGISTER_APIC_BASE = 0x00080003,
	HV_X64_REGISTER_PAT = 0x00080004,
	HV_X64_REGISTER_SYSENTER_CS = 0x00080005,
	HV_X64_REGISTER_SYSENTER_EIP = 0x00080006,
	HV_X64_REGISTER_SYSENTER_ESP = 0x00080007,
	HV_X64_REGISTER_STAR = 0x00080008,
	HV_X64_REGISTER_LSTAR = 0x00080009,
	HV_X64_REGISTER_CSTAR = 0x0008000a,
	HV_X64_REGISTER_SFMASK = 0x0008000b,
	HV_X64_REGISTER_TSC_AUX = 0x0008007b,
};

#endif

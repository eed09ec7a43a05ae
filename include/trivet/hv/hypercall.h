/* SPDX-License-Identifier: MIT */
/* Hypercalls (TLFS, "Hypercall Interface" and "Hypercall Reference"): input value, result, what they take. */
#ifndef TRIVET_HV_HYPERCALL_H
#define TRIVET_HV_HYPERCALL_H

#include <trivet/hv/registers.h>
#include <trivet/types.h>

/* The hypercall input value. */
#define HV_CALL_CODE(control)	   ((uint16_t)(control))
#define HV_CALL_FAST		   BIT(16)
#define HV_CALL_VARIABLE(control)  ((uint32_t)((control) >> 17 & MASK(10))) /* in 8 bytes */
#define HV_CALL_REP_COUNT(control) ((uint32_t)((control) >> 32 & MASK(12)))
#define HV_CALL_REP_START(control) ((uint32_t)((control) >> 48 & MASK(12)))
#define HV_CALL_REP_COUNT_SHIFT	   32
#define HV_CALL_REP_START_SHIFT	   48
/* Bit 31, a call to the hypervisor below, too: there is none that a guest knows. */
#define HV_CALL_RESERVED	   (MASK(5) << 27 | MASK(4) << 44 | MASK(4) << 60)
/* The result value: a status, and from here on how many reps are completed. */
#define HV_RESULT_REPS_SHIFT	   32

enum hv_call_code {
	HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE = 0x0002,
	HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST = 0x0003,
	HV_CALL_NOTIFY_LONG_SPIN_WAIT = 0x0008,
	HV_CALL_GET_VP_REGISTERS = 0x0050,
	HV_CALL_SET_VP_REGISTERS = 0x0051,
	HV_CALL_POST_MESSAGE = 0x005c,
	HV_CALL_SIGNAL_EVENT = 0x005d,
	HV_CALL_GET_VP_INDEX_FROM_APIC_ID = 0x009a,
	HV_EXT_CALL_QUERY_CAPABILITIES = 0x8001,
};

/* HV_STATUS */
enum hv_status {
	HV_SUCCESS = 0x0000,
	HV_INVALID_HYPERCALL_CODE = 0x0002,
	HV_INVALID_HYPERCALL_INPUT = 0x0003,
	HV_INVALID_ALIGNMENT = 0x0004,
	HV_INVALID_PARAMETER = 0x0005,
	HV_ACCESS_DENIED = 0x0006,
	HV_INSUFFICIENT_MEMORY = 0x000b,
	HV_INVALID_PARTITION_ID = 0x000d,
	HV_INVALID_VP_INDEX = 0x000e,
	HV_INVALID_PORT_ID = 0x0011,
	HV_INVALID_CONNECTION_ID = 0x0012,
	HV_INSUFFICIENT_BUFFERS = 0x0013,
	HV_INVALID_VP_STATE = 0x0015,
	HV_INVALID_SYNIC_STATE = 0x0018,
	HV_INVALID_REGISTER_VALUE = 0x0050,
};

#define HV_PARTITION_ID_SELF UINT64_MAX
#define HV_VP_INDEX_SELF     0xfffffffeu

/* HV_INPUT_VTL */
#define HV_INPUT_VTL_TARGET(v) ((v)&0xfu)
#define HV_INPUT_VTL_USE       0x10u
#define HV_INPUT_VTL_RESERVED  0xe0u

#define HV_FLUSH_ALL_PROCESSORS	 BIT(0)
#define HV_FLUSH_ALL_SPACES	 BIT(1)
#define HV_FLUSH_NON_GLOBAL_ONLY BIT(2)

struct hv_flush_input {
	uint64_t address_space;
	uint64_t flags;
	uint64_t processor_mask;
};

/* HvCallGetVpRegisters: a name in, a value out; HvCallSetVpRegisters: struct hv_register_assoc in. */
struct hv_registers_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t target_vtl; /* HV_INPUT_VTL */
	uint8_t reserved[3];
};

struct hv_register_assoc {
	uint32_t name;
	uint32_t reserved[3];
	union hv_register_value value;
};
static_assert(sizeof(struct hv_register_assoc) == 32, "TLFS size");

/* An APIC id in, a VP index out, 32 bits each. */
struct hv_vp_index_input {
	uint64_t partition_id;
	uint8_t target_vtl; /* HV_INPUT_VTL */
	uint8_t reserved[7];
};

#endif

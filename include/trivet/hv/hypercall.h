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
	HV_CALL_SEND_IPI = 0x000b, /* HvCallSendSyntheticClusterIpi */
	HV_CALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX = 0x0013,
	HV_CALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX = 0x0014,
	HV_CALL_SEND_IPI_EX = 0x0015,
	HV_CALL_GET_PARTITION_PROPERTY = 0x0044,
	HV_CALL_GET_PARTITION_ID = 0x0046,
	HV_CALL_INSTALL_INTERCEPT = 0x004d,
	HV_CALL_GET_VP_REGISTERS = 0x0050,
	HV_CALL_SET_VP_REGISTERS = 0x0051,
	HV_CALL_TRANSLATE_VIRTUAL_ADDRESS = 0x0052,
	HV_CALL_POST_MESSAGE = 0x005c,
	HV_CALL_SIGNAL_EVENT = 0x005d,
	HV_CALL_RETARGET_DEVICE_INTERRUPT = 0x007e,
	HV_CALL_ASSERT_VIRTUAL_INTERRUPT = 0x0094,
	HV_CALL_START_VIRTUAL_PROCESSOR = 0x0099,
	HV_CALL_GET_VP_INDEX_FROM_APIC_ID = 0x009a,
	HV_CALL_TRANSLATE_VIRTUAL_ADDRESS_EX = 0x00ac,
	HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE = 0x00af,
	HV_CALL_FLUSH_GUEST_PHYSICAL_ADDRESS_LIST = 0x00b0,
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
	HV_OPERATION_DENIED = 0x0008,
	HV_UNKNOWN_PROPERTY = 0x0009,
	HV_INSUFFICIENT_MEMORY = 0x000b,
	HV_INVALID_PARTITION_ID = 0x000d,
	HV_INVALID_VP_INDEX = 0x000e,
	HV_INVALID_PORT_ID = 0x0011,
	HV_INVALID_CONNECTION_ID = 0x0012,
	HV_INSUFFICIENT_BUFFERS = 0x0013,
	HV_INVALID_VP_STATE = 0x0015,
	HV_INVALID_SYNIC_STATE = 0x0018,
	HV_INVALID_REGISTER_VALUE = 0x0050,
	HV_INVALID_DEVICE_ID = 0x0057,
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

/* HV_VP_SET: all VPs, or those of the valid banks of 64, each of which has a word behind it. */
#define HV_VP_SET_SPARSE   0u
#define HV_VP_SET_ALL	   1u
#define HV_VP_SET_BANKS	   64u
#define HV_VP_SET_BANK_VPS 64u
#define HV_VP_SET_VPS	   (HV_VP_SET_BANKS * HV_VP_SET_BANK_VPS)
struct hv_vp_set {
	uint64_t format;
	uint64_t valid_banks;
	uint64_t banks[]; /* in the variable header */
};

struct hv_flush_ex_input {
	uint64_t address_space;
	uint64_t flags;
	struct hv_vp_set processors;
};

/* Of an L2 guest, by EPT pointer; the flags are reserved. */
struct hv_flush_physical_input {
	uint64_t address_space;
	uint64_t flags;
};

#define HV_IPI_VECTOR_FIRST 0x10u
#define HV_IPI_VECTOR_LAST  0xffu
struct hv_ipi_input {
	uint32_t vector;
	uint8_t target_vtl; /* HV_INPUT_VTL */
	uint8_t reserved[3];
	uint64_t processor_mask;
};

struct hv_ipi_ex_input {
	uint32_t vector;
	uint8_t target_vtl;
	uint8_t reserved[3];
	struct hv_vp_set processors;
};

/* HV_INTERRUPT_CONTROL: bits 31-0 are the type, as the APIC's delivery modes, and two more. */
#define HV_INTERRUPT_TYPE(control)  ((uint32_t)(control))
#define HV_INTERRUPT_LINT0	    8u
#define HV_INTERRUPT_LINT1	    9u
#define HV_INTERRUPT_LEVEL	    BIT(32)
#define HV_INTERRUPT_LOGICAL	    BIT(33)
#define HV_INTERRUPT_RESERVED	    (~(uint64_t)MASK(34))
/* Of arm64: type 0 alone, of an INTID. */
#define HV_ARM64_INTERRUPT_ASSERTED BIT(34)
struct hv_assert_interrupt_input {
	uint64_t partition_id;
	uint64_t control;
	uint64_t destination; /* an APIC id, physical or logical; of a PPI an MPIDR */
	uint32_t vector;
	uint8_t target_vtl;
	uint8_t reserved[3];
};

/* HV_MSI_ENTRY */
struct hv_msi_entry {
	uint32_t address, data;
};

#define HV_INTERRUPT_SOURCE_MSI 1u
#define HV_TARGET_MULTICAST	BIT(0) /* to all of the set; else to any one */
#define HV_TARGET_PROCESSOR_SET BIT(1) /* an HV_VP_SET stands where the mask does */
struct hv_retarget_input {
	uint64_t partition_id;
	uint64_t device_id;
	uint32_t source;
	uint32_t reserved;
	struct hv_msi_entry message;
	uint64_t reserved2;
	uint32_t vector;
	uint32_t flags;
	uint64_t mask; /* or the set's format: the rest of it is in the variable header */
};
static_assert(sizeof(struct hv_retarget_input) == 56, "TLFS size");

/* HV_PARTITION_PROPERTY_CODE: those that there are. */
enum hv_partition_property {
	HV_PROPERTY_PRIVILEGE_FLAGS = 0x00010000,
	HV_PROPERTY_TIME_FREEZE = 0x00030003,
	HV_PROPERTY_REFERENCE_TIME = 0x00030005,
	HV_PROPERTY_IMPLEMENTED_PHYSICAL_ADDRESS_BITS = 0x00050010,
	HV_PROPERTY_PROCESSOR_VENDOR = 0x00060000, /* 0: AMD, 1: Intel */
	HV_PROPERTY_PHYSICAL_ADDRESS_WIDTH = 0x00060006,
	HV_PROPERTY_PROCESSOR_CLOCK_FREQUENCY = 0x00060009,
	HV_PROPERTY_GUEST_OS_ID = 0x00070000,
};
struct hv_property_input {
	uint64_t partition_id;
	uint32_t code;
	uint32_t reserved;
};

struct hv_install_intercept_input {
	uint64_t partition_id;
	uint32_t access_type, intercept_type;
	uint64_t parameter;
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

/* HV_INITIAL_VP_CONTEXT, x64 */
struct hv_initial_vp_context {
	uint64_t rip, rsp, rflags;
	struct hv_x64_segment_register cs, ds, es, fs, gs, ss, tr, ldtr;
	struct hv_x64_table_register idtr, gdtr;
	uint64_t efer, cr0, cr3, cr4, pat;
};
static_assert(sizeof(struct hv_initial_vp_context) == 224, "TLFS size");

/* So too, arm64 */
struct hv_arm64_initial_vp_context {
	uint64_t pc, sp_elh, sctlr_el1, mair_el1, tcr_el1, vbar_el1, ttbr0_el1, ttbr1_el1, x18;
};
static_assert(sizeof(struct hv_arm64_initial_vp_context) == 72, "TLFS size");

struct hv_start_vp_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint8_t target_vtl; /* HV_VTL: a number, no HV_INPUT_VTL */
	uint8_t reserved[3];
	struct hv_initial_vp_context context; /* or the architecture's */
};

/* HV_TRANSLATE_GVA_CONTROL_FLAGS; bits 63-56 are an HV_INPUT_VTL. */
#define HV_TRANSLATE_READ     BIT(0)
#define HV_TRANSLATE_WRITE    BIT(1)
#define HV_TRANSLATE_EXECUTE  BIT(2)
#define HV_TRANSLATE_EXEMPT   BIT(3) /* from the checks of access rights */
#define HV_TRANSLATE_SET_BITS BIT(4) /* accessed and dirty */
#define HV_TRANSLATE_NO_FLUSH BIT(5)
#define HV_TRANSLATE_SUPERVISOR \
	BIT(6) /* neither: as the VP's privilege level is; both: either may */
#define HV_TRANSLATE_USER	   BIT(7)
#define HV_TRANSLATE_ENFORCE_SMAP  BIT(8)
#define HV_TRANSLATE_OVERRIDE_SMAP BIT(9)
/* In the place of these two, of arm64; which has no EXEMPT. */
#define HV_TRANSLATE_PAN_SET	   BIT(8)
#define HV_TRANSLATE_PAN_CLEAR	   BIT(9)
#define HV_TRANSLATE_VTL_SHIFT	   56

struct hv_translate_input {
	uint64_t partition_id;
	uint32_t vp_index;
	uint32_t reserved;
	uint64_t flags;
	uint64_t gva_page;
};

enum hv_translate_code {
	HV_TRANSLATED = 0,
	HV_TRANSLATE_NOT_PRESENT = 1,
	HV_TRANSLATE_PRIVILEGE_VIOLATION = 2,
	HV_TRANSLATE_INVALID_FLAGS = 3,
	HV_TRANSLATE_GPA_UNMAPPED = 4,
	HV_TRANSLATE_GPA_NO_WRITE_ACCESS = 6,
};
#define HV_CACHE_TYPE_UNCACHED	      0u
#define HV_CACHE_TYPE_WRITE_COMBINING 1u
#define HV_CACHE_TYPE_WRITE_THROUGH   4u
#define HV_CACHE_TYPE_WRITE_BACK      6u

struct hv_translate_result {
	uint32_t code; /* enum hv_translate_code */
	uint8_t cache_type;
	uint8_t overlay; /* bit 0 */
	uint16_t reserved;
};

struct hv_translate_output {
	struct hv_translate_result result;
	uint64_t gpa_page;
};

/* Of x64; arm64 has struct hv_translate_output. The event is the exception that an access would raise: HV_EVENT0_...,
 * and its address. */
struct hv_translate_ex_output {
	struct hv_translate_result result;
	uint64_t reserved;
	uint64_t event[4];
	uint64_t gpa_page;
	uint64_t reserved2;
};
static_assert(sizeof(struct hv_translate_ex_output) == 64, "as Hyper-V's implementations have it");

/* An APIC id of 32 bits, or an MPIDR of 64, in; a VP index of 32 bits out. */
struct hv_vp_index_input {
	uint64_t partition_id;
	uint8_t target_vtl; /* HV_INPUT_VTL */
	uint8_t reserved[7];
};

#endif

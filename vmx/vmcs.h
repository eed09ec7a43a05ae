/* SPDX-License-Identifier: MIT */
/*
 * The virtual-machine control structure: encodings of its fields (SDM vol. 3, appendix B), the
 * bits of its controls (chapter 25), basic exit reasons (appendix C), and the instructions that
 * work on it (chapter 31).
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include <trivet/types.h>

enum vmcs_field {
	/* 16 bits */
	VMCS_VPID = 0x0000,
	VMCS_POSTED_VECTOR = 0x0002,
	VMCS_GUEST_ES_SELECTOR = 0x0800, /* then CS SS DS FS GS LDTR TR, two apart */
	VMCS_GUEST_INTERRUPT_STATUS = 0x0810,
	VMCS_HOST_ES_SELECTOR = 0x0c00, /* then CS SS DS FS GS TR */
	/* 64 bits */
	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC_PAGE = 0x2012,
	VMCS_APIC_ACCESS_ADDRESS = 0x2014,
	VMCS_POSTED_DESCRIPTOR = 0x2016,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_EOI_EXIT_BITMAP0 = 0x201c, /* to 3, two apart */
	VMCS_XSS_EXITING = 0x202c,
	VMCS_ENCLS_EXITING = 0x202e,
	VMCS_TSC_MULTIPLIER = 0x2032,
	VMCS_PAUSE_GAP = 0x4020,
	VMCS_PAUSE_WINDOW = 0x4022,
	VMCS_GUEST_PHYSICAL = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE0 = 0x280a, /* to PDPTE3, two apart */
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,
	/* 32 bits */
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_CPU_CONTROLS = 0x4002,
	VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_PF_ERROR_MASK = 0x4006,
	VMCS_PF_ERROR_MATCH = 0x4008,
	VMCS_CR3_TARGET_COUNT = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_ENTRY_EVENT = 0x4016,
	VMCS_ENTRY_EVENT_ERROR = 0x4018,
	VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_CPU_CONTROLS_2 = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_EVENT = 0x4404,
	VMCS_EXIT_EVENT_ERROR = 0x4406,
	VMCS_VECTORING_EVENT = 0x4408,
	VMCS_VECTORING_ERROR = 0x440a,
	VMCS_INSTRUCTION_LENGTH = 0x440c,
	VMCS_INSTRUCTION_INFORMATION = 0x440e,
	VMCS_GUEST_ES_LIMIT = 0x4800, /* then CS SS DS FS GS LDTR TR, two apart */
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_ES_ACCESS = 0x4814, /* then CS SS DS FS GS LDTR TR, two apart */
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_PREEMPTION_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	/* natural width */
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_LINEAR = 0x640a,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_ES_BASE = 0x6806, /* then CS SS DS FS GS LDTR TR, two apart */
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

/* Pin-based controls (25.6.1) */
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI		       BIT(3)
#define PIN_VIRTUAL_NMI	       BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)
#define PIN_POSTED_INTERRUPTS  BIT(7)

/* Primary processor-based controls (25.6.2) */
#define CPU_INTERRUPT_WINDOW BIT(2)
#define CPU_TSC_OFFSET	     BIT(3)
#define CPU_HLT		     BIT(7)
#define CPU_MWAIT	     BIT(10)
#define CPU_RDPMC	     BIT(11)
#define CPU_RDTSC	     BIT(12)
#define CPU_CR3_LOAD	     BIT(15)
#define CPU_CR3_STORE	     BIT(16)
#define CPU_CR8_LOAD	     BIT(19)
#define CPU_CR8_STORE	     BIT(20)
#define CPU_TPR_SHADOW	     BIT(21)
#define CPU_NMI_WINDOW	     BIT(22)
#define CPU_MOV_DR	     BIT(23)
#define CPU_UNCONDITIONAL_IO BIT(24)
#define CPU_MSR_BITMAPS	     BIT(28)
#define CPU_MONITOR	     BIT(29)
#define CPU_SECONDARY	     BIT(31)

/* Secondary processor-based controls (25.6.2) */
#define CPU2_APIC_ACCESSES	BIT(0)
#define CPU2_EPT		BIT(1)
#define CPU2_TABLES		BIT(2) /* "descriptor-table exiting" */
#define CPU2_RDTSCP		BIT(3)
#define CPU2_X2APIC_MODE	BIT(4)
#define CPU2_VPID		BIT(5)
#define CPU2_WBINVD		BIT(6)
#define CPU2_UNRESTRICTED_GUEST BIT(7)
#define CPU2_APIC_REGISTERS	BIT(8)
#define CPU2_INTERRUPT_DELIVERY BIT(9)
#define CPU2_PAUSE_LOOP		BIT(10)
#define CPU2_RDRAND		BIT(11)
#define CPU2_INVPCID		BIT(12)
#define CPU2_ENCLS		BIT(15)
#define CPU2_RDSEED		BIT(16)
#define CPU2_XSAVES		BIT(20)
#define CPU2_TSC_SCALING	BIT(25)

/* Exit controls (25.7.1) and entry controls (25.8.1) */
#define EXIT_SAVE_DEBUG	 BIT(2)
#define EXIT_HOST_64	 BIT(9)
#define EXIT_ACKNOWLEDGE BIT(15)
#define EXIT_SAVE_PAT	 BIT(18)
#define EXIT_LOAD_PAT	 BIT(19)
#define EXIT_SAVE_EFER	 BIT(20)
#define EXIT_LOAD_EFER	 BIT(21)
#define EXIT_SAVE_TIMER	 BIT(22)
#define ENTRY_LOAD_DEBUG BIT(2)
#define ENTRY_LONG_MODE	 BIT(9)
#define ENTRY_LOAD_PAT	 BIT(14)
#define ENTRY_LOAD_EFER	 BIT(15)

/* Interruption information: on entry 25.8.3, on exit 25.9.2, vectoring 25.9.3 */
#define EVENT_INFO_VECTOR(i)	      ((uint8_t)(i))
#define EVENT_INFO_TYPE(i)	      (((i) >> 8) & 7)
#define EVENT_INFO_INTERRUPT	      0u
#define EVENT_INFO_NMI		      2u
#define EVENT_INFO_EXCEPTION	      3u
#define EVENT_INFO_SOFTWARE	      4u
#define EVENT_INFO_ICEBP	      5u
#define EVENT_INFO_SOFTWARE_EXCEPTION 6u
#define EVENT_INFO_ERROR_VALID	      BIT(11)
#define EVENT_INFO_VALID	      BIT(31)
/* On exit, also in the qualification of an EPT violation (28.2.3): the IRET that met it had let NMIs
 * through. */
#define NMI_UNBLOCKED_BY_IRET	      BIT(12)

/* Interruptibility state (table 25-3) */
#define BLOCKED_BY_STI	  BIT(0)
#define BLOCKED_BY_MOV_SS BIT(1)
#define BLOCKED_BY_NMI	  BIT(3)

#define PENDING_DEBUG_BS BIT(14)

/* Segment access rights (25.4.1): as the TLFS attributes, and */
#define ACCESS_UNUSABLE BIT(16)

/* Basic exit reasons */
enum vmx_reason {
	VMX_EXCEPTION_OR_NMI = 0,
	VMX_EXTERNAL_INTERRUPT = 1,
	VMX_TRIPLE_FAULT = 2,
	VMX_INIT = 3,
	VMX_SIPI = 4,
	VMX_INTERRUPT_WINDOW = 7,
	VMX_NMI_WINDOW = 8,
	VMX_TASK_SWITCH = 9,
	VMX_CPUID = 10,
	VMX_GETSEC = 11,
	VMX_HLT = 12,
	VMX_INVD = 13,
	VMX_INVLPG = 14,
	VMX_RDPMC = 15,
	VMX_RDTSC = 16,
	VMX_RSM = 17,
	VMX_VMCALL = 18,
	VMX_VMCLEAR = 19, /* to VMXON = 27: VMX instructions */
	VMX_VMXON = 27,
	VMX_CR_ACCESS = 28,
	VMX_DR_ACCESS = 29,
	VMX_IO = 30,
	VMX_RDMSR = 31,
	VMX_WRMSR = 32,
	VMX_ENTRY_GUEST_STATE = 33,
	VMX_ENTRY_MSR_LOAD = 34,
	VMX_MWAIT = 36,
	VMX_MONITOR = 39,
	VMX_PAUSE = 40,
	VMX_MACHINE_CHECK = 41,
	VMX_TPR_BELOW_THRESHOLD = 43,
	VMX_APIC_ACCESS = 44,
	VMX_VIRTUALIZED_EOI = 45,
	VMX_GDTR_IDTR = 46,
	VMX_LDTR_TR = 47,
	VMX_EPT_VIOLATION = 48,
	VMX_EPT_MISCONFIGURATION = 49,
	VMX_INVEPT = 50,
	VMX_RDTSCP = 51,
	VMX_PREEMPTION_TIMER = 52,
	VMX_INVVPID = 53,
	VMX_WBINVD = 54,
	VMX_XSETBV = 55,
	VMX_APIC_WRITE = 56,
	VMX_RDRAND = 57,
	VMX_INVPCID = 58,
	VMX_ENCLS = 60,
	VMX_RDSEED = 61,
	VMX_REASON_LIMIT = 70,
};
#define VMX_REASON_ENTRY_FAILED BIT(31)

/* Exit qualification of an I/O instruction (table 28-5) */
#define IO_SIZE(q) ((uint8_t)(((q)&7) + 1))
#define IO_IN	   BIT(3)
#define IO_STRING  BIT(4)
#define IO_REP	   BIT(5)
#define IO_PORT(q) ((uint16_t)((q) >> 16))

/* of a control-register access (table 28-3) */
#define CR_NUMBER(q) ((uint8_t)((q)&0xf))
#define CR_TYPE(q)   (((q) >> 4) & 3)
#define CR_MOV_TO    0u
#define CR_MOV_FROM  1u
#define CR_CLTS	     2u
#define CR_LMSW	     3u
#define CR_GPR(q)    ((uint8_t)(((q) >> 8) & 0xf))

/* of a debug-register access (table 28-4) */
#define DR_NUMBER(q) ((uint8_t)((q)&7))
#define DR_READ	     BIT(4)

/* Instruction information of an access to GDTR or IDTR (table 28-10), or to LDTR or TR (table 28-11):
 * TABLE_SECOND is of IDTR and TR */
#define TABLE_SECOND BIT(28)
#define TABLE_LOAD   BIT(29)

/* of an EPT violation (table 28-7) */
#define EPT_WRITE	BIT(1)
#define EPT_FETCH	BIT(2)
#define EPT_FETCH_SHIFT 2u /* to MEMORY_FETCH; EPT_WRITE is MEMORY_WRITE */
#define EPT_PRESENT	(BIT(3) | BIT(4) | BIT(5))
#define EPT_GVA		BIT(7)
#define EPT_FINAL	BIT(8) /* with EPT_GVA: not an access of the page walk */

/* ---- instructions; each answers false for VMfail (31.2) ---- */

#define VMX_INSTRUCTION(name, mnemonic)                                               \
	static inline bool name(uint64_t hpa)                                         \
	{                                                                             \
		bool ok;                                                              \
		__asm__ volatile(mnemonic " %1" : "=@cca"(ok) : "m"(hpa) : "memory"); \
		return ok;                                                            \
	}
VMX_INSTRUCTION(vmx_on, "vmxon")
VMX_INSTRUCTION(vmcs_clear, "vmclear")
VMX_INSTRUCTION(vmcs_load, "vmptrld")
#undef VMX_INSTRUCTION

static inline void vmx_off(void)
{
	__asm__ volatile("vmxoff" : : : "memory", "cc");
}

static inline uint64_t vmcs_read(enum vmcs_field field)
{
	uint64_t value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
	return value;
}

static inline void vmcs_write(enum vmcs_field field, uint64_t value)
{
	__asm__ volatile("vmwrite %0, %1" : : "r"(value), "r"((uint64_t)field) : "cc", "memory");
}

/* For a field that the processor may not have, or that it may not let be written. */
static inline bool vmcs_write_checked(enum vmcs_field field, uint64_t value)
{
	bool ok;

	__asm__ volatile("vmwrite %1, %2"
			 : "=@cca"(ok)
			 : "r"(value), "r"((uint64_t)field)
			 : "memory");
	return ok;
}

/* Types of INVEPT and INVVPID (31.3). */
#define INVALIDATE_SINGLE 1ull
#define INVALIDATE_ALL	  2ull

static inline void vmx_invept(uint64_t type, uint64_t eptp)
{
	const uint64_t descriptor[2] = {eptp, 0};

	__asm__ volatile("invept %0, %1" : : "m"(descriptor), "r"(type) : "cc", "memory");
}

static inline void vmx_invvpid(uint64_t type, uint16_t vpid)
{
	const uint64_t descriptor[2] = {vpid, 0};

	__asm__ volatile("invvpid %0, %1" : : "m"(descriptor), "r"(type) : "cc", "memory");
}

#endif

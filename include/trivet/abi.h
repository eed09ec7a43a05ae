/* SPDX-License-Identifier: MIT */
/*
 * The ABI between the kernel and the root task: system calls, and the structures that both
 * sides read. docs/abi.md is the reference in prose.
 *
 * A system call takes its number in RAX and up to six arguments in RDI, RSI, RDX, R10, R8, R9;
 * it gives a status_t in RAX and a value in RDX. RCX and R11 are lost; all else is kept.
 * Pointers are user addresses. A structure is copied whole before anything is done with it.
 */
#ifndef TRIVET_ABI_H
#define TRIVET_ABI_H

#include <trivet/hv/registers.h>
#include <trivet/hv/synic.h>
#include <trivet/status.h>
#include <trivet/types.h>

#define TRIVET_ABI_VERSION 1u

/* X(name, number, arguments and result in words) */
#define SYSCALL_TABLE(X)                                                                           \
	/* the system */                                                                           \
	X(console_write, 0, "va, size: bytes to the host console and the log")                     \
	X(console_read, 1, "va, size -> bytes taken; does not wait")                               \
	X(console_bind, 2, "event, bits: signalled when input comes")                              \
	X(log_read, 3, "position, va, size -> bytes; position counts from the first byte logged")  \
	X(system_end, 4, "enum system_end_action, code: powers off or restarts the machine")       \
	X(memory_info, 5, "handle (0: the kernel), va of struct memory_info")                      \
	X(inspect, 6, "partition or 0, enum inspect_what, index, va, size -> bytes of it")         \
	X(vp_profile, 7, "partition, index, on (0 or 1): counts the time that exits take")         \
	X(vp_peek_registers, 8, "partition, index, vtl, va of names, va of values, count")         \
	/* objects, threads, events */                                                             \
	X(handle_close, 10, "handle")                                                              \
	X(handle_duplicate, 11, "handle, rights -> handle with these rights, all held already")    \
	X(thread_create, 12, "cpu, priority, entry, stack top, argument, tls base -> handle")      \
	X(thread_exit, 13, "")                                                                     \
	X(thread_yield, 14, "")                                                                    \
	X(event_create, 15, "-> handle")                                                           \
	X(event_signal, 16, "handle, bits (64, not 0)")                                            \
	X(event_wait, 17, "handle, deadline in ns of system time -> bits, which are cleared")      \
	/* partitions under construction */                                                        \
	X(hypervisor_available, 20, "-> status alone: OK, or why no partition can be made")        \
	X(proto_partition_create, 21, "va of struct proto_partition_config -> handle")             \
	X(proto_partition_cpuid, 22, "handle, eax, ecx, va of uint32_t[4]")                        \
	X(proto_partition_build, 23, "handle, va of struct partition_config")                      \
	/* partitions */                                                                           \
	X(partition_deposit, 30, "handle, window va, size: both multiples of 2 MiB")               \
	X(partition_withdraw, 31, "handle, va of uint64_t or 0 -> window va of a free block")      \
	X(partition_map, 32, "handle, vtl, window va, size, gpa, enum gpa_flags")                  \
	X(partition_unmap, 33, "handle, vtl, gpa, size")                                           \
	X(partition_reset, 34, "handle; no VP may be running")                                     \
	X(partition_request_msi, 35, "handle, vtl, address, data")                                 \
	X(partition_caps, 36, "handle, va of struct partition_caps")                               \
	X(partition_reference_time, 37, "handle -> 100 ns units since it was built")               \
	X(partition_doorbell_create, 38,                                                           \
	  "handle, min vtl, va of struct doorbell_config -> handle")                               \
	X(doorbell_ring, 39, "partition, vtl, enum doorbell_kind, address, length, value")         \
	/* virtual processors */                                                                   \
	X(vp_bind, 40, "partition, index, window va of the run page -> vp, bound to this thread")  \
	X(vp_run, 41, "vp; the bound thread only; the run page says why it returned")              \
	X(vp_request_yield, 42, "partition, index: its vp_run returns soon")                       \
	X(vp_get_registers, 43, "vp, vtl, va of names (u32), va of values (16 bytes), count")      \
	X(vp_set_registers, 44, "vp, vtl, va of names (u32), va of values (16 bytes), count")      \
	X(vp_reset, 45, "vp")                                                                      \
	X(vp_set_lint, 46, "partition, index, vtl, lint (0 or 1), level (0 or 1)")                 \
	X(vp_apic_access, 47, "vp, vtl, offset | write << 16, value -> value, or APIC_ACCESS_EOI") \
	X(vp_stats, 48, "partition, index, va of struct vp_stats")                                 \
	X(vp_set_debug_state, 49, "vp, vtl, va of struct vp_debug_state, or 0: none")              \
	/* state: <trivet/state.h> */                                                              \
	X(vp_state_get, 50, "vp, vtl, element, va, size -> bytes")                                 \
	X(vp_state_set, 51, "vp, vtl, element, va, size")                                          \
	X(vp_state_reset, 52, "vp, vtl, element: to its value at reset")                           \
	X(vp_save, 53, "vp, va, size -> bytes")                                                    \
	X(vp_restore, 54, "vp, va, size")                                                          \
	X(partition_save, 55, "handle, va, size -> bytes")                                         \
	X(partition_restore, 56, "handle, va, size")                                               \
	X(partition_freeze, 57, "handle: its time stands still; no VP may be bound")               \
	X(partition_thaw, 58, "handle: its time goes on")                                          \
	X(vp_flush_requests, 59, "vp: takes in what waits for it, without running it")             \
	X(vp_intercept, 60, "vp, va of struct hv_message: why the last vp_run came back")          \
	/* guest memory */                                                                         \
	X(partition_prefetch, 64, "handle, vtl, gpa, size")                                        \
	X(partition_pin, 65, "handle, vtl, gpa, size, all in one mapping -> handle")               \
	X(partition_dirty_start, 66, "handle, vtl, gpa, size: whole mappings")                     \
	X(partition_dirty_stop, 67, "handle, vtl, gpa, size: whole mappings")                      \
	X(partition_dirty_get, 68,                                                                 \
	  "handle, vtl, gpa, size, va of bits, enum dirty_flags -> count")                         \
	X(partition_dirty_mark, 69, "handle, vtl, gpa, size")                                      \
	/* interrupts */                                                                           \
	X(msi_source_create, 70, "partition, vtl -> handle that raises interrupts, and no more")   \
	X(msi_signal, 71, "source, address, data -> as partition_request_msi")                     \
	X(vp_pulse_lint, 72, "partition, index, vtl, lint (0 or 1): an edge")                      \
	X(partition_set_spi, 73, "partition, vtl, INTID, level (0 or 1)")                          \
	X(vp_gic_access, 74, "vp, vtl, gpa, size | write << 16, value -> value")                   \
	/* the second serial line */                                                               \
	X(serial_open, 81, "COM port (1 up), event or 0, bits: signalled when input comes")        \
	X(serial_read, 82, "va, size -> bytes taken; does not wait")                               \
	X(serial_write, 83, "va, size")                                                            \
	/* ports */                                                                                \
	X(message_port_create, 84, "partition, min vtl, connection, event, bits -> port")          \
	X(message_port_receive, 85, "port, va of struct port_message: takes the oldest")           \
	X(host_event_port_create, 86, "partition, min vtl, connection, event, bits -> port")       \
	X(guest_event_port_create, 87, "partition, vtl, index, sint, flag -> port")                \
	X(guest_event_port_signal, 88, "port")                                                     \
	X(guest_event_port_clear, 89, "port")                                                      \
	X(guest_event_port_retarget, 90, "port, index, sint, flag")                                \
	X(synic_post_message, 91, "partition, vtl, index, sint, va of struct hv_message")          \
	X(monitor_page_set, 92, "partition, vtl, gpa (UINT64_MAX: nowhere)")                       \
	X(monitor_register, 93, "partition, vtl, id, connection, latency in 100 ns -> handle")     \
	X(monitor_read, 94, "partition, vtl, gpa, size -> value")                                  \
	X(monitor_write, 95, "partition, vtl, gpa, size, value")                                   \
	/* VPCI devices */                                                                         \
	X(vpci_device_create, 100, "partition, vtl, device id -> device")                          \
	X(vpci_register_interrupt, 101,                                                            \
	  "device, vector count, va of struct vpci_interrupt -> address, data << 32")              \
	X(vpci_unregister_interrupt, 102, "device, address, data")                                 \
	X(vpci_signal_msi, 103, "device, address, data")                                           \
	/* guests that crash */                                                                    \
	X(partition_crash_bind, 107, "partition, event, bits: signalled when its guest crashes")   \
	X(partition_crash_get, 108, "partition, va of struct partition_crash: the last one")

#define SYSCALL_ENUM(name, number, words) SYS_##name = (number),
enum syscall_number { SYSCALL_TABLE(SYSCALL_ENUM) SYSCALL_LIMIT = 128 };
#undef SYSCALL_ENUM

/* Rights of a handle. */
enum handle_rights {
	RIGHT_READ = BIT(0),	/* read state, statistics */
	RIGHT_WRITE = BIT(1),	/* change it: signal, map, set registers */
	RIGHT_RUN = BIT(2),	/* bind and run VPs */
	RIGHT_DESTROY = BIT(3), /* build, deposit, reset */
	RIGHT_WAIT = BIT(4),	/* wait on an event */
	RIGHTS_ALL = 0x1f,
};

/* ---- what the root task finds at its start ----
 * RDI holds the address of struct boot_info, read-only, in pages of its own. RSP is 0: the
 * root task brings its stack. It runs on CPU 0 at ROOT_PRIORITY with handle 1 naming itself.
 */
#define BOOT_INFO_MAGIC 0x544f4f5254455654ull

/* All memory of the root task stands at ROOT_WINDOW_BASE + its host-physical address:
 * readable, writable, not executable. */
#ifdef TRIVET_AARCH64
#define ROOT_WINDOW_BASE 0x0000004000000000ull /* what the narrowest processors can translate */
#else
#define ROOT_WINDOW_BASE 0x0000100000000000ull
#endif

enum boot_memory_kind {
	BOOT_MEMORY_FREE = 1,	/* the root task's, to use */
	BOOT_MEMORY_BUNDLE = 2, /* the root task's, holds the bundle */
	BOOT_MEMORY_ROOT = 3,	/* holds the root task's own image; not in the window */
};

struct boot_memory {
	hpa_t base;
	uint64_t size;
	uint32_t kind; /* enum boot_memory_kind */
	uint32_t reserved;
};

struct boot_info {
	uint64_t magic;
	uint32_t abi_version;
	uint32_t size; /* of all that follows the start of this structure */
	uint32_t cpu_count;
	uint32_t memory_count;	    /* entries in memory[] */
	uint32_t hypervisor_status; /* status_t of hypervisor_available */
	uint32_t priority_count;    /* priorities are 0 (idle-most) to this less one */
	uint64_t tsc_hz;
	uint64_t tsc_base;   /* system time is (tsc - tsc_base) / tsc_hz */
	uint64_t boot_epoch; /* seconds since 1970 at tsc_base, from the machine's clock */
	hpa_t bundle_base;   /* a newc archive; size 0: there is none */
	uint64_t bundle_size;
	char backend[16]; /* "svm", "vmx" or "none" */
	char command_line[256];
	struct boot_memory memory[];
};

#define ROOT_PRIORITY 8u /* of the first thread */

enum system_end_action {
	SYSTEM_END_POWER_OFF = 0,
	SYSTEM_END_RESTART = 1,
};

/* What memory an account holds, in pages of 4 KiB. */
struct memory_info {
	uint64_t pages_total;
	uint64_t pages_free;
};

/* ---- inspection: docs/inspect.md makes a tree of it ---- */

/* What `inspect` is asked for; the structure of that name. They may grow at the end. */
enum inspect_what {
	INSPECT_SYSTEM = 0,    /* handle 0 */
	INSPECT_CPU = 1,       /* handle 0; index of a CPU */
	INSPECT_PARTITION = 2, /* a partition, in any state */
	INSPECT_MAPPING = 3,   /* index of a mapping of VTL0's, by address */
	INSPECT_VP = 4,	       /* index of a VP; its active VTL */
	INSPECT_PROFILE = 5,   /* index of a VP */
};

#define INSPECT_FEATURES   8u
#define INSPECT_PRIORITIES 16u

/* What hardware does for the backend. */
enum inspect_assist {
	/* Accesses to the page of the local APICs are taken for those to the APIC of a VP. */
	ASSIST_APIC_PAGE = BIT(0),
	/* What is posted to a VP that runs is delivered when its CPU is notified. */
	ASSIST_POSTED = BIT(1),
	/* A guest's TSC can have a rate of its own without exits. */
	ASSIST_TSC_SCALING = BIT(2),
	/* What reads the descriptor tables' registers can be made to exit. */
	ASSIST_TABLES = BIT(3),
};

struct inspect_system {
	uint64_t log_bytes; /* that were logged since the start */
	uint32_t assists;   /* enum inspect_assist */
	uint32_t feature_count;
	/* svm: CPUID 8000000A EDX; vmx: the controls in use: pin-based, processor-based, secondary,
	 * exit, entry */
	uint32_t features[INSPECT_FEATURES];
};

struct inspect_cpu {
	uint32_t threads;		    /* of this CPU, that have not ended */
	uint32_t running;		    /* priority of the current one + 1; 0: idle */
	uint64_t ready[INSPECT_PRIORITIES]; /* threads that wait for the CPU, by priority */
	uint64_t switches;		    /* to another thread than the one that ran before */
	uint64_t idle_ticks;		    /* of the TSC */
};

enum partition_state {
	PARTITION_PROTO,     /* made, not built */
	PARTITION_BUILDING,  /* by one of the task's threads */
	PARTITION_BUILT,     /* its VPs can run */
	PARTITION_CHANGING,  /* by one of them: a reset, or its time is set */
	PARTITION_BAD_RESET, /* a reset failed; only a further reset helps */
	PARTITION_FROZEN,    /* its time stands still: no VP runs */
};

struct inspect_partition {
	char name[16];	/* as it was made */
	uint32_t state; /* enum partition_state */
	uint32_t vp_count;
	uint32_t apic_mode;
	uint32_t isolation;
	uint32_t flags;
	uint32_t physical_address_bits;
	uint64_t reference_time; /* 100 ns; 0 before it is built */
};

#define INSPECT_MAPPING_OWN BIT(31) /* the kernel made it: the page of a local APIC */

struct inspect_mapping {
	gpa_t gpa;
	hpa_t hpa;
	uint64_t size;
	uint32_t flags; /* enum gpa_flags, INSPECT_MAPPING_OWN */
	uint32_t reserved;
};

/* As the VP was between two runs. */
struct inspect_vp {
	uint32_t run_state; /* 0: with the VMM, 1: runs, 2: ready, 3: blocked */
	uint32_t cpu;	    /* of the thread that it is bound to; UINT32_MAX: to none */
	uint32_t requests;  /* that it has not looked at */
	uint32_t active_vtl;
	uint32_t
		activity; /* 0: runs, 1: halted, 2: waits for SIPI or CPU_ON, 3: shut down, 4: idle */
	uint32_t work;	  /* what waits for its next entry */
	uint8_t interrupt_shadow;
	uint8_t nmi_masked;
	uint8_t profiled;
	uint8_t reserved[5];
	union {
		struct {
			uint64_t apic_timer; /* system time in ticks of the TSC when it expires;
					      * UINT64_MAX: never */
			uint32_t apic[64];   /* register at offset 16 * i of the page */
			uint32_t
				apic_posted[8]; /* interrupts on their way to IRR, bits by vector */
		};
		struct { /* of an arm VP */
			uint64_t pc, pstate;
			uint64_t virtual_control, virtual_compare; /* CNTV_CTL_EL0, CNTV_CVAL_EL0 */
			uint64_t physical_control,
				physical_compare; /* CNTP_CTL_EL0, CNTP_CVAL_EL0 */
		};
	};
};

/* ---- partitions ---- */

enum isolation_type { ISOLATION_NONE = 0, ISOLATION_VBS = 1, ISOLATION_SNP = 2, ISOLATION_TDX = 3 };

enum apic_mode {
	APIC_MODE_XAPIC = 0,		/* no x2APIC */
	APIC_MODE_X2APIC_SUPPORTED = 1, /* the guest may switch it on */
	APIC_MODE_X2APIC_ENABLED = 2,	/* on at reset */
};

struct proto_partition_config {
	uint32_t vp_count;
	uint32_t threads_per_core; /* 0 is taken as 1 */
	uint32_t cores_per_socket; /* 0: all in one socket */
	union {
		uint32_t apic_mode; /* x86: enum apic_mode */
		uint32_t
			spi_count; /* arm: shared peripheral interrupts, a multiple of 32, at most 960 */
	};
	uint32_t isolation; /* enum isolation_type */
	uint32_t flags;	    /* enum proto_partition_flags */
	char name[16];	    /* for people; ends with NUL */
	union {
		uint64_t reserved[2]; /* x86: zero */
		/* arm: where the guest finds its GICv3, multiples of 64 KiB; the redistributors have 128 KiB
		 * for each VP, in the order of their indices. */
		struct {
			gpa_t gic_distributor, gic_redistributors;
		};
	};
};

enum proto_partition_flags {
	PARTITION_HYPERV = BIT(0),	   /* offer the Hyper-V interface */
	PARTITION_USER_MODE_APIC = BIT(1), /* the root models the APIC */
	PARTITION_LENIENT_PMU = BIT(2),	   /* performance-counter MSRs read 0 and take writes */
	PARTITION_HYPERV_VMM = BIT(3),	   /* with PARTITION_HYPERV: the VMM does all of it */
	/* With PARTITION_HYPERV, done by the kernel: the guest sees that its TSC is invariant only
	 * when it has asked for that. */
	PARTITION_HYPERV_TSC_INVARIANT = BIT(4),
};

/* An extra CPUID leaf: result = (default & ~mask) | (value & mask), by register eax..edx. */
struct cpuid_leaf {
	uint32_t function;
	uint32_t index;
	uint32_t index_matters;
	uint32_t reserved;
	uint32_t value[4];
	uint32_t mask[4];
};

struct partition_config {
	uint64_t cpuid_leaves; /* va of struct cpuid_leaf[] */
	uint32_t cpuid_leaf_count;
	uint32_t reserved0;
	uint64_t reserved[6]; /* zero */
};

enum gpa_flags {
	GPA_WRITABLE = BIT(0),
	GPA_EXECUTABLE = BIT(1),
};

/* A guest's write that signals an event. */
enum doorbell_kind {
	DOORBELL_GPA = 0,  /* to memory where nothing is mapped */
	DOORBELL_PORT = 1, /* OUT */
};

enum doorbell_flags {
	DOORBELL_VALUE = BIT(0), /* only a write of `value` */
};

struct doorbell_config {
	uint64_t address; /* the first byte that is written */
	uint64_t value;	  /* 0 without DOORBELL_VALUE */
	uint64_t bits;	  /* of the event, not 0 */
	handle_t event;
	uint8_t kind;	   /* enum doorbell_kind */
	uint8_t length;	   /* of the write: 1, 2, 4, 8 (ports: not 8); 0: any */
	uint16_t flags;	   /* enum doorbell_flags */
	uint64_t reserved; /* zero */
};

#define VPCI_VECTORS_MAX  32u	/* that are registered at once */
#define VPCI_MESSAGES_MAX 2048u /* of a device */
#define VPCI_MULTICAST	  BIT(0)

/* Where an interrupt of a VPCI device goes until the guest says another place: an HV_VP_SET with room for all
 * banks. */
struct vpci_interrupt {
	uint32_t vector; /* of the first one */
	uint32_t flags;	 /* VPCI_MULTICAST: to all VPs of the set; else to any one */
	uint64_t format; /* HV_VP_SET_SPARSE, HV_VP_SET_ALL */
	uint64_t valid_banks;
	uint64_t banks[64];
};

/* Message ports and event ports of a partition share the connections' ids: HV_CONNECTION_ID. */
#define PORT_MESSAGES 31u /* that wait in a message port; a guest that posts more is told */

/* A message as a guest posted it: `type`, `payload_size` and `payload` are the guest's, the rest of
 * `message` is 0. */
struct port_message {
	struct hv_message message;
	uint32_t vp; /* that posted it */
	uint32_t vtl;
};

#define PARTITION_CRASH_PARAMETERS 5u
#define PARTITION_CRASH_TEXT	   4096u

/* What a guest told by the crash registers of its Hyper-V interface. */
struct partition_crash {
	uint32_t count; /* of crashes since the partition was built or reset, this one too */
	uint32_t vp;	/* that told */
	uint32_t vtl;
	uint32_t text_size; /* 0: it gave none */
	uint64_t control;   /* what it wrote to the control register */
	uint64_t parameter[PARTITION_CRASH_PARAMETERS];
	char text[PARTITION_CRASH_TEXT]; /* the guest's: anything may be in it */
};

enum dirty_flags {
	DIRTY_CLEAR = BIT(0), /* what is told is clean from now on */
};
#define DIRTY_SIZE_MAX (128ull << 20) /* of one call that reads or marks */

struct partition_caps {
	char vendor[16]; /* CPUID vendor that the guest sees */
	uint32_t physical_address_bits;
	union {
		uint32_t apic_mode;
		uint32_t gic_version; /* arm: 3 */
	};
	uint64_t xsave_features;      /* XCR0 bits that a guest may set */
	uint32_t xsave_size_standard; /* bytes for all of them */
	uint32_t xsave_size_compact;
	union {
		uint64_t reset_rdx;
		uint64_t midr; /* arm: MIDR_EL1, that of the machine */
	};
	uint32_t flags; /* enum partition_cap_flags */
	uint32_t vp_count;
	uint64_t tsc_hz;
};

enum partition_cap_flags {
	CAP_HYPERV = BIT(0),
	CAP_TSC_AUX = BIT(1),
	CAP_CET = BIT(2),
	CAP_CET_SS = BIT(3),
	CAP_SGX = BIT(4),
	CAP_NESTED = BIT(5),
	CAP_CAN_FREEZE_TIME = BIT(6),
	CAP_AARCH32_EL0 = BIT(7), /* arm: programs may be AArch32's */
};

/* ---- running a VP ---- */

enum vp_run_reason {
	VP_RUN_NONE = 0,
	VP_RUN_PORT_IO = 1, /* port: one IN or OUT of a register */
	VP_RUN_EMULATE = 2, /* emulate: MMIO, string I/O, MOV CR and others: all of `regs` valid */
	VP_RUN_EOI = 3,	    /* eoi: a level-triggered vector was ended by the guest */
	VP_RUN_PIC_VECTOR = 4,	 /* ExtINT accepted: the answer is pic.vector */
	VP_RUN_YIELD = 5,	 /* vp_request_yield; a further vp_run goes on */
	VP_RUN_TRIPLE_FAULT = 6, /* shut down; only vp_reset helps */
	VP_RUN_SINGLE_STEP = 7,	 /* one instruction is done, or an event delivered; `regs` valid */
	VP_RUN_HW_BREAK = 8,	 /* breakpoint: one that vp_set_debug_state set; `regs` valid */
	VP_RUN_INIT_RESET = 9,	 /* reserved */
	VP_RUN_FAILED = 10,	 /* the processor refused the guest state: failed.code */
	VP_RUN_INT3 = 11,	 /* RIP is at an INT3, with DEBUG_INT3; `regs` valid */
	/* msr: with PARTITION_USER_MODE_APIC one of the APIC's, with PARTITION_HYPERV_VMM one of
	 * 0x40000000 to 0x400001ff */
	VP_RUN_MSR = 12,
	/* With PARTITION_USER_MODE_APIC; interrupt.cr8 is valid, as of VP_RUN_MSR. */
	VP_RUN_HALT = 13,	      /* HLT; it is done */
	VP_RUN_INTERRUPT_WINDOW = 14, /* that was asked for: VP_SET_INTERRUPT is taken at once */
	/* With PARTITION_HYPERV_VMM. */
	VP_RUN_CPUID = 15,     /* cpuid: a leaf of 0x40000000 to 0x4000ffff */
	VP_RUN_HYPERCALL = 16, /* hypercall: VMCALL or VMMCALL, in any mode; `regs` valid */
	/* Of arm guests. */
	VP_RUN_MMIO = 32, /* mmio: a load or store of one register that the processor has decoded */
	VP_RUN_SYSTEM_OFF = 33,	  /* PSCI SYSTEM_OFF: no VP of the partition should run any more */
	VP_RUN_SYSTEM_RESET = 34, /* PSCI SYSTEM_RESET, SYSTEM_RESET2: reset.type, reset.cookie */
};

/* In the value of a vp_apic_access that wrote: bits 0-7 are a level-triggered vector that has been
 * ended, as VP_RUN_EOI would have told. */
#define APIC_ACCESS_EOI 0x100u

/* struct vp_run_page, one for each VP, is a page of the VMM's memory. The kernel writes it before vp_run returns, and
 * reads the answer at the next vp_run. It is the architecture's, as enum vp_run_set and enum vp_emulate_flags. */
#ifdef TRIVET_AARCH64
#include <trivet/aarch64/abi.h>
#else
#include <trivet/x86_64/abi.h>
#endif
static_assert(sizeof(struct vp_run_page) <= 4096, "one page");

/* ---- debugging a VP ---- */

#define BREAKPOINT_COUNT 4u

enum vp_breakpoint_kind {
	BREAKPOINT_NONE = 0,
	BREAKPOINT_EXECUTE = 1, /* before the instruction at `address` */
	BREAKPOINT_WRITE = 2,	/* after the instruction that has written */
	BREAKPOINT_ACCESS = 3,	/* after the one that has read or written */
};

struct vp_breakpoint {
	uint64_t address; /* linear; a multiple of length */
	uint8_t kind;	  /* enum vp_breakpoint_kind */
	uint8_t length;	  /* 1, 2, 4, 8; 1 for BREAKPOINT_EXECUTE, 0 for BREAKPOINT_NONE */
	uint8_t reserved[6];
};

enum vp_debug_flags {
	DEBUG_SINGLE_STEP = BIT(0), /* return after each instruction */
	DEBUG_INT3 = BIT(1),	    /* return at an INT3, which the guest does not get */
	/* With DEBUG_SINGLE_STEP: interrupts and NMIs wait, unless the VP halts. */
	DEBUG_HOLD_INTERRUPTS = BIT(2),
};

struct vp_debug_state {
	uint32_t flags; /* enum vp_debug_flags */
	uint32_t reserved;
	struct vp_breakpoint breakpoint[BREAKPOINT_COUNT];
};

/* Exits by kind; the order is enum vp_exit_kind's and may grow at the end. */
#define VP_STATS_EXITS 40
struct vp_stats {
	uint64_t exits[VP_STATS_EXITS];
	uint64_t returns_to_vmm;
	uint64_t injected_interrupts;
	uint64_t loaded_ticks; /* of the host's TSC, while the VP was on a CPU */
};

/* What they cost since vp_profile switched it on, in ticks of the host's TSC, by kind. */
struct inspect_profile {
	uint64_t handler
		[VP_STATS_EXITS];     /* from where the exit is known to the end of its handler */
	uint64_t vmm[VP_STATS_EXITS]; /* from there to where the VMM has had the VP run again */
};

#endif

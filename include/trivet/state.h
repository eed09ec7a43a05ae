/* SPDX-License-Identifier: MIT */
/*
 * The saved state of virtual processors, partitions and devices. docs/state.md is the reference in
 * prose.
 *
 * A state is a header and records, each of a whole number of eight bytes. Nothing in it tells which
 * backend it came from. Numbers are little-endian. Reserved fields and padding are 0.
 */
#ifndef TRIVET_STATE_H
#define TRIVET_STATE_H

#include <trivet/hv/registers.h>
#include <trivet/hv/synic.h>
#include <trivet/types.h>

#define STATE_MAGIC	0x4554415453545654ull /* "TVTSTATE" */
#define STATE_VERSION	1u
#define STATE_ALIGNMENT 8u

enum state_architecture { STATE_X86_64 = 1, STATE_AARCH64 = 2 };

/* Whose state it is; each kind numbers its own elements. */
enum state_kind { STATE_OF_VP = 1, STATE_OF_PARTITION = 2, STATE_OF_DEVICES = 3 };

struct state_header {
	uint64_t magic;
	uint32_t version;
	uint16_t architecture; /* enum state_architecture */
	uint16_t kind;	       /* enum state_kind */
	uint64_t size;	       /* in bytes, of all, this header too */
	uint32_t records;
	uint32_t reserved;
};
static_assert(sizeof(struct state_header) == 32, "ABI");

/* Records stand in ascending order of element, then VTL: none comes twice. What all VTLs of a VP
 * share stands at VTL 0. */
struct state_record {
	uint32_t element; /* from 1 up */
	uint16_t vtl;
	uint16_t flags;	 /* none is defined */
	uint32_t length; /* of the data that follow, without their padding */
	uint32_t reserved;
};
static_assert(sizeof(struct state_record) == 16, "ABI");

/* ---- elements of a partition ---- */

enum partition_state_element {
	PARTITION_STATE_TIME = 1,	   /* struct partition_state_time */
	PARTITION_STATE_HYPERCALL = 2,	   /* struct partition_state_hypercall */
	PARTITION_STATE_REFERENCE_TSC = 3, /* struct partition_state_reference_tsc */
	PARTITION_STATE_TSC_CONTROL = 4,   /* struct partition_state_tsc_control */
	PARTITION_STATE_GIC = 5,	   /* arm: struct partition_state_gic */
	PARTITION_STATE_ELEMENTS,
};

/* Reference time and the TSC at one instant. The TSC of a VP is the partition's and what the VP's
 * software has added to it. */
struct partition_state_time {
	uint64_t reference_time; /* in units of 100 ns */
	uint64_t tsc;
	uint64_t tsc_hz;
};

/* Registers of the Hyper-V interface that all VPs share. */
struct partition_state_hypercall {
	uint64_t guest_os_id;
	uint64_t hypercall;
	uint64_t crash[5]; /* P0 to P4 */
};

struct partition_state_reference_tsc {
	uint64_t reference_tsc;
	uint32_t sequence; /* the last one that the page had and was valid; 0: none */
	uint32_t reserved;
};

/* Registers by which the guest tells how it wants to see its TSC, and to hear of another rate. */
struct partition_state_tsc_control {
	uint64_t reenlightenment; /* HV_REENLIGHTENMENT_CONTROL */
	uint64_t emulation;	  /* HV_TSC_EMULATION_CONTROL */
	uint64_t invariant;	  /* HV_TSC_INVARIANT_CONTROL */
};

/* ---- elements of a VP: VP_STATE_TABLE of the architecture, in the order in which they are saved and
 * restored ---- */

#ifdef TRIVET_AARCH64
#include <trivet/aarch64/state.h>
#else
#include <trivet/x86_64/state.h>
#endif

#define VP_STATE_ENUM(name, number) VP_STATE_##name = (number),
enum vp_state_element {
	VP_STATE_TABLE(VP_STATE_ENUM) VP_STATE_ELEMENTS, /* one more than the last */
};
#undef VP_STATE_ENUM

struct vp_state_synic {
	uint64_t control;  /* SCONTROL */
	uint64_t version;  /* SVERSION */
	uint64_t events;   /* SIEFP */
	uint64_t messages; /* SIMP */
	uint64_t sint[HV_SINT_COUNT];
};

/* A message that waits for its slot. */
struct vp_state_message {
	uint32_t sint;
	uint32_t
		timer; /* n + 1: that of synthetic timer n, which has one at most; 0: it was posted */
	struct hv_message message; /* its flags are 0, and so is what is not its payload; of a
				    * timer, the time of delivery too */
};

#define VP_STATE_POSTED 32u
#define VP_STATE_QUEUED (VP_STATE_POSTED + HV_STIMER_COUNT)

/* Source by source, each in its order; the entries that are not used are 0. Of those that were posted, each
 * source that has none could have one more. */
struct vp_state_queues {
	uint32_t count;
	uint32_t reserved;
	struct vp_state_message entry[VP_STATE_QUEUED];
};

struct vp_state_timers {
	struct {
		uint64_t config, count; /* the registers */
		uint64_t expiration;	/* in reference time; UINT64_MAX: it does not run */
	} timer[HV_STIMER_COUNT];
};

/* The VP assist page of the Hyper-V interface, and the register that places it. */
struct vp_state_assist {
	uint64_t assist;
	uint8_t page[4096];
};

/* ---- devices: each record begins with this ---- */

struct state_device {
	char name[16];
	uint32_t version;
	uint32_t reserved;
};

#endif

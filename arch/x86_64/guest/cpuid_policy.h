/* SPDX-License-Identifier: MIT */
/*
 * What a guest's CPUID says, as a table: each leaf with the host's bits that pass, the bits that
 * are always set, and a function where the value follows from the partition. Pure: the host's
 * CPUID comes through a function, so that a test can be any processor.
 */
#ifndef GUEST_CPUID_POLICY_H
#define GUEST_CPUID_POLICY_H

#include <trivet/abi.h>

enum cpuid_register { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

typedef void (*cpuid_reader)(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* Where the host's values are read; the processor's CPUID instruction. Tests put theirs here. */
extern cpuid_reader cpuid_host;

/* Counts of the partition, and how many bits of an APIC id each level takes. */
struct cpuid_topology {
	uint32_t threads; /* in a core */
	uint32_t cores;	  /* in a socket */
	uint32_t thread_bits, core_bits;
};

#define XSAVE_COMPONENTS 20u

/* The layout of the XSAVE area (SDM volume 1, "XSAVE Area"). */
struct cpuid_xsave {
	uint64_t allowed; /* components of XCR0 */
	uint64_t aligned; /* to 64 in the compact form */
	uint32_t offset[XSAVE_COMPONENTS];
	uint32_t size[XSAVE_COMPONENTS];
};

struct cpuid_policy {
	const struct proto_partition_config *config;
	struct cpuid_topology topology;
	struct cpuid_xsave xsave;
	uint32_t basic_max, extended_max; /* as the guest sees them */
	uint32_t tsc_khz;
	uint8_t physical_bits; /* of the guest's physical addresses */
	bool amd;	       /* AMD or Hygon */
	bool npiep;	       /* the backend can do it */
};

/* What depends on the VP or its state, filled in at the time of asking. */
enum cpuid_dynamic {
	CPUID_STATIC,
	CPUID_FEATURES,	     /* leaf 1: APIC id, APIC enabled, OSXSAVE */
	CPUID_EXTENDED,	     /* leaf 0x80000001: APIC enabled */
	CPUID_OSPKE,	     /* leaf 7 */
	CPUID_TOPOLOGY,	     /* leaves 0xb, 0x1f: x2APIC id; past the last level: its number */
	CPUID_XSAVE_SIZE,    /* leaf 0xd, 0: size for XCR0 */
	CPUID_XSAVE_COMPACT, /* leaf 0xd, 1: size for XCR0 | XSS */
	CPUID_NODE,	     /* leaf 0x8000001e: APIC, core and node id */
};

struct cpuid_vp_state {
	uint32_t apic_id;
	bool apic_enabled;
	uint64_t cr4, xcr0, xss;
};

/* gpa_bits: of the addresses that second-level tables translate. */
void cpuid_policy_init(struct cpuid_policy *policy, const struct proto_partition_config *config,
		       uint32_t tsc_khz, unsigned int gpa_bits);

/* The rows: leaf `function`, subleaves index to index + index_count - 1; a count of 0: the
 * subleaf does not matter. False after the last one. Sorted. Rows that this guest does not have
 * are given with `present` false. */
struct cpuid_policy_row {
	uint32_t function;
	uint32_t index, index_count;
	enum cpuid_dynamic dynamic;
	bool present;
};
bool cpuid_policy_row_get(const struct cpuid_policy *policy, unsigned int n,
			  struct cpuid_policy_row *row);
/* The static part of row n's subleaf. */
void cpuid_policy_value(const struct cpuid_policy *policy, unsigned int n, uint32_t index,
			uint32_t out[4]);

#define CPUID_LEAF_TIME 0x40000010u /* of Trivet's own */

/* The leaves from 0x40000000 up (hv_cpuid.c); false: there is none, and it reads 0. */
bool cpuid_hypervisor(const struct cpuid_policy *policy, uint32_t leaf, uint32_t out[4]);

void cpuid_dynamic_apply(enum cpuid_dynamic kind, const struct cpuid_topology *topology,
			 const struct cpuid_xsave *xsave, const struct cpuid_vp_state *state,
			 uint32_t subleaf, uint32_t out[4]);

void cpuid_topology_init(struct cpuid_topology *topology,
			 const struct proto_partition_config *config);
uint32_t cpuid_xsave_size(const struct cpuid_xsave *xsave, uint64_t xcr0);
uint32_t cpuid_xsave_size_compact(const struct cpuid_xsave *xsave, uint64_t components);

#endif

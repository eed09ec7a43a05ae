/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a guest sees it: leaves made once for a partition from the policy
 * (cpuid_policy.h) and the VMM's own leaves, then looked up at each exit. What depends on the VP
 * or its state (APIC id, OSXSAVE, sizes by XCR0) is filled in at the lookup.
 */
#ifndef GUEST_CPUID_H
#define GUEST_CPUID_H

#include "cpuid_policy.h"
#include <kernel/processor.h>

#define CPUID_DIRECT_LEAVES 256u
#define CPUID_DIRECT_SLOW   0x8000u

struct cpuid_entry {
	uint32_t function, index;
	uint32_t value[4];
	uint8_t dynamic;	/* enum cpuid_dynamic */
	bool indexed;		/* one of several subleaves */
} __attribute__((aligned(32))); /* found by a shift */

struct guest_cpuid {
	uint32_t count;
	unsigned int order; /* of the pages that it lies in */
	bool amd;
	uint32_t basic_max;
	struct cpuid_topology topology;
	struct cpuid_xsave xsave;
	/* 1 + number of the first entry; 0: none. With CPUID_DIRECT_SLOW when its value is not the answer
	 * yet: it has subleaves, or depends on the VP. */
	uint16_t direct[CPUID_DIRECT_LEAVES]; /* by cpuid_direct_index() */
	struct cpuid_entry entries[];
};

/* The first 64 leaves from 0, 0x40000000, 0x80000000 and 0xc0000000 are in the index: the upper two
 * bits of the leaf go below the others. */
static inline uint32_t cpuid_direct_index(uint32_t leaf)
{
	return leaf << 2 | leaf >> 30;
}

/* What the index says of a leaf; 0: nothing. */
static inline uint32_t cpuid_direct(const struct guest_cpuid *cpuid, uint32_t leaf)
{
	uint32_t index = cpuid_direct_index(leaf);

	return likely(index < CPUID_DIRECT_LEAVES) ? cpuid->direct[index] : 0;
}

/* Makes partition->arch.cpuid, paid by its heap, and cr4_allowed, efer_allowed, xcr0_allowed,
 * instructions, xss_allowed, lenient_pmu of partition->arch, and partition->physical_bits, from its config.
 * leaves: checked, applied on top, later ones last. NO_MEMORY, INVALID_ARGUMENT (reserved not zero, index_matters
 * over 1), TOO_LARGE; nothing is changed then. */
status_t guest_cpuid_build(struct partition *partition, const struct cpuid_leaf *leaves,
			   uint32_t count) __must_check;
void guest_cpuid_destroy(struct partition *partition);

/* The answer to CPUID: eax, ebx, ecx, edx. The VP's own CPU. */
void guest_cpuid_query(const struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
/* The same for a leaf that has one answer for all VPs and subleaves, as most have; NULL: another. */
static inline const uint32_t *guest_cpuid_value(const struct vp *vp, uint32_t leaf)
{
	const struct guest_cpuid *cpuid = vp->partition->arch.cpuid;
	uint32_t n = cpuid_direct(cpuid, leaf) - 1;

	return likely(n < CPUID_DIRECT_SLOW - 1) ? cpuid->entries[n].value : NULL;
}
/* What VP 0 would get right after reset, without leaves of the VMM's. Needs no memory. */
void guest_cpuid_default(const struct proto_partition_config *config, uint32_t leaf,
			 uint32_t subleaf, uint32_t out[4]);

/* The components of its XSAVE area, as built, or, before that, by default. */
void guest_xsave(const struct partition *partition, struct cpuid_xsave *xsave);

/* A leaf without subleaves as built, whatever the VPs do; 0 where there is none. */
void guest_cpuid_built(const struct partition *partition, uint32_t leaf, uint32_t out[4]);
/* Whether a feature bit is set as built: register 0-3 is eax-edx. */
bool guest_cpuid_has(const struct partition *partition, uint32_t leaf, unsigned int reg,
		     unsigned int bit);
/* Shows such a bit while VPs run, or hides it. */
void guest_cpuid_show(struct partition *partition, uint32_t leaf, unsigned int reg,
		      unsigned int bit, bool on);
/* Trivet's own leaf of time, if the VMM has not made it another, tells of that rate of the TSC from now on. */
void guest_cpuid_rate_set(struct partition *partition, uint64_t before, uint64_t hz);
/* "AuthenticAMD" or a processor that follows its manuals. */
bool guest_cpuid_is_amd(const struct partition *partition);

/* ---- topology: APIC ids ---- */

/* The APIC id of VP `index`: socket, core and thread fields (SDM, "Hierarchical Mapping"). */
uint32_t guest_apic_id(const struct proto_partition_config *config, uint32_t index);
/* The VP that has this id; false: none. */
bool guest_apic_index(const struct proto_partition_config *config, uint32_t id, uint32_t *index);

#endif

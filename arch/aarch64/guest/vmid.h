/* SPDX-License-Identifier: MIT */
/*
 * VMIDs of guests. A number is drawn for a partition when it needs one, of the current generation; when all are used
 * up a new generation begins, in which only what CPUs are at keeps its number, and each CPU drops all
 * translations before it runs a guest again. Pure but for its lock.
 */
#ifndef GUEST_VMID_H
#define GUEST_VMID_H

#include <arch/guest.h>

#define VMID_BITS_MAX 16u

/* Of a CPU. */
struct vmid_cpu {
	_Atomic uint64_t active; /* what it runs, or ran last; 0: nothing, or it has to look anew */
	uint64_t kept;		 /* what it was at when the generation began */
	bool flush;		 /* before it runs a guest */
	struct vmid_cpu *next;
};

/* VMIDs have so many bits; those below `first` are somebody else's. */
void vmid_init(uint32_t bits, uint32_t first);
/* On each CPU, once. */
void vmid_cpu_add(struct vmid_cpu *cpu);
/* The number for the guest on this CPU, valid until the CPU asks for another. *flush: all translations of guests
 * are to be dropped first. */
uint32_t vmid_get(struct vmid_cpu *cpu, struct guest_vmid *vmid, bool *flush);

#endif

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
extern _Atomic uint64_t vmid_generation; /* the number's bits are 0; from the first one up */
static inline bool vmid_is_current(uint64_t value)
{
	return value >> VMID_BITS_MAX ==
	       atomic_load_explicit(&vmid_generation, memory_order_acquire) >> VMID_BITS_MAX;
}
/* The CPU is still at this guest's: vmid_get() would say the same as the last time. A generation that begins
 * later finds it so, and keeps it. */
static inline bool vmid_stays(struct vmid_cpu *cpu, struct guest_vmid *vmid)
{
	uint64_t active = atomic_load_explicit(&cpu->active, memory_order_acquire);

	return active && active == atomic_load_explicit(&vmid->value, memory_order_relaxed) &&
	       vmid_is_current(active);
}
/* The number for the guest on this CPU, valid until the CPU asks for another. *flush: all translations of guests
 * are to be dropped first. */
uint32_t vmid_get(struct vmid_cpu *cpu, struct guest_vmid *vmid, bool *flush);

#endif

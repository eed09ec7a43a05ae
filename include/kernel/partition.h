/* SPDX-License-Identifier: MIT */
/*
 * A partition: its address spaces by VTL, its virtual processors, its account of memory. First
 * a proto partition, which can be asked questions; built, it has its VPs and can run.
 */
#ifndef KERNEL_PARTITION_H
#define KERNEL_PARTITION_H

#include <arch/guest.h>
#include <kernel/arch.h>
#include <kernel/lock.h>
#include <kernel/memory.h>
#include <kernel/object.h>
#include <trivet/abi.h>

#define VTL_COUNT 3u /* VTL0 to VTL2 */

struct vp;
struct doorbell_entry;
struct gpa_space;
struct hv_partition;
struct task;

struct partition {
	struct object object;
	struct task *owner;	/* gets the deposits back; NULL: made by the kernel's self tests */
	struct heap own_heap;	/* what was deposited */
	struct heap *heap;	/* pays: &own_heap, or the kernel's for self tests */
	_Atomic uint32_t state; /* enum partition_state */
	uint32_t vp_count;
	struct vp **vps;       /* by index; made by build */
	uint8_t physical_bits; /* width of its physical addresses; the architecture sets it */
	struct proto_partition_config config;
	struct gpa_space *space[VTL_COUNT]; /* VTLs that don't differ share one */
	/* Chains of kernel/doorbell.c; NULL: it never had a doorbell. */
	_Atomic(struct doorbell_entry *) *_Atomic doorbells;
	uint32_t doorbell_count;
	uint64_t time_base;	       /* timestamp at which its reference time was... */
	uint64_t time_offset;	       /* ... this */
	uint64_t frozen_at;	       /* timestamp at which its time stands still; 0: it goes */
	_Atomic uint32_t time_changes; /* of these three; odd while one is under way */
	struct hv_partition *hv;       /* the Hyper-V interface; NULL: it has none */
	struct arch_partition arch;
	void *backend; /* the backend's own */
};

/* Whether this machine can run partitions, and if not why (STATUS_NO_VIRTUALIZATION, ...). */
status_t hypervisor_available(void);
void hypervisor_init(void);
/* On each CPU, once it is up. */
status_t hypervisor_cpu_enable(void);

/* A proto partition that `owner` pays for; owner NULL: the kernel heap pays (self tests).
 * INVALID_ARGUMENT, NOT_SUPPORTED, why it can't be isolated, NO_MEMORY, or why there is no hypervisor. */
status_t proto_partition_create(struct task *owner, const struct proto_partition_config *config,
				struct partition **partition) __must_check;
/* Makes it final: VPs, address spaces. NO_MEMORY: deposit more and call again. */
status_t proto_partition_build(struct partition *partition, const struct cpuid_leaf *leaves,
			       uint32_t leaf_count) __must_check;
/*
 * Takes a partition for a change, if its state is one of @from (a mask of BIT(enum partition_state)): no VP
 * runs until its state is set again, which was *before. WRONG_STATE. BUSY: a VP is in vp_run, or another
 * thread is at it.
 */
status_t partition_change_begin(struct partition *partition, uint32_t from,
				uint32_t *before) __must_check;
/* Back to the state after build, memory mappings kept. BUSY while a VP is in vp_run, or another reset is
 * under way. After any other failure no VP runs until a reset has succeeded. */
status_t partition_reset(struct partition *partition);
void partition_put(struct partition *partition);
/* A block that was taken out of its heap goes back to the task that deposited it. NO_MEMORY: the
 * task's window cannot take it, and the partition has it again. */
status_t partition_block_give(struct partition *partition, hpa_t block);

/* Around each change of time, which is short, and made by one CPU at a time: partition_change_begin(). */
static inline void partition_time_change(struct partition *partition)
{
	atomic_fetch_add(&partition->time_changes, 1);
}
static inline void partition_time_changed(struct partition *partition)
{
	atomic_fetch_add(&partition->time_changes, 1);
}
/* What is read of time from the look on is right, if time is not other than at the look. */
static inline uint32_t partition_time_look(const struct partition *partition)
{
	uint32_t changes;

	while ((changes = atomic_load(&partition->time_changes)) & 1)
		cpu_relax();
	return changes;
}
static inline bool partition_time_is_other(const struct partition *partition, uint32_t changes)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&partition->time_changes, memory_order_relaxed) != changes;
}

/* Reference time in units of 100 ns since it was built, or from where it was restored. */
uint64_t partition_reference_time(const struct partition *partition);
uint64_t partition_reference_time_at(const struct partition *partition, uint64_t timestamp);
/* The timestamp that is now to its VPs. */
static inline uint64_t partition_timestamp(const struct partition *partition)
{
	return unlikely(partition->frozen_at) ? partition->frozen_at : timestamp_read();
}

/* The VMM models the local APICs: the kernel has none to send to. */
static inline bool partition_has_user_apic(const struct partition *partition)
{
	return partition->config.flags & PARTITION_USER_MODE_APIC;
}

/* The kernel does the Hyper-V interface; or the VMM does, if it is shown at all. */
static inline bool partition_has_hyperv(const struct proto_partition_config *config)
{
	return (config->flags & (PARTITION_HYPERV | PARTITION_HYPERV_VMM)) == PARTITION_HYPERV;
}
static inline bool partition_has_user_hyperv(const struct partition *partition)
{
	return partition->config.flags & PARTITION_HYPERV_VMM;
}

struct vp *partition_vp(const struct partition *partition, uint32_t index); /* NULL: none */
/* The address space of a VTL; NULL when the VTL isn't enabled. */
struct gpa_space *partition_space(const struct partition *partition, uint32_t vtl);

#endif

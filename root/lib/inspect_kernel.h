/* SPDX-License-Identifier: MIT */
/*
 * The kernel's part of the inspect tree, over the system calls. docs/inspect.md says what each value
 * means. Who puts the tree together says which partitions there are: the kernel knows them by handles.
 */
#ifndef LIB_INSPECT_KERNEL_H
#define LIB_INSPECT_KERNEL_H

#include <lib/inspect.h>
#include <trivet/abi.h>

/* The first member of the walk's context. What directories show is copied into it. */
struct inspect_kernel {
	const struct boot_info *boot; /* set by who makes it, before a walk */
	handle_t partition;	      /* set by who opens a partition's directory */
	uint32_t vp;

	struct {
		struct inspect_system kernel;
		struct memory_info memory;
		uint64_t time;
		char virtualization[48];
	} system;
	struct {
		struct inspect_cpu kernel;
		uint64_t idle_time;
	} cpu;
	struct {
		struct inspect_partition kernel;
		struct memory_info memory;
		uint64_t reference_time; /* ns */
	} partition_view;
	struct {
		struct inspect_mapping kernel;
		bool writable, executable, own;
	} mapping;
	struct {
		struct inspect_vp kernel;
		struct vp_stats stats;
		char cpu[16];
		uint64_t time_on_cpu, apic_timer; /* ns */
		uint32_t apic_vectors[3][8];	  /* ISR, TMR, IRR */
	} vp_view;
	struct inspect_profile profile;
	union hv_register_value registers[80];
};

/* Of the system: rows of the tree's top, whose base inspect_system_look() gives. */
#define INSPECT_SYSTEM_ROWS 5u
extern const struct inspect_row inspect_system_rows[INSPECT_SYSTEM_ROWS];
const void *inspect_system_look(struct inspect_kernel *in);
extern const struct inspect_directory inspect_boot, inspect_cpus, inspect_svm, inspect_vmx;

/* Of a partition, so too. NULL: the handle names none. */
#define INSPECT_PARTITION_ROWS 10u
extern const struct inspect_row inspect_partition_rows[INSPECT_PARTITION_ROWS];
const void *inspect_partition_look(struct inspect_kernel *in);
extern const struct inspect_directory inspect_mappings, inspect_vps;

/* The names of exits by number, each ended by a NUL, the list by an empty one. */
extern const char inspect_exit_names[];

#endif

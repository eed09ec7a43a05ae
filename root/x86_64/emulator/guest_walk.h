/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's own page tables: from a guest-virtual to a guest-physical address,
 * as the guest's processor would do it. Formats: none, 32-bit (with PSE-36), PAE, 4-level
 * and 5-level (SDM vol. 3 chapter 4, APM vol. 2 chapter 5).
 *
 * It promises the page-fault error code of the hardware, and the accessed and dirty bits.
 * It keeps no TLB and does not check canonical form or segments: that is its caller's work.
 * Pure: no globals, no allocation.
 */
#ifndef EMULATOR_GUEST_WALK_H
#define EMULATOR_GUEST_WALK_H

#include <trivet/types.h>

/*
 * How guest RAM is reached. No access crosses a page (4 KiB) boundary. Every function
 * answers false, and does nothing, if the address is not RAM that it may access so.
 */
struct guest_memory_ops {
	/* Copies size (1..16) bytes of guest RAM at gpa to data. */
	bool (*read_gpa)(void *context, gpa_t gpa, void *data, unsigned size);
	/* Copies size (1..16) bytes from data to guest RAM at gpa. */
	bool (*write_gpa)(void *context, gpa_t gpa, const void *data, unsigned size);
	/*
	 * Atomically: if RAM at gpa holds *expected, store *desired there and set *exchanged;
	 * otherwise clear *exchanged. size is 1, 2, 4, 8 or 16; gpa may be unaligned below 16.
	 * May be NULL: then locked accesses are a read and a write, which is right only while
	 * no other processor of the guest runs.
	 */
	bool (*cmpxchg_gpa)(void *context, gpa_t gpa, const void *expected, const void *desired,
			    unsigned size, bool *exchanged);
};

/* The registers that steer a walk, as the guest sees them. */
struct guest_paging {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint64_t rflags;       /* for AC, which opens SMAP */
	uint32_t pkru;	       /* used while CR4.PKE is set */
	uint8_t physical_bits; /* MAXPHYADDR of the guest; 0 means 52 */
};

/* What the access is; any combination. A read of data by a supervisor is 0. */
enum guest_walk_access {
	GUEST_WALK_WRITE = 1 << 0,
	GUEST_WALK_USER = 1 << 1,  /* made at CPL 3 */
	GUEST_WALK_FETCH = 1 << 2, /* an instruction fetch */
	/* made by the processor itself (descriptor tables, TSS): supervisor, no AC for SMAP */
	GUEST_WALK_IMPLICIT = 1 << 3,
	/* a look from outside: rights are not checked, accessed and dirty stay as they are */
	GUEST_WALK_DEBUG = 1 << 4,
};

/* Bits of a page-fault error code (SDM vol. 3, 4.7). */
#define PAGE_FAULT_PRESENT  BIT(0)
#define PAGE_FAULT_WRITE    BIT(1)
#define PAGE_FAULT_USER	    BIT(2)
#define PAGE_FAULT_RESERVED BIT(3)
#define PAGE_FAULT_FETCH    BIT(4)
#define PAGE_FAULT_KEY	    BIT(5)

enum guest_walk_status {
	GUEST_WALK_OK,
	GUEST_WALK_PAGE_FAULT, /* error_code says why */
	GUEST_WALK_NO_TABLE,   /* a table lies outside RAM, at gpa */
	GUEST_WALK_CONTENDED,  /* the tables kept changing: try again later */
};

struct guest_walk_result {
	gpa_t gpa;	     /* of the byte asked for */
	uint64_t page_size;  /* bytes of the page that holds it; 4 KiB without paging */
	uint64_t entry;	     /* the entry that maps it, before accessed and dirty were set */
	uint32_t error_code; /* for PAGE_FAULT */
};

/*
 * Translates gva for an access (a set of enum guest_walk_access). The upper half of gva
 * is ignored where the format has no bits for it. Sets accessed and dirty bits only if
 * the whole walk allows the access. result is written whole for every status.
 */
enum guest_walk_status guest_walk(const struct guest_paging *paging,
				  const struct guest_memory_ops *memory, void *context, gva_t gva,
				  unsigned access, struct guest_walk_result *result);

#endif

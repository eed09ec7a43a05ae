/* SPDX-License-Identifier: MIT */
/*
 * How a guest's first processor starts: every register that a loader's boot protocol speaks of,
 * in the form in which the registers are set (TLFS 7.9: segment and table registers). Registers
 * that are not named here keep their values at reset. Other processors wait for SIPI.
 */
#ifndef LOADER_BOOT_STATE_H
#define LOADER_BOOT_STATE_H

#include <trivet/types.h>

enum boot_mode {
	BOOT_MODE_PROTECTED, /* 32-bit, flat segments, no paging */
	BOOT_MODE_LONG,	     /* 64-bit, identity page tables */
};

/* Layout of HV_X64_SEGMENT_REGISTER. */
struct boot_segment {
	uint64_t base;
	uint32_t limit; /* in bytes, granularity applied */
	uint16_t selector;
	uint16_t attributes; /* type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15 */
};

struct boot_table {
	uint64_t base;
	uint16_t limit;
};

struct boot_state {
	enum boot_mode mode;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t rip, rflags;
	uint64_t cr0, cr3, cr4, efer;
	struct boot_segment cs, ds, es, fs, gs, ss, tr, ldtr;
	struct boot_table gdtr, idtr;
};

/*
 * Fill in the parts that all protocols share; general registers are 0, RFLAGS is 2 (IF=0).
 * Code and data segments get the selectors given; the GDT that holds them is at gdt with the
 * limit given.
 */
void boot_state_set_protected(struct boot_state *state, uint16_t code, uint16_t data, gpa_t gdt,
			      uint16_t gdt_limit);
/* page_tables: guest-physical address of the PML4. */
void boot_state_set_long(struct boot_state *state, uint16_t code, uint16_t data, gpa_t gdt,
			 uint16_t gdt_limit, gpa_t page_tables);

#endif

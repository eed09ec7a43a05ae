/* SPDX-License-Identifier: MIT */
/*
 * Each system call with each fault that it can have, one at a time, and the status that says so. A table
 * (wrong_shared.c) has each call with arguments that are right; what is wrong replaces one of them, or a
 * field of what one points to. After each call that was refused all that can be seen must be as before.
 *
 *   wrong_shared.c  the table, and what all calls with an argument of a kind have in common: handles, rights,
 *                   VTLs, indices, buffers, pages, ranges
 *   wrong_values.c  what is one call's own: rows
 *   wrong_states.c  objects in a state in which a call cannot be done
 *   wrong_lines.c   what takes somebody who types
 */
#ifndef HOSTILE_WRONG_H
#define HOSTILE_WRONG_H

#include "../hostile.h"

#define KERNEL_ADDRESS 0xffffffff80100000ull
#define NON_CANONICAL  0x0000900000000000ull
#define WINDOW_END     (ROOT_WINDOW_BASE + GIB(512))
#define NO_HANDLE      0x7fffffull
#define MSI_BASE       0xfee00000ull

/* Blocks of the arena, from its start. */
#define FREE_BLOCK	0ull				   /* nobody's */
#define MAPPED_BLOCK	LARGE_PAGE_SIZE			   /* at MAPPED_GPA of the partition */
#define APIC_BLOCK	(ARENA_SIZE - 3 * LARGE_PAGE_SIZE) /* for a partition without APICs */
#define RUN_BLOCK	(ARENA_SIZE - 2 * LARGE_PAGE_SIZE) /* a run page for each VP */
#define DEPOSITED_BLOCK (ARENA_SIZE - LARGE_PAGE_SIZE)	   /* the partition's */
#define MAPPED_GPA	0ull
#define FREE_GPA	GIB(1)
#define MONITOR_GPA	0x80000000ull
#define DOORBELL_GPA_AT 0xf0000000ull
#define VPS		2u
#define CONNECTION	0x123u	  /* of MESSAGES; those of the next two numbers are free */
#define DEVICE_ID	0x1234ull /* of DEVICE, whose message is the first of it */
/* What the guest, which never ran, has not switched on cannot be reached. */
#define SYNIC_OFF	STATUS_WRONG_STATE

/* Objects to be wrong about. */
enum thing {
	NOTHING,
	EVENT,
	PROTO,	   /* not built, without memory */
	PARTITION, /* built, frozen while there is wrong_shared() and wrong_values() */
	VP,	   /* its first, bound to the main thread */
	SOURCE,
	DOORBELL,
	PIN,
	MESSAGES, /* ports of the partition's */
	SIGNALS,
	FLAG,
	MONITOR, /* a bit of its page */
	DEVICE,	 /* of VPCI */
	THREAD,	 /* that has ended */
	TASK,
	THINGS
};
extern uint64_t things[THINGS];

/* What calls read and write: as it is here, they are right. */
#define TEXT	  "hostile: written\r\n"
#define TEXT_SIZE (sizeof(TEXT) - 1)

#define STATE_ROOM KIB(32) /* docs/abi.md: the most that a state has */

union saved_vp {
	uint8_t bytes[STATE_ROOM];
	struct {
		struct state_header header;
		struct state_record record;
		struct vp_state_registers registers;
		struct state_record next_record;
	};
};

static_assert(sizeof(struct vp_state_registers) % STATE_ALIGNMENT == 0, "no padding");

union saved_partition {
	uint8_t bytes[512];
	struct {
		struct state_header header;
		struct state_record record;
		struct partition_state_time time;
		struct state_record hypercall_record;
		struct partition_state_hypercall hypercall;
		struct state_record reference_tsc_record;
		struct partition_state_reference_tsc reference_tsc;
		struct state_record tsc_control_record;
		struct partition_state_tsc_control tsc_control;
	};
};

struct places {
	union hv_register_value value;
	struct proto_partition_config proto;
	struct partition_config build;
	struct cpuid_leaf leaf;
	struct doorbell_config doorbell;
	struct vp_debug_state debug;
	struct hv_message message;
	struct vpci_interrupt interrupt;
	union saved_vp vp;
	union saved_partition partition;
	uint64_t pat;
	uint32_t name;
	char text[TEXT_SIZE];
	uint8_t out[STATE_ROOM];
};
extern struct places places;

enum row_flags {
	ANY_TYPE = BIT(0),  /* objects of all types will do */
	ANY_STATE = BIT(1), /* partitions that are not built, too */
	GIVES = BIT(2),	    /* a handle */
	NO_RETURN = BIT(3), /* when it is right: it is not called so */
};

/*
 * A call, and how it is right. By argument: h handle, H handle or 0, e the event, v VTL, i index of a VP, r buffer to
 * be read, R the same or 0, w buffer to be written, z size of the saved state that the argument before
 * points to, p page of the window, a other address in the window, g s guest-physical range, . other.
 * What is in the window counts from the arena's start.
 */
struct call_row {
	uint32_t number;
	const char *arguments;
	enum thing thing; /* that the handle names */
	uint32_t right;
	uint64_t a[6];
	uint32_t flags;
	status_t answer;       /* of the right call, to objects as they are made */
	const char *faultless; /* why it has no fault */
};

/* ---- wrong_shared.c ---- */

extern const struct call_row call_rows[];
extern const size_t call_row_count;

const struct call_row *call_row(uint32_t number);
/* Fills in the arguments that are right. */
void arguments_make(const struct call_row *row, uint64_t a[6]);
/* Where the argument is, -1: there is none. */
int argument_place(const struct call_row *row, const char *kinds);
void wrong_shared(void);
/* All calls that take a thing like this one, with this handle. */
void expect_all_of(const char *what, enum thing thing, uint64_t handle, status_t status);
/* Each call as it is right, by a handle with no right but the one that it needs. */
void right_calls(void);
/* The call is to be refused. */
void refusal_note(uint32_t number);
/* Every call was, but those that have no fault. */
void all_were_refused(void);

/* ---- wrong_values.c ---- */

void wrong_values(void);
/* While nobody watches: these leave traces. */
void wrong_values_with_traces(void);

/* ---- wrong_states.c ---- */

void wrong_states(void);

/* ---- wrong.c ---- */

/* What can be seen now is what must be seen after each call that is refused. */
void see(void);
/* Makes a call that is to be refused and to change nothing. */
void expect_refused(const char *what, uint32_t number, const uint64_t a[6], status_t status);
/* The same with one argument that is not right. */
void expect_wrong(const char *what, const struct call_row *row, int place, uint64_t value,
		  status_t status);
uint64_t duplicate(uint64_t handle, uint32_t rights);
void handle_end(uint64_t *handle);
uint64_t arena_at(uint64_t offset);
/* Threads of the CPU that have not ended. */
uint32_t threads_of(uint32_t cpu);
uint64_t bind(uint64_t partition, uint32_t index);

#endif

/* SPDX-License-Identifier: MIT */
/* A partition of 70 VPs whose VP 1 makes hypercalls, and what the kernel gives to them: for unit tests, and
 * for the fuzzer. */
#ifndef HYPERCALL_FAKE_H
#define HYPERCALL_FAKE_H

#include <guest.h>
#include <kernel/hypercall.h>

#include "guest_stubs.h"

#define FAKE_RIP	    0x1000u /* the instruction, and the next one */
#define FAKE_NEXT	    0x1003u
#define FAKE_VPS	    70u
#define FAKE_READ_ONLY_PAGE 0x6000u /* the last one */
#define FAKE_MEMORY	    0x7000u
#define FAKE_CODE_64	    (HV_SEGMENT_L | 0x9b)

extern struct partition *fake_partition;
extern struct vp *fake_vp; /* the caller */
extern uint8_t fake_memory[FAKE_MEMORY];
extern uint64_t fake_xmm[16][2];   /* the caller's */
extern int fake_fault;		   /* the vector of its exception; -1: none */
extern unsigned int fake_outsides; /* of the last call */
extern bool fake_yields;
extern status_t fake_call_status; /* of vp_call() and of a page's move */
extern struct vp *fake_called;
extern uint64_t fake_kicked;		/* bits by VP */
extern gpa_t fake_overlay;		/* the page that one shows in, which can be written */
extern bool fake_memory_changes;	/* while a word is exchanged */
extern status_t fake_set_status;	/* of guest_registers_set() */
extern struct guest_registers fake_set; /* what it was given */

extern struct hv_post_message_input fake_posted;
extern uint32_t fake_signalled_connection, fake_signalled_flag;
extern uint32_t fake_objects_left; /* that heap_alloc() gives */

void fake_machine_create(void);
void fake_machine_destroy(void);
/* The caller's instruction, until it is done with or faults, at most so many times. */
void fake_instruction(unsigned int times);

#endif

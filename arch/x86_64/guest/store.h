/* SPDX-License-Identifier: MIT */
/*
 * The one look that the kernel takes at a guest's instructions: is it a plain store of a register or
 * a constant to memory? MOV, opcodes 88, 89, C6 and C7, with one operand-size prefix and REX or
 * without, any ModRM form, in 32-bit and 64-bit code. For doorbells, which must not need the VMM; whatever it does
 * not know goes there.
 */
#ifndef GUEST_STORE_H
#define GUEST_STORE_H

#include <trivet/types.h>

#define STORE_BYTES_MAX 15u /* of an instruction: SDM 2A 2.3.11 */

/* What an address and a value are made of. */
struct store_state {
	const uint64_t *gpr; /* by number */
	uint64_t rip;	     /* of the instruction */
	uint64_t ds, ss;     /* bases; 0 in 64-bit code */
	bool long_mode;	     /* 64-bit code; else 32-bit */
};

struct store {
	uint8_t length;	  /* of the instruction */
	uint8_t size;	  /* bytes that are written: 1, 2, 4, 8 */
	uint64_t value;	  /* zero above them */
	uint64_t address; /* linear */
};

/* False: not such a store. `bytes` may be more than the instruction: length tells. Pure. */
bool store_decode(const struct store_state *state, const uint8_t bytes[STORE_BYTES_MAX],
		  struct store *store);

struct vp;
struct vp_exit;

/* The store that has just exited as a memory access, from the processor's bytes or from guest memory;
 * its linear address is at the same place of a page as exit->memory.gpa, and it ends in that page. */
bool guest_store_decode(struct vp *vp, const struct vp_exit *exit, struct store *store);

#endif

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

#define STORE_BYTES_MAX	  15u /* of an instruction: SDM 2A 2.3.11 */
#define STORE_NO_REGISTER 16u

/* What the bytes say. */
struct store_form {
	uint8_t length;	   /* of the instruction */
	uint8_t size;	   /* bytes that are written: 1, 2, 4, 8 */
	uint8_t source;	   /* a GPR by its number, or STORE_NO_REGISTER: `constant` */
	uint8_t shift;	   /* of the source: 8 for AH to BH */
	uint8_t base;	   /* so too, of the address */
	uint8_t index;	   /* so too */
	uint8_t scale;	   /* of the index: it is shifted so far */
	bool stack;	   /* the segment is SS, not DS */
	bool rip_relative; /* to the next instruction */
	uint64_t displacement;
	uint64_t constant;
	uint64_t mask; /* the bits of the value */
};

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
	uint64_t address; /* linear; store_decode() alone gives it */
};

/* False: not such a store. `bytes` may be more than the instruction: length tells. Pure. */
bool store_parse(bool long_mode, const uint8_t bytes[STORE_BYTES_MAX], struct store_form *form);

static inline uint64_t store_value(const struct store_form *form, const uint64_t *gpr)
{
	if (form->source == STORE_NO_REGISTER)
		return form->constant;
	return gpr[form->source] >> form->shift & form->mask;
}

/* Without segments, and not cut: what it is in 64-bit code. */
static inline uint64_t store_address(const struct store_form *form, const uint64_t *gpr,
				     uint64_t rip)
{
	uint64_t address = form->displacement;

	if (form->base != STORE_NO_REGISTER)
		address += gpr[form->base];
	if (form->index != STORE_NO_REGISTER)
		address += gpr[form->index] << form->scale;
	if (form->rip_relative)
		address += rip + form->length;
	return address;
}

/* Both in one. */
bool store_decode(const struct store_state *state, const uint8_t bytes[STORE_BYTES_MAX],
		  struct store *store);

#endif

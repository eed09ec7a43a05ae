/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic as the x86 does it, with its flags. Pure functions of numbers: no
 * registers, no memory. size is the width in bytes (1, 2, 4, 8); arguments may have bits
 * above it, which are ignored; results have none. rflags is read for the carry in and gets
 * the status flags; those that the manual calls undefined get some value.
 */
#ifndef EMULATOR_ARITHMETIC_H
#define EMULATOR_ARITHMETIC_H

#include <emulator/instruction.h>

/* All ones in size bytes. */
static inline uint64_t size_mask(unsigned size)
{
	return ~0ull >> (64 - 8 * size);
}

/* value, whose low size bytes are a signed number, as a number of 64 bits. */
static inline uint64_t sign_extend(uint64_t value, unsigned size)
{
	uint64_t sign = BIT(8 * size - 1);

	return ((value & size_mask(size)) ^ sign) - sign;
}

/* ADD to CMP and TEST: a op b. For CMP and TEST the result is not to be stored. */
uint64_t arithmetic_binary(enum operation operation, unsigned size, uint64_t a, uint64_t b,
			   uint64_t *rflags);

/* NOT, NEG, INC, DEC. */
uint64_t arithmetic_unary(enum operation operation, unsigned size, uint64_t a, uint64_t *rflags);

/* ROL to SAR, by count masked as the width asks. */
uint64_t arithmetic_shift(enum operation operation, unsigned size, uint64_t a, unsigned count,
			  uint64_t *rflags);

/* SHLD, SHRD: a shifted by count, filled up from b. */
uint64_t arithmetic_double_shift(enum operation operation, unsigned size, uint64_t a, uint64_t b,
				 unsigned count, uint64_t *rflags);

/* BT, BTS, BTR, BTC of bit number bit (taken modulo the width). */
uint64_t arithmetic_bit(enum operation operation, unsigned size, uint64_t a, uint64_t bit,
			uint64_t *rflags);

/* a * b, signed or not: the low half is returned, the high half stored. */
uint64_t arithmetic_multiply(bool is_signed, unsigned size, uint64_t a, uint64_t b, uint64_t *high,
			     uint64_t *rflags);

/*
 * high:low / divisor, signed or not. False, and nothing stored, if the divisor is zero or
 * the quotient does not fit: the #DE cases. Flags are left as they are.
 */
bool arithmetic_divide(bool is_signed, unsigned size, uint64_t high, uint64_t low, uint64_t divisor,
		       uint64_t *quotient, uint64_t *remainder);

/* The condition with the number of its encoding (Jcc, SETcc, CMOVcc): 0 is O, 15 is G. */
bool arithmetic_condition(uint64_t rflags, unsigned condition);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of A64 (Arm ARM C4.1, "Loads and Stores"), of general registers: one instruction's word and the
 * registers in, the access that it makes and what becomes of its base register out. Pure. It is for accesses to devices
 * of which the processor does not tell enough: pairs, and those that write their base back.
 *
 * Left out, as an access to a device can't be what they mean: exclusive and atomic ones, those of SIMD registers, of tags,
 * of 64 bytes, and prefetches.
 */
#ifndef EMULATOR_ACCESS_H
#define EMULATOR_ACCESS_H

#include <trivet/types.h>

#define ACCESS_SP    31u /* as a base; as a target XZR */
#define ACCESS_PARTS 2u

/* What there is of registers: x[31] is SP. */
struct access_registers {
	uint64_t x[32];
	uint64_t pc;
};

struct access {
	uint64_t address; /* virtual, of the first part; the second follows it */
	uint8_t size;	  /* of a part: 1, 2, 4, 8 */
	uint8_t count;	  /* of parts: 1, 2 */
	bool write;
	bool sign;	   /* what was loaded is extended by its sign, */
	bool wide;	   /* to 64 bits; otherwise to 32 */
	bool unprivileged; /* LDTR, STTR */
	uint8_t target[ACCESS_PARTS];
	bool write_back;
	uint8_t base;
	uint64_t base_value; /* what is written back */
};

enum access_result {
	ACCESS_OK,
	ACCESS_REFUSED, /* a load or store that is left out */
	ACCESS_NONE,	/* no load or store, or one whose effect is not defined */
};

enum access_result access_decode(uint32_t instruction, const struct access_registers *registers,
				 struct access *access);

/* The value of a register that a store writes; XZR is 0. */
uint64_t access_store_value(const struct access *access, unsigned int part,
			    const struct access_registers *registers);
/* All parts were read, in `values`, or written: what becomes of the registers. */
void access_finish(const struct access *access, const uint64_t values[ACCESS_PARTS],
		   struct access_registers *registers);

#endif

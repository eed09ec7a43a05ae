/* SPDX-License-Identifier: MIT */
/* The decoder of plain stores (SDM 2A 2.1, 2.2.1): see store.h. */
#include "store.h"

#define PREFIX_OPERAND 0x66u
#define REX	       0x40u /* to 0x4f */
#define REX_B	       BIT(0)
#define REX_X	       BIT(1)
#define REX_R	       BIT(2)
#define REX_W	       BIT(3)
#define RSP	       4u
#define RBP	       5u
#define NO_INDEX       4u
#define MOV_REGISTER   0x88u /* bit 0 set: 16, 32 or 64 bits */
#define MOV_CONSTANT   0xc6u

/* Little-endian, sign-extended. */
static inline uint64_t take_8(const uint8_t **at)
{
	return (uint64_t)(int8_t) * (*at)++;
}

static inline uint64_t take_16(const uint8_t **at)
{
	int16_t value;

	__builtin_memcpy(&value, *at, sizeof(value));
	*at += sizeof(value);
	return (uint64_t)value;
}

static inline uint64_t take_32(const uint8_t **at)
{
	int32_t value;

	__builtin_memcpy(&value, *at, sizeof(value));
	*at += sizeof(value);
	return (uint64_t)value;
}

/* The address of a ModRM byte that is not of a register; one relative to RIP without that. */
static inline uint64_t address_take(const struct store_state *state, const uint8_t **at,
				    uint8_t modrm, uint8_t rex, bool *rip_relative)
{
	unsigned int mode = modrm >> 6, base = modrm & 7;
	uint64_t address = 0;

	if (base == RSP) {
		uint8_t sib = *(*at)++;
		unsigned int index = (sib >> 3 & 7) | (rex & REX_X ? 8u : 0);

		base = sib & 7;
		if (index != NO_INDEX)
			address = state->gpr[index] << (sib >> 6);
	} else {
		*rip_relative = state->long_mode && base == RBP && mode == 0;
	}
	if (base == RBP && mode == 0)
		return address + take_32(at) + state->ds;
	address += base == RSP || (base == RBP && !(rex & REX_B)) ? state->ss : state->ds;
	address += state->gpr[base | (rex & REX_B ? 8u : 0)];
	if (mode == 0)
		return address;
	return address + (mode == 1 ? take_8(at) : take_32(at));
}

/* A byte register is AH to BH for 4 to 7 without REX. */
static inline uint64_t register_value(const struct store_state *state, unsigned int number,
				      uint8_t size, uint8_t rex)
{
	if (size == 1 && !rex && number >= 4)
		return state->gpr[number - 4] >> 8;
	return state->gpr[number | (rex & REX_R ? 8u : 0)];
}

bool store_decode(const struct store_state *state, const uint8_t bytes[STORE_BYTES_MAX],
		  struct store *store)
{
	const uint8_t *at = bytes;
	uint8_t opcode = *at++, modrm, rex = 0, size = 4;
	bool rip_relative = false;
	uint64_t address, value;

	if (opcode == PREFIX_OPERAND) {
		size = 2;
		opcode = *at++;
	}
	if (state->long_mode && (opcode & 0xf0) == REX) {
		rex = opcode;
		opcode = *at++;
		if (rex & REX_W)
			size = 8;
	}
	modrm = *at++;
	if (modrm >> 6 == 3)
		return false;
	if (!(opcode & 1))
		size = 1;
	address = address_take(state, &at, modrm, rex, &rip_relative);
	if ((opcode & ~1u) == MOV_REGISTER)
		value = register_value(state, modrm >> 3 & 7, size, rex);
	else if ((opcode & ~1u) == MOV_CONSTANT && !(modrm >> 3 & 7))
		value = size == 1 ? take_8(&at) : size == 2 ? take_16(&at) : take_32(&at);
	else
		return false;
	store->length = (uint8_t)(at - bytes);
	store->size = size;
	store->value = size == 8 ? value : value & MASK(8 * size);
	if (rip_relative)
		address += state->rip + store->length;
	store->address = state->long_mode ? address : (uint32_t)address;
	return true;
}

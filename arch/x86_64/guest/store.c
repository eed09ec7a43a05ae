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

/* The address of a ModRM byte that is not of a register (SDM 2A 2.1.5). */
static inline void address_take(struct store_form *form, bool long_mode, const uint8_t **at,
				uint8_t modrm, uint8_t rex)
{
	unsigned int mode = modrm >> 6, base = modrm & 7;

	form->index = STORE_NO_REGISTER;
	form->scale = 0;
	form->rip_relative = false;
	if (base == RSP) {
		uint8_t sib = *(*at)++;
		unsigned int index = (sib >> 3 & 7) | (rex & REX_X ? 8u : 0);

		base = sib & 7;
		if (index != NO_INDEX)
			form->index = (uint8_t)index;
		form->scale = sib >> 6;
	} else {
		form->rip_relative = long_mode && base == RBP && mode == 0;
	}
	if (base == RBP && mode == 0) {
		form->base = STORE_NO_REGISTER;
		form->stack = false;
		form->displacement = take_32(at);
		return;
	}
	form->stack = base == RSP || base == RBP;
	form->base = (uint8_t)(base | (rex & REX_B ? 8u : 0));
	form->displacement = mode == 0 ? 0 : mode == 1 ? take_8(at) : take_32(at);
}

/* A byte register is AH to BH for 4 to 7 without REX. */
static inline void source_take(struct store_form *form, unsigned int number, uint8_t rex)
{
	bool high = form->size == 1 && !rex && number >= 4;

	form->constant = 0;
	form->shift = high ? 8 : 0;
	form->source = (uint8_t)(high ? number - 4 : number | (rex & REX_R ? 8u : 0));
}

static inline __attribute__((always_inline)) bool parse(bool long_mode, const uint8_t *bytes,
							struct store_form *form)
{
	const uint8_t *at = bytes;
	uint8_t opcode = *at++, modrm, rex = 0;

	form->size = 4;
	if (opcode == PREFIX_OPERAND) {
		form->size = 2;
		opcode = *at++;
	}
	if (long_mode && (opcode & 0xf0) == REX) {
		rex = opcode;
		opcode = *at++;
		if (rex & REX_W)
			form->size = 8;
	}
	modrm = *at++;
	if (modrm >> 6 == 3)
		return false;
	if (!(opcode & 1))
		form->size = 1;
	form->mask = form->size == 8 ? UINT64_MAX : MASK(8 * form->size);
	address_take(form, long_mode, &at, modrm, rex);
	if ((opcode & ~1u) == MOV_REGISTER) {
		source_take(form, modrm >> 3 & 7, rex);
	} else if ((opcode & ~1u) == MOV_CONSTANT && !(modrm >> 3 & 7)) {
		form->source = STORE_NO_REGISTER;
		form->constant = form->mask & (form->size == 1	 ? take_8(&at)
					       : form->size == 2 ? take_16(&at)
								 : take_32(&at));
	} else {
		return false;
	}
	form->length = (uint8_t)(at - bytes);
	return true;
}

__cold bool store_parse(bool long_mode, const uint8_t bytes[STORE_BYTES_MAX],
			struct store_form *form)
{
	return parse(long_mode, bytes, form);
}

bool store_decode(const struct store_state *state, const uint8_t bytes[STORE_BYTES_MAX],
		  struct store *store)
{
	struct store_form form;
	uint64_t address;

	if (!parse(state->long_mode, bytes, &form))
		return false;
	address =
		store_address(&form, state->gpr, state->rip) + (form.stack ? state->ss : state->ds);
	store->length = form.length;
	store->size = form.size;
	store->value = store_value(&form, state->gpr);
	store->address = state->long_mode ? address : (uint32_t)address;
	return true;
}

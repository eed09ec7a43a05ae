/* SPDX-License-Identifier: MIT */
/*
 * Instructions and registers at random against the decoder of loads and stores, and tables at random against the
 * walk. What is promised: parts have a size of 1 to 8 bytes and a target that there is; no register changes but
 * targets, base and PC; a walk ends, within 48 bits.
 */
#include <stdlib.h>
#include <string.h>

#include <emulator/access.h>
#include <translation.h>

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct input {
	uint32_t instruction;
	struct access_registers registers;
	uint64_t values[ACCESS_PARTS];
	struct translation_regime regime;
	uint64_t address;
	uint64_t entries[8];
};

static void access_try(const struct input *input)
{
	struct access_registers registers = input->registers;
	struct access access;
	bool changes[32] = {false};

	if (access_decode(input->instruction, &registers, &access) != ACCESS_OK)
		return;
	CHECK(access.count >= 1 && access.count <= ACCESS_PARTS);
	CHECK(access.size == 1 || access.size == 2 || access.size == 4 || access.size == 8);
	for (unsigned int i = 0; i < access.count; i++) {
		CHECK(access.target[i] < 32);
		if (access.write)
			CHECK(!(access_store_value(&access, i, &registers) &
				~(~0ull >> (64 - 8 * access.size))));
		else if (access.target[i] != ACCESS_SP)
			changes[access.target[i]] = true;
	}
	if (access.write_back)
		changes[access.base] = true;
	access_finish(&access, input->values, &registers);
	CHECK(registers.pc == input->registers.pc + 4);
	for (unsigned int i = 0; i < 32; i++)
		CHECK(changes[i] || registers.x[i] == input->registers.x[i]);
}

/* Entries come round and round. */
static bool entry_read(void *context, gpa_t gpa, uint64_t *entry)
{
	const struct input *input = context;

	CHECK(gpa <= MASK(48) && gpa % 8 == 0);
	*entry = input->entries[gpa / 8 % ARRAY_SIZE(input->entries)];
	return gpa % 4096 != 4088;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {0};
	struct translation found;

	memcpy(&input, data, MIN(size, sizeof(input)));
	access_try(&input);
	if (translation_walk(&input.regime, entry_read, &input, input.address, &found))
		CHECK(found.gpa <= MASK(48));
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the root task's program. What is accepted must keep the promises of
 * <kernel/elf.h>.
 */
#include <kernel/elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct elf_rules rules = {ELF_MACHINE_X86_64, 0x10000, BIT(47)};
	const char *problem = NULL;
	struct elf_image image;
	volatile uint8_t sum = 0;
	gva_t end = 0;

	if (elf_open(&image, data, size, &rules, &problem) != STATUS_OK) {
		require(problem != NULL);
		return 0;
	}
	for (unsigned int i = 0; i < image.segment_count; i++) {
		struct elf_segment segment = elf_segment_get(&image, i);

		require(segment.address >= rules.lowest && segment.memory_size > 0);
		require(range_within(segment.address, segment.memory_size, rules.limit));
		require(segment.data_size <= segment.memory_size);
		require(!segment.writable || !segment.executable);
		require(ALIGN_DOWN(segment.address, PAGE_SIZE) >= end);
		end = ALIGN_UP(segment.address + segment.memory_size, PAGE_SIZE);
		for (uint64_t j = 0; j < segment.data_size; j++)
			sum ^= segment.data[j];
	}
	require(end == image.end);
	(void)sum;
	return 0;
}

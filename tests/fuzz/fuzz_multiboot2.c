/* SPDX-License-Identifier: MIT */
/* Any bytes as the boot loader's information; a map that is taken must keep its promises. */
#include <arch/multiboot2.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct multiboot2 out;

	if (multiboot2_parse(data, size, &out) != STATUS_OK)
		return 0;
	for (uint32_t i = 0; i < out.memory_count; i++) {
		const struct memory_range *r = &out.memory[i];

		if (!r->size || !IS_ALIGNED(r->base | r->size, PAGE_SIZE))
			abort();
		if (i && r[-1].base + r[-1].size > r->base)
			abort();
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a multiboot kernel.
 */
#include "fuzz_loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_load(multiboot_load, data, size);
	return 0;
}

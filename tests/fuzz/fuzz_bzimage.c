/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a Linux kernel.
 */
#include "fuzz_loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_load(bzimage_load, data, size);
	return 0;
}

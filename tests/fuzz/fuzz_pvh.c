/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a kernel of unknown kind, and as an ELF kernel with a PVH entry.
 */
#include "fuzz_loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_load(pvh_load, data, size);
	require(kernel_detect(data, size) <= KERNEL_PVH);
	return 0;
}

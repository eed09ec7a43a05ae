/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a bundle. Whatever a walk hands out must lie in the archive: the sanitizer is
 * asked by reading all of it.
 */
#include <string.h>

#include <kernel/bundle.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle bundle;
	struct bundle_file file;
	volatile uint8_t sum = 0;

	bundle_open(&bundle, data, size);
	while (bundle_next(&bundle, &file) == STATUS_OK) {
		for (uint64_t i = 0; i < file.size; i++)
			sum ^= file.data[i];
		sum ^= (uint8_t)strlen(file.name);
	}
	if (bundle_find(&bundle, "root.elf", &file) == STATUS_OK && file.name[0] != 'r')
		__builtin_trap();
	(void)sum;
	return 0;
}

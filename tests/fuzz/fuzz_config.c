/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as trivet.conf. What is accepted is complete, what is refused leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include <config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	struct config_error error;

	if (config_parse((const char *)data, size, "fuzz.conf", &config, &error) != STATUS_OK) {
		require(strncmp(error.message, "fuzz.conf:", 10) == 0);
		require(!config.partitions);
		return 0;
	}
	require(config.partition_count > 0);
	for (size_t i = 0; i < config.partition_count; i++) {
		const struct config_partition *partition = &config.partitions[i];

		require(partition->vps >= 1 && partition->vps <= CONFIG_VPS_MAX);
		require(partition->memory >= CONFIG_MEMORY_MIN);
		require(IS_ALIGNED(partition->memory, PAGE_SIZE));
		require(strlen(partition->kernel) > 0);
		require(config_find(&config, partition->name) == partition);
	}
	config_free(&config);
	return 0;
}

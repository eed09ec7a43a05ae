/* SPDX-License-Identifier: MIT */
/*
 * QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU's documentation), by which
 * kernels written for QEMU learn what machine they are on: selector 0x510, data 0x511, DMA
 * address 0x514-0x51b (big-endian, high half first). Items are read-only to the guest.
 */
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H

#include <devices/device.h>

#define FW_CFG_PORT	 0x510u
#define FW_CFG_DMA_PORT	 0x514u
#define FW_CFG_NAME_SIZE 56u /* of a file, with its NUL */

/* Keys of the items that every machine has. */
enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_RAM_SIZE = 0x03,	 /* u64, bytes */
	FW_CFG_CPU_COUNT = 0x05, /* u16, present at start */
	FW_CFG_MAX_CPUS = 0x0f,	 /* u16 */
	FW_CFG_DIRECTORY = 0x19,
	FW_CFG_FIRST_FILE = 0x20,
	FW_CFG_LAST_FILE = 0x3fff,
};

struct fw_cfg_item {
	const uint8_t *data;
	uint32_t size;
	uint16_t key;
	uint64_t value; /* where data points for small numbers */
};

struct fw_cfg {
	struct device dev;
	struct device_env *env;
	struct fw_cfg_item **items;
	uint32_t item_count;
	uint8_t *directory; /* as the guest reads it: count, then an entry for each file */
	uint32_t file_count;
	const struct fw_cfg_item *selected; /* NULL: no such item, which reads as zeros */
	uint16_t selector;		    /* by which it was selected */
	uint32_t offset;		    /* into the selected item */
	uint32_t dma_high;		    /* written, waits for the low half */
};

struct fw_cfg_config {
	uint64_t ram_size; /* bytes */
	uint16_t vp_count;
};

/* Prepare @fw with the items above, and put it on the bus. NO_MEMORY, or bus statuses. */
status_t fw_cfg_init(struct fw_cfg *fw, struct device_env *env, struct device_bus *bus,
		     const struct fw_cfg_config *config);

/* Give back what the items took. The data of items belongs to those who added them. */
void fw_cfg_destroy(struct fw_cfg *fw);

/*
 * Add an item under @key. @data is not copied and must outlive the device.
 * ALREADY_EXISTS: the key is taken. NO_MEMORY.
 */
status_t fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size);

/*
 * Add a named file, which gets the next free key and an entry in the directory. @data is as
 * above. INVALID_ARGUMENT: the name is empty. TOO_LARGE: it is too long, or no key is left.
 * ALREADY_EXISTS: there is one of that name. NO_MEMORY.
 */
status_t fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size);

#endif

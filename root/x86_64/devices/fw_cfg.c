/* SPDX-License-Identifier: MIT */
/*
 * The fw_cfg device: a set of byte strings by number, read through a port or copied into
 * guest memory by a command block. Reading past an item's end gives zeros.
 */
#include <devices/device_state.h>
#include <devices/fw_cfg.h>

#include <stdlib.h>
#include <string.h>

#define OFFSET_SELECTOR 0u
#define OFFSET_DATA	1u
#define OFFSET_DMA	4u
#define SELECTOR_KEY	0xbfffu /* bit 14 asks for write access, which no item grants */

#define ID_TRADITIONAL 0x1
#define ID_DMA	       0x2

/* The command block: control, length, address; all big-endian. */
#define DMA_BLOCK_SIZE	 16u
#define DMA_ERROR	 0x01u
#define DMA_READ	 0x02u
#define DMA_SKIP	 0x04u
#define DMA_SELECT	 0x08u
#define DMA_WRITE	 0x10u
#define DMA_SELECT_SHIFT 16
#define DMA_MAX_ZEROS	 MIB(1) /* no more than this past an item's end in one command */

/* A directory entry: size, key, reserved, name. */
#define ENTRY_SIZE 64u
#define ENTRY_KEY  4u
#define ENTRY_NAME 8u
#define COUNT_SIZE 4u

static const char signature[4] = {'Q', 'E', 'M', 'U'};
static const char dma_signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

static void store_be32(uint8_t *to, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t load_be32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static struct fw_cfg_item *item_find(const struct fw_cfg *fw, uint16_t key)
{
	for (uint32_t i = 0; i < fw->item_count; i++)
		if (fw->items[i]->key == key)
			return fw->items[i];
	return NULL;
}

static void item_select(struct fw_cfg *fw, uint16_t selector)
{
	fw->selector = selector & SELECTOR_KEY;
	fw->selected = item_find(fw, fw->selector);
	fw->offset = 0;
}

static uint8_t data_read(struct fw_cfg *fw)
{
	if (!fw->selected || fw->offset >= fw->selected->size)
		return 0;
	return fw->selected->data[fw->offset++];
}

/* ---------------------------------------------------------------------- DMA */

static status_t zeros_write(struct fw_cfg *fw, gpa_t gpa, uint32_t size)
{
	static const uint8_t zeros[512];
	status_t status = STATUS_OK;

	if (size > DMA_MAX_ZEROS)
		return STATUS_TOO_LARGE;
	while (size && status == STATUS_OK) {
		uint32_t run = MIN(size, sizeof(zeros));

		status = fw->env->ops->memory_write(fw->env, gpa, zeros, run);
		gpa += run;
		size -= run;
	}
	return status;
}

/* Copy from the item to the guest, with zeros for what lies past its end. */
static status_t dma_read(struct fw_cfg *fw, gpa_t gpa, uint32_t length)
{
	uint32_t left = fw->selected ? fw->selected->size - fw->offset : 0;
	uint32_t run = MIN(left, length);
	status_t status = STATUS_OK;

	if (!range_within(gpa, length, UINT64_MAX))
		return STATUS_INVALID_ADDRESS;
	if (run) {
		status = fw->env->ops->memory_write(fw->env, gpa, fw->selected->data + fw->offset,
						    run);
		fw->offset += run;
	}
	if (status == STATUS_OK && length > run)
		status = zeros_write(fw, gpa + run, length - run);
	return status;
}

static void dma_skip(struct fw_cfg *fw, uint32_t length)
{
	uint32_t left = fw->selected ? fw->selected->size - fw->offset : 0;

	fw->offset += MIN(left, length);
}

/* Run the command block at @gpa, and answer in its control field: 0, or DMA_ERROR. */
static void dma_run(struct fw_cfg *fw, gpa_t gpa)
{
	uint8_t block[DMA_BLOCK_SIZE], answer[4];
	uint32_t control, length;
	status_t status = STATUS_OK;
	gpa_t target;

	if (fw->env->ops->memory_read(fw->env, gpa, block, sizeof(block)) != STATUS_OK) {
		store_be32(answer, DMA_ERROR);
		(void)fw->env->ops->memory_write(fw->env, gpa, answer, sizeof(answer));
		return;
	}
	control = load_be32(block);
	length = load_be32(block + 4);
	target = (gpa_t)load_be32(block + 8) << 32 | load_be32(block + 12);

	if (control & DMA_SELECT)
		item_select(fw, (uint16_t)(control >> DMA_SELECT_SHIFT));
	if (control & DMA_READ)
		status = dma_read(fw, target, length);
	else if (control & DMA_WRITE)
		status = STATUS_ACCESS_DENIED;
	else if (control & DMA_SKIP)
		dma_skip(fw, length);
	store_be32(answer, status == STATUS_OK ? 0 : DMA_ERROR);
	(void)fw->env->ops->memory_write(fw->env, gpa, answer, sizeof(answer));
}

static uint32_t byte_swap(uint32_t value)
{
	return __builtin_bswap32(value);
}

/* Only whole halves count; the low half starts the command. */
static void dma_address_write(struct fw_cfg *fw, uint32_t offset, unsigned int size, uint32_t value)
{
	gpa_t gpa;

	if (size != 4)
		return;
	if (offset == OFFSET_DMA) {
		fw->dma_high = byte_swap(value);
		return;
	}
	gpa = (gpa_t)fw->dma_high << 32 | byte_swap(value);
	fw->dma_high = 0;
	dma_run(fw, gpa);
}

/* ---------------------------------------------------------------- the ports */

static uint32_t fw_cfg_io_read(struct device *dev, uint32_t offset, unsigned int size)
{
	struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);
	uint32_t value = 0;

	if (offset >= OFFSET_DMA) {
		memcpy(&value, &dma_signature[offset - OFFSET_DMA], size);
		return value;
	}
	if (offset == OFFSET_DATA && size == 1)
		return data_read(fw);
	return 0; /* the selector is write only */
}

static void fw_cfg_io_write(struct device *dev, uint32_t offset, unsigned int size, uint32_t value)
{
	struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);

	if (offset >= OFFSET_DMA)
		dma_address_write(fw, offset, size, value);
	else if (offset == OFFSET_SELECTOR && size == 2)
		item_select(fw, (uint16_t)value);
}

static void fw_cfg_reset(struct device *dev)
{
	struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);

	item_select(fw, FW_CFG_SIGNATURE);
	fw->dma_high = 0;
}

/* ---- state ---- */

static const struct device_field fw_cfg_fields[] = {
	DEVICE_BITS(struct fw_cfg, selector, SELECTOR_KEY),
	DEVICE_FIELD(struct fw_cfg, offset, 0),
	DEVICE_FIELD(struct fw_cfg, dma_high, 0),
};

static bool fw_cfg_valid(const struct device *dev)
{
	const struct fw_cfg *fw = container_of(dev, const struct fw_cfg, dev);
	const struct fw_cfg_item *item = item_find(fw, fw->selector);

	return fw->offset <= (item ? item->size : 0);
}

static void fw_cfg_restored(struct device *dev)
{
	struct fw_cfg *fw = container_of(dev, struct fw_cfg, dev);

	fw->selected = item_find(fw, fw->selector);
}

static const struct device_state fw_cfg_state = {
	.version = 1,
	.structure_size = sizeof(struct fw_cfg),
	.fields = fw_cfg_fields,
	.field_count = ARRAY_SIZE(fw_cfg_fields),
	.valid = fw_cfg_valid,
	.restored = fw_cfg_restored,
};

static const struct device_ops fw_cfg_ops = {
	.io_read = fw_cfg_io_read,
	.io_write = fw_cfg_io_write,
	.reset = fw_cfg_reset,
	.state = &fw_cfg_state,
};

/* -------------------------------------------------------------------- items */

status_t fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t size)
{
	struct fw_cfg_item *item, **items;

	if (item_find(fw, key))
		return STATUS_ALREADY_EXISTS;
	item = calloc(1, sizeof(*item));
	items = realloc(fw->items, (fw->item_count + 1) * sizeof(struct fw_cfg_item *));
	if (items)
		fw->items = items;
	if (!item || !items) {
		free(item);
		return STATUS_NO_MEMORY;
	}
	*item = (struct fw_cfg_item){.data = data, .size = size, .key = key};
	items[fw->item_count++] = item;
	return STATUS_OK;
}

/* A number of @size bytes, little-endian. */
static status_t number_add(struct fw_cfg *fw, uint16_t key, uint64_t value, uint32_t size)
{
	struct fw_cfg_item *item;
	status_t status = fw_cfg_add_item(fw, key, NULL, size);

	if (status != STATUS_OK)
		return status;
	item = item_find(fw, key);
	item->value = value;
	item->data = (const uint8_t *)&item->value;
	return STATUS_OK;
}

static bool file_exists(const struct fw_cfg *fw, const char *name)
{
	for (uint32_t i = 0; i < fw->file_count; i++) {
		const uint8_t *entry = fw->directory + COUNT_SIZE + i * ENTRY_SIZE;

		if (strcmp((const char *)entry + ENTRY_NAME, name) == 0)
			return true;
	}
	return false;
}

/* The directory may have moved: let its item follow. */
static void directory_publish(struct fw_cfg *fw, uint8_t *directory, uint32_t file_count)
{
	struct fw_cfg_item *item = item_find(fw, FW_CFG_DIRECTORY);

	fw->directory = directory;
	fw->file_count = file_count;
	store_be32(directory, file_count);
	item->data = directory;
	item->size = COUNT_SIZE + file_count * ENTRY_SIZE;
}

status_t fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size)
{
	uint32_t key = FW_CFG_FIRST_FILE + fw->file_count;
	size_t length = strlen(name);
	uint8_t *directory, *entry;
	status_t status;

	if (length == 0)
		return STATUS_INVALID_ARGUMENT;
	if (length >= FW_CFG_NAME_SIZE || key > FW_CFG_LAST_FILE)
		return STATUS_TOO_LARGE;
	if (file_exists(fw, name))
		return STATUS_ALREADY_EXISTS;
	directory = realloc(fw->directory, COUNT_SIZE + (fw->file_count + 1) * ENTRY_SIZE);
	if (!directory)
		return STATUS_NO_MEMORY;
	directory_publish(fw, directory, fw->file_count);
	status = fw_cfg_add_item(fw, (uint16_t)key, data, size);
	if (status != STATUS_OK)
		return status;
	entry = directory + COUNT_SIZE + fw->file_count * ENTRY_SIZE;
	memset(entry, 0, ENTRY_SIZE);
	store_be32(entry, size);
	store_be32(entry + ENTRY_KEY, key << 16);
	memcpy(entry + ENTRY_NAME, name, length);
	directory_publish(fw, directory, fw->file_count + 1);
	return STATUS_OK;
}

static status_t standard_items_add(struct fw_cfg *fw, const struct fw_cfg_config *config)
{
	const struct {
		uint16_t key;
		uint64_t value;
		uint32_t size;
	} numbers[] = {
		{FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4},
		{FW_CFG_RAM_SIZE, config->ram_size, 8},
		{FW_CFG_CPU_COUNT, config->vp_count, 2},
		{FW_CFG_MAX_CPUS, config->vp_count, 2},
	};
	status_t status = fw_cfg_add_item(fw, FW_CFG_SIGNATURE, signature, sizeof(signature));

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && status == STATUS_OK; i++)
		status = number_add(fw, numbers[i].key, numbers[i].value, numbers[i].size);
	if (status != STATUS_OK)
		return status;
	fw->directory = calloc(1, COUNT_SIZE);
	if (!fw->directory)
		return STATUS_NO_MEMORY;
	return fw_cfg_add_item(fw, FW_CFG_DIRECTORY, fw->directory, COUNT_SIZE);
}

status_t fw_cfg_init(struct fw_cfg *fw, struct device_env *env, struct device_bus *bus,
		     const struct fw_cfg_config *config)
{
	status_t status;

	memset(fw, 0, sizeof(*fw));
	fw->dev = (struct device){.name = "fw-cfg", .ops = &fw_cfg_ops};
	fw->env = env;
	status = standard_items_add(fw, config);
	if (status != STATUS_OK) {
		fw_cfg_destroy(fw);
		return status;
	}
	fw_cfg_reset(&fw->dev);
	device_bus_attach(bus, &fw->dev);
	status = device_bus_add_ports(bus, &fw->dev, FW_CFG_PORT, 2, OFFSET_SELECTOR, 2);
	if (status == STATUS_OK)
		status = device_bus_add_ports(bus, &fw->dev, FW_CFG_DMA_PORT, 8, OFFSET_DMA, 4);
	return status;
}

void fw_cfg_destroy(struct fw_cfg *fw)
{
	for (uint32_t i = 0; i < fw->item_count; i++)
		free(fw->items[i]);
	free(fw->items);
	free(fw->directory);
	fw->items = NULL;
	fw->directory = NULL;
	fw->selected = NULL;
	fw->item_count = fw->file_count = 0;
}

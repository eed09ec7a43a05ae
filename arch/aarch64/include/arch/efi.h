/* SPDX-License-Identifier: MIT */
/*
 * As much of UEFI as the stub asks for (UEFI 2.10, chapters 4, 7, 9, 13). The members that nobody here calls are
 * plain pointers.
 */
#ifndef ARCH_EFI_H
#define ARCH_EFI_H

#include <trivet/types.h>

typedef uint64_t efi_status_t;
typedef uint16_t efi_char_t;

#define EFI_SUCCESS	     0u
#define EFI_ERROR(n)	     (BIT(63) | (n))
#define EFI_LOAD_ERROR	     EFI_ERROR(1)
#define EFI_UNSUPPORTED	     EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES EFI_ERROR(9)

struct efi_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

enum efi_memory_type {
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_CODE = 3,
	EFI_BOOT_DATA = 4,
	EFI_FREE = 7,
	EFI_ACPI_TABLES = 9,
};
#define EFI_MEMORY_WB BIT(3)

struct efi_memory {
	uint32_t type, padding;
	uint64_t base, virtual, pages, attributes;
};

struct efi_header {
	uint64_t signature;
	uint32_t revision, size, crc, reserved;
};

struct efi_text_output {
	void *reset;
	efi_status_t (*write)(struct efi_text_output *self, const efi_char_t *words);
};

struct efi_boot_services {
	struct efi_header header;
	void *raise_tpl, *restore_tpl;
	efi_status_t (*allocate_pages)(uint32_t how, uint32_t type, uint64_t pages, uint64_t *base);
	void *free_pages;
	efi_status_t (*get_memory_map)(uint64_t *size, void *map, uint64_t *key, uint64_t *stride,
				       uint32_t *version);
	void *allocate_pool, *free_pool;
	void *create_event, *set_timer, *wait_for_event, *signal_event, *close_event, *check_event;
	void *install_protocol, *reinstall_protocol, *uninstall_protocol;
	efi_status_t (*handle_protocol)(void *handle, const struct efi_guid *protocol,
					void **interface);
	void *reserved, *register_notify, *locate_handle;
	efi_status_t (*locate_device_path)(const struct efi_guid *protocol, void **path,
					   void **handle);
	void *install_table, *load_image, *start_image, *exit, *unload_image;
	efi_status_t (*exit_boot_services)(void *image, uint64_t key);
};

struct efi_table {
	struct efi_guid guid;
	void *table;
};

struct efi_system_table {
	struct efi_header header;
	void *vendor;
	uint32_t revision, padding;
	void *input_handle, *input, *output_handle;
	struct efi_text_output *output;
	void *error_handle, *error, *runtime;
	struct efi_boot_services *boot;
	uint64_t table_count;
	struct efi_table *tables;
};

struct efi_loaded_image {
	uint32_t revision, padding;
	void *parent, *system;
	void *device, *path, *reserved;
	uint32_t options_size, padding2;
	efi_char_t *options;
	void *base;
	uint64_t size;
};

/* Loads what is known by its name alone: the initrd (UEFI 13.2; the vendor's path is Linux'). */
struct efi_load_file {
	efi_status_t (*load)(struct efi_load_file *self, void *path, uint8_t policy, uint64_t *size,
			     void *buffer);
};

struct efi_file {
	uint64_t revision;
	efi_status_t (*open)(struct efi_file *self, struct efi_file **file, efi_char_t *name,
			     uint64_t mode, uint64_t attributes);
	void *close, *remove;
	efi_status_t (*read)(struct efi_file *self, uint64_t *size, void *buffer);
	void *write;
	efi_status_t (*position)(struct efi_file *self, uint64_t *position);
	efi_status_t (*set_position)(struct efi_file *self, uint64_t position);
};

struct efi_file_system {
	uint64_t revision;
	efi_status_t (*open)(struct efi_file_system *self, struct efi_file **root);
};

#endif

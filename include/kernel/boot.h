/* SPDX-License-Identifier: MIT */
/*
 * What the architecture's boot code found, in one structure without the boot protocol's words.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <trivet/types.h>

enum memory_kind {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3, /* tables, readable */
};

struct memory_range {
	hpa_t base;
	uint64_t size;
	uint32_t kind; /* enum memory_kind */
};

struct boot_source {
	const char *command_line; /* never NULL */
	hpa_t bundle_base;	  /* first module; size 0: there is none */
	uint64_t bundle_size;
	hpa_t kernel_base; /* the image in RAM, .bss and boot tables included */
	uint64_t kernel_size;
	uint32_t memory_count;
	struct memory_range *memory; /* sorted, no overlaps, page aligned inwards for RAM */
};

extern struct boot_source boot_source;

/* Entered by the boot CPU with paging, traps and the console ready. Sequence: command line,
 * memory_init, arch_devices_init, hypervisor_init, arch_cpus_start, self tests, root task. */
__noreturn void kernel_main(void);
/* ACPI, interrupt controllers, timers; after memory_init. */
void arch_devices_init(void);

/* A `name=value` of the command line; NULL: not there. `name` alone gives "". The value ends at a
 * blank; copy with boot_option_copy or parse with boot_option_size (suffix K, M, G). */
const char *boot_option(const char *name);
bool boot_option_copy(const char *name, char *buffer, size_t size);
bool boot_option_size(const char *name, uint64_t *value);

#endif

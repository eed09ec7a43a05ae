/* SPDX-License-Identifier: MIT */
/*
 * What the device tree says of this machine, as far as the kernel asks: decoded once into a plain structure.
 * Pure: reads the tree and nothing else.
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <arch/fdt.h>
#include <kernel/boot.h>

#define COMMAND_LINE_MAX 2048
#define MEMORY_RANGE_MAX 128
#define GIC_REGIONS_MAX	 16
/* RAM from here up is not used: the root task's window, in 39 bits of addresses, does not show it. */
#define MACHINE_RAM_END	 (GIB(256) - MIB(2))

/* Memory by its use: sorted, without overlaps. */
struct memory_list {
	struct memory_range range[MEMORY_RANGE_MAX];
	uint32_t count;
	uint64_t too_high; /* bytes of RAM from MACHINE_RAM_END up, which are not in the list */
};

/* [base, base + size) is of this kind from now on, whatever it was; kind 0: it is nothing. TOO_LARGE: no room for
 * the pieces; then nothing is changed. */
status_t memory_list_set(struct memory_list *list, hpa_t base, uint64_t size,
			 uint32_t kind) __must_check;
/* All of it is of that kind. */
bool memory_list_has(const struct memory_list *list, hpa_t base, uint64_t size, uint32_t kind);

struct device_range {
	hpa_t base;
	uint64_t size;
};

enum psci_conduit { PSCI_NONE, PSCI_SMC, PSCI_HVC };

enum uart_kind { UART_NONE, UART_PL011, UART_16550 };

struct machine_uart {
	uint32_t kind; /* enum uart_kind */
	struct device_range registers;
	uint8_t shift;	  /* of a 16550: its registers stand 1 << shift bytes apart */
	uint8_t width;	  /* and are so many bytes wide */
	uint16_t divisor; /* so too, for 115,200 baud; 0: its speed is as the firmware has set it */
	uint32_t interrupt; /* number at the GIC; 0: none */
};

/* Addresses on a PCI bus that the processor sees at `base`. */
struct pci_window {
	bool is_io;
	uint64_t from, size;
	hpa_t base;
};

#define PCI_WINDOWS_MAX 4

/* A PCI host with its configuration space in memory. */
struct machine_pci {
	struct device_range config; /* size 0: there is none */
	uint32_t first_bus;
	uint32_t window_count;
	struct pci_window windows[PCI_WINDOWS_MAX];
};

struct machine_gic {
	bool present; /* a GICv3 or later */
	bool old;     /* there is one, but an older one */
	struct device_range distributor;
	struct device_range redistributors[GIC_REGIONS_MAX];
	uint32_t region_count;
	uint64_t stride; /* from one redistributor to the next; 0: as they say themselves */
};

struct machine {
	char command_line[COMMAND_LINE_MAX]; /* always ended */
	bool command_line_cut;		     /* it was longer */
	hpa_t bundle_base;		     /* the initrd; size 0: none */
	uint64_t bundle_size;
	struct memory_list memory; /* RAM is cut inwards to whole pages, all else outwards */
	uint32_t ranges_dropped;   /* of RAM, that found no place */
	uint32_t conduit;	   /* enum psci_conduit */
	struct machine_gic gic;
	uint32_t timer_interrupt; /* of the hypervisor's physical timer; 0: none */
	uint64_t timer_hz;	  /* 0: the processor's CNTFRQ_EL0 tells it */
	struct machine_uart console;
	struct machine_uart second; /* another line */
	struct machine_pci pci;
	struct device_range clock; /* a PL031; size 0: none */
};

/* What UEFI has told, where it started the kernel; the tree's word for these does not count then. */
struct machine_given {
	struct memory_list memory; /* RAM and tables of ACPI */
	char command_line[COMMAND_LINE_MAX];
	hpa_t bundle_base; /* size 0: none was found, but the tree may know one */
	uint64_t bundle_size;
	hpa_t rsdp; /* 0: no ACPI */
};

/* Of memory as UEFI's map has it; RAM is cut inwards to what can be used. TOO_LARGE. */
status_t machine_ram_add(struct memory_list *list, hpa_t base, uint64_t size) __must_check;

/* BAD_FORMAT: the tree's memory or initrd makes no sense. NOT_FOUND: it has no memory. TOO_LARGE: too many
 * reserved ranges. What stands at `tree`, too, is taken out of the RAM. `given`: NULL where there is no
 * UEFI. */
status_t machine_decode(const struct fdt *fdt, hpa_t tree, const struct machine_given *given,
			struct machine *machine) __must_check;
/* The console alone, of a tree of which nothing else is known. */
bool machine_console(const struct fdt *fdt, struct machine_uart *uart);

struct machine_cpu {
	uint64_t mpidr;
	bool usable; /* it is there, and starts by PSCI */
};
/* The next one of /cpus; *node starts as 0. */
bool machine_next_cpu(const struct fdt *fdt, uint32_t *node, struct machine_cpu *cpu);

#endif

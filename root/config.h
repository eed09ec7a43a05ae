/* SPDX-License-Identifier: MIT */
/*
 * trivet.conf: what the root task is to do. An INI file:
 *
 *	# a comment; ';' starts one too
 *	[system]
 *	on_exit = poweroff
 *
 *	[partition web]
 *	vps = 2
 *	memory = 256M
 *	kernel = vmlinuz
 *	cmdline = "console=ttyS0"
 *
 * One table (config.c) names the keys, their kinds, ranges and defaults. The parser works on the
 * text alone: whether the files exist and the machine can do it is for the caller to find out.
 * Every error names the file, the line, what stands there and what was expected.
 */
#ifndef ROOT_CONFIG_H
#define ROOT_CONFIG_H

#include <trivet/status.h>
#include <trivet/types.h>

/* What happens once the last partition has ended. */
enum config_on_exit {
	CONFIG_ON_EXIT_POWEROFF = 0, /* the machine is switched off (default) */
	CONFIG_ON_EXIT_MONITOR,	     /* the monitor prompt stays */
};

/* What a triple fault does to its machine. */
enum config_triple_fault {
	CONFIG_TRIPLE_FAULT_CRASH = 0, /* ends it, with the registers in the log (default) */
	CONFIG_TRIPLE_FAULT_RESET,     /* as on a PC */
};

/* The local APICs of a guest: numbers as in enum apic_mode. */
enum config_apic {
	CONFIG_APIC_XAPIC = 0,
	CONFIG_APIC_X2APIC,    /* can be switched on (default) */
	CONFIG_APIC_X2APIC_ON, /* is on at the start */
};

/* Numbers as in the Hyper-V interface. */
enum config_isolation {
	CONFIG_ISOLATION_NONE = 0,
	CONFIG_ISOLATION_VBS = 1,
	CONFIG_ISOLATION_SNP = 2,
	CONFIG_ISOLATION_TDX = 3,
};

/* The Hyper-V interface for the guest. */
enum config_hyperv {
	CONFIG_HYPERV_OFF, /* none (default) */
	CONFIG_HYPERV_ON,  /* the kernel's */
	CONFIG_HYPERV_VMM, /* the root task's, which has none: what would use it faults */
};

/* Sets of additional devices: bits of config_partition.devices. */
#define CONFIG_DEVICES_QEMU_COMPAT BIT(0) /* debug-exit, fw_cfg, pc-testdev */
#define CONFIG_DEVICES_HPET	   BIT(1)

#define CONFIG_NAME_MAX		32u /* characters of a partition name */
#define CONFIG_VPS_MAX		65536u
#define CONFIG_MEMORY_MIN	MIB(1)
#define CONFIG_MEMORY_MAX	GIB(16384)
#define CONFIG_MEMORY_DEFAULT	MIB(256)
#define CONFIG_VTL_MAX		2u
#define CONFIG_PRIORITY_MAX	31u
#define CONFIG_PRIORITY_DEFAULT 8u

/* A further file for the guest; arguments is "" when there are none. */
struct config_module {
	char *file;
	char *arguments;
};

struct config_partition {
	char *name;	   /* letters, digits, '-', '_', '.'; unique */
	unsigned int line; /* of its section */
	uint32_t vps;	   /* 1 .. CONFIG_VPS_MAX; default 1 */
	uint32_t threads;  /* in a core, 1 up; default 1 */
	uint32_t cores;	   /* in a socket; default 0: all in one */
	enum config_apic apic;
	uint64_t memory; /* bytes, whole pages; default 256 MiB */
	char *kernel;	 /* file in the bundle; never NULL */
	char *initrd;	 /* or NULL */
	char *cmdline;	 /* never NULL; default "" */
	struct config_module *modules;
	size_t module_count;
	uint64_t devices; /* CONFIG_DEVICES_* */
	enum config_hyperv hyperv;
	bool tsc_invariant; /* its guest may ask to see that the TSC is; default off */
	uint32_t vtl;	    /* highest VTL that the guest may use; default 0 */
	enum config_isolation isolation;
	enum config_triple_fault triple_fault;
	bool user_apic; /* the root task models its local APICs; default off */
	bool autostart; /* default on */
	uint32_t *cpus; /* host CPUs that its VPs may use; none: all */
	size_t cpu_count;
	uint32_t priority; /* 0 .. CONFIG_PRIORITY_MAX, higher first */
};

/* All strings and arrays belong to this structure. */
struct config {
	enum config_on_exit on_exit;
	char *gdb;			     /* name of the partition that gdb finds, or NULL */
	struct config_partition *partitions; /* in the order of the file */
	size_t partition_count;		     /* at least 1 after a successful parse */
};

struct config_error {
	unsigned int line; /* 1 for the first; 0 when it is the file as a whole */
	char message[256]; /* "trivet.conf:7: ...", no newline, NUL-terminated */
};

/*
 * Parses length bytes at text (need not end with a NUL). filename is only used in messages.
 * On success *out is filled and must be given to config_free(). BAD_FORMAT: the text is wrong,
 * *error says where and why. NO_MEMORY: the heap is empty, *error says so. After an error *out
 * is empty and owns nothing.
 */
status_t config_parse(const char *text, size_t length, const char *filename, struct config *out,
		      struct config_error *error) __must_check;

/* Gives back everything; *config is empty afterwards. An empty config may be given too. */
void config_free(struct config *config);

/* The partition of that name, or NULL. */
const struct config_partition *config_find(const struct config *config, const char *name);

#endif

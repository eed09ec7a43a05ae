/* SPDX-License-Identifier: MIT */
/* The inspect tree of the whole machine: the kernel's, with partitions by name, and device models. */
#ifndef VMM_INSPECT_H
#define VMM_INSPECT_H

#include <devices/platform.h>
#include <lib/inspect_kernel.h>

struct inspect_context {
	struct inspect_kernel kernel; /* first */
	struct platform devices;      /* a copy, of the guest whose directory is open */
};

/* The top; a walk's context is a struct inspect_context with kernel.boot set, after
 * inspect_system_look(). */
extern const struct inspect_directory inspect_top;
/* vmm/inspect_devices.c: the devices of context->devices. */
extern const struct inspect_directory inspect_devices;

/* The monitor's command: prints what is at the path ("" is the top) and `depth` levels below, or which
 * part of the path is wrong. */
void inspect_print_tree(const char *path, uint32_t depth);

#endif

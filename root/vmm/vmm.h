/* SPDX-License-Identifier: MIT */
/*
 * What the VMM knows as a whole: the host, the bundle, the configuration, and when all is over.
 */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <config.h>
#include <kernel/bundle.h>
#include <trivet/abi.h>

/* What the kernel said at the start; read-only. */
extern const struct boot_info *vmm_boot_info;

/* A file of the bundle, by name. STATUS_OK, or what bundle_find() answers. */
status_t vmm_file_find(const char *name, struct bundle_file *file) __must_check;

/* The host CPU for the next VP of a partition: round robin over those that it may use. */
uint32_t vmm_cpu_next(const struct config_partition *config);
/* The priority of service threads, above that of every VP, and of a partition's VPs. */
uint32_t vmm_service_priority(void);
uint32_t vmm_vp_priority(const struct config_partition *config);

/* Tells the main thread that a machine has ended by itself or could not be started. */
void vmm_machine_ended(void);

#endif

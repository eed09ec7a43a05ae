/* SPDX-License-Identifier: MIT */
/*
 * Monitor pages: a guest's bits in memory that signal connections without an exit. One page for each VTL, the
 * kernel's, which the guest sees where the VMM puts it.
 */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include <kernel/object.h>
#include <kernel/partition.h>

#define MONITOR_LATENCY_MIN 1000u /* in units of 100 ns: as often the page may be looked at */

struct monitor;

/* Shows the page there, zero but for the table of latencies, or takes it away (GPA_NOWHERE). Of a partition that
 * has the interface. As gpa_overlay_move(). */
status_t monitor_page_set(struct partition *partition, uint32_t vtl, gpa_t gpa) __must_check;
/* The bit signals the connection, as HvCallSignalEvent of that VTL, at most `latency` after it was set while the
 * VP that has set it runs. ALREADY_EXISTS: the bit has one. NO_MEMORY. The object keeps the partition. */
status_t monitor_register(struct partition *partition, uint32_t vtl, uint32_t id,
			  uint32_t connection, uint16_t latency,
			  struct object **object) __must_check;
/* The bytes of the page at gpa; NOT_FOUND: it is not all there. Size up to 8. A write signals at once. */
status_t monitor_read(struct partition *partition, uint32_t vtl, gpa_t gpa, void *buffer,
		      size_t size) __must_check;
status_t monitor_write(struct partition *partition, uint32_t vtl, gpa_t gpa, const void *buffer,
		       size_t size) __must_check;
/* One of the partition's VPs is to run that was blocked, or not bound. Any CPU, any partition. */
void monitors_wake(struct partition *partition);
/* As after build, but for what is registered; no VP runs. */
status_t monitors_reset(struct partition *partition) __must_check;
/* Of one that is destroyed, and has the interface: before its VPs go, and when its spaces are gone. Nothing
 * is registered any more. */
void monitors_stop(struct partition *partition);
void monitors_destroy(struct partition *partition);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The partition/processor model as C calls: one function for each system call of <trivet/abi.h>,
 * nothing added. Each answers a status; a value comes through a pointer, which is written only
 * with STATUS_OK. Handles belong to the task: whoever made one closes it. docs/abi.md says more
 * about each call.
 */
#ifndef LIB_MODEL_H
#define LIB_MODEL_H

#include <trivet/abi.h>
#include <trivet/state.h>

/* ---- the system ---- */

/* Writes size bytes to the host's console and into the log. */
status_t console_write(const void *bytes, size_t size);
/* Takes up to size bytes of the host console's input; *taken may be 0. Does not wait. */
status_t console_read(void *bytes, size_t size, size_t *taken);
/* From now on `bits` of the event are signalled when console input comes. */
status_t console_bind(handle_t event, uint64_t bits);
/* Bytes of the log from `position` on, counted from the first byte ever logged; *taken may be 0. */
status_t log_read(uint64_t position, void *bytes, size_t size, size_t *taken);
/* The second serial line becomes a COM port of the host's (1 up); input is signalled as above. NOT_FOUND,
 * BUSY: it is the console. */
status_t serial_open(uint32_t com, handle_t event, uint64_t bits);
/* As console_read() and console_write(), without the log. */
status_t serial_read(void *bytes, size_t size, size_t *taken);
status_t serial_write(const void *bytes, size_t size);
/* Switches the machine off or restarts it; `code` tells an emulator how it ended. */
status_t system_end(enum system_end_action action, uint32_t code);
/* What memory the account of `object` holds; HANDLE_NONE: the kernel's. */
status_t memory_info(handle_t object, struct memory_info *info);

/* ---- objects, threads, events ---- */

status_t handle_close(handle_t handle);
/* A second handle with the given enum handle_rights, all of which the first one has. */
status_t handle_duplicate(handle_t handle, uint32_t rights, handle_t *copy);
/* A thread on a CPU, started at once; <lib/thread.h> is what to use. */
status_t thread_create(uint32_t cpu, uint32_t priority, void *entry, void *stack_top,
		       void *argument, void *tls, handle_t *thread);
/* Ends this thread. */
__noreturn void thread_exit(void);
/* Lets other threads of this CPU and priority run. */
void thread_yield(void);
status_t event_create(handle_t *event);
/* Sets bits (not 0) and wakes the thread that waits. */
status_t event_signal(handle_t event, uint64_t bits);
/*
 * Waits until bits are set, gives them and clears them. One thread at a time (BUSY). TIMED_OUT
 * when system time has reached deadline_ns (UINT64_MAX: never).
 */
status_t event_wait(handle_t event, uint64_t deadline_ns, uint64_t *bits);

/* ---- partitions under construction ---- */

/* OK, or why no partition can be made on this machine. */
status_t hypervisor_available(void);
status_t proto_partition_create(const struct proto_partition_config *config, handle_t *partition);
/* The CPUID values (eax, ebx, ecx, edx) that a guest would get. */
status_t proto_partition_cpuid(handle_t partition, uint32_t eax, uint32_t ecx, uint32_t values[4]);
/* Makes it final. NO_MEMORY: deposit more, and call again. */
status_t proto_partition_build(handle_t partition, const struct partition_config *config);

/* ---- partitions ---- */

/* Gives [window, window+size) to the partition's account; multiples of 2 MiB. It leaves the
 * window until it comes back by partition_withdraw() or the partition's end. */
status_t partition_deposit(handle_t partition, void *window, uint64_t size);
/* *window gets a 2 MiB block of which the account used nothing; NOT_FOUND: there is none. */
status_t partition_withdraw(handle_t partition, void **window);
/* Shows [window, window+size) at gpa; page aligned; flags are enum gpa_flags. */
status_t partition_map(handle_t partition, uint32_t vtl, void *window, uint64_t size, gpa_t gpa,
		       uint32_t flags);
/* Takes whole mappings away: zero or more of them, none in part. */
status_t partition_unmap(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size);
/* All partition state back to initial; BUSY while a VP runs. */
status_t partition_reset(handle_t partition);
/* An MSI as a device writes it (SDM 3A, 11.11). *merged: one like it was still pending. */
status_t partition_request_msi(handle_t partition, uint32_t vtl, uint64_t address, uint32_t data,
			       bool *merged);
status_t partition_caps(handle_t partition, struct partition_caps *caps);
/* In 100 ns since the partition was built. */
status_t partition_reference_time(handle_t partition, uint64_t *time);

/* That all of the range is mapped, and so at hand: NOT_FOUND. */
status_t partition_prefetch(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size);
/* Memory of one mapping that stays where it is, for a device that accesses it, until the handle is closed. */
status_t partition_pin(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size, handle_t *pin);
/* Notes from now on which pages of whole mappings the guest writes; and no longer. */
status_t partition_dirty_start(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size);
status_t partition_dirty_stop(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size);
/* A bit for each page, written since the start or since it was last read with DIRTY_CLEAR. */
status_t partition_dirty_get(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size, void *bits,
			     uint32_t flags, uint64_t *count);
/* Pages that this task writes itself, which no processor sees as the guest's. */
status_t partition_dirty_mark(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size);
/* A guest's write that signals an event, by VTLs from min_vtl up, without an end to vp_run. Closing
 * the handle ends it. */
status_t partition_doorbell_create(handle_t partition, uint32_t min_vtl,
				   const struct doorbell_config *config, handle_t *doorbell);
/* A write that was emulated, to be taken as one of the guest's. NOT_FOUND: it rings none. */
status_t doorbell_ring(handle_t partition, uint32_t vtl, enum doorbell_kind kind, uint64_t address,
		       uint32_t length, uint64_t value);
/* ---- sources of interrupts ---- */

/* What a device needs to raise MSIs in one VTL of a partition, without other rights on that. */
status_t msi_source_create(handle_t partition, uint32_t vtl, handle_t *source);
/* As partition_request_msi(). */
status_t msi_signal(handle_t source, uint64_t address, uint32_t data, bool *merged);

/* ---- guests that crash ---- */

/* `bits` (not 0) of the event are signalled whenever the guest tells by its Hyper-V interface that it has
 * crashed. NOT_SUPPORTED: it has none. */
status_t partition_crash_bind(handle_t partition, handle_t event, uint64_t bits);
/* The last crash. NOT_FOUND: there was none. */
status_t partition_crash_get(handle_t partition, struct partition_crash *crash);

/* ---- virtual processors ---- */

/* Binds a VP to this thread. `page` is a page of the window, which stays with the VP. */
status_t vp_bind(handle_t partition, uint32_t index, struct vp_run_page *page, handle_t *vp);
/* Runs until the VMM must act; the run page says why. Only on the thread that it is bound to. */
status_t vp_run(handle_t vp);
/* vp_run of that VP returns soon, wherever the VP is; any thread. */
status_t vp_request_yield(handle_t partition, uint32_t index);
/* Registers by enum hv_register_name. All or none are written. */
status_t vp_get_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  union hv_register_value *values, uint32_t count);
status_t vp_set_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  const union hv_register_value *values, uint32_t count);
status_t vp_reset(handle_t vp);
/* Takes in what other VPs and devices asked of it (INIT, start-up, interrupts, the timer's end), as the next
 * vp_run would, so that its state shows it; and before that the answer in the run page. */
status_t vp_flush_requests(handle_t vp);
status_t vp_intercept(handle_t vp, struct hv_message *message);
/* Level of local interrupt pin 0 or 1. */
status_t vp_set_lint(handle_t partition, uint32_t index, uint32_t vtl, uint32_t lint, bool level);
/* A 32-bit access to the local APIC's page at `offset`. */
status_t vp_apic_read(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t *value);
/* ended: APIC_ACCESS_EOI | vector when the write ended a level-triggered interrupt, of which the I/O
 * APICs must hear; else 0. */
status_t vp_apic_write(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t value, uint32_t *ended);
/* Accesses to an Arm GIC's frames that the kernel did not decode. */
status_t vp_gic_read(handle_t vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t *value);
status_t vp_gic_write(handle_t vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t value);
/* That pin rises and falls at once. */
status_t vp_pulse_lint(handle_t partition, uint32_t index, uint32_t vtl, uint32_t lint);
/* The line of a shared peripheral interrupt of an arm guest. */
status_t partition_set_spi(handle_t partition, uint32_t vtl, uint32_t intid, bool level);
/* Breakpoints and steps of a debugger; NULL: none. */
status_t vp_set_debug_state(handle_t vp, uint32_t vtl, const struct vp_debug_state *state);
status_t vp_stats(handle_t partition, uint32_t index, struct vp_stats *stats);

/* ---- state ---- */

/* One element (enum vp_state_element). TOO_LARGE: the buffer is less than *needed bytes, which are written
 * otherwise. */
status_t vp_state_get(handle_t vp, uint32_t vtl, uint32_t element, void *buffer, size_t size,
		      size_t *needed);
status_t vp_state_set(handle_t vp, uint32_t vtl, uint32_t element, const void *data, size_t size);
status_t vp_state_reset(handle_t vp, uint32_t vtl, uint32_t element);
/* All of a VP, in the form of <trivet/state.h>; TOO_LARGE as above. */
status_t vp_save(handle_t vp, void *buffer, size_t size, size_t *needed);
/* All or nothing. */
status_t vp_restore(handle_t vp, const void *data, size_t size);
status_t partition_save(handle_t partition, void *buffer, size_t size, size_t *needed);
status_t partition_restore(handle_t partition, const void *data, size_t size);
/* Time stands still, or goes on, for the whole partition. BUSY: one of its VPs is bound. */
status_t partition_freeze(handle_t partition);
status_t partition_thaw(handle_t partition);

/* ---- inspection ---- */

/* The structure that `what` names, cut at `size` bytes; partition HANDLE_NONE: the system's. */
status_t inspect(handle_t partition, enum inspect_what what, uint32_t index, void *view,
		 size_t size);
/* On: what its exits cost is counted, from 0; see INSPECT_PROFILE. */
status_t vp_profile(handle_t partition, uint32_t index, bool on);
/* As vp_get_registers, of any VP, by any thread: as it was between two runs. */
status_t vp_peek_registers(handle_t partition, uint32_t index, uint32_t vtl, const uint32_t *names,
			   union hv_register_value *values, uint32_t count);

#endif

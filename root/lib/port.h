/* SPDX-License-Identifier: MIT */
/*
 * Ports and connections as C calls, one for each system call: what leads from a guest's HvCallPostMessage and
 * HvCallSignalEvent to this task, and from this task into a guest's synic. Each answers a status; a value
 * comes through a pointer, which is written only with STATUS_OK. Closing a handle ends what it names: the
 * guest finds no such connection any more. A connection's id has 24 bits; message ports and event
 * ports of a partition share them. docs/abi.md says more about each call.
 */
#ifndef LIB_PORT_H
#define LIB_PORT_H

#include <trivet/abi.h>
#include <trivet/hv/synic.h>

/*
 * What the guest posts to `connection`, by VTLs from min_vtl up, is kept for message_port_receive(), and `bits`
 * (not 0) of the event are signalled for each. As many wait as PORT_MESSAGES; the guest is told when there
 * is no room. ALREADY_EXISTS: the id is taken. TOO_LARGE: the partition
 * has as many connections as it may.
 */
status_t message_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
			     handle_t event, uint64_t bits, handle_t *port);
/* Takes the oldest message. NOT_FOUND: there is none. One signal may stand for many: receive until then. */
status_t message_port_receive(handle_t port, struct port_message *message);
/* The guest's HvCallSignalEvent to `connection`, by VTLs from min_vtl up, signals `bits` (not 0) of the event,
 * while the VP goes on. The call's flag number must be 0. Statuses as of message_port_create(). */
status_t host_event_port_create(handle_t partition, uint32_t min_vtl, uint32_t connection,
				handle_t event, uint64_t bits, handle_t *port);

/* Names an event flag (0-2047) of a SINT of a VP, to be signalled. */
status_t guest_event_port_create(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
				 uint32_t flag, handle_t *port);
/* Sets the flag and interrupts the VP if it was clear. WRONG_STATE: the guest has not enabled its synic or its
 * page of event flags, or has masked the SINT. */
status_t guest_event_port_signal(handle_t port);
/* Takes the flag back; it is not an error if the guest was faster. */
status_t guest_event_port_clear(handle_t port);
/* From now on another VP, SINT and flag of the same VTL. What is set already stays. */
status_t guest_event_port_retarget(handle_t port, uint32_t vp, uint32_t sint, uint32_t flag);

/* Queues a message to a SINT of a VP: type, payload_size and payload are the caller's, origin too; flags and
 * reserved are not looked at. BUSY: as many wait as may, nothing is queued. WRONG_STATE as of
 * guest_event_port_signal(). */
status_t synic_post_message(handle_t partition, uint32_t vtl, uint32_t vp, uint32_t sint,
			    const struct hv_message *message);

/*
 * The page of a VTL whose bits a guest sets instead of signalling (TLFS, HV_MONITOR_PAGE). It is the kernel's,
 * zero but for what is registered, and the guest sees it at this address, over what may be mapped there;
 * MONITOR_NOWHERE takes it away. MISALIGNED, INVALID_ADDRESS; BUSY: memory there is being mapped, try again.
 */
#define MONITOR_NOWHERE UINT64_MAX
status_t monitor_page_set(handle_t partition, uint32_t vtl, gpa_t gpa);
/* Bit `id` (0-127) of the page signals the connection, at most `latency` (in 100 ns, not 0) after it was set
 * by a VP that runs; 100 us are the least. Closing the handle ends that. ALREADY_EXISTS. */
status_t monitor_register(handle_t partition, uint32_t vtl, uint32_t id, uint32_t connection,
			  uint16_t latency, handle_t *monitor);
/* For an emulator: an access of the guest's of 1, 2, 4 or 8 bytes, if it is to the page; NOT_FOUND otherwise.
 * Bits that are written signal at once. */
status_t monitor_read(handle_t partition, uint32_t vtl, gpa_t gpa, uint32_t size, uint64_t *value);
status_t monitor_write(handle_t partition, uint32_t vtl, gpa_t gpa, uint32_t size, uint64_t value);

#endif

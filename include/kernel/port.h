/* SPDX-License-Identifier: MIT */
/*
 * Ports (TLFS, "Inter-Partition Communication"): where a guest's messages and events go, by the number of a
 * connection, and where the root task's go in a guest. A handle names one and keeps its partition alive;
 * its last handle's end takes it away.
 */
#ifndef KERNEL_PORT_H
#define KERNEL_PORT_H

#include <kernel/lock.h>
#include <kernel/object.h>
#include <trivet/hv/synic.h>

#define PORT_BUCKETS 512u  /* the heads of all chains fill a page */
#define PORTS_MAX    8192u /* with a connection, of a partition: chains stay short */

struct event;
struct partition;
struct port;
struct vp;

/* The connections of a partition. Looked up in read sections (<kernel/reader.h>). */
struct port_table {
	struct spinlock lock; /* for changes; taken alone */
	/* By the number's low bits; NULL: it never had one. */
	_Atomic(struct port *) *_Atomic heads;
	uint32_t count;
};

enum port_kind {
	PORT_MESSAGE,	  /* keeps what the guest posts */
	PORT_HOST_EVENT,  /* signals an event */
	PORT_GUEST_EVENT, /* names an event flag; no connection leads to it */
};

/* What leads to a port: all is checked. */
struct port_connection {
	uint32_t number;
	uint32_t min_vtl;
	struct event *event;
	uint64_t bits; /* of the event */
};

struct port_target {
	uint32_t vp, sint, flag;
};

/* PORT_MESSAGE or PORT_HOST_EVENT, of a partition that has the interface. It takes a reference to the event.
 * ALREADY_EXISTS, TOO_LARGE, NO_MEMORY. */
status_t port_connect(struct partition *partition, enum port_kind kind,
		      const struct port_connection *connection, struct port **port) __must_check;
status_t port_guest_create(struct partition *partition, uint32_t vtl,
			   const struct port_target *target, struct port **port) __must_check;
/* With the partition: no port is left. */
void port_table_destroy(struct partition *partition);

/* The port that an object is, if it is of that kind; NULL. */
struct port *port_of(struct object *object, enum port_kind kind);
struct object *port_object(struct port *port);
/* Of a guest's event: as the functions of <kernel/synic.h>. */
status_t port_guest_signal(struct port *port);
status_t port_guest_clear(struct port *port);
status_t port_guest_retarget(struct port *port, const struct port_target *target);
/* NOT_FOUND: no such VP or SINT. INVALID_ARGUMENT: no such flag. */
status_t port_target_check(const struct partition *partition, const struct port_target *target);

/* Copies the oldest message; *turn names it. NOT_FOUND: there is none. */
status_t port_message_peek(struct port *port, struct port_message *message, uint64_t *turn);
/* Takes that one away. False: somebody else has. */
bool port_message_drop(struct port *port, uint64_t turn);

/* What a guest's call answers: enum hv_status. @input is checked but for the connection. */
uint16_t port_post(struct vp *vp, uint32_t vtl, const struct hv_post_message_input *input);
uint16_t port_signal(const struct partition *partition, uint32_t vtl, uint32_t connection,
		     uint16_t flag);

#endif

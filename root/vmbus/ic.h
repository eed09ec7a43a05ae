/* SPDX-License-Identifier: MIT */
/*
 * Integration services: small protocols by which the host asks and the guest answers, one question at a time.
 * What they have in common is here: the channel, the versions, the headers. Each service of its own is a table of
 * functions and a structure that begins with struct ic.
 *
 *	CLOSED --opened--> NEGOTIATING --versions--> READY
 *	   ^                    `------none fits------> FAILED
 *	   `------------------closed----------------------'
 */
#ifndef VMBUS_IC_H
#define VMBUS_IC_H

#include <vmbus/ic_protocol.h>
#include <vmbus/vmbus.h>

struct ic;

enum ic_state { IC_CLOSED, IC_NEGOTIATING, IC_READY, IC_FAILED, IC_STATES };
#define IC_STATE_WORDS "closed\0negotiating\0ready\0failed\0"

struct ic_service {
	const char *name;
	struct vmbus_guid type, instance;
	enum ic_message_type message;
	const struct ic_version *versions; /* that it speaks */
	uint16_t version_count;
	/* The versions are agreed on: questions may be asked. */
	void (*ready)(struct ic *ic);
	/* No more, after ready(). An answer that is due does not come. */
	void (*closed)(struct ic *ic);
	/* The guest's answer; body is `size` bytes, perhaps less than was sent. */
	void (*answered)(struct ic *ic, uint32_t status, const void *body, size_t size);
	/* As of struct vmbus_channel_ops, when it is ready. */
	void (*resumed)(struct ic *ic);
};

struct ic {
	struct vmbus_channel channel; /* first */
	const struct ic_service *service;
	enum ic_state state;
	struct ic_version framework, version; /* when READY */
	bool waiting;			      /* for an answer */
	uint64_t asked, answered;	      /* since it is ready */
};

/* Offers the service's channel. TOO_LARGE as vmbus_offer(). */
status_t ic_offer(struct ic *ic, const struct ic_service *service, struct vmbus *bus) __must_check;

/* Asks. WRONG_STATE: it is not ready. BUSY: an answer is due, or the guest has no room. */
status_t ic_ask(struct ic *ic, const void *body, size_t size) __must_check;

/* ---- the services ---- */

#define IC_HEARTBEAT_NS 2000000000ull

/* The guest answers every IC_HEARTBEAT_NS. */
struct ic_heartbeat {
	struct ic ic;
	struct device_timer timer;
	uint64_t sequence;
	uint64_t beats;	  /* that were answered as they should be */
	uint64_t last_ns; /* when the last was */
	uint64_t missed;  /* times at which the one before was not answered */
};
status_t ic_heartbeat_offer(struct ic_heartbeat *heartbeat, struct vmbus *bus) __must_check;

#define IC_SHUTDOWN_NS 60000000000ull

/* What has become of a question to shut down. */
enum ic_shutdown_news {
	IC_SHUTDOWN_AGREED, /* the guest has said yes; more may follow */
	/* The question is over, and may be put again. */
	IC_SHUTDOWN_REFUSED,
	IC_SHUTDOWN_CLOSED, /* the guest has closed the channel, and has not answered */
	IC_SHUTDOWN_LATE,   /* it has not gone after IC_SHUTDOWN_NS */
};

/* The guest is asked to shut down. */
struct ic_shutdown {
	struct ic ic;
	struct device_timer timer;
	bool asked; /* and it is not over */
	bool agreed;
	/* Set by the owner, before the offer. */
	void (*news)(struct ic_shutdown *shutdown, enum ic_shutdown_news news);
};
status_t ic_shutdown_offer(struct ic_shutdown *shutdown, struct vmbus *bus) __must_check;
/* flags: IC_SHUTDOWN_FORCE and the like. ALREADY_EXISTS: a question is not over. Else as ic_ask(). */
status_t ic_shutdown_ask(struct ic_shutdown *shutdown, uint32_t flags) __must_check;
/* The guest has ended: no news any more. True: it was asked. */
bool ic_shutdown_forget(struct ic_shutdown *shutdown);

#define IC_TIMESYNC_NS 5000000000ull

/* The guest is told the time: to set its clock when it starts or goes on, then every IC_TIMESYNC_NS to look at. */
struct ic_timesync {
	struct ic ic;
	struct device_timer timer;
	bool sync; /* the next is to set the clock */
};
status_t ic_timesync_offer(struct ic_timesync *timesync, struct vmbus *bus) __must_check;

/* Texts in UTF-8, with their NUL: 3 bytes for one of UTF-16's units at most. */
#define IC_KVP_KEY_TEXT	  (IC_KVP_KEY_SIZE / 2 * 3 + 1)
#define IC_KVP_VALUE_TEXT (IC_KVP_VALUE_SIZE / 2 * 3 + 1)

struct ic_kvp_request {
	enum ic_kvp_operation operation;
	enum ic_kvp_pool pool;
	uint32_t index;		       /* of IC_KVP_ENUMERATE */
	char key[IC_KVP_KEY_TEXT];     /* comes from IC_KVP_ENUMERATE */
	char value[IC_KVP_VALUE_TEXT]; /* comes from that and IC_KVP_GET */
	/* NOT_FOUND: the guest has no such key, or none of that number; CANCELLED: the channel was closed. */
	void (*done)(struct ic_kvp_request *request, status_t status);
};

/* Keys and values that the guest keeps for the host, or tells it. */
struct ic_kvp {
	struct ic ic;
	struct ic_kvp_request *request;
};
status_t ic_kvp_offer(struct ic_kvp *kvp, struct vmbus *bus) __must_check;
/* One at a time; the request stays where it is until it is done or given up. INVALID_ARGUMENT: a text is too long
 * or is not UTF-8. Else as ic_ask(). */
status_t ic_kvp_ask(struct ic_kvp *kvp, struct ic_kvp_request *request) __must_check;
/* done() is not called any more. */
void ic_kvp_give_up(struct ic_kvp *kvp, struct ic_kvp_request *request);

/* All of them. */
struct ic_services {
	struct ic_heartbeat heartbeat;
	struct ic_shutdown shutdown;
	struct ic_timesync timesync;
	struct ic_kvp kvp;
};
status_t ic_services_offer(struct ic_services *services, struct vmbus *bus) __must_check;

#endif

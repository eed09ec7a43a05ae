/* SPDX-License-Identifier: MIT */
/*
 * A VMBus server: it offers channels to one guest, and brings packets between the rings that the guest lays
 * open for them and the services behind. The server reaches the world by struct vmbus_host alone, and keeps
 * time by the devices' timers; so it runs hosted as well.
 *
 *	struct vmbus            the connection: version, where messages go, what waits to be sent
 *	  struct vmbus_channel  one service: part of the service's structure, in the server's table
 *	    struct vmbus_ring   two of them while it is open, over pages of a
 *	  struct vmbus_gpadl    list of the guest's pages, named by the guest
 *
 * The guest is hostile: whatever it sends, in whatever order, does no more than get a status, lose a
 * channel, or have a line logged. What it makes the server keep is bounded. Not locked: whoever owns the
 * server serialises all calls into this folder, with those of the devices.
 */
#ifndef VMBUS_VMBUS_H
#define VMBUS_VMBUS_H

#include <devices/device.h>
#include <vmbus/gpadl.h>
#include <vmbus/protocol.h>
#include <vmbus/ring.h>

struct vmbus;
struct vmbus_channel;

#define VMBUS_CHANNELS	    64u	   /* of one guest; a channel's number is below it, and above 0 */
#define VMBUS_GPADLS	    1024u  /* that stand at once */
#define VMBUS_GPADL_PAGES   65536u /* of all of them */
#define VMBUS_QUEUE	    16u	   /* messages that wait for room in the guest */
#define VMBUS_PACKET_MAX    KIB(20)
#define VMBUS_SERVE_PACKETS 64u /* of all channels, and so many messages, at one call */

/* ---- the world ---- */

struct vmbus_host {
	/* Takes the oldest message of the guest's; NOT_FOUND: there is none. */
	status_t (*receive)(struct vmbus *bus, uint8_t message[VMBUS_MESSAGE_MAX], size_t *size);
	/* A message to a SINT of a VP. BUSY: it is to be tried again. Else: it is lost. */
	status_t (*post)(struct vmbus *bus, uint32_t vp, uint32_t sint, const void *message,
			 size_t size);
	/* Signals go both ways from now on, as channel->connection, vp and event_flag say: the guest's have
	 * vmbus_serve() called. */
	status_t (*connect)(struct vmbus *bus, struct vmbus_channel *channel);
	void (*disconnect)(struct vmbus *bus, struct vmbus_channel *channel);
	/* channel->vp has changed. */
	status_t (*retarget)(struct vmbus *bus, struct vmbus_channel *channel);
	/* The guest is to look at the rings. */
	void (*signal)(struct vmbus *bus, struct vmbus_channel *channel);
	/* The page of guest memory there, for as long as the server lives; NULL: it is not RAM. */
	void *(*page)(struct vmbus *bus, gpa_t gpa);
	/* vmbus_serve() is to be called again soon. */
	void (*again)(struct vmbus *bus);
	/* Reference time now, and UTC as struct ic_time_message has it; false: there is no clock. */
	bool (*clock)(struct vmbus *bus, uint64_t *reference, uint64_t *utc);
	/* "The guest" has done what no sane one does: it `what` `number`. It may do so for ever. */
	void (*complain)(struct vmbus *bus, const char *what, uint32_t number);
};

/* ---- channels ---- */

struct vmbus_packet {
	uint16_t type; /* enum vmbus_packet_type */
	bool completion_requested;
	uint64_t transaction;
	const uint8_t *data; /* a copy, which the guest cannot change, until the call returns */
	size_t size;	     /* a multiple of 8 */
	struct vmbus_pages
		*pages; /* of VMBUS_PACKET_GPA_DIRECT; may be taken over by setting it NULL */
};

/* What a service does. None may be NULL. */
struct vmbus_channel_ops {
	/* The guest has opened the channel: packets may be sent. */
	void (*opened)(struct vmbus_channel *channel);
	/* It is closed, by the guest or because of what that did. */
	void (*closed)(struct vmbus_channel *channel);
	void (*received)(struct vmbus_channel *channel, struct vmbus_packet *packet);
	/* There is room again after vmbus_send() has answered BUSY. */
	void (*writable)(struct vmbus_channel *channel);
	/* The machine goes on after it was saved, with the channel open: no timer is armed. */
	void (*resumed)(struct vmbus_channel *channel);
};

enum vmbus_channel_state {
	VMBUS_CHANNEL_CLOSED,
	VMBUS_CHANNEL_OPEN,
	VMBUS_CHANNEL_BROKEN, /* the guest has it open, but has broken its rings: nothing passes */
};

struct vmbus_channel {
	/* Set by the service before vmbus_offer(). */
	const struct vmbus_channel_ops *ops;
	const char *name; /* static */
	struct vmbus_guid type, instance;
	uint16_t offer_flags;
	uint32_t pipe_mode;

	/* The server's. */
	struct vmbus *bus;
	uint32_t relid; /* its number; 0: it is not offered */
	enum vmbus_channel_state state;
	bool known;	/* the guest was told of it, and has not released it */
	bool announce;	/* the guest is to be told */
	bool rescinded; /* it goes, when the guest has released it */
	bool rescind;	/* and is to be told so */
	uint32_t vp;	/* that is interrupted; VMBUS_NO_VP */
	uint32_t connection, event_flag;
	uint32_t gpadl; /* of the rings */
	struct vmbus_ring incoming, outgoing;
	uint64_t received, sent, signals; /* packets, and interrupts of the guest's */

	/* The owner's of the server. */
	uint32_t ports[2];
};

/* ---- the server ---- */

struct vmbus_message {
	uint32_t vp, sint;
	uint32_t size;
	uint8_t bytes[VMBUS_MESSAGE_MAX];
};

/* A message of the guest's that is kept. */
struct vmbus_held {
	struct vmbus_held *next;
	size_t size;
	uint8_t bytes[VMBUS_MESSAGE_MAX] __aligned(8);
};

struct vmbus {
	const struct vmbus_host *host;
	struct device_env *env;
	uint32_t vp_count;
	struct vmbus_channel *channels[VMBUS_CHANNELS]; /* by number */

	uint32_t version; /* 0: the guest is not connected */
	uint32_t features;
	uint32_t message_vp, message_sint;
	bool offers_requested; /* since it is connected */
	bool offers_end;       /* AllOffersDelivered is due when all are */

	uint32_t first_channel; /* that is served at the next call */

	struct vmbus_gpadl *gpadls;
	uint32_t gpadl_count, gpadl_pages;

	struct vmbus_held *held; /* oldest first: what the ports had, when they went */
	struct vmbus_message queue[VMBUS_QUEUE];
	uint32_t queue_first, queue_count;
	struct device_timer retry;
	uint64_t retry_ns; /* until the queue is tried again */

	uint8_t *packet; /* VMBUS_PACKET_MAX bytes: the one that is received */
};

/* A server without channels. NO_MEMORY. Timers are armed in env; now_ns() and the timers alone are used. */
status_t vmbus_init(struct vmbus *bus, const struct vmbus_host *host, struct device_env *env,
		    uint32_t vp_count) __must_check;
/* Closes all without a word to the guest, and gives the memory back. */
void vmbus_destroy(struct vmbus *bus);
/* The guest is reset: it knows of nothing. */
void vmbus_reset(struct vmbus *bus);

/* Offers a channel, now or when the guest asks. TOO_LARGE: there are VMBUS_CHANNELS. */
status_t vmbus_offer(struct vmbus *bus, struct vmbus_channel *channel) __must_check;
/* Takes the offer back and closes the channel. It stays the server's until vmbus_channel_gone(). */
void vmbus_rescind(struct vmbus_channel *channel);
static inline bool vmbus_channel_gone(const struct vmbus_channel *channel)
{
	return channel->relid == 0;
}

/* Does what there is to be done: messages from and to the guest, packets. Bounded: it asks for another call. */
void vmbus_serve(struct vmbus *bus);

/* Takes in what the guest has sent and the server has had no room for, as it cannot be received later. NO_MEMORY: what
 * was taken is kept all the same. */
status_t vmbus_hold(struct vmbus *bus) __must_check;
/* All signals are cut off, as the partition goes; and are set up again, in one like it. The guest does not
 * notice. The channels for which that fails break. */
void vmbus_detach(struct vmbus *bus);
void vmbus_attach(struct vmbus *bus);

/* ---- for services ---- */

struct vmbus_piece {
	const void *data;
	size_t size;
};

/*
 * A packet out of pieces, filled up to a multiple of 8 bytes. WRONG_STATE: the channel is not open (any
 * more). BUSY: the ring has no room now; writable() is called when it has. TOO_LARGE: it never has.
 */
status_t vmbus_send(struct vmbus_channel *channel, enum vmbus_packet_type type, uint16_t flags,
		    uint64_t transaction, const struct vmbus_piece *pieces,
		    size_t count) __must_check;
/* A list of pages of the guest's, which it has named in a packet. NULL: the channel has none of that number. It is
 * valid until the next call of vmbus_serve(). */
const struct vmbus_pages *vmbus_gpadl_pages(const struct vmbus_channel *channel, uint32_t gpadl);

/* ---- for the files of this folder ---- */

/* channel.c. The message was checked; the answer is for the guest. */
uint32_t vmbus_channel_open(struct vmbus_channel *channel, const struct vmbus_open_channel *open);
/* Of a channel in any state. */
void vmbus_channel_close(struct vmbus_channel *channel);
/* The rings are not used any more; says why. */
void vmbus_channel_break(struct vmbus_channel *channel, const char *why);
/* Takes up to *left packets, of which it takes their number away. True: there is more. */
bool vmbus_channel_serve(struct vmbus_channel *channel, uint32_t *left);

/* gpadl.c */
struct vmbus_gpadl *vmbus_gpadl_find(const struct vmbus *bus, uint32_t id);
/* Statuses for the guest. *done: it is complete or has failed. */
uint32_t vmbus_gpadl_begin(struct vmbus *bus, const struct vmbus_gpadl_header *header,
			   const uint8_t *list, size_t size, bool *done);
uint32_t vmbus_gpadl_go_on(struct vmbus *bus, struct vmbus_gpadl *gpadl, const uint8_t *list,
			   size_t size, bool *done);
void vmbus_gpadl_remove(struct vmbus *bus, struct vmbus_gpadl *gpadl);

#endif

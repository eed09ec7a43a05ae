/* SPDX-License-Identifier: MIT */
/*
 * What passes between a VMBus server and a guest: channel messages, which travel as synic messages, page lists,
 * and what stands in the ring buffers of a channel. Structures are packed and little-endian, as this machine is.
 *
 *	guest                         server
 *	  InitiateContact  ------------>        connection 4, or 1 before version 5.0
 *	                   <------------  VersionResponse
 *	  RequestOffers    ------------>
 *	                   <------------  OfferChannel, one for each; AllOffersDelivered
 *	  GpadlHeader, GpadlBody ...  ->        the pages of the rings
 *	                   <------------  GpadlCreated
 *	  OpenChannel      ------------>
 *	                   <------------  OpenChannelResult
 *	  signals by HvCallSignalEvent on the offer's connection; event flags the other way
 */
#ifndef VMBUS_PROTOCOL_H
#define VMBUS_PROTOCOL_H

#include <trivet/types.h>

/* ---- versions ---- */

#define VMBUS_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))
#define VMBUS_VERSION_4_0	    VMBUS_VERSION(4, 0)
#define VMBUS_VERSION_4_1	    VMBUS_VERSION(4, 1) /* ModifyChannel */
#define VMBUS_VERSION_5_0	    VMBUS_VERSION(5, 0) /* connection 4, the guest names its SINT */
#define VMBUS_VERSION_5_1	    VMBUS_VERSION(5, 1)
#define VMBUS_VERSION_5_2	    VMBUS_VERSION(5, 2)
#define VMBUS_VERSION_5_3	    VMBUS_VERSION(5, 3) /* ModifyChannel is answered */
#define VMBUS_VERSION_6_0	    VMBUS_VERSION(6, 0) /* feature flags */

/* Feature flags from 6.0 on: OpenChannel2 may name the connection and the event flag. */
#define VMBUS_FEATURE_SIGNAL_PARAMETERS BIT(0)

/* ---- connections ---- */

#define VMBUS_CONNECTION_OLD	1u /* messages of guests before 5.0 */
#define VMBUS_CONNECTION_NEW	4u
#define VMBUS_CONNECTION_SIGNAL 0x2000u /* plus a channel's number: its signals */
#define VMBUS_SINT		2u	/* before 5.0, and of all signals to the guest */
#define VMBUS_MESSAGE_TYPE	1u	/* of the synic messages that carry channel messages */
#define VMBUS_MESSAGE_MAX	240u

/* ---- channel messages ---- */

enum vmbus_message_type {
	VMBUS_OFFER_CHANNEL = 1,
	VMBUS_RESCIND_OFFER = 2,
	VMBUS_REQUEST_OFFERS = 3,
	VMBUS_ALL_OFFERS_DELIVERED = 4,
	VMBUS_OPEN_CHANNEL = 5,
	VMBUS_OPEN_CHANNEL_RESULT = 6,
	VMBUS_CLOSE_CHANNEL = 7,
	VMBUS_GPADL_HEADER = 8,
	VMBUS_GPADL_BODY = 9,
	VMBUS_GPADL_CREATED = 10,
	VMBUS_GPADL_TEARDOWN = 11,
	VMBUS_GPADL_TORNDOWN = 12,
	VMBUS_RELID_RELEASED = 13,
	VMBUS_INITIATE_CONTACT = 14,
	VMBUS_VERSION_RESPONSE = 15,
	VMBUS_UNLOAD = 16,
	VMBUS_UNLOAD_RESPONSE = 17,
	VMBUS_TL_CONNECT_REQUEST = 21,
	VMBUS_MODIFY_CHANNEL = 22,
	VMBUS_TL_CONNECT_RESULT = 23,
	VMBUS_MODIFY_CHANNEL_RESPONSE = 24,
	VMBUS_MESSAGE_TYPES,
};

/* NTSTATUS values, which is what the protocol answers with. */
#define VMBUS_STATUS_SUCCESS	 0u
#define VMBUS_STATUS_FAILED	 0x8000ffffu
#define VMBUS_STATUS_NO_RESOURCE 0xc000009au
#define VMBUS_STATUS_REFUSED	 0xc0000236u

struct vmbus_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
} __packed;
static_assert(sizeof(struct vmbus_guid) == 16, "GUID size");

struct vmbus_header {
	uint32_t type;
	uint32_t reserved;
} __packed;
static_assert(sizeof(struct vmbus_header) == 8, "VMBus size");

struct vmbus_initiate_contact {
	struct vmbus_header header;
	uint32_t version;
	uint32_t target_vp; /* where messages are to go */
	uint8_t sint;	    /* with `vtl` and `features`: from 5.0 on; before, a page's address */
	uint8_t vtl;
	uint16_t reserved;
	uint32_t features;
	uint64_t monitor_to_guest, monitor_to_host; /* pages of the guest's, not used */
} __packed;
static_assert(sizeof(struct vmbus_initiate_contact) == 40, "VMBus size");

struct vmbus_version_response {
	struct vmbus_header header;
	uint8_t supported;
	uint8_t state; /* VMBUS_CONTACT_* */
	uint16_t reserved;
	uint32_t connection; /* from 5.0 on, else the version */
	uint32_t features;   /* from 6.0 on */
} __packed;
static_assert(sizeof(struct vmbus_version_response) == 20, "VMBus size");
#define VMBUS_VERSION_RESPONSE_SIZE 16u /* before 6.0 */
#define VMBUS_CONTACT_SUCCESSFUL    0u

#define VMBUS_USER_DEFINED 120u

struct vmbus_offer_channel {
	struct vmbus_header header;
	struct vmbus_guid type, instance;
	uint8_t reserved0[16];
	uint16_t flags; /* VMBUS_OFFER_* */
	uint16_t mmio_megabytes;
	union {
		uint8_t user_defined[VMBUS_USER_DEFINED];
		uint32_t pipe_mode; /* with VMBUS_OFFER_PIPE */
	} __packed;
	uint16_t subchannel;
	uint16_t mmio_megabytes_optional;
	uint32_t relid;
	uint8_t monitor;
	uint8_t monitor_allocated;
	uint16_t dedicated_interrupt; /* signals need no bit in a shared page */
	uint32_t connection;	      /* for signals to the server */
} __packed;
static_assert(sizeof(struct vmbus_offer_channel) == 196, "VMBus size");
#define VMBUS_OFFER_ENUMERATE	BIT(0)
#define VMBUS_OFFER_PIPE	BIT(4)
#define VMBUS_PIPE_MODE_MESSAGE 4u

/* RescindOffer, CloseChannel, RelidReleased */
struct vmbus_relid_message {
	struct vmbus_header header;
	uint32_t relid;
} __packed;
static_assert(sizeof(struct vmbus_relid_message) == 12, "VMBus size");

struct vmbus_open_channel {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t open_id; /* comes back in the result */
	uint32_t gpadl;	  /* the rings: the guest's, and behind it the server's */
	uint32_t target_vp;
	uint32_t downstream_page; /* at which the server's begins */
	uint8_t user_data[VMBUS_USER_DEFINED];
	/* With VMBUS_FEATURE_SIGNAL_PARAMETERS. */
	uint32_t connection;
	uint16_t event_flag;
	uint16_t flags;
} __packed;
static_assert(sizeof(struct vmbus_open_channel) == 156, "VMBus size");
#define VMBUS_OPEN_CHANNEL_SIZE 148u	   /* without that */
#define VMBUS_NO_VP		UINT32_MAX /* a target that is not to be interrupted */

struct vmbus_open_channel_result {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t open_id;
	uint32_t status;
} __packed;
static_assert(sizeof(struct vmbus_open_channel_result) == 20, "VMBus size");

/* Ranges, as in a page list (below), follow; what finds no room comes in GpadlBody messages. */
struct vmbus_gpadl_header {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t gpadl;
	uint16_t list_size; /* bytes of all ranges */
	uint16_t range_count;
} __packed;
static_assert(sizeof(struct vmbus_gpadl_header) == 20, "VMBus size");

struct vmbus_gpadl_body {
	struct vmbus_header header;
	uint32_t number;
	uint32_t gpadl;
} __packed;
static_assert(sizeof(struct vmbus_gpadl_body) == 16, "VMBus size");

struct vmbus_gpadl_created {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t gpadl;
	uint32_t status;
} __packed;
static_assert(sizeof(struct vmbus_gpadl_created) == 20, "VMBus size");

struct vmbus_gpadl_teardown {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t gpadl;
} __packed;
static_assert(sizeof(struct vmbus_gpadl_teardown) == 16, "VMBus size");

struct vmbus_gpadl_torndown {
	struct vmbus_header header;
	uint32_t gpadl;
} __packed;
static_assert(sizeof(struct vmbus_gpadl_torndown) == 12, "VMBus size");

struct vmbus_modify_channel {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t target_vp;
} __packed;
static_assert(sizeof(struct vmbus_modify_channel) == 16, "VMBus size");

struct vmbus_modify_channel_response {
	struct vmbus_header header;
	uint32_t relid;
	uint32_t status;
} __packed;
static_assert(sizeof(struct vmbus_modify_channel_response) == 16, "VMBus size");

/* A guest's socket that connects to a service of the host's. */
struct vmbus_tl_connect_request {
	struct vmbus_header header;
	struct vmbus_guid endpoint, service;
} __packed;
static_assert(sizeof(struct vmbus_tl_connect_request) == 40, "VMBus size");

struct vmbus_tl_connect_result {
	struct vmbus_header header;
	struct vmbus_guid endpoint, service;
	uint32_t status;
} __packed;
static_assert(sizeof(struct vmbus_tl_connect_result) == 44, "VMBus size");

/* ---- page lists ---- */

/* The numbers of the pages that it touches follow, 64 bits each; then the next range. */
struct vmbus_range_header {
	uint32_t length; /* in bytes */
	uint32_t offset; /* in the first page */
} __packed;
static_assert(sizeof(struct vmbus_range_header) == 8, "VMBus size");

/* ---- rings ---- */

/* 32-bit words of a ring's first page; data follows on the next one. */
enum vmbus_ring_word {
	VMBUS_RING_IN = 0,	       /* the writer's: where it writes next */
	VMBUS_RING_OUT = 1,	       /* the reader's: where it reads next */
	VMBUS_RING_INTERRUPT_MASK = 2, /* the reader's: no signal when something comes */
	VMBUS_RING_PENDING_SEND = 3,   /* the writer's: bytes that it waits for */
	VMBUS_RING_FEATURES = 16,
};
#define VMBUS_RING_FEATURE_PENDING_SEND BIT(0) /* the writer writes that word */

enum vmbus_packet_type {
	VMBUS_PACKET_IN_BAND = 6,
	VMBUS_PACKET_TRANSFER_PAGES = 7,
	VMBUS_PACKET_GPA_DIRECT = 9,
	VMBUS_PACKET_COMPLETION = 11,
};
#define VMBUS_PACKET_COMPLETION_REQUESTED BIT(0)

/* What a packet begins with; lengths in units of 8 bytes. */
struct vmbus_descriptor {
	uint16_t type;
	uint16_t data_offset8;
	uint16_t length8;
	uint16_t flags;
	uint64_t transaction;
} __packed;
static_assert(sizeof(struct vmbus_descriptor) == 16, "VMBus size");

/* Behind the descriptor of VMBUS_PACKET_GPA_DIRECT; ranges follow. */
struct vmbus_gpa_direct {
	uint32_t reserved;
	uint32_t range_count;
} __packed;
static_assert(sizeof(struct vmbus_gpa_direct) == 8, "VMBus size");

/* What a packet ends with; not in its length. */
struct vmbus_footer {
	uint32_t reserved;
	uint32_t offset; /* where the packet began */
} __packed;
static_assert(sizeof(struct vmbus_footer) == 8, "VMBus size");

#endif

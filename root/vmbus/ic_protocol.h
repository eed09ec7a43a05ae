/* SPDX-License-Identifier: MIT */
/*
 * Messages of the integration services, which travel as in-band packets: a pipe's header, the framework's, and
 * the service's own part. The host asks, the guest answers with the same message, changed. The first
 * one finds the versions of both parts. Structures are packed and little-endian.
 */
#ifndef VMBUS_IC_PROTOCOL_H
#define VMBUS_IC_PROTOCOL_H

#include <vmbus/protocol.h>

struct ic_pipe_header {
	uint32_t type; /* IC_PIPE_DATA */
	uint32_t size; /* of what follows */
} __packed;
static_assert(sizeof(struct ic_pipe_header) == 8, "VMBus size");
#define IC_PIPE_DATA 1u

struct ic_version {
	uint16_t major, minor;
} __packed;
static_assert(sizeof(struct ic_version) == 4, "VMBus size");

enum ic_message_type {
	IC_NEGOTIATE = 0,
	IC_HEARTBEAT = 1,
	IC_KVP_EXCHANGE = 2,
	IC_SHUTDOWN = 3,
	IC_TIME_SYNC = 4,
};

struct ic_header {
	struct ic_version framework;
	uint16_t type;
	struct ic_version message;
	uint16_t size;	 /* of what follows */
	uint32_t status; /* IC_STATUS_*; the guest's */
	uint8_t transaction;
	uint8_t flags; /* IC_FLAG_* */
	uint16_t reserved;
} __packed;
static_assert(sizeof(struct ic_header) == 20, "VMBus size");
#define IC_FLAG_TRANSACTION BIT(0) /* there is an answer */
#define IC_FLAG_REQUEST	    BIT(1)
#define IC_FLAG_RESPONSE    BIT(2)

#define IC_STATUS_SUCCESS   0u
#define IC_STATUS_FAILED    0x80004005u
#define IC_STATUS_NO_MORE   0x80070103u /* there is no item of that number */
#define IC_STATUS_NOT_FOUND 0x80041002u

/* Versions follow: the framework's, then the message's. An answer has one of each, or none at all. */
struct ic_negotiate {
	uint16_t framework_count;
	uint16_t message_count;
	uint32_t reserved;
} __packed;
static_assert(sizeof(struct ic_negotiate) == 8, "VMBus size");

/* ---- heartbeat ---- */

struct ic_heartbeat_message {
	uint64_t sequence; /* the answer's is one more */
	uint32_t reserved[8];
} __packed;
static_assert(sizeof(struct ic_heartbeat_message) == 40, "VMBus size");

/* ---- shutdown ---- */

struct ic_shutdown_message {
	uint32_t reason;
	uint32_t timeout_seconds;
	uint32_t flags; /* IC_SHUTDOWN_*; without: power off */
	uint8_t words[2048];
} __packed;
static_assert(sizeof(struct ic_shutdown_message) == 2060, "VMBus size");
#define IC_SHUTDOWN_FORCE   BIT(0)
#define IC_SHUTDOWN_RESTART BIT(1)
#define IC_SHUTDOWN_PLANNED 0x80000000u /* reason */

/* ---- time synchronisation ---- */

/* Times in 100 ns; the host's since 1601. */
struct ic_time_message_old { /* versions 1 and 3 */
	uint64_t host_time;
	uint64_t guest_time;
	uint64_t round_trip;
	uint8_t flags;
} __packed;
static_assert(sizeof(struct ic_time_message_old) == 25, "VMBus size");

struct ic_time_message { /* version 4 */
	uint64_t host_time;
	uint64_t reference_time; /* at which it was that time */
	uint8_t flags;
	uint8_t leap, stratum;
	uint8_t reserved[5];
} __packed;
static_assert(sizeof(struct ic_time_message) == 24, "VMBus size");
#define IC_TIME_SYNC_NOW BIT(0)		       /* the guest is to set its clock */
#define IC_TIME_SAMPLE	 BIT(1)		       /* it may look at it */
#define IC_TIME_UNIX	 116444736000000000ull /* 1970 in that time */

/* ---- key-value exchange ---- */

enum ic_kvp_operation {
	IC_KVP_GET = 0,
	IC_KVP_SET = 1,
	IC_KVP_DELETE = 2,
	IC_KVP_ENUMERATE = 3,
};

/* A list of pairs that the guest keeps. */
enum ic_kvp_pool {
	IC_KVP_EXTERNAL = 0, /* from the host to the guest */
	IC_KVP_GUEST = 1,    /* from the guest's programs to the host */
	IC_KVP_AUTO = 2,     /* what the guest's service tells of itself */
	IC_KVP_AUTO_EXTERNAL = 3,
	IC_KVP_POOLS,
};

#define IC_KVP_KEY_SIZE	  512u /* bytes of UTF-16, with its end */
#define IC_KVP_VALUE_SIZE 2048u

enum ic_kvp_value_type {
	IC_KVP_STRING = 1,
	IC_KVP_EXPAND_STRING = 2,
	IC_KVP_U32 = 4,
	IC_KVP_U64 = 11
};
#define IC_KVP_U64_LINUX 8u /* what Linux calls it */

struct ic_kvp_value {
	uint32_t type;
	uint32_t key_size; /* in bytes, with its end */
	uint32_t value_size;
	uint8_t key[IC_KVP_KEY_SIZE];
	uint8_t value[IC_KVP_VALUE_SIZE];
} __packed;
static_assert(sizeof(struct ic_kvp_value) == 2572, "VMBus size");

struct ic_kvp_message {
	uint8_t operation;
	uint8_t pool;
	uint16_t reserved;
	union {
		struct ic_kvp_value get, set;
		struct {
			uint32_t key_size;
			uint8_t key[IC_KVP_KEY_SIZE];
		} __packed erase;
		struct {
			uint32_t index;
			struct ic_kvp_value value;
		} __packed enumerate;
	} __packed;
} __packed;
static_assert(sizeof(struct ic_kvp_message) == 2580, "VMBus size");

#endif

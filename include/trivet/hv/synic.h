/* SPDX-License-Identifier: MIT */
/*
 * The synthetic interrupt controller (TLFS, "Inter-Partition Communication" and "Virtual Interrupt
 * Controller"): messages and their slots, event flags, what a synthetic interrupt source is, and what the
 * hypercalls take that post and signal.
 */
#ifndef TRIVET_HV_SYNIC_H
#define TRIVET_HV_SYNIC_H

#include <trivet/types.h>

#define HV_SINT_COUNT	   16u
#define HV_MESSAGE_SIZE	   256u
#define HV_MESSAGE_PAYLOAD 240u
#define HV_EVENT_FLAGS	   2048u /* of each SINT */
#define HV_STIMER_COUNT	   4u
#define HV_SYNIC_VERSION   1u

/* HV_MESSAGE_TYPE: those with bit 31 are the hypervisor's, and the receiver's to trust. */
enum hv_message_type {
	HV_MESSAGE_NONE = 0,
	HV_MESSAGE_UNMAPPED_GPA = 0x80000000,
	HV_MESSAGE_GPA_INTERCEPT = 0x80000001,
	HV_MESSAGE_TIMER_EXPIRED = 0x80000010,
};
#define HV_MESSAGE_HYPERVISOR BIT(31)

#define HV_MESSAGE_PENDING BIT(0) /* another waits for the slot: the guest writes EOM */

struct hv_message {
	uint32_t type;	      /* HV_MESSAGE_NONE: the slot is free */
	uint8_t payload_size; /* in bytes */
	uint8_t flags;	      /* HV_MESSAGE_PENDING */
	uint16_t reserved;
	uint64_t origin; /* the sender's partition, or the port */
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};
static_assert(sizeof(struct hv_message) == HV_MESSAGE_SIZE, "TLFS size");

/* Of HV_MESSAGE_TIMER_EXPIRED. */
struct hv_timer_message {
	uint32_t timer;
	uint32_t reserved;
	uint64_t expiration; /* reference time when it was due */
	uint64_t delivery;   /* when it was put into the slot */
};

/* Bits of SCONTROL, SIEFP and SIMP, and of SINT0-15; bits 0-7 of a SINT are its vector. */
#define HV_SYNIC_ENABLE	 BIT(0)
#define HV_SINT_VECTOR	 MASK(8)
#define HV_SINT_MASKED	 BIT(16)
#define HV_SINT_AUTO_EOI BIT(17)
#define HV_SINT_POLLING	 BIT(18) /* no interrupt: the guest looks by itself */

/* STIMER0-3 CONFIG. */
#define HV_STIMER_ENABLED      BIT(0)
#define HV_STIMER_PERIODIC     BIT(1)
#define HV_STIMER_LAZY	       BIT(2)
#define HV_STIMER_AUTO_ENABLE  BIT(3)
#define HV_STIMER_VECTOR_SHIFT 4 /* bits 4-11, for direct mode */
#define HV_STIMER_DIRECT       BIT(12)
#define HV_STIMER_SINT_SHIFT   16 /* bits 16-19 */
#define HV_STIMER_DEFINED      (MASK(13) | (uint64_t)0xf << HV_STIMER_SINT_SHIFT)

/* A connection's number; the rest of its 32 bits are reserved. */
#define HV_CONNECTION_ID MASK(24)

/* HvCallPostMessage */
struct hv_post_message_input {
	uint32_t connection;
	uint32_t reserved;
	uint32_t type; /* not HV_MESSAGE_HYPERVISOR, not 0 */
	uint32_t payload_size;
	uint8_t payload[HV_MESSAGE_PAYLOAD];
};
static_assert(sizeof(struct hv_post_message_input) == 256, "TLFS size");

/* HvCallSignalEvent */
struct hv_signal_event_input {
	uint32_t connection;
	uint16_t flag;
	uint16_t reserved;
};
static_assert(sizeof(struct hv_signal_event_input) == 8, "TLFS size");

#endif

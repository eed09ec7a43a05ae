/* SPDX-License-Identifier: MIT */
/*
 * The synthetic interrupt controller of a VP, one for each VTL (TLFS, "Inter-Partition Communication"): what is
 * sent to it, its registers, and the synthetic timers. Whatever the architecture: how a SINT becomes an
 * interrupt is the architecture's.
 */
#ifndef KERNEL_SYNIC_H
#define KERNEL_SYNIC_H

#include <kernel/processor.h>
#include <trivet/hv/synic.h>
#include <trivet/state.h>

/*
 * Queues a message to a SINT, to be put into its slot as soon as that is free, and interrupts the VP then.
 * From any CPU, at any time while the partition lives; @message is copied, its `flags` are not looked at.
 * What was accepted is not lost. NOT_SUPPORTED: the partition has no synic; INVALID_VTL; NOT_FOUND: no such SINT;
 * WRONG_STATE: the guest has not enabled its synic or its message page, or has masked the SINT; BUSY: as
 * many wait as may (nothing is queued). INVALID_ARGUMENT: it has no type, or is too long.
 */
status_t synic_post_message(struct vp *vp, uint32_t vtl, uint32_t sint,
			    const struct hv_message *message) __must_check;
/* Sets an event flag and interrupts the VP if it was clear; *was_set tells. As above; INVALID_ARGUMENT: no
 * such flag. */
status_t synic_signal_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag,
			    bool *was_set) __must_check;
/* Takes the flag back; it is not an error if the guest was faster. */
status_t synic_clear_event(struct vp *vp, uint32_t vtl, uint32_t sint, uint32_t flag) __must_check;

/* ---- what it keeps ---- */

/* Messages that wait for their slots. Each SINT can have one; the rest goes to who comes first. */
#define SYNIC_MESSAGES	 32u
/* In the queues there is also, for each timer, the message that it sends. */
#define SYNIC_NODES	 (SYNIC_MESSAGES + HV_STIMER_COUNT)
#define SYNIC_POOL_ORDER 1u
static_assert(SYNIC_MESSAGES * HV_MESSAGE_SIZE == PAGE_SIZE << SYNIC_POOL_ORDER, "the pool");

#define STIMER_NEVER UINT64_MAX

struct stimer {
	uint64_t config, count; /* the registers */
	uint64_t expiration;	/* in reference time; STIMER_NEVER: it does not run */
	uint64_t at;		/* when it is to be seen to: not before that */
	uint64_t due;		/* of its message that is in a queue */
};

enum synic_page { SYNIC_EVENTS, SYNIC_MESSAGES_PAGE, SYNIC_PAGES };

struct synic_queue {
	uint8_t first, last; /* nodes, if it is not empty */
	uint8_t messages;    /* of them, those that are from the pool */
};

struct synic {
	struct spinlock lock; /* all down to the pool, and the kernel's writes of slots */
	uint64_t control;
	uint64_t sint[HV_SINT_COUNT];
	struct hv_page_register page[SYNIC_PAGES];
	struct synic_queue queue[HV_SINT_COUNT];
	uint32_t waiting;	   /* bit n: queue n is not empty */
	uint8_t timers;		   /* bit n: the message of timer n is in a queue */
	uint8_t next[SYNIC_NODES]; /* in its queue, or in the list of the free */
	uint8_t free;		   /* the first of the free */
	uint8_t free_count;
	uint8_t idle_count; /* queues without a message from the pool */
	struct hv_message *pool;
	/* The VP's own CPU alone, but for `due`. */
	struct stimer stimer[HV_STIMER_COUNT];
	struct timer timer; /* for the first that is due */
	struct vp *vp;
	uint32_t vtl;
};

/* ---- for who makes, resets and moves the VP ---- */

/* For a VTL of a VP whose partition has the privilege. NO_MEMORY: it may be there in part. */
status_t synic_create(struct vp *vp, uint32_t vtl) __must_check;
void synic_destroy(struct vp *vp, uint32_t vtl);
/* All as after its making. BUSY, as for gpa_overlay_move(): again. */
status_t synic_reset(struct vp *vp, uint32_t vtl) __must_check;

/* The VP comes to this CPU: arms its timers. So too after its partition's time has jumped. */
void stimer_update(struct vp *vp);
/* It leaves this CPU. */
void stimer_cancel(struct vp *vp);
/* On VP_REQUEST_STIMER, before the next entry. */
void stimer_fire(struct vp *vp);

/* ---- registers: by the VP's own CPU ---- */

/* What is wrong with the value is the architecture's to say before. */
void synic_control_set(struct vp *vp, uint32_t vtl, uint64_t value);
void synic_sint_set(struct vp *vp, uint32_t vtl, uint32_t sint, uint64_t value);
/* The VP is loaded on no CPU; between hv_change_begin() and hv_change_end(). As gpa_overlay_move(). */
status_t synic_page_set(struct vp *vp, uint32_t vtl, enum synic_page which,
			uint64_t value) __must_check;
/* TLFS, "EOM Register": whose slots have been emptied get the next message. */
void synic_message_end(struct vp *vp, uint32_t vtl);
void stimer_config_set(struct vp *vp, uint32_t vtl, uint32_t n, uint64_t value);
void stimer_count_set(struct vp *vp, uint32_t vtl, uint32_t n, uint64_t value);

static inline struct synic *vp_synic(const struct vp *vp, uint32_t vtl)
{
	return vp->vtl[vtl]->synic;
}

/* ---- state (synic_state.c): elements VP_STATE_SYNIC_MSRS to VP_STATE_SYNIC_TIMERS ---- */

/* As arch_vp_state_get() and so on for one element, of a VTL that has a synic. */
void synic_state_get(struct vp *vp, uint32_t vtl, uint32_t element, void *data);
void synic_state_reset(uint32_t element, void *data);
bool synic_state_valid(const struct vp *vp, uint32_t element, const void *data);
/* Where the pages are to be. */
#define SYNIC_STATE_PLACES 2u
void synic_state_places(struct vp *vp, uint32_t vtl, const struct vp_state_synic *state,
			struct gpa_overlay_place places[SYNIC_STATE_PLACES]);
void synic_state_set(struct vp *vp, uint32_t vtl, uint32_t element, const void *data);

/* ---- between synic.c, stimer.c and synic_state.c ---- */

void synic_queues_reset(struct synic *synic); /* the lock is held */
/* BUSY: no message of its kind may wait there any more. The lock is held. */
status_t synic_queue_message(struct synic *synic, uint32_t sint,
			     const struct hv_message *message) __must_check;
void synic_queue_timer(struct synic *synic, uint32_t sint, uint32_t n, uint64_t due);
static inline bool synic_node_is_timer(unsigned int node)
{
	return node >= SYNIC_MESSAGES;
}
void synic_auto_eoi_tell(const struct synic *synic);
/* Where SIEFP or SIMP places its page. */
gpa_t synic_page_place(const struct vp *vp, uint32_t vtl, uint64_t value);

/* The message of a timer is queued to its SINT; if it waits there since the last time, that is all. */
void synic_timer_expired(struct synic *synic, uint32_t n, uint64_t due);
/* Source 0 is the hypervisor's own: no timer is enabled with it. */
static inline bool stimer_can_run(uint64_t config)
{
	return !(config & HV_STIMER_ENABLED) ||
	       (config & (HV_STIMER_DIRECT | (uint64_t)0xf << HV_STIMER_SINT_SHIFT));
}
void stimer_create(struct synic *synic);
void stimer_reset(struct synic *synic);

/* ---- of the architecture ---- */

/* Can these registers have that value? */
bool arch_synic_sint_valid(uint64_t value);
bool arch_stimer_config_valid(const struct vp *vp, uint64_t value);

/* An interrupt of a SINT, from any CPU. */
void arch_synic_interrupt(struct vp *vp, uint32_t vtl, uint8_t vector);
/* Of a SINT or of a timer, by the VP's own CPU, which looks for it before the next entry. */
void arch_synic_interrupt_self(struct vp *vp, uint32_t vtl, uint8_t vector);
/* These vectors, bits of eight words, end by being delivered. By the VP's own CPU. */
#define SYNIC_VECTOR_WORDS 8u
void arch_synic_auto_eoi(struct vp *vp, uint32_t vtl, const uint32_t vectors[SYNIC_VECTOR_WORDS]);

#endif

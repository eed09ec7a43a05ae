/* SPDX-License-Identifier: MIT */
/*
 * The local APIC as a pure model: registers, priorities, the timer in host timestamps that the caller
 * gives. It acts on nothing; what must leave it comes back in struct lapic_effects. The kernel has one for
 * each VTL of a VP (lapic.h), and a VMM that models the APICs by itself links the same.
 *
 * Who may call: the VP's own CPU, except for the functions that say "any CPU".
 *
 * The timer counts at LAPIC_BUS_HZ before its divider. There is no CMCI entry and no AMD
 * extended space; the id register is read-only.
 */
#ifndef GUEST_LAPIC_MODEL_H
#define GUEST_LAPIC_MODEL_H

#include <arch/guest_lapic.h>
#include <arch/msr.h>
#include <trivet/state.h>
#include <trivet/status.h>

#define LAPIC_BUS_HZ	    1000000000ull
#define LAPIC_TIMER_NEVER   UINT64_MAX /* == TIMER_NEVER */
/* A periodic timer comes at most this often, however small its count: a guest must not be able
 * to fill its CPU with timer interrupts. Periods in between are merged. */
#define LAPIC_PERIOD_MIN_NS 20000u

#define X2APIC_MSR_END 0x900u

enum apic_delivery {
	APIC_FIXED = 0,
	APIC_LOWEST = 1,
	APIC_SMI = 2,
	APIC_NMI = 4,
	APIC_INIT = 5,
	APIC_SIPI = 6,
	APIC_EXTINT = 7,
};

enum apic_shorthand { APIC_TO_DESTINATION, APIC_TO_SELF, APIC_TO_ALL, APIC_TO_OTHERS };

#define APIC_BROADCAST UINT32_MAX

/* A message on the bus between APICs. */
struct apic_message {
	uint32_t destination; /* APIC_BROADCAST, an id, or a set by `logical` */
	uint8_t vector;
	uint8_t delivery;  /* enum apic_delivery */
	uint8_t shorthand; /* enum apic_shorthand */
	bool logical;
	bool wide;  /* a 32-bit destination from an APIC in x2APIC mode */
	bool level; /* level-triggered */
	bool asserted;
	uint32_t source; /* index of the VP that sends; APIC_NO_SOURCE: a device */
};
#define APIC_NO_SOURCE UINT32_MAX

/* What the caller has to do after an access. */
enum lapic_effect {
	LAPIC_EFFECT_INTERRUPT = BIT(0), /* look at lapic_pending_vector() again */
	LAPIC_EFFECT_IPI = BIT(1),	 /* send `message` (its source is the caller's to fill) */
	LAPIC_EFFECT_EOI = BIT(2),	 /* tell the I/O APICs that eoi_vector has ended */
	LAPIC_EFFECT_TIMER = BIT(3),	 /* lapic_timer_deadline() may have changed */
	LAPIC_EFFECT_EXTINT = BIT(4),	 /* look at lapic_extint_pending() again */
	LAPIC_EFFECT_NMI = BIT(5),	 /* deliver an NMI to this VP */
};

struct lapic_effects {
	uint32_t bits; /* enum lapic_effect */
	uint8_t eoi_vector;
	struct apic_message message;
};

struct lapic_config {
	_Atomic uint32_t *page; /* for the registers, 4 KiB */
	uint32_t id;
	bool boot_processor;
	bool x2apic_allowed;
	bool x2apic_at_reset;
	bool eoi_suppression; /* offer EOI-broadcast suppression; the I/O APIC must have EOIRs */
	uint8_t physical_bits;
	uint64_t host_hz; /* ticks a second of the timestamps given as `now` */
};

/* Makes one, in its power-on state. */
void lapic_create(struct lapic *lapic, const struct lapic_config *config);
/* Power-on state (SDM, "Local APIC State After Power-Up or Reset"). Nobody may send to it. */
void lapic_reset(struct lapic *lapic);
/* INIT: the same, but base (so the mode), id and the timer's clock are kept. */
void lapic_init_reset(struct lapic *lapic);

/* ---- interrupts ---- */

/* Any CPU. True: newly posted. A vector under 16 is an error that ESR tells; false. Also
 * false while the APIC is disabled, by hardware or software. */
bool lapic_accept(struct lapic *lapic, uint8_t vector, bool level);
/* Any CPU. The vector waits for the processor. */
bool lapic_is_pending(struct lapic *lapic, uint8_t vector);
/* The highest request whose class is over the class of PPR, or -1. */
int lapic_pending_vector_slow(struct lapic *lapic);
/* Something may be posted or requested. */
static inline bool lapic_has_request(const struct lapic *lapic)
{
	return atomic_load_explicit(&((struct lapic *)(uintptr_t)lapic)->posted_words,
				    memory_order_acquire) |
	       lapic->irr_words | lapic->processor_delivers;
}
static inline int lapic_pending_vector(struct lapic *lapic)
{
	if (likely(!lapic_has_request(lapic)))
		return -1;
	return lapic_pending_vector_slow(lapic);
}
/* The highest request whatever the priority, or -1 (for a TPR threshold). */
int lapic_highest_request(struct lapic *lapic);
/* The processor takes this vector, which lapic_pending_vector() gave: IRR -> ISR. */
void lapic_acknowledge(struct lapic *lapic, uint8_t vector);
/* These vectors, if edge-triggered, end with their delivery. A reset leaves them. Such a one is not for a
 * processor to deliver. True: there are some now and were none, or the other way round. */
bool lapic_auto_eoi_set(struct lapic *lapic, const uint32_t vectors[LAPIC_VECTOR_WORDS]);
/*
 * TLFS, "EOI Assist": bit 0 of a word that the guest sees. Set, it tells that the interrupt just delivered may
 * be ended by clearing it, without an EOI; that is found out when the model is next asked for priorities.
 * NULL: no word. Not for a processor that delivers.
 */
void lapic_assist_set(struct lapic *lapic, _Atomic uint32_t *word);
/* What the guest has done is taken in, and from here on it needs an EOI: something else is to be delivered, or
 * somebody wants to see all. */
void lapic_assist_end(struct lapic *lapic);
/* Effects: EOI, INTERRUPT. */
void lapic_eoi(struct lapic *lapic, struct lapic_effects *effects);
/* The rest of it, for a vector that the processor has taken out of ISR. */
void lapic_eoi_finish(struct lapic *lapic, uint8_t vector, struct lapic_effects *effects);
/* TPR, of which CR8 is bits 7:4. True: a waiting interrupt may now be deliverable. */
bool lapic_tpr_set(struct lapic *lapic, uint8_t tpr);
/* The processor works on the page from now on, or does so no more: see processor_delivers. */
void lapic_processor_delivers(struct lapic *lapic, bool on);

/* Any CPU. The level of input n (0 or 1). Effects (bits alone): INTERRUPT, NMI, EXTINT. */
uint32_t lapic_set_lint(struct lapic *lapic, unsigned int n, bool high);
/* Any CPU. The same for an input that rises and falls at once; an ExtINT stays until it is taken. */
uint32_t lapic_pulse_lint(struct lapic *lapic, unsigned int n);
/* LINT0 is high and leads to the processor's INTR: through an ExtINT entry, or
 * because the APIC is off (SDM, "Enabling or Disabling the Local APIC"). */
bool lapic_extint_pending(struct lapic *lapic);
/* Any CPU. An ExtINT came as a message, which has no level: lapic_extint_pending() is true until
 * lapic_extint_taken(), called when the vector is asked of the VMM's PIC. */
void lapic_extint_accept(struct lapic *lapic);
void lapic_extint_taken(struct lapic *lapic);

static inline bool lapic_is_enabled(struct lapic *lapic)
{
	return atomic_load_explicit(&lapic->base, memory_order_relaxed) & APIC_BASE_ENABLE;
}
static inline bool lapic_is_x2apic(struct lapic *lapic)
{
	return atomic_load_explicit(&lapic->base, memory_order_relaxed) & APIC_BASE_X2APIC;
}

/* Any CPU. Whether a message without shorthand is for this APIC. */
bool lapic_matches(struct lapic *lapic, const struct apic_message *message);
/* Any CPU. The smaller, the sooner it is chosen for a lowest-priority message. */
uint32_t lapic_arbitration_priority(struct lapic *lapic);

/* ---- registers ---- */

/* The xAPIC page: offset 0 to 0xfff, 32-bit semantics. False: not enabled in xAPIC mode, so the
 * address is not the APIC's. Reserved registers read 0 and take writes, noting it in ESR. */
bool lapic_read(struct lapic *lapic, uint32_t offset, uint64_t now, uint32_t *value);
bool lapic_write(struct lapic *lapic, uint32_t offset, uint32_t value, uint64_t now,
		 struct lapic_effects *effects);
/* MSRs 0x800 to 0x8ff. False: #GP. */
bool lapic_msr_read(struct lapic *lapic, uint32_t msr, uint64_t now, uint64_t *value);
bool lapic_msr_write(struct lapic *lapic, uint32_t msr, uint64_t value, uint64_t now,
		     struct lapic_effects *effects);
/* IA32_APIC_BASE. False: #GP, an illegal transition or a reserved bit. */
static inline uint64_t lapic_base_get(struct lapic *lapic)
{
	return atomic_load_explicit(&lapic->base, memory_order_relaxed);
}
bool lapic_base_set(struct lapic *lapic, uint64_t value, struct lapic_effects *effects);
/* One that it can have, however it came to it. */
bool lapic_base_valid(const struct lapic *lapic, uint64_t value);
uint64_t lapic_base_reset(const struct lapic *lapic);

/* ---- the timer ---- */

/* IA32_TSC_DEADLINE: reads 0 and ignores writes when the timer is in another mode. */
uint64_t lapic_tsc_deadline_get(struct lapic *lapic, uint64_t now);
void lapic_tsc_deadline_set(struct lapic *lapic, uint64_t value, uint64_t now);
/* The host timestamp at which lapic_timer_expired() is to be called; LAPIC_TIMER_NEVER: no. */
uint64_t lapic_timer_deadline(struct lapic *lapic, uint64_t now);
/* Delivers what has expired by now. True: an interrupt is newly pending. */
bool lapic_timer_expired(struct lapic *lapic, uint64_t now);

/* ---- state ---- */

/* The page of registers in xAPIC layout, 1 KiB. In x2APIC mode the id register holds all of the
 * id and ICR_HIGH all of the destination. */
#define LAPIC_PAGE_SIZE VP_STATE_APIC_PAGE

/* All of it, into a structure of zeros. */
void lapic_state_get(struct lapic *lapic, uint64_t now, struct vp_state_apic *state);
/* As after lapic_reset(), into a structure of zeros. */
void lapic_state_reset(struct lapic *lapic, struct vp_state_apic *state);
bool lapic_state_valid(struct lapic *lapic, const struct vp_state_apic *state);
/* Of a state that is valid. The mode may be another. Effects as after a write. */
void lapic_state_set(struct lapic *lapic, uint64_t now, const struct vp_state_apic *state,
		     struct lapic_effects *effects);
/* So many ticks of the host did not pass for it. */
void lapic_time_skip(struct lapic *lapic, uint64_t ticks);

/* ---- what the files of the model share ---- */

/* In lapic.lint beside the two lines: an ExtINT came as a message, which has no level. */
#define LINT_EXTINT_MESSAGE 0x80000000u

/* LDR in x2APIC mode (SDM, "Deriving Logical x2APIC ID from the Local x2APIC ID"). */
static inline uint32_t lapic_logical_id(uint32_t id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

static inline uint8_t lapic_tpr_get(struct lapic *lapic)
{
	return (uint8_t)lapic_page_get(lapic, LAPIC_TPR);
}
/* Where the upper half of ICR is: in x2APIC mode the register has 64 bits. */
static inline uint32_t lapic_icr_high_offset(struct lapic *lapic)
{
	return lapic_is_x2apic(lapic) ? LAPIC_ICR + 4 : LAPIC_ICR_HIGH;
}
/* Shows the registers that are not the page's own, after they or the mode changed. */
void lapic_show(struct lapic *lapic);
/* So too the one register that other CPUs change, which leave the page alone. */
static inline void lapic_lint0_show(struct lapic *lapic)
{
	lapic_page_put(lapic, LAPIC_TIMER + 16 * LAPIC_LVT_LINT0,
		       atomic_load_explicit(&lapic->lvt[LAPIC_LVT_LINT0], memory_order_relaxed));
}

/* Errors that ESR tells (SDM, "Error Status Register"). */
enum lapic_error {
	LAPIC_ERROR_SEND_VECTOR = BIT(5),
	LAPIC_ERROR_RECEIVE_VECTOR = BIT(6),
	LAPIC_ERROR_REGISTER = BIT(7),
};
/* Any CPU. Notes an error and raises its LVT entry if it is a new one. */
void lapic_error_note(struct lapic *lapic, uint32_t error);
/* Any CPU. Delivers through an LVT entry, if it is not masked. The effect, as lapic_set_lint. */
uint32_t lapic_lvt_deliver(struct lapic *lapic, enum lapic_lvt entry);
/* PPR from TPR and ISR. */
void lapic_priority_update(struct lapic *lapic);
/* The same, after what the guest may have ended by itself. */
void lapic_priority_settle(struct lapic *lapic);
/* The same, where TPR alone may have changed: the guest's CR8 is its upper half. */
static inline void lapic_priority_sync(struct lapic *lapic)
{
	if (unlikely(lapic_tpr_get(lapic) != lapic->ppr_tpr))
		lapic_priority_settle(lapic);
}
int lapic_highest_service(struct lapic *lapic);

/* What software may write to each LVT entry, beside the delivery status and remote IRR. */
extern const uint32_t lapic_lvt_writable[LAPIC_LVT_COUNT];

#define LVT_VECTOR	0x000000ffu
#define LVT_DELIVERY	0x00000700u
#define LVT_REMOTE_IRR	0x00004000u
#define LVT_LEVEL	0x00008000u
#define LVT_MASKED	0x00010000u
#define LVT_TIMER_MODE	0x00060000u
#define LVT_ONE_SHOT	0x00000000u
#define LVT_PERIODIC	0x00020000u
#define LVT_DEADLINE	0x00040000u
#define SVR_ENABLE	0x00000100u
#define SVR_NO_EOI	0x00001000u
#define VERSION_NO_EOI	0x01000000u
#define DIVIDE_WRITABLE 0x0000000bu
#define ICR_WRITABLE	0x000ccfffu /* all but delivery status and reserved bits */

/* Timer registers; each takes in first what has expired by `now`. */
uint32_t lapic_timer_count(struct lapic *lapic, uint64_t now);
void lapic_timer_start(struct lapic *lapic, uint32_t count, uint64_t now);
void lapic_timer_divide(struct lapic *lapic, uint32_t value, uint64_t now);
/* A new value of the timer's LVT entry: a change from or to deadline mode disarms. */
void lapic_timer_lvt(struct lapic *lapic, uint32_t value, uint64_t now);

#endif

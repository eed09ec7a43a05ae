/* SPDX-License-Identifier: MIT */
/*
 * The frame that every device model stands in: the bus that brings a guest's port and MMIO
 * accesses to a device, the timers that a device may set, and the environment through which
 * a device reaches the world outside (interrupts, console, power, guest memory).
 *
 * The models are pure: they keep their state in their own structures, use no globals, take
 * no locks and call nothing but the environment and pure library functions. One partition
 * has one bus and one environment; whoever owns them (the VMM) serialises every call into
 * this folder with one lock per partition.
 *
 *     guest OUT --> device_port_write() --> ops->io_write()  --> env->ops->msi_send() ...
 *     clock     --> device_timers_run() --> timer->expired() --> device_irq_set() ...
 *
 * Guests are hostile: a device answers every access of every size at every time, with
 * bounded work and bounded memory.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <trivet/status.h>
#include <trivet/types.h>

struct device;
struct device_env;
struct device_state;

/*
 * What a device does. NULL stands for "not served": a read gives ones, a write is ignored.
 *
 * @offset is the distance from the start of the range, plus the range's first_offset, so
 * that a device with several ranges can tell them apart. The bus promises: @size is 1, 2, 4
 * (or 8 for MMIO) and not over the range's max_size; the access lies inside the range and is
 * naturally aligned in it. Other accesses are split before they come here, lowest address
 * first. Of a value read only the low @size bytes count; of a value written the others are 0.
 */
struct device_ops {
	uint32_t (*io_read)(struct device *dev, uint32_t offset, unsigned int size);
	void (*io_write)(struct device *dev, uint32_t offset, unsigned int size, uint32_t value);
	uint64_t (*mmio_read)(struct device *dev, uint64_t offset, unsigned int size);
	void (*mmio_write)(struct device *dev, uint64_t offset, unsigned int size, uint64_t value);
	/* To the state after power-on or RESET#. Timers are cancelled, lines lowered. */
	void (*reset)(struct device *dev);
	/* What its state consists of: <devices/device_state.h>. NULL: it has none. */
	const struct device_state *state;
};

/* Embedded in each device's own structure, as its first member; it finds itself by container_of(). */
struct device {
	const char *name; /* for messages; static storage */
	const struct device_ops *ops;
	struct device *next; /* the bus's list, in the order of reset */
};

/* ------------------------------------------------------------------ the bus */

/* Ports [base, base + count) belong to dev. Row 0 of the bus's table is "nobody". */
struct port_range {
	struct device *dev;
	uint32_t base;
	uint32_t count;
	uint32_t first_offset;
	uint32_t max_size;
};

struct mmio_range {
	struct device *dev;
	gpa_t base;
	uint64_t size;
	uint64_t first_offset;
	uint32_t max_size;
};

#define DEVICE_PORTS	       0x10000u
#define DEVICE_PORT_PAGE       256u /* ports covered by one second-level table */
#define DEVICE_MAX_PORT_RANGES 256u /* rows, with row 0; an index fits a byte */

/*
 * Ports are found by two lookups: the page of 256 ports, then the row of the port's range.
 * Pages without a device share one table of zeros. MMIO ranges are sorted by address; the
 * range that was hit last is tried first.
 */
struct device_bus {
	const uint8_t *port_pages[DEVICE_PORTS / DEVICE_PORT_PAGE];
	struct port_range *ports;
	struct mmio_range *mmio;
	uint32_t port_count; /* rows in use, row 0 included */
	uint32_t mmio_count;
	uint32_t mmio_last; /* index of the range hit last */
	struct device *devices;
};

/* Make an empty bus. NO_MEMORY if the table of ranges cannot be had. */
status_t device_bus_init(struct device_bus *bus);
/* Give the tables back. The devices belong to their owner and are not touched. */
void device_bus_destroy(struct device_bus *bus);

/* Enter @dev into the list that device_bus_reset() walks. The device must outlive the bus. */
void device_bus_attach(struct device_bus *bus, struct device *dev);

/*
 * Give @dev the @count ports from @base on. Its ops see them as offsets from @first_offset
 * on, in accesses of at most @max_size (1, 2 or 4) bytes.
 * INVALID_ARGUMENT: an empty range, one that passes port 0xffff, or another max_size.
 * OVERLAP: a port is taken. TOO_LARGE: too many ranges. NO_MEMORY.
 */
status_t device_bus_add_ports(struct device_bus *bus, struct device *dev, uint32_t base,
			      uint32_t count, uint32_t first_offset, uint32_t max_size);

/* The same for @size bytes of guest-physical addresses; max_size is 1, 2, 4 or 8. */
status_t device_bus_add_mmio(struct device_bus *bus, struct device *dev, gpa_t base, uint64_t size,
			     uint64_t first_offset, uint32_t max_size);

/* Reset every attached device, in the order of attachment. */
void device_bus_reset(struct device_bus *bus);

/*
 * One access of the guest. @size is 1, 2 or 4 for ports, 1..8 for MMIO (any number: an access
 * that crosses a page may come in odd pieces). Ports wrap at 0xffff. What nobody serves reads
 * as ones and ignores writes. The result has zeros above @size bytes.
 */
uint32_t device_port_read(struct device_bus *bus, uint16_t port, unsigned int size);
void device_port_write(struct device_bus *bus, uint16_t port, unsigned int size, uint32_t value);
uint64_t device_mmio_read(struct device_bus *bus, gpa_t gpa, unsigned int size);
void device_mmio_write(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t value);

/* The same where a device answers at @gpa; false: none does, and nothing has happened. */
bool device_mmio_try_read(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t *value);
bool device_mmio_try_write(struct device_bus *bus, gpa_t gpa, unsigned int size, uint64_t value);

/* A device answers at @gpa. */
bool device_mmio_served(struct device_bus *bus, gpa_t gpa);

/* All ones in @size (1..8) bytes. */
static inline uint64_t device_size_mask(unsigned int size)
{
	return ~0ull >> (64 - 8 * size);
}

/* --------------------------------------------------------------- the timers */

#define DEVICE_NEVER UINT64_MAX
#define NS_PER_SEC   1000000000ull

/*
 * A deadline that a device sets. Embedded in the device; zeroed memory is an idle timer, but
 * for @expired, which the device fills in. @expired runs under the partition's lock with the
 * timer already disarmed, at or after the deadline, and may arm it again.
 */
struct device_timer {
	void (*expired)(struct device_timer *timer);
	uint64_t deadline_ns; /* in the time of now_ns() */
	struct device_timer *prev, *next;
	bool armed;
};

/*
 * The ticks of a periodic timer that the guest did not get, because it had not taken the one before
 * when they were due; guests count them. Up to DEVICE_TICKS_MISSED are made up for: one is tried
 * DEVICE_TICKS_TRIES times a period until the guest takes it, and then the others follow at
 * DEVICE_TICKS_PACE times the timer's rate. A guest that misses more takes none, and is left alone.
 */
struct device_ticks {
	uint32_t missed;
	bool waiting; /* the last one was lost: the guest does not run */
};

#define DEVICE_TICKS_MISSED 100u
#define DEVICE_TICKS_TRIES  4u
#define DEVICE_TICKS_PACE   16u

/* A tick that was @due (or made up for another) has been sent, and @skipped before it have not.
 * @lost: it found the one before still pending. */
void device_ticks_sent(struct device_ticks *ticks, bool due, uint64_t skipped, bool lost);
/* When the next one is to be sent: @next_ns, or earlier if ticks are missing. */
uint64_t device_ticks_next(const struct device_ticks *ticks, uint64_t next_ns, uint64_t now_ns,
			   uint64_t period_ns);

/* ---------------------------------------------------------- the environment */

/* What a device asks of the partition's life. */
enum device_power {
	DEVICE_POWER_OFF,	/* ACPI S5 */
	DEVICE_POWER_HIBERNATE, /* ACPI S4: power off, memory image is the guest's affair */
	DEVICE_POWER_RESET,	/* 0xcf9, FADT reset register, 8042 pulse, port 0x92 */
	DEVICE_POWER_EXIT,	/* debug-exit: ends the partition with a status */
};

/*
 * What the VMM gives to the devices of a partition. No entry may be NULL. None may call back
 * into the device that called it, except as written.
 */
struct device_env_ops {
	/* Monotonic guest time in nanoseconds. Stands still while the partition is frozen. */
	uint64_t (*now_ns)(struct device_env *env);

	/*
	 * The earliest deadline is now @deadline_ns (DEVICE_NEVER: none): the VMM is to call
	 * device_timers_run() then. Called only when it changes.
	 */
	void (*deadline_changed)(struct device_env *env, uint64_t deadline_ns);

	/* Interrupt line @gsi goes to @level. To be handed on to platform_irq_set(). */
	void (*irq_line_set)(struct device_env *env, unsigned int gsi, bool level);

	/* A message-signalled interrupt as it would be written on the bus (SDM 3A, 11.11). */
	void (*msi_send)(struct device_env *env, uint64_t address, uint32_t data);

	/* The 8259's INTR output, wired to LINT0 of VP 0's local APIC. Called on changes. */
	void (*intr_set)(struct device_env *env, bool level);

	/*
	 * Output of console @console: the VMM takes as many bytes as it can and answers how
	 * many. The device keeps the others and offers them again later.
	 */
	size_t (*console_write)(struct device_env *env, unsigned int console, const uint8_t *bytes,
				size_t count);

	/*
	 * The partition ends or restarts. The VMM only notes it here and acts when the access
	 * that caused it is done. @code is the status of DEVICE_POWER_EXIT, otherwise 0.
	 */
	void (*power)(struct device_env *env, enum device_power event, uint32_t code);

	/* Copy from or to guest memory; all or nothing. INVALID_ADDRESS: not RAM, wholly. */
	status_t (*memory_read)(struct device_env *env, gpa_t gpa, void *to, size_t size);
	status_t (*memory_write)(struct device_env *env, gpa_t gpa, const void *from, size_t size);
};

/* Embedded in the VMM's partition structure, which finds itself by container_of(). */
struct device_env {
	const struct device_env_ops *ops;
	struct device_timer *timers; /* armed timers, earliest first */
	uint64_t deadline_ns;	     /* what deadline_changed() was told last */
	/* Counted up when an interrupt was merged with one that the guest had not taken yet: by
	 * msi_send(), and by the 8259. */
	uint32_t lost_edges;
};

/* Prepare @env, with no timer armed. */
void device_env_init(struct device_env *env, const struct device_env_ops *ops);

/* Set @timer to expire at @deadline_ns; if it is armed, it is moved. The past is allowed. */
void device_timer_arm(struct device_env *env, struct device_timer *timer, uint64_t deadline_ns);
/* The timer will not expire. Cancelling an idle timer does nothing. */
void device_timer_cancel(struct device_env *env, struct device_timer *timer);

/* No timer is armed any more, whoever's it is: the time of env ends. */
void device_timers_end(struct device_env *env);

/*
 * Run the timers that are due at now_ns(). Bounded: no more callbacks than timers were due
 * at the start, so one that arms itself into the past is left for the next call.
 * Answers the earliest deadline left, or DEVICE_NEVER: the caller has to call again then,
 * also if deadline_changed() has not repeated it.
 */
uint64_t device_timers_run(struct device_env *env);

static inline uint64_t device_now(struct device_env *env)
{
	return env->ops->now_ns(env);
}

static inline void device_irq_set(struct device_env *env, unsigned int gsi, bool level)
{
	env->ops->irq_line_set(env, gsi, level);
}

/*
 * @value * @mul / @div without losing the high half of the product; div is not 0. The result
 * must fit 64 bits. Converts between nanoseconds and a device's clock.
 */
uint64_t device_scale(uint64_t value, uint32_t mul, uint32_t div);

#endif

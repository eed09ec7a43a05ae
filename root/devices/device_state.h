/* SPDX-License-Identifier: MIT */
/*
 * The state of devices, saved and restored. A device tells by a table of its structure's members what its
 * state is; in a saved state they follow each other, little-endian and without padding, behind the
 * device's name and version (struct state_device in <trivet/state.h>). What follows from other members or
 * from the configuration is not part of it.
 *
 * Guest time must go on where it was: members hold points in it.
 */
#ifndef DEVICES_DEVICE_STATE_H
#define DEVICES_DEVICE_STATE_H

#include <devices/device.h>

enum device_field_kind {
	FIELD_VALUE,   /* `size` bytes each, at most `max` if that is not 0 */
	FIELD_BITS,    /* the same, but `max` has the bits that there are */
	FIELD_TIMER,   /* a struct device_timer: its deadline, or DEVICE_NEVER */
	FIELD_POINTED, /* `count` bytes behind a pointer of the device's */
};

struct device_field {
	uint16_t offset; /* in the device's structure */
	uint8_t kind;	 /* enum device_field_kind */
	uint8_t size;	 /* 1, 2, 4, 8 */
	uint32_t count;
	uint64_t max;
};

/* A member: a number, or an array of such. */
#define DEVICE_FIELD(type, member, max)                                                  \
	{                                                                                \
		offsetof(type, member), FIELD_VALUE, sizeof(((type *)0)->member), 1, max \
	}
#define DEVICE_ARRAY(type, member, max)                                              \
	{                                                                            \
		offsetof(type, member), FIELD_VALUE, sizeof(((type *)0)->member[0]), \
			ARRAY_SIZE(((type *)0)->member), max                         \
	}
#define DEVICE_BITS(type, member, bits)                                                  \
	{                                                                                \
		offsetof(type, member), FIELD_BITS, sizeof(((type *)0)->member), 1, bits \
	}
#define DEVICE_TIMER(type, member)                           \
	{                                                    \
		offsetof(type, member), FIELD_TIMER, 8, 1, 0 \
	}
#define DEVICE_POINTED(type, member, count)                        \
	{                                                          \
		offsetof(type, member), FIELD_POINTED, 1, count, 0 \
	}
/* The ticks that a periodic timer has to make up for. */
#define DEVICE_TICKS(type, member)                              \
	DEVICE_FIELD(type, member.missed, DEVICE_TICKS_MISSED), \
		DEVICE_FIELD(type, member.waiting, 1)

/* In device_ops.state; NULL there: the device has no state. The device is the first member of its
 * structure. */
struct device_state {
	uint32_t version;
	uint32_t structure_size;
	const struct device_field *fields;
	uint32_t field_count;
	/* What `max` cannot say. The device is a copy that holds the state. NULL: all are valid. */
	bool (*valid)(const struct device *dev);
	/* The state was set: what follows from it. Timers are armed, lines are as they were. NULL: nothing. */
	void (*restored)(struct device *dev);
};

/* Bytes of a device's state; 0: it has none. */
uint64_t device_state_size(const struct device *dev);
void device_state_get(const struct device *dev, uint8_t *to);
/* BAD_FORMAT: another length; INVALID_ARGUMENT: values that the device cannot have; NO_MEMORY. */
status_t device_state_check(const struct device *dev, const uint8_t *from,
			    uint64_t length) __must_check;
/* Of a state that was found right. */
void device_state_set(struct device *dev, struct device_env *env, const uint8_t *from);

/* All devices of a bus, as they are at that guest time; TOO_LARGE: the buffer would have to have *needed bytes. */
status_t devices_save(struct device_bus *bus, uint64_t now_ns, void *buffer, uint64_t size,
		      uint64_t *needed) __must_check;
/* The guest time at which it was saved: it is to be that again before devices_restore(). */
status_t devices_saved_time(const void *data, uint64_t size, uint64_t *now_ns) __must_check;
/* The statuses of <kernel/state_format.h>, and of device_state_check(); NOT_FOUND, NOT_SUPPORTED: not these
 * devices, or another version. Nothing has changed then. */
status_t devices_restore(struct device_bus *bus, struct device_env *env, const void *data,
			 uint64_t size) __must_check;

#endif

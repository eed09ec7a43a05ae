/* SPDX-License-Identifier: MIT */
/*
 * States of devices, by their tables of members. All records are checked, each in a copy of its device,
 * before the first device is changed.
 */
#include <devices/device_state.h>

#include <stdlib.h>
#include <string.h>
#include <kernel/state_format.h>

#define CLOCK_ELEMENT 1u /* guest time; the devices follow in the order of the bus */
#define CLOCK_NAME    "clock"
#define CLOCK_VERSION 1u

struct clock_state {
	struct state_device device;
	uint64_t now_ns;
};

/* ---- one device ---- */

static uint64_t field_size(const struct device_field *field)
{
	return (uint64_t)field->size * field->count;
}

uint64_t device_state_size(const struct device *dev)
{
	const struct device_state *state = dev->ops->state;
	uint64_t size = 0;

	for (uint32_t i = 0; state && i < state->field_count; i++)
		size += field_size(&state->fields[i]);
	return size;
}

static void field_get(const struct device *dev, const struct device_field *field, uint8_t *to)
{
	const uint8_t *member = (const uint8_t *)dev + field->offset;
	const struct device_timer *timer = (const struct device_timer *)member;
	uint64_t deadline;

	switch ((enum device_field_kind)field->kind) {
	case FIELD_VALUE:
	case FIELD_BITS: memcpy(to, member, field_size(field)); break;
	case FIELD_TIMER:
		deadline = timer->armed ? timer->deadline_ns : DEVICE_NEVER;
		memcpy(to, &deadline, sizeof(deadline));
		break;
	case FIELD_POINTED: memcpy(to, *(uint8_t *const *)member, field_size(field)); break;
	}
}

void device_state_get(const struct device *dev, uint8_t *to)
{
	const struct device_state *state = dev->ops->state;

	for (uint32_t i = 0; i < state->field_count; i++) {
		field_get(dev, &state->fields[i], to);
		to += field_size(&state->fields[i]);
	}
}

static uint64_t value_at(const uint8_t *from, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, from, size);
	return value;
}

static bool field_within(const struct device_field *field, const uint8_t *from)
{
	if (!field->max)
		return true;
	for (uint32_t i = 0; i < field->count; i++) {
		uint64_t value = value_at(from + (uint64_t)i * field->size, field->size);

		if (field->kind == FIELD_BITS ? value & ~field->max : value > field->max)
			return false;
	}
	return true;
}

/* Values alone: the rest of a copy is the device's own. */
static bool copy_fill(struct device *copy, const uint8_t *from)
{
	const struct device_state *state = copy->ops->state;

	for (uint32_t i = 0; i < state->field_count; i++) {
		const struct device_field *field = &state->fields[i];

		if (!field_within(field, from))
			return false;
		if (field->kind <= FIELD_BITS)
			memcpy((uint8_t *)copy + field->offset, from, field_size(field));
		from += field_size(field);
	}
	return !state->valid || state->valid(copy);
}

status_t device_state_check(const struct device *dev, const uint8_t *from, uint64_t length)
{
	const struct device_state *state = dev->ops->state;
	struct device *copy;
	bool valid;

	if (length != device_state_size(dev))
		return STATUS_BAD_FORMAT;
	copy = malloc(state->structure_size);
	if (!copy)
		return STATUS_NO_MEMORY;
	memcpy(copy, dev, state->structure_size);
	valid = copy_fill(copy, from);
	free(copy);
	return valid ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

void device_state_set(struct device *dev, struct device_env *env, const uint8_t *from)
{
	const struct device_state *state = dev->ops->state;

	for (uint32_t i = 0; i < state->field_count; i++) {
		const struct device_field *field = &state->fields[i];
		uint8_t *member = (uint8_t *)dev + field->offset;

		switch ((enum device_field_kind)field->kind) {
		case FIELD_VALUE:
		case FIELD_BITS: memcpy(member, from, field_size(field)); break;
		case FIELD_TIMER:
			device_timer_arm(env, (struct device_timer *)member, value_at(from, 8));
			break;
		case FIELD_POINTED: memcpy(*(uint8_t **)member, from, field_size(field)); break;
		}
		from += field_size(field);
	}
	if (state->restored)
		state->restored(dev);
}

/* ---- all of them ---- */

static void head_write(struct state_device *head, const char *name, uint32_t version)
{
	strncpy(head->name, name, sizeof(head->name) - 1);
	head->version = version;
}

status_t devices_save(struct device_bus *bus, uint64_t now_ns, void *buffer, uint64_t size,
		      uint64_t *needed)
{
	struct state_writer writer;
	struct clock_state *clock;
	uint32_t element = CLOCK_ELEMENT;
	status_t status;

	state_write_begin(&writer, buffer, size);
	clock = state_write(&writer, element, 0, sizeof(*clock));
	if (clock) {
		head_write(&clock->device, CLOCK_NAME, CLOCK_VERSION);
		clock->now_ns = now_ns;
	}
	for (struct device *dev = bus->devices; dev; dev = dev->next) {
		struct state_device *head;

		if (!dev->ops->state)
			continue;
		head = state_write(&writer, ++element, 0,
				   (uint32_t)(sizeof(*head) + device_state_size(dev)));
		if (!head)
			continue;
		head_write(head, dev->name, dev->ops->state->version);
		device_state_get(dev, (uint8_t *)(head + 1));
	}
	status = state_write_end(&writer, STATE_OF_DEVICES);
	*needed = writer.used;
	return status;
}

/* The record of that name and version; *data is what follows. */
static status_t record_read(struct state_reader *reader, uint32_t element, const char *name,
			    uint32_t version, const uint8_t **data, uint64_t *length)
{
	struct state_device head, wanted = {.reserved = 0};
	struct state_item item;
	status_t status = state_read(reader, &item);

	if (status != STATUS_OK)
		return status;
	if (item.element != element || item.vtl)
		return STATUS_NOT_FOUND;
	if (item.length < sizeof(head))
		return STATUS_BAD_FORMAT;
	memcpy(&head, item.data, sizeof(head));
	head_write(&wanted, name, version);
	if (memcmp(&head, &wanted, sizeof(head)) != 0)
		return STATUS_NOT_SUPPORTED;
	*data = (const uint8_t *)item.data + sizeof(head);
	*length = item.length - sizeof(head);
	return STATUS_OK;
}

static status_t clock_read(struct state_reader *reader, const void *data, uint64_t size,
			   uint64_t *now_ns)
{
	const uint8_t *at;
	uint64_t length;
	status_t status = state_read_begin(reader, data, size, STATE_OF_DEVICES);

	if (status == STATUS_OK)
		status =
			record_read(reader, CLOCK_ELEMENT, CLOCK_NAME, CLOCK_VERSION, &at, &length);
	if (status != STATUS_OK)
		return status;
	if (length != sizeof(*now_ns))
		return STATUS_BAD_FORMAT;
	*now_ns = value_at(at, sizeof(*now_ns));
	return STATUS_OK;
}

status_t devices_saved_time(const void *data, uint64_t size, uint64_t *now_ns)
{
	struct state_reader reader;

	return clock_read(&reader, data, size, now_ns);
}

/* Checks each device's record, or sets it. */
static status_t records_walk(struct device_bus *bus, struct device_env *env, const void *data,
			     uint64_t size, bool set)
{
	uint32_t element = CLOCK_ELEMENT;
	struct state_reader reader;
	struct state_item item;
	uint64_t length, now_ns;
	const uint8_t *at;
	status_t status = clock_read(&reader, data, size, &now_ns);

	for (struct device *dev = bus->devices; dev && status == STATUS_OK; dev = dev->next) {
		if (!dev->ops->state)
			continue;
		status = record_read(&reader, ++element, dev->name, dev->ops->state->version, &at,
				     &length);
		if (status == STATUS_OK && set)
			device_state_set(dev, env, at);
		else if (status == STATUS_OK)
			status = device_state_check(dev, at, length);
	}
	if (status != STATUS_OK)
		return status;
	status = state_read(&reader, &item);
	if (status == STATUS_OK)
		return STATUS_NOT_SUPPORTED; /* a device more */
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

status_t devices_restore(struct device_bus *bus, struct device_env *env, const void *data,
			 uint64_t size)
{
	status_t status = records_walk(bus, env, data, size, false);

	return status == STATUS_OK ? records_walk(bus, env, data, size, true) : status;
}

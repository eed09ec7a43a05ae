/* SPDX-License-Identifier: MIT */
/*
 * The interrupts of VPCI devices (TLFS, "HvCallRetargetDeviceInterrupt"). Messages of a device stand in a list
 * by their data. Those of one registration are neighbours, and begin at a multiple of 32, as a device with
 * several MSIs puts the number of one into the low bits of its data.
 */
#include <kernel/hypercall.h>
#include <kernel/memory.h>
#include <kernel/vpci.h>

#define MSI_ADDRESS 0xfee00000u
#define WORD_VPS    HV_VP_SET_BANK_VPS

struct vpci_message {
	struct vpci_message *next;
	uint32_t data;
	uint32_t first; /* data of the first one of its registration */
	uint16_t vector;
	bool multicast;
	uint64_t vps[]; /* a bit for each VP of the partition */
};

struct vpci_device {
	struct object object;
	struct partition *partition;
	struct vpci_device *next;
	uint64_t id;
	uint32_t vtl;
	uint32_t count; /* of messages */
	struct vpci_message *messages;
};

static struct vpci_device *device_of(struct object *object)
{
	return container_of(object, struct vpci_device, object);
}

static struct vpci_bus *bus_of(const struct vpci_device *device)
{
	return &device->partition->hv->vpci;
}

static size_t message_size(const struct partition *partition)
{
	return sizeof(struct vpci_message) + ALIGN_UP(partition->vp_count, WORD_VPS) / 8;
}

static void messages_free(const struct partition *partition, struct vpci_message *list)
{
	struct vpci_message *next;

	for (; list; list = next) {
		next = list->next;
		heap_free(partition->heap, list, message_size(partition));
	}
}

/* ---- devices ---- */

static void device_destroy(struct object *object)
{
	struct vpci_device *device = device_of(object), **link;
	struct partition *partition = device->partition;
	struct vpci_bus *bus = bus_of(device);

	spin_lock(&bus->lock);
	for (link = &bus->devices; *link != device;)
		link = &(*link)->next;
	*link = device->next;
	bus->count--;
	spin_unlock(&bus->lock);
	messages_free(partition, device->messages);
	heap_free(partition->heap, device, sizeof(*device));
	partition_put(partition);
}

/* The lock is held. */
static struct vpci_device *device_find(struct vpci_bus *bus, uint32_t vtl, uint64_t id)
{
	struct vpci_device *device = bus->devices;

	while (device && (device->vtl != vtl || device->id != id))
		device = device->next;
	return device;
}

static status_t device_insert(struct vpci_bus *bus, struct vpci_device *device)
{
	status_t status = STATUS_OK;

	spin_lock(&bus->lock);
	if (device_find(bus, device->vtl, device->id)) {
		status = STATUS_ALREADY_EXISTS;
	} else if (bus->count >= VPCI_DEVICES_MAX) {
		status = STATUS_TOO_LARGE;
	} else {
		device->next = bus->devices;
		bus->devices = device;
		bus->count++;
	}
	spin_unlock(&bus->lock);
	return status;
}

status_t vpci_device_create(struct partition *partition, uint64_t vtl, uint64_t id,
			    struct object **out)
{
	struct vpci_device *device;
	status_t status;

	if (vtl >= VTL_COUNT || !partition_space(partition, (uint32_t)vtl))
		return STATUS_INVALID_VTL;
	if (!partition->hv)
		return STATUS_NOT_SUPPORTED;
	if (partition_has_user_apic(partition))
		return STATUS_WRONG_STATE;
	device = heap_alloc(partition->heap, sizeof(*device));
	if (!device)
		return STATUS_NO_MEMORY;
	device->partition = partition;
	device->vtl = (uint32_t)vtl;
	device->id = id;
	status = device_insert(bus_of(device), device);
	if (status != STATUS_OK) {
		heap_free(partition->heap, device, sizeof(*device));
		return status;
	}
	object_init(&device->object, OBJECT_VPCI_DEVICE, device_destroy);
	object_get(&partition->object);
	*out = &device->object;
	return STATUS_OK;
}

/* ---- targets ---- */

static bool target_is_valid(const struct partition *partition, const struct vpci_target *target,
			    uint32_t vectors)
{
	uint32_t count = partition->vp_count;

	return arch_device_vectors_valid(partition, target->vector, vectors) &&
	       vp_set_next(&target->set, 0, count) < count;
}

static void target_put(const struct partition *partition, struct vpci_message *message,
		       const struct vpci_target *target, uint32_t vector)
{
	uint32_t count = partition->vp_count, i;

	for (i = 0; i < (count + WORD_VPS - 1) / WORD_VPS; i++)
		message->vps[i] = 0;
	for (i = vp_set_next(&target->set, 0, count); i < count;
	     i = vp_set_next(&target->set, i + 1, count))
		message->vps[i / WORD_VPS] |= BIT(i % WORD_VPS);
	message->vector = (uint16_t)vector;
	message->multicast = target->multicast;
}

/* ---- messages ---- */

/* The lock is held. NULL: there is none. */
static struct vpci_message *message_find(const struct vpci_device *device, uint64_t address,
					 uint64_t data)
{
	struct vpci_message *message = device->messages;

	while (message && message->data < data)
		message = message->next;
	return message && message->data == data && address == MSI_ADDRESS ? message : NULL;
}

static struct vpci_message *messages_alloc(const struct partition *partition,
					   const struct vpci_target *target, uint32_t count)
{
	struct vpci_message *list = NULL, *message;

	while (count--) { /* from the last to the first */
		message = heap_alloc(partition->heap, message_size(partition));
		if (!message) {
			messages_free(partition, list);
			return NULL;
		}
		target_put(partition, message, target, target->vector + count);
		message->next = list;
		list = message;
	}
	return list;
}

/* Behind the registrations that have no gap between them. The lock is held. */
static void messages_insert(struct vpci_device *device, struct vpci_message *list, uint32_t *data)
{
	struct vpci_message **link = &device->messages, *message, *last;
	uint32_t first = 0;

	for (; *link && (*link)->first <= first; link = &(*link)->next)
		first = (*link)->first + VPCI_VECTORS_MAX;
	*data = first;
	for (message = last = list; message; message = message->next) {
		message->first = first;
		message->data = (*data)++;
		last = message;
		device->count++;
	}
	last->next = *link;
	*link = list;
	*data = first;
}

status_t vpci_register(struct object *object, uint64_t count, const struct vpci_target *target,
		       struct hv_msi_entry *message)
{
	struct vpci_device *device = device_of(object);
	struct vpci_message *list;
	status_t status = STATUS_TOO_LARGE;

	if (!count || count > VPCI_VECTORS_MAX ||
	    !target_is_valid(device->partition, target, (uint32_t)count))
		return STATUS_INVALID_ARGUMENT;
	list = messages_alloc(device->partition, target, (uint32_t)count);
	if (!list)
		return STATUS_NO_MEMORY;
	message->address = MSI_ADDRESS;
	spin_lock(&bus_of(device)->lock);
	if (device->count + count <= VPCI_MESSAGES_MAX) {
		messages_insert(device, list, &message->data);
		list = NULL;
		status = STATUS_OK;
	}
	spin_unlock(&bus_of(device)->lock);
	messages_free(device->partition, list);
	return status;
}

status_t vpci_unregister(struct object *object, uint64_t address, uint64_t data)
{
	struct vpci_device *device = device_of(object);
	struct vpci_message **link, **end, *list = NULL;

	spin_lock(&bus_of(device)->lock);
	list = message_find(device, address, data);
	if (list && list->first == list->data) {
		for (link = &device->messages; *link != list;)
			link = &(*link)->next;
		for (end = link; *end && (*end)->first == list->first; end = &(*end)->next)
			device->count--;
		*link = *end;
		*end = NULL;
	} else {
		list = NULL;
	}
	spin_unlock(&bus_of(device)->lock);
	messages_free(device->partition, list);
	return list ? STATUS_OK : STATUS_NOT_FOUND;
}

static void message_deliver(const struct vpci_device *device, const struct vpci_message *message)
{
	const struct partition *partition = device->partition;
	uint32_t word;
	uint64_t left;

	for (word = 0; word * WORD_VPS < partition->vp_count; word++)
		for (left = message->vps[word]; left; left &= left - 1) {
			uint32_t vp = word * WORD_VPS + (uint32_t)__builtin_ctzll(left);

			arch_vp_interrupt(partition->vps[vp], device->vtl, message->vector);
			if (!message->multicast)
				return;
		}
}

status_t vpci_signal(struct object *object, uint64_t address, uint64_t data)
{
	struct vpci_device *device = device_of(object);
	const struct vpci_message *message;

	spin_lock(&bus_of(device)->lock);
	message = message_find(device, address, data);
	if (message)
		message_deliver(device, message);
	spin_unlock(&bus_of(device)->lock);
	return message ? STATUS_OK : STATUS_NOT_FOUND;
}

status_t vpci_retarget(struct partition *partition, uint32_t vtl, uint64_t id,
		       const struct hv_msi_entry *entry, const struct vpci_target *target)
{
	struct vpci_bus *bus = &partition->hv->vpci;
	const struct vpci_device *device;
	struct vpci_message *message = NULL;
	status_t status = STATUS_OK;

	if (!target_is_valid(partition, target, 1))
		return STATUS_INVALID_ARGUMENT;
	spin_lock(&bus->lock);
	device = device_find(bus, vtl, id);
	if (device)
		message = message_find(device, entry->address, entry->data);
	if (message)
		target_put(partition, message, target, target->vector);
	else
		status = device ? STATUS_NOT_FOUND : STATUS_WRONG_TYPE;
	spin_unlock(&bus->lock);
	return status;
}

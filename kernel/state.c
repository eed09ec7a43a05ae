/* SPDX-License-Identifier: MIT */
/*
 * States of VPs and partitions. To restore is to read all records, check each element and all of them
 * together, and then to set them: what is set cannot fail.
 */
#include <kernel/cpu.h>
#include <kernel/partition.h>
#include <kernel/state.h>
#include <kernel/state_format.h>
#include <kernel/string.h>

/* Clocks of the same processor, measured twice, differ less. */
#define TSC_HZ_TOLERANCE 1000u /* parts of the whole */

static bool has_element(const struct vp *vp, uint32_t vtl, const struct state_element *element)
{
	return vtl < VTL_COUNT && vp->vtl[vtl] && (!vtl || !(element->flags & STATE_SHARED)) &&
	       arch_vp_element_size(vp, element);
}

static status_t element_find(const struct vp *vp, uint32_t vtl, uint32_t id,
			     const struct state_element **element)
{
	uint32_t i;

	if (!id || (id >= VP_STATE_ELEMENTS && id != VP_STATE_XSAVE_STANDARD))
		return STATUS_INVALID_ARGUMENT;
	if (vtl >= VTL_COUNT || !vp->vtl[vtl])
		return STATUS_INVALID_VTL;
	for (i = 0; i < arch_vp_element_count; i++) {
		*element = &arch_vp_elements[i];
		if ((*element)->id == id && has_element(vp, vtl, *element))
			return STATUS_OK;
	}
	return STATUS_NOT_SUPPORTED;
}

static status_t element_read(struct vp *vp, uint32_t vtl, uint32_t id, bool reset, void *buffer,
			     uint64_t size, uint64_t *needed)
{
	const struct state_element *element;
	status_t status = element_find(vp, vtl, id, &element);

	if (status != STATUS_OK)
		return status;
	*needed = arch_vp_element_size(vp, element);
	if (*needed > size)
		return STATUS_TOO_LARGE;
	arch_vp_settle(vp);
	memset(buffer, 0, *needed);
	(reset ? element->ops->at_reset : element->ops->get)(vp, vtl, element, buffer);
	return STATUS_OK;
}

status_t vp_state_get(struct vp *vp, uint32_t vtl, uint32_t id, void *buffer, uint64_t size,
		      uint64_t *needed)
{
	return element_read(vp, vtl, id, false, buffer, size, needed);
}

status_t vp_state_at_reset(struct vp *vp, uint32_t vtl, uint32_t id, void *buffer, uint64_t size,
			   uint64_t *needed)
{
	return element_read(vp, vtl, id, true, buffer, size, needed);
}

static status_t element_check(const struct vp *vp, uint32_t vtl,
			      const struct state_element *element, const void *data, uint64_t size)
{
	if (!(element->flags & STATE_SIZES) && size != element->size)
		return STATUS_BAD_FORMAT;
	return element->ops->valid(vp, vtl, element, data, (uint32_t)size)
		       ? STATUS_OK
		       : STATUS_INVALID_REGISTER_VALUE;
}

status_t vp_state_set(struct vp *vp, uint32_t vtl, uint32_t id, const void *data, uint64_t size)
{
	const struct state_element *element;
	status_t status = element_find(vp, vtl, id, &element);

	if (status == STATUS_OK)
		status = element_check(vp, vtl, element, data, size);
	if (status != STATUS_OK)
		return status;
	arch_vp_settle(vp);
	element->ops->set(vp, vtl, element, data);
	return STATUS_OK;
}

/* ---- a whole VP ---- */

/* The next in the order of records; false: none is left. */
static bool place_next(const struct vp *vp, uint32_t *place, const struct state_element **element,
		       uint32_t *vtl)
{
	while (*place < arch_vp_element_count * VTL_COUNT) {
		*element = &arch_vp_elements[*place / VTL_COUNT];
		*vtl = (*place)++ % VTL_COUNT;
		if (!((*element)->flags & STATE_HIDDEN) && has_element(vp, *vtl, *element))
			return true;
	}
	return false;
}

status_t vp_save(struct vp *vp, void *buffer, uint64_t size, uint64_t *needed)
{
	const struct state_element *element;
	struct state_writer writer;
	uint32_t place = 0, vtl;
	status_t status;

	arch_vp_settle(vp);
	state_write_begin(&writer, buffer, size);
	while (place_next(vp, &place, &element, &vtl)) {
		void *data =
			state_write(&writer, element->id, vtl, arch_vp_element_size(vp, element));

		if (data)
			element->ops->get(vp, vtl, element, data);
	}
	status = state_write_end(&writer, STATE_OF_VP);
	*needed = writer.used;
	return status;
}

/* What a state has for each element and VTL. */
struct view {
	const void *data[VTL_COUNT][VP_STATE_ELEMENTS];
};

/* The records are those of place_next(), one by one: else an element is unknown or missing. */
static status_t view_read(const struct vp *vp, const void *data, uint64_t size, struct view *view)
{
	const struct state_element *element;
	struct state_reader reader;
	struct state_item item;
	uint32_t place = 0, vtl;
	status_t status = state_read_begin(&reader, data, size, STATE_OF_VP);

	if (status != STATUS_OK)
		return status;
	while ((status = state_read(&reader, &item)) == STATUS_OK) {
		if (!place_next(vp, &place, &element, &vtl) || item.element < element->id)
			return STATUS_NOT_SUPPORTED;
		if (item.element > element->id || item.vtl != vtl)
			return STATUS_NOT_FOUND;
		status = element_check(vp, vtl, element, item.data, item.length);
		if (status != STATUS_OK)
			return status;
		view->data[vtl][element->id] = item.data;
	}
	/* All records were read. */
	if (status != STATUS_NOT_FOUND)
		return status;
	return place_next(vp, &place, &element, &vtl) ? STATUS_NOT_FOUND : STATUS_OK;
}

status_t vp_restore(struct vp *vp, const void *data, uint64_t size)
{
	const struct state_element *element;
	struct view view = {0};
	status_t status = view_read(vp, data, size, &view);
	uint32_t place = 0, vtl;

	for (vtl = 0; vtl < VTL_COUNT && status == STATUS_OK; vtl++)
		if (vp->vtl[vtl] && !arch_vp_state_agrees(vp, vtl, view.data[vtl]))
			status = STATUS_INVALID_REGISTER_VALUE;
	if (status != STATUS_OK)
		return status;
	arch_vp_forget(vp);
	while (place_next(vp, &place, &element, &vtl))
		element->ops->set(vp, vtl, element, view.data[vtl][element->id]);
	return STATUS_OK;
}

/* ---- partitions ---- */

status_t partition_save(struct partition *partition, void *buffer, uint64_t size, uint64_t *needed)
{
	struct partition_state_time *time;
	struct state_writer writer;
	status_t status;

	state_write_begin(&writer, buffer, size);
	time = state_write(&writer, PARTITION_STATE_TIME, 0, sizeof(*time));
	if (time)
		*time = (struct partition_state_time){
			.reference_time = partition_reference_time(partition),
			.tsc = arch_partition_tsc(partition),
			.tsc_hz = timestamp_hz,
		};
	status = state_write_end(&writer, STATE_OF_PARTITION);
	*needed = writer.used;
	return status;
}

static status_t time_read(const void *data, uint64_t size, struct partition_state_time *time)
{
	struct state_reader reader;
	struct state_item item;
	status_t status = state_read_begin(&reader, data, size, STATE_OF_PARTITION);

	if (status == STATUS_OK)
		status = state_read(&reader, &item);
	if (status != STATUS_OK)
		return status;
	if (item.element != PARTITION_STATE_TIME || item.vtl)
		return STATUS_NOT_SUPPORTED;
	if (item.length != sizeof(*time))
		return STATUS_BAD_FORMAT;
	memcpy(time, item.data, sizeof(*time));
	status = state_read(&reader, &item);
	if (status == STATUS_OK)
		return STATUS_NOT_SUPPORTED; /* an element more */
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

status_t partition_restore(struct partition *partition, const void *data, uint64_t size)
{
	struct partition_state_time time;
	status_t status = time_read(data, size, &time);
	uint64_t difference;

	if (status != STATUS_OK)
		return status;
	difference = time.tsc_hz > timestamp_hz ? time.tsc_hz - timestamp_hz
						: timestamp_hz - time.tsc_hz;
	if (difference > timestamp_hz / TSC_HZ_TOLERANCE)
		return STATUS_NOT_SUPPORTED;
	partition->time_base = partition_timestamp(partition);
	partition->time_offset = time.reference_time;
	arch_partition_tsc_set(partition, time.tsc);
	return STATUS_OK;
}

static void vps_release(struct partition *partition, uint32_t count)
{
	while (count--)
		atomic_store(&partition->vps[count]->bound, false);
}

/* As vp_bind takes one: afterwards no VP is anybody's but ours. */
static status_t vps_take(struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++) {
		bool bound = false;

		if (!atomic_compare_exchange_strong(&partition->vps[i]->bound, &bound, true)) {
			vps_release(partition, i);
			return STATUS_BUSY;
		}
	}
	return STATUS_OK;
}

/* Two threads may try at the same time: the state is changed by the one that has the VPs. */
status_t partition_time_turn(struct partition *partition, bool freeze)
{
	uint32_t from = freeze ? PARTITION_BUILT : PARTITION_FROZEN;
	status_t status = vps_take(partition);
	uint64_t ticks;

	if (status != STATUS_OK)
		return status;
	if (partition->state != from) {
		vps_release(partition, partition->vp_count);
		return STATUS_WRONG_STATE;
	}
	if (freeze) {
		partition->frozen_at = timestamp_read();
	} else {
		ticks = timestamp_read() - partition->frozen_at;
		partition->frozen_at = 0;
		partition->time_base += ticks;
		arch_partition_time_skip(partition, ticks);
	}
	partition->state = freeze ? PARTITION_FROZEN : PARTITION_BUILT;
	vps_release(partition, partition->vp_count);
	return STATUS_OK;
}

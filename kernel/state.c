/* SPDX-License-Identifier: MIT */
/*
 * States of VPs and partitions. To restore is to read all records, check each element and all of them
 * together, and then to set them: what is set cannot fail.
 */
#include <kernel/cpu.h>
#include <kernel/hyperv.h>
#include <kernel/partition.h>
#include <kernel/state.h>
#include <kernel/state_format.h>
#include <kernel/string.h>

/* Clocks of the same processor, measured twice, differ less. */
#define TSC_HZ_TOLERANCE 1000u /* parts of the whole */

static bool has_element(const struct vp *vp, uint32_t vtl, const struct state_element *element)
{
	return vp->vtl[vtl] && (!vtl || !(element->flags & STATE_SHARED)) &&
	       arch_vp_element_size(vp, element);
}

/* A view of one element; *place is where. What is no part of a saved state has a number above the others. */
static status_t element_find(const struct vp *vp, uint32_t vtl, uint32_t id, uint32_t *place)
{
	for (*place = 0; *place < arch_vp_element_count; (*place)++)
		if (arch_vp_elements[*place].id == id)
			break;
	if (!id || (id >= VP_STATE_ELEMENTS && *place == arch_vp_element_count))
		return STATUS_INVALID_ARGUMENT;
	if (vtl >= VTL_COUNT || !vp->vtl[vtl])
		return STATUS_INVALID_VTL;
	return *place < arch_vp_element_count && has_element(vp, vtl, &arch_vp_elements[*place])
		       ? STATUS_OK
		       : STATUS_NOT_SUPPORTED;
}

static status_t element_read(struct vp *vp, uint32_t vtl, uint32_t id, bool reset, void *buffer,
			     uint64_t size, uint64_t *needed)
{
	struct state_view view = {0};
	uint32_t place;
	status_t status = element_find(vp, vtl, id, &place);

	if (status != STATUS_OK)
		return status;
	*needed = arch_vp_element_size(vp, &arch_vp_elements[place]);
	if (*needed > size)
		return STATUS_TOO_LARGE;
	view.data[place] = memset(buffer, 0, *needed);
	arch_vp_settle(vp);
	arch_vp_state_get(vp, vtl, &view, reset);
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

static bool length_is_right(const struct state_element *element, uint64_t length)
{
	return (element->flags & STATE_SIZES) || length == element->size;
}

status_t vp_state_set(struct vp *vp, uint32_t vtl, uint32_t id, const void *data, uint64_t size)
{
	struct state_view view = {0};
	uint32_t place;
	status_t status = element_find(vp, vtl, id, &place);

	if (status != STATUS_OK)
		return status;
	if (!length_is_right(&arch_vp_elements[place], size))
		return STATUS_BAD_FORMAT;
	view.data[place] = (void *)(uintptr_t)data;
	view.length[place] = (uint32_t)size;
	if (!arch_vp_state_valid(vp, vtl, &view))
		return STATUS_INVALID_REGISTER_VALUE;
	status = arch_vp_state_place(vp, vtl, &view);
	if (status != STATUS_OK)
		return status;
	arch_vp_settle(vp);
	arch_vp_state_set(vp, vtl, &view);
	return STATUS_OK;
}

/* ---- a whole VP ---- */

/* Where an element and VTL are in the order of records. */
struct step {
	uint32_t next, place, vtl;
};

/* False: none is left. */
static bool step_on(const struct vp *vp, struct step *step)
{
	while (step->next < arch_vp_element_count * VTL_COUNT) {
		const struct state_element *element;

		step->place = step->next / VTL_COUNT;
		step->vtl = step->next++ % VTL_COUNT;
		element = &arch_vp_elements[step->place];
		if (!(element->flags & STATE_HIDDEN) && has_element(vp, step->vtl, element))
			return true;
	}
	return false;
}

status_t vp_save(struct vp *vp, void *buffer, uint64_t size, uint64_t *needed)
{
	struct state_view views[VTL_COUNT] = {0};
	struct step step = {0};
	struct state_writer writer;
	status_t status;

	state_write_begin(&writer, buffer, size);
	while (step_on(vp, &step)) {
		const struct state_element *element = &arch_vp_elements[step.place];

		views[step.vtl].data[step.place] = state_write(&writer, element->id, step.vtl,
							       arch_vp_element_size(vp, element));
	}
	status = state_write_end(&writer, STATE_OF_VP);
	*needed = writer.used;
	if (status != STATUS_OK)
		return status;
	arch_vp_settle(vp);
	for (step.vtl = 0; step.vtl < VTL_COUNT; step.vtl++)
		if (vp->vtl[step.vtl])
			arch_vp_state_get(vp, step.vtl, &views[step.vtl], false);
	return STATUS_OK;
}

/* The records are those of step_on(), one by one: else an element is unknown or missing. */
static status_t views_read(const struct vp *vp, const void *data, uint64_t size,
			   struct state_view views[VTL_COUNT])
{
	struct state_reader reader;
	struct state_item item;
	struct step step = {0};
	status_t status = state_read_begin(&reader, data, size, STATE_OF_VP);

	if (status != STATUS_OK)
		return status;
	while ((status = state_read(&reader, &item)) == STATUS_OK) {
		const struct state_element *element;

		if (!step_on(vp, &step))
			return STATUS_NOT_SUPPORTED;
		element = &arch_vp_elements[step.place];
		if (item.element != element->id || item.vtl != step.vtl)
			return item.element > element->id ? STATUS_NOT_FOUND : STATUS_NOT_SUPPORTED;
		if (!length_is_right(element, item.length))
			return STATUS_BAD_FORMAT;
		views[step.vtl].data[step.place] = (void *)(uintptr_t)item.data;
		views[step.vtl].length[step.place] = item.length;
	}
	/* All records were read. */
	if (status != STATUS_NOT_FOUND)
		return status;
	return step_on(vp, &step) ? STATUS_NOT_FOUND : STATUS_OK;
}

status_t vp_restore(struct vp *vp, const void *data, uint64_t size)
{
	struct state_view views[VTL_COUNT] = {0};
	status_t status = views_read(vp, data, size, views);
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT && status == STATUS_OK; vtl++)
		if (vp->vtl[vtl] && !arch_vp_state_valid(vp, vtl, &views[vtl]))
			status = STATUS_INVALID_REGISTER_VALUE;
	/* Only VTL0 has such pages. */
	if (status == STATUS_OK)
		status = arch_vp_state_place(vp, 0, &views[0]);
	if (status != STATUS_OK)
		return status;
	arch_vp_forget(vp);
	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (vp->vtl[vtl])
			arch_vp_state_set(vp, vtl, &views[vtl]);
	return STATUS_OK;
}

/* ---- partitions ---- */

struct partition_view {
	struct partition_state_time time;
	struct partition_state_hypercall hypercall;
	struct partition_state_reference_tsc reference_tsc;
	struct partition_state_tsc_control tsc_control;
	const void *arch; /* of ARCH_PARTITION_STATE, where it stands */
};

static const struct partition_element {
	uint16_t id, size, offset;
	bool hyperv; /* of a partition that has it */
} partition_elements[] = {
#define PARTITION_PART(name, member, hyperv)                                             \
	{                                                                                \
		PARTITION_STATE_##name, sizeof(((struct partition_view *)NULL)->member), \
			offsetof(struct partition_view, member), hyperv                  \
	}
	PARTITION_PART(TIME, time, false),
	PARTITION_PART(HYPERCALL, hypercall, true),
	PARTITION_PART(REFERENCE_TSC, reference_tsc, true),
	PARTITION_PART(TSC_CONTROL, tsc_control, true),
};

static bool partition_has(const struct partition *partition, const struct partition_element *e)
{
	return !e->hyperv || partition->hv;
}

static void time_get(const struct partition *partition, struct partition_state_time *time)
{
	uint32_t changes;

	do {
		changes = partition_time_look(partition);
		time->tsc_hz = arch_partition_tsc_hz(partition);
		time->reference_time = partition_reference_time(partition);
		time->tsc = arch_partition_tsc(partition);
	} while (partition_time_is_other(partition, changes));
}

static void *arch_element_write(struct state_writer *writer, const struct partition *partition)
{
	if (!ARCH_PARTITION_STATE)
		return NULL;
	return state_write(writer, ARCH_PARTITION_STATE, 0, arch_partition_element_size(partition));
}

status_t partition_save(struct partition *partition, void *buffer, uint64_t size, uint64_t *needed)
{
	struct partition_view view = {0};
	const struct partition_element *e;
	struct state_writer writer;
	status_t status;
	void *place;

	time_get(partition, &view.time);
	if (partition->hv) {
		hv_state_get(partition, &view.hypercall, &view.reference_tsc);
		hv_tsc_state_get(partition, &view.tsc_control);
	}
	state_write_begin(&writer, buffer, size);
	for (e = partition_elements; e < partition_elements + ARRAY_SIZE(partition_elements); e++) {
		if (!partition_has(partition, e))
			continue;
		place = state_write(&writer, e->id, 0, e->size);
		if (place)
			memcpy(place, (const char *)&view + e->offset, e->size);
	}
	place = arch_element_write(&writer, partition);
	if (ARCH_PARTITION_STATE && place)
		arch_partition_state_get(partition, place);
	status = state_write_end(&writer, STATE_OF_PARTITION);
	*needed = writer.used;
	return status;
}

/* Another element than the one that is next in order. */
static status_t other_element(const struct partition *partition, uint32_t id, uint32_t next)
{
	const struct partition_element *e;

	for (e = partition_elements; e < partition_elements + ARRAY_SIZE(partition_elements); e++)
		if (e->id == id && partition_has(partition, e) && id > next)
			return STATUS_NOT_FOUND; /* what is next is missing */
	return STATUS_NOT_SUPPORTED;
}

static status_t arch_element_read(const struct partition *partition, struct state_reader *reader,
				  struct partition_view *view)
{
	struct state_item item;
	status_t status = state_read(reader, &item);

	if (status != STATUS_OK)
		return status;
	if (item.element != ARCH_PARTITION_STATE || item.vtl)
		return other_element(partition, item.element, ARCH_PARTITION_STATE);
	view->arch = item.data;
	return item.length == arch_partition_element_size(partition) ? STATUS_OK
								     : STATUS_BAD_FORMAT;
}

static status_t partition_read(const struct partition *partition, const void *data, uint64_t size,
			       struct partition_view *view)
{
	const struct partition_element *e;
	struct state_reader reader;
	struct state_item item;
	status_t status = state_read_begin(&reader, data, size, STATE_OF_PARTITION);

	for (e = partition_elements; e < partition_elements + ARRAY_SIZE(partition_elements); e++) {
		if (status != STATUS_OK)
			return status;
		if (!partition_has(partition, e))
			continue;
		status = state_read(&reader, &item);
		if (status != STATUS_OK)
			return status;
		if (item.element != e->id || item.vtl)
			return other_element(partition, item.element, e->id);
		if (item.length != e->size)
			return STATUS_BAD_FORMAT;
		memcpy((char *)view + e->offset, item.data, e->size);
	}
	if (ARCH_PARTITION_STATE && status == STATUS_OK)
		status = arch_element_read(partition, &reader, view);
	if (status != STATUS_OK)
		return status;
	status = state_read(&reader, &item);
	if (status == STATUS_OK)
		return STATUS_NOT_SUPPORTED; /* an element more */
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The rate of the TSC if it is another than the host's, or 0. */
static uint64_t other_rate(const struct partition_view *view)
{
	uint64_t hz = view->time.tsc_hz;
	uint64_t difference = hz > timestamp_hz ? hz - timestamp_hz : timestamp_hz - hz;

	return difference > timestamp_hz / TSC_HZ_TOLERANCE ? hz : 0;
}

static bool is_prepared(const struct partition *partition, const struct partition_view *view)
{
	return partition->hv && hv_tsc_state_asks(&view->tsc_control);
}

static status_t rate_check(const struct partition *partition, const struct partition_view *view)
{
	uint64_t hz = view->time.tsc_hz;

	if (hz && !other_rate(view))
		return STATUS_OK;
	return arch_partition_tsc_can_run(hz, is_prepared(partition, view)) ? STATUS_OK
									    : STATUS_TSC_RATE;
}

static status_t partition_check(const struct partition *partition,
				const struct partition_view *view)
{
	status_t status = rate_check(partition, view);

	if (status == STATUS_OK && partition->hv &&
	    (!hv_state_valid(partition, &view->hypercall, &view->reference_tsc) ||
	     !hv_tsc_state_valid(partition, &view->tsc_control)))
		status = STATUS_INVALID_REGISTER_VALUE;
	if (status == STATUS_OK && ARCH_PARTITION_STATE &&
	    !arch_partition_state_valid(partition, view->arch))
		status = STATUS_INVALID_REGISTER_VALUE;
	return status;
}

/* What is armed by now is for another time, and its rate may be another. */
static void vps_look(struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++)
		vp_request(partition->vps[i],
			   VP_REQUEST_TSC | (partition->hv ? VP_REQUEST_STIMER : 0));
}

/* No VP runs. */
static void partition_set(struct partition *partition, const struct partition_view *view)
{
	if (partition->hv) {
		hv_state_set(partition, &view->hypercall, &view->reference_tsc);
		hv_tsc_state_set(partition, &view->tsc_control,
				 other_rate(view) && is_prepared(partition, view));
	}
	partition_time_change(partition);
	partition->time_base = partition_timestamp(partition);
	partition->time_offset = view->time.reference_time;
	arch_partition_tsc_set(partition, view->time.tsc, other_rate(view));
	if (ARCH_PARTITION_STATE)
		arch_partition_state_set(partition, view->arch);
	partition_time_changed(partition);
	hv_time_changed(partition);
	vps_look(partition);
}

status_t partition_restore(struct partition *partition, const void *data, uint64_t size)
{
	struct partition_view view;
	status_t status = partition_read(partition, data, size, &view);
	uint32_t before;

	if (status == STATUS_OK)
		status = partition_check(partition, &view);
	if (status == STATUS_OK)
		status = partition_change_begin(
			partition, BIT(PARTITION_BUILT) | BIT(PARTITION_FROZEN), &before);
	if (status != STATUS_OK)
		return status;
	if (partition->hv)
		status = hv_state_place(partition, &view.hypercall, &view.reference_tsc);
	if (status == STATUS_OK)
		partition_set(partition, &view);
	partition->state = before;
	return status;
}

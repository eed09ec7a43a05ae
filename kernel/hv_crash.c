/* SPDX-License-Identifier: MIT */
/*
 * Crashes that a guest tells of (TLFS, "Partition Crash Enlightenment"). The last one is kept, with its text,
 * until the next or a reset.
 */
#include <kernel/arch.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/memory.h>
#include <kernel/memory_map.h>
#include <kernel/processor.h>
#include <kernel/string.h>

#define RECORD_ORDER 1u
#define COPY_TRIES   4u

static_assert(sizeof(struct partition_crash) <= PAGE_SIZE << RECORD_ORDER, "it has pages");

/* Of which no VMM is told. A guest may crash for ever: only powers of two are logged. */
static void crash_log(const struct partition *partition, uint32_t n)
{
	const struct hv_crash *crash = &partition->hv->crash;

	if (n & (n - 1))
		return;
	log_info("partition %s: its guest has crashed: %llx %llx %llx %llx %llx",
		 partition->config.name, (unsigned long long)crash->parameter[0],
		 (unsigned long long)crash->parameter[1], (unsigned long long)crash->parameter[2],
		 (unsigned long long)crash->parameter[3], (unsigned long long)crash->parameter[4]);
}

/* P3 and P4 are address and size. What is no memory is no text. */
static void text_read(struct gpa_space *space, struct partition_crash *record)
{
	uint64_t size = MIN(record->parameter[4], PARTITION_CRASH_TEXT);

	record->text_size = 0;
	if (!(record->control & HV_CRASH_MESSAGE) || record->parameter[3] >= GPA_NOWHERE - size)
		return;
	if (gpa_read(space, record->parameter[3], record->text, size) == STATUS_OK)
		record->text_size = (uint32_t)size;
}

/* The lock is held. */
static void crash_keep(struct vp *vp, uint32_t vtl, uint64_t control, struct hv_crash *crash)
{
	struct partition_crash *record = crash->record;
	unsigned int i;

	atomic_fetch_add(&crash->changes, 1);
	record->count = crash->count;
	record->vp = vp->index;
	record->vtl = vtl;
	record->control = control;
	for (i = 0; i < PARTITION_CRASH_PARAMETERS; i++)
		record->parameter[i] = crash->parameter[i];
	text_read(vp->vtl[vtl]->space, record);
	atomic_fetch_add(&crash->changes, 1);
	event_signal(crash->event, crash->bits);
}

void hv_crash_notify(struct vp *vp, uint32_t vtl, uint64_t control)
{
	struct hv_crash *crash = &vp->partition->hv->crash;
	uint32_t n;
	bool told;

	spin_lock(&crash->lock);
	n = ++crash->count;
	told = crash->event;
	if (told)
		crash_keep(vp, vtl, control, crash);
	spin_unlock(&crash->lock);
	if (!told)
		crash_log(vp->partition, n);
}

status_t hv_crash_bind(struct partition *partition, struct event *event, uint64_t bits)
{
	struct hv_crash *crash;
	struct event *old;
	void *record;

	if (!partition->hv)
		return STATUS_NOT_SUPPORTED;
	crash = &partition->hv->crash;
	record = page_alloc(partition->heap, RECORD_ORDER);
	if (!record)
		return STATUS_NO_MEMORY;
	object_get(&event->object);
	spin_lock(&crash->lock);
	old = crash->event;
	crash->event = event;
	crash->bits = bits;
	if (!crash->record) {
		crash->record = record;
		record = NULL;
	}
	spin_unlock(&crash->lock);
	if (record)
		page_free(partition->heap, record, RECORD_ORDER);
	if (old)
		object_put(&old->object);
	return STATUS_OK;
}

/* No lock is held across a copy to ring 3: one that met a change is made again. */
status_t hv_crash_copy(struct partition *partition, uint64_t user)
{
	struct hv_crash *crash = partition->hv ? &partition->hv->crash : NULL;
	const struct partition_crash *record = crash ? crash->record : NULL;
	unsigned int tries;
	uint32_t changes;
	status_t status;

	if (!record || !record->count)
		return STATUS_NOT_FOUND;
	for (tries = 0; tries < COPY_TRIES; tries++) {
		changes = atomic_load(&crash->changes);
		status = user_copy_out(user, record, sizeof(*record));
		if (status != STATUS_OK)
			return status;
		if (!(changes & 1) && atomic_load(&crash->changes) == changes)
			return STATUS_OK;
	}
	return STATUS_BUSY;
}

void hv_crash_reset(struct partition *partition)
{
	struct hv_crash *crash = &partition->hv->crash;
	unsigned int i;

	spin_lock(&crash->lock);
	for (i = 0; i < PARTITION_CRASH_PARAMETERS; i++)
		crash->parameter[i] = 0;
	crash->count = 0;
	if (crash->record) {
		atomic_fetch_add(&crash->changes, 1); /* who copies it meanwhile tries again */
		memset(crash->record, 0, sizeof(*crash->record));
		atomic_fetch_add(&crash->changes, 1);
	}
	spin_unlock(&crash->lock);
}

void hv_crash_destroy(struct partition *partition)
{
	struct hv_crash *crash = &partition->hv->crash;

	if (crash->record)
		page_free(partition->heap, crash->record, RECORD_ORDER);
	if (crash->event)
		object_put(&crash->event->object);
}

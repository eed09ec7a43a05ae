/* SPDX-License-Identifier: MIT */
/*
 * The page can be written by the guest at any time, and nothing exits then: a timer looks at it, as often as the
 * shortest latency asks for, while one of the partition's VPs is not blocked, and once after that. So a
 * guest that sleeps is not looked at, and one that runs pays an interrupt for each look. (A page that is
 * protected until the first write would need an exit and two flushes of all VPs' translations for each
 * batch, and LOCK BTS to be decoded.)
 *
 * The timer is on the CPU that started it. `armed` says that it is set, or that its function runs and will look
 * at the VPs again: whoever makes a VP run changes its state first and looks at `armed` then.
 */
#include <kernel/cpu.h>
#include <kernel/hyperv.h>
#include <kernel/gpa_range.h>
#include <kernel/monitor.h>
#include <kernel/processor.h>
#include <kernel/reader.h>
#include <kernel/string.h>
#include <trivet/hv/monitor.h>

#define UNITS_PER_SECOND 10000000ull

struct monitored {
	struct object object;
	struct monitor *monitor;
	uint32_t id, connection;
	uint16_t latency;
};

struct monitor {
	struct partition *partition;
	uint32_t vtl;
	struct gpa_overlay overlay;
	struct spinlock lock; /* the list, and what the page says of it; taken alone */
	_Atomic(struct monitored *) list[HV_MONITORS];
	uint32_t count;
	_Atomic uint32_t period; /* in units of 100 ns */
	_Atomic bool armed;
	struct cpu *cpu; /* that has set the timer the last time */
	struct timer timer;
};

static struct monitor *monitor_of(const struct partition *partition, uint32_t vtl)
{
	return atomic_load_explicit(&partition->hv->vtl[vtl].monitor, memory_order_acquire);
}

static struct hv_monitor_page *page_of(const struct monitor *monitor)
{
	return monitor->overlay.page;
}

/* ---- looking at the page ---- */

/* The registration may end meanwhile, and its connection may be gone: then the bit means nothing. */
static void group_signal(struct monitor *monitor, uint32_t group)
{
	_Atomic uint64_t *word = &page_of(monitor)->trigger_group[group];
	uint64_t pending = atomic_load_explicit(word, memory_order_relaxed);

	if (likely(!(pending & HV_MONITOR_PENDING_MASK)))
		return;
	pending = atomic_fetch_and(word, ~HV_MONITOR_PENDING_MASK) & HV_MONITOR_PENDING_MASK;
	for (; pending; pending &= pending - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(pending);
		struct cpu *self = this_cpu();
		const struct monitored *monitored;
		uint32_t connection = UINT32_MAX;

		read_begin(self);
		monitored = atomic_load(&monitor->list[group * HV_MONITOR_GROUP_BITS + bit]);
		if (monitored)
			connection = monitored->connection;
		read_end(self);
		if (connection != UINT32_MAX)
			(void)port_signal(monitor->partition, monitor->vtl, connection, 0);
	}
}

static void page_look(struct monitor *monitor)
{
	uint32_t group;

	for (group = 0; group < HV_MONITOR_GROUPS; group++)
		group_signal(monitor, group);
}

/* One that is with the VMM counts as running: it will, and nothing tells when. */
static bool runs(struct vp *vp)
{
	switch (atomic_load(&vp->run_state)) {
	case VP_BLOCKED: return false;
	case VP_STOPPED: return atomic_load(&vp->bound);
	default: return true;
	}
}

static bool any_vp_runs(const struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++)
		if (runs(partition->vps[i]))
			return true;
	return false;
}

static void timer_start(struct monitor *monitor)
{
	uint64_t period = atomic_load(&monitor->period) * timestamp_hz / UNITS_PER_SECOND;

	monitor->cpu = this_cpu();
	timer_set(&monitor->timer, timestamp_read() + period);
}

static void monitor_start(struct monitor *monitor)
{
	if (atomic_load(&monitor->period) && !atomic_exchange(&monitor->armed, true))
		timer_start(monitor);
}

/* A VP that runs now has its bits looked at the next time; one that blocked before has them looked at here. */
static void monitor_expired(struct timer *timer)
{
	struct monitor *monitor = container_of(timer, struct monitor, timer);
	bool again = any_vp_runs(monitor->partition) && atomic_load(&monitor->period);

	page_look(monitor);
	if (again) {
		timer_start(monitor);
		return;
	}
	atomic_store(&monitor->armed, false);
	if (any_vp_runs(monitor->partition))
		monitor_start(monitor);
}

void monitors_wake(struct partition *partition)
{
	struct monitor *monitor;
	uint32_t vtl;

	if (likely(!partition->hv))
		return;
	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		monitor = monitor_of(partition, vtl);
		if (unlikely(monitor))
			monitor_start(monitor);
	}
}

/* ---- the page and what is registered ---- */

/* The lock is held. */
static __cold void registrations_show(struct monitor *monitor)
{
	struct hv_monitor_page *page = page_of(monitor);
	uint32_t id, period = 0;

	page->trigger_state = 0;
	for (id = 0; id < HV_MONITORS; id++) {
		const struct monitored *m = atomic_load(&monitor->list[id]);

		page->latency[id] = m ? m->latency : 0;
		page->parameter[id] =
			(struct hv_monitor_parameter){.connection = m ? m->connection : 0};
		if (!m)
			continue;
		page->trigger_state |= 1u << id / HV_MONITOR_GROUP_BITS;
		if (!period || m->latency < period)
			period = m->latency;
	}
	atomic_store(&monitor->period,
		     period && period < MONITOR_LATENCY_MIN ? MONITOR_LATENCY_MIN : period);
}

static __cold void monitor_free(struct monitor *monitor)
{
	struct heap *heap = monitor->partition->heap;

	if (monitor->overlay.page)
		page_free(heap, monitor->overlay.page, 0);
	heap_free(heap, monitor, sizeof(*monitor));
}

/* The one of that VTL, which comes with the first call and stays. NULL: out of memory. */
static __cold struct monitor *monitor_make(struct partition *partition, uint32_t vtl)
{
	struct monitor *monitor = monitor_of(partition, vtl), *none = NULL;

	if (monitor)
		return monitor;
	monitor = heap_alloc(partition->heap, sizeof(*monitor));
	if (!monitor)
		return NULL;
	monitor->partition = partition;
	monitor->vtl = vtl;
	monitor->overlay.gpa = GPA_NOWHERE;
	monitor->overlay.writable = true;
	monitor->overlay.page = page_alloc(partition->heap, 0);
	timer_init(&monitor->timer, monitor_expired);
	if (monitor->overlay.page &&
	    atomic_compare_exchange_strong(&partition->hv->vtl[vtl].monitor, &none, monitor))
		return monitor;
	monitor_free(monitor);
	return none;
}

__cold status_t monitor_page_set(struct partition *partition, uint32_t vtl, gpa_t gpa)
{
	struct gpa_space *space = partition_space(partition, vtl);
	struct monitor *monitor;
	status_t status;

	if (gpa != GPA_NOWHERE && gpa >= gpa_limit(space))
		return STATUS_INVALID_ADDRESS;
	monitor = monitor_make(partition, vtl);
	if (!monitor)
		return STATUS_NO_MEMORY;
	status = gpa_overlay_move(space, &monitor->overlay, gpa);
	if (status != STATUS_OK)
		return status;
	spin_lock(&monitor->lock);
	memset(monitor->overlay.page, 0, PAGE_SIZE);
	registrations_show(monitor);
	spin_unlock(&monitor->lock);
	return STATUS_OK;
}

/* The last handle has ended. */
static __cold void monitored_destroy(struct object *object)
{
	struct monitored *monitored = container_of(object, struct monitored, object);
	struct monitor *monitor = monitored->monitor;
	struct partition *partition = monitor->partition;

	spin_lock(&monitor->lock);
	atomic_store(&monitor->list[monitored->id], NULL);
	registrations_show(monitor);
	spin_unlock(&monitor->lock);
	readers_wait();
	heap_free(partition->heap, monitored, sizeof(*monitored));
	partition_put(partition);
}

__cold status_t monitor_register(struct partition *partition, uint32_t vtl, uint32_t id,
				 uint32_t connection, uint16_t latency, struct object **object)
{
	struct monitor *monitor = monitor_make(partition, vtl);
	struct monitored *monitored = heap_alloc(partition->heap, sizeof(*monitored)), *none = NULL;
	bool taken;

	if (!monitor || !monitored) {
		heap_free(partition->heap, monitored, sizeof(*monitored));
		return STATUS_NO_MEMORY;
	}
	object_init(&monitored->object, OBJECT_MONITOR, monitored_destroy);
	monitored->monitor = monitor;
	monitored->id = id;
	monitored->connection = connection;
	monitored->latency = latency;
	spin_lock(&monitor->lock);
	taken = !atomic_compare_exchange_strong(&monitor->list[id], &none, monitored);
	if (!taken)
		registrations_show(monitor);
	spin_unlock(&monitor->lock);
	if (taken) {
		heap_free(partition->heap, monitored, sizeof(*monitored));
		return STATUS_ALREADY_EXISTS;
	}
	object_get(&partition->object);
	*object = &monitored->object;
	monitor_start(monitor);
	return STATUS_OK;
}

/* ---- accesses of the VMM's emulator ---- */

/* Where in the page; NULL: not, or not with all of it. */
static uint8_t *bytes_at(const struct monitor *monitor, gpa_t gpa, size_t size)
{
	gpa_t offset;

	if (!monitor || monitor->overlay.gpa == GPA_NOWHERE)
		return NULL;
	offset = gpa - monitor->overlay.gpa;
	return offset < PAGE_SIZE && offset + size <= PAGE_SIZE
		       ? (uint8_t *)monitor->overlay.page + offset
		       : NULL;
}

/* Bits are only ever set: another VP may do so at the same time. */
static void bytes_write(struct monitor *monitor, size_t offset, const uint8_t *from, size_t size)
{
	const size_t first = offsetof(struct hv_monitor_page, trigger_group);
	_Atomic uint8_t *byte = (_Atomic uint8_t *)page_of(monitor) + offset;
	size_t i;

	for (i = 0; i < size; i++) {
		if (offset + i - first < sizeof(page_of(monitor)->trigger_group))
			atomic_fetch_or(&byte[i], from[i]);
		else
			atomic_store(&byte[i], from[i]);
	}
}

status_t monitor_read(struct partition *partition, uint32_t vtl, gpa_t gpa, void *buffer,
		      size_t size)
{
	const uint8_t *bytes = bytes_at(monitor_of(partition, vtl), gpa, size);

	if (!bytes)
		return STATUS_NOT_FOUND;
	memcpy(buffer, bytes, size);
	return STATUS_OK;
}

status_t monitor_write(struct partition *partition, uint32_t vtl, gpa_t gpa, const void *buffer,
		       size_t size)
{
	struct monitor *monitor = monitor_of(partition, vtl);
	uint8_t *bytes = bytes_at(monitor, gpa, size);

	if (!bytes)
		return STATUS_NOT_FOUND;
	bytes_write(monitor, (size_t)(bytes - (uint8_t *)page_of(monitor)), buffer, size);
	page_look(monitor);
	return STATUS_OK;
}

/* ---- its end ---- */

__cold status_t monitors_reset(struct partition *partition)
{
	status_t status = STATUS_OK;
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT && status == STATUS_OK; vtl++)
		if (monitor_of(partition, vtl))
			status = monitor_page_set(partition, vtl, GPA_NOWHERE);
	return status;
}

static void timer_stop(void *argument)
{
	struct monitor *monitor = argument;

	timer_cancel(&monitor->timer);
}

/* Its function does not run any more, either: it would on that CPU. */
__cold void monitors_stop(struct partition *partition)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++) {
		struct monitor *monitor = monitor_of(partition, vtl);

		if (monitor && monitor->cpu)
			cpu_call(monitor->cpu, timer_stop, monitor);
	}
}

__cold void monitors_destroy(struct partition *partition)
{
	uint32_t vtl;

	for (vtl = 0; vtl < VTL_COUNT; vtl++)
		if (monitor_of(partition, vtl))
			monitor_free(monitor_of(partition, vtl));
}

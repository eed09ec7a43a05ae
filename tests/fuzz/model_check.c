/* SPDX-License-Identifier: MIT */
/* What must hold of the model: after a call, and when all is over. */
#include "model.h"

#include <kernel/console.h>
#include <kernel/memory_map.h>
#include <kernel/partition.h>
#include <sanitizer/asan_interface.h>
#include <string.h>

#define ENTRIES_PER_PAGE 256u /* of a handle table */
#define LOOK_ONE_IN	 4u   /* calls: it takes its time */
#define RUN_PAGES_MAX	 2048u

static struct task *task; /* NULL: nothing is looked at yet */
static struct thread *root;

/* ---- what a call may change ---- */

struct accounts {
	uint64_t kernel_pages; /* free, or kept by tables that grow */
	uint64_t handles;
	struct partition *partition; /* that the call names */
	uint64_t partition_pages;
	uint64_t ranges;
};

static struct call_state {
	struct accounts before;
	struct gpa_space *space; /* of an unmap */
	uint64_t tlb_generation;
	uint64_t number;
	uint64_t disturbances;
	bool looked_at;
} call_states[MODEL_CPUS];
static uint64_t disturbances;

void call_is_disturbed(void)
{
	disturbances++;
}

/* Nobody holds all these rights, so that no reference is taken. */
static bool handle_exists(uint32_t handle)
{
	struct object *object;

	return handle_get(&task->handles, handle, OBJECT_NONE, UINT32_MAX, &object) !=
	       STATUS_INVALID_HANDLE;
}

handle_t check_next_handle(handle_t after)
{
	handle_t i, end = task->handles.page_count * ENTRIES_PER_PAGE;

	for (i = after + 1; i < end; i++)
		if (handle_exists(i))
			return i;
	return HANDLE_NONE;
}

static uint64_t handles_count(void)
{
	uint64_t count = 0;
	handle_t i;

	for (i = check_next_handle(0); i != HANDLE_NONE; i = check_next_handle(i))
		count++;
	return count;
}

/* What tables have grown by stays theirs. */
static uint64_t kernel_pages(void)
{
	const struct handle_table *t = &task->handles;

	return kernel_heap.pages_free + t->page_count + (t->pages ? BIT(t->directory_order) : 0) +
	       task->space.table.table_pages;
}

static uint64_t ranges_count(const struct partition *partition)
{
	struct page_translation t;
	uint64_t count = 0, gpa;

	if (partition->state != PARTITION_BUILT)
		return 0;
	/* Where the generator maps: see gpa() there. */
	for (gpa = 0; gpa < 64 * PAGE_SIZE; gpa += PAGE_SIZE) {
		count += page_table_lookup(&partition->space[0]->table, gpa, &t);
		count += page_table_lookup(&partition->space[0]->table, 0xfffff000 + gpa, &t);
		count += page_table_lookup(&partition->space[0]->table, 0xfee00000 + gpa, &t);
	}
	return count + partition->space[0]->table.table_pages;
}

static void accounts_read(struct accounts *a, struct partition *partition)
{
	a->kernel_pages = kernel_pages();
	a->handles = handles_count();
	a->partition = partition;
	if (!partition)
		return;
	a->partition_pages = partition->own_heap.pages_free;
	a->ranges = ranges_count(partition);
}

/* Without a reference: it is looked at again only if nothing else has happened. */
static struct partition *partition_of(uint64_t handle)
{
	struct partition *partition = NULL;
	struct object *object;

	if (handle > UINT32_MAX ||
	    handle_get(&task->handles, (handle_t)handle, OBJECT_PARTITION, 0, &object) != STATUS_OK)
		return NULL;
	partition = container_of(object, struct partition, object);
	object_put(object);
	return partition;
}

static void unmap_begins(struct call_state *state, uint64_t handle)
{
	struct partition *partition = partition_of(handle);

	state->space = NULL;
	if (!partition || partition->state != PARTITION_BUILT)
		return;
	state->space = partition->space[0];
	state->tlb_generation = state->space->tlb_generation;
}

void call_begins(struct thread *thread, uint64_t number, const uint64_t a[6])
{
	struct call_state *state = &call_states[fake_cpu->index];

	(void)thread;
	state->looked_at = false;
	state->number = number;
	if (!task)
		return;
	if (number == SYS_partition_unmap)
		unmap_begins(state, a[0]);
	state->looked_at = chance(LOOK_ONE_IN);
	if (!state->looked_at)
		return;
	state->disturbances = disturbances;
	accounts_read(&state->before, partition_of(a[0]));
}

/* Calls of which docs/abi.md says that part may be done. */
static bool may_be_partial(uint64_t number)
{
	return number == SYS_partition_deposit || number == SYS_partition_withdraw ||
	       number == SYS_vp_run || number == SYS_event_wait;
}

/* Calls that make what stays: the monitor of a VTL comes with the first that names it. */
static bool may_take_memory(uint64_t number)
{
	return number == SYS_monitor_page_set || number == SYS_monitor_register;
}

/* All that is written of the window. */
static struct vp_run_page *run_pages[RUN_PAGES_MAX];
static uint32_t run_pages_count;

static void run_page_note(uint64_t handle)
{
	struct object *object;

	if (handle_get(&task->handles, (handle_t)handle, OBJECT_VP, 0, &object) != STATUS_OK)
		return;
	if (run_pages_count < ARRAY_SIZE(run_pages))
		run_pages[run_pages_count++] = container_of(object, struct vp, object)->run;
	object_put(object);
}

/* Behind an unmap nobody is in a guest that it entered before. The call's reference to the partition is
 * given back, but a guest holds one. */
static void unmap_ends(const struct call_state *state)
{
	const struct cpu *other = cpus[1 - fake_cpu->index];
	const struct vp *vp = other->current ? other->current->vp : NULL;

	if (!vp || !vp->cpu || vp->vtl[0]->space != state->space)
		return;
	if (state->space->tlb_generation > state->tlb_generation)
		CHECK(vp->tlb_seen > state->tlb_generation);
}

void call_ends(struct thread *thread)
{
	struct call_state *state = &call_states[fake_cpu->index];
	const struct accounts *before = &state->before;
	struct accounts after;

	heap_fail_after(0);
	if (!task)
		return;
	if (state->number == SYS_vp_bind && thread->arch.status == STATUS_OK)
		run_page_note(thread->arch.value);
	if (state->number == SYS_partition_unmap && thread->arch.status == STATUS_OK)
		unmap_ends(state);
	if (!state->looked_at || state->disturbances != disturbances ||
	    thread->arch.status == STATUS_OK || may_be_partial(state->number))
		return;
	accounts_read(&after, before->partition);
	CHECK(after.kernel_pages == before->kernel_pages);
	CHECK(after.handles == before->handles);
	if (!before->partition)
		return;
	if (!may_take_memory(state->number))
		CHECK(after.partition_pages == before->partition_pages);
	CHECK(after.ranges == before->ranges);
}

/* ---- when all is over ---- */

static struct world {
	uint64_t kernel_pages;
	uint32_t task_references, root_references;
} world;

static void world_read(struct world *w)
{
	w->kernel_pages = kernel_pages();
	w->task_references = task->object.references;
	w->root_references = root->object.references;
}

void check_begin(struct thread *thread)
{
	root = thread;
	task = thread->task;
	page_table_reap(&task->space.table); /* of the start, which waits for the first change */
	world_read(&world);
}

/* Nothing of an input is left for the next one. */
static void run_pages_clear(void)
{
	while (run_pages_count) {
		struct vp_run_page *run = run_pages[--run_pages_count];

		ASAN_UNPOISON_MEMORY_REGION(run, PAGE_SIZE); /* it is not pinned any more */
		memset(run, 0, PAGE_SIZE);
	}
}

/* Who owns each block is as at the start, and none is pinned. */
static void blocks_check_all(void)
{
	static enum block_owner owners[MODEL_RAM / LARGE_PAGE_SIZE];
	static bool known;
	uint64_t i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		hpa_t block = i * LARGE_PAGE_SIZE;

		if (!known)
			owners[i] = block_owner_get(block);
		CHECK(block_owner_get(block) == owners[i]);
		if (owners[i] != BLOCK_TASK)
			continue;
		CHECK(block_deposit(block) == STATUS_OK);
		block_return(block);
	}
	known = true;
}

static void window_check(void)
{
	struct page_translation t;
	hpa_t hpa;

	for (hpa = call_place.arena_va - ROOT_WINDOW_BASE;
	     hpa < call_place.arena_va - ROOT_WINDOW_BASE + ARENA_SIZE; hpa += LARGE_PAGE_SIZE) {
		CHECK(page_table_lookup(&task->space.table, ROOT_WINDOW_BASE + hpa, &t));
		CHECK(t.hpa == hpa && (t.flags & PAGE_WRITE) && (t.flags & PAGE_USER));
		CHECK(!(t.flags & PAGE_EXECUTE));
	}
}

void check_end(void)
{
	struct world now;
	char byte;

	for (int line = 0; line < SERIAL_LINES; line++)
		while (line_read((enum serial_line)line, &byte, 1))
			;
	CHECK(handles_count() == 0);
	CHECK(task->threads == 1);
	world_read(&now);
	CHECK(now.kernel_pages == world.kernel_pages);
	CHECK(now.task_references == world.task_references);
	CHECK(now.root_references == world.root_references);
	blocks_check_all();
	window_check();
	run_pages_clear();
	model_backend_quiet_check();
	machine_quiet_check();
}

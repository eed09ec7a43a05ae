/* SPDX-License-Identifier: MIT */
/*
 * The kernel's model under system calls at random, from four threads on two CPUs: the generator of the
 * hostile root task (tests/hostile/calls.c), with the input in the place of chance. See model.h for
 * what is around it. Beyond what the sanitizers see:
 *
 *   after a call	one that has failed has changed no account, no handle table and no mapping
 *   at each entry	a guest runs in a state that a processor has, and no interrupt is forgotten
 *   at the end		all handles closed, every account and every block is as it was, no timer is set,
 *			no reference is left
 */
#include "model.h"

#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/console.h>
#include <kernel/event.h>
#include <kernel/memory_map.h>
#include <kernel/partition.h>
#include <kernel/syscall.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#define CALLERS		 4u
#define LOOK_ONE_IN	 4u   /* calls: it takes its time */
#define CALLS_MAX	 400u /* of a caller */
#define HANDLES_CLOSED	 1024u
#define ENTRIES_PER_PAGE 256u
#define SLEEP_NS	 100000u
#define SLEEPS_MAX	 10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input ---- */

static const uint8_t *input;
static size_t input_left;
static uint64_t schedule;

bool input_is_used_up(void)
{
	return !input_left;
}

uint64_t input_below(uint64_t limit)
{
	unsigned int bytes = 8;
	uint64_t value = 0;

	if (limit && limit <= UINT32_MAX)
		bytes = limit <= 256 ? 1 : limit <= 65536 ? 2 : 4;
	bytes = (unsigned int)MIN(bytes, input_left);
	memcpy(&value, input, bytes);
	input += bytes;
	input_left -= bytes;
	return limit ? value % limit : value;
}

uint64_t draw_below(struct caller *caller, uint64_t limit)
{
	(void)caller;
	return input_below(limit);
}

/* xorshift64* */
bool chance(uint32_t n)
{
	schedule ^= schedule >> 12;
	schedule ^= schedule << 25;
	schedule ^= schedule >> 27;
	return (schedule * 0x2545f4914f6cdd1dull >> 33) % n == 0;
}

/* ---- what a call may change ---- */

static struct task *task;
static struct thread *root;

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
static bool handle_exists(uint64_t handle)
{
	struct object *object;

	return handle_get(&task->handles, (handle_t)handle, OBJECT_NONE, UINT32_MAX, &object) !=
	       STATUS_INVALID_HANDLE;
}

static uint64_t handles_count(void)
{
	uint64_t count = 0;
	uint32_t i;

	for (i = 1; i < task->handles.page_count * ENTRIES_PER_PAGE; i++)
		count += handle_exists(i);
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
	state->number = number;
	if (number == SYS_partition_unmap)
		unmap_begins(state, a[0]);
	state->looked_at = task != NULL && chance(LOOK_ONE_IN);
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

/* All that is written of the window. */
static struct vp_run_page *run_pages[CALLERS * CALLS_MAX];
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
	CHECK(after.partition_pages == before->partition_pages);
	CHECK(after.ranges == before->ranges);
}

/* ---- the callers ---- */

static uint8_t user_memory[CALLERS][CALLER_WORDS * sizeof(uint64_t)] __aligned(4096);
static struct caller callers[CALLERS];
struct call_place call_place;

/* What a VMM answers, in the run page of a VP that is about to run. */
static void answer_write(uint64_t handle)
{
	struct vp_run_page *run;
	struct object *object;

	if (handle > UINT32_MAX ||
	    handle_get(&task->handles, (handle_t)handle, OBJECT_VP, 0, &object) != STATUS_OK)
		return;
	run = container_of(object, struct vp, object)->run;
	run->set = (uint32_t)input_below(16);
	run->port.value = (uint32_t)input_below(0);
	run->event.vector = (uint8_t)input_below(40);
	run->event.has_error = (uint8_t)input_below(2);
	run->regs.rflags ^= BIT(input_below(64));
	if (input_below(2))
		run->regs.cr0 ^= BIT(input_below(64));
	if (input_below(2))
		run->regs.cr4 ^= BIT(input_below(64));
	if (input_below(2))
		run->regs.cr3 = input_below(0);
	run->regs.efer ^= input_below(2) << input_below(16);
	run->regs.cr8 = input_below(18);
	object_put(object);
}

static void vp_run_own(struct caller *c)
{
	answer_write(c->vp);
	c->calls++;
	(void)call(SYS_vp_run, c->vp, 0, 0, 0, 0, 0);
}

static void register_write(struct caller *c, const uint32_t *names, const uint64_t *values,
			   uint32_t count)
{
	union hv_register_value *to = (union hv_register_value *)(void *)&c->buffer[64];
	uint32_t i;

	memcpy(c->buffer, names, count * sizeof(*names));
	for (i = 0; i < count; i++)
		to[i] = (union hv_register_value){.reg64 = values[i]};
	(void)call(SYS_vp_set_registers, c->vp, 0, c->buffer_va, c->buffer_va + 64 * 8, count, 0);
}

/* What chance rarely brings together: the modes of a processor, valid and not. */
static void mode_write(struct caller *c)
{
	static const uint32_t names[] = {HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR4,
					 HV_X64_REGISTER_EFER, HV_X64_REGISTER_RFLAGS};
	uint64_t bits = input_below(65536);
	const uint64_t values[] = {
		(bits & 1 ? CR0_PE : 0) | (bits & 2 ? CR0_PG : 0) | (bits & 4 ? CR0_NW : 0) |
			(bits & 8 ? CR0_CD : 0) | CR0_ET,
		(bits & 16 ? CR4_PAE : 0) | (bits & 32 ? BIT(17) : 0),
		(bits & 64 ? EFER_LME : 0) | (bits & 128 ? EFER_LMA : 0),
		RFLAGS_FIXED | (bits & 256 ? RFLAGS_IF : 0) | (bits & 512 ? RFLAGS_TF : 0),
	};

	register_write(c, names, values, 1 + (bits >> 10) % ARRAY_SIZE(values));
}

/* An APIC that is on, with a timer; and what comes next. */
static void apic_write(struct caller *c)
{
	static const struct {
		uint16_t offset;
		uint32_t value;
	} rows[] = {
		{LAPIC_SVR, 0x1ff},
		{LAPIC_TIMER, 0x20040},
		{LAPIC_TIMER, 0x40},
		{LAPIC_INITIAL_COUNT, 100000},
		{LAPIC_DIVIDE, 0xb},
		{LAPIC_ICR, 0x40050}, /* to itself */
		{LAPIC_ICR, 0xc0060}, /* to the others */
		{LAPIC_ICR, 0xc4500},
		{LAPIC_ICR, 0xc4601},
		{LAPIC_EOI, 0},
		{LAPIC_TPR, 0x50},
		{LAPIC_TPR, 0},
		{LAPIC_TIMER + 0x30, 0x700}, /* LINT0: ExtINT */
		{LAPIC_TIMER + 0x30, 0x8070},
	};
	uint64_t n = input_below(256), i = n % ARRAY_SIZE(rows);

	(void)call(SYS_vp_apic_access, c->vp, 0, LAPIC_SVR | BIT(16), 0x1ff, 0, 0);
	(void)call(SYS_vp_apic_access, c->vp, 0, rows[i].offset | BIT(16),
		   rows[i].value + (n / ARRAY_SIZE(rows)), 0, 0);
}

static void step(struct caller *c)
{
	switch (input_below(20)) {
	case 0: call_partition_make(c); break;
	case 1: buffer_fill(c); break;
	case 2: fake_timestamp += input_below(256) << input_below(24); break;
	case 3:
		heap_fail_after(1 + (uint32_t)input_below(24));
		call_one(c);
		break;
	case 8: mode_write(c); break;
	case 9:
	case 10: apic_write(c); break;
	case 4: machine_type((uint8_t)input_below(256)); break;
	case 5:
	case 6:
	case 7: vp_run_own(c); break;
	default: call_one(c); break;
	}
}

static void caller_work(struct caller *c)
{
	while (!input_is_used_up() && c->calls < CALLS_MAX)
		step(c);
}

void program_worker(uint64_t argument)
{
	caller_work(&callers[argument]);
	(void)call(SYS_thread_exit, 0, 0, 0, 0, 0, 0);
}

/* ---- the end of an input ---- */

static void all_close(void)
{
	uint64_t i;

	for (i = 1; i < task->handles.page_count * ENTRIES_PER_PAGE; i++)
		if (handle_exists(i))
			(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	(void)call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0); /* it holds an event, too */
	calls_forget();
}

static void sleep_once(void)
{
	uint64_t event;

	if (call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &event) != STATUS_OK)
		return;
	(void)call(SYS_event_wait, event, time_ns() + SLEEP_NS, 0, 0, 0, 0);
	(void)call(SYS_handle_close, event, 0, 0, 0, 0, 0);
}

/* A VP that has halted comes back when it is asked to. */
static void others_end(void)
{
	uint32_t sleeps;

	for (sleeps = 0; task->threads > 1 || !machine_is_quiet(); sleeps++) {
		CHECK(sleeps < SLEEPS_MAX);
		sleep_once();
		machine_wake();
	}
	all_close();
}

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

static void world_check(void)
{
	struct world now;
	char byte;

	while (console_read(&byte, 1))
		;
	CHECK(handles_count() == 0);
	CHECK(task->threads == 1);
	world_read(&now);
	CHECK(now.kernel_pages == world.kernel_pages);
	CHECK(now.task_references == world.task_references);
	CHECK(now.root_references == world.root_references);
	blocks_check_all();
	window_check();
	model_backend_quiet_check();
	machine_quiet_check();
}

/* ---- the root task ---- */

static void callers_init(void)
{
	uint32_t i;

	memset(user_memory, 0, sizeof(user_memory));
	while (run_pages_count) {
		struct vp_run_page *run = run_pages[--run_pages_count];

		ASAN_UNPOISON_MEMORY_REGION(run, PAGE_SIZE); /* it may not be pinned any more */
		memset(run, 0, PAGE_SIZE);
	}
	for (i = 0; i < CALLERS; i++)
		callers[i] = (struct caller){
			.buffer = (uint64_t *)(void *)user_memory[i],
			.buffer_va = USER_BASE + i * sizeof(user_memory[0]),
		};
}

/* Callers 2 and 3 share a CPU with 0 and 1, at priorities that the input says. */
static void callers_start(void)
{
	uint64_t i, handle;

	for (i = 1; i < CALLERS; i++) {
		uint64_t priority = ROOT_PRIORITY - 1 + input_below(3);

		/* Those that are there may have the heap fail, or close what they guess. */
		while (call_value(SYS_thread_create, i % MODEL_CPUS, priority, ENTRY_WORKER, 0, i,
				  0, &handle) != STATUS_OK)
			;
		(void)call(SYS_handle_close, handle, 0, 0, 0, 0, 0);
	}
}

static void input_run(void)
{
	callers_start();
	caller_work(&callers[0]);
	others_end();
}

static void place_init(void)
{
	hpa_t arena = MODEL_RAM - ARENA_SIZE;

	while (block_owner_get(arena + ARENA_SIZE - 1) != BLOCK_TASK)
		arena -= LARGE_PAGE_SIZE;
	CHECK(blocks_check(arena, ARENA_SIZE) == STATUS_OK);
	call_place = (struct call_place){
		.arena = hpa_to_kva(arena),
		.arena_va = ROOT_WINDOW_BASE + arena,
		.arena_size = ARENA_SIZE,
		.thread_entry = ENTRY_EXIT,
		.recent_handles = 4,
	};
	fake_user_memory(USER_BASE, user_memory, sizeof(user_memory));
}

void program_root(void)
{
	root = machine_thread();
	task = root->task;
	place_init();
	all_close();			     /* that of the task too, which would be guessed */
	page_table_reap(&task->space.table); /* of the start, which waits for the first change */
	world_read(&world);
	for (;;) {
		machine_pause();
		input_run();
	}
}

static void schedule_init(void)
{
	uint64_t seed = input_below(65536), kind = input_below(8);
	enum model_host host = kind & 1 ? HOST_INTEL : HOST_AMD;

	schedule = (seed + 1) * 0x9e3779b97f4a7c15ull;
	model_host_set(host);
	model_backend_set(host, (kind & 2 ? ASSIST_APIC_PAGE : 0) | (kind & 4 ? ASSIST_POSTED : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_left = size;
	if (!task)
		machine_start();
	schedule_init();
	callers_init();
	machine_time_reset();
	machine_continue();
	world_check();
	return 0;
}

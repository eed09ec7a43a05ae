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
#include <stdlib.h>
#include <string.h>

#define CALLERS	       4u
#define CALLS_MAX      400u /* of a caller */
#define HANDLES_CLOSED 1024u
#define SLEEP_NS       100000u
#define SLEEPS_MAX     10000u

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

static struct task *task;

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

	for (i = check_next_handle(0); i != HANDLE_NONE; i = check_next_handle(i))
		(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	/* They hold an event, too. */
	(void)call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0);
	(void)call(SYS_serial_open, 2, HANDLE_NONE, 0, 0, 0, 0);
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

/* ---- the root task ---- */

static void callers_init(void)
{
	uint32_t i;

	memset(user_memory, 0, sizeof(user_memory));
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
	task = machine_thread()->task;
	place_init();
	/* Its own, which would be guessed. */
	CHECK(call(SYS_handle_close, 1, 0, 0, 0, 0, 0) == STATUS_OK);
	check_begin(machine_thread());
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
	model_backend_set(host, (kind & 2 ? ASSIST_APIC_PAGE : 0) | (kind & 4 ? ASSIST_POSTED : 0) |
					ASSIST_TABLES);
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
	check_end();
	return 0;
}

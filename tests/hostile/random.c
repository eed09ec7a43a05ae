/* SPDX-License-Identifier: MIT */
/*
 * System calls at random, on all CPUs at once: what each argument is drawn from follows from its
 * letter in `shapes`. Two workers share one handle table, so that each closes what the other uses.
 * A third thread asks every VP to yield, time and again: a VP may have halted for good. When all is
 * closed, the kernel must have as many free pages as before, and the window all of its memory.
 */
#include "hostile.h"
#include <stdatomic.h>
#include <string.h>

#define WORKERS_MAX   2u
#define RECENT	      64u /* handles that are drawn from */
#define KEPT_MAX      4096u
#define STUCK_SECONDS 60u
#define FILL_SECONDS  1u
#define ARENA_KEPT    (ARENA_SIZE / 4)
#define RESERVE	      64u

struct worker {
	uint64_t random;
	uint64_t until;
	uint64_t calls;
	uint32_t number; /* the last call */
	uint64_t a[6];
	_Atomic bool done;
};

static struct worker workers[WORKERS_MAX];
static uint32_t worker_count;
/* By class: what most calls want, partitions, VPs. */
enum class { CLASS_OTHER, CLASS_PARTITION, CLASS_VP, CLASSES };
static _Atomic uint64_t recent[CLASSES * RECENT];
/* Of partitions, for waking their VPs: nobody closes them during a round. */
static _Atomic uint64_t kept[KEPT_MAX];
static _Atomic uint64_t kept_count;
static uint64_t filled; /* events that took the kernel's memory */
static _Atomic bool stop;
static _Atomic bool stopped;
static uint64_t buffers[WORKERS_MAX][4096 / 8] __aligned(4096);

/* A thread that ends at once, with no stack: mov $SYS_thread_exit, %eax; syscall. */
__asm__(".text\nhostile_exit: mov $13, %eax\n syscall\n ud2\n");
void hostile_exit(void);

/*
 * h handle  p buffer  x no buffer  l its size  w window page  W window block  S blocks' size  s size
 * g gpa  c small number  n any number  d deadline  e thread entry  f flags  m MSI address
 * o APIC access
 */
static const char *const shapes[SYSCALL_LIMIT] = {
	[SYS_console_write] = "xs",
	[SYS_console_read] = "pl",
	[SYS_console_bind] = "hn",
	[SYS_log_read] = "npl",
	[SYS_memory_info] = "hp",
	[SYS_handle_duplicate] = "hf",
	[SYS_thread_create] = "ccennp",
	[SYS_thread_yield] = "",
	[SYS_event_create] = "",
	[SYS_event_signal] = "hn",
	[SYS_event_wait] = "hd",
	[SYS_hypervisor_available] = "n",
	[SYS_proto_partition_create] = "p",
	[SYS_proto_partition_cpuid] = "hnnp",
	[SYS_proto_partition_build] = "hp",
	[SYS_partition_deposit] = "hWS",
	[SYS_partition_withdraw] = "hp",
	[SYS_partition_map] = "hcwsgf",
	[SYS_partition_unmap] = "hcgs",
	[SYS_partition_reset] = "h",
	[SYS_partition_request_msi] = "hcmn",
	[SYS_partition_caps] = "hp",
	[SYS_partition_reference_time] = "h",
	[SYS_partition_doorbell_create] = "hcp",
	[SYS_doorbell_ring] = "hccgcn",
	[SYS_partition_prefetch] = "hcgs",
	[SYS_partition_pin] = "hcgs",
	[SYS_partition_dirty_start] = "hcgs",
	[SYS_partition_dirty_stop] = "hcgs",
	[SYS_partition_dirty_get] = "hcgspf",
	[SYS_partition_dirty_mark] = "hcgs",
	[SYS_vp_bind] = "hcw",
	[SYS_vp_run] = "h",
	[SYS_vp_request_yield] = "hc",
	[SYS_vp_get_registers] = "hcppc",
	[SYS_vp_set_registers] = "hcppc",
	[SYS_vp_reset] = "h",
	[SYS_vp_set_lint] = "hcccc",
	[SYS_vp_apic_access] = "hcon",
	[SYS_vp_stats] = "hcp",
	[SYS_handle_close] = "h",
};

/* xorshift64* */
static uint64_t draw(struct worker *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * 0x2545f4914f6cdd1dull;
}

static uint64_t draw_below(struct worker *w, uint64_t limit)
{
	return (draw(w) >> 11) % limit;
}

static uint64_t any_number(struct worker *w)
{
	switch (draw_below(w, 5)) {
	case 0: return draw_below(w, 16);
	case 1: return BIT(draw_below(w, 64));
	case 2: return BIT(draw_below(w, 64)) - 1;
	case 3: return draw(w) & UINT32_MAX;
	default: return draw(w);
	}
}

static uint64_t bad_address(struct worker *w)
{
	static const uint64_t bad[] = {0,
				       0x1000,
				       0x7ffffffff000,
				       0x800000000000,
				       0xffff800000000000,
				       0xffffffff80000000,
				       UINT64_MAX - 4095,
				       ROOT_WINDOW_BASE - 4096,
				       ROOT_WINDOW_BASE + GIB(300)};

	return bad[draw_below(w, ARRAY_SIZE(bad))] + (draw_below(w, 2) ? draw_below(w, 4096) : 0);
}

static uint64_t window(struct worker *w)
{
	uint64_t va = (uintptr_t)arena + ALIGN_DOWN(draw_below(w, ARENA_SIZE), 4096);

	return draw_below(w, 12) ? va : bad_address(w);
}

static uint64_t window_block(struct worker *w)
{
	uint64_t offset = draw_below(w, ARENA_SIZE - ARENA_KEPT);

	if (!draw_below(w, 12))
		return bad_address(w);
	return (uintptr_t)arena + ARENA_KEPT + ALIGN_DOWN(offset, LARGE_PAGE_SIZE);
}

static uint64_t size(struct worker *w)
{
	switch (draw_below(w, 8)) {
	case 0: return any_number(w);
	case 1: return 0;
	case 2: return LARGE_PAGE_SIZE;
	default: return draw_below(w, 40) * 4096;
	}
}

static uint64_t gpa(struct worker *w)
{
	static const uint64_t places[] = {0, 0xfffff000, 0xfee00000, LARGE_PAGE_SIZE, GIB(1)};

	if (!draw_below(w, 10))
		return any_number(w);
	return places[draw_below(w, ARRAY_SIZE(places))] + draw_below(w, 4) * 4096;
}

static enum class class_of(uint32_t number) {
	switch (number){
		case SYS_vp_run : case SYS_vp_get_registers : case SYS_vp_set_registers : case
		SYS_vp_reset : case SYS_vp_apic_access : return CLASS_VP;
		default : return number < SYS_proto_partition_create ? CLASS_OTHER
								     : CLASS_PARTITION;
	}
}

static uint64_t handle(struct worker *w)
{
	uint64_t class = draw_below(w, 8) ? class_of(w->number) : draw_below(w, CLASSES);

	return recent[class * RECENT + draw_below(w, RECENT)];
}

static uint64_t argument(struct worker *w, char shape)
{
	switch (shape) {
	case 'h': return draw_below(w, 20) ? handle(w) : any_number(w);
	case 'p':
		if (!draw_below(w, 8))
			return bad_address(w);
		return (uintptr_t)buffers[w - workers] + draw_below(w, 64) * 8;
	case 'x': return bad_address(w) & ~0xfffull;
	case 'w': return window(w);
	case 'W': return window_block(w);
	case 'S': return draw_below(w, 8) ? LARGE_PAGE_SIZE << draw_below(w, 3) : any_number(w);
	case 's': return size(w);
	case 'l': return draw_below(w, 2048);
	case 'g': return gpa(w);
	case 'c': return draw_below(w, 12) ? draw_below(w, 3) : any_number(w);
	case 'd': return time_ns() + draw_below(w, 2) * draw_below(w, 200000);
	case 'e': return draw_below(w, 4) ? (uintptr_t)hostile_exit : BIT(63) | draw(w);
	case 'f': return draw_below(w, 4) ? draw_below(w, 32) : any_number(w);
	case 'm': return draw_below(w, 4) ? 0xfee00000 + (draw(w) & 0xfffff) : any_number(w);
	case 'o':
		return draw_below(w, 8) ? draw_below(w, 64) * 16 | draw_below(w, 2) << 16 : draw(w);
	default: return any_number(w);
	}
}

/* What the calls read from memory: sometimes what they want, sometimes anything. */
static void buffer_fill(struct worker *w)
{
	struct proto_partition_config config = {.vp_count = 1 + (uint32_t)draw_below(w, 3),
						.apic_mode = (uint32_t)draw_below(w, 3)};
	uint64_t *buffer = buffers[w - workers];
	size_t i;

	memset(buffer, 0, sizeof(buffers[0]));
	switch (draw_below(w, 4)) {
	case 0:
		for (i = 0; i < 80; i++)
			buffer[i] = any_number(w);
		break;
	case 1: break; /* struct partition_config */
	case 2:
		for (i = 0; i < 80; i++) /* names of registers */
			buffer[i] = (HV_X64_REGISTER_RAX + draw_below(w, 0x100)) |
				    (HV_X64_REGISTER_RAX + draw_below(w, 0x100)) << 32;
		break;
	default:
		for (i = 0; i < 64; i += 8)
			memcpy(&buffer[i], &config, sizeof(config));
	}
}

/* What guests find at the reset vector and at 0, in the part of the arena that is never deposited:
 * JMP $, HLT, CPUID, OUT, RDMSR, WRMSR and LOCK MOV in loops, UD2, INT 10h. */
static void arena_fill(struct worker *w)
{
	static const uint8_t code[][8] = {
		{0xeb, 0xfe},
		{0xf4, 0xeb, 0xfd},
		{0x0f, 0xa2, 0xeb, 0xfc},
		{0xe6, 0x99, 0xeb, 0xfc},
		{0x0f, 0x32, 0xeb, 0xfc},
		{0x0f, 0x30, 0xeb, 0xfc},
		{0xf0, 0x89, 0x07, 0xeb, 0xfb},
		{0x0f, 0x0b},
		{0xcd, 0x10},
	};
	uint8_t *page;

	for (page = arena; page < arena + ARENA_KEPT; page += 4096) {
		memcpy(page, code[draw_below(w, ARRAY_SIZE(code))], sizeof(code[0]));
		memcpy(page + 0xff0, code[draw_below(w, ARRAY_SIZE(code))], sizeof(code[0]));
	}
}

/* Guesses may hit them, too. */
static bool is_kept(uint64_t handle)
{
	uint64_t i;

	for (i = 0; i < MIN(kept_count, KEPT_MAX); i++)
		if (kept[i] == (uint32_t)handle)
			return true;
	return false;
}

/* A VP that halts is woken by its partition's handle alone: one is kept for as long as the round
 * lasts. If the other worker closes that before it is kept, or no more can be, the VP is given up. */
static void partition_keep(uint64_t partition, uint64_t vp)
{
	uint64_t copy, n;

	if (call_value(SYS_handle_duplicate, partition, RIGHT_RUN, 0, 0, 0, 0, &copy) ==
	    STATUS_OK) {
		n = kept_count++;
		if (n < KEPT_MAX) {
			kept[n] = copy;
			if (call(SYS_vp_request_yield, copy, 0, 0, 0, 0, 0) == STATUS_OK)
				return;
		} else {
			kept_count = KEPT_MAX;
			(void)call(SYS_handle_close, copy, 0, 0, 0, 0, 0);
		}
	}
	(void)call(SYS_handle_close, vp, 0, 0, 0, 0, 0);
}

/* A new handle takes the place of an old one, which is closed. */
static void handle_note(struct worker *w, enum class class, uint64_t handle)
{
	uint64_t old = atomic_exchange(&recent[class * RECENT + draw_below(w, RECENT)], handle);

	if (old && !is_kept(old))
		(void)call(SYS_handle_close, old, 0, 0, 0, 0, 0);
}

/* What chance does not bring together: a partition with memory at its reset vector and a VP that
 * is bound to this thread. The other worker may spoil each step. */
static void partition_make(struct worker *w)
{
	const struct proto_partition_config config = {.vp_count = 2,
						      .apic_mode = APIC_MODE_X2APIC_SUPPORTED};
	const struct partition_config build = {0};
	uint64_t partition, vp;

	if (call_value(SYS_proto_partition_create, (uintptr_t)&config, 0, 0, 0, 0, 0, &partition) !=
	    STATUS_OK)
		return;
	(void)call(SYS_partition_deposit, partition, window_block(w), LARGE_PAGE_SIZE, 0, 0, 0);
	(void)call(SYS_proto_partition_build, partition, (uintptr_t)&build, 0, 0, 0, 0);
	(void)call(SYS_partition_map, partition, 0,
		   (uintptr_t)arena + ALIGN_DOWN(draw_below(w, ARENA_KEPT), 4096), 4096, 0xfffff000,
		   GPA_WRITABLE | GPA_EXECUTABLE);
	if (call_value(SYS_vp_bind, partition, 0,
		       (uintptr_t)arena + ALIGN_DOWN(draw_below(w, ARENA_KEPT), 4096), 0, 0, 0,
		       &vp) == STATUS_OK) {
		partition_keep(partition, vp);
		handle_note(w, CLASS_VP, vp);
	}
	handle_note(w, CLASS_PARTITION, partition);
}

static bool makes_handle(uint32_t number)
{
	return number == SYS_event_create || number == SYS_thread_create ||
	       number == SYS_handle_duplicate || number == SYS_proto_partition_create ||
	       number == SYS_vp_bind || number == SYS_partition_doorbell_create ||
	       number == SYS_partition_pin;
}

static void call_one(struct worker *w)
{
	uint32_t number = (uint32_t)draw_below(w, SYSCALL_LIMIT);
	uint64_t *a = w->a;
	const char *shape;
	uint64_t value;
	size_t i;

	if (!draw_below(w, 64)) {
		uint64_t none = number | BIT(6 + draw_below(w, 26));

		(void)call((uint32_t)none, draw(w), draw(w), draw(w), draw(w), draw(w), draw(w));
		return;
	}
	shape = shapes[number];
	if (!shape)
		return;
	memset(w->a, 0, sizeof(w->a));
	w->number = number;
	for (i = 0; shape[i]; i++)
		a[i] = argument(w, shape[i]);
	w->calls++;
	if (number == SYS_handle_close && is_kept(a[0]))
		return;
	if (call_value(number, a[0], a[1], a[2], a[3], a[4], a[5], &value) != STATUS_OK ||
	    !makes_handle(number))
		return;
	if (number == SYS_vp_bind)
		partition_keep(a[0], value);
	handle_note(w, number == SYS_vp_bind ? CLASS_VP : class_of(number), value);
}

static void work(uint64_t argument_value)
{
	struct worker *w = &workers[argument_value];
	uint64_t n;

	for (n = 0; time_ns() < w->until; n++) {
		if (n % 256 == 0)
			partition_make(w);
		if (n % 8 == 0)
			buffer_fill(w);
		call_one(w);
	}
	w->done = true;
}

static void stuck_say(void)
{
	uint32_t i;

	for (i = 0; i < worker_count; i++) {
		const struct worker *w = &workers[i];

		if (!w->done)
			say("hostile: worker %u: call %u %llx %llx %llx has not come back", i,
			    w->number, (unsigned long long)w->a[0], (unsigned long long)w->a[1],
			    (unsigned long long)w->a[2]);
	}
}

/* Wakes what a worker's VP sleeps in; and says when even that does not help. */
static void watch(uint64_t limit)
{
	while (!stop) {
		uint64_t i;

		sleep_ms(5);
		for (i = 0; i < MIN(kept_count, KEPT_MAX); i++) {
			(void)call(SYS_vp_request_yield, kept[i], 0, 0, 0, 0, 0);
			(void)call(SYS_vp_request_yield, kept[i], 1, 0, 0, 0, 0);
		}
		if (time_ns() > limit) {
			stuck_say();
			end(END_FAILED);
		}
	}
	stopped = true;
}

/* All handles that can have been given out. */
static void all_close(void)
{
	uint64_t i;

	for (i = 1; i < filled + 2 * KEPT_MAX; i++) /* also that of the task, which was guessed */
		(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	memset((void *)recent, 0, sizeof(recent));
	(void)call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0); /* it holds an event, too */
	kept_count = 0;
}

static uint64_t pages_free(void)
{
	struct memory_info info;

	EXPECT(call(SYS_memory_info, 0, (uintptr_t)&info, 0, 0, 0, 0) == STATUS_OK);
	return info.pages_free;
}

/* Threads that were created and have not run yet end before they are counted. */
static void threads_settle(void)
{
	uint64_t before, after = pages_free();

	do {
		before = after;
		sleep_ms(200);
		after = pages_free();
	} while (before != after);
}

static void round_run(uint64_t seed, uint64_t seconds)
{
	uint64_t i, until = time_ns() + seconds * 1000000000;
	uint64_t calls = 0;

	stop = stopped = false;
	thread_run(boot_info->cpu_count - 1, boot_info->priority_count - 1, watch,
		   until + STUCK_SECONDS * 1000000000ull);
	for (i = 0; i < worker_count; i++) {
		workers[i] = (struct worker){.random = (seed + i + 1) * 0x9e3779b97f4a7c15ull,
					     .until = until};
		thread_run((uint32_t)i, ROOT_PRIORITY, work, i);
	}
	for (i = 0; i < worker_count; i++) {
		while (!workers[i].done)
			sleep_ms(20);
		calls += workers[i].calls;
	}
	stop = true;
	while (!stopped)
		sleep_ms(5);
	all_close();
	threads_settle();
	all_close();
	say("hostile: %llu random calls are answered", (unsigned long long)calls);
}

/* Takes all memory of the kernel by events. */
static void kernel_fill(void)
{
	uint64_t i;

	while (call(SYS_event_create, 0, 0, 0, 0, 0, 0) == STATUS_OK)
		filled++;
	for (i = filled; i > filled - RESERVE; i--) /* so that the watch can sleep */
		(void)call(SYS_handle_close, i, 0, 0, 0, 0, 0);
	say("hostile: %llu events, %llu pages left", (unsigned long long)filled,
	    (unsigned long long)pages_free());
}

void random_calls(uint64_t seed, uint64_t seconds)
{
	uint64_t before, after, i;

	worker_count = MIN(boot_info->cpu_count, WORKERS_MAX);
	workers[0].random = seed * 2 + 1;
	arena_fill(&workers[0]);
	kernel_fill();
	round_run(seed, FILL_SECONDS);
	round_run(seed + 50, FILL_SECONDS); /* tables have grown */
	before = pages_free();
	round_run(seed + 100, seconds);
	after = pages_free();
	for (i = 0; i < ARENA_SIZE; i += 4096)
		arena[i] = 1;
	say("hostile: %llu pages free before, %llu after", (unsigned long long)before,
	    (unsigned long long)after);
	EXPECT(before == after);
}

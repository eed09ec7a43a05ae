/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs and the threads of the root task, each on a stack of its own (a track). A CPU's track runs
 * the kernel: what ring 3 or an interrupt asks for is one fake_run(), which ends when the kernel
 * resumes a thread or has nothing to run. In between the track switches to the thread's own, where the
 * thread's program is, and which comes back with a system call.
 *
 * The other CPU gets its turn by cpu_turn(): in the middle of the kernel (in a guest, in a wait, in an
 * allocation), before ring 3, and when this one is idle.
 */
#include "model.h"

#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/console.h>
#include <kernel/panic.h>
#include <kernel/processor.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_STACK_SIZE	  MIB(1)
#define THREAD_STACK_SIZE KIB(256)
#define THREADS_MAX	  16u
#define RELAXES_MAX	  100000u /* of a CPU that waits, without another's getting on */
#define TIMES_MAX	  8u	  /* that time passes, with no thread getting on */
#define TIME_MAX	  1000000000u
#define TIME_START	  1000000000u

struct track {
	void *sp;
	const void *stack;
	size_t size;
	void *fake_stack; /* ASan's */
	struct fake_frame *frame;
	void (*function)(void *argument);
	void *argument;
};

/* A thread in ring 3. */
struct user {
	struct track track;
	struct thread *thread; /* NULL: this place is free */
	bool has_call;
	uint64_t number, a[6];
};

static struct machine_cpu {
	struct track track;
	bool idle;
	struct user *user; /* whose turn it is, while its track runs */
	struct user *call; /* what is to be done next, if not an interrupt */
} machine_cpus[MODEL_CPUS];

static uint8_t cpu_stacks[MODEL_CPUS][CPU_STACK_SIZE] __aligned(64);
static uint8_t user_stacks[THREADS_MAX][THREAD_STACK_SIZE] __aligned(64);
static struct user users[THREADS_MAX];
static struct track outside; /* libFuzzer's */
static struct track *current_track = &outside;
static uint32_t relaxes, times;
static uint8_t typed[64]; /* bytes of both lines, that no CPU has been interrupted for yet */
static uint32_t typed_count;
static bool still; /* this CPU is at something that is no part of the machine: no turns */

/* ---- tracks ---- */

/* Keeps the registers that a function keeps on this stack, and goes on with those on the other. */
void track_jump(void **from, void *to);
__asm__(".text\n"
	"track_jump:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n");

static void track_arrived(struct track *self)
{
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &stack, &size);
	if (!outside.stack) { /* the first switch of all came from there */
		outside.stack = stack;
		outside.size = size;
	}
	fake_frame = self->frame;
}

static void track_switch(struct track *to, bool for_good)
{
	struct track *from = current_track;

	from->frame = fake_frame;
	current_track = to;
	__sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->size);
	track_jump(&from->sp, to->sp);
	track_arrived(from);
}

static void track_begin(void)
{
	struct track *self = current_track;

	track_arrived(self);
	self->function(self->argument);
	abort(); /* it never returns */
}

static void track_init(struct track *track, uint8_t *stack, size_t size,
		       void (*function)(void *argument), void *argument)
{
	void **top = (void **)(stack + size);

	__asan_unpoison_memory_region(stack, size);
	memset(track, 0, sizeof(*track));
	track->stack = stack;
	track->size = size;
	track->function = function;
	track->argument = argument;
	*--top = NULL; /* aligned as behind a call */
	*--top = (void *)(uintptr_t)track_begin;
	top -= 6;
	memset(top, 0, 6 * sizeof(*top));
	track->sp = top;
}

/* ---- turns ---- */

static void cpu_turn(void)
{
	uint32_t self = fake_cpu->index;

	call_is_disturbed();
	fake_cpu_set(1 - self);
	track_switch(&machine_cpus[1 - self].track, false);
	fake_cpu_set(self);
}

/* While this CPU's thread is in ring 3 nobody else may run on the track of the CPU. */
void machine_interleave(uint32_t n)
{
	if (current_track != &outside && !machine_cpus[fake_cpu->index].user && !still && chance(n))
		cpu_turn();
}

static bool timer_is_due(const struct cpu *cpu)
{
	return cpu->arch.timer_deadline <= fake_timestamp;
}

static bool has_work(const struct cpu *cpu)
{
	return cpu->pending || timer_is_due(cpu) || typed_count;
}

void machine_type(uint8_t byte)
{
	if (typed_count < sizeof(typed))
		typed[typed_count++] = byte;
}

void machine_interrupts(void)
{
	while (typed_count) {
		uint8_t byte = typed[--typed_count];

		line_input(byte % 2 ? LINE_CONSOLE : LINE_SECOND, byte);
	}
	if (!timer_is_due(fake_cpu))
		return;
	fake_cpu->arch.timer_deadline = TIMER_NEVER;
	timer_interrupt();
}

/* COM1 is the console, COM2 is there. */
status_t arch_line_open(uint32_t com)
{
	if (com == 1)
		return STATUS_BUSY;
	return com == 2 ? STATUS_OK : STATUS_NOT_FOUND;
}

void arch_line_write(const char *bytes, size_t size)
{
	(void)bytes;
	(void)size;
}

bool machine_is_kicked(uint32_t kicks)
{
	return fake_cpu->arch.kicks != kicks || has_work(fake_cpu);
}

/* A CPU waits: for a lock, or for the other one. */
static void relaxed(void)
{
	CHECK(!machine_cpus[fake_cpu->index].user); /* a lock is for the kernel */
	if (++relaxes > RELAXES_MAX)
		model_fail(__FILE__, __LINE__, "a CPU waits for ever");
	CHECK(current_track != &outside);
	cpu_turn();
}

static void kicked(struct cpu *cpu)
{
	if (cpu != fake_cpu)
		machine_interleave(4);
}

/* From arch_idle() and from arch_interrupt_window(). */
static void interrupts(void)
{
	if (!fake_cpu->current)
		fake_leave(FAKE_IDLE);
	machine_interrupts();
}

/* ---- ring 3 ---- */

static void user_main(void *argument)
{
	struct user *user = argument;

	if (user->thread->arch.entry == ENTRY_ROOT)
		program_root();
	else
		program_worker(user->thread->arch.argument);
	abort(); /* they end by SYS_thread_exit */
}

static struct user *user_find(struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < THREADS_MAX; i++)
		if (users[i].thread == thread)
			return &users[i];
	return NULL;
}

static struct user *user_new(struct thread *thread)
{
	struct user *user = user_find(NULL);

	CHECK(user);
	memset(user, 0, sizeof(*user));
	user->thread = thread;
	if (thread->arch.entry == ENTRY_EXIT) {
		user->number = SYS_thread_exit;
		user->has_call = true;
	} else {
		CHECK(thread->arch.entry == ENTRY_ROOT || thread->arch.entry == ENTRY_WORKER);
		track_init(&user->track, user_stacks[user - users], THREAD_STACK_SIZE, user_main,
			   user);
	}
	return user;
}

struct thread *machine_thread(void)
{
	return machine_cpus[fake_cpu->index].user->thread;
}

/* With MODEL_TRACE in the environment each call is told. */
static void trace(const struct user *user)
{
	static int on = -1;
	const uint64_t *a = user->a;

	if (on < 0)
		on = getenv("MODEL_TRACE") != NULL;
	if (on)
		fprintf(stderr, "%lu: %lu(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx): %s %#lx\n",
			(unsigned long)(user - users), (unsigned long)user->number,
			(unsigned long)a[0], (unsigned long)a[1], (unsigned long)a[2],
			(unsigned long)a[3], (unsigned long)a[4], (unsigned long)a[5],
			status_name(user->thread->arch.status),
			(unsigned long)user->thread->arch.value);
}

/* Of a thread: a system call, which comes back here with its result. */
status_t call_value(uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4, uint64_t a5, uint64_t *value)
{
	struct machine_cpu *cpu = &machine_cpus[fake_cpu->index];
	struct user *user = cpu->user;
	const uint64_t a[6] = {a0, a1, a2, a3, a4, a5};

	user->number = number;
	memcpy(user->a, a, sizeof(a));
	user->has_call = true;
	cpu->user = NULL;
	track_switch(&cpu->track, number == SYS_thread_exit);
	trace(user);
	*value = user->thread->arch.value;
	CHECK((uint32_t)user->thread->arch.status < STATUS_COUNT);
	return user->thread->arch.status;
}

uint64_t time_ns(void)
{
	return ns_from_ticks(fake_timestamp);
}

/* The kernel has resumed a thread: it runs until it calls, or an interrupt is first. */
static void user_run(struct machine_cpu *cpu)
{
	struct user *user = user_find(fake_resumed);

	if (!user)
		user = user_new(fake_resumed);
	relaxes = times = 0;
	if (!user->has_call) {
		cpu->user = user;
		track_switch(&user->track, false);
		cpu->user = NULL;
	}
	machine_interleave(4);
	cpu->call = has_work(fake_cpu) ? NULL : user;
}

/* ---- the CPUs ---- */

static void kernel_interrupt(void *argument)
{
	(void)argument;
	machine_interrupts();
	trap_user_interrupt();
}

static void kernel_call(void *argument)
{
	struct user *user = argument;
	uint64_t a[6], number = user->number;

	memcpy(a, user->a, sizeof(a));
	user->has_call = false;
	if (number == SYS_thread_exit)
		user->thread = NULL;
	trap_syscall(number, a);
}

static void kernel_boot(void *argument)
{
	(void)argument;
	if (fake_cpu->index == 0)
		model_boot();
	sched_exit();
}

bool machine_is_quiet(void)
{
	const struct cpu *other = cpus[1 - fake_cpu->index];

	return machine_cpus[other->index].idle && !other->pending;
}

/* Those that sleep in vp_run. None of them sleeps while it has been asked for something. */
static bool vp_wake(void)
{
	bool woken = false;
	unsigned int i;

	still = true;
	for (i = 0; i < THREADS_MAX; i++) {
		struct thread *thread = users[i].thread;

		if (!thread || !thread->vp || thread->vp->run_state != VP_BLOCKED)
			continue;
		CHECK(!thread->vp->requests);
		vp_request(thread->vp, VP_REQUEST_YIELD);
		woken = true;
	}
	still = false;
	return woken;
}

void machine_wake(void)
{
	if (machine_is_quiet())
		(void)vp_wake();
}

/* Both CPUs are idle. Time passes until a timer is due; or VPs are woken. */
static void world_turn(void)
{
	uint64_t first = MIN(cpus[0]->arch.timer_deadline, cpus[1]->arch.timer_deadline);

	if (times++ < TIMES_MAX && first <= fake_timestamp + TIME_MAX) {
		fake_timestamp = MAX(first, fake_timestamp);
		return;
	}
	if (vp_wake())
		return;
	CHECK(first <= fake_timestamp + TIME_MAX); /* else nobody wakes any more */
	fake_timestamp = MAX(first, fake_timestamp);
}

static void cpu_idle(struct machine_cpu *cpu)
{
	const struct cpu *other = cpus[1 - fake_cpu->index];

	cpu->idle = true;
	while (!has_work(fake_cpu) && !fake_cpu->ready.occupied) {
		if (machine_cpus[other->index].idle && !has_work(other) && !other->ready.occupied)
			world_turn();
		else
			cpu_turn();
	}
	cpu->idle = false;
	cpu->call = NULL;
}

static void cpu_main(void *argument)
{
	struct machine_cpu *cpu = argument;
	enum fake_end end = fake_run(kernel_boot, NULL);

	for (;;) {
		struct user *call;

		CHECK(end == FAKE_RESUMED || end == FAKE_IDLE);
		if (end == FAKE_RESUMED)
			user_run(cpu);
		else
			cpu_idle(cpu);
		call = cpu->call;
		if (!call) {
			end = fake_run(kernel_interrupt, NULL);
			continue;
		}
		fake_resumed = NULL;
		struct thread *thread = call->number == SYS_thread_exit ? NULL : call->thread;

		still = true;
		if (thread)
			call_begins(thread, call->number, call->a);
		still = false;
		end = fake_run(kernel_call, call);
		still = true;
		if (thread && end == FAKE_RESUMED && fake_resumed == thread)
			call_ends(thread);
		still = false;
	}
}

void machine_pause(void)
{
	track_switch(&outside, false);
}

void machine_continue(void)
{
	/* The one who has paused. */
	track_switch(&machine_cpus[0].user->track, false);
}

/* Time begins anew, so that what happens follows from the input alone. No timer is set. */
void machine_time_reset(void)
{
	unsigned int i;

	fake_timestamp = timestamp_base + TIME_START;
	for (i = 0; i < MODEL_CPUS; i++) {
		cpus[i]->timers.programmed = TIMER_NEVER;
		cpus[i]->arch.timer_deadline = TIMER_NEVER;
	}
	machine_thread()->slice_end = 0;
	times = 0;
}

void machine_start(void)
{
	unsigned int i;

	fake_ram_init(MODEL_RAM);
	fake_cpus_init(MODEL_CPUS);
	fake_relaxed = relaxed;
	fake_kicked = kicked;
	fake_interrupts = interrupts;
	for (i = 0; i < MODEL_CPUS; i++) {
		cpus[i]->arch.timer_deadline = TIMER_NEVER;
		track_init(&machine_cpus[i].track, cpu_stacks[i], CPU_STACK_SIZE, cpu_main,
			   &machine_cpus[i]);
	}
	track_switch(&machine_cpus[0].track, false);
}

/* All that the kernel keeps for CPUs is as at the start. */
void machine_quiet_check(void)
{
	unsigned int i;

	CHECK(machine_is_quiet());
	for (i = 0; i < MODEL_CPUS; i++) {
		CHECK(!cpus[i]->timers.root);
		CHECK(!cpus[i]->fpu_owner);
		CHECK(!cpus[i]->pending);
		CHECK(!cpus[i]->ready.occupied && !cpus[i]->ready.wake);
		CHECK(cpus[i]->reading % 2 == 0);
	}
	for (i = 0; i < THREADS_MAX; i++)
		CHECK(!users[i].thread || users[i].thread == machine_thread());
}

/* ---- the rest of the machine ---- */

__noreturn void model_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "model: %s:%d: not so: %s (CPU %u)\n", file, line, condition,
		fake_cpu ? fake_cpu->index : 0);
	abort();
}

bool panic_is_on(void)
{
	return false;
}

__noreturn void panic(const char *text, ...)
{
	char words[200];
	va_list arguments;

	va_start(arguments, text);
	vsnprintf(words, sizeof(words), text, arguments);
	va_end(arguments);
	model_fail("kernel", 0, words);
}

__noreturn void system_end(bool restart, uint8_t code)
{
	(void)restart;
	(void)code;
	model_fail("kernel", 0, "the machine ended");
}

void arch_machine_check(void)
{
	const struct thread *thread = fake_cpu->current;

	CHECK(!thread->vp->cpu);
}

/* What the guest half asks of the host is the word for TDX: it has none. */
uint64_t msr_read(uint32_t msr)
{
	(void)msr;
	return 0;
}

void msr_write(uint32_t msr, uint64_t value)
{
	(void)msr;
	(void)value;
}

void xcr0_write(uint64_t value)
{
	CHECK(value & XCR0_X87);
}

const struct backend_ops *arch_backend_guard(const struct backend_ops *ops)
{
	return ops;
}

/* ---- the FPU: who owns its registers ---- */

uint64_t host_xcr0;
uint32_t xsave_area_size = 1088;
bool xsave_present = true;

#define XMM_OFFSET 160u
#define XMM_SIZE   16u

uint64_t fpu_xcr0(struct fpu_state *state)
{
	if (fake_cpu->fpu_owner == state)
		state->xcr0 = fake_cpu->arch.xcr0;
	return state->xcr0;
}

void fpu_state_init(struct fpu_state *state, void *area)
{
	memset(area, 0, xsave_area_size);
	state->area = area;
	state->xcr0 = host_xcr0;
}

void fpu_take(struct fpu_state *next)
{
	if (fake_cpu->fpu_owner)
		fpu_release(fake_cpu->fpu_owner);
	fake_cpu->fpu_owner = next;
	fake_cpu->arch.xcr0 = next->xcr0;
}

/* The registers are written to the area. */
void fpu_release(struct fpu_state *state)
{
	CHECK(state != cpus[1 - fake_cpu->index]->fpu_owner);
	if (fake_cpu->fpu_owner != state)
		return;
	(void)fpu_xcr0(state);
	memset(state->area, 0x5a, xsave_area_size);
	fake_cpu->fpu_owner = NULL;
}

void *fpu_xmm(struct fpu_state *state, unsigned int number)
{
	fpu_release(state);
	return (char *)state->area + XMM_OFFSET + number * XMM_SIZE;
}

uint32_t fpu_mxcsr_mask(void)
{
	return 0xffff;
}

void fpu_guard(const struct fpu_state *state)
{
	(void)state;
}

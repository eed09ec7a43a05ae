/* SPDX-License-Identifier: MIT */
/*
 * What the server of gdb's protocol debugs: the VPs of a machine, on their threads, and its memory.
 *
 *	server's thread		a VP's thread
 *	   halt, all:
 *	   vp_ask_cancel() ---> vp_run_until() halts: gdb_halted()
 *				its registers go to vp->state, PARKED
 *	   <------------------- GDB_PARKED
 *	   reads and writes
 *	   vp->state, memory
 *	   resume: RELEASED --> registers go back, the debug state to the kernel
 *
 * One machine at a time, and one VP's stop stops all. The lock protects all of `gdb`; a VP's thread holds
 * it for moments, and the server's not while it waits for them.
 */
#include <gdb/breakpoints.h>
#include <gdb/gdb.h>
#include <gdb/processor.h>
#include <lib/log.h>
#include <lib/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmm/vmm.h>

#define GDB_COM	   2u	  /* GDB_LINE */
#define GDB_INPUT  BIT(0) /* of gdb.event */
#define GDB_PARKED BIT(1)
#define PARK_NS	   (500 * NS_PER_MS) /* VPs have that long to come; one that does not is not there */
#define LOOK_NS	   (50 * NS_PER_MS)  /* at what sends no event: a machine's end */
#define INPUT_PART 64u

enum place {
	PLACE_AWAY,    /* no thread, or not bound: what it does is not known */
	PLACE_LEAVING, /* gdb_lets_go() */
	PLACE_RUNNING,
	PLACE_PARKED,
	PLACE_RELEASED, /* from PARKED: may go on */
};

struct gdb_vp {
	handle_t event; /* bit 0: look at `place` */
	enum place place;
	bool wanted;  /* it is to park */
	bool changed; /* state has been written to */
	bool steps;
	bool has_stop; /* it parked for `stop`, which is yet to be told */
	struct gdb_stop stop;
	struct gdb_state state;
};

static struct gdb {
	struct machine *_Atomic machine; /* NULL: nobody debugs. Set by the main thread */
	struct mutex lock;
	struct thread *thread;
	handle_t event;
	uint32_t count;
	struct gdb_vp *vps;
	bool all_halt; /* VPs that come are to park */
	struct gdb_breakpoints breakpoints;
	struct gdb_server server;
} gdb;

/* ---- memory, under the lock ---- */

static bool gpa_read_byte(void *context, gpa_t gpa, uint8_t *byte)
{
	return guest_memory_read(&((struct machine *)context)->memory, gpa, byte, 1) == STATUS_OK;
}

static bool gpa_write_byte(void *context, gpa_t gpa, uint8_t byte)
{
	struct machine *machine = context;

	if (guest_memory_write(&machine->memory, gpa, &byte, 1) != STATUS_OK)
		return false;
	gdb_code_written(machine, gpa);
	return true;
}

static const struct gdb_memory_ops byte_ops = {.read = gpa_read_byte, .write = gpa_write_byte};

/* ---- a VP's thread ---- */

/* NULL: another machine is debugged by now. */
static struct gdb_vp *vp_of(const struct processor *processor)
{
	if (processor->machine != atomic_load(&gdb.machine))
		return NULL;
	return &gdb.vps[processor->index];
}

static void registers_read(struct processor *processor, struct gdb_state *state)
{
	memset(state, 0, sizeof(*state));
	(void)vp_get_registers(processor->vp, 0, gdb_value_names, state->value, GDB_VALUES);
}

static void state_write(struct processor *processor, const struct gdb_state *state)
{
	status_t status =
		vp_set_registers(processor->vp, 0, gdb_value_names, state->value, GDB_VALUES);

	if (status == STATUS_OK)
		status = gdb_state_write_more(processor, state);
	if (status != STATUS_OK)
		log_warning("gdb: %s: VP %u: registers were not written: %s",
			    processor->machine->config->name, processor->index,
			    status_words(status));
}

/* Of the VP's, or none: nothing of a debugger's. Under the lock. */
static void debug_state_set(struct processor *processor, const struct gdb_vp *vp)
{
	struct vp_debug_state state = {.flags = 0};
	status_t status;

	if (vp)
		state = gdb.breakpoints.state;
	if (vp && vp->steps)
		state.flags |= DEBUG_SINGLE_STEP | DEBUG_HOLD_INTERRUPTS;
	status = vp_set_debug_state(processor->vp, 0, &state);
	if (status != STATUS_OK)
		log_warning("gdb: %s: VP %u: breakpoints and steps: %s",
			    processor->machine->config->name, processor->index,
			    status_words(status));
}

static void hardware_stop(const struct processor *processor, struct gdb_stop *stop)
{
	uint32_t index = processor->halt.breakpoint;

	if (index >= BREAKPOINT_COUNT)
		return;
	stop->at_breakpoint = true;
	stop->kind = gdb.breakpoints.kinds[index];
	stop->address = gdb.breakpoints.state.breakpoint[index].address;
}

/* Why it halted, for gdb. False: it is not the debugger's affair. Under the lock. */
static bool stop_find(const struct processor *processor, const struct gdb_vp *vp,
		      struct gdb_stop *stop)
{
	*stop = (struct gdb_stop){.thread = processor->index, .signal = GDB_SIGNAL_TRAP};
	switch (processor->halt.reason) {
	case VP_HALT_CANCEL: return vp->wanted;
	case VP_HALT_SINGLE_STEP: return true;
	case VP_HALT_HW_BREAK: hardware_stop(processor, stop); return true;
	case VP_HALT_INT3:
		stop->at_breakpoint = true;
		stop->kind = GDB_SOFTWARE;
		return true;
	case VP_HALT_TRIPLE_FAULT:
	case VP_HALT_FAILED: stop->signal = GDB_SIGNAL_SEGV; return true;
	default: return false;
	}
}

/* An instruction of the guest's own, which it gets. */
static bool breakpoint_give(struct processor *processor, const struct gdb_state *state)
{
	gpa_t gpa;

	if (processor->halt.reason != VP_HALT_INT3 ||
	    (gdb_translate(processor->machine, state, gdb_state_pc(state), &gpa) &&
	     gdb_software_is_at(&gdb.breakpoints, gpa)))
		return false;
	gdb_breakpoint_give(processor);
	return true;
}

/* Until the server lets it go. A machine's stop does not ask the server. */
static bool wait_for_release(struct processor *processor, struct gdb_vp *vp)
{
	uint64_t bits;
	bool released;

	do {
		(void)event_wait(vp->event, time_now() + LOOK_NS, &bits);
		mutex_lock(&gdb.lock);
		released = vp->place == PLACE_RELEASED;
		mutex_unlock(&gdb.lock);
	} while (!released && !vp_is_stopping(&processor->control));
	return released;
}

/* Under the lock, which it gives up while it waits. True: the VP runs again. It may have halted for
 * something else before it saw that it was to park: that is done by this. */
static bool park(struct processor *processor, struct gdb_vp *vp)
{
	bool goes_on;

	vp_cancel_take_back(&processor->control);
	vp->place = PLACE_PARKED;
	vp->wanted = false;
	vp->changed = false;
	mutex_unlock(&gdb.lock);
	event_signal(gdb.event, GDB_PARKED);
	goes_on = wait_for_release(processor, vp);
	mutex_lock(&gdb.lock);
	if (goes_on && vp->changed)
		state_write(processor, &vp->state);
	if (goes_on)
		debug_state_set(processor, vp);
	vp->place = goes_on ? PLACE_RUNNING : PLACE_AWAY;
	vp->has_stop = false;
	return goes_on;
}

static bool stopped(struct processor *processor, struct gdb_vp *vp)
{
	registers_read(processor, &vp->state);
	if (breakpoint_give(processor, &vp->state))
		return true;
	gdb_state_read_more(processor, &vp->state);
	vp->has_stop = processor->halt.reason != VP_HALT_CANCEL;
	return park(processor, vp);
}

/* Halts that nothing but a debugger brings about. */
static bool is_debuggers(enum vp_halt_reason reason)
{
	return reason == VP_HALT_CANCEL || reason == VP_HALT_SINGLE_STEP ||
	       reason == VP_HALT_HW_BREAK || reason == VP_HALT_INT3;
}

/* Under the lock. */
static bool halted(struct processor *processor, struct gdb_vp *vp)
{
	enum vp_halt_reason reason = processor->halt.reason;
	bool again;

	if (processor->leaving && reason == VP_HALT_CANCEL)
		return false;
	if (!vp || processor->leaving || !gdb.server.attached ||
	    !stop_find(processor, vp, &vp->stop)) {
		if (!is_debuggers(reason))
			return false;
		/* gdb waits for it no longer, or has gone: it does what gdb has it do by now. An INT3 of
		 * the guest's own comes again. */
		debug_state_set(processor, vp);
		return true;
	}
	again = stopped(processor, vp);
	/* What is fatal comes to what it would be without gdb, which was told. */
	if (reason == VP_HALT_TRIPLE_FAULT || reason == VP_HALT_FAILED)
		return false;
	if (!again)
		processor->halt.reason = VP_HALT_STOP; /* while it was parked */
	return again;
}

bool gdb_halted(struct processor *processor)
{
	struct gdb_vp *vp;
	bool again;

	mutex_lock(&gdb.lock);
	vp = vp_of(processor);
	again = halted(processor, vp);
	if (vp && !again)
		vp->place = processor->halt.reason == VP_HALT_CANCEL ? PLACE_LEAVING : PLACE_AWAY;
	mutex_unlock(&gdb.lock);
	return again;
}

void gdb_begin(struct processor *processor)
{
	struct gdb_vp *vp;

	mutex_lock(&gdb.lock);
	vp = vp_of(processor);
	if (vp) {
		vp->place = PLACE_RUNNING;
		vp->wanted = gdb.all_halt;
		vp->steps = false;
		debug_state_set(processor, vp);
		if (vp->wanted)
			(void)vp_ask_cancel(&processor->control);
	}
	mutex_unlock(&gdb.lock);
}

bool gdb_lets_go(struct processor *processors, uint32_t count)
{
	bool lets;

	mutex_lock(&gdb.lock);
	lets = !(vp_of(processors) && gdb.server.attached);
	for (uint32_t i = 0; lets && i < count; i++) {
		struct gdb_vp *vp = vp_of(&processors[i]);

		processors[i].leaving = true;
		if (vp && vp->place == PLACE_RUNNING)
			vp->place = PLACE_LEAVING;
	}
	mutex_unlock(&gdb.lock);
	return lets;
}

/* ---- the server's thread ---- */

static struct machine *machine_of(void *target)
{
	(void)target;
	return atomic_load(&gdb.machine);
}

static bool all_parked(void)
{
	for (uint32_t i = 0; i < gdb.count; i++)
		if (gdb.vps[i].place != PLACE_AWAY && gdb.vps[i].place != PLACE_PARKED)
			return false;
	return true;
}

/* All VPs park, those that leave their threads on the next ones. The lock is held, but not while they
 * come. */
static void halt_all(struct machine *machine)
{
	uint64_t deadline = time_now() + PARK_NS, bits, seen = 0;

	gdb.all_halt = true;
	for (uint32_t i = 0; i < gdb.count; i++) {
		if (gdb.vps[i].place != PLACE_RUNNING && gdb.vps[i].place != PLACE_RELEASED)
			continue;
		gdb.vps[i].wanted = true;
		(void)vp_ask_cancel(&machine->processors[i].control);
	}
	while (!all_parked() && machine->state == MACHINE_RUNNING && time_now() < deadline) {
		mutex_unlock(&gdb.lock);
		bits = 0;
		(void)event_wait(gdb.event, time_now() + LOOK_NS, &bits);
		seen |= bits;
		mutex_lock(&gdb.lock);
	}
	/* What came over the line meanwhile is looked at afterwards. */
	if (seen & GDB_INPUT)
		event_signal(gdb.event, GDB_INPUT);
}

static void target_send(void *target, const void *bytes, size_t size)
{
	(void)target;
	(void)serial_write(bytes, size);
}

static uint32_t target_threads(void *target)
{
	return machine_of(target)->state == MACHINE_RUNNING ? gdb.count : 0;
}

static struct gdb_vp *parked(uint32_t thread)
{
	return thread < gdb.count && gdb.vps[thread].place == PLACE_PARKED ? &gdb.vps[thread]
									   : NULL;
}

static struct gdb_state *target_state(void *target, uint32_t thread)
{
	struct gdb_vp *vp = parked(thread);

	(void)target;
	return vp ? &vp->state : NULL;
}

static void target_state_changed(void *target, uint32_t thread)
{
	struct gdb_vp *vp = parked(thread);

	(void)target;
	if (vp)
		vp->changed = true;
}

static size_t target_read(void *target, uint32_t thread, uint64_t address, void *buffer,
			  size_t size)
{
	const struct gdb_vp *vp = parked(thread);
	uint8_t *bytes = buffer;
	size_t done = 0;
	gpa_t gpa = 0;

	for (; vp && done < size; done++, gpa++) {
		if ((!done || (address + done) % PAGE_SIZE == 0) &&
		    !gdb_translate(machine_of(target), &vp->state, address + done, &gpa))
			break;
		if (!gdb_memory_read(&gdb.breakpoints, gpa, &bytes[done]))
			break;
	}
	return done;
}

static size_t target_write(void *target, uint32_t thread, uint64_t address, const void *data,
			   size_t size)
{
	const struct gdb_vp *vp = parked(thread);
	const uint8_t *bytes = data;
	size_t done = 0;
	gpa_t gpa = 0;

	for (; vp && done < size; done++, gpa++) {
		if ((!done || (address + done) % PAGE_SIZE == 0) &&
		    !gdb_translate(machine_of(target), &vp->state, address + done, &gpa))
			break;
		if (!gdb_memory_write(&gdb.breakpoints, gpa, bytes[done]))
			break;
	}
	return done;
}

static enum gdb_result target_breakpoint(void *target, uint32_t thread, bool insert,
					 enum gdb_kind kind, uint64_t address, uint64_t length)
{
	struct gdb_breakpoints *b = &gdb.breakpoints;
	const struct gdb_vp *vp = parked(thread);
	gpa_t gpa;

	if (kind != GDB_SOFTWARE)
		return insert ? gdb_hardware_insert(b, kind, address, length)
			      : gdb_hardware_remove(b, kind, address, length);
	if (!insert)
		return gdb_software_remove(b, address);
	if (!vp || !gdb_translate(machine_of(target), &vp->state, address, &gpa))
		return GDB_FAILED;
	return gdb_software_insert(b, address, gpa);
}

/* One that was to park and has not come yet does the same when it comes. False: it does nothing. */
static bool release(uint32_t thread, bool steps)
{
	struct gdb_vp *vp = &gdb.vps[thread];

	vp->steps = steps;
	vp->wanted = false;
	if (vp->place != PLACE_PARKED)
		return vp->place != PLACE_AWAY;
	vp->has_stop = false;
	vp->place = PLACE_RELEASED;
	event_signal(vp->event, 1);
	return true;
}

/* One that stopped at the same time as the one that gdb was told of is told of now. */
static bool stop_waits(void)
{
	for (uint32_t i = 0; i < gdb.count; i++)
		if (parked(i) && gdb.vps[i].has_stop &&
		    gdb_server_action(&gdb.server, i) == GDB_CONTINUE)
			return true;
	return false;
}

static bool target_resume(void *target)
{
	/* A machine's end is told of in look_around(). */
	bool some = machine_of(target)->state != MACHINE_RUNNING;

	if (stop_waits()) {
		event_signal(gdb.event, GDB_PARKED);
		return true;
	}
	for (uint32_t i = 0; i < gdb.count; i++) {
		enum gdb_action action = gdb_server_action(&gdb.server, i);

		if (action != GDB_STAY)
			some |= release(i, action == GDB_STEP);
	}
	gdb.all_halt = !some;
	return some;
}

static void target_halt(void *target)
{
	halt_all(machine_of(target));
}

/* The first that has something to tell of, or else an interrupt from outside. */
static void stop_tell(bool interrupted)
{
	struct gdb_stop stop = {.signal = GDB_SIGNAL_INT, .thread = gdb.server.stop.thread};
	bool found = interrupted;

	for (uint32_t i = 0; i < gdb.count && !found; i++) {
		if (gdb.vps[i].place != PLACE_PARKED || !gdb.vps[i].has_stop)
			continue;
		stop = gdb.vps[i].stop;
		gdb.vps[i].has_stop = false;
		found = true;
	}
	if (found)
		gdb_server_stopped(&gdb.server, &stop);
}

static void target_interrupt(void *target)
{
	halt_all(machine_of(target));
	stop_tell(true);
}

static void target_words(void *target, uint32_t thread, char *buffer, size_t size)
{
	(void)target;
	snprintf(buffer, size, "VP %u%s", thread, parked(thread) ? "" : ", not running");
}

static void target_detach(void *target, bool kill)
{
	struct machine *machine = machine_of(target);

	if (machine->state == MACHINE_RUNNING)
		gdb_breakpoints_clear(&gdb.breakpoints);
	else
		gdb_breakpoints_forget(&gdb.breakpoints);
	gdb.all_halt = false;
	for (uint32_t i = 0; i < gdb.count; i++)
		(void)release(i, false);
	if (kill)
		machine_request(machine, MACHINE_STOP);
}

static const struct gdb_target_ops target_ops = {
	.send = target_send,
	.threads = target_threads,
	.state = target_state,
	.state_changed = target_state_changed,
	.read = target_read,
	.write = target_write,
	.breakpoint = target_breakpoint,
	.resume = target_resume,
	.interrupt = target_interrupt,
	.halt = target_halt,
	.words = target_words,
	.detach = target_detach,
};

static void input_take(void)
{
	uint8_t bytes[INPUT_PART];
	size_t count = 0;

	/* Ends when the kernel has no more; it is told again when there is. */
	while (serial_read(bytes, sizeof(bytes), &count) == STATUS_OK && count)
		for (size_t i = 0; i < count; i++)
			gdb_server_input(&gdb.server, bytes[i]);
}

static bool somebody_stopped(void)
{
	for (uint32_t i = 0; i < gdb.count; i++)
		if (gdb.vps[i].place == PLACE_PARKED && gdb.vps[i].has_stop)
			return true;
	return false;
}

static void look_around(struct machine *machine)
{
	if (!gdb.server.running)
		return;
	if (machine->state != MACHINE_RUNNING) {
		gdb_breakpoints_forget(&gdb.breakpoints);
		gdb_server_exited(&gdb.server);
	} else if (somebody_stopped()) {
		halt_all(machine);
		stop_tell(false);
	}
}

static void server_main(void *argument)
{
	uint64_t bits;

	(void)argument;
	for (;;) {
		bits = 0;
		(void)event_wait(gdb.event, gdb.server.running ? time_now() + LOOK_NS : TIME_NEVER,
				 &bits);
		mutex_lock(&gdb.lock);
		if (bits & GDB_INPUT)
			input_take();
		look_around(atomic_load(&gdb.machine));
		mutex_unlock(&gdb.lock);
	}
}

/* ---- attaching ---- */

/* No VP's thread works with what is kept for it. */
static bool all_at_large(void)
{
	for (uint32_t i = 0; i < gdb.count; i++)
		if (gdb.vps[i].place >= PLACE_PARKED)
			return false;
	return true;
}

static status_t server_start(void)
{
	status_t status = STATUS_OK;

	if (gdb.thread)
		return STATUS_OK;
	if (gdb.event == HANDLE_NONE)
		status = event_create(&gdb.event);
	if (status == STATUS_OK)
		status = serial_open(GDB_COM, gdb.event, GDB_INPUT);
	if (status == STATUS_OK)
		status = thread_start(0, vmm_service_priority(), server_main, NULL, &gdb.thread);
	return status;
}

static void vps_free(struct gdb_vp *vps, uint32_t count)
{
	for (uint32_t i = 0; vps && i < count; i++)
		if (vps[i].event != HANDLE_NONE)
			(void)handle_close(vps[i].event);
	free(vps);
}

static struct gdb_vp *vps_create(const struct machine *machine)
{
	uint32_t count = machine->config->vps;
	struct gdb_vp *vps = calloc(count, sizeof(*vps));

	for (uint32_t i = 0; vps && i < count; i++) {
		vps[i].place = machine->state == MACHINE_RUNNING ? PLACE_RUNNING : PLACE_AWAY;
		if (event_create(&vps[i].event) == STATUS_OK)
			continue;
		vps_free(vps, count);
		return NULL;
	}
	return vps;
}

/* No gdb speaks, so that no VP has a debug state or is parked. */
static void machine_set(struct machine *machine, struct gdb_vp *vps)
{
	vps_free(gdb.vps, gdb.count);
	gdb.vps = vps;
	gdb.count = machine->config->vps;
	gdb.all_halt = false;
	gdb.breakpoints = (struct gdb_breakpoints){.memory = &byte_ops, .context = machine};
	gdb_server_init(&gdb.server, &target_ops, NULL);
	atomic_store(&gdb.machine, machine);
}

status_t gdb_attach(struct machine *machine)
{
	struct gdb_vp *vps;
	status_t status;

	if (atomic_load(&gdb.machine) == machine)
		return STATUS_OK;
	vps = vps_create(machine);
	if (!vps)
		return STATUS_NO_MEMORY;
	mutex_lock(&gdb.lock);
	status = gdb.server.attached || !all_at_large() ? STATUS_BUSY : STATUS_OK;
	if (status == STATUS_OK)
		machine_set(machine, vps);
	mutex_unlock(&gdb.lock);
	if (status != STATUS_OK)
		vps_free(vps, machine->config->vps);
	else
		status = server_start();
	if (status == STATUS_OK)
		log_info("gdb: %s at %s", machine->config->name, GDB_LINE);
	return status;
}

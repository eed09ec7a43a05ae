/* SPDX-License-Identifier: MIT */
/* The threads that run virtual processors, and what becomes of a VP that halts. */
#include <string.h>
#include <gdb/gdb.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/model.h>
#include <lib/run.h>
#include <vmm/machine.h>
#include <vmm/vmm.h>

#define ERROR_SIZE 384u

void processor_crash(struct processor *processor)
{
	struct machine *machine = processor->machine;

	processor_dump(processor);
	mutex_lock(&machine->lock);
	machine_power_request(machine, MACHINE_POWER_CRASH, 0);
	mutex_unlock(&machine->lock);
}

void processor_error(struct processor *processor, const char *format, ...)
{
	struct machine *machine = processor->machine;
	char text[ERROR_SIZE];
	va_list arguments;

	mutex_lock(&machine->lock);
	platform_flush(&machine->platform);
	mutex_unlock(&machine->lock);
	va_start(arguments, format);
	(void)format_text(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_error("%s: VP %u: %s", machine->config->name, processor->index, text);
}

status_t processor_no_memory(void *context)
{
	struct processor *processor = context;
	struct machine *machine = processor->machine;
	status_t status;

	mutex_lock(&machine->lock);
	status = machine_deposit(machine, 1);
	mutex_unlock(&machine->lock);
	return status;
}

/* ---- halts ---- */

/* What is said of it; what becomes of it is for the configuration to say. */
static void processor_triple_fault(struct processor *processor)
{
	struct machine *machine = processor->machine;

	processor_error(processor, "triple fault in VTL%u", processor->halt.vtl);
	if (machine->config->triple_fault == CONFIG_TRIPLE_FAULT_CRASH) {
		processor_crash(processor);
		return;
	}
	mutex_lock(&machine->lock);
	machine_power_request(machine, MACHINE_POWER_RESET, 0);
	mutex_unlock(&machine->lock);
}

static void processor_failed(struct processor *processor)
{
	const struct vp_halt *halt = &processor->halt;

	if (halt->status != STATUS_OK)
		processor_error(processor, "run: %s", status_words(halt->status));
	else if (processor->page->reason == VP_RUN_FAILED)
		processor_error(processor, "the processor refused the guest state (code %#llx)",
				(unsigned long long)processor->page->failed.code);
	processor_crash(processor);
}

/* By enum vp_halt_reason. Of the others whoever asked for them takes care, or <gdb/gdb.h>. */
static void (*const halt_handlers[])(struct processor *processor) = {
	[VP_HALT_TRIPLE_FAULT] = processor_triple_fault,
	[VP_HALT_FAILED] = processor_failed,
};

static void processor_loop(struct processor *processor)
{
	enum vp_halt_reason reason;

	gdb_begin(processor);
	do {
		processor_stay(processor);
	} while (gdb_halted(processor));
	reason = processor->halt.reason;
	if (reason < ARRAY_SIZE(halt_handlers) && halt_handlers[reason])
		halt_handlers[reason](processor);
}

/* Binds the VP to this thread; the account may have to grow for it. */
static status_t processor_bind(struct processor *processor)
{
	struct machine *machine = processor->machine;
	status_t status;

	/* Ends when it is bound or there is nothing more to deposit. */
	while ((status = vp_bind(machine->partition, processor->index, processor->page,
				 &processor->vp)) == STATUS_NO_MEMORY) {
		mutex_lock(&machine->lock);
		status = machine_deposit(machine, 1);
		mutex_unlock(&machine->lock);
		if (status != STATUS_OK)
			break;
	}
	return status;
}

static status_t processor_prepare(struct processor *processor)
{
	struct machine *machine = processor->machine;
	status_t status = STATUS_OK;

	processor->page->set = 0;
	processor_begin(processor);
	if (processor->index == 0 && !machine->resumes)
		status = processor_boot(processor, &machine->boot);
	return status;
}

/* Has the VP run on this thread, from its boot state or from where it was. */
static void processor_run(struct processor *processor, bool boot)
{
	struct machine *machine = processor->machine;
	status_t status = processor_bind(processor);

	if (status == STATUS_OK) {
		if (boot)
			status = processor_prepare(processor);
		if (status == STATUS_OK)
			processor_loop(processor);
		handle_close(processor->vp);
		processor->vp = HANDLE_NONE;
	}
	if (status == STATUS_OK)
		return;
	processor->halt = (struct vp_halt){.reason = VP_HALT_FAILED, .status = status};
	log_error("%s: VP %u: cannot be started: %s", machine->config->name, processor->index,
		  status_words(status));
	mutex_lock(&machine->lock);
	machine_power_request(machine, MACHINE_POWER_CRASH, 0);
	mutex_unlock(&machine->lock);
}

static void processor_main(void *argument)
{
	processor_run(argument, true);
}

static void processor_go_on(void *argument)
{
	processor_run(argument, false);
}

status_t processors_visit(struct machine *machine, const char *what,
			  status_t (*visit)(struct processor *processor))
{
	status_t status = STATUS_OK;

	for (uint32_t i = 0; i < machine->config->vps && status == STATUS_OK; i++) {
		struct processor *processor = &machine->processors[i];

		status = processor_bind(processor);
		if (status != STATUS_OK)
			break;
		status = visit(processor);
		handle_close(processor->vp);
		processor->vp = HANDLE_NONE;
	}
	if (status != STATUS_OK)
		log_error("%s: VPs: %s: %s", machine->config->name, what, status_words(status));
	return status;
}

static status_t processor_thread_start(struct processor *processor, void (*function)(void *))
{
	struct machine *machine = processor->machine;
	status_t status;

	processor->leaving = false;
	status = thread_start(processor->cpu, vmm_vp_priority(machine->config), function, processor,
			      &processor->thread);
	if (status != STATUS_OK)
		log_error("%s: VP %u: no thread: %s", machine->config->name, processor->index,
			  status_words(status));
	return status;
}

static status_t processor_reset(struct processor *processor)
{
	return vp_reset(processor->vp);
}

status_t processors_reset(struct machine *machine)
{
	return processors_visit(machine, "reset", processor_reset);
}

status_t processors_start(struct machine *machine)
{
	status_t status = STATUS_OK;

	/* All of them before one runs, which may halt all. */
	for (uint32_t i = 0; i < machine->config->vps; i++)
		vp_control_init(&machine->processors[i].control, machine->partition, i);
	for (uint32_t i = 0; i < machine->config->vps && status == STATUS_OK; i++)
		status = processor_thread_start(&machine->processors[i], processor_main);
	return status;
}

static void processor_join(struct processor *processor)
{
	if (processor->thread)
		thread_join(processor->thread);
	processor->thread = NULL;
}

void processors_stop(struct machine *machine)
{
	if (!machine->processors)
		return;
	for (uint32_t i = 0; i < machine->config->vps; i++)
		if (machine->processors[i].thread)
			(void)vp_ask_stop(&machine->processors[i].control);
	for (uint32_t i = 0; i < machine->config->vps; i++)
		processor_join(&machine->processors[i]);
}

/* A thread stays on its CPU, so a VP moves to another thread. All its state is in the kernel, and in
 * its run page. */
status_t processor_move(struct processor *processor, uint32_t cpu)
{
	uint32_t before = processor->cpu;
	status_t status;

	if (!gdb_lets_go(processor, 1))
		return STATUS_BUSY;
	(void)vp_ask_cancel(&processor->control);
	processor_join(processor);
	/* It has halted for good meanwhile: what comes of that is under way. */
	if (processor->halt.reason != VP_HALT_CANCEL)
		return STATUS_WRONG_STATE;
	processor->cpu = cpu;
	status = processor_thread_start(processor, processor_go_on);
	if (status == STATUS_OK)
		return STATUS_OK;
	processor->cpu = before;
	if (processor_thread_start(processor, processor_go_on) != STATUS_OK)
		processor_crash(processor);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * The threads that run virtual processors: run, see why the kernel came back, do it, run again.
 * The way of a port access through here is kept short.
 */
#include <string.h>
#include <emulator/processor_bits.h>
#include <firmware/platform.h>
#include <gdb/gdb.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/model.h>
#include <lib/run.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>
#include <vmm/vmm.h>

#define PIC_VECTOR_NONE 0x100u
#define ERROR_SIZE	384u

/* The guest can't go on; the machine's lock is not held. */
static void processor_crash(struct processor *processor)
{
	struct machine *machine = processor->machine;

	processor_dump(processor);
	mutex_lock(&machine->lock);
	machine_power_request(machine, MACHINE_POWER_CRASH, 0);
	mutex_unlock(&machine->lock);
}

static inline void processor_port_io(struct processor *processor)
{
	struct machine *machine = processor->machine;
	struct vp_run_page *page = processor->page;
	struct device_bus *bus = &machine->platform.bus;

	mutex_lock(&machine->lock);
	if (page->port.write)
		device_port_write(bus, page->port.port, page->port.size, page->port.value);
	else
		page->port.value = device_port_read(bus, page->port.port, page->port.size);
	mutex_unlock(&machine->lock);
}

static void processor_emulate_exit(struct processor *processor)
{
	if (!processor_emulate(processor))
		processor_crash(processor);
}

void processor_interrupt_ended(struct processor *processor, uint8_t vector)
{
	struct machine *machine = processor->machine;

	mutex_lock(&machine->lock);
	platform_eoi(&machine->platform, vector);
	mutex_unlock(&machine->lock);
}

static void processor_eoi(struct processor *processor)
{
	processor_interrupt_ended(processor, (uint8_t)processor->page->eoi.vector);
}

/* The 8259's request may have gone meanwhile; it answers a spurious vector then. */
static void processor_pic_vector(struct processor *processor)
{
	struct machine *machine = processor->machine;

	mutex_lock(&machine->lock);
	processor->page->pic.vector = machine->platform.pic.intr
					      ? platform_intr_acknowledge(&machine->platform)
					      : PIC_VECTOR_NONE;
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

/* What was asked of the loop is done; others ask by it for a look around. */
static void processor_yield(struct processor *processor)
{
	(void)processor;
}

/* A machine whose Hyper-V interface is ours (hyperv = vmm) has none: no leaf tells of one, and what would use
 * it faults as on a processor under no hypervisor. */
static void processor_synthetic_msr(struct processor *processor)
{
	processor->page->msr.fault = true;
}

static void processor_no_leaf(struct processor *processor)
{
	memset(processor->page->cpuid.value, 0, sizeof(processor->page->cpuid.value));
}

static void processor_hypercall(struct processor *processor)
{
	processor->page->event.vector = GUEST_VECTOR_UD;
	processor->page->event.has_error = false;
	processor->page->set = VP_SET_EVENT;
}

/* By enum vp_run_reason; the halts are the loop's, and what else is missing is not asked for by this
 * VMM. */
static void (*const exit_handlers[])(struct processor *processor) = {
	[VP_RUN_YIELD] = processor_yield,
	[VP_RUN_EMULATE] = processor_emulate_exit,
	[VP_RUN_EOI] = processor_eoi,
	[VP_RUN_PIC_VECTOR] = processor_pic_vector,
	[VP_RUN_MSR] = processor_synthetic_msr,
	[VP_RUN_CPUID] = processor_no_leaf,
	[VP_RUN_HYPERCALL] = processor_hypercall,
};

static bool processor_serve(void *context, uint32_t reason)
{
	struct processor *processor = context;

	if (reason < ARRAY_SIZE(exit_handlers) && exit_handlers[reason]) {
		exit_handlers[reason](processor);
		return true;
	}
	processor_error(processor, "unexpected reason %u to come back", reason);
	return false;
}

static status_t processor_no_memory(void *context)
{
	struct processor *processor = context;
	struct machine *machine = processor->machine;
	status_t status;

	mutex_lock(&machine->lock);
	status = machine_deposit(machine, 1);
	mutex_unlock(&machine->lock);
	return status;
}

static inline void processor_port_access(void *context)
{
	processor_port_io(context);
}

static const struct vp_run_ops run_ops = {
	.port_io = processor_port_access,
	.serve = processor_serve,
	.no_memory = processor_no_memory,
};

/* The same with APICs of ours, which may have something for the VP before it runs again. */
static void user_port_access(void *context)
{
	processor_port_io(context);
	user_apic_prepare(context);
}

static bool user_serve(void *context, uint32_t reason)
{
	if (!user_apic_serve(context, reason) && !processor_serve(context, reason))
		return false;
	user_apic_prepare(context);
	return true;
}

static const struct vp_run_ops user_run_ops = {
	.port_io = user_port_access,
	.serve = user_serve,
	.no_memory = processor_no_memory,
};

static __attribute__((noinline)) void user_run(struct processor *processor)
{
	user_apic_prepare(processor); /* for what came while it had no thread */
	vp_run_until(processor->vp, processor->page, &processor->control, &user_run_ops, processor,
		     &processor->halt);
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

static void processor_stay(struct processor *processor)
{
	if (processor->apic)
		user_run(processor);
	else
		vp_run_until(processor->vp, processor->page, &processor->control, &run_ops,
			     processor, &processor->halt);
}

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
	if (!processor->apic)
		processor->apic_base = PLATFORM_LOCAL_APIC_BASE;
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

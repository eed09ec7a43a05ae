/* SPDX-License-Identifier: MIT */
/*
 * The threads that run virtual processors: run, see why the kernel came back, do it, run again.
 * The way of a port access through here is kept short.
 */
#include <firmware/platform.h>
#include <lib/format.h>
#include <lib/log.h>
#include <lib/model.h>
#include <vmm/machine.h>
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

static void processor_triple_fault(struct processor *processor)
{
	processor_error(processor, "triple fault");
	processor_crash(processor);
}

static void processor_failed(struct processor *processor)
{
	processor_error(processor, "the processor refused the guest state (code %#llx)",
			(unsigned long long)processor->page->failed.code);
	processor_crash(processor);
}

/* Somebody wants this thread to look around: the loop does. */
static void processor_yield(struct processor *processor)
{
	(void)processor;
}

/* By enum vp_run_reason; what is missing is not asked for by this VMM. */
static void (*const exit_handlers[])(struct processor *processor) = {
	[VP_RUN_NONE] = processor_yield,
	[VP_RUN_PORT_IO] = processor_port_io,
	[VP_RUN_EMULATE] = processor_emulate_exit,
	[VP_RUN_EOI] = processor_eoi,
	[VP_RUN_PIC_VECTOR] = processor_pic_vector,
	[VP_RUN_YIELD] = processor_yield,
	[VP_RUN_TRIPLE_FAULT] = processor_triple_fault,
	[VP_RUN_FAILED] = processor_failed,
};

static void processor_exit(struct processor *processor)
{
	uint32_t reason = processor->page->reason;

	if (reason < ARRAY_SIZE(exit_handlers) && exit_handlers[reason]) {
		exit_handlers[reason](processor);
		return;
	}
	processor_error(processor, "unexpected reason %u to come back", reason);
	processor_crash(processor);
}

/* vp_run answered an error. True: it was dealt with. */
static bool processor_recover(struct processor *processor, status_t status)
{
	struct machine *machine = processor->machine;

	if (status == STATUS_NO_MEMORY) {
		mutex_lock(&machine->lock);
		status = machine_deposit(machine, 1);
		mutex_unlock(&machine->lock);
	}
	if (status == STATUS_OK)
		return true;
	processor_error(processor, "run: %s", status_words(status));
	return false;
}

static void processor_loop(struct processor *processor)
{
	struct machine *machine = processor->machine;
	status_t status;

	while (!atomic_load_explicit(&machine->stopping, memory_order_acquire)) {
		status = vp_run(processor->vp);
		if (likely(status == STATUS_OK && processor->page->reason == VP_RUN_PORT_IO))
			processor_port_io(processor);
		else if (status == STATUS_OK)
			processor_exit(processor);
		else if (!processor_recover(processor, status))
			processor_crash(processor);
	}
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
	processor->apic_base = PLATFORM_LOCAL_APIC_BASE;
	if (processor->index == 0 && !machine->resumes)
		status = processor_boot(processor, &machine->boot);
	return status;
}

static void processor_main(void *argument)
{
	struct processor *processor = argument;
	struct machine *machine = processor->machine;
	status_t status = processor_bind(processor);

	if (status == STATUS_OK) {
		status = processor_prepare(processor);
		if (status == STATUS_OK)
			processor_loop(processor);
		handle_close(processor->vp);
		processor->vp = HANDLE_NONE;
	}
	if (status == STATUS_OK)
		return;
	log_error("%s: VP %u: cannot be started: %s", machine->config->name, processor->index,
		  status_words(status));
	mutex_lock(&machine->lock);
	machine_power_request(machine, MACHINE_POWER_CRASH, 0);
	mutex_unlock(&machine->lock);
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
	uint32_t priority = vmm_vp_priority(machine->config);

	for (uint32_t i = 0; i < machine->config->vps; i++) {
		struct processor *processor = &machine->processors[i];
		status_t status = thread_start(processor->cpu, priority, processor_main, processor,
					       &processor->thread);

		if (status != STATUS_OK) {
			log_error("%s: VP %u: no thread: %s", machine->config->name, i,
				  status_words(status));
			return status;
		}
	}
	return STATUS_OK;
}

void processors_stop(struct machine *machine)
{
	atomic_store_explicit(&machine->stopping, true, memory_order_release);
	if (!machine->processors)
		return;
	/* Each thread sees `stopping` before it runs again, or its run is cut short here. */
	for (uint32_t i = 0; i < machine->config->vps; i++)
		if (machine->processors[i].thread)
			(void)vp_request_yield(machine->partition, i);
	for (uint32_t i = 0; i < machine->config->vps; i++) {
		if (machine->processors[i].thread)
			thread_join(machine->processors[i].thread);
		machine->processors[i].thread = NULL;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Running a VP: see why the kernel came back, do it, run again. The way of an access to a device through here is
 * kept short.
 */
#include <lib/log.h>
#include <lib/model.h>
#include <lib/run.h>
#include <lib/time.h>
#include <vmm/access.h>
#include <vmm/machine.h>

bool processor_mmio_read(struct processor *processor, gpa_t gpa, unsigned int size, uint64_t *value)
{
	struct machine *machine = processor->machine;
	bool served;

	mutex_lock(&machine->lock);
	served = device_mmio_try_read(&machine->platform.bus, gpa, size, value);
	mutex_unlock(&machine->lock);
	return served;
}

bool processor_mmio_write(struct processor *processor, gpa_t gpa, unsigned int size, uint64_t value)
{
	struct machine *machine = processor->machine;
	bool served;

	mutex_lock(&machine->lock);
	served = device_mmio_try_write(&machine->platform.bus, gpa, size, value);
	mutex_unlock(&machine->lock);
	/* Doorbells are where no device is; the kernel has found those that the processor tells of. */
	return served || machine_doorbell_ring(machine, DOORBELL_GPA, gpa, size, value);
}

void processor_abort(struct processor *processor, gpa_t gpa, bool write, const char *why)
{
	struct vp_run_page *page = processor->page;
	struct log_limit *limit = &processor->arch.aborts;
	uint32_t left_out;

	page->event.type = VP_EVENT_ABORT;
	page->set |= VP_SET_EVENT;
	if (!log_limit_pass(limit, time_now()))
		return;
	left_out = log_limit_left_out(limit);
	if (left_out)
		log_info("%s: VP %u: %u more aborts were not reported",
			 processor->machine->config->name, processor->index, left_out);
	log_info("%s: VP %u: %s gpa %#llx: %s", processor->machine->config->name, processor->index,
		 write ? "write to" : "read of", (unsigned long long)gpa, why);
}

/* VP_RUN_MMIO */
static void processor_mmio(void *context)
{
	struct processor *processor = context;
	struct vp_run_page *page = processor->page;
	gpa_t gpa = page->mmio.gpa;
	bool served;

	if (page->mmio.write)
		served = processor_mmio_write(processor, gpa, page->mmio.size, page->mmio.value);
	else
		served = processor_mmio_read(processor, gpa, page->mmio.size, &page->mmio.value);
	if (unlikely(!served))
		processor_abort(processor, gpa, page->mmio.write, "nothing is there");
}

static void processor_emulate_exit(struct processor *processor)
{
	if (!processor_emulate(processor))
		processor_crash(processor);
}

/* What was asked of the loop is done; others ask by it for a look around. */
static void processor_yield(struct processor *processor)
{
	(void)processor;
}

static void power_ask(struct processor *processor, enum machine_power power)
{
	struct machine *machine = processor->machine;

	mutex_lock(&machine->lock);
	machine_power_request(machine, power, 0);
	mutex_unlock(&machine->lock);
}

static void processor_system_off(struct processor *processor)
{
	power_ask(processor, MACHINE_POWER_OFF);
}

static void processor_system_reset(struct processor *processor)
{
	power_ask(processor, MACHINE_POWER_RESET);
}

/* A machine whose Hyper-V interface is ours (hyperv = vmm) has none: HVC is not an instruction there. */
static void processor_hypercall(struct processor *processor)
{
	processor->page->event.type = VP_EVENT_UNDEFINED;
	processor->page->set = VP_SET_EVENT;
}

/* By enum vp_run_reason; the halts are the loop's, and what else is missing is not asked for by this VMM. */
static void (*const exit_handlers[])(struct processor *processor) = {
	[VP_RUN_YIELD] = processor_yield,
	[VP_RUN_EMULATE] = processor_emulate_exit,
	[VP_RUN_HYPERCALL] = processor_hypercall,
	[VP_RUN_SYSTEM_OFF] = processor_system_off,
	[VP_RUN_SYSTEM_RESET] = processor_system_reset,
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

static const struct vp_run_ops run_ops = {
	.access = processor_mmio,
	.serve = processor_serve,
	.no_memory = processor_no_memory,
};

void processor_stay(struct processor *processor)
{
	vp_run_until(processor->vp, processor->page, &processor->control, &run_ops, processor,
		     &processor->halt);
}

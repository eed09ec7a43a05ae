/* SPDX-License-Identifier: MIT */
/*
 * Running a VP: see why the kernel came back, do it, run again. The way of a port access through here is
 * kept short.
 */
#include <string.h>
#include <emulator/processor_bits.h>
#include <lib/model.h>
#include <lib/run.h>
#include <vmm/interrupts.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

#define PIC_VECTOR_NONE 0x100u

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

static inline void processor_port_access(void *context)
{
	processor_port_io(context);
}

static const struct vp_run_ops run_ops = {
	.access = processor_port_access,
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
	.access = user_port_access,
	.serve = user_serve,
	.no_memory = processor_no_memory,
};

static __attribute__((noinline)) void user_run(struct processor *processor)
{
	user_apic_prepare(processor); /* for what came while it had no thread */
	vp_run_until(processor->vp, processor->page, &processor->control, &user_run_ops, processor,
		     &processor->halt);
}

void processor_stay(struct processor *processor)
{
	if (processor->arch.apic)
		user_run(processor);
	else
		vp_run_until(processor->vp, processor->page, &processor->control, &run_ops,
			     processor, &processor->halt);
}

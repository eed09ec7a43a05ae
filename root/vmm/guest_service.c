/* SPDX-License-Identifier: MIT */
/*
 * What a guest asks for by messages, signals and by telling of a crash is done by a thread beside its VPs, with
 * their priority: they can ask without a pause, from other CPUs, and take from who else uses this one no more
 * than one VP more would. The service thread, which stands above all VPs, has nothing to do with it.
 */
#include <lib/time.h>
#include <vmm/machine.h>
#include <vmm/vmbus.h>
#include <vmm/vmm.h>

static void guest_service(void *argument)
{
	struct machine *machine = argument;
	uint64_t bits;

	for (;;) {
		if (event_wait(machine->guest_event, TIME_NEVER, &bits) != STATUS_OK)
			continue;
		/* Of a machine that does not run there is nothing to be done. */
		machine_vmbus_serve(machine);
		machine_platform_serve(machine, bits);
		if (bits & MACHINE_CRASHED)
			machine_crash_report(machine);
	}
}

status_t machine_guest_service_start(struct machine *machine, uint32_t cpu)
{
	status_t status = event_create(&machine->guest_event);

	if (status == STATUS_OK)
		status = thread_start(cpu, vmm_vp_priority(machine->config), guest_service, machine,
				      &machine->guest_service);
	return status;
}

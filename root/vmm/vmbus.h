/* SPDX-License-Identifier: MIT */
/*
 * The VMBus of a machine with the Hyper-V interface: the server of <vmbus/vmbus.h>, its integration services, and
 * the ports by which it is reached. It is served by guest_service.c. When the machine is
 * saved it stays as it is, as the RAM does in which its rings lie; only its ports go and come back.
 */
#ifndef VMM_VMBUS_H
#define VMM_VMBUS_H

#include <vmbus/ic.h>
#include <vmm/machine.h>

struct machine_vmbus {
	struct machine *machine;
	struct vmbus bus;
	struct ic_services services;
	handle_t message_ports[2];
	struct log_limit complaints;
};

/* A step of a machine's creation: nothing if it has no Hyper-V interface of the kernel's. */
status_t machine_vmbus_create(struct machine *machine) __must_check;
/* Its ports go, before the partition does; and are there again, with the channels that are open. */
void machine_vmbus_detach(struct machine *machine);
void machine_vmbus_attach(struct machine *machine);
void machine_vmbus_destroy(struct machine *machine);
/* The guest starts anew; under the machine's lock. */
void machine_vmbus_reset(struct machine *machine);
/* The guest has sent or signalled something. */
void machine_vmbus_serve(struct machine *machine);

/* What the guest has sent is kept, as its ports go; under the machine's lock. NO_MEMORY: it is served as ever. */
status_t machine_vmbus_hold(struct machine *machine) __must_check;
/* The guest has ended, or begins anew. True: it was asked to shut down. */
bool machine_vmbus_ended(struct machine *machine);

/* ---- what a person asks of a guest; not in the machine's threads ---- */

/* Asks the guest to shut down; what becomes of that is logged. NOT_SUPPORTED, WRONG_STATE: it cannot be asked; ALREADY_EXISTS: it was,
 * and has not done it yet; BUSY: it takes no question now. */
status_t machine_shut_down(struct machine *machine);
/* Asks for keys and values, and waits for the answer until that system time. NOT_SUPPORTED: it cannot be asked;
 * TIMED_OUT; else as struct ic_kvp_request has it. */
status_t machine_kvp(struct machine *machine, struct ic_kvp_request *request, uint64_t limit);

#endif

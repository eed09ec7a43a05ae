/* SPDX-License-Identifier: MIT */
/*
 * A gdb at the host's second serial port debugs one machine: docs/debugging.md. While it has the machine
 * stopped, each VP's thread waits in gdb_halted(), with the VP's state laid out for the server, which runs on
 * a thread of its own.
 */
#ifndef GDB_GDB_H
#define GDB_GDB_H

#include <vmm/machine.h>

/* From now on this machine is what gdb finds there. BUSY: one debugs another machine, or the port is the
 * console. NOT_FOUND: there is no such port. Called by the main thread only. */
status_t gdb_attach(struct machine *machine) __must_check;
/* The machine has a debugger at the port; its VPs stay on their CPUs. */
bool gdb_is_attached(const struct machine *machine);

/* ---- for VPs' threads ---- */

/* Before a VP runs on this thread. */
void gdb_begin(struct processor *processor);
/* It has halted. True: that was the debugger's affair, and it may run again. */
bool gdb_halted(struct processor *processor);

#endif

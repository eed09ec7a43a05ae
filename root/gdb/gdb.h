/* SPDX-License-Identifier: MIT */
/*
 * A gdb at the host's second serial line debugs one machine: docs/debugging.md. While it has the machine
 * stopped, each VP's thread waits in gdb_halted(), with the VP's state laid out for the server, which runs on
 * a thread of its own.
 */
#ifndef GDB_GDB_H
#define GDB_GDB_H

#include <vmm/machine.h>

/* From now on this machine is what gdb finds there. BUSY: one debugs another machine, or the port is the
 * console. NOT_FOUND: there is no such port. Called by the main thread only. */
status_t gdb_attach(struct machine *machine) __must_check;
/* Before VPs of one machine are cancelled for good: they leave their threads, for others or none, and what a gdb
 * that comes meanwhile wants of them waits for gdb_begin(). False: there is one already, and they stay. */
bool gdb_lets_go(struct processor *processors, uint32_t count) __must_check;

/* ---- for VPs' threads ---- */

/* Before a VP runs on this thread. */
void gdb_begin(struct processor *processor);
/* It has halted. True: that was the debugger's affair, and it may run again. */
bool gdb_halted(struct processor *processor);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a prompt at the host's console, at which a person sees and steers the machines.
 * Called by the main thread only.
 */
#ifndef VMM_MONITOR_H
#define VMM_MONITOR_H

#include <trivet/types.h>
#include <vmm/machine.h>

/* Gives the host's console to the monitor and shows the prompt. */
void monitor_enter(void);
/* A byte typed while the monitor has the console. */
void monitor_key(uint8_t byte);
/* Gives the console to a machine, and says so. */
void monitor_show(struct machine *machine);
/* What the keys behind the prefix do. */
void monitor_keys_help(void);

/* ---- vmm/commands.c ---- */

/* Carries out a line. */
void command_execute(char *line);

/* ---- vmm/kvp.c ---- */

/* As each command whose arguments are more than a machine: words[0] is the command, NULL the last; false: that is no
 * use of it. */
bool kvp_execute(char *const words[]);

#endif

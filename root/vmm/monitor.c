/* SPDX-License-Identifier: MIT */
/*
 * The monitor's dialogue.
 */
#include <lib/log.h>
#include <vmm/line_editor.h>
#include <vmm/monitor.h>

#define PROMPT "trivet> "

static struct line_editor editor;

static void prompt(void)
{
	line_editor_reset(&editor);
	print(PROMPT);
}

void monitor_enter(void)
{
	console_focus_set(NULL);
	print("\n");
	log_info("monitor: \"help\" lists the commands");
	prompt();
}

void monitor_key(uint8_t byte)
{
	char echo[LINE_ECHO_MAX];
	bool complete = line_editor_key(&editor, byte, echo);

	print("%s", echo);
	if (!complete)
		return;
	command_execute(editor.text);
	/* A command may have given the console away. */
	if (!console_focus())
		prompt();
}

void monitor_show(struct machine *machine)
{
	print("\n");
	log_info("console of %s (Ctrl-T ? for help)", machine->config->name);
	console_focus_set(&machine->console);
}

void monitor_keys_help(void)
{
	print("\n");
	log_info("Ctrl-T 1..9: console of that machine; Ctrl-T m: monitor; "
		 "Ctrl-T Ctrl-T: the key itself");
	for (size_t i = 0; i < machine_count; i++)
		log_info("  %u %s: %s", machines[i].number, machines[i].config->name,
			 machine_state_name(&machines[i]));
}

/* SPDX-License-Identifier: MIT */
/*
 * The monitor's commands: one table.
 */
#include <stdlib.h>
#include <string.h>
#include <gdb/gdb.h>
#include <gdb/registers.h>
#include <lib/libc.h>
#include <lib/log.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/time.h>
#include <vmm/inspect.h>
#include <vmm/line_editor.h>
#include <vmm/monitor.h>
#include <vmm/vmbus.h>
#include <vmm/vmm.h>

typedef unsigned long long ull;

struct command {
	const char *name;
	const char *arguments; /* for help; "" if none */
	const char *words;
	void (*execute)(struct machine *machine);
	bool needs_machine; /* the argument names one; without: it may be missing (NULL) */
};

/* A command whose arguments are not just a machine. */
struct word_command {
	const char *name;
	const char *arguments;
	const char *words;
	/* words[0] is the command, NULL the last. False: that is no use of it. */
	bool (*execute)(char *const words[]);
};

static void list_execute(struct machine *only)
{
	(void)only;
	for (size_t i = 0; i < machine_count; i++) {
		const struct machine *machine = &machines[i];

		print("%2u %-16s %-12s %3u VPs %6llu MiB%s\n", machine->number,
		      machine->config->name, machine_state_name(machine), machine->config->vps,
		      (ull)machine->config->memory >> 20,
		      machine->config->hyperv == CONFIG_HYPERV_ON ? " hyperv" : "");
	}
}

static void command_run(struct machine *machine, uint64_t command, const char *done)
{
	status_t status = machine_command(machine, command);

	if (status == STATUS_OK)
		print("%s: %s\n", machine->config->name, done);
	else if (status == STATUS_WRONG_STATE)
		print("%s is %s\n", machine->config->name, machine_state_name(machine));
	else
		print("%s: %s\n", machine->config->name, status_words(status));
}

static void start_execute(struct machine *machine)
{
	command_run(machine, MACHINE_START, "running");
}

/* A guest that can be asked shuts itself down, which is told of in the log; what else runs is switched off. */
static bool stop_execute(char *const words[])
{
	struct machine *machine = words[1] ? machine_find(words[1]) : NULL;
	bool now = words[1] && words[2] && strcmp(words[2], "now") == 0;
	status_t status = STATUS_NOT_SUPPORTED;

	if (!words[1] || (words[2] && (!now || words[3])))
		return false;
	if (!machine) {
		print("no machine \"%s\"; \"list\" shows them\n", words[1]);
		return true;
	}
	if (!now)
		status = machine_shut_down(machine);
	if (status == STATUS_OK)
		print("%s: asked to shut down\n", machine->config->name);
	else if (status == STATUS_ALREADY_EXISTS || status == STATUS_BUSY)
		print("%s: %s; \"stop %s now\" switches it off\n", machine->config->name,
		      status == STATUS_BUSY ? "takes no question now"
					    : "was asked to shut down, and has not done it yet",
		      machine->config->name);
	else
		command_run(machine, MACHINE_STOP, "stopped");
	return true;
}

static void reset_execute(struct machine *machine)
{
	command_run(machine, MACHINE_RESET, "reset");
}

static void destroy_execute(struct machine *machine)
{
	command_run(machine, MACHINE_DESTROY, "destroyed");
}

static void save_execute(struct machine *machine)
{
	command_run(machine, MACHINE_SAVE, "saved");
}

static void restore_execute(struct machine *machine)
{
	command_run(machine, MACHINE_RESTORE, "running");
}

static void console_execute(struct machine *machine)
{
	monitor_show(machine);
}

static void gdb_execute(struct machine *machine)
{
	status_t status = gdb_attach(machine);

	if (status != STATUS_OK)
		print("%s: gdb: %s\n", machine->config->name, status_words(status));
}

static void vp_stats_print(const struct machine *machine, uint32_t index)
{
	struct vp_stats stats;
	status_t status = vp_stats(machine->partition, index, &stats);
	size_t i = 0;

	if (status != STATUS_OK) {
		print("%s: VP %u: %s\n", machine->config->name, index, status_words(status));
		return;
	}
	print("%s: VP %u: %llu returns to the VMM, %llu interrupts, %llu Mticks on a CPU\n",
	      machine->config->name, index, (ull)stats.returns_to_vmm,
	      (ull)stats.injected_interrupts, (ull)stats.loaded_ticks / 1000000);
	for (const char *name = inspect_exit_names; *name; name += strlen(name) + 1, i++)
		if (stats.exits[i])
			print("  %-18s %12llu\n", name, (ull)stats.exits[i]);
}

static void stats_execute(struct machine *only)
{
	for (size_t i = 0; i < machine_count; i++) {
		struct machine *machine = &machines[i];

		if ((only && machine != only) || machine->partition == HANDLE_NONE)
			continue;
		for (uint32_t vp = 0; vp < machine->config->vps; vp++)
			vp_stats_print(machine, vp);
	}
}

static void account_print(const char *name, handle_t handle)
{
	struct memory_info info;

	if (memory_info(handle, &info) == STATUS_OK)
		print("%-18s %8llu KiB, %llu KiB free\n", name, (ull)info.pages_total * 4,
		      (ull)info.pages_free * 4);
}

static void memory_execute(struct machine *only)
{
	uint64_t free, total;

	(void)only;
	memory_totals(&free, &total);
	print("%-18s %8llu KiB, %llu KiB free, %llu KiB in its heap\n", "root task",
	      (ull)total >> 10, (ull)free >> 10, (ull)heap_used() >> 10);
	account_print("kernel", HANDLE_NONE);
	for (size_t i = 0; i < machine_count; i++)
		if (machines[i].partition != HANDLE_NONE)
			account_print(machines[i].config->name, machines[i].partition);
}

/* What was logged until now. Writing it logs it again, so the end is fixed before. */
static void log_execute(struct machine *only)
{
	const size_t size = KIB(64);
	char *text = malloc(size);
	uint64_t position = 0;
	size_t length = 0, taken = 0;

	(void)only;
	if (!text) {
		print("%s\n", status_words(STATUS_NO_MEMORY));
		return;
	}
	/* Ends when the buffer is full or the log has no more. */
	while (length < size &&
	       log_read(position + length, text + length, size - length, &taken) == STATUS_OK &&
	       taken)
		length += taken;
	(void)console_write(text, length);
	print("\n");
	free(text);
}

/* A number, with nothing behind it. */
static bool number_parse(const char *word, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (!word || *word < '0' || *word > '9')
		return false;
	value = strtoul(word, &end, 10);
	*number = (uint32_t)value;
	return !*end && value <= UINT32_MAX;
}

static bool move_execute(char *const words[])
{
	struct machine *machine = words[1] ? machine_find(words[1]) : NULL;
	uint32_t vp, cpu;
	status_t status;

	if (!words[1] || !number_parse(words[2], &vp) || !number_parse(words[3], &cpu) || words[4])
		return false;
	if (!machine) {
		print("no machine \"%s\"; \"list\" shows them\n", words[1]);
		return true;
	}
	status = machine_move(machine, vp, cpu);
	if (status == STATUS_OK)
		print("%s: VP %u: on CPU %u\n", machine->config->name, vp, cpu);
	else if (status == STATUS_NOT_FOUND)
		print("%s: there is no VP %u or no CPU %u\n", machine->config->name, vp, cpu);
	else if (status == STATUS_WRONG_STATE)
		print("%s is %s\n", machine->config->name, machine_state_name(machine));
	else
		print("%s: %s\n", machine->config->name, status_words(status));
	return true;
}

/* All of a short path would be long. */
static bool inspect_execute(char *const words[])
{
	char *end = "";
	unsigned long depth = 1;

	if (words[1] && words[2]) {
		depth = strtoul(words[2], &end, 10);
		if (words[3] || *end || depth > INSPECT_LEVELS_MAX)
			return false;
	}
	inspect_print_tree(words[1] ? words[1] : "", words[1] ? (uint32_t)depth : 0);
	return true;
}

static bool profile_execute(char *const words[])
{
	const struct machine *machine = words[1] ? machine_find(words[1]) : NULL;
	status_t status = STATUS_OK;
	bool on;

	if (!words[1] || !words[2] || words[3])
		return false;
	on = strcmp(words[2], "on") == 0;
	if (!on && strcmp(words[2], "off") != 0)
		return false;
	if (!machine || machine->state == MACHINE_EMPTY) {
		print("no machine \"%s\" that has been started\n", words[1]);
		return true;
	}
	for (uint32_t vp = 0; vp < machine->config->vps && status == STATUS_OK; vp++)
		status = vp_profile(machine->partition, vp, on);
	print("%s: %s\n", machine->config->name,
	      status == STATUS_OK ? (on ? "profile on" : "profile off") : status_words(status));
	return true;
}

static void quit_execute(struct machine *machine)
{
	(void)machine;
	(void)system_end(SYSTEM_END_POWER_OFF, 0);
}

static void help_execute(struct machine *machine);

static const struct command commands[] = {
	{"help", "", "this list", help_execute, false},
	{"list", "", "the machines and what they do", list_execute, false},
	{"start", "NAME", "start a machine that does not run", start_execute, true},
	{"reset", "NAME", "restart a machine", reset_execute, true},
	{"destroy", "NAME", "stop a machine and give back what it has", destroy_execute, true},
	{"save", "NAME", "stop a machine for a while and keep its state", save_execute, true},
	{"restore", "NAME", "have a saved machine go on", restore_execute, true},
	{"console", "NAME", "go to a machine's console", console_execute, true},
	{"gdb", "NAME", "let gdb debug a machine at " GDB_LINE, gdb_execute, true},
	{"stats", "[NAME]", "exits by VP and kind", stats_execute, false},
	{"memory", "", "who has how much memory", memory_execute, false},
	{"log", "", "messages since the start", log_execute, false},
	{"quit", "", "switch the whole machine off", quit_execute, false},
};

static const struct word_command word_commands[] = {
	{"stop", "NAME [now]", "have a guest shut down, or switch it off", stop_execute},
	{"kvp", "NAME [...]", "what the guest tells of itself; \"kvp\" says more", kvp_execute},
	{"move", "NAME VP CPU", "have a VP go on on another CPU", move_execute},
	{"inspect", "[PATH] [DEPTH]", "what is there, as a tree", inspect_execute},
	{"profile", "NAME on|off", "count the time that exits take", profile_execute},
};

static void help_execute(struct machine *machine)
{
	(void)machine;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		print("%-8s %-14s %s\n", commands[i].name, commands[i].arguments,
		      commands[i].words);
	for (size_t i = 0; i < ARRAY_SIZE(word_commands); i++)
		print("%-8s %-14s %s\n", word_commands[i].name, word_commands[i].arguments,
		      word_commands[i].words);
	print("NAME is a machine's name or number.\n");
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* False: it is none of those. */
static bool word_command_execute(char *const words[])
{
	for (size_t i = 0; i < ARRAY_SIZE(word_commands); i++) {
		const struct word_command *command = &word_commands[i];

		if (strcmp(command->name, words[0]) != 0)
			continue;
		if (!command->execute(words))
			print("usage: %s %s\n", command->name, command->arguments);
		return true;
	}
	return false;
}

void command_execute(char *line)
{
	char *words[LINE_MAX_WORDS + 1];
	size_t count = line_words(line, words);
	const struct command *command;
	struct machine *machine = NULL;

	if (count == 0)
		return;
	words[count] = NULL;
	if (word_command_execute(words))
		return;
	command = command_find(words[0]);
	if (!command) {
		print("no command \"%s\"; \"help\" lists them\n", words[0]);
		return;
	}
	if (count > 2 || (count == 2 && !*command->arguments) ||
	    (count == 1 && command->needs_machine)) {
		print("usage: %s %s\n", command->name, command->arguments);
		return;
	}
	if (count == 2) {
		machine = machine_find(words[1]);
		if (!machine) {
			print("no machine \"%s\"; \"list\" shows them\n", words[1]);
			return;
		}
	}
	command->execute(machine);
}

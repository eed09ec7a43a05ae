/* SPDX-License-Identifier: MIT */
/*
 * Crashes that a guest tells of by its Hyper-V interface: what it wrote into the crash registers, and its text,
 * line by line. The text is the guest's: whatever may be in it, here it is printable. Runs on the guest's service
 * thread, and on the one that ends the machine.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <lib/time.h>
#include <trivet/hv/msr.h>
#include <vmm/machine.h>

#define LINE_MAX  160u
#define LINES_MAX 100u /* that are printed of a crash */

status_t machine_crash_watch(struct machine *machine)
{
	status_t status;

	if (machine->config->hyperv != CONFIG_HYPERV_ON)
		return STATUS_OK;
	/* Ends when it is done or there is nothing more to deposit. */
	while ((status = partition_crash_bind(machine->partition, machine->guest_event,
					      MACHINE_CRASHED)) == STATUS_NO_MEMORY) {
		status = machine_deposit(machine, 1);
		if (status != STATUS_OK)
			break;
	}
	return status;
}

/* The next line of the text, without what is not printable; what is too long goes on in another. */
static const char *line_take(const char *text, const char *end, char line[LINE_MAX + 1])
{
	size_t length = 0;

	for (; text < end && length < LINE_MAX; text++) {
		if (*text == '\n' || !*text)
			break;
		if (*text != '\r')
			line[length++] = *text >= ' ' && *text <= '~' ? *text : '?';
	}
	line[length] = 0;
	return text < end && (*text == '\n' || !*text) ? text + 1 : text;
}

static void text_print(const struct machine *machine, const struct partition_crash *crash)
{
	const char *text = crash->text, *end = text + crash->text_size;
	char line[LINE_MAX + 1];

	for (unsigned int lines = 0; text < end && *text && lines < LINES_MAX; lines++) {
		text = line_take(text, end, line);
		log_info("%s: | %s", machine->config->name, line);
	}
	if (text < end && *text)
		log_info("%s: | ...", machine->config->name);
}

static void crash_print(struct machine *machine, const struct partition_crash *crash)
{
	const uint64_t *p = crash->parameter;
	uint32_t left_out = log_limit_left_out(&machine->crashes);

	if (left_out)
		log_info("%s: %u more crashes were not reported", machine->config->name, left_out);
	log_warning("%s: the guest tells that it has crashed, by VP %u: %llx %llx %llx %llx %llx",
		    machine->config->name, crash->vp, (unsigned long long)p[0],
		    (unsigned long long)p[1], (unsigned long long)p[2], (unsigned long long)p[3],
		    (unsigned long long)p[4]);
	text_print(machine, crash);
}

/* The last one. False: it was told of before, or is none, or too many were. The lock is held. */
static bool crash_take(struct machine *machine, struct partition_crash *crash)
{
	if (machine->state != MACHINE_RUNNING ||
	    partition_crash_get(machine->partition, crash) != STATUS_OK ||
	    crash->count == machine->crashes_told)
		return false;
	machine->crashes_told = crash->count;
	return log_limit_pass(&machine->crashes, time_now());
}

/* Who comes while another tells waits until that has been told: it may be about to end the machine. */
void machine_crash_report(struct machine *machine)
{
	struct partition_crash *crash;
	bool take;

	if (machine->config->hyperv != CONFIG_HYPERV_ON)
		return;
	crash = malloc(sizeof(*crash));
	if (!crash)
		return;
	mutex_lock(&machine->crash_telling);
	mutex_lock(&machine->lock);
	take = crash_take(machine, crash);
	mutex_unlock(&machine->lock);
	if (take)
		crash_print(machine, crash);
	mutex_unlock(&machine->crash_telling);
	free(crash);
}

/* SPDX-License-Identifier: MIT */
/*
 * The tree's top, and the tree as the monitor shows it. Partitions have their machines' names; a machine
 * that owns none is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <vmm/inspect.h>
#include <vmm/machine.h>
#include <vmm/vmm.h>

#define NAME_WIDTH 20

/* ---- the top ---- */

static bool machine_list(void *context, const void *above, uint32_t number,
			 char name[INSPECT_NAME_MAX])
{
	(void)context;
	(void)above;
	if (number >= machine_count)
		return false;
	inspect_print(name, INSPECT_NAME_MAX, "%s", machines[number].config->name);
	return true;
}

static const void *partition_open(void *context, const void *above, uint32_t number)
{
	struct inspect_context *in = context;
	struct machine *machine = &machines[number];

	(void)above;
	if (machine->state == MACHINE_EMPTY)
		return NULL;
	in->kernel.partition = machine->partition;
	return inspect_partition_look(&in->kernel);
}

static const struct inspect_directory *const partition_children[] = {&inspect_mappings,
								     &inspect_vps, NULL};

static const struct inspect_directory partitions = {.name = "partition",
						    .list = machine_list,
						    .open = partition_open,
						    .rows = inspect_partition_rows,
						    .row_count = INSPECT_PARTITION_ROWS,
						    .children = partition_children};

static const void *guest_open(void *context, const void *above, uint32_t number)
{
	struct inspect_context *in = context;
	struct machine *machine = &machines[number];
	bool has_devices;

	(void)above;
	mutex_lock(&machine->lock);
	has_devices = machine->has_devices;
	if (has_devices)
		in->devices = machine->platform;
	inspect_vmbus_look(machine, &in->vmbus);
	mutex_unlock(&machine->lock);
	return has_devices ? in : NULL;
}

static const struct inspect_directory *const guest_children[] = {&inspect_devices, &inspect_vmbus,
								 NULL};
static const struct inspect_directory guests = {
	.name = "guest", .list = machine_list, .open = guest_open, .children = guest_children};

static const struct inspect_directory *const top_children[] = {
	&inspect_boot, &inspect_svm, &inspect_vmx, &inspect_cpus, &partitions, &guests, NULL};
const struct inspect_directory inspect_top = {
	.name = "",
	.rows = inspect_system_rows,
	.row_count = INSPECT_SYSTEM_ROWS,
	.children = top_children,
};

/* ---- the monitor's command ---- */

static bool item_print(void *argument, const struct inspect_item *item)
{
	char text[INSPECT_TEXT_MAX];
	int indent = 2 * (int)item->depth;

	(void)argument;
	inspect_text(item, text);
	if (item->kind == INSPECT_DIRECTORY)
		print("%*s%s/\n", indent, "", item->name);
	else
		print("%*s%-*s %s\n", indent, "", NAME_WIDTH, item->name, text);
	return true;
}

static bool name_print(void *argument, const struct inspect_item *item)
{
	(void)argument;
	print(" %s", item->name);
	return true;
}

/* Which part of the path is not there, and what is in its place. */
static void lost_print(struct inspect_context *in, const char *path,
		       const struct inspect_lost *lost)
{
	char above[INSPECT_PATH_MAX + 1];
	struct inspect_lost again;

	memcpy(above, path, lost->at);
	above[lost->at] = '\0';
	print("no \"%.*s\" in \"%s\"; there is:", (int)lost->length, path + lost->at, above);
	if (inspect_walk(&inspect_top, in, above, 0, name_print, NULL, &again) != STATUS_OK)
		print(" nothing any more");
	print("\n");
}

void inspect_print_tree(const char *path, uint32_t depth)
{
	struct inspect_context *in = calloc(1, sizeof(*in));
	status_t status = STATUS_NO_MEMORY;
	struct inspect_lost lost;

	if (in) {
		in->kernel.boot = vmm_boot_info;
		(void)inspect_system_look(&in->kernel);
		status = inspect_walk(&inspect_top, in, path, depth, item_print, NULL, &lost);
	}
	if (status == STATUS_NOT_FOUND)
		lost_print(in, path, &lost);
	else if (status != STATUS_OK)
		print("%s\n", status_words(status));
	free(in);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a machine's RAM holds at its start: the firmware's tables, the kernel, and the files that
 * go with it, all from the bundle.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <loader/loader.h>
#include <vmm/machine.h>
#include <vmm/vmm.h>

/* Finds a file of the bundle; what: "kernel", "initrd", ... for the message. */
static status_t file_get(const struct machine *machine, const char *what, const char *name,
			 const char *arguments, struct load_file *file)
{
	struct bundle_file found;
	status_t status = vmm_file_find(name, &found);

	if (status != STATUS_OK) {
		log_error("%s: %s \"%s\": %s", machine->config->name, what, name,
			  status == STATUS_NOT_FOUND ? "no such file in the bundle"
						     : status_words(status));
		return status;
	}
	*file = (struct load_file){
		.data = found.data, .size = found.size, .name = name, .arguments = arguments};
	return STATUS_OK;
}

static status_t files_get(const struct machine *machine, struct load_request *request,
			  struct load_file *modules)
{
	const struct config_partition *config = machine->config;
	status_t status = file_get(machine, "kernel", config->kernel, "", &request->kernel);

	if (status == STATUS_OK && config->initrd)
		status = file_get(machine, "initrd", config->initrd, "", &request->initrd);
	for (size_t i = 0; i < config->module_count && status == STATUS_OK; i++)
		status = file_get(machine, "module", config->modules[i].file,
				  config->modules[i].arguments, &modules[i]);
	return status;
}

static status_t kernel_start_prepare(struct machine *machine, struct load_file *modules)
{
	const struct config_partition *config = machine->config;
	struct load_request request = {
		.memory = &machine->memory,
		.layout = &machine->layout,
		.initrd = {.name = "", .arguments = ""},
		.cmdline = config->cmdline,
		.modules = modules,
		.module_count = config->module_count,
	};
	struct load_error error;
	status_t status = files_get(machine, &request, modules);

	if (status == STATUS_OK)
		status = machine_describe(machine, &request);
	if (status != STATUS_OK)
		return status;
	if (kernel_load(&request, &machine->boot, &error) == LOAD_OK)
		return STATUS_OK;
	log_error("%s: kernel %s", config->name, error.message);
	return STATUS_BAD_FORMAT;
}

status_t machine_load(struct machine *machine)
{
	size_t count = machine->config->module_count;
	struct load_file *modules = calloc(count + 1, sizeof(*modules));
	status_t status;

	if (!modules)
		return STATUS_NO_MEMORY;
	status = kernel_start_prepare(machine, modules);
	free(modules);
	return status;
}

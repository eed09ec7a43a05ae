/* SPDX-License-Identifier: MIT */
/*
 * Placing of modules. An empty module takes no RAM, but has an address.
 */
#include <loader/modules.h>

#include <loader/boot_data.h>

static bool has_initrd(const struct load_request *request)
{
	return request->initrd.data != NULL;
}

size_t modules_count(const struct load_request *request)
{
	return request->module_count + has_initrd(request);
}

static const struct load_file *module_get(const struct load_request *request, size_t index)
{
	if (!has_initrd(request))
		return &request->modules[index];
	return index == 0 ? &request->initrd : &request->modules[index - 1];
}

enum load_result module_place(struct placement *placement, size_t index, gpa_t lowest,
			      struct module_placed *placed)
{
	const struct load_file *module = module_get(placement->request, index);
	const struct placement_wish wish = {
		.size = MAX(module->size, 1),
		.alignment = PAGE_SIZE,
		.lowest = lowest,
		.limit = LAYOUT_DEVICE_BASE,
		.what = "a module",
	};
	enum load_result result = placement_find(placement, &wish, &placed->gpa);

	if (result != LOAD_OK)
		return result;
	placed->size = module->size;
	if (guest_memory_write(placement->request->memory, placed->gpa, module->data,
			       module->size) != STATUS_OK)
		return load_fail(placement->request, placement->error, LOAD_OUT_OF_RAM,
				 "RAM is missing");
	return boot_data_string(placement, module->name, module->arguments, "a module's string",
				&placed->string);
}

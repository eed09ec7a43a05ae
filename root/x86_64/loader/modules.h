/* SPDX-License-Identifier: MIT */
/*
 * The files beside a kernel, as multiboot and PVH kernels get them: the initrd, if there is one,
 * then the modules, each at a page of its own with a string "name arguments".
 */
#ifndef LOADER_MODULES_H
#define LOADER_MODULES_H

#include <loader/placement.h>

/* Initrd and modules together. */
size_t modules_count(const struct load_request *request);

struct module_placed {
	gpa_t gpa;
	uint64_t size;
	gpa_t string;
};

/* Places module number index at or above lowest, below 4 GiB; what placement_find() says. */
enum load_result module_place(struct placement *placement, size_t index, gpa_t lowest,
			      struct module_placed *placed) __must_check;

#endif

/* SPDX-License-Identifier: MIT */
/* A guest's memory in which gdb puts its breakpoints. */
#ifndef TESTS_UNIT_GDB_MEMORY_H
#define TESTS_UNIT_GDB_MEMORY_H

#include <gdb/breakpoints.h>

static uint8_t memory[64];

static bool byte_read(void *context, gpa_t gpa, uint8_t *byte)
{
	(void)context;
	if (gpa >= sizeof(memory))
		return false;
	*byte = memory[gpa];
	return true;
}

static bool byte_write(void *context, gpa_t gpa, uint8_t byte)
{
	(void)context;
	if (gpa >= sizeof(memory))
		return false;
	memory[gpa] = byte;
	return true;
}

static const struct gdb_memory_ops memory_ops = {.read = byte_read, .write = byte_write};

#endif

/* SPDX-License-Identifier: MIT */
/* The table of gdb's registers, which each architecture has: gdb/registers.c, below its name. */
#ifndef GDB_ROWS_H
#define GDB_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct gdb_row {
	const char *name; /* with a %u for the number if there are more */
	const char *type; /* gdb's */
	uint8_t size;
	uint8_t source; /* where its value is, and where there: the architecture's */
	uint16_t place;
	uint8_t count;	     /* of registers, 0 as 1 */
	const char *feature; /* begins here */
	uint8_t bytes;	     /* that the source has, if it is fewer than the size */
	uint8_t step;	     /* from one place to the next */
};

/* In gdb's order of features, and its order within them. */
extern const struct gdb_row gdb_rows[];
extern const size_t gdb_row_count;
extern const char gdb_architecture[]; /* by gdb's name */

/* The row of a number, and which of its registers that is. NULL: there is none. */
const struct gdb_row *gdb_row_find(size_t number, unsigned *index);

#endif

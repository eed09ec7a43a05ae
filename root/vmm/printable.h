/* SPDX-License-Identifier: MIT */
/* What a guest tells, for a person's terminal. Pure. */
#ifndef VMM_PRINTABLE_H
#define VMM_PRINTABLE_H

#include <trivet/types.h>

#define PRINTABLE_MOST 16u /* bytes that one character of the text may become */

/*
 * Writes the text, as far as `size` bytes hold it with a NUL, which are more than PRINTABLE_MOST, and answers where it
 * goes on; at its end, that there is nothing. Characters that are printed stand for themselves. Each byte of others,
 * and of what is not UTF-8, becomes \xNN, and a backslash two.
 */
const char *printable_write(char *to, size_t size, const char *text);

#endif

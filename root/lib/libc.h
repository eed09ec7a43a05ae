/* SPDX-License-Identifier: MIT */
/*
 * What libc.c has beyond C's own headers.
 */
#ifndef LIB_LIBC_H
#define LIB_LIBC_H

#include <trivet/types.h>

/* Bytes that malloc() has given out and not got back. */
uint64_t heap_used(void);

#endif

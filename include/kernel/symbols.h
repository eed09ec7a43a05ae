/* SPDX-License-Identifier: MIT */
/*
 * The names of the kernel's functions, for a person who reads a backtrace. The table is made
 * after the first link by scripts/symbols, and linked behind the code. It is only ever read,
 * needs no lock, and can be used during a panic.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <trivet/types.h>

#define SYMBOL_NAME_SIZE 64u /* the rest of a longer name is left out */

/*
 * The function that holds the address: its name, and in *offset how far the address lies from its first
 * byte. False: the address is not in the kernel's code, or there is no table.
 * For a return address ask for the address less one: a call may be a function's last instruction.
 */
bool symbol_find(uint64_t address, char name[SYMBOL_NAME_SIZE], uint32_t *offset);

/*
 * The same in a table of size bytes: a count, for each function its distance from the one before, for
 * the first one from the start of the code (all of 16 bits); 128 pairs of bytes, which the bytes from 0x80
 * up stand for; then the names in that order. A name begins with a byte below SYMBOL_NAME_FIRST, which is 1
 * more than the number of characters that it shares with the start of the one before; the others follow.
 */
#define SYMBOL_NAME_FIRST 0x20u
bool symbol_table_find(const void *table, size_t size, uint32_t distance,
		       char name[SYMBOL_NAME_SIZE], uint32_t *offset);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Copies between the kernel and ring 3. The range is checked to lie in the user half; whether a
 * page is there the processor finds out, and the exception table says where to go on. SMAP is
 * open (RFLAGS.AC) for just the copy.
 */
#include <arch/cpu_setup.h>
#include <arch/trap.h>
#include <kernel/arch.h>

/* Bytes that were not copied. */
static size_t copy(void *destination, const void *source, size_t size)
{
	size_t words = size / 8, rest = size % 8;

	if (cpu_has_smap)
		__asm__ volatile("stac" : : : "memory");
	__asm__ volatile("1: rep movsq\n\t"
			 "mov %3, %0\n\t"
			 "xor %3, %3\n"
			 "2: rep movsb\n"
			 "3:\n\t"
			 /* After a fault RCX holds what is left: of the words (with the rest
			  * still in the other register), or of the bytes. */
			 EX_TABLE("1b", "3b") EX_TABLE("2b", "3b")
			 : "+c"(words), "+D"(destination), "+S"(source), "+r"(rest)
			 :
			 : "memory");
	if (cpu_has_smap)
		__asm__ volatile("clac" : : : "memory");
	return words + rest;
}

status_t user_copy_in(void *destination, uint64_t user, size_t size)
{
	if (!range_within(user, size, USER_LIMIT))
		return STATUS_INVALID_ADDRESS;
	return copy(destination, (const void *)user, size) ? STATUS_INVALID_ADDRESS : STATUS_OK;
}

status_t user_copy_out(uint64_t user, const void *source, size_t size)
{
	if (!range_within(user, size, USER_LIMIT))
		return STATUS_INVALID_ADDRESS;
	return copy((void *)user, source, size) ? STATUS_INVALID_ADDRESS : STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * The fake machine has one stack, the test's: it is not emptied, the function is just called.
 */
#include <arch/fake.h>
#include <kernel/arch.h>
#include <stdlib.h>

__noreturn void arch_stack_restart(void (*function)(void))
{
	function();
	abort();
}

/* SPDX-License-Identifier: MIT */
/* What hostile= on the command line can name: faults alone. */
#include "hostile.h"

/* With no stack: SYS_thread_exit. */
__asm__(".text\n.globl hostile_exit\nhostile_exit: mov x8, #13\n svc #0\n udf #0\n");

void kind_run(const char *kind)
{
	fault(kind);
}

/* The lists of wrong calls are of structures of x86-64. */
void listed_calls(void)
{
}

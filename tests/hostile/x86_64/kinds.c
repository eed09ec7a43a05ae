/* SPDX-License-Identifier: MIT */
/* What hostile= on the command line can name. */
#include "hostile.h"
#include "x86.h"
#include <string.h>

/* With no stack: mov $SYS_thread_exit, %eax; syscall. */
__asm__(".text\n.globl hostile_exit\nhostile_exit: mov $13, %eax\n syscall\n ud2\n");

void kind_run(const char *kind)
{
	if (!strncmp(kind, "fpu", 3))
		fpu_is_kept();
	if (!strncmp(kind, "wrong", 5)) {
		wrong_calls();
		wrong_lines();
		end(END_OK);
	}
	fault(kind);
}

void listed_calls(void)
{
	inspection_is_right();
	wrong_calls();
}

/* SPDX-License-Identifier: MIT */
/* What the UEFI stub leaves for boot_prepare(), in the copy of the image that it starts. */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <arch/machine.h>

extern struct machine_given boot_given;
extern uint64_t boot_is_given; /* 0: there was no UEFI, and boot_given holds anything */

#endif

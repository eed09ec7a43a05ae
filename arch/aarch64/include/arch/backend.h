/* SPDX-License-Identifier: MIT */
/*
 * What the guest half of AArch64 asks of a backend beside what <kernel/backend.h> lists: nothing. EL2 is the only
 * one, so the two are one, and share arch/aarch64/guest/world.h.
 */
#ifndef ARCH_BACKEND_H
#define ARCH_BACKEND_H

#include <arch/guest.h>

struct arch_backend_ops {
};

#endif

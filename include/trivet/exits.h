/* SPDX-License-Identifier: MIT */
/*
 * Why a guest was left, in words that no backend owns: VP_EXIT_TABLE of the architecture. The order is that
 * of struct vp_stats and struct inspect_profile; rows may be added at the end.
 */
#ifndef TRIVET_EXITS_H
#define TRIVET_EXITS_H

#include <trivet/types.h>

#ifdef TRIVET_AARCH64
#include <trivet/aarch64/exits.h>
#else
#include <trivet/x86_64/exits.h>
#endif

#endif

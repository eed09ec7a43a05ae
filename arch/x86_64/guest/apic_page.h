/* SPDX-License-Identifier: MIT */
/*
 * The page that is mapped at the address of the local APICs where a processor virtualizes accesses to
 * it (SDM 3C 30.4): what is in it does not matter, as a VP whose APIC is there in xAPIC mode gets to
 * its own registers instead. All VPs share one address space, so the page goes as soon as the APIC of
 * one is elsewhere, off, or in x2APIC mode, whose accesses would reach the page itself; it comes back
 * when all have been reset.
 */
#ifndef GUEST_APIC_PAGE_H
#define GUEST_APIC_PAGE_H

#include "lapic.h"

/* Makes and maps it, if the backend and the partition's APICs ask for one. NO_MEMORY. */
status_t guest_apic_page_create(struct partition *partition) __must_check;
void guest_apic_page_destroy(struct partition *partition);
/* Is the APIC of this VP where the page is, and in xAPIC mode? */
bool guest_apic_page_serves(const struct vp *vp, uint32_t vtl);
/* The APIC has changed: if the page has to go, the VP leaves the CPU before it runs on. */
void guest_apic_page_check(struct vp *vp, uint32_t vtl);
/* No VP is loaded on this CPU: takes an unwanted page away. */
void guest_apic_page_remove(struct partition *partition);
/* A VP was reset: is it the last one? */
void guest_apic_page_restore(struct partition *partition);

#endif

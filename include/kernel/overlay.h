/* SPDX-License-Identifier: MIT */
/*
 * Overlay pages (TLFS, "GPA Overlay Pages"): pages of the kernel's that a guest sees where it asks for
 * them, over whatever is mapped there. That is not touched, can be mapped and unmapped meanwhile, and shows
 * again when the overlay goes. The VMM, which looks at its own memory, sees what lies below.
 */
#ifndef KERNEL_OVERLAY_H
#define KERNEL_OVERLAY_H

#include <trivet/status.h>
#include <trivet/types.h>

struct gpa_space;

#define GPA_NOWHERE UINT64_MAX

/* Who has one keeps it until it is moved to GPA_NOWHERE, or its space is gone. */
struct gpa_overlay {
	struct gpa_overlay
		*next; /* under the space's lock; of those at one address the last one shows */
	gpa_t gpa;     /* page aligned, or GPA_NOWHERE */
	void *page;
	bool writable; /* all can be read and executed */
};

/* Moves it to that address, or away; it returns when no CPU uses the old translations. Nothing has changed
 * after NO_MEMORY, INVALID_ADDRESS, or BUSY: a mapping there is being made or unmade, and soon will be. No
 * lock may be held, and no VP be loaded on this CPU. */
status_t gpa_overlay_move(struct gpa_space *space, struct gpa_overlay *overlay,
			  gpa_t gpa) __must_check;
/* Several of a space at once, and in this order: all of them, or none. */
struct gpa_overlay_place {
	struct gpa_overlay *overlay;
	gpa_t gpa;
};
status_t gpa_overlays_move(struct gpa_space *space, const struct gpa_overlay_place *places,
			   unsigned int count) __must_check;
/* The guest's write to this address met an overlay that cannot be written. */
bool gpa_overlay_refuses(struct gpa_space *space, gpa_t gpa);

/* What a guest finds at an address; false: nothing, or what is about to go. */
struct gpa_view {
	bool writable, overlay;
};
bool gpa_look(struct gpa_space *space, gpa_t gpa, struct gpa_view *view);

/* Under the lock of the space, for who works on its table: the overlay that shows in this page, or NULL;
 * and how many bytes from gpa on, up to size, have none: 0 when the first page has one. */
struct gpa_overlay *gpa_overlay_at(const struct gpa_space *space, gpa_t gpa);
uint64_t gpa_overlay_free(const struct gpa_space *space, gpa_t gpa, uint64_t size);

#endif

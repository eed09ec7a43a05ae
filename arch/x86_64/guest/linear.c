/* SPDX-License-Identifier: MIT */
/*
 * The walk of a guest's page tables (SDM 3A chapter 4), for the few bytes that single steps look at
 * (step.c). It sets no accessed bits and checks no rights: the processor does both when it executes
 * what was looked at.
 */
#include "linear.h"
#include <kernel/memory_map.h>

#define ENTRY_PRESENT BIT(0)
#define ENTRY_LARGE   BIT(7)
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define CR4_LA57      BIT(12)
#define PSE36_HIGH(e) (((e) >> 13 & 0xff) << 32) /* of a page of 4 MiB (4.3) */

struct table_form {
	uint8_t levels;
	uint8_t index_bits; /* but the two of PAE's top level */
	uint8_t entry_size;
};

static struct table_form table_form(const struct guest_state *state)
{
	if (!(state->cr4 & CR4_PAE))
		return (struct table_form){2, 10, 4};
	if (!(state->efer & EFER_LMA))
		return (struct table_form){3, 9, 8};
	return (struct table_form){state->cr4 & CR4_LA57 ? 5 : 4, 9, 8};
}

static __cold bool translate(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			     gpa_t *gpa)
{
	struct gpa_space *space = vp_active(vp)->space;
	struct table_form form = table_form(state);
	uint64_t table = state->cr3 & (form.levels == 3 ? 0xffffffe0ull : ENTRY_ADDRESS), entry;
	unsigned int level, shift;

	if (!(state->efer & EFER_LMA))
		linear = (uint32_t)linear;
	*gpa = linear;
	if (!(state->cr0 & CR0_PG))
		return true;
	for (level = form.levels; level > 0; level--) {
		shift = PAGE_SHIFT + (level - 1) * form.index_bits;
		entry = 0;
		if (gpa_read(space,
			     table + (linear >> shift & MASK(form.index_bits)) * form.entry_size,
			     &entry, form.entry_size) != STATUS_OK ||
		    !(entry & ENTRY_PRESENT))
			return false;
		table = entry & ENTRY_ADDRESS;
		if (level == 1 ||
		    (level < 4 && !(level == 3 && form.levels == 3) && (entry & ENTRY_LARGE)))
			break;
	}
	if (form.entry_size == 4 && level == 2)
		table |= PSE36_HIGH(entry);
	*gpa = (table & ~MASK(shift)) | (linear & MASK(shift));
	return true;
}

size_t guest_linear_read(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			 void *buffer, size_t size)
{
	size_t done = 0, part;
	gpa_t gpa;

	while (done < size) {
		part = PAGE_SIZE - (linear + done) % PAGE_SIZE;
		if (part > size - done)
			part = size - done;
		if (!translate(vp, state, linear + done, &gpa) ||
		    gpa_read(vp_active(vp)->space, gpa, (char *)buffer + done, part) != STATUS_OK)
			break;
		done += part;
	}
	return done;
}

bool guest_linear_write(const struct vp *vp, const struct guest_state *state, uint64_t linear,
			uint8_t value)
{
	gpa_t gpa;

	return translate(vp, state, linear, &gpa) &&
	       gpa_write(vp_active(vp)->space, gpa, &value, 1) == STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/* A sorted list of ranges of memory, each of one kind; a later word of a range counts. */
#include <arch/machine.h>
#include <kernel/string.h>

static void range_insert(struct memory_list *list, uint32_t at, hpa_t base, hpa_t end,
			 uint32_t kind)
{
	memmove(&list->range[at + 1], &list->range[at],
		(list->count - at) * sizeof(list->range[0]));
	list->range[at] = (struct memory_range){.base = base, .size = end - base, .kind = kind};
	list->count++;
}

static void range_remove(struct memory_list *list, uint32_t at)
{
	list->count--;
	memmove(&list->range[at], &list->range[at + 1],
		(list->count - at) * sizeof(list->range[0]));
}

/* Takes [base, end) away from the list; gives where it would stand. */
static uint32_t range_cut(struct memory_list *list, hpa_t base, hpa_t end)
{
	uint32_t i = 0;

	while (i < list->count) {
		struct memory_range *r = &list->range[i];
		hpa_t r_end = r->base + r->size;

		if (r->base >= end)
			break;
		if (r_end <= base) {
			i++;
			continue;
		}
		if (r->base >= base && r_end <= end) {
			range_remove(list, i);
			continue;
		}
		if (r_end > end) {
			r->size = r_end - end;
			if (r->base < base) {
				hpa_t first = r->base;

				r->base = end;
				range_insert(list, i++, first, base, r->kind);
			}
			r = &list->range[i];
			r->base = end;
			break;
		}
		r->size = base - r->base;
		i++;
	}
	return i;
}

/* Neighbours of one kind are one range. */
static void range_join(struct memory_list *list, uint32_t at)
{
	struct memory_range *r = &list->range[at];

	if (at + 1 >= list->count || r[1].kind != r->kind || r->base + r->size != r[1].base)
		return;
	r->size += r[1].size;
	range_remove(list, at + 1);
}

status_t memory_list_set(struct memory_list *list, hpa_t base, uint64_t size, uint32_t kind)
{
	uint32_t at;

	if (list->count + 2 > MEMORY_RANGE_MAX)
		return STATUS_TOO_LARGE;
	if (!size)
		return STATUS_OK;
	at = range_cut(list, base, base + size);
	if (!kind)
		return STATUS_OK;
	range_insert(list, at, base, base + size, kind);
	range_join(list, at);
	if (at)
		range_join(list, at - 1);
	return STATUS_OK;
}

bool memory_list_has(const struct memory_list *list, hpa_t base, uint64_t size, uint32_t kind)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct memory_range *r = &list->range[i];

		if (r->kind == kind && base >= r->base &&
		    range_within(base - r->base, size, r->size))
			return true;
	}
	return false;
}

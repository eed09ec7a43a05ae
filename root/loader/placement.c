/* SPDX-License-Identifier: MIT */
/*
 * The claims are an array in ascending order, so that a search passes each at most once.
 */
#include <loader/placement.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

const char *load_result_name(enum load_result result)
{
#define LOAD_RESULT_NAME(name, words) #name,
	static const char *const names[] = {LOAD_RESULT_TABLE(LOAD_RESULT_NAME)};
#undef LOAD_RESULT_NAME

	return (unsigned int)result < ARRAY_SIZE(names) ? names[result] : "unknown";
}

enum load_result load_fail(const struct load_request *request, struct load_error *error,
			   enum load_result result, const char *format, ...)
{
	size_t used;
	va_list arguments;

	/* A name may be long, but the reason must be readable. */
	snprintf(error->message, sizeof(error->message), "%.80s: ", request->kernel.name);
	used = strlen(error->message);
	va_start(arguments, format);
	vsnprintf(error->message + used, sizeof(error->message) - used, format, arguments);
	va_end(arguments);
	error->result = result;
	return result;
}

void placement_open(struct placement *placement, const struct load_request *request,
		    struct load_error *error)
{
	*placement = (struct placement){.request = request, .error = error};
}

void placement_close(struct placement *placement)
{
	free(placement->claims);
	placement->claims = NULL;
}

static enum load_result claims_grow(struct placement *placement)
{
	size_t capacity = placement->capacity ? 2 * placement->capacity : FIRST_CAPACITY;
	struct placement_claim *claims;

	if (placement->count < placement->capacity)
		return LOAD_OK;
	claims = realloc(placement->claims, capacity * sizeof(*claims));
	if (!claims)
		return load_fail(placement->request, placement->error, LOAD_NO_MEMORY,
				 "no memory for the list of what is loaded");
	placement->claims = claims;
	placement->capacity = capacity;
	return LOAD_OK;
}

/* The usable region of the map that holds all of [gpa, gpa + size). */
static bool range_is_usable(const struct placement *placement, gpa_t gpa, uint64_t size)
{
	const struct memory_layout *layout = placement->request->layout;

	for (size_t i = 0; i < layout->map_count; i++) {
		const struct memory_region *region = &layout->map[i];

		if (region->kind == MEMORY_USABLE && gpa >= region->gpa &&
		    range_within(gpa - region->gpa, size, region->size))
			return guest_memory_contains(placement->request->memory, gpa, size);
	}
	return false;
}

/* The first claim that ends above gpa, or count. */
static size_t claim_after(const struct placement *placement, gpa_t gpa)
{
	size_t low = 0, high = placement->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct placement_claim *claim = &placement->claims[middle];

		if (claim->gpa + claim->size <= gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum load_result placement_claim(struct placement *placement, gpa_t gpa, uint64_t size,
				 const char *what)
{
	size_t place;

	if (size == 0)
		return LOAD_OK;
	if (!range_is_usable(placement, gpa, size))
		return load_fail(placement->request, placement->error, LOAD_OUT_OF_RAM,
				 "no usable RAM for %s: %#llx bytes at %#llx", what,
				 (unsigned long long)size, (unsigned long long)gpa);
	place = claim_after(placement, gpa);
	if (place < placement->count && placement->claims[place].gpa < gpa + size)
		return load_fail(placement->request, placement->error, LOAD_OVERLAP,
				 "%s (%#llx bytes at %#llx) would lie over %s", what,
				 (unsigned long long)size, (unsigned long long)gpa,
				 placement->claims[place].what);
	if (claims_grow(placement) != LOAD_OK)
		return placement->error->result;
	memmove(&placement->claims[place + 1], &placement->claims[place],
		(placement->count - place) * sizeof(*placement->claims));
	placement->claims[place] = (struct placement_claim){gpa, size, what};
	placement->count++;
	return LOAD_OK;
}

/* The lowest free place in [start, end). Aligning up may wrap; then it is below start. */
static bool find_lowest(const struct placement *placement, const struct placement_wish *wish,
			gpa_t start, gpa_t end, gpa_t *gpa)
{
	gpa_t at = ALIGN_UP(start, wish->alignment);

	while (at >= start && at <= end && wish->size <= end - at) {
		size_t place = claim_after(placement, at);

		if (place == placement->count || placement->claims[place].gpa >= at + wish->size) {
			*gpa = at;
			return true;
		}
		at = ALIGN_UP(placement->claims[place].gpa + placement->claims[place].size,
			      wish->alignment);
	}
	return false;
}

/* The highest free place in [start, end). */
static bool find_highest(const struct placement *placement, const struct placement_wish *wish,
			 gpa_t start, gpa_t end, gpa_t *gpa)
{
	while (end > start && wish->size <= end - start) {
		gpa_t at = ALIGN_DOWN(end - wish->size, wish->alignment);
		size_t place;

		if (at < start)
			return false;
		place = claim_after(placement, at);
		if (place == placement->count || placement->claims[place].gpa >= at + wish->size) {
			*gpa = at;
			return true;
		}
		end = placement->claims[place].gpa;
	}
	return false;
}

enum load_result placement_find(struct placement *placement, const struct placement_wish *wish,
				gpa_t *gpa)
{
	const struct memory_layout *layout = placement->request->layout;

	for (size_t i = 0; i < layout->map_count; i++) {
		size_t number = wish->high ? layout->map_count - 1 - i : i;
		const struct memory_region *region = &layout->map[number];
		gpa_t start = MAX(region->gpa, wish->lowest);
		gpa_t end = MIN(region->gpa + region->size, wish->limit);

		if (region->kind != MEMORY_USABLE || start >= end)
			continue;
		if (wish->high ? find_highest(placement, wish, start, end, gpa)
			       : find_lowest(placement, wish, start, end, gpa))
			return placement_claim(placement, *gpa, wish->size, wish->what);
	}
	return load_fail(placement->request, placement->error, LOAD_OUT_OF_RAM,
			 "no room for %s: %#llx bytes of usable RAM between %#llx and %#llx",
			 wish->what, (unsigned long long)wish->size,
			 (unsigned long long)wish->lowest, (unsigned long long)wish->limit);
}

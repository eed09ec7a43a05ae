/* SPDX-License-Identifier: MIT */
/* Page lists and GPADLs. */
#include <stdlib.h>
#include <string.h>
#include <vmbus/vmbus.h>

/* Page numbers above it are no addresses. */
#define PAGE_NUMBERS (UINT64_MAX >> PAGE_SHIFT)

/* ---- page lists ---- */

static uint32_t range_pages(const struct vmbus_range_header *range)
{
	return (uint32_t)(((uint64_t)range->offset + range->length + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* The next range, whose page numbers begin at *at then; they are there, too. */
static status_t range_take(const uint8_t *list, size_t size, size_t *at,
			   struct vmbus_range_header *range)
{
	if (size - *at < sizeof(*range))
		return STATUS_BAD_FORMAT;
	memcpy(range, list + *at, sizeof(*range));
	*at += sizeof(*range);
	if (range->length == 0 || range->offset >= PAGE_SIZE)
		return STATUS_BAD_FORMAT;
	if (range_pages(range) > (size - *at) / sizeof(uint64_t))
		return STATUS_BAD_FORMAT;
	return STATUS_OK;
}

/* Checks the list's form, and counts its pages. */
static status_t pages_count(const uint8_t *list, size_t size, uint32_t count, uint32_t *pages)
{
	size_t at = 0;

	*pages = 0;
	/* Each range has bytes of its own, so `count` is no more than there are when this ends. */
	for (uint32_t i = 0; i < count; i++) {
		struct vmbus_range_header range;
		status_t status = range_take(list, size, &at, &range);

		if (status != STATUS_OK)
			return status;
		at += range_pages(&range) * sizeof(uint64_t);
		*pages += range_pages(&range);
	}
	return STATUS_OK;
}

static struct vmbus_pages *pages_allocate(uint32_t range_count, uint32_t page_count)
{
	size_t size = sizeof(struct vmbus_pages) + page_count * sizeof(void *);
	struct vmbus_pages *pages = malloc(size + range_count * sizeof(struct vmbus_range));

	if (!pages)
		return NULL;
	pages->range_count = range_count;
	pages->page_count = page_count;
	pages->ranges = (void *)((uint8_t *)pages + size);
	return pages;
}

/* The list was found right by pages_count(). */
static status_t pages_find(struct vmbus *bus, const uint8_t *list, size_t size,
			   struct vmbus_pages *pages)
{
	uint32_t page = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < pages->range_count; i++) {
		struct vmbus_range_header range;
		status_t status = range_take(list, size, &at, &range);

		if (status != STATUS_OK)
			return status;
		pages->ranges[i] = (struct vmbus_range){
			.length = range.length, .offset = range.offset, .first = page};
		for (uint32_t left = range_pages(&range); left; left--, at += sizeof(uint64_t)) {
			uint64_t number;

			memcpy(&number, list + at, sizeof(number));
			pages->pages[page] = number <= PAGE_NUMBERS
						     ? bus->host->page(bus, number << PAGE_SHIFT)
						     : NULL;
			if (!pages->pages[page++])
				return STATUS_INVALID_ADDRESS;
		}
	}
	return STATUS_OK;
}

status_t vmbus_pages_make(struct vmbus *bus, const uint8_t *list, size_t size, uint32_t count,
			  struct vmbus_pages **pages)
{
	struct vmbus_pages *made;
	uint32_t page_count;
	status_t status = pages_count(list, size, count, &page_count);

	if (status != STATUS_OK)
		return status;
	made = pages_allocate(count, page_count);
	if (!made)
		return STATUS_NO_MEMORY;
	status = pages_find(bus, list, size, made);
	if (status != STATUS_OK) {
		free(made);
		return status;
	}
	*pages = made;
	return STATUS_OK;
}

void vmbus_pages_free(struct vmbus_pages *pages)
{
	free(pages);
}

static bool pages_hold(const struct vmbus_pages *pages, uint32_t range, uint32_t offset,
		       size_t size)
{
	return range < pages->range_count &&
	       range_within(offset, size, pages->ranges[range].length);
}

/* Where byte `at` of a range is, and how many of `size` lie on that page. */
static uint8_t *pages_at(const struct vmbus_pages *pages, const struct vmbus_range *range,
			 uint64_t at, size_t size, size_t *count)
{
	uint64_t place = range->offset + at;
	uint64_t inside = place % PAGE_SIZE;

	*count = MIN(size, PAGE_SIZE - inside);
	return (uint8_t *)pages->pages[range->first + place / PAGE_SIZE] + inside;
}

status_t vmbus_pages_read(const struct vmbus_pages *pages, uint32_t range, uint32_t offset,
			  void *to, size_t size)
{
	size_t count;

	if (!pages_hold(pages, range, offset, size))
		return STATUS_INVALID_ADDRESS;
	for (size_t done = 0; done < size; done += count) {
		const uint8_t *from = pages_at(pages, &pages->ranges[range],
					       (uint64_t)offset + done, size - done, &count);

		memcpy((uint8_t *)to + done, from, count);
	}
	return STATUS_OK;
}

status_t vmbus_pages_write(const struct vmbus_pages *pages, uint32_t range, uint32_t offset,
			   const void *from, size_t size)
{
	size_t count;

	if (!pages_hold(pages, range, offset, size))
		return STATUS_INVALID_ADDRESS;
	for (size_t done = 0; done < size; done += count) {
		uint8_t *to = pages_at(pages, &pages->ranges[range], (uint64_t)offset + done,
				       size - done, &count);

		memcpy(to, (const uint8_t *)from + done, count);
	}
	return STATUS_OK;
}

/* ---- GPADLs ---- */

struct vmbus_gpadl *vmbus_gpadl_find(const struct vmbus *bus, uint32_t id)
{
	for (struct vmbus_gpadl *gpadl = bus->gpadls; gpadl; gpadl = gpadl->next)
		if (gpadl->id == id)
			return gpadl;
	return NULL;
}

const struct vmbus_pages *vmbus_gpadl_pages(const struct vmbus_channel *channel, uint32_t id)
{
	const struct vmbus_gpadl *gpadl = vmbus_gpadl_find(channel->bus, id);

	return gpadl && gpadl->relid == channel->relid ? gpadl->pages : NULL;
}

void vmbus_gpadl_remove(struct vmbus *bus, struct vmbus_gpadl *gpadl)
{
	struct vmbus_gpadl **link = &bus->gpadls;

	while (*link != gpadl)
		link = &(*link)->next;
	*link = gpadl->next;
	bus->gpadl_count--;
	bus->gpadl_pages -= gpadl->charge;
	free(gpadl->list);
	vmbus_pages_free(gpadl->pages);
	free(gpadl);
}

static struct vmbus_gpadl *gpadl_add(struct vmbus *bus, const struct vmbus_gpadl_header *header)
{
	uint32_t charge = header->list_size / sizeof(uint64_t);
	struct vmbus_gpadl *gpadl;

	if (bus->gpadl_count == VMBUS_GPADLS || charge > VMBUS_GPADL_PAGES - bus->gpadl_pages)
		return NULL;
	gpadl = calloc(1, sizeof(*gpadl));
	if (!gpadl)
		return NULL;
	gpadl->list = malloc(header->list_size);
	if (!gpadl->list) {
		free(gpadl);
		return NULL;
	}
	gpadl->id = header->gpadl;
	gpadl->relid = header->relid;
	gpadl->range_count = header->range_count;
	gpadl->size = header->list_size;
	gpadl->charge = charge;
	gpadl->next = bus->gpadls;
	bus->gpadls = gpadl;
	bus->gpadl_count++;
	bus->gpadl_pages += charge;
	return gpadl;
}

/* All of the list has come. */
static uint32_t gpadl_complete(struct vmbus *bus, struct vmbus_gpadl *gpadl)
{
	status_t status =
		vmbus_pages_make(bus, gpadl->list, gpadl->size, gpadl->range_count, &gpadl->pages);

	if (status != STATUS_OK) {
		vmbus_gpadl_remove(bus, gpadl);
		return VMBUS_STATUS_FAILED;
	}
	free(gpadl->list);
	gpadl->list = NULL;
	return VMBUS_STATUS_SUCCESS;
}

uint32_t vmbus_gpadl_go_on(struct vmbus *bus, struct vmbus_gpadl *gpadl, const uint8_t *list,
			   size_t size, bool *done)
{
	*done = true;
	if (size == 0 || size > gpadl->size - gpadl->have) {
		vmbus_gpadl_remove(bus, gpadl);
		return VMBUS_STATUS_FAILED;
	}
	memcpy(gpadl->list + gpadl->have, list, size);
	gpadl->have += (uint32_t)size;
	if (gpadl->have == gpadl->size)
		return gpadl_complete(bus, gpadl);
	*done = false;
	return VMBUS_STATUS_SUCCESS;
}

uint32_t vmbus_gpadl_begin(struct vmbus *bus, const struct vmbus_gpadl_header *header,
			   const uint8_t *list, size_t size, bool *done)
{
	struct vmbus_gpadl *gpadl;

	*done = true;
	if (header->range_count == 0 || header->list_size < sizeof(struct vmbus_range_header) ||
	    vmbus_gpadl_find(bus, header->gpadl))
		return VMBUS_STATUS_FAILED;
	gpadl = gpadl_add(bus, header);
	if (!gpadl)
		return VMBUS_STATUS_NO_RESOURCE;
	return vmbus_gpadl_go_on(bus, gpadl, list, size, done);
}

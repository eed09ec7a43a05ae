/* SPDX-License-Identifier: MIT */
/*
 * Who owns which RAM. At boot the memory map is cut by reservations (the kernel image, the bundle,
 * the table of blocks, the kernel heap, the root task's image); what is left is the root task's.
 * From then on ownership moves in blocks of 2 MiB only, between the root task and deposits.
 *
 * This file decides about ownership. It maps nothing and hands out no pages: see heap.c.
 */
#include <kernel/arch.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/string.h>
#include <trivet/abi.h>

#define BLOCK_SHIFT	  LARGE_PAGE_SHIFT
#define BLOCK_SIZE	  LARGE_PAGE_SIZE
#define KMEM_DEFAULT	  MIB(8)
#define KMEM_LEAST	  MIB(2)
#define KMEM_PER_GIB	  KIB(16)   /* page tables of the root task's window */
#define ROOT_LEAST	  MIB(8)    /* what the root task needs to say a word */
#define PINS_MAX	  INT32_MAX /* the upper bit shows a count that went below 0 */
#define RESERVATION_COUNT 8u /* kernel image, bundle, block table, heap, root image; and spare */
/* Firmware and real-mode code think that the first MiB is theirs: nothing of ours goes there. */
#define RESERVE_LOWEST	  MIB(1)

struct reservation {
	hpa_t base, end;
	uint32_t kind; /* enum boot_memory_kind, MEMORY_USE_KERNEL */
};

struct heap kernel_heap;

/* By block, in two arrays, so that the blocks of a large range are looked at several at a time: by words, aligned. */
#define WORD_SIZE sizeof(uint64_t)
static struct spinlock block_lock; /* protects both */
static uint8_t *owners;		   /* enum block_owner */
static uint32_t *pins;
static uint64_t block_count;

/* Sorted by address, no overlaps; fixed once the root task runs. */
static struct reservation reservations[RESERVATION_COUNT];
static unsigned int reservation_count;

static __cold void reservation_add(hpa_t base, hpa_t end, uint32_t kind)
{
	unsigned int i = reservation_count++;

	assert_kernel(i < RESERVATION_COUNT);
	for (; i > 0 && reservations[i - 1].base > base; i--)
		reservations[i] = reservations[i - 1];
	reservations[i] = (struct reservation){.base = base, .end = end, .kind = kind};
}

/* The first piece of RAM at or above `from`, up to the next change of use. */
static __cold bool memory_piece(hpa_t from, struct memory_range *piece)
{
	for (uint32_t i = 0; i < boot_source.memory_count; i++) {
		const struct memory_range *ram = &boot_source.memory[i];
		hpa_t base = MAX(from, ram->base), end = ram->base + ram->size;

		if (ram->kind != MEMORY_RAM || base >= end)
			continue;
		*piece = (struct memory_range){.base = base, .kind = BOOT_MEMORY_FREE};
		for (unsigned int j = 0; j < reservation_count; j++) {
			const struct reservation *r = &reservations[j];

			if (r->end <= base)
				continue;
			if (r->base <= base) {
				piece->kind = r->kind;
				end = MIN(end, r->end);
			} else {
				end = MIN(end, r->base);
			}
			break;
		}
		piece->size = end - base;
		return true;
	}
	return false;
}

__cold bool memory_map_next(hpa_t *cursor, struct memory_range *range)
{
	if (!memory_piece(*cursor, range))
		return false;
	*cursor = range->base + range->size;
	return true;
}

__cold status_t memory_reserve(uint64_t size, uint64_t align, uint32_t kind, hpa_t *hpa)
{
	struct memory_range piece;
	hpa_t cursor = RESERVE_LOWEST, best = 0;

	/* The highest place that fits keeps low memory for those who need it. */
	while (memory_map_next(&cursor, &piece)) {
		hpa_t end = piece.base + piece.size, base;

		if (piece.kind != BOOT_MEMORY_FREE || piece.size < size)
			continue;
		base = ALIGN_DOWN(end - size, align);
		if (base >= piece.base)
			best = base;
	}
	if (best == 0)
		return STATUS_NO_MEMORY;
	reservation_add(best, best + size, kind);
	*hpa = best;
	return STATUS_OK;
}

static bool use_is_task(uint32_t kind)
{
	return kind == BOOT_MEMORY_FREE || kind == BOOT_MEMORY_BUNDLE;
}

/* Counts a piece's pages in the blocks that it touches. */
static __cold void blocks_count(const struct memory_range *piece)
{
	hpa_t end = piece->base + piece->size;

	for (uint64_t i = piece->base >> BLOCK_SHIFT; i << BLOCK_SHIFT < end; i++) {
		hpa_t from = MAX(piece->base, i << BLOCK_SHIFT);
		hpa_t to = MIN(end, (i + 1) << BLOCK_SHIFT);

		if (use_is_task(piece->kind))
			pins[i] += (uint32_t)((to - from) >> PAGE_SHIFT);
		else
			owners[i] = BLOCK_KERNEL;
	}
}

/* Fills the table from the map; called again whenever a reservation has been added. No block is
 * pinned yet: the pins count the task's pages meanwhile. */
static __cold void blocks_classify(void)
{
	struct memory_range piece;
	hpa_t cursor = 0;

	memset(pins, 0, block_count * sizeof(*pins));
	memset(owners, BLOCK_NONE, block_count);
	while (memory_map_next(&cursor, &piece))
		blocks_count(&piece);
	for (uint64_t i = 0; i < block_count; i++) {
		if (pins[i] != 0)
			owners[i] =
				pins[i] == BLOCK_SIZE >> PAGE_SHIFT ? BLOCK_TASK : BLOCK_TASK_PART;
		pins[i] = 0;
	}
}

static uint64_t ram_size(void)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < boot_source.memory_count; i++)
		if (boot_source.memory[i].kind == MEMORY_RAM)
			size += boot_source.memory[i].size;
	return size;
}

static hpa_t ram_end(void)
{
	hpa_t end = 0;

	for (uint32_t i = 0; i < boot_source.memory_count; i++) {
		const struct memory_range *ram = &boot_source.memory[i];

		if (ram->kind == MEMORY_RAM)
			end = MAX(end, ram->base + ram->size);
	}
	return end;
}

static __cold status_t memory_too_small(uint64_t needed)
{
	log_error("too little memory: the machine has %llu MiB that can be used, the kernel needs "
		  "%llu MiB in one piece",
		  (unsigned long long)(ram_size() >> 20), (unsigned long long)(needed >> 20));
	return STATUS_NO_MEMORY;
}

static __cold status_t reserve_block_table(void)
{
	uint64_t size;
	hpa_t hpa;

	block_count = ALIGN_UP(ram_end(), BLOCK_SIZE) >> BLOCK_SHIFT;
	block_count = ALIGN_UP(block_count, WORD_SIZE); /* those behind the end are nobody's */
	size = ALIGN_UP(block_count * (sizeof(*pins) + sizeof(*owners)), PAGE_SIZE);
	if (memory_reserve(size, PAGE_SIZE, MEMORY_USE_KERNEL, &hpa) != STATUS_OK)
		return memory_too_small(size);
	pins = hpa_to_kva(hpa);
	owners = (uint8_t *)(pins + block_count);
	return STATUS_OK;
}

__cold status_t memory_init(uint64_t kernel_bytes)
{
	uint64_t ram = ram_size();
	hpa_t heap;

	reservation_count = 0;
	memset(&kernel_heap, 0, sizeof(kernel_heap));
	if (kernel_bytes == 0)
		kernel_bytes = KMEM_DEFAULT + (ram >> 30) * KMEM_PER_GIB;
	kernel_bytes = MAX(kernel_bytes, KMEM_LEAST);
	if (kernel_bytes > ram || ram - kernel_bytes < ROOT_LEAST)
		return memory_too_small(MIN(kernel_bytes, UINT64_MAX - ROOT_LEAST) + ROOT_LEAST);
	kernel_bytes = ALIGN_UP(kernel_bytes, BLOCK_SIZE);

	reservation_add(ALIGN_DOWN(boot_source.kernel_base, PAGE_SIZE),
			ALIGN_UP(boot_source.kernel_base + boot_source.kernel_size, PAGE_SIZE),
			MEMORY_USE_KERNEL);
	if (boot_source.bundle_size != 0)
		reservation_add(
			ALIGN_DOWN(boot_source.bundle_base, PAGE_SIZE),
			ALIGN_UP(boot_source.bundle_base + boot_source.bundle_size, PAGE_SIZE),
			BOOT_MEMORY_BUNDLE);
	/* The heap wants whole blocks, the table only pages: it goes second. */
	if (memory_reserve(kernel_bytes, BLOCK_SIZE, MEMORY_USE_KERNEL, &heap) != STATUS_OK)
		return memory_too_small(kernel_bytes);
	if (reserve_block_table() != STATUS_OK)
		return STATUS_NO_MEMORY;
	for (uint64_t offset = 0; offset < kernel_bytes; offset += BLOCK_SIZE)
		heap_add_block(&kernel_heap, heap + offset);
	blocks_classify();
	return STATUS_OK;
}

__cold status_t memory_reserve_root(uint64_t size, hpa_t *hpa)
{
	status_t status = memory_reserve(size, PAGE_SIZE, BOOT_MEMORY_ROOT, hpa);

	if (status == STATUS_OK)
		blocks_classify();
	return status;
}

/* ---- owners and pins ---- */

enum block_owner block_owner_get(hpa_t hpa)
{
	uint64_t i = hpa >> BLOCK_SHIFT;

	return i < block_count ? (enum block_owner)owners[i] : BLOCK_NONE;
}

/* [base, end), inside one block that is the task's in part, has only pages of the task. */
static __cold bool part_is_task(hpa_t base, hpa_t end)
{
	struct memory_range piece;
	hpa_t cursor = base;

	while (cursor < end) {
		hpa_t expected = cursor;

		if (!memory_map_next(&cursor, &piece) || piece.base != expected ||
		    !use_is_task(piece.kind))
			return false;
	}
	return true;
}

/* [base, base + size), of blocks of which some are the task's in part only, or not at all. */
static __cold bool parts_are_task(hpa_t base, uint64_t size)
{
	for (uint64_t i = base >> BLOCK_SHIFT; i << BLOCK_SHIFT < base + size; i++) {
		hpa_t from = MAX(base, i << BLOCK_SHIFT);
		hpa_t to = MIN(base + size, (i + 1) << BLOCK_SHIFT);

		if (owners[i] != BLOCK_TASK &&
		    !(owners[i] == BLOCK_TASK_PART && part_is_task(from, to)))
			return false;
	}
	return true;
}

static bool blocks_are_task(uint64_t first, uint64_t end)
{
	const uint64_t wanted = BLOCK_TASK * 0x0101010101010101ull;

	for (; first % WORD_SIZE && first < end; first++)
		if (owners[first] != BLOCK_TASK)
			return false;
	for (; first + WORD_SIZE <= end; first += WORD_SIZE)
		if (unlikely(*(const uint64_t *)&owners[first] != wanted))
			return false;
	for (; first < end; first++)
		if (owners[first] != BLOCK_TASK)
			return false;
	return true;
}

/* Adds 1 to the pins of blocks, or takes it off, two at a time: the lower one of two goes over into the upper
 * one only where it is wrong already. Gives all bits that a sum has. */
static uint32_t pins_add(uint64_t first, uint64_t end, uint32_t change)
{
	uint64_t both = change == 1 ? BIT(32) + 1 : 0 - (BIT(32) + 1), bits = 0;
	uint32_t *at = &pins[first], *stop = &pins[end];

	if (first % 2 && at < stop)
		bits = *at++ += change;
#pragma GCC unroll 4
	for (; stop - at >= 2; at += 2)
		bits |= *(uint64_t *)at += both;
	if (at < stop)
		bits |= *at += change;
	return (uint32_t)(bits | bits >> 32);
}

static status_t blocks_use(hpa_t base, uint64_t size, uint32_t uses)
{
	uint64_t first = base >> BLOCK_SHIFT, end;
	status_t status = STATUS_OK;

	if (size == 0 || !range_within(base, size, block_count << BLOCK_SHIFT))
		return STATUS_INVALID_ADDRESS;
	end = ((base + size - 1) >> BLOCK_SHIFT) + 1;
	spin_lock(&block_lock);
	if (unlikely(!blocks_are_task(first, end)) && !parts_are_task(base, size))
		status = STATUS_INVALID_ADDRESS;
	else if (uses != 0 && unlikely(pins_add(first, end, uses) > PINS_MAX)) {
		(void)pins_add(first, end, 0 - uses);
		status = STATUS_BUSY;
	}
	spin_unlock(&block_lock);
	return status;
}

status_t blocks_check(hpa_t base, uint64_t size)
{
	return blocks_use(base, size, 0);
}

status_t blocks_pin(hpa_t base, uint64_t size)
{
	return blocks_use(base, size, 1);
}

void blocks_unpin(hpa_t base, uint64_t size)
{
	uint64_t last = (base + size - 1) >> BLOCK_SHIFT;
	uint32_t bits;

	spin_lock(&block_lock);
	bits = pins_add(base >> BLOCK_SHIFT, last + 1, 0 - 1u);
	spin_unlock(&block_lock);
	assert_kernel(bits <= PINS_MAX);
}

__cold status_t block_deposit(hpa_t block)
{
	uint64_t i = block >> BLOCK_SHIFT;
	status_t status = STATUS_OK;

	if (!IS_ALIGNED(block, BLOCK_SIZE))
		return STATUS_MISALIGNED;
	if (i >= block_count)
		return STATUS_INVALID_ADDRESS;
	spin_lock(&block_lock);
	if (owners[i] != BLOCK_TASK)
		status = STATUS_INVALID_ADDRESS;
	else if (pins[i] != 0)
		status = STATUS_BUSY;
	else
		owners[i] = BLOCK_DEPOSITED;
	spin_unlock(&block_lock);
	return status;
}

__cold void block_return(hpa_t block)
{
	uint64_t i = block >> BLOCK_SHIFT;

	spin_lock(&block_lock);
	assert_kernel(i < block_count && owners[i] == BLOCK_DEPOSITED);
	owners[i] = BLOCK_TASK;
	spin_unlock(&block_lock);
}

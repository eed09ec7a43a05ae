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
#define KMEM_PER_GIB	  KIB(16) /* page tables of the root task's window */
#define ROOT_LEAST	  MIB(8)  /* what the root task needs to say a word */
#define PINS_MAX	  UINT32_MAX
#define RESERVATION_COUNT 8u /* kernel image, bundle, block table, heap, root image; and spare */
/* Firmware and real-mode code think that the first MiB is theirs: nothing of ours goes there. */
#define RESERVE_LOWEST	  MIB(1)

struct block {
	uint32_t owner; /* enum block_owner */
	uint32_t pins;
};

struct reservation {
	hpa_t base, end;
	uint32_t kind; /* enum boot_memory_kind, MEMORY_USE_KERNEL */
};

struct heap kernel_heap;

static struct spinlock block_lock; /* protects blocks[] */
static struct block *blocks;
static uint64_t block_count;

/* Sorted by address, no overlaps; fixed once the root task runs. */
static struct reservation reservations[RESERVATION_COUNT];
static unsigned int reservation_count;

static void reservation_add(hpa_t base, hpa_t end, uint32_t kind)
{
	unsigned int i = reservation_count++;

	assert_kernel(i < RESERVATION_COUNT);
	for (; i > 0 && reservations[i - 1].base > base; i--)
		reservations[i] = reservations[i - 1];
	reservations[i] = (struct reservation){.base = base, .end = end, .kind = kind};
}

/* The first piece of RAM at or above `from`, up to the next change of use. */
static bool memory_piece(hpa_t from, struct memory_range *piece)
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

bool memory_map_next(hpa_t *cursor, struct memory_range *range)
{
	if (!memory_piece(*cursor, range))
		return false;
	*cursor = range->base + range->size;
	return true;
}

status_t memory_reserve(uint64_t size, uint64_t align, uint32_t kind, hpa_t *hpa)
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
static void blocks_count(const struct memory_range *piece)
{
	hpa_t end = piece->base + piece->size;

	for (uint64_t i = piece->base >> BLOCK_SHIFT; i << BLOCK_SHIFT < end; i++) {
		hpa_t from = MAX(piece->base, i << BLOCK_SHIFT);
		hpa_t to = MIN(end, (i + 1) << BLOCK_SHIFT);

		if (use_is_task(piece->kind))
			blocks[i].pins += (uint32_t)((to - from) >> PAGE_SHIFT);
		else
			blocks[i].owner = BLOCK_KERNEL;
	}
}

/* Fills the table from the map; called again whenever a reservation has been added. No block is
 * pinned yet: the pins count the task's pages meanwhile. */
static void blocks_classify(void)
{
	struct memory_range piece;
	hpa_t cursor = 0;

	memset(blocks, 0, block_count * sizeof(*blocks));
	while (memory_map_next(&cursor, &piece))
		blocks_count(&piece);
	for (uint64_t i = 0; i < block_count; i++) {
		if (blocks[i].pins != 0)
			blocks[i].owner = blocks[i].pins == BLOCK_SIZE >> PAGE_SHIFT
						  ? BLOCK_TASK
						  : BLOCK_TASK_PART;
		blocks[i].pins = 0;
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

static status_t memory_too_small(uint64_t needed)
{
	log_error("too little memory: the machine has %llu MiB that can be used, the kernel needs "
		  "%llu MiB in one piece",
		  (unsigned long long)(ram_size() >> 20), (unsigned long long)(needed >> 20));
	return STATUS_NO_MEMORY;
}

static status_t reserve_block_table(void)
{
	uint64_t size;
	hpa_t hpa;

	block_count = ALIGN_UP(ram_end(), BLOCK_SIZE) >> BLOCK_SHIFT;
	size = ALIGN_UP(block_count * sizeof(*blocks), PAGE_SIZE);
	if (memory_reserve(size, PAGE_SIZE, MEMORY_USE_KERNEL, &hpa) != STATUS_OK)
		return memory_too_small(size);
	blocks = hpa_to_kva(hpa);
	return STATUS_OK;
}

status_t memory_init(uint64_t kernel_bytes)
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

status_t memory_reserve_root(uint64_t size, hpa_t *hpa)
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

	return i < block_count ? (enum block_owner)blocks[i].owner : BLOCK_NONE;
}

/* [base, end), inside one block that is the task's in part, has only pages of the task. */
static bool part_is_task(hpa_t base, hpa_t end)
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

/* What is asked for of a block that the task has in part only, or not at all. */
static bool block_part_is_task(uint64_t i, hpa_t base, hpa_t end)
{
	return blocks[i].owner == BLOCK_TASK_PART &&
	       part_is_task(MAX(base, i << BLOCK_SHIFT), MIN(end, (i + 1) << BLOCK_SHIFT));
}

/* Adds pins to each block of a range that is checked meanwhile; what was added before a failure is
 * taken away again. A guest's memory has thousands of blocks, so they are passed once. */
static status_t blocks_walk(hpa_t base, uint64_t size, uint32_t pins)
{
	uint64_t first = base >> BLOCK_SHIFT, last, i;
	status_t status = STATUS_OK;

	if (size == 0 || !range_within(base, size, block_count << BLOCK_SHIFT))
		return STATUS_INVALID_ADDRESS;
	last = (base + size - 1) >> BLOCK_SHIFT;
	spin_lock(&block_lock);
#pragma GCC unroll 4
	for (i = first; i <= last; i++) {
		if (unlikely(blocks[i].owner != BLOCK_TASK) &&
		    !block_part_is_task(i, base, base + size)) {
			status = STATUS_INVALID_ADDRESS;
			break;
		}
		if (unlikely(blocks[i].pins > PINS_MAX - pins)) {
			status = STATUS_BUSY;
			break;
		}
		blocks[i].pins += pins;
	}
	while (unlikely(status != STATUS_OK) && i-- > first)
		blocks[i].pins -= pins;
	spin_unlock(&block_lock);
	return status;
}

status_t blocks_check(hpa_t base, uint64_t size)
{
	return blocks_walk(base, size, 0);
}

status_t blocks_pin(hpa_t base, uint64_t size)
{
	return blocks_walk(base, size, 1);
}

void blocks_unpin(hpa_t base, uint64_t size)
{
	uint64_t last = (base + size - 1) >> BLOCK_SHIFT;

	spin_lock(&block_lock);
	for (uint64_t i = base >> BLOCK_SHIFT; i <= last; i++) {
		assert_kernel(blocks[i].pins != 0);
		blocks[i].pins--;
	}
	spin_unlock(&block_lock);
}

status_t block_deposit(hpa_t block)
{
	uint64_t i = block >> BLOCK_SHIFT;
	status_t status = STATUS_OK;

	if (!IS_ALIGNED(block, BLOCK_SIZE))
		return STATUS_MISALIGNED;
	if (i >= block_count)
		return STATUS_INVALID_ADDRESS;
	spin_lock(&block_lock);
	if (blocks[i].owner != BLOCK_TASK)
		status = STATUS_INVALID_ADDRESS;
	else if (blocks[i].pins != 0)
		status = STATUS_BUSY;
	else
		blocks[i].owner = BLOCK_DEPOSITED;
	spin_unlock(&block_lock);
	return status;
}

void block_return(hpa_t block)
{
	uint64_t i = block >> BLOCK_SHIFT;

	spin_lock(&block_lock);
	assert_kernel(i < block_count && blocks[i].owner == BLOCK_DEPOSITED);
	blocks[i].owner = BLOCK_TASK;
	spin_unlock(&block_lock);
}

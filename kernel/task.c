/* SPDX-License-Identifier: MIT */
/*
 * The root task: its program is copied out of the bundle into RAM of its own, its window is mapped,
 * and its first thread is made. Its address space:
 *
 *	0x0000000000010000	the program, as root.elf says, W^X
 *	BOOT_INFO_VA		struct boot_info, read-only
 *	ROOT_WINDOW_BASE	all RAM that it owns, not executable
 */
#include <kernel/backend.h>
#include <kernel/bundle.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/elf.h>
#include <kernel/panic.h>
#include <kernel/partition.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/thread.h>

#define PROGRAM_LOWEST 0x10000ull
#define BOOT_INFO_VA   (ROOT_WINDOW_BASE - GIB(4))
#define WINDOW_FLAGS   (PAGE_READ | PAGE_WRITE | PAGE_USER)

static struct task root_task;

/* Two pieces of RAM that were not one before may come from each reservation that is still made. */
#define PIECES_TO_COME 2u

struct task *task_current(void)
{
	return this_cpu()->current->task;
}

static void root_task_destroy(struct object *object)
{
	(void)object; /* its end is the machine's end: see task_ended() */
}

void task_ended(struct task *task)
{
	(void)task;
	log_error("the root task's last thread has ended");
	system_end(false, END_ROOT_FAULTED);
}

/* ---- the program ---- */

static status_t program_find(struct elf_image *image)
{
	const struct elf_rules rules = {ARCH_ELF_MACHINE, PROGRAM_LOWEST, BOOT_INFO_VA};
	const char *problem = NULL;
	struct bundle bundle;
	struct bundle_file file;
	status_t status;

	if (boot_source.bundle_size == 0) {
		log_error("no bundle: the boot loader gave no module");
		return STATUS_NOT_FOUND;
	}
	bundle_open(&bundle, hpa_to_kva(boot_source.bundle_base), boot_source.bundle_size);
	status = bundle_find(&bundle, "root.elf", &file);
	if (status == STATUS_NOT_FOUND) {
		log_error("the bundle has no file root.elf");
		return status;
	}
	if (status != STATUS_OK) {
		log_error("the bundle is damaged: %s, at byte %llu of %llu", bundle.problem,
			  (unsigned long long)bundle.offset, (unsigned long long)bundle.size);
		return status;
	}
	status = elf_open(image, file.data, file.size, &rules, &problem);
	if (status != STATUS_OK)
		log_error("root.elf cannot be loaded: %s", problem);
	return status;
}

static uint64_t segment_start(const struct elf_segment *segment)
{
	return ALIGN_DOWN(segment->address, PAGE_SIZE);
}

static uint64_t segment_pages_size(const struct elf_segment *segment)
{
	return ALIGN_UP(segment->address + segment->memory_size, PAGE_SIZE) -
	       segment_start(segment);
}

static uint64_t program_size(const struct elf_image *image)
{
	uint64_t size = 0;

	for (unsigned int i = 0; i < image->segment_count; i++) {
		struct elf_segment segment = elf_segment_get(image, i);

		size += segment_pages_size(&segment);
	}
	return size;
}

static status_t program_load(const struct elf_image *image, hpa_t hpa)
{
	for (unsigned int i = 0; i < image->segment_count; i++) {
		struct elf_segment segment = elf_segment_get(image, i);
		uint64_t start = segment_start(&segment), size = segment_pages_size(&segment);
		char *memory = hpa_to_kva(hpa);
		status_t status;

		memset(memory, 0, size);
		memcpy(memory + (segment.address - start), segment.data, segment.data_size);
		status =
			page_table_map(&root_task.space.table, start, hpa, size,
				       PAGE_USER | PAGE_READ | (segment.writable ? PAGE_WRITE : 0) |
					       (segment.executable ? PAGE_EXECUTE : 0));
		if (status != STATUS_OK)
			return status;
		hpa += size;
	}
	return STATUS_OK;
}

/* ---- the window and the boot information ---- */

static uint32_t memory_pieces(void)
{
	struct memory_range piece;
	hpa_t cursor = 0;
	uint32_t count = 0;

	while (memory_map_next(&cursor, &piece))
		count++;
	return count;
}

static status_t window_map(void)
{
	struct memory_range piece;
	hpa_t cursor = 0;

	while (memory_map_next(&cursor, &piece)) {
		status_t status;

		if (piece.kind != BOOT_MEMORY_FREE && piece.kind != BOOT_MEMORY_BUNDLE)
			continue;
		status = page_table_map(&root_task.space.table, ROOT_WINDOW_BASE + piece.base,
					piece.base, piece.size, WINDOW_FLAGS);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static uint64_t boot_info_size(void)
{
	return sizeof(struct boot_info) +
	       (memory_pieces() + PIECES_TO_COME) * sizeof(struct boot_memory);
}

static void text_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static void boot_info_fill(struct boot_info *info, uint64_t size)
{
	struct memory_range piece;
	hpa_t cursor = 0;

	memset(info, 0, ALIGN_UP(size, PAGE_SIZE));
	info->magic = BOOT_INFO_MAGIC;
	info->abi_version = TRIVET_ABI_VERSION;
	info->cpu_count = cpu_count;
	info->hypervisor_status = hypervisor_available();
	info->priority_count = PRIORITY_COUNT;
	info->tsc_hz = timestamp_hz;
	info->tsc_base = timestamp_base;
	info->boot_epoch = arch_wall_clock();
	if (info->boot_epoch != 0)
		info->boot_epoch -= ns_from_ticks(timestamp_read()) / 1000000000;
	info->bundle_base = boot_source.bundle_base;
	info->bundle_size = boot_source.bundle_size;
	text_copy(info->backend, sizeof(info->backend), backend != NULL ? backend->name : "none");
	text_copy(info->command_line, sizeof(info->command_line), boot_source.command_line);
	while (memory_map_next(&cursor, &piece))
		if (piece.kind != MEMORY_USE_KERNEL)
			info->memory[info->memory_count++] =
				(struct boot_memory){piece.base, piece.size, piece.kind, 0};
	info->size = (uint32_t)(sizeof(*info) + info->memory_count * sizeof(info->memory[0]));
}

/* ---- the start ---- */

static status_t root_task_init(void)
{
	struct task *task = &root_task;
	handle_t handle;
	status_t status;

	object_init(&task->object, OBJECT_TASK, root_task_destroy);
	task->heap = &kernel_heap;
	handle_table_init(&task->handles, task->heap);
	status = page_table_init(&task->space.table, &host_page_table_format, task->heap);
	if (status != STATUS_OK)
		return status;
	arch_space_init(&task->space);
	return handle_create(&task->handles, &task->object, RIGHTS_ALL, &handle);
}

static status_t root_task_load(const struct elf_image *image)
{
	uint64_t program = program_size(image), info = ALIGN_UP(boot_info_size(), PAGE_SIZE);
	hpa_t hpa;
	status_t status = memory_reserve_root(program + info, &hpa);

	if (status == STATUS_OK)
		status = program_load(image, hpa);
	if (status == STATUS_OK)
		status = page_table_map(&root_task.space.table, BOOT_INFO_VA, hpa + program, info,
					PAGE_READ | PAGE_USER);
	if (status == STATUS_OK)
		status = window_map();
	if (status == STATUS_OK)
		boot_info_fill(hpa_to_kva(hpa + program), info);
	return status;
}

status_t root_task_start(void)
{
	struct elf_image image;
	struct thread *thread = NULL;
	status_t status = program_find(&image);

	if (status != STATUS_OK)
		return status;
	status = root_task_init();
	if (status == STATUS_OK)
		status = root_task_load(&image);
	if (status == STATUS_OK)
		status = thread_create(&root_task, 0, ROOT_PRIORITY, image.entry, 0, BOOT_INFO_VA,
				       0, &thread);
	if (status != STATUS_OK) {
		log_error("the root task cannot be started: %s", status_words(status));
		return status;
	}
	thread_start(thread);
	object_put(&thread->object);
	return STATUS_OK;
}

/* ---- blocks that go and come back ---- */

status_t task_window_range(struct task *task, uint64_t va, uint64_t size, hpa_t *hpa)
{
	(void)task; /* the root task is the only one that has a window */
	if (va < ROOT_WINDOW_BASE || !range_within(va, size, UINT64_MAX))
		return STATUS_INVALID_ADDRESS;
	*hpa = va - ROOT_WINDOW_BASE;
	return STATUS_OK;
}

/* Makes a change of the table, which just ran under the lock, true on every CPU. */
static void space_settle(struct address_space *space, void *unlinked)
{
	host_tlb_shootdown(space);
	page_list_free(space->table.heap, unlinked);
}

status_t task_window_remove(struct task *task, hpa_t block)
{
	struct address_space *space = &task->space;
	status_t status;
	void *unlinked;

	spin_lock(&space->lock);
	status = page_table_unmap(&space->table, ROOT_WINDOW_BASE + block, LARGE_PAGE_SIZE);
	unlinked = page_table_unlinked_take(&space->table);
	spin_unlock(&space->lock);
	space_settle(space, unlinked);
	return status;
}

status_t task_window_restore(struct task *task, hpa_t block)
{
	struct address_space *space = &task->space;
	status_t status;
	void *unlinked;

	spin_lock(&space->lock);
	status = page_table_map(&space->table, ROOT_WINDOW_BASE + block, block, LARGE_PAGE_SIZE,
				WINDOW_FLAGS);
	unlinked = page_table_unlinked_take(&space->table);
	spin_unlock(&space->lock);
	if (unlinked != NULL)
		space_settle(space, unlinked);
	return status;
}

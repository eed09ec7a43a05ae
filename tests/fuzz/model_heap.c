/* SPDX-License-Identifier: MIT */
/*
 * Around the functions of the kernel's heaps and of copies to and from ring 3 (the linker puts these in
 * their place): memory runs out when the fuzzer says so, and the other CPU may come in between.
 */
#include "model.h"

#include <kernel/heap_block.h>

void *__real_heap_alloc(struct heap *heap, size_t size);
void __real_heap_free(struct heap *heap, void *object, size_t size);
void *__real_page_alloc(struct heap *heap, unsigned int order);
void __real_page_free(struct heap *heap, void *pages, unsigned int order);
status_t __real_user_copy_in(void *destination, uint64_t user, size_t size);
status_t __real_user_copy_out(uint64_t user, const void *source, size_t size);
void *__wrap_heap_alloc(struct heap *heap, size_t size);
void __wrap_heap_free(struct heap *heap, void *object, size_t size);
void *__wrap_page_alloc(struct heap *heap, unsigned int order);
void __wrap_page_free(struct heap *heap, void *pages, unsigned int order);
status_t __wrap_user_copy_in(void *destination, uint64_t user, size_t size);
status_t __wrap_user_copy_out(uint64_t user, const void *source, size_t size);

#define TURN_ONE_IN 16u

static uint32_t left;

void heap_fail_after(uint32_t n)
{
	left = n;
}

static bool fails(void)
{
	return left && --left == 0;
}

void *__wrap_heap_alloc(struct heap *heap, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	return fails() ? NULL : __real_heap_alloc(heap, size);
}

void __wrap_heap_free(struct heap *heap, void *object, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	__real_heap_free(heap, object, size);
}

void *__wrap_page_alloc(struct heap *heap, unsigned int order)
{
	machine_interleave(TURN_ONE_IN);
	return fails() ? NULL : __real_page_alloc(heap, order);
}

void __wrap_page_free(struct heap *heap, void *pages, unsigned int order)
{
	machine_interleave(TURN_ONE_IN);
	__real_page_free(heap, pages, order);
}

status_t __wrap_user_copy_in(void *destination, uint64_t user, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	return __real_user_copy_in(destination, user, size);
}

status_t __wrap_user_copy_out(uint64_t user, const void *source, size_t size)
{
	machine_interleave(TURN_ONE_IN);
	return __real_user_copy_out(user, source, size);
}

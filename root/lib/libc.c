/* SPDX-License-Identifier: MIT */
/*
 * The functions of libc that are not pure, or that would bring a system beneath them along: the
 * allocator, and formatted text. All else (string.h, strtoull, qsort) comes from the C library.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lib/format.h>
#include <lib/heap.h>
#include <lib/libc.h>
#include <lib/memory.h>
#include <lib/model.h>
#include <lib/sync.h>

static void *pages_get(uint64_t size)
{
	return memory_allocate(size, PAGE_SIZE);
}

static struct heap heap = {.pages_get = pages_get, .pages_put = memory_free};
static struct mutex lock; /* protects heap */

uint64_t heap_used(void)
{
	uint64_t used;

	mutex_lock(&lock);
	used = heap.used;
	mutex_unlock(&lock);
	return used;
}

/* What malloc() does, under a name of which the compiler does not think to know all: it would
 * make calloc() of malloc() and memset(), in calloc() itself too. */
static void *allocate(size_t size)
{
	void *pointer;

	mutex_lock(&lock);
	pointer = heap_allocate(&heap, size);
	mutex_unlock(&lock);
	if (!pointer)
		errno = ENOMEM;
	return pointer;
}

void *malloc(size_t size)
{
	return allocate(size);
}

void free(void *pointer)
{
	mutex_lock(&lock);
	heap_free(&heap, pointer);
	mutex_unlock(&lock);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *pointer;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	pointer = allocate(bytes);
	if (pointer)
		memset(pointer, 0, bytes);
	return pointer;
}

void *realloc(void *pointer, size_t size)
{
	void *new;

	if (pointer && heap_size(pointer) >= size)
		return pointer;
	new = allocate(size);
	if (new &&pointer) {
		memcpy(new, pointer, heap_size(pointer));
		free(pointer);
	}
	return new;
}

int vsnprintf(char *restrict buffer, size_t size, const char *restrict format, va_list arguments)
{
	return format_text(buffer, size, format, arguments);
}

int snprintf(char *restrict buffer, size_t size, const char *restrict format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_text(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}

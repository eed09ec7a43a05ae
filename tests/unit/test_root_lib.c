/* SPDX-License-Identifier: MIT */
/*
 * The pure parts of the root task's library: page pools, the heap, formatted text.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <lib/format.h>
#include <lib/heap.h>
#include <lib/log_limit.h>
#include <lib/memory.h>

static uint32_t random_state = 12345;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* ---- pools ---- */

#define POOL_SIZE MIB(16)

static uint8_t *arena_new(void)
{
	return aligned_alloc(LARGE_PAGE_SIZE, POOL_SIZE);
}

static void pool_gives_and_joins(void **state)
{
	struct memory_pool pool = {0};
	uint8_t *arena = arena_new(), *a, *b;

	(void)state;
	memory_pool_add(&pool, arena, POOL_SIZE);
	assert_int_equal(pool.free, POOL_SIZE);
	assert_ptr_equal(memory_pool_allocate(&pool, POOL_SIZE, LARGE_PAGE_SIZE), arena);
	assert_null(memory_pool_allocate(&pool, PAGE_SIZE, PAGE_SIZE));
	memory_pool_free(&pool, arena, POOL_SIZE);
	a = memory_pool_allocate(&pool, PAGE_SIZE, PAGE_SIZE);
	b = memory_pool_allocate(&pool, LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
	assert_non_null(a);
	assert_true(IS_ALIGNED((uintptr_t)b, LARGE_PAGE_SIZE));
	/* What lies between them is used for small things. */
	assert_ptr_equal(memory_pool_allocate(&pool, PAGE_SIZE, PAGE_SIZE), a + PAGE_SIZE);
	memory_pool_free(&pool, a, 2 * PAGE_SIZE);
	memory_pool_free(&pool, b, LARGE_PAGE_SIZE);
	assert_int_equal(memory_pool_largest(&pool, PAGE_SIZE), POOL_SIZE);
	assert_int_equal(pool.free, POOL_SIZE);
	free(arena);
}

static void pool_refuses_what_it_has_not(void **state)
{
	struct memory_pool pool = {0};
	uint8_t *arena = arena_new();

	(void)state;
	assert_null(memory_pool_allocate(&pool, PAGE_SIZE, PAGE_SIZE));
	assert_int_equal(memory_pool_largest(&pool, PAGE_SIZE), 0);
	memory_pool_add(&pool, arena + PAGE_SIZE, LARGE_PAGE_SIZE);
	assert_null(memory_pool_allocate(&pool, 0, PAGE_SIZE));
	assert_null(memory_pool_allocate(&pool, UINT64_MAX, PAGE_SIZE));
	assert_null(memory_pool_allocate(&pool, LARGE_PAGE_SIZE, LARGE_PAGE_SIZE));
	assert_int_equal(memory_pool_largest(&pool, LARGE_PAGE_SIZE), PAGE_SIZE);
	assert_non_null(memory_pool_allocate(&pool, LARGE_PAGE_SIZE, PAGE_SIZE));
	free(arena);
}

/* Against a map of pages: nothing is given twice, nothing is lost. */
static void pool_random(void **state)
{
	struct memory_pool pool = {0};
	uint8_t *arena = arena_new();
	struct {
		uint8_t *base;
		uint64_t size;
	} held[64] = {0};

	(void)state;
	memory_pool_add(&pool, arena, POOL_SIZE);
	for (int round = 0; round < 20000; round++) {
		size_t i = random_next() % ARRAY_SIZE(held);

		if (held[i].base) {
			for (uint64_t at = 0; at < held[i].size; at += PAGE_SIZE)
				assert_int_equal(held[i].base[at], i);
			memory_pool_free(&pool, held[i].base, held[i].size);
			held[i].base = NULL;
			continue;
		}
		uint64_t align = PAGE_SIZE << random_next() % 10;

		held[i].size = (1 + random_next() % 200) * PAGE_SIZE;
		held[i].base = memory_pool_allocate(&pool, held[i].size, align);
		if (!held[i].base)
			continue;
		assert_true(IS_ALIGNED((uintptr_t)held[i].base, align));
		assert_true(held[i].base >= arena &&
			    held[i].base + held[i].size <= arena + POOL_SIZE);
		memset(held[i].base, (int)i, held[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].base)
			memory_pool_free(&pool, held[i].base, held[i].size);
	assert_int_equal(pool.free, POOL_SIZE);
	assert_int_equal(memory_pool_largest(&pool, PAGE_SIZE), POOL_SIZE);
	free(arena);
}

/* ---- heap ---- */

static uint64_t pages_out;
static bool pages_refused;
static void *chunks[64]; /* pages that the heap keeps */
static size_t chunk_count;

static void *pages_get(uint64_t size)
{
	assert_true(IS_ALIGNED(size, PAGE_SIZE));
	if (pages_refused)
		return NULL;
	pages_out += size;
	void *base = aligned_alloc(PAGE_SIZE, size);

	if (size == HEAP_CHUNK && chunk_count < ARRAY_SIZE(chunks))
		chunks[chunk_count++] = base;
	return base;
}

static void chunks_free(void)
{
	while (chunk_count)
		free(chunks[--chunk_count]);
}

static void pages_put(void *base, uint64_t size)
{
	pages_out -= size;
	free(base);
}

static void heap_random(void **state)
{
	struct heap heap = {.pages_get = pages_get, .pages_put = pages_put};
	struct {
		uint8_t *base;
		size_t size;
	} held[128] = {0};

	(void)state;
	pages_out = 0;
	for (int round = 0; round < 50000; round++) {
		size_t i = random_next() % ARRAY_SIZE(held);

		if (held[i].base) {
			for (size_t at = 0; at < held[i].size; at++)
				assert_int_equal(held[i].base[at], i);
			heap_free(&heap, held[i].base);
			held[i].base = NULL;
			continue;
		}
		/* Small ones, and now and then sizes around the limit of small ones. */
		held[i].size = random_next() % 16 ? random_next() % 300
						  : HEAP_LARGE - 64 + random_next() % 128;
		held[i].base = heap_allocate(&heap, held[i].size);
		assert_non_null(held[i].base);
		assert_true(IS_ALIGNED((uintptr_t)held[i].base, HEAP_ALIGNMENT));
		assert_true(heap_size(held[i].base) >= held[i].size);
		memset(held[i].base, (int)i, held[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		heap_free(&heap, held[i].base);
	assert_int_equal(heap.used, 0);
	/* All that is left are chunks, each one free block again or joined with others. */
	assert_int_equal(pages_out % HEAP_CHUNK, 0);
	assert_int_equal(pages_out / HEAP_CHUNK, chunk_count);
	assert_true(pages_out <= 16 * HEAP_CHUNK);
	chunks_free();
}

static void heap_without_memory(void **state)
{
	struct heap heap = {.pages_get = pages_get, .pages_put = pages_put};

	(void)state;
	pages_refused = true;
	assert_null(heap_allocate(&heap, 1));
	assert_null(heap_allocate(&heap, MIB(1)));
	assert_null(heap_allocate(&heap, SIZE_MAX));
	pages_refused = false;
	heap_free(&heap, NULL);
	assert_non_null(heap_allocate(&heap, 0));
	chunks_free();
}

/* ---- formatted text ---- */

static int ours(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = format_text(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}

/* The same as the C library does. */
#define SAME(...)                                                   \
	do {                                                        \
		char a[128], b[128];                                \
		int got = ours(a, sizeof(a), __VA_ARGS__);          \
		int expected = snprintf(b, sizeof(b), __VA_ARGS__); \
                                                                    \
		assert_string_equal(a, b);                          \
		assert_int_equal(got, expected);                    \
	} while (0)

static void format_like_the_library(void **state)
{
	(void)state;
	SAME("plain%%");
	SAME("%d %i %u", -1, 42, 4000000000u);
	SAME("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, -42, 42, 42);
	SAME("[%.3d] [%8.3d] [%-8.3d] [%.0d] [%5.0d]", 7, 7, 7, 0, 0);
	SAME("%x %X %#x %#X %#x %o", 255u, 255u, 255u, 255u, 0u, 8u);
	SAME("%016llx %#llx %lx", 0x123456789abcdefull, 1ull, 0xfffffffffffffffful);
	SAME("%hhd %hd %hhu %hu", -1, -2, 511, 65537);
	SAME("%zu %jd %td %lld", (size_t)7, (intmax_t)-7, (ptrdiff_t)9, LLONG_MIN);
	SAME("[%s] [%10s] [%-10s] [%.2s] [%.*s]", "abc", "abc", "abc", "abc", 1, "abc");
	SAME("[%c] [%3c] [%-3c]", 'x', 'y', 'z');
	SAME("%*d|%-*d|%*d", 6, 1, 6, 2, -6, 3);
}

static void format_short_buffers(void **state)
{
	char buffer[8];

	(void)state;
	memset(buffer, 'x', sizeof(buffer));
	assert_int_equal(ours(buffer, 4, "%s", "abcdef"), 6);
	assert_string_equal(buffer, "abc");
	assert_int_equal(buffer[4], 'x');
	assert_int_equal(ours(buffer, 1, "%d", 12), 2);
	assert_string_equal(buffer, "");
	assert_int_equal(ours(NULL, 0, "%d", 123), 3);
	assert_int_equal(ours(buffer, sizeof(buffer), "%s", (char *)NULL), 6);
	assert_string_equal(buffer, "(null)");
	assert_int_equal(ours(buffer, sizeof(buffer), "%"), 0);
	assert_int_equal(ours(buffer, sizeof(buffer), "%k"), 2);
	assert_string_equal(buffer, "%k");
}

/* ---- the limit to messages ---- */

static void limit_passes_a_few(void **state)
{
	struct log_limit limit = {0};
	uint64_t now = 7;

	(void)state;
	for (unsigned int i = 0; i < 100; i++, now++)
		assert_int_equal(log_limit_pass(&limit, now), i < LOG_LIMIT_COUNT);
	assert_int_equal(log_limit_left_out(&limit), 100 - LOG_LIMIT_COUNT);
	assert_int_equal(log_limit_left_out(&limit), 0);
	assert_false(log_limit_pass(&limit, 7 + LOG_LIMIT_NS - 1));
	assert_true(log_limit_pass(&limit, 7 + LOG_LIMIT_NS));
	assert_int_equal(log_limit_left_out(&limit), 1);
	/* Slow ones all pass. */
	for (now = 8 + 2 * LOG_LIMIT_NS; now < 30 * LOG_LIMIT_NS; now += LOG_LIMIT_NS / 4)
		assert_true(log_limit_pass(&limit, now));
	assert_int_equal(log_limit_left_out(&limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_gives_and_joins),
		cmocka_unit_test(pool_refuses_what_it_has_not),
		cmocka_unit_test(pool_random),
		cmocka_unit_test(heap_random),
		cmocka_unit_test(heap_without_memory),
		cmocka_unit_test(format_like_the_library),
		cmocka_unit_test(format_short_buffers),
		cmocka_unit_test(limit_passes_a_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

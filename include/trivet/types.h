/* SPDX-License-Identifier: MIT */
/*
 * Types and small helpers that the kernel, the root task and hosted tests share.
 * Freestanding: needs nothing but the compiler's own headers.
 */
#ifndef TRIVET_TYPES_H
#define TRIVET_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose structures are meant, where architectures differ: the processor's that is compiled for. Hosted tests of
 * the other one's half say so by themselves. */
#ifdef __aarch64__
#define TRIVET_AARCH64 1
#endif

/* Guest-physical, guest-virtual and host-physical (system-physical) addresses. */
typedef uint64_t gpa_t;
typedef uint64_t gva_t;
typedef uint64_t hpa_t;

/* A handle names an object of the calling task. 0 never names one. */
typedef uint32_t handle_t;
#define HANDLE_NONE 0u

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define PAGE_SHIFT	 12
#define PAGE_SIZE	 (1ull << PAGE_SHIFT)
#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE_SIZE	 (1ull << LARGE_PAGE_SHIFT)

#define BIT(n)		 (1ull << (n))
#define MASK(bits)	 (BIT(bits) - 1)
#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)	 ALIGN_DOWN((x) + ((__typeof__(x))(a)-1), (a))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a)-1)) == 0)
#define MIN(a, b)	 ((a) < (b) ? (a) : (b))
#define MAX(a, b)	 ((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __noreturn     __attribute__((noreturn))
#define __must_check   __attribute__((warn_unused_result))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __section(s)   __attribute__((section(s)))
#define __unused       __attribute__((unused))
#define __cold	       __attribute__((cold, noinline)) /* keeps a rare path's registers out */
#define likely(x)      __builtin_expect(!!(x), 1)
#define unlikely(x)    __builtin_expect(!!(x), 0)

#ifndef static_assert
#define static_assert _Static_assert
#endif

/* [base, base + size) does not wrap and lies in [0, limit). */
static inline bool range_within(uint64_t base, uint64_t size, uint64_t limit)
{
	return size <= limit && base <= limit - size;
}

/* The two ranges share at least one byte. Neither may wrap. */
static inline bool range_overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Threads that share a CPU and all use its FPU: each finds its own registers, from the first on. */
#include "../hostile.h"
#include <string.h>

#define THREADS_A_CPU 3u
#define ROUNDS	      60u
#define SPINS	      200000u
#define LEGACY_BYTES  416u /* of FXSAVE: what lies behind is nobody's */
#define POINTERS      8u   /* where the x87 pointers begin, which need not be kept */
#define POINTERS_END  24u
#define XMM	      160u
#define ST0	      32u

#define CONTROL_RESET 0x37f
#define MXCSR_RESET   0x1f80
#define MXCSR	      24u
#define MXCSR_FTZ     0x8000u
#define ONE_REGISTER  0x80 /* the tag word of a stack with one register in use */
#define TOP_7	      0x3800

struct fpu_image {
	uint8_t bytes[512] __aligned(16);
	uint8_t upper[16]; /* of YMM0, where there is AVX */
};

static _Atomic uint32_t finished;
static bool has_avx;

static bool avx_is_on(void)
{
	uint32_t a = 1, b, c = 0, d, low, high;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if ((c & (BIT(27) | BIT(28))) != (BIT(27) | BIT(28)))
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

static void image_get(struct fpu_image *image)
{
	__asm__ volatile("fxsave64 %0" : "=m"(image->bytes));
	if (has_avx)
		__asm__ volatile("vextractf128 $1, %%ymm0, %0" : "=m"(image->upper));
}

static void image_put(const struct fpu_image *image)
{
	__asm__ volatile("fxrstor64 %0" : : "m"(image->bytes));
	if (has_avx)
		__asm__ volatile("vinsertf128 $1, %0, %%ymm0, %%ymm0" : : "m"(image->upper));
}

static bool images_equal(const struct fpu_image *a, const struct fpu_image *b)
{
	return !memcmp(a->bytes, b->bytes, POINTERS) &&
	       !memcmp(a->bytes + POINTERS_END, b->bytes + POINTERS_END,
		       LEGACY_BYTES - POINTERS_END) &&
	       (!has_avx || !memcmp(a->upper, b->upper, sizeof(a->upper)));
}

/* As after FNINIT and a reset of SSE. */
static void image_reset(struct fpu_image *image)
{
	memset(image, 0, sizeof(*image));
	*(uint16_t *)image->bytes = CONTROL_RESET;
	*(uint32_t *)(image->bytes + MXCSR) = MXCSR_RESET;
}

static void image_fill(struct fpu_image *image, uint64_t n)
{
	*(uint16_t *)(image->bytes + 2) = TOP_7;
	image->bytes[4] = ONE_REGISTER;
	*(uint32_t *)(image->bytes + MXCSR) = MXCSR_RESET | (n & 1 ? MXCSR_FTZ : 0);
	memset(image->bytes + ST0, (int)n, 10);
	memset(image->upper, (int)(0xa0 + n), sizeof(image->upper));
	for (uint32_t i = 0; i < 16; i++)
		memset(image->bytes + XMM + i * 16, (int)(n << 4 | i), 16);
}

static void use_fpu(uint64_t n)
{
	struct fpu_image mine, now;

	image_get(&now);
	image_reset(&mine);
	memcpy(mine.bytes + MXCSR + 4, now.bytes + MXCSR + 4, 4); /* the mask is the processor's */
	EXPECT(images_equal(&mine, &now));
	image_fill(&mine, n);
	image_put(&mine);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (i % 2)
			sleep_ms(1);
		for (uint32_t spin = 0; spin < SPINS; spin++)
			__asm__ volatile("");
		image_get(&now);
		EXPECT(images_equal(&mine, &now));
	}
	finished++;
}

void fpu_is_kept(void)
{
	uint32_t count = boot_info->cpu_count * THREADS_A_CPU;

	has_avx = avx_is_on();
	say("hostile: FPU: %u threads, AVX %s", count, has_avx ? "on" : "off");
	for (uint32_t i = 0; i < count; i++)
		thread_run(i % boot_info->cpu_count, 1, use_fpu, i + 1);
	while (finished < count)
		sleep_ms(20);
	end(END_OK);
}

/* SPDX-License-Identifier: MIT */
/* Threads that share a CPU and all use its FP and SIMD registers: each finds its own, from the first on. */
#include "../hostile.h"
#include <string.h>

#define THREADS_A_CPU 3u
#define ROUNDS	      60u
#define SPINS	      200000u
#define FPCR_FZ	      BIT(24)
#define FPSR_QC	      BIT(27)

/* Only this file's code touches the registers, by assembly. */
struct fpu_image {
	uint8_t v[32][16] __aligned(16);
	uint64_t fpsr, fpcr;
};

static _Atomic uint32_t finished;

#define PAIRS(op)                                                                            \
	".arch_extension simd\n\t" op " q0, q1, [%0, #0]\n\t" op " q2, q3, [%0, #32]\n\t" op \
	" q4, q5, [%0, #64]\n\t" op " q6, q7, [%0, #96]\n\t" op " q8, q9, [%0, #128]\n\t" op \
	" q10, q11, [%0, #160]\n\t" op " q12, q13, [%0, #192]\n\t" op                        \
	" q14, q15, [%0, #224]\n\t" op " q16, q17, [%0, #256]\n\t" op                        \
	" q18, q19, [%0, #288]\n\t" op " q20, q21, [%0, #320]\n\t" op                        \
	" q22, q23, [%0, #352]\n\t" op " q24, q25, [%0, #384]\n\t" op                        \
	" q26, q27, [%0, #416]\n\t" op " q28, q29, [%0, #448]\n\t" op " q30, q31, [%0, #480]\n\t"

static void image_get(struct fpu_image *image)
{
	__asm__ volatile(PAIRS("stp") "mrs %1, fpsr\n\tmrs %2, fpcr"
			 : "+r"(image), "=&r"(image->fpsr), "=&r"(image->fpcr)
			 :
			 : "memory");
}

static void image_put(const struct fpu_image *image)
{
	__asm__ volatile(PAIRS("ldp") "msr fpsr, %1\n\tmsr fpcr, %2"
			 :
			 : "r"(image), "r"(image->fpsr), "r"(image->fpcr)
			 : "memory");
}

static void image_fill(struct fpu_image *image, uint64_t n)
{
	for (uint32_t i = 0; i < 32; i++)
		memset(image->v[i], (int)(n << 5 | i), sizeof(image->v[i]));
	image->fpsr = n & 1 ? FPSR_QC : 0;
	image->fpcr = n & 2 ? FPCR_FZ : 0;
}

static void use_fpu(uint64_t n)
{
	struct fpu_image mine, now;

	image_get(&now);
	memset(&mine, 0, sizeof(mine)); /* as after a reset */
	EXPECT(!memcmp(&mine, &now, sizeof(mine)));
	image_fill(&mine, n);
	image_put(&mine);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (i % 2)
			sleep_ms(1);
		for (uint32_t spin = 0; spin < SPINS; spin++)
			__asm__ volatile("");
		image_get(&now);
		EXPECT(!memcmp(&mine, &now, sizeof(mine)));
	}
	finished++;
}

void fpu_is_kept(void)
{
	uint32_t count = boot_info->cpu_count * THREADS_A_CPU;

	say("hostile: FPU: %u threads", count);
	for (uint32_t i = 0; i < count; i++)
		thread_run(i % boot_info->cpu_count, 1, use_fpu, i + 1);
	while (finished < count)
		sleep_ms(20);
	end(END_OK);
}

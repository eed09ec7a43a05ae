/* SPDX-License-Identifier: MIT */
/*
 * Lazy switching of the FPU's registers, with XSAVE in its standard form: the area then is also
 * what a guest's XSAVE state looks like to the outside. XCR0 is the host's while state moves, so
 * that a guest that switched a component off keeps what is in it.
 */
#include <arch/cr.h>
#include <arch/fpu.h>
#include <kernel/cpu.h>
#include <kernel/string.h>

#define CPUID_1_ECX_XSAVE BIT(26)
#define FXSAVE_SIZE	  512

/* FXSAVE's layout, SDM 1 table 10-2, and the values after FNINIT and a reset. */
#define FPU_CONTROL_OFFSET 0
#define MXCSR_OFFSET	   24
#define FPU_CONTROL_RESET  0x37f
#define MXCSR_RESET	   0x1f80
#define XMM_OFFSET	   160
#define XMM_SIZE	   16
#define XSTATE_BV_OFFSET   512 /* in the XSAVE header, SDM 1 13.4.2 */

uint64_t host_xcr0;
uint32_t xsave_area_size;
bool xsave_present;

/* Without XSAVE there are x87 and SSE. A component's place is CPUID leaf 13's (SDM 1 13.5). */
void fpu_detect(void)
{
	host_xcr0 = XCR0_X87 | XCR0_SSE;
	xsave_area_size = FXSAVE_SIZE;
	xsave_present = cpuid_get(1, 0).ecx & CPUID_1_ECX_XSAVE;
	if (!xsave_present)
		return;
	struct cpuid leaf = cpuid_get(13, 0);
	uint64_t offered = leaf.eax | (uint64_t)leaf.edx << 32;

	host_xcr0 |= offered & XCR0_AVX;
	if (host_xcr0 & XCR0_AVX && (offered & XCR0_AVX512) == XCR0_AVX512)
		host_xcr0 |= XCR0_AVX512;
	xsave_area_size = FXSAVE_SIZE + 64; /* the XSAVE header */
	for (uint32_t i = 2; i < 64; i++) {
		if (!(host_xcr0 & BIT(i)))
			continue;
		struct cpuid component = cpuid_get(13, i);

		xsave_area_size = MAX(xsave_area_size, component.eax + component.ebx);
	}
}

void fpu_state_init(struct fpu_state *state, void *area)
{
	uint16_t control = FPU_CONTROL_RESET;
	uint32_t mxcsr = MXCSR_RESET;

	/* An empty header: XRSTOR then sets each component to its state after reset, but takes
	 * MXCSR from here. */
	memset(area, 0, xsave_area_size);
	memcpy((char *)area + FPU_CONTROL_OFFSET, &control, sizeof(control));
	memcpy((char *)area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	state->area = area;
	state->xcr0 = host_xcr0;
}

static void xcr0_set(struct cpu *cpu, uint64_t value)
{
	if (!xsave_present || cpu->arch.xcr0 == value)
		return;
	cpu->arch.xcr0 = value;
	xcr0_write(value);
}

/* Both with CR0.TS clear and XCR0 the host's. */
static void registers_save(void *area)
{
	if (xsave_present)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void registers_restore(const void *area)
{
	/* AMD's restore leaves the x87 pointers and opcode as they are unless an exception is pending
	 * (APM 2 11.4.4.3, CPUID XSAVEERPTR): those of the owner before shall not be found there. */
	__asm__ volatile("fninit");
	if (xsave_present)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

uint64_t fpu_xcr0(struct fpu_state *state)
{
	struct cpu *cpu = this_cpu();

	if (xsave_present && cpu->fpu_owner == state)
		state->xcr0 = cpu->arch.xcr0 = xcr0_read();
	return state->xcr0;
}

/* The registers' owner gets them, with all that this kernel switches enabled. */
static void owner_save(struct cpu *cpu)
{
	(void)fpu_xcr0(cpu->fpu_owner);
	xcr0_set(cpu, host_xcr0);
	registers_save(cpu->fpu_owner->area);
}

void fpu_take(struct fpu_state *next)
{
	struct cpu *cpu = this_cpu();

	cr0_ts_clear();
	if (cpu->fpu_owner != next) {
		if (cpu->fpu_owner)
			owner_save(cpu);
		xcr0_set(cpu, host_xcr0);
		registers_restore(next->area);
		cpu->fpu_owner = next;
	}
	xcr0_set(cpu, next->xcr0);
}

void fpu_release(struct fpu_state *state)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_owner != state)
		return;
	cr0_ts_clear();
	owner_save(cpu);
	cpu->fpu_owner = NULL;
	fpu_guard(NULL);
}

/* While its bit in XSTATE_BV is clear, XRSTOR clears the component, and the area may hold anything. */
void *fpu_xmm(struct fpu_state *state, unsigned int number)
{
	char *xmm = (char *)state->area + XMM_OFFSET;
	uint64_t *present = (uint64_t *)((char *)state->area + XSTATE_BV_OFFSET);

	fpu_release(state);
	if (xsave_present && !(*present & XCR0_SSE)) {
		memset(xmm, 0, 16 * XMM_SIZE);
		*present |= XCR0_SSE;
	}
	return xmm + number * XMM_SIZE;
}

#define MXCSR_MASK_OFFSET  28
#define MXCSR_MASK_DEFAULT 0xffbfu /* SDM 1 11.6.6 */

uint32_t fpu_mxcsr_mask(void)
{
	uint64_t cr0 = cr0_read();
	uint8_t image[FXSAVE_SIZE] __attribute__((aligned(16)));
	uint32_t mask;

	cr0_ts_clear();
	__asm__ volatile("fxsave64 %0" : "=m"(image));
	if (cr0 & CR0_TS)
		cr0_write(cr0);
	memcpy(&mask, image + MXCSR_MASK_OFFSET, sizeof(mask));
	return mask ? mask : MXCSR_MASK_DEFAULT;
}

void fpu_guard(const struct fpu_state *state)
{
	struct cpu *cpu = this_cpu();
	uint64_t cr0 = cr0_read();
	uint64_t wanted = state && cpu->fpu_owner == state ? cr0 & ~CR0_TS : cr0 | CR0_TS;

	if (state && cpu->fpu_owner == state)
		xcr0_set(cpu, state->xcr0);
	if (wanted != cr0)
		cr0_write(wanted);
}

/* SPDX-License-Identifier: MIT */
/*
 * The FPU's and vector registers as an element of a VP's state: an XSAVE area in compact form (SDM 1
 * 13.4.3), whose layout depends on the components alone, or in standard form, with this processor's
 * offsets. Both say themselves which they are. What is saved has one form for one state: x87 and SSE are
 * always there, another component only if it is not zero.
 */
#include "state_elements.h"
#include <kernel/string.h>

#define LEGACY_SIZE	  512u
#define HEADER_SIZE	  64u
#define EXTENDED_OFFSET	  (LEGACY_SIZE + HEADER_SIZE)
#define XSTATE_BV_OFFSET  512u
#define XCOMP_BV_OFFSET	  520u
#define RESERVED_OFFSET	  528u
#define COMPACT		  BIT(63)
#define ALWAYS		  (XCR0_X87 | XCR0_SSE)
#define FIRST_EXTENDED	  2u
/* FXSAVE's layout, SDM 1 table 10-2. */
#define FCW_OFFSET	  0u
#define MXCSR_OFFSET	  24u
#define MXCSR_MASK_OFFSET 28u
#define ST_OFFSET	  32u
#define XMM_OFFSET	  160u
#define XMM_END		  416u
#define FCW_INIT	  0x37fu
#define MXCSR_INIT	  0x1f80u

static uint64_t word_get(const uint8_t *area, uint32_t offset)
{
	uint64_t value;

	__builtin_memcpy(&value, area + offset, sizeof(value));
	return value;
}

static void word_put(uint8_t *area, uint32_t offset, uint64_t value)
{
	__builtin_memcpy(area + offset, &value, sizeof(value));
}

static const struct cpuid_xsave *xsave_of(const struct vp *vp)
{
	return &vp->partition->arch.cpuid->xsave;
}

static uint64_t components_of(const struct vp *vp)
{
	return xsave_of(vp)->allowed | ALWAYS;
}

/* Where component i stands in the compact form of `components`; 0: nowhere. *end moves on. */
static uint32_t compact_place(const struct cpuid_xsave *xsave, uint64_t components, unsigned int i,
			      uint32_t *end)
{
	uint32_t at;

	if (!(components & BIT(i)))
		return 0;
	at = xsave->aligned & BIT(i) ? ALIGN_UP(*end, 64u) : *end;
	*end = at + xsave->size[i];
	return at;
}

static uint32_t compact_size(const struct vp *vp, uint64_t components)
{
	uint32_t end = EXTENDED_OFFSET;
	unsigned int i;

	for (i = FIRST_EXTENDED; i < XSAVE_COMPONENTS; i++)
		compact_place(xsave_of(vp), components, i, &end);
	return end;
}

static uint32_t standard_size(const struct vp *vp)
{
	return MAX(cpuid_xsave_size(xsave_of(vp), components_of(vp)), EXTENDED_OFFSET);
}

uint32_t state_xsave_size(const struct vp *vp, bool compact)
{
	return compact ? compact_size(vp, components_of(vp)) : standard_size(vp);
}

static void legacy_init(uint8_t *area)
{
	memset(area, 0, LEGACY_SIZE);
	word_put(area, FCW_OFFSET, FCW_INIT);
	word_put(area, MXCSR_OFFSET, MXCSR_INIT);
}

/* x87 and SSE, where `present` has them; else they are as after reset. In the standard form MXCSR is
 * there without them. */
static void legacy_copy(uint8_t *to, const uint8_t *from, uint64_t present, bool compact)
{
	legacy_init(to);
	if (present & XCR0_X87) {
		memcpy(to, from, MXCSR_OFFSET);
		memcpy(to + ST_OFFSET, from + ST_OFFSET, XMM_OFFSET - ST_OFFSET);
	}
	if (!compact || (present & XCR0_SSE))
		word_put(to, MXCSR_OFFSET, (uint32_t)word_get(from, MXCSR_OFFSET));
	if (present & XCR0_SSE)
		memcpy(to + XMM_OFFSET, from + XMM_OFFSET, XMM_END - XMM_OFFSET);
}

static bool is_zero(const uint8_t *bytes, uint32_t size)
{
	uint32_t at;

	for (at = 0; at < size; at += sizeof(uint64_t))
		if (word_get(bytes, at))
			return false;
	return true;
}

void state_xsave_get(struct vp *vp, uint8_t *to, bool compact)
{
	const struct cpuid_xsave *xsave = xsave_of(vp);
	const uint8_t *area = vp->arch.fpu.area;
	uint64_t components = components_of(vp);
	uint32_t end = EXTENDED_OFFSET;
	uint64_t present = ALWAYS, shown = ALWAYS;
	unsigned int i;

	fpu_release(&vp->arch.fpu);
	if (xsave_present)
		present = word_get(area, XSTATE_BV_OFFSET);
	legacy_copy(to, area, present, false);
	for (i = FIRST_EXTENDED; i < XSAVE_COMPONENTS; i++) {
		uint32_t at = compact_place(xsave, components, i, &end);

		if (!at || !(present & BIT(i)) || is_zero(area + xsave->offset[i], xsave->size[i]))
			continue;
		memcpy(to + (compact ? at : xsave->offset[i]), area + xsave->offset[i],
		       xsave->size[i]);
		shown |= BIT(i);
	}
	word_put(to, XSTATE_BV_OFFSET, shown);
	word_put(to, XCOMP_BV_OFFSET, compact ? COMPACT | components : 0);
}

/* x87 is as FNINIT leaves it, which is what firmware does; a processor's reset has FCW 0x40. */
void state_xsave_at_reset(struct vp *vp, uint8_t *to, bool compact)
{
	legacy_init(to);
	word_put(to, XSTATE_BV_OFFSET, ALWAYS);
	if (compact)
		word_put(to, XCOMP_BV_OFFSET, COMPACT | components_of(vp));
}

/* What XRSTOR would refuse (SDM 1 13.8, 13.12), and what this partition has not got. */
bool state_xsave_valid(const struct vp *vp, const uint8_t *from, uint32_t length)
{
	uint64_t present, form, components;

	if (length < EXTENDED_OFFSET)
		return false;
	present = word_get(from, XSTATE_BV_OFFSET);
	form = word_get(from, XCOMP_BV_OFFSET);
	components = form & COMPACT ? form & ~COMPACT : components_of(vp);
	if ((components & ~components_of(vp)) || (present & ~components) ||
	    (form && !(form & COMPACT)) ||
	    !is_zero(from + RESERVED_OFFSET, EXTENDED_OFFSET - RESERVED_OFFSET))
		return false;
	if ((uint32_t)word_get(from, MXCSR_OFFSET) & ~fpu_mxcsr_mask())
		return false;
	return length == (form ? compact_size(vp, components) : standard_size(vp));
}

void state_xsave_set(struct vp *vp, const uint8_t *from)
{
	const struct cpuid_xsave *xsave = xsave_of(vp);
	uint64_t present = word_get(from, XSTATE_BV_OFFSET);
	uint64_t form = word_get(from, XCOMP_BV_OFFSET);
	uint8_t *area = vp->arch.fpu.area;
	uint32_t end = EXTENDED_OFFSET;
	unsigned int i;

	fpu_release(&vp->arch.fpu);
	legacy_copy(area, from, present, form);
	if (!xsave_present)
		return;
	memset(area + LEGACY_SIZE, 0, HEADER_SIZE);
	word_put(area, XSTATE_BV_OFFSET, present | ALWAYS);
	for (i = FIRST_EXTENDED; i < XSAVE_COMPONENTS; i++) {
		uint32_t at =
			form ? compact_place(xsave, form & ~COMPACT, i, &end) : xsave->offset[i];

		if (at && (present & BIT(i)))
			memcpy(area + xsave->offset[i], from + at, xsave->size[i]);
	}
}

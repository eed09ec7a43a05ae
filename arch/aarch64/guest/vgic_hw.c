/* SPDX-License-Identifier: MIT */
/* See vgic_hw.h. Registers by their encodings: not every assembler knows their names. */
#include "vgic_hw.h"

#include <kernel/string.h>

#define ICH_AP0R(n)    "S3_4_C12_C8_" #n
#define ICH_AP1R(n)    "S3_4_C12_C9_" #n
#define ICH_HCR	       "S3_4_C12_C11_0"
#define ICH_VTR	       "S3_4_C12_C11_1"
#define ICH_VMCR       "S3_4_C12_C11_7"
#define ICC_CTLR       "S3_0_C12_C12_4"
#define ICH_LR_LOW(n)  "S3_4_C12_C12_" #n
#define ICH_LR_HIGH(n) "S3_4_C12_C13_" #n

#define READ(reg)                                                \
	({                                                       \
		uint64_t value_;                                 \
		__asm__ volatile("mrs %0, " reg : "=r"(value_)); \
		value_;                                          \
	})
#define WRITE(reg, value) __asm__ volatile("msr " reg ", %0" ::"r"((uint64_t)(value)) : "memory")

/* ICH_VTR_EL2 */
#define VTR_LRS(vtr)	((uint32_t)((vtr)&0x1f) + 1)
#define VTR_TDS		BIT(19)
#define VTR_A3V		BIT(21)
#define VTR_SEIS	BIT(22)
#define VTR_IDBITS(vtr) ((vtr) >> 23 & 7)
#define VTR_PRE(vtr)	((uint8_t)((vtr) >> 26 & 7) + 1)
#define VTR_PRI(vtr)	((uint8_t)((vtr) >> 29 & 7) + 1)

/* ICC_CTLR_EL1 */
#define ICC_PRI_SHIFT	 8
#define ICC_IDBITS_SHIFT 11
#define ICC_SEIS	 BIT(14)
#define ICC_A3V		 BIT(15)
#define ICC_RSS		 BIT(18)

#define EACH_LR(X)             \
	X(0, ICH_LR_LOW(0));   \
	X(1, ICH_LR_LOW(1));   \
	X(2, ICH_LR_LOW(2));   \
	X(3, ICH_LR_LOW(3));   \
	X(4, ICH_LR_LOW(4));   \
	X(5, ICH_LR_LOW(5));   \
	X(6, ICH_LR_LOW(6));   \
	X(7, ICH_LR_LOW(7));   \
	X(8, ICH_LR_HIGH(0));  \
	X(9, ICH_LR_HIGH(1));  \
	X(10, ICH_LR_HIGH(2)); \
	X(11, ICH_LR_HIGH(3)); \
	X(12, ICH_LR_HIGH(4)); \
	X(13, ICH_LR_HIGH(5)); \
	X(14, ICH_LR_HIGH(6)); \
	X(15, ICH_LR_HIGH(7))

/* A register's number is a part of the instruction. */
static uint64_t lr_read(uint32_t n)
{
#define LR_READ(i, reg) \
	case i: return READ(reg)
	switch (n) {
		EACH_LR(LR_READ);
	default: return 0;
	}
}

static void lr_write(uint32_t n, uint64_t value)
{
#define LR_WRITE(i, reg) \
	case i: WRITE(reg, value); break
	switch (n) {
		EACH_LR(LR_WRITE);
	default: break;
	}
}

static void lrs_clear(uint32_t which)
{
	for (; which; which &= which - 1)
		lr_write((uint32_t)__builtin_ctz(which), 0);
}

/* How many there are depends on the bits of preemption; the others are undefined. */
static inline void ap_read(struct vgic_cpu *cpu)
{
	struct vgic_interface *interface = &cpu->interface;
	uint32_t bits = cpu->vgic->host.preemption_bits;

	interface->ap[0][0] = (uint32_t)READ(ICH_AP0R(0));
	interface->ap[1][0] = (uint32_t)READ(ICH_AP1R(0));
	if (likely(bits < 6))
		return;
	interface->ap[0][1] = (uint32_t)READ(ICH_AP0R(1));
	interface->ap[1][1] = (uint32_t)READ(ICH_AP1R(1));
	if (bits < 7)
		return;
	interface->ap[0][2] = (uint32_t)READ(ICH_AP0R(2));
	interface->ap[1][2] = (uint32_t)READ(ICH_AP1R(2));
	interface->ap[0][3] = (uint32_t)READ(ICH_AP0R(3));
	interface->ap[1][3] = (uint32_t)READ(ICH_AP1R(3));
}

static void ap_write(const uint32_t ap[2][VGIC_AP_MAX], uint32_t bits)
{
	WRITE(ICH_AP0R(0), ap[0][0]);
	WRITE(ICH_AP1R(0), ap[1][0]);
	if (likely(bits < 6))
		return;
	WRITE(ICH_AP0R(1), ap[0][1]);
	WRITE(ICH_AP1R(1), ap[1][1]);
	if (bits < 7)
		return;
	WRITE(ICH_AP0R(2), ap[0][2]);
	WRITE(ICH_AP1R(2), ap[1][2]);
	WRITE(ICH_AP0R(3), ap[0][3]);
	WRITE(ICH_AP1R(3), ap[1][3]);
}

__cold bool vgic_hw_probe(struct vgic_host *host)
{
	uint64_t vtr = READ(ICH_VTR);
	uint64_t ctlr = READ(ICC_CTLR);

	memset(host, 0, sizeof(*host));
	host->lr_count = (uint8_t)MIN(VTR_LRS(vtr), VGIC_LR_MAX);
	host->priority_bits = VTR_PRI(vtr);
	host->preemption_bits = VTR_PRE(vtr);
	host->traps_dir = vtr & VTR_TDS;
	host->range_selector = ctlr & ICC_RSS;
	host->icc_ctlr =
		(uint32_t)((host->priority_bits - 1u) << ICC_PRI_SHIFT |
			   VTR_IDBITS(vtr) << ICC_IDBITS_SHIFT | (vtr & VTR_SEIS ? ICC_SEIS : 0) |
			   (vtr & VTR_A3V ? ICC_A3V : 0) | (ctlr & ICC_RSS));
	return host->lr_count >= 2 && host->priority_bits >= 5 && host->preemption_bits >= 5 &&
	       host->preemption_bits <= 7;
}

__cold void vgic_hw_start(void)
{
	WRITE(ICH_HCR, 0);
	WRITE(ICH_VMCR, 0);
	lrs_clear((uint32_t)MASK(MIN(VTR_LRS(READ(ICH_VTR)), VGIC_LR_MAX)));
}

void vgic_load(struct vgic_cpu *cpu)
{
	WRITE(ICH_VMCR, cpu->interface.vmcr);
	ap_write(cpu->interface.ap, cpu->vgic->host.preemption_bits);
}

void vgic_sync(struct vgic_cpu *cpu)
{
	struct vgic_interface *interface = &cpu->interface;
	uint32_t used;

	if (!vgic_is_resident(cpu))
		return;
	for (used = cpu->used; used; used &= used - 1) {
		uint32_t n = (uint32_t)__builtin_ctz(used);

		interface->lr[n] = lr_read(n);
	}
	interface->hcr = (uint32_t)READ(ICH_HCR);
	interface->vmcr = (uint32_t)READ(ICH_VMCR);
	ap_read(cpu);
	vgic_fold(cpu);
}

static __attribute__((noinline)) void put_whole(struct vgic_cpu *cpu)
{
	vgic_sync(cpu);
	WRITE(ICH_HCR, 0);
	lrs_clear(cpu->loaded);
	cpu->loaded = 0;
}

/* With nothing in list registers, and nothing to be counted, there is nothing to be taken back but what the guest
 * masks, and nothing to be listed anew if nothing is posted meanwhile. */
void vgic_put(struct vgic_cpu *cpu)
{
	struct vgic_interface *interface = &cpu->interface;

	if (unlikely(!vgic_is_resident(cpu) || cpu->loaded ||
		     (uint32_t)READ(ICH_HCR) != interface->hcr)) {
		put_whole(cpu);
		return;
	}
	interface->vmcr = (uint32_t)READ(ICH_VMCR);
	ap_read(cpu);
	WRITE(ICH_HCR, 0);
	cpu->quiet = true;
	atomic_fetch_add(&cpu->folds, 1);
	atomic_store(&cpu->resident, false);
}

/* Who posts looks at `resident` afterwards. */
void vgic_enter_quiet(struct vgic_cpu *cpu)
{
	cpu->quiet = false;
	atomic_store(&cpu->resident, true);
	if (unlikely(vgic_has_work(cpu) || !cpu->interface.hcr)) /* or it was reset */
		vgic_enter_listing(cpu);
	else
		WRITE(ICH_HCR, cpu->interface.hcr);
}

void vgic_enter_listing(struct vgic_cpu *cpu)
{
	uint32_t used;

	cpu->quiet = false;
	vgic_sync(cpu);
	vgic_list(cpu);
	for (used = cpu->used; used; used &= used - 1) {
		uint32_t n = (uint32_t)__builtin_ctz(used);

		lr_write(n, cpu->interface.lr[n]);
	}
	lrs_clear(cpu->loaded & ~cpu->used);
	cpu->loaded = cpu->used;
	WRITE(ICH_HCR, cpu->interface.hcr);
}

__cold void vgic_hold(bool hold, const struct vgic_cpu *cpu)
{
	uint64_t hcr = READ(ICH_HCR);

	if (!vgic_is_resident(cpu))
		return;
	WRITE(ICH_HCR, hold ? hcr & ~1ull : hcr | (cpu->interface.hcr & 1));
}

bool vgic_wakes(struct vgic_cpu *cpu)
{
	vgic_sync(cpu);
	return vgic_is_signalled(cpu);
}

bool vgic_icc_access(struct vgic_cpu *cpu, enum vgic_icc reg, bool write, uint64_t *value)
{
	vgic_sync(cpu);
	if (!(write ? vgic_icc_write(cpu, reg, *value) : vgic_icc_read(cpu, reg, value)))
		return false;
	vgic_load(cpu);
	return true;
}

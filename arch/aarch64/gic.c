/* SPDX-License-Identifier: MIT */
/*
 * The GICv3 as the host uses it (Arm IHI 0069H): the distributor for the console's interrupt, each CPU's redistributor
 * for its timer and its SGIs, the CPU interface by system registers. The kernel takes no interrupt as an
 * exception of its own: where it lets them in, it asks the interface what waits (gic_take()).
 */
#include <arch/gic.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <arch/serial.h>
#include <kernel/console.h>
#include <kernel/cpu.h>

/* The distributor, 12.9; and of the same form the SGI frame of a redistributor, 12.11. */
enum {
	GICD_CTLR = 0x0000,
	GICD_TYPER = 0x0004,
	GIC_IGROUPR = 0x0080,
	GIC_ISENABLER = 0x0100,
	GIC_ICENABLER = 0x0180,
	GIC_ICPENDR = 0x0280,
	GIC_ICACTIVER = 0x0380,
	GIC_IPRIORITYR = 0x0400,
	GICD_ICFGR = 0x0c00,
	GICD_IROUTER = 0x6000,
};
/* With one security state or with two, seen from the non-secure side, these mean the same. */
#define GICD_CTLR_ENABLE_GROUP1 BIT(1)
#define GICD_CTLR_AFFINITY	BIT(4)
#define GICD_CTLR_BUSY		BIT(31) /* RWP */

/* A redistributor's first frame. */
enum { GICR_CTLR = 0x0000, GICR_TYPER = 0x0008, GICR_WAKER = 0x0014 };
#define GICR_CTLR_BUSY	    BIT(3)
#define GICR_TYPER_VLPIS    BIT(1)
#define GICR_TYPER_LAST	    BIT(4)
#define GICR_WAKER_SLEEP    BIT(1)
#define GICR_WAKER_CHILDREN BIT(2)
#define FRAME		    0x10000u

#define PRIORITY      0xa0a0a0a0u
#define PRIORITY_KICK 0x80u /* before all others, so that what is seen to wait is what is taken */
#define WAIT_TURNS    1000000u
#define TAKE_LIMIT    64u    /* a level that never falls must not hold the CPU */
#define PFR0_GIC      24     /* ID_AA64PFR0_EL1 */
#define SRE_SYSTEM    7ull   /* ICC_SRE_EL1, ICC_SRE_EL2: SRE, DFB, DIB */
#define SRE_ENABLE    BIT(3) /* ICC_SRE_EL2: EL1 may change its own */

static volatile void *distributor;
static struct {
	volatile void *registers;
	uint64_t size;
} regions[GIC_REGIONS_MAX];
static uint32_t region_count;
static uint64_t region_stride;
static uint32_t line_count; /* of SGIs, PPIs and SPIs */

static void busy_wait(volatile void *registers, uint32_t offset, uint64_t bit)
{
	for (uint32_t i = 0; i < WAIT_TURNS && (mmio_read32(registers, offset) & bit); i++)
		cpu_relax();
}

/* ---- the distributor ---- */

/* All that are shared: of group 1, off, quiet. */
static void shared_clear(void)
{
	for (uint32_t i = GIC_FIRST_SPI; i < line_count; i += 32) {
		mmio_write32(distributor, GIC_ICENABLER + i / 8, UINT32_MAX);
		mmio_write32(distributor, GIC_ICPENDR + i / 8, UINT32_MAX);
		mmio_write32(distributor, GIC_ICACTIVER + i / 8, UINT32_MAX);
		mmio_write32(distributor, GIC_IGROUPR + i / 8, UINT32_MAX);
	}
	for (uint32_t i = GIC_FIRST_SPI; i < line_count; i += 4)
		mmio_write32(distributor, GIC_IPRIORITYR + i, PRIORITY);
}

static status_t regions_map(const struct machine_gic *gic)
{
	for (region_count = 0; region_count < gic->region_count; region_count++) {
		const struct device_range *r = &gic->redistributors[region_count];

		regions[region_count].registers = device_map(r->base, r->size);
		regions[region_count].size = r->size;
		if (!regions[region_count].registers)
			return STATUS_NO_MEMORY;
	}
	region_stride = gic->stride;
	return STATUS_OK;
}

status_t gic_init(const struct machine_gic *gic)
{
	if (!(sysreg_read(id_aa64pfr0_el1) >> PFR0_GIC & 0xf))
		return STATUS_NOT_FOUND;
	distributor =
		device_map(gic->distributor.base, MAX(gic->distributor.size, (uint64_t)FRAME));
	if (!distributor || regions_map(gic) != STATUS_OK)
		return STATUS_NO_MEMORY;
	mmio_write32(distributor, GICD_CTLR, 0);
	busy_wait(distributor, GICD_CTLR, GICD_CTLR_BUSY);
	line_count = MIN(((mmio_read32(distributor, GICD_TYPER) & 0x1f) + 1) * 32, GIC_LIMIT);
	shared_clear();
	busy_wait(distributor, GICD_CTLR, GICD_CTLR_BUSY);
	mmio_write32(distributor, GICD_CTLR, GICD_CTLR_AFFINITY);
	mmio_write32(distributor, GICD_CTLR, GICD_CTLR_AFFINITY | GICD_CTLR_ENABLE_GROUP1);
	busy_wait(distributor, GICD_CTLR, GICD_CTLR_BUSY);
	return STATUS_OK;
}

bool gic_route(uint32_t interrupt)
{
	uint32_t shift = interrupt % 16 * 2, config;

	if (interrupt < GIC_FIRST_SPI || interrupt >= line_count)
		return false;
	config = mmio_read32(distributor, GICD_ICFGR + interrupt / 16 * 4);
	mmio_write32(distributor, GICD_ICFGR + interrupt / 16 * 4, config & ~(2u << shift));
	mmio_write64(distributor, GICD_IROUTER + interrupt * 8, this_cpu()->arch.mpidr);
	mmio_write32(distributor, GIC_ISENABLER + interrupt / 32 * 4,
		     (uint32_t)BIT(interrupt % 32));
	return true;
}

/* ---- the redistributor ---- */

/* GICR_TYPER has the affinity as four bytes, MPIDR with a gap before the last. */
static uint32_t affinity_packed(uint64_t mpidr)
{
	return (uint32_t)(mpidr & MASK(24)) | (uint32_t)(mpidr >> 32 & 0xff) << 24;
}

static volatile void *redistributor_find(uint64_t mpidr)
{
	for (uint32_t i = 0; i < region_count; i++) {
		for (uint64_t at = 0; at + 2 * FRAME <= regions[i].size;) {
			volatile char *frame = (volatile char *)regions[i].registers + at;
			uint64_t type = mmio_read64(frame, GICR_TYPER);

			if (type >> 32 == affinity_packed(mpidr))
				return frame;
			if (type & GICR_TYPER_LAST)
				break;
			at += region_stride		  ? region_stride
			      : (type & GICR_TYPER_VLPIS) ? 4 * FRAME
							  : 2 * FRAME;
		}
	}
	return NULL;
}

static void redistributor_init(volatile void *frame)
{
	volatile char *private = (volatile char *)frame + FRAME;

	mmio_write32(frame, GICR_WAKER,
		     mmio_read32(frame, GICR_WAKER) & ~(uint32_t)GICR_WAKER_SLEEP);
	busy_wait(frame, GICR_WAKER, GICR_WAKER_CHILDREN);
	mmio_write32(private, GIC_ICENABLER, UINT32_MAX);
	busy_wait(frame, GICR_CTLR, GICR_CTLR_BUSY);
	mmio_write32(private, GIC_ICPENDR, UINT32_MAX);
	mmio_write32(private, GIC_ICACTIVER, UINT32_MAX);
	mmio_write32(private, GIC_IGROUPR, UINT32_MAX);
	for (uint32_t i = 0; i < 32; i += 4)
		mmio_write32(private, GIC_IPRIORITYR + i, PRIORITY);
	mmio_write8(private, GIC_IPRIORITYR + SGI_KICK, PRIORITY_KICK);
	mmio_write32(private, GIC_ISENABLER, (uint32_t)(BIT(SGI_KICK) | BIT(SGI_STOP)));
	busy_wait(frame, GICR_CTLR, GICR_CTLR_BUSY);
}

void gic_private_enable(uint32_t interrupt, bool on)
{
	volatile char *private = (volatile char *)this_cpu()->arch.redistributor + FRAME;

	mmio_write32(private, on ? GIC_ISENABLER : GIC_ICENABLER, (uint32_t)BIT(interrupt));
}

status_t gic_cpu_init(void)
{
	struct arch_cpu *cpu = &this_cpu()->arch;

	cpu->redistributor = redistributor_find(cpu->mpidr);
	if (!cpu->redistributor)
		return STATUS_NOT_FOUND;
	redistributor_init(cpu->redistributor);
	/* Guests use system registers, and may not say otherwise for those that come after them. */
	sysreg_write(icc_sre_el2, SRE_SYSTEM | SRE_ENABLE);
	isb();
	sysreg_write(s3_0_c12_c12_5, SRE_SYSTEM); /* ICC_SRE_EL1 */
	isb();
	sysreg_write(icc_sre_el2, SRE_SYSTEM);
	isb();
	sysreg_write(icc_pmr_el1, 0xff);
	sysreg_write(icc_bpr1_el1, 0);
	sysreg_write(icc_ctlr_el1, 0); /* one EOI drops the priority and ends the interrupt */
	sysreg_write(icc_igrpen1_el1, 1);
	isb();
	gic_private_enable(GIC_PPI_TIMER_EL2, true);
	return STATUS_OK;
}

/* ---- interrupts ---- */

static void interrupt_handle(uint32_t interrupt)
{
	if (interrupt == SGI_KICK)
		return; /* that it came is all it says */
	if (interrupt == GIC_PPI_TIMER_EL2)
		timer_interrupt();
	else if (interrupt == SGI_STOP)
		cpu_stop_asked();
	else if (interrupt >= GIC_FIRST_SPI && serial_has_interrupt(interrupt))
		serial_interrupt();
	else
		this_cpu()->arch.spurious++;
}

void gic_take(void)
{
	for (uint32_t i = 0; i < TAKE_LIMIT; i++) {
		uint32_t interrupt = (uint32_t)sysreg_read(icc_iar1_el1) & (uint32_t)MASK(24);

		/* Numbers above, of LPIs and extended ranges that somebody has left on, were taken too. */
		if (interrupt >= GIC_SPURIOUS && interrupt <= GIC_SPECIAL_LAST)
			return;
		/* What the interrupt tells of is read after it has been taken. */
		__asm__ volatile("dsb sy" : : : "memory");
		interrupt_handle(interrupt);
		/* The device has let go of its line before the next look. */
		__asm__ volatile("dsb sy" : : : "memory");
		sysreg_write(icc_eoir1_el1, interrupt);
		isb();
	}
}

bool gic_take_kick(void)
{
	if (sysreg_read(s3_0_c12_c12_2) != SGI_KICK) /* ICC_HPPIR1_EL1 */
		return false;
	if (sysreg_read(icc_iar1_el1) != SGI_KICK)
		return false;
	__asm__ volatile("dsb sy" : : : "memory");
	sysreg_write(icc_eoir1_el1, SGI_KICK);
	isb();
	return true;
}

void gic_send(const struct cpu *cpu, uint32_t sgi)
{
	/* What the other is to see is in memory. */
	__asm__ volatile("dsb ishst" : : : "memory");
	sysreg_write(icc_sgi1r_el1, cpu->arch.sgi_target | (uint64_t)sgi << 24);
	isb();
}

void arch_cpu_kick(struct cpu *cpu)
{
	gic_send(cpu, SGI_KICK);
}

void arch_cpu_notify(struct cpu *cpu)
{
	gic_send(cpu, SGI_KICK);
}

void arch_interrupt_window(void)
{
	gic_take();
}

/* An exit takes none: it finds that one waits, and leaves it there. */
void arch_interrupt_acknowledged(uint32_t vector)
{
	(void)vector;
}

/* WFI ends when an interrupt waits, masked or not. */
void arch_idle(void)
{
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
	gic_take();
}

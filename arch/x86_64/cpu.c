/* SPDX-License-Identifier: MIT */
/*
 * A CPU's own tables and control registers: each CPU has a GDT with its TSS, and switches on the
 * protections that the processor has. The boot CPU finds out what there is; the others are
 * taken to be equal.
 */
#include <arch/cpu_setup.h>
#include <arch/cr.h>
#include <arch/fpu.h>
#include <arch/msr.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/cpu.h>
#include <kernel/processor.h>
#include <kernel/thread.h>

/* Assembly takes these from <arch/layout.h>. */
static_assert(offsetof(struct arch_cpu, self) == CPU_SELF, "layout.h");
static_assert(offsetof(struct arch_cpu, stack_top) == CPU_STACK, "layout.h");
static_assert(offsetof(struct arch_cpu, user_rsp) == CPU_USER_RSP, "layout.h");
static_assert(offsetof(struct cpu, arch) == 0, "layout.h");
static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "layout.h");
static_assert(offsetof(struct thread, arch) == 0, "layout.h");
static_assert(offsetof(struct arch_thread, registers) == 0, "layout.h");
static_assert(offsetof(struct arch_thread, fast_exit) == REG_SS + 16, "trap_entry.S");
static_assert(sizeof(struct cpu) <= 2 * PAGE_SIZE, "two pages of the area");
static_assert(offsetof(struct vp, arch.spec_ctrl_entered) == 0x80, "world_guard.inc");
#define REG_CHECK(field, offset) \
	static_assert(offsetof(struct user_registers, field) == (offset), "layout.h")
REG_CHECK(rdi, REG_RDI);
REG_CHECK(r9, REG_R9);
REG_CHECK(rax, REG_RAX);
REG_CHECK(r15, REG_R15);
REG_CHECK(r11, REG_R11);
REG_CHECK(rip, REG_RIP);
REG_CHECK(ss, REG_SS);

#define CPUID_7_EBX_SMEP BIT(7)
#define CPUID_7_EBX_SMAP BIT(20)
#define CPUID_7_ECX_UMIP BIT(2)

/* Segment descriptors, SDM 3A 3.4.5: in 64-bit mode type, DPL, P and L are all that counts. */
#define DESCRIPTOR_KERNEL_CODE 0x00209b0000000000ull
#define DESCRIPTOR_KERNEL_DATA 0x0000930000000000ull
#define DESCRIPTOR_USER_DATA   0x0000f30000000000ull
#define DESCRIPTOR_USER_CODE   0x0020fb0000000000ull
#define DESCRIPTOR_TSS	       0x0000890000000000ull

bool cpu_has_smap;

struct cpuid cpuid_get(uint32_t leaf, uint32_t subleaf)
{
	uint32_t range = leaf & 0xc0000000u;
	uint32_t last = cpuid_read(range, 0).eax;

	/* A range that is not there answers with something else: it does not name itself. */
	if (leaf > last || (last & 0xc0000000u) != range)
		return (struct cpuid){0};
	return cpuid_read(leaf, subleaf);
}

struct cpu *cpu_area(uint32_t index)
{
	return (struct cpu *)(CPU_AREAS_BASE + (uint64_t)index * CPU_AREA_SIZE);
}

void cpu_prepare(struct cpu *cpu, uint32_t index)
{
	struct arch_cpu *arch = &cpu->arch;
	uint64_t area = (uint64_t)cpu, tss = (uint64_t)&arch->tss;

	cpu->index = index;
	arch->self = arch;
	arch->stack_top = area + CPU_STACK_TOP;
	arch->fs_base = UINT64_MAX;
	arch->tss.rsp[0] = arch->stack_top;
	arch->tss.ist[0] = area + CPU_STACK_NMI;
	arch->tss.ist[1] = area + CPU_STACK_MCE;
	arch->tss.ist[2] = area + CPU_STACK_DF;
	arch->tss.io_map = sizeof(arch->tss); /* beyond the limit: no ports */
	arch->gdt[1] = DESCRIPTOR_KERNEL_CODE;
	arch->gdt[2] = DESCRIPTOR_KERNEL_DATA;
	arch->gdt[3] = DESCRIPTOR_USER_DATA;
	arch->gdt[4] = DESCRIPTOR_USER_CODE;
	arch->gdt[5] = DESCRIPTOR_TSS | (sizeof(arch->tss) - 1) | (tss & MASK(24)) << 16 |
		       (tss >> 24 & MASK(8)) << 56;
	arch->gdt[6] = tss >> 32;
}

static void descriptors_load(struct arch_cpu *arch)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed pointer = {sizeof(arch->gdt) - 1, (uint64_t)arch->gdt};

	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "mov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "ltr %w3"
			 :
			 : "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA),
			   "r"(SELECTOR_TSS)
			 : "rax", "memory");
}

static void features_enable(void)
{
	struct cpuid leaf7 = cpuid_get(7, 0);
	uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	/* FSGSBASE stays off: ring 3 shall not set GS, which the kernel leaves as it is. */
	if (leaf7.ebx & CPUID_7_EBX_SMEP)
		cr4 |= CR4_SMEP;
	if (leaf7.ebx & CPUID_7_EBX_SMAP)
		cr4 |= CR4_SMAP;
	if (leaf7.ecx & CPUID_7_ECX_UMIP)
		cr4 |= CR4_UMIP;
	if (xsave_present)
		cr4 |= CR4_OSXSAVE;
	cr4_write(cr4);
	cpu_has_smap = cr4 & CR4_SMAP;
	/* TS: nobody's state is in the FPU yet. CD and NW off: a started CPU has them on. */
	cr0_write(CR0_PE | CR0_MP | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	msr_write(MSR_PAT, PAT_DEFAULT);
}

void cpu_load(struct cpu *cpu)
{
	descriptors_load(&cpu->arch);
	features_enable();
	cpu->arch.cr3 = kernel_cr3;
	cpu->arch.xcr0 = host_xcr0;
	if (xsave_present)
		xcr0_write(host_xcr0);
	trap_cpu_init();
}

bool msr_read_safe(uint32_t msr, uint64_t *value)
{
	uint32_t low, high, done = 0;

	__asm__ volatile("1: rdmsr\n\t"
			 "mov $1, %2\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "=a"(low), "=d"(high), "+r"(done)
			 : "c"(msr));
	if (done)
		*value = (uint64_t)high << 32 | low;
	return done;
}

bool msr_write_safe(uint32_t msr, uint64_t value)
{
	uint32_t done = 0;

	__asm__ volatile("1: wrmsr\n\t"
			 "mov $1, %0\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+r"(done)
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
	return done;
}

/* ---- waiting ---- */

void arch_interrupt_window(void)
{
	trap_acknowledged();
	/* STI takes effect after the next instruction. */
	__asm__ volatile("sti; nop; cli" : : : "memory");
}

void arch_idle(void)
{
	/* No interrupt fits between STI and HLT, so none is slept through. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

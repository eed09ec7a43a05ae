/* SPDX-License-Identifier: MIT */
/*
 * VMX on a machine and on each of its CPUs: whether it is there and has what is needed (SDM 3C,
 * 24.6, 24.7, appendix A), the controls that its capability MSRs allow, VMXON.
 */
#include "vmx.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define CPUID_FEATURES	     1u
#define CPUID_ECX_VMX	     BIT(5)
#define CPUID_ADDRESS_SIZES  0x80000008u
#define CPUID_PHYSICAL_BITS  0xffu /* of EAX */
#define CR4_VMXE	     BIT(13)
#define MSR_FEATURE_CONTROL  0x3au
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX  BIT(2) /* outside SMX */
#define MSR_VMX_BASIC	     0x480u
#define VMX_BASIC_REVISION   0x7fffffffu
#define VMX_BASIC_TRUE	     BIT(55)
#define MSR_VMX_MISC	     0x485u
#define VMX_MISC_TIMER_RATE  0x1fu /* it counts down at each 2^n ticks of the TSC */
#define STAY_LIMIT_MS	     1u	   /* in which less than the FIFO of a UART comes in */
#define MSR_VMX_CR0_FIXED0   0x486u
#define MSR_VMX_CR0_FIXED1   0x487u
#define MSR_VMX_CR4_FIXED0   0x488u
#define MSR_VMX_CR4_FIXED1   0x489u
#define MSR_VMX_CPU2	     0x48bu
#define MSR_VMX_EPT_VPID     0x48cu
#define EPT_CAP_4_LEVELS     BIT(6)
#define EPT_CAP_5_LEVELS     BIT(7)
#define EPT_CAP_WRITE_BACK   BIT(14)
#define EPT_CAP_2M	     BIT(16)
#define EPT_CAP_1G	     BIT(17)
#define EPT_CAP_ACCESSED     BIT(21)
#define EPT_CAP_INVEPT	     (BIT(20) | BIT(25) | BIT(26)) /* single and all contexts */
#define VPID_CAP_INVVPID     (BIT(32) | BIT(41) | BIT(42)) /* single and all contexts */
#define EPTP_WRITE_BACK	     6u
#define EPTP_LEVELS(n)	     (((n)-1u) << 3)
#define EPTP_ACCESSED	     BIT(6)

struct vmx_controls vmx_controls;
hpa_t vmx_msr_bitmap, vmx_msr_bitmap_x2apic;
uint32_t vmx_revision;
bool vmx_has_vpid;
uint32_t vmx_stay_limit;
uint64_t vmx_ept_flags;
enum vp_outcome (*vmx_world_switch)(struct vp *vp, bool launched) = vmx_run;
const char *vmx_world_exit = vmx_exit_entry;

/* One word of controls: the MSR that tells what may be set, or must, and what we want. */
struct control_row {
	uint32_t msr;
	uint32_t true_msr; /* used instead where VMX_BASIC.55 says so */
	uint32_t needed;
	uint32_t wanted;
	uint32_t offset; /* in struct vmx_controls */
};

#define CONTROL(field) offsetof(struct vmx_controls, field)
#define FEATURE_EPT    UINT32_MAX

static const struct control_row control_rows[] = {
	{0x481, 0x48d, PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMI,
	 PIN_PREEMPTION_TIMER | PIN_POSTED_INTERRUPTS, CONTROL(pin)},
	{0x482, 0x48e,
	 CPU_TSC_OFFSET | CPU_HLT | CPU_MWAIT | CPU_RDPMC | CPU_MOV_DR | CPU_UNCONDITIONAL_IO |
		 CPU_MSR_BITMAPS | CPU_MONITOR | CPU_SECONDARY,
	 CPU_TPR_SHADOW, CONTROL(cpu)},
	{MSR_VMX_CPU2, MSR_VMX_CPU2, CPU2_EPT | CPU2_UNRESTRICTED_GUEST | CPU2_WBINVD,
	 CPU2_VPID | CPU2_RDTSCP | CPU2_INVPCID | CPU2_XSAVES | CPU2_RDRAND | CPU2_RDSEED |
		 CPU2_ENCLS | CPU2_PAUSE_LOOP | CPU2_TSC_SCALING | CPU2_TABLES | APIC_CONTROLS2,
	 CONTROL(cpu2)}, /* those of instructions: see vmx/vp.c; of the APIC: vmx/apicv.c */
	{0x483, 0x48f,
	 EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
		 EXIT_LOAD_EFER,
	 EXIT_ACKNOWLEDGE | EXIT_SAVE_TIMER, CONTROL(exit)},
	{0x484, 0x490, ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER, 0, CONTROL(entry)},
};

/* What is needed and not on every processor, for the message. */
static const struct feature_name {
	uint32_t word; /* offset in struct vmx_controls, or FEATURE_EPT */
	uint32_t bits;
	const char *name;
} feature_names[] = {
	{CONTROL(pin), PIN_NMI, "NMI exiting"},
	{CONTROL(pin), PIN_VIRTUAL_NMI, "virtual NMIs"},
	{CONTROL(cpu), CPU_MSR_BITMAPS, "MSR bitmaps"},
	{CONTROL(cpu), CPU_SECONDARY, "secondary controls"},
	{CONTROL(cpu2), CPU2_EPT, "EPT"},
	{CONTROL(cpu2), CPU2_UNRESTRICTED_GUEST, "unrestricted guest"},
	{CONTROL(cpu2), CPU2_WBINVD, "WBINVD exiting"},
	{CONTROL(exit), EXIT_SAVE_PAT | EXIT_LOAD_PAT, "the switch of PAT at exits"},
	{CONTROL(exit), EXIT_SAVE_EFER | EXIT_LOAD_EFER, "the switch of EFER at exits"},
	{FEATURE_EPT, EPT_CAP_4_LEVELS, "EPT with four levels"},
	{FEATURE_EPT, EPT_CAP_WRITE_BACK, "EPT in write-back memory"},
	{FEATURE_EPT, EPT_CAP_INVEPT, "INVEPT of single and all contexts"},
};

/* False, and says what, if anything is missing. */
static bool nothing_missing(uint32_t word, uint32_t missing)
{
	const struct feature_name *f;
	uint32_t unnamed = missing;

	for (f = feature_names; f < feature_names + ARRAY_SIZE(feature_names); f++) {
		if (f->word != word || !(f->bits & missing))
			continue;
		log_warn("vmx: this processor lacks %s", f->name);
		unnamed &= ~f->bits;
	}
	if (unnamed)
		log_warn("vmx: this processor lacks controls 0x%x", unnamed);
	return !missing;
}

/* Clear in the upper half: may not be set. Set in the lower half: must be. */
static bool controls_adjust(bool has_true)
{
	const struct control_row *row;

	for (row = control_rows; row < control_rows + ARRAY_SIZE(control_rows); row++) {
		uint64_t allowed = msr_read(has_true ? row->true_msr : row->msr);
		uint32_t value = row->needed | (row->wanted & (uint32_t)(allowed >> 32));

		if (!nothing_missing(row->offset, row->needed & ~(uint32_t)(allowed >> 32)))
			return false;
		*(uint32_t *)((char *)&vmx_controls + row->offset) = value | (uint32_t)allowed;
	}
	if (!(vmx_controls.pin & PIN_PREEMPTION_TIMER)) /* 27.2.1.2 */
		vmx_controls.exit &= ~(uint32_t)EXIT_SAVE_TIMER;
	return true;
}

/* Where the firmware left the switch open, it is set for good, as the SDM wants it (24.7). */
static bool feature_control_open(void)
{
	uint64_t value = msr_read(MSR_FEATURE_CONTROL);

	if (!(value & FEATURE_CONTROL_LOCK)) {
		msr_write(MSR_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
		value = msr_read(MSR_FEATURE_CONTROL);
	}
	return value & FEATURE_CONTROL_VMX;
}

static status_t vmx_probe(void)
{
	const uint32_t ept_needed = EPT_CAP_4_LEVELS | EPT_CAP_WRITE_BACK | EPT_CAP_INVEPT;
	uint64_t basic;

	if (!(cpuid_read(CPUID_FEATURES, 0).ecx & CPUID_ECX_VMX))
		return STATUS_NO_VIRTUALIZATION;
	if (!feature_control_open())
		return STATUS_VIRTUALIZATION_DISABLED;
	basic = msr_read(MSR_VMX_BASIC);
	if (!controls_adjust(basic & VMX_BASIC_TRUE) ||
	    !nothing_missing(FEATURE_EPT, ept_needed & ~(uint32_t)msr_read(MSR_VMX_EPT_VPID)))
		return STATUS_NOT_SUPPORTED;
	return STATUS_OK;
}

/* A fifth level of tables (29.3.2) costs each walk an access: it is there only where guests would
 * have more bits of physical address without it than four levels translate. */
static void ept_levels_set(uint64_t capabilities)
{
	unsigned int bits = cpuid_get(CPUID_ADDRESS_SIZES, 0).eax & CPUID_PHYSICAL_BITS;

	if ((capabilities & EPT_CAP_5_LEVELS) && bits > page_table_bits(&ept_format))
		ept_format.levels = EPT_MOST_LEVELS;
}

/* Read bitmaps for MSRs 0- and 0xc0000000-, then the write bitmaps (25.6.9). */
static void msr_allow(uint8_t *map, uint32_t msr, bool write)
{
	uint32_t base = (write ? 2048 : 0) + (msr >= 0xc0000000 ? 1024 : 0);

	map[base + (msr & 0x1fff) / 8] &= (uint8_t) ~(1u << (msr & 7));
}

static status_t vmx_init(void)
{
	/* SYSENTER_CS, ESP, EIP; FS_BASE, GS_BASE, KERNEL_GS_BASE. */
	static const uint32_t free_msrs[] = {0x174,	 0x175,	     0x176,
					     0xc0000100, 0xc0000101, 0xc0000102};
	uint64_t capabilities = msr_read(MSR_VMX_EPT_VPID);
	uint8_t *map = page_alloc(&kernel_heap, 0);
	unsigned int i;

	if (!map)
		return STATUS_NO_MEMORY;
	if (speculation.actions) {
		vmx_world_switch = vmx_run_guarded;
		vmx_world_exit = vmx_exit_entry_guarded;
	}
	memset(map, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(free_msrs); i++) {
		msr_allow(map, free_msrs[i], false);
		msr_allow(map, free_msrs[i], true);
	}
	vmx_msr_bitmap = kva_to_hpa(map);
	vmx_revision = (uint32_t)msr_read(MSR_VMX_BASIC) & VMX_BASIC_REVISION;
	if (!(capabilities & EPT_CAP_2M))
		ept_format.large_levels &= (uint8_t)~BIT(2);
	if (!(capabilities & EPT_CAP_1G))
		ept_format.large_levels &= (uint8_t)~BIT(3);
	ept_levels_set(capabilities);
	vmx_has_vpid = (vmx_controls.cpu2 & CPU2_VPID) &&
		       (capabilities & VPID_CAP_INVVPID) == VPID_CAP_INVVPID;
	if (vmx_controls.cpu2 & CPU2_TABLES)
		backend_assists |= ASSIST_TABLES;
	if (!vmx_has_vpid)
		vmx_controls.cpu2 &= ~(uint32_t)CPU2_VPID;
	if (vmx_controls.cpu2 & CPU2_TSC_SCALING)
		backend_assists |= ASSIST_TSC_SCALING;
	vmx_stay_limit = (uint32_t)(timestamp_hz / 1000 * STAY_LIMIT_MS >>
				    (msr_read(MSR_VMX_MISC) & VMX_MISC_TIMER_RATE));
	vmx_ept_flags = EPTP_WRITE_BACK | EPTP_LEVELS(ept_format.levels);
	if (capabilities & EPT_CAP_ACCESSED)
		vmx_ept_flags |= EPTP_ACCESSED;
	log_info("vmx: ept%s%s%s%s%s, unrestricted guest",
		 ept_format.levels > EPT_USUAL_LEVELS ? ", 5 levels" : "",
		 vmx_has_vpid ? ", vpid" : "",
		 vmx_controls.cpu2 & CPU2_TSC_SCALING ? ", tsc scaling" : "",
		 capabilities & EPT_CAP_1G ? ", 1 GiB pages" : "",
		 capabilities & EPT_CAP_ACCESSED ? ", accessed bits" : "");
	return vmx_apicv_init(map);
}

static status_t vmx_cpu_enable(void)
{
	struct vmx_cpu *c = heap_alloc(&kernel_heap, sizeof(*c));
	uint64_t cr0 = cr0_read(), cr4 = cr4_read();

	if (!c)
		return STATUS_NO_MEMORY;
	if (!feature_control_open()) {
		heap_free(&kernel_heap, c, sizeof(*c));
		return STATUS_VIRTUALIZATION_DISABLED;
	}
	c->region = page_alloc(&kernel_heap, 0);
	if (!c->region) {
		heap_free(&kernel_heap, c, sizeof(*c));
		return STATUS_NO_MEMORY;
	}
	cr0_write((cr0 | msr_read(MSR_VMX_CR0_FIXED0)) & msr_read(MSR_VMX_CR0_FIXED1));
	cr4_write((cr4 | CR4_VMXE | msr_read(MSR_VMX_CR4_FIXED0)) & msr_read(MSR_VMX_CR4_FIXED1));
	*(uint32_t *)c->region = vmx_revision;
	if (!vmx_on(kva_to_hpa(c->region))) {
		page_free(&kernel_heap, c->region, 0);
		heap_free(&kernel_heap, c, sizeof(*c));
		return STATUS_BACKEND_FAILED;
	}
	/* Whoever used VMX before us may have left translations (29.4.3.4). */
	vmx_invept(INVALIDATE_ALL, 0);
	if (vmx_has_vpid)
		vmx_invvpid(INVALIDATE_ALL, 0);
	__asm__ volatile("sgdt %0" : "=m"(c->gdtr));
	c->vpid_generation = 1;
	c->next_vpid = 1;
	c->star = msr_read(MSR_STAR);
	c->lstar = msr_read(MSR_LSTAR);
	c->cstar = 0;
	c->sfmask = msr_read(MSR_SFMASK);
	this_cpu()->backend = c;
	return STATUS_OK;
}

static void vmx_cpu_disable(void)
{
	struct cpu *cpu = this_cpu();
	struct vmx_cpu *c = cpu->backend;

	if (!c)
		return;
	vmx_off();
	cr4_write(cr4_read() & ~CR4_VMXE);
	page_free(&kernel_heap, c->region, 0);
	heap_free(&kernel_heap, c, sizeof(*c));
	cpu->backend = NULL;
}

const struct backend_ops vmx_backend = {
	.name = "vmx",
	.features = &vmx_controls.pin,
	.feature_count = sizeof(vmx_controls) / sizeof(vmx_controls.pin),
	.probe = vmx_probe,
	.init = vmx_init,
	.cpu_enable = vmx_cpu_enable,
	.cpu_disable = vmx_cpu_disable,
	.gpa_format = (const struct page_table_format *)&ept_format,
	.vp_create = vmx_vp_create,
	.vp_destroy = vmx_vp_destroy,
	.unbind = vmx_unbind,
	.load = vmx_load,
	.put = vmx_put,
	.enter = vmx_enter,
	.arch.in_kernel_64 = vmx_in_kernel_64,
	.arch.can_take = vmx_can_take,
	.arch.inject = vmx_inject,
	.arch.window_request = vmx_window_request,
	.arch.tsc_set = vmx_tsc_set,
	.arch.debug_set = vmx_debug_set,
	.arch.step = vmx_step,
	.arch.tables_watch = vmx_tables_watch,
	.arch.apic_place_set = vmx_apic_place_set,
	.arch.state_get = vmx_state_get,
	.arch.addressing_64 = vmx_addressing_64,
	.arch.state_set = vmx_state_set,
};

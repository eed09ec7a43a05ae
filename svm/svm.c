/* SPDX-License-Identifier: MIT */
/*
 * SVM on a machine and on each of its CPUs: whether it is there (APM 15.4), what a CPU keeps, the
 * permission maps, and ASIDs. An ASID names the translations of one VP on one CPU; when a CPU has
 * drawn them all, it flushes everything and starts a new generation.
 */
#include "svm.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define CPUID_SVM_LEAF	    0x8000000au
#define CPUID_EXTENDED_LEAF 0x80000001u
#define EXTENDED_ECX_SVM    BIT(2)
#define EXTENDED_EDX_PAGE1G BIT(26)
#define MSR_VM_CR	    0xc0010114u
#define VM_CR_SVMDIS	    BIT(4)
#define MSR_VM_HSAVE_PA	    0xc0010117u
#define IOPM_ORDER	    2u /* 12 KiB are used (15.10.1) */
#define MSRPM_ORDER	    1u /* 8 KiB (15.11) */
#define FIRST_ASID	    1u /* 0 is the host */

uint32_t svm_features;
hpa_t svm_iopm;
hpa_t svm_msrpm;
enum vp_outcome (*svm_world_switch)(struct vp *vp, hpa_t vmcb) = svm_run;

static uint32_t asid_count;

/* MSRs that the guest reads and writes without an exit: VMRUN, VMLOAD and VMSAVE switch them. */
static const uint32_t free_msrs[] = {
	0x00000174, 0x00000175, 0x00000176,		/* SYSENTER_CS, ESP, EIP */
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	0xc0000100, 0xc0000101, 0xc0000102,		/* FS_BASE, GS_BASE, KERNEL_GS_BASE */
};

static status_t svm_probe(void)
{
	struct cpuid r = cpuid_read(0x80000000u, 0);

	if (r.eax < CPUID_SVM_LEAF)
		return STATUS_NO_VIRTUALIZATION;
	r = cpuid_read(CPUID_EXTENDED_LEAF, 0);
	if (!(r.ecx & EXTENDED_ECX_SVM))
		return STATUS_NO_VIRTUALIZATION;
	if (msr_read(MSR_VM_CR) & VM_CR_SVMDIS)
		return STATUS_VIRTUALIZATION_DISABLED;
	r = cpuid_read(CPUID_SVM_LEAF, 0);
	if (!(r.edx & SVM_FEATURE_NPT))
		return STATUS_NO_NESTED_PAGING;
	return STATUS_OK;
}

/* Two bits an MSR, read and write; three ranges of 8192 MSRs, 2 KiB each. */
static void msrpm_allow(uint8_t *map, uint32_t msr)
{
	uint32_t range = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 1 : 2;
	uint32_t bit = (range * 0x2000 + (msr & 0x1fff)) * 2;

	map[bit / 8] &= (uint8_t) ~(3u << (bit % 8));
}

static status_t svm_init(void)
{
	struct cpuid r = cpuid_read(CPUID_SVM_LEAF, 0);
	uint8_t *iopm, *msrpm;
	unsigned int i;

	if (speculation.actions)
		svm_world_switch = svm_run_guarded;
	svm_features = r.edx;
	backend_assists |= ASSIST_TABLES;
	if (svm_features & SVM_FEATURE_TSC_RATIO)
		backend_assists |= ASSIST_TSC_SCALING;
	asid_count = r.ebx;
	if (!(cpuid_read(CPUID_EXTENDED_LEAF, 0).edx & EXTENDED_EDX_PAGE1G))
		npt_format.large_levels &= (uint8_t)~BIT(3);

	iopm = page_alloc(&kernel_heap, IOPM_ORDER);
	msrpm = page_alloc(&kernel_heap, MSRPM_ORDER);
	if (!iopm || !msrpm)
		return STATUS_NO_MEMORY;
	memset(iopm, 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(msrpm, 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(free_msrs); i++)
		msrpm_allow(msrpm, free_msrs[i]);
	svm_iopm = kva_to_hpa(iopm);
	svm_msrpm = kva_to_hpa(msrpm);
	log_info("svm: %u ASIDs,%s%s%s%s%s%s%s", asid_count,
		 svm_features & SVM_FEATURE_NRIP ? " nrip" : "",
		 svm_features & SVM_FEATURE_DECODE ? " decode" : "",
		 svm_features & SVM_FEATURE_CLEAN ? " clean" : "",
		 svm_features & SVM_FEATURE_FLUSH_BY_ASID ? " flush-by-asid" : "",
		 svm_features & SVM_FEATURE_TSC_RATIO ? " tsc-ratio" : "",
		 svm_features & SVM_FEATURE_PAUSE_FILTER ? " pause-filter" : "",
		 svm_features & SVM_FEATURE_VGIF ? " vgif" : "");
	return STATUS_OK;
}

static status_t svm_cpu_enable(void)
{
	struct cpu *cpu = this_cpu();
	struct svm_cpu *c;
	void *host_vmcb;

	c = heap_alloc(&kernel_heap, sizeof(*c));
	host_vmcb = page_alloc(&kernel_heap, 0);
	if (c)
		c->host_save = page_alloc(&kernel_heap, 0);
	if (!c || !host_vmcb || !c->host_save)
		return STATUS_NO_MEMORY;
	c->host_vmcb = kva_to_hpa(host_vmcb);
	c->asid_generation = 1;
	c->next_asid = asid_count; /* the first that is drawn flushes what was there before */
	cpu->backend = c;
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
	msr_write(MSR_VM_HSAVE_PA, kva_to_hpa(c->host_save));
	return STATUS_OK;
}

static void svm_cpu_disable(void)
{
	struct cpu *cpu = this_cpu();
	struct svm_cpu *c = cpu->backend;

	if (!c)
		return;
	msr_write(MSR_EFER, msr_read(MSR_EFER) & ~EFER_SVME);
	msr_write(MSR_VM_HSAVE_PA, 0);
	page_free(&kernel_heap, c->host_save, 0);
	page_free(&kernel_heap, hpa_to_kva(c->host_vmcb), 0);
	heap_free(&kernel_heap, c, sizeof(*c));
	cpu->backend = NULL;
}

void svm_asid_assign(struct svm_vp *s)
{
	struct svm_cpu *c = this_cpu()->backend;
	struct vmcb *vmcb = s->vmcb;
	bool same = s->cpu == c && s->asid_generation == c->asid_generation;

	s->flush = false;
	vmcb_dirty(vmcb, VMCB_CLEAN_ASID);
	if (same && (svm_features & SVM_FEATURE_FLUSH_BY_ASID)) {
		vmcb->tlb_control = TLB_FLUSH_ASID;
		return;
	}
	/* The VMCB may not be cached by another CPU, nor by this one in an older state (15.15). */
	if (s->cpu != c)
		vmcb->clean = 0;
	if (c->next_asid >= asid_count) {
		c->asid_generation++;
		c->next_asid = FIRST_ASID;
		vmcb->tlb_control = TLB_FLUSH_ALL;
	}
	vmcb->asid = c->next_asid++;
	s->cpu = s->tsc_ratio ? NULL : c; /* svm_load() has to see to it */
	s->asid_generation = c->asid_generation;
}

const struct backend_ops svm_backend = {
	.name = "svm",
	.features = &svm_features,
	.feature_count = 1,
	.probe = svm_probe,
	.init = svm_init,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.gpa_format = &npt_format,
	.vp_create = svm_vp_create,
	.vp_destroy = svm_vp_destroy,
	.unbind = svm_unbind,
	.load = svm_load,
	.put = svm_put,
	.enter = svm_enter,
	.arch.in_kernel_64 = svm_in_kernel_64,
	.arch.can_take = svm_can_take,
	.arch.inject = svm_inject,
	.arch.window_request = svm_window_request,
	.arch.tsc_set = svm_tsc_set,
	.arch.debug_set = svm_debug_set,
	.arch.step = svm_step,
	.arch.tables_watch = svm_tables_watch,
	.arch.state_get = svm_state_get,
	.arch.addressing_64 = svm_addressing_64,
	.arch.state_set = svm_state_set,
};

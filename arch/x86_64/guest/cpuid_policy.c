/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy (SDM volume 2, CPUID; APM volume 3, appendix E). It is a whitelist: a bit that
 * is not named here is 0, so that a feature of a processor yet to come never slips through.
 *
 * Left out although a host may have them, because they need work by a backend or hand the guest
 * what it must not have: VMX, SVM, SMX, SGX, MONITOR/MWAIT, performance counters, debug store,
 * processor trace, CET, AMX, MPX, LA57, transactional memory. The MSRs that control speculation are
 * shown where the world switch exchanges them (SPECULATION_GUESTS).
 */
#include "cpuid_policy.h"
#include "lapic.h"

#include <arch/fpu.h>
#include <arch/speculation.h>

#define B(n)		 (1u << (n))
#define RANGE(low, high) ((uint32_t)(MASK((high) + 1) & ~MASK(low)))
#define ALL		 UINT32_MAX

/* IBRS with IBPB, STIBP, L1D_FLUSH, ARCH_CAPABILITIES, SSBD */
#define LEAF_7_EDX_SPECULATION	   (RANGE(26, 29) | B(31))
/* IBPB; IBRS, STIBP, IBRS and STIBP for always, IBRS preferred, IBRS in the same mode; SSBD, PSFD */
#define LEAF_EXT8_EBX_SPECULATION  (B(12) | RANGE(14, 19) | B(24) | B(28))
/* automatic IBRS, SBPB */
#define LEAF_EXT21_EAX_SPECULATION (B(8) | B(27))

#define XCR0_X87_SSE 0x3ull
#define XCR0_AVX     0x4ull
#define XCR0_AVX512  0xe0ull
#define XCR0_PKRU    BIT(9)
#define XCR0_GUEST   (XCR0_X87_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

#define LEAF_1F	 0x1fu
#define LEAF_HV	 0x40000000u
#define LEAF_EXT 0x80000000u

enum row_vendor { ANY, INTEL, AMD };

struct row {
	uint32_t function;
	uint8_t index, index_count;
	uint8_t vendor;	  /* enum row_vendor */
	uint8_t dynamic;  /* enum cpuid_dynamic */
	uint32_t host[4]; /* bits of the host that pass */
	uint32_t set[4];  /* bits that are always 1 */
	void (*adjust)(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4]);
};

static void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "0"(leaf), "2"(subleaf));
}

cpuid_reader cpuid_host = host_cpuid;

/* ---- values that follow from the partition ---- */

static uint32_t socket_vps(const struct cpuid_policy *policy)
{
	return policy->topology.threads * policy->topology.cores;
}

static void basic_max(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	(void)index;
	out[CPUID_EAX] = policy->basic_max;
}

static void features(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	const struct cpuid_topology *t = &policy->topology;
	uint32_t count = policy->amd ? socket_vps(policy) : B(t->thread_bits + t->core_bits);

	(void)index;
	if (socket_vps(policy) > 1) {
		out[CPUID_EDX] |= B(28); /* HTT: the count is valid */
		out[CPUID_EBX] |= MIN(count, 255u) << 16;
	}
	if (policy->config->apic_mode != APIC_MODE_XAPIC)
		out[CPUID_ECX] |= B(21);
	if (!(policy->xsave.allowed & XCR0_AVX))
		out[CPUID_ECX] &= ~(B(12) | B(28) | B(29)); /* FMA, AVX, F16C */
	if (!policy->xsave.allowed)
		out[CPUID_ECX] &= ~B(26);
}

/* Leaf 4: who shares a cache, and how many cores there are, as numbers of APIC ids. */
static void intel_cache(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	const struct cpuid_topology *t = &policy->topology;
	uint32_t level = out[CPUID_EAX] >> 5 & 7;
	uint32_t sharing = B(t->thread_bits + (level < 3 ? 0 : t->core_bits));

	(void)index;
	if (!(out[CPUID_EAX] & 0x1f))
		return; /* no such cache */
	out[CPUID_EAX] &= ~(RANGE(14, 25) | RANGE(26, 31));
	out[CPUID_EAX] |= MIN(sharing - 1, 0xfffu) << 14;
	out[CPUID_EAX] |= MIN(B(t->core_bits) - 1, 0x3fu) << 26;
}

/* Leaf 0x8000001d: the same, but as counts. */
static void amd_cache(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	uint32_t level = out[CPUID_EAX] >> 5 & 7;
	uint32_t sharing = level < 3 ? policy->topology.threads : socket_vps(policy);

	(void)index;
	if (!(out[CPUID_EAX] & 0x1f))
		return;
	out[CPUID_EAX] &= ~RANGE(14, 25);
	out[CPUID_EAX] |= MIN(sharing - 1, 0xfffu) << 14;
}

static void structured_features(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	uint64_t allowed = policy->xsave.allowed;

	(void)index;
	out[CPUID_EAX] = MIN(out[CPUID_EAX], 2u); /* the last subleaf */
	if (!(speculation.actions & SPECULATION_GUESTS))
		out[CPUID_EDX] &= ~LEAF_7_EDX_SPECULATION;
	if (!(allowed & XCR0_AVX)) {
		out[CPUID_EBX] &= ~B(5);	   /* AVX2 */
		out[CPUID_ECX] &= ~(B(9) | B(10)); /* VAES, VPCLMULQDQ */
	}
	if ((allowed & XCR0_AVX512) != XCR0_AVX512) {
		out[CPUID_EBX] &= ~(B(16) | B(17) | B(21) | RANGE(26, 28) | B(30) | B(31));
		out[CPUID_ECX] &= ~(B(1) | B(6) | B(11) | B(12) | B(14));
		out[CPUID_EDX] &= ~(B(2) | B(3) | B(8) | B(23));
	}
	if (!(allowed & XCR0_PKRU))
		out[CPUID_ECX] &= ~B(3);
}

static void structured_features_1(const struct cpuid_policy *policy, uint32_t index,
				  uint32_t out[4])
{
	(void)index;
	if (!(policy->xsave.allowed & XCR0_AVX))
		out[CPUID_EAX] &= ~B(4); /* AVX-VNNI */
	if ((policy->xsave.allowed & XCR0_AVX512) != XCR0_AVX512)
		out[CPUID_EAX] &= ~B(5); /* AVX512_BF16 */
}

/* Controls of speculation alone. */
static void structured_features_2(const struct cpuid_policy *policy, uint32_t index,
				  uint32_t out[4])
{
	(void)policy;
	(void)index;
	if (!(speculation.actions & SPECULATION_GUESTS))
		out[CPUID_EDX] = 0;
}

/* SDM, "Extended Topology Enumeration": threads, cores, then nothing. */
static void topology_levels(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	const struct cpuid_topology *t = &policy->topology;

	out[CPUID_ECX] = index;
	if (index == 0) {
		out[CPUID_EAX] = t->thread_bits;
		out[CPUID_EBX] = t->threads & 0xffff;
		out[CPUID_ECX] |= 1 << 8;
	} else if (index == 1) {
		out[CPUID_EAX] = t->thread_bits + t->core_bits;
		out[CPUID_EBX] = socket_vps(policy) & 0xffff;
		out[CPUID_ECX] |= 2 << 8;
	}
}

static void xsave(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	uint64_t allowed = policy->xsave.allowed;

	if (index == 0) {
		out[CPUID_EAX] = (uint32_t)allowed;
		out[CPUID_ECX] = cpuid_xsave_size(&policy->xsave, allowed);
		out[CPUID_EDX] = (uint32_t)(allowed >> 32);
	} else if (index == 1) {
		if (!allowed)
			out[CPUID_EAX] = 0;
	} else if (!(allowed & BIT(index))) {
		out[CPUID_EAX] = out[CPUID_EBX] = out[CPUID_ECX] = out[CPUID_EDX] = 0;
	}
}

static void extended_max(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	(void)index;
	out[CPUID_EAX] = policy->extended_max;
}

static void extended_features(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	(void)index;
	if (policy->amd && socket_vps(policy) > 1)
		out[CPUID_ECX] |= B(1); /* CmpLegacy */
	/* Threads can be told of by leaf 0x8000001e alone, which is ours whatever the host has. */
	if (policy->amd && policy->topology.threads > 1)
		out[CPUID_ECX] |= B(22); /* TopologyExtensions */
	if (!policy->amd)
		out[CPUID_EDX] &= B(11) | B(20) | B(26) | B(27) | B(29);
	if (!(policy->xsave.allowed & XCR0_AVX))
		out[CPUID_ECX] &= ~(B(11) | B(16)); /* XOP, FMA4 */
}

static void address_sizes(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	const struct cpuid_topology *t = &policy->topology;

	(void)index;
	/* No LA57: linear addresses have 48 bits. */
	out[CPUID_EAX] = policy->physical_bits | 48 << 8;
	if (!(speculation.actions & SPECULATION_GUESTS))
		out[CPUID_EBX] &= ~LEAF_EXT8_EBX_SPECULATION;
	if (policy->amd) {
		out[CPUID_ECX] = MIN(socket_vps(policy) - 1, 0xffu);
		out[CPUID_ECX] |= MIN(t->thread_bits + t->core_bits, 15u) << 12;
	}
}

static void extended_features_2(const struct cpuid_policy *policy, uint32_t index, uint32_t out[4])
{
	(void)policy;
	(void)index;
	out[CPUID_EAX] |= speculation.extended21_eax;
	if (!(speculation.actions & SPECULATION_GUESTS))
		out[CPUID_EAX] &= ~LEAF_EXT21_EAX_SPECULATION;
}

/* ---- the table ---- */

/* SSE3 PCLMULQDQ SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define LEAF_1_ECX                                                                            \
	(B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) | B(22) | B(23) | B(25) | \
	 B(26) | B(28) | B(29) | B(30))
/* The timer's deadline mode is ours, and we are a hypervisor. */
#define LEAF_1_ECX_SET (B(24) | B(31))
/* FPU VME DE PSE TSC MSR PAE MCE CX8 SEP PGE MCA CMOV PSE36 CLFSH MMX FXSR SSE SSE2 SS */
#define LEAF_1_EDX     (RANGE(0, 8) | B(11) | RANGE(13, 15) | B(17) | B(19) | RANGE(23, 27))
/* APIC MTRR PAT: all modelled */
#define LEAF_1_EDX_SET (B(9) | B(12) | B(16))
/* FSGSBASE BMI1 AVX2 FDP_EXCPTN SMEP BMI2 ERMS INVPCID FCS/FDS AVX512F DQ RDSEED ADX SMAP IFMA
 * CLFLUSHOPT CLWB PF ER CD SHA BW VL */
#define LEAF_7_EBX \
	(B(0) | B(3) | RANGE(5, 10) | B(13) | RANGE(16, 21) | B(23) | B(24) | RANGE(26, 31))
#define LEAF_7_EBX_SET B(1) /* TSC_ADJUST is ours */
/* PREFETCHWT1 VBMI UMIP PKU VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID CLDEMOTE
 * MOVDIRI MOVDIR64B */
#define LEAF_7_ECX     (RANGE(0, 3) | B(6) | RANGE(8, 12) | B(14) | B(22) | B(25) | B(27) | B(28))
/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE AVX512_FP16 */
#define LEAF_7_EDX     (RANGE(2, 4) | B(8) | B(10) | B(14) | B(23) | LEAF_7_EDX_SPECULATION)
/* PSFD IPRED_CTRL RRSBA_CTRL DDPD_U BHI_CTRL MCDT_NO */
#define LEAF_7_2_EDX   RANGE(0, 5)
/* AVX-VNNI AVX512_BF16 FZRM FSRS FSRC */
#define LEAF_7_1_EAX   (B(4) | B(5) | RANGE(10, 12))
/* LAHF AltMovCr8 ABM SSE4A MisAlignSse 3DNowPrefetch XOP FMA4 TBM TopologyExtensions */
#define LEAF_EXT1_ECX  (B(0) | RANGE(4, 8) | B(11) | B(16) | B(21) | B(22))
/* AMD repeats leaf 1: FPU ... CX8, PGE ... PSE36, MMX FXSR; then SYSCALL NX MmxExt FFXSR Page1GB
 * RDTSCP LM 3DNowExt 3DNow */
#define LEAF_EXT1_EDX  (RANGE(0, 9) | B(11) | RANGE(12, 17) | B(20) | RANGE(22, 27) | RANGE(29, 31))
#define INVARIANT_TSC  B(8)
/* CLZERO XSAVEERPTR WBNOINVD SSB_NO BTC_NO IBPB_RET */
#define LEAF_EXT8_EBX  (B(0) | B(2) | B(9) | B(26) | B(29) | B(30) | LEAF_EXT8_EBX_SPECULATION)
/* LFENCE serialises, VERW_CLEAR, loading a null selector clears the base, IBPB_BRTYPE, SRSO_NO,
 * SRSO_USER_KERNEL_NO */
#define LEAF_EXT21_EAX (B(2) | B(5) | B(6) | RANGE(28, 30) | LEAF_EXT21_EAX_SPECULATION)
/* TSA_SQ_NO TSA_L1_NO */
#define LEAF_EXT21_ECX (B(1) | B(2))

/* function, index, count, vendor, dynamic, host, set, adjust */
static const struct row rows[] = {
	{0x00, 0, 0, ANY, CPUID_STATIC, {0, ALL, ALL, ALL}, {0}, basic_max},
	{0x01,
	 0,
	 0,
	 ANY,
	 CPUID_FEATURES,
	 {ALL, 0xffff, LEAF_1_ECX, LEAF_1_EDX},
	 {0, 0, LEAF_1_ECX_SET, LEAF_1_EDX_SET},
	 features},
	{0x02, 0, 0, INTEL, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	{0x04, 0, 5, INTEL, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, intel_cache},
	/* ARAT: our timer never stops. */
	{0x06, 0, 0, ANY, CPUID_STATIC, {0}, {B(2)}, NULL},
	{0x07,
	 0,
	 1,
	 ANY,
	 CPUID_OSPKE,
	 {ALL, LEAF_7_EBX, LEAF_7_ECX, LEAF_7_EDX},
	 {0, LEAF_7_EBX_SET},
	 structured_features},
	{0x07, 1, 1, ANY, CPUID_STATIC, {LEAF_7_1_EAX}, {0}, structured_features_1},
	{0x07, 2, 1, ANY, CPUID_STATIC, {0, 0, 0, LEAF_7_2_EDX}, {0}, structured_features_2},
	{0x0b, 0, 3, ANY, CPUID_TOPOLOGY, {0}, {0}, topology_levels},
	{0x0d, 0, 1, ANY, CPUID_XSAVE_SIZE, {0}, {0}, xsave},
	/* XSAVEOPT XSAVEC XGETBV(1) XSAVES; no component of XSS */
	{0x0d, 1, 1, ANY, CPUID_XSAVE_COMPACT, {0xf}, {0}, xsave},
	{0x0d, 2, XSAVE_COMPONENTS - 2, ANY, CPUID_STATIC, {ALL, ALL, B(1), 0}, {0}, xsave},
	{LEAF_1F, 0, 3, INTEL, CPUID_TOPOLOGY, {0}, {0}, topology_levels},
	/* hv_cpuid.c */
	{0x40000000, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000001, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000003, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000004, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000005, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000006, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x40000010, 0, 0, ANY, CPUID_STATIC, {0}, {0}, NULL},
	{0x80000000, 0, 0, ANY, CPUID_STATIC, {0, ALL, ALL, ALL}, {0}, extended_max},
	{0x80000001,
	 0,
	 0,
	 ANY,
	 CPUID_EXTENDED,
	 {ALL, ALL, LEAF_EXT1_ECX, LEAF_EXT1_EDX},
	 {0},
	 extended_features},
	{0x80000002, 0, 0, ANY, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	{0x80000003, 0, 0, ANY, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	{0x80000004, 0, 0, ANY, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	{0x80000005, 0, 0, AMD, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	{0x80000006, 0, 0, ANY, CPUID_STATIC, {ALL, ALL, ALL, ALL}, {0}, NULL},
	/* The kernel's own time stands on a TSC of one constant rate on all CPUs, whether the host
	 * promises it or not; so guests may rely on it as well. */
	{0x80000007, 0, 0, ANY, CPUID_STATIC, {0}, {0, 0, 0, INVARIANT_TSC}, NULL},
	{0x80000008, 0, 0, ANY, CPUID_STATIC, {0xff, LEAF_EXT8_EBX}, {0}, address_sizes},
	{0x80000019, 0, 0, AMD, CPUID_STATIC, {ALL, ALL}, {0}, NULL},
	{0x8000001a, 0, 0, AMD, CPUID_STATIC, {0x7}, {0}, NULL},
	{0x8000001d, 0, 5, AMD, CPUID_STATIC, {ALL, ALL, ALL, 0x3}, {0}, amd_cache},
	{0x8000001e, 0, 0, AMD, CPUID_NODE, {0}, {0}, NULL},
	{0x80000021,
	 0,
	 0,
	 AMD,
	 CPUID_STATIC,
	 {LEAF_EXT21_EAX, 0, LEAF_EXT21_ECX},
	 {0},
	 extended_features_2},
};

#define EXTENDED_LAST 0x80000021u

/* ---- asking the table ---- */

static bool is_hypervisor(uint32_t function)
{
	return function >> 30 == LEAF_HV >> 30;
}

bool cpuid_policy_row_get(const struct cpuid_policy *policy, unsigned int n,
			  struct cpuid_policy_row *out)
{
	const struct row *row = &rows[n];
	uint32_t value[4];

	if (n >= ARRAY_SIZE(rows))
		return false;
	out->function = row->function;
	out->index = row->index;
	out->index_count = row->index_count;
	out->dynamic = row->dynamic;
	out->present = row->vendor == ANY || (row->vendor == AMD) == policy->amd;
	if (row->function < LEAF_HV)
		out->present = out->present && row->function <= policy->basic_max;
	else if (row->function >= LEAF_EXT)
		out->present = out->present && row->function <= policy->extended_max;
	else
		out->present = cpuid_hypervisor(policy, row->function, value);
	return true;
}

/* The host's leaf, 0 past its last: some processors answer with another leaf's values there. */
static void host_leaf(uint32_t function, uint32_t index, uint32_t out[4])
{
	uint32_t max[4];

	out[0] = out[1] = out[2] = out[3] = 0;
	cpuid_host(function & LEAF_EXT, 0, max);
	if (function <= max[CPUID_EAX] && (function & LEAF_EXT) == (max[CPUID_EAX] & LEAF_EXT))
		cpuid_host(function, index, out);
}

void cpuid_policy_value(const struct cpuid_policy *policy, unsigned int n, uint32_t index,
			uint32_t out[4])
{
	const struct row *row = &rows[n];
	unsigned int i;

	if (is_hypervisor(row->function)) {
		(void)cpuid_hypervisor(policy, row->function, out);
		return;
	}
	host_leaf(row->function, index, out);
	for (i = 0; i < 4; i++)
		out[i] = (out[i] & row->host[i]) | row->set[i];
	if (row->adjust)
		row->adjust(policy, index, out);
}

static void xsave_init(struct cpuid_xsave *area)
{
	uint32_t out[4];
	uint64_t host;
	unsigned int i;

	host_leaf(1, 0, out);
	area->allowed = 0;
	area->aligned = 0;
	if (!(out[CPUID_ECX] & B(26)))
		return;
	host_leaf(0xd, 0, out);
	host = ((uint64_t)out[CPUID_EDX] << 32 | out[CPUID_EAX]) & host_xcr0;
	area->allowed = host & XCR0_GUEST;
	if ((area->allowed & XCR0_AVX512) != XCR0_AVX512 || !(area->allowed & XCR0_AVX))
		area->allowed &= ~XCR0_AVX512;
	host_leaf(7, 0, out);
	if (!(out[CPUID_ECX] & B(3)))
		area->allowed &= ~XCR0_PKRU;
	for (i = 2; i < XSAVE_COMPONENTS; i++) {
		area->offset[i] = area->size[i] = 0;
		if (!(area->allowed & BIT(i)))
			continue;
		host_leaf(0xd, i, out);
		area->size[i] = out[CPUID_EAX];
		area->offset[i] = out[CPUID_EBX];
		if (out[CPUID_ECX] & B(1))
			area->aligned |= BIT(i);
	}
}

void cpuid_policy_init(struct cpuid_policy *policy, const struct proto_partition_config *config,
		       uint32_t tsc_khz, unsigned int gpa_bits)
{
	uint32_t out[4], extended[4];

	cpuid_host(0, 0, out);
	cpuid_host(LEAF_EXT, 0, extended);
	policy->config = config;
	policy->tsc_khz = tsc_khz;
	/* The last letters of "AuthenticAMD" and "HygonGenuine", which stand in ECX. */
	policy->amd = out[CPUID_ECX] == 0x444d4163 || out[CPUID_ECX] == 0x656e6975;
	cpuid_topology_init(&policy->topology, config);
	xsave_init(&policy->xsave);
	/* The topology leaf is there on every host. */
	policy->basic_max = MAX(0xbu, MIN(out[CPUID_EAX], LEAF_1F));
	policy->extended_max =
		MAX(policy->amd && policy->topology.threads > 1 ? 0x8000001eu : 0x80000008u,
		    MIN(extended[CPUID_EAX], EXTENDED_LAST));
	host_leaf(0x80000008, 0, out);
	policy->physical_bits = (uint8_t)MIN(out[CPUID_EAX] & 0xff, gpa_bits);
}

/* ---- topology, XSAVE area, values by VP ---- */

static uint32_t bits_for(uint32_t count)
{
	return count <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(count - 1);
}

void cpuid_topology_init(struct cpuid_topology *topology,
			 const struct proto_partition_config *config)
{
	uint32_t vps = MAX(config->vp_count, 1u);
	uint32_t threads = MIN(MAX(config->threads_per_core, 1u), vps);
	uint32_t all_cores = (vps - 1) / threads + 1;
	uint32_t cores = config->cores_per_socket ? config->cores_per_socket : all_cores;

	topology->threads = threads;
	topology->cores = MIN(cores, all_cores);
	topology->thread_bits = bits_for(topology->threads);
	topology->core_bits = bits_for(topology->cores);
}

uint32_t cpuid_xsave_size(const struct cpuid_xsave *xsave, uint64_t xcr0)
{
	uint32_t size = 576; /* the legacy area and the header */
	unsigned int i;

	for (i = 2; i < XSAVE_COMPONENTS; i++)
		if (xcr0 & xsave->allowed & BIT(i))
			size = MAX(size, xsave->offset[i] + xsave->size[i]);
	return xsave->allowed ? size : 0;
}

uint32_t cpuid_xsave_size_compact(const struct cpuid_xsave *xsave, uint64_t components)
{
	uint32_t size = 576;
	unsigned int i;

	for (i = 2; i < XSAVE_COMPONENTS; i++) {
		if (!(components & xsave->allowed & BIT(i)))
			continue;
		if (xsave->aligned & BIT(i))
			size = ALIGN_UP(size, 64u);
		size += xsave->size[i];
	}
	return xsave->allowed ? size : 0;
}

#define CR4_OSXSAVE BIT(18)
#define CR4_PKE	    BIT(22)

void cpuid_dynamic_apply(enum cpuid_dynamic kind, const struct cpuid_topology *topology,
			 const struct cpuid_xsave *xsave, const struct cpuid_vp_state *state,
			 uint32_t subleaf, uint32_t out[4])
{
	uint32_t id = state->apic_id;

	switch (kind) {
	case CPUID_FEATURES:
		out[CPUID_EBX] |= id << 24;
		if (!state->apic_enabled)
			out[CPUID_EDX] &= ~B(9);
		if ((out[CPUID_ECX] & B(26)) && (state->cr4 & CR4_OSXSAVE))
			out[CPUID_ECX] |= B(27);
		break;
	case CPUID_EXTENDED:
		if (!state->apic_enabled)
			out[CPUID_EDX] &= ~B(9);
		break;
	case CPUID_OSPKE:
		if ((out[CPUID_ECX] & B(3)) && (state->cr4 & CR4_PKE))
			out[CPUID_ECX] |= B(4);
		break;
	case CPUID_TOPOLOGY:
		out[CPUID_ECX] = (out[CPUID_ECX] & ~0xffu) | (subleaf & 0xff);
		out[CPUID_EDX] = id;
		break;
	case CPUID_XSAVE_SIZE: out[CPUID_EBX] = cpuid_xsave_size(xsave, state->xcr0); break;
	case CPUID_XSAVE_COMPACT:
		if (out[CPUID_EAX] & (B(1) | B(3)))
			out[CPUID_EBX] = cpuid_xsave_size_compact(xsave, state->xcr0 | state->xss);
		break;
	case CPUID_NODE:
		out[CPUID_EAX] = id;
		out[CPUID_EBX] = (id >> topology->thread_bits & MASK(topology->core_bits) & 0xff) |
				 MIN(topology->threads - 1, 0xffu) << 8;
		out[CPUID_ECX] = id >> (topology->thread_bits + topology->core_bits) & 0xff;
		break;
	case CPUID_STATIC: break;
	}
}

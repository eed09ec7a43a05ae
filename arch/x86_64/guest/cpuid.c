/* SPDX-License-Identifier: MIT */
/*
 * A partition's CPUID leaves: built once from the policy and the VMM's leaves into one sorted
 * array, with an index for the leaves that exist in practice, so that an exit finds its answer
 * in a few instructions. From the finished leaves follow the bits that a guest may set in CR4,
 * EFER and XCR0: what CPUID does not show cannot be switched on.
 */
#include "cpuid.h"
#include "cpuid_policy.h"
#include "lapic.h"

#include <kernel/arch.h>
#include <kernel/backend.h>
#include <kernel/string.h>

/* More leaves than this are a mistake. */
#define LEAVES_MAX 4096u

/* ---- looking up ---- */

static const struct cpuid_entry *entry_first(const struct guest_cpuid *cpuid, uint32_t leaf)
{
	uint32_t direct = cpuid_direct(cpuid, leaf) & ~CPUID_DIRECT_SLOW;
	uint32_t from = 0, to = cpuid->count;

	if (direct)
		return &cpuid->entries[direct - 1];
	while (from < to) { /* ends: the interval shrinks */
		uint32_t middle = (from + to) / 2;

		if (cpuid->entries[middle].function < leaf)
			from = middle + 1;
		else
			to = middle;
	}
	if (from < cpuid->count && cpuid->entries[from].function == leaf)
		return &cpuid->entries[from];
	return NULL;
}

static const struct cpuid_entry *entry_find(const struct guest_cpuid *cpuid, uint32_t leaf,
					    uint32_t subleaf)
{
	const struct cpuid_entry *end = cpuid->entries + cpuid->count;
	const struct cpuid_entry *entry = entry_first(cpuid, leaf);

	if (!entry || !entry->indexed)
		return entry;
	for (; entry < end && entry->function == leaf; entry++)
		if (entry->index == subleaf)
			return entry;
	/* Past its last level the topology leaf still has the id. */
	entry--;
	return entry->dynamic == CPUID_TOPOLOGY ? entry : NULL;
}

static void vp_state_get(const struct vp *vp, enum cpuid_dynamic kind, struct cpuid_vp_state *state)
{
	struct lapic *lapic = vp_lapic(vp, vp->active_vtl);
	struct guest_state registers;

	state->apic_id = atomic_load_explicit(&lapic->id, memory_order_relaxed);
	state->apic_enabled = lapic_is_enabled(lapic) || vp->partition->arch.user_apic;
	state->xcr0 = fpu_xcr0(&((struct vp *)vp)->arch.fpu);
	state->xss = vp->arch.xss;
	state->cr4 = 0;
	if (kind == CPUID_FEATURES || kind == CPUID_OSPKE) {
		backend->arch.state_get((struct vp *)vp, vp->active_vtl, STATE_CONTROL, &registers);
		state->cr4 = registers.cr4;
	}
}

void guest_cpuid_query(const struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	const struct guest_cpuid *cpuid = vp->partition->arch.cpuid;
	const struct cpuid_entry *entry = entry_find(cpuid, leaf, subleaf);
	struct cpuid_vp_state state;

	/* Past the last leaf Intel's processors answer with the last basic one (SDM, CPUID). */
	if (!entry && !cpuid->amd && leaf > cpuid->basic_max && leaf >> 30 != 1 &&
	    !(leaf >> 31 && leaf <= 0x80000021))
		entry = entry_find(cpuid, cpuid->basic_max, subleaf);
	if (!entry) {
		out[0] = out[1] = out[2] = out[3] = 0;
		return;
	}
	out[0] = entry->value[0];
	out[1] = entry->value[1];
	out[2] = entry->value[2];
	out[3] = entry->value[3];
	if (entry->dynamic != CPUID_STATIC) {
		vp_state_get(vp, entry->dynamic, &state);
		cpuid_dynamic_apply(entry->dynamic, &cpuid->topology, &cpuid->xsave, &state,
				    subleaf, out);
	}
}

void guest_cpuid_built(const struct partition *partition, uint32_t leaf, uint32_t out[4])
{
	const struct cpuid_entry *entry = entry_find(partition->arch.cpuid, leaf, 0);
	unsigned int i;

	for (i = 0; i < 4; i++)
		out[i] = entry ? entry->value[i] : 0;
}

bool guest_cpuid_has(const struct partition *partition, uint32_t leaf, unsigned int reg,
		     unsigned int bit)
{
	const struct cpuid_entry *entry = entry_find(partition->arch.cpuid, leaf, 0);

	return entry && (entry->value[reg] & BIT(bit));
}

static __cold struct cpuid_entry *entry_change(struct partition *partition, uint32_t leaf)
{
	return (struct cpuid_entry *)(uintptr_t)entry_find(partition->arch.cpuid, leaf, 0);
}

__cold void guest_cpuid_rate_set(struct partition *partition, uint64_t before, uint64_t hz)
{
	struct cpuid_entry *entry = NULL;

	if (!(partition->config.flags & PARTITION_HYPERV))
		entry = entry_change(partition, CPUID_LEAF_TIME);
	if (entry && entry->value[CPUID_EAX] == (uint32_t)(before / 1000))
		entry->value[CPUID_EAX] = (uint32_t)(hz / 1000);
}

__cold void guest_cpuid_show(struct partition *partition, uint32_t leaf, unsigned int reg,
			     unsigned int bit, bool on)
{
	struct cpuid_entry *entry = entry_change(partition, leaf);
	uint32_t mask = (uint32_t)BIT(bit);

	if (entry)
		entry->value[reg] = on ? entry->value[reg] | mask : entry->value[reg] & ~mask;
}

bool guest_cpuid_is_amd(const struct partition *partition)
{
	return partition->arch.cpuid->amd;
}

/* ---- building ---- */

static uint32_t row_entries(const struct cpuid_policy_row *row)
{
	if (!row->present)
		return 0;
	return row->index_count ? row->index_count : 1;
}

static __cold uint32_t policy_entries(const struct cpuid_policy *policy)
{
	struct cpuid_policy_row row;
	uint32_t count = 0;
	unsigned int n;

	for (n = 0; cpuid_policy_row_get(policy, n, &row); n++)
		count += row_entries(&row);
	return count;
}

static __cold void policy_copy(struct guest_cpuid *cpuid, const struct cpuid_policy *policy)
{
	struct cpuid_policy_row row;
	unsigned int n;
	uint32_t i;

	for (n = 0; cpuid_policy_row_get(policy, n, &row); n++) {
		for (i = 0; i < row_entries(&row); i++) {
			struct cpuid_entry *entry = &cpuid->entries[cpuid->count++];

			entry->function = row.function;
			entry->index = row.index + i;
			entry->dynamic = (uint8_t)row.dynamic;
			entry->indexed = row.index_count != 0;
			cpuid_policy_value(policy, n, entry->index, entry->value);
		}
	}
}

static __cold bool leaf_applies(const struct cpuid_leaf *leaf, const struct cpuid_entry *entry)
{
	return entry->function == leaf->function &&
	       (!leaf->index_matters || !entry->indexed || entry->index == leaf->index);
}

static __cold void leaf_insert(struct guest_cpuid *cpuid, const struct cpuid_leaf *leaf)
{
	uint32_t at = cpuid->count;
	struct cpuid_entry *entry;

	while (at > 0 && (cpuid->entries[at - 1].function > leaf->function ||
			  (cpuid->entries[at - 1].function == leaf->function &&
			   cpuid->entries[at - 1].index > leaf->index)))
		at--;
	entry = &cpuid->entries[at];
	memmove(entry + 1, entry, (cpuid->count - at) * sizeof(*entry));
	cpuid->count++;
	memset(entry, 0, sizeof(*entry));
	entry->function = leaf->function;
	entry->index = leaf->index_matters ? leaf->index : 0;
	entry->indexed = leaf->index_matters;
}

static __cold void leaf_apply(struct guest_cpuid *cpuid, const struct cpuid_leaf *leaf)
{
	bool found = false;
	uint32_t i;
	unsigned int n;

	for (i = 0; i < cpuid->count; i++)
		found = found || leaf_applies(leaf, &cpuid->entries[i]);
	if (!found)
		leaf_insert(cpuid, leaf);
	for (i = 0; i < cpuid->count; i++) {
		struct cpuid_entry *entry = &cpuid->entries[i];

		if (!leaf_applies(leaf, entry))
			continue;
		for (n = 0; n < 4; n++)
			entry->value[n] = (entry->value[n] & ~leaf->mask[n]) |
					  (leaf->value[n] & leaf->mask[n]);
	}
}

static __cold void direct_fill(struct guest_cpuid *cpuid)
{
	uint32_t i = cpuid->count;

	while (i-- > 0) { /* downwards: the first of several stays */
		const struct cpuid_entry *entry = &cpuid->entries[i];
		uint32_t index = cpuid_direct_index(entry->function);
		bool slow = entry->indexed || entry->dynamic != CPUID_STATIC;

		if (index < CPUID_DIRECT_LEAVES)
			cpuid->direct[index] = (uint16_t)((i + 1) | (slow ? CPUID_DIRECT_SLOW : 0));
	}
}

/* A control bit that may be set when a feature is shown. */
struct feature_bit {
	uint32_t control;
	uint32_t leaf;
	uint8_t reg; /* enum cpuid_register; above its two bits, the subleaf */
	uint8_t bit;
};

#define SUBLEAF(n, reg)	  ((n) << 2 | (reg))
#define ROW_REGISTER(row) ((row)->reg & 3)
#define ROW_SUBLEAF(row)  ((row)->reg >> 2)

static const struct feature_bit cr4_bits[] = {
	{BIT(0) | BIT(1), 1, CPUID_EDX, 1}, /* VME, PVI */
	{BIT(2), 1, CPUID_EDX, 4},	    /* TSD */
	{BIT(3), 1, CPUID_EDX, 2},	    /* DE */
	{BIT(4), 1, CPUID_EDX, 3},	    /* PSE */
	{BIT(5), 1, CPUID_EDX, 6},	    /* PAE */
	{BIT(6), 1, CPUID_EDX, 7},	    /* MCE */
	{BIT(7), 1, CPUID_EDX, 13},	    /* PGE */
	{BIT(8), 1, CPUID_EDX, 5},	    /* PCE, which comes with the MSRs */
	{BIT(9), 1, CPUID_EDX, 24},	    /* OSFXSR */
	{BIT(10), 1, CPUID_EDX, 25},	    /* OSXMMEXCPT */
	{BIT(11), 7, CPUID_ECX, 2},	    /* UMIP */
	{BIT(16), 7, CPUID_EBX, 0},	    /* FSGSBASE */
	{BIT(17), 1, CPUID_ECX, 17},	    /* PCIDE */
	{BIT(18), 1, CPUID_ECX, 26},	    /* OSXSAVE */
	{BIT(20), 7, CPUID_EBX, 7},	    /* SMEP */
	{BIT(21), 7, CPUID_EBX, 20},	    /* SMAP */
	{BIT(22), 7, CPUID_ECX, 3},	    /* PKE */
};

static const struct feature_bit efer_bits[] = {
	{EFER_SCE, 0x80000001, CPUID_EDX, 11}, {EFER_LME | EFER_LMA, 0x80000001, CPUID_EDX, 29},
	{EFER_NXE, 0x80000001, CPUID_EDX, 20}, {BIT(14), 0x80000001, CPUID_EDX, 25}, /* FFXSR */
	{BIT(21), 0x80000021, CPUID_EAX, 8},					     /* AIBRSE */
};

/* Bits of IA32_SPEC_CTRL and the other MSRs (SDM 4, table 2-2; APM 2, 3.2.9). */
static const struct feature_bit speculation_bits[] = {
	{GUEST_IBPB | BIT(0), 7, CPUID_EDX, 26},	/* IBRS */
	{GUEST_IBPB, 0x80000008, CPUID_EBX, 12},	/* IBPB */
	{BIT(0), 0x80000008, CPUID_EBX, 14},		/* IBRS */
	{BIT(1), 7, CPUID_EDX, 27},			/* STIBP */
	{BIT(1), 0x80000008, CPUID_EBX, 15},		/* STIBP */
	{BIT(2), 7, CPUID_EDX, 31},			/* SSBD */
	{BIT(2), 0x80000008, CPUID_EBX, 24},		/* SSBD */
	{BIT(3) | BIT(4), 7, SUBLEAF(2, CPUID_EDX), 1}, /* IPRED_DIS_U, IPRED_DIS_S */
	{BIT(5) | BIT(6), 7, SUBLEAF(2, CPUID_EDX), 2}, /* RRSBA_DIS_U, RRSBA_DIS_S */
	{BIT(7), 7, SUBLEAF(2, CPUID_EDX), 0},		/* PSFD */
	{BIT(7), 0x80000008, CPUID_EBX, 28},		/* PSFD */
	{BIT(8), 7, SUBLEAF(2, CPUID_EDX), 3},		/* DDPD_U */
	{BIT(10), 7, SUBLEAF(2, CPUID_EDX), 4},		/* BHI_DIS_S */
	{GUEST_L1D_FLUSH, 7, CPUID_EDX, 28},
	{GUEST_CAPABILITIES, 7, CPUID_EDX, 29},
	{GUEST_SBPB, 0x80000021, CPUID_EAX, 27},
};

static const struct feature_bit instruction_bits[] = {
	{INSTRUCTION_RDTSCP, 0x80000001, CPUID_EDX, 27},
	{INSTRUCTION_RDTSCP, 7, CPUID_ECX, 22}, /* RDPID */
	{INSTRUCTION_INVPCID, 7, CPUID_EBX, 10},
	{INSTRUCTION_RDRAND, 1, CPUID_ECX, 30},
	{INSTRUCTION_RDSEED, 7, CPUID_EBX, 18},
};

static __cold uint64_t bits_allowed(const struct guest_cpuid *cpuid, const struct feature_bit *bits,
				    size_t count)
{
	uint64_t allowed = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct feature_bit *row = &bits[i];
		const struct cpuid_entry *entry = entry_find(cpuid, row->leaf, ROW_SUBLEAF(row));

		if (entry && (entry->value[ROW_REGISTER(row)] & BIT(row->bit)))
			allowed |= row->control;
	}
	return allowed;
}

static __cold void policy_init(struct cpuid_policy *policy,
			       const struct proto_partition_config *config)
{
	cpuid_policy_init(policy, config, (uint32_t)(timestamp_hz / 1000),
			  page_table_bits(backend->gpa_format));
	policy->npiep = backend_assists & ASSIST_TABLES;
}

/* What goes straight to the processor. */
struct controls {
	uint64_t efer, speculation;
};

static __cold struct controls controls_allowed(const struct guest_cpuid *cpuid)
{
	return (struct controls){
		.efer = bits_allowed(cpuid, efer_bits, ARRAY_SIZE(efer_bits)),
		.speculation = bits_allowed(cpuid, speculation_bits, ARRAY_SIZE(speculation_bits)),
	};
}

/* host: as it was before the VMM's leaves, which may show what no processor here has. */
static __cold void partition_fill(struct partition *partition, struct guest_cpuid *cpuid,
				  const struct cpuid_policy *policy, const struct controls *host)
{
	struct controls shown = controls_allowed(cpuid);
	struct arch_partition *arch = &partition->arch;
	const struct cpuid_entry *features = entry_find(cpuid, 1, 0);
	const struct cpuid_entry *xsave = entry_find(cpuid, 0xd, 1);
	const struct cpuid_entry *sizes = entry_find(cpuid, 0x80000008, 0);
	uint32_t extended[4];

	arch->cpuid = cpuid;
	arch->cr4_allowed = bits_allowed(cpuid, cr4_bits, ARRAY_SIZE(cr4_bits));
	arch->efer_allowed = shown.efer & host->efer;
	arch->speculation_allowed = shown.speculation & host->speculation;
	/* The VMM's leaves may have taken XSAVE away; they cannot add a component. */
	if (!features || !(features->value[CPUID_ECX] & BIT(26)))
		cpuid->xsave.allowed = 0;
	arch->xcr0_allowed = cpuid->xsave.allowed;
	arch->xss_allowed = 0;
	arch->instructions =
		(uint32_t)bits_allowed(cpuid, instruction_bits, ARRAY_SIZE(instruction_bits));
	if (xsave && (xsave->value[CPUID_EAX] & BIT(3)))
		arch->instructions |= INSTRUCTION_XSAVES;
	partition->physical_bits = policy->physical_bits;
	if (sizes && (sizes->value[CPUID_EAX] & 0xff) >= 32)
		partition->physical_bits =
			MIN(partition->physical_bits, sizes->value[CPUID_EAX] & 0xff);
	/* The VMM may have shown it where there is no TSC_AUX to be written. */
	cpuid_host(0x80000001, 0, extended);
	if (!(extended[CPUID_EDX] & BIT(27)))
		arch->instructions &= ~(uint32_t)INSTRUCTION_RDTSCP;
	arch->lenient_pmu = partition->config.flags & PARTITION_LENIENT_PMU;
}

__cold status_t guest_cpuid_build(struct partition *partition, const struct cpuid_leaf *leaves,
				  uint32_t count)
{
	struct cpuid_policy policy;
	struct guest_cpuid *cpuid;
	struct controls host;
	unsigned int order = 0;
	size_t size;
	uint32_t i;

	if (count > LEAVES_MAX)
		return STATUS_TOO_LARGE;
	for (i = 0; i < count; i++)
		if (leaves[i].reserved || leaves[i].index_matters > 1)
			return STATUS_INVALID_ARGUMENT;
	policy_init(&policy, &partition->config);
	size = sizeof(*cpuid) + (policy_entries(&policy) + count) * sizeof(cpuid->entries[0]);
	while ((PAGE_SIZE << order) < size)
		order++;
	cpuid = page_alloc(partition->heap, order);
	if (!cpuid)
		return STATUS_NO_MEMORY;
	cpuid->order = order;
	cpuid->amd = policy.amd;
	cpuid->topology = policy.topology;
	cpuid->xsave = policy.xsave;
	policy_copy(cpuid, &policy);
	host = controls_allowed(cpuid);
	for (i = 0; i < count; i++)
		leaf_apply(cpuid, &leaves[i]);
	direct_fill(cpuid);
	cpuid->basic_max = entry_find(cpuid, 0, 0)->value[CPUID_EAX];
	partition_fill(partition, cpuid, &policy, &host);
	return STATUS_OK;
}

__cold void guest_cpuid_destroy(struct partition *partition)
{
	struct guest_cpuid *cpuid = partition->arch.cpuid;

	if (cpuid)
		page_free(partition->heap, cpuid, cpuid->order);
	partition->arch.cpuid = NULL;
}

/* ---- without a partition built ---- */

/* Row of the policy for a leaf, or -1; for topology leaves also past their last level. */
static __cold int policy_find(const struct cpuid_policy *policy, uint32_t leaf, uint32_t subleaf,
			      struct cpuid_policy_row *row)
{
	unsigned int n;

	for (n = 0; cpuid_policy_row_get(policy, n, row); n++) {
		if (!row->present || row->function != leaf)
			continue;
		if (!row->index_count || row->dynamic == CPUID_TOPOLOGY ||
		    (subleaf >= row->index && subleaf - row->index < row->index_count))
			return (int)n;
	}
	return -1;
}

__cold void guest_cpuid_default(const struct proto_partition_config *config, uint32_t leaf,
				uint32_t subleaf, uint32_t out[4])
{
	struct cpuid_vp_state state = {.apic_enabled = true, .xcr0 = 1};
	struct cpuid_policy policy;
	struct cpuid_policy_row row;
	int n;

	policy_init(&policy, config);
	n = policy_find(&policy, leaf, subleaf, &row);
	if (n < 0 && !policy.amd && leaf > policy.basic_max && leaf >> 30 != 1 &&
	    !(leaf >> 31 && leaf <= 0x80000021))
		n = policy_find(&policy, policy.basic_max, subleaf, &row);
	if (n < 0) {
		out[0] = out[1] = out[2] = out[3] = 0;
		return;
	}
	cpuid_policy_value(&policy, (unsigned int)n, row.index_count ? subleaf : 0, out);
	cpuid_dynamic_apply(row.dynamic, &policy.topology, &policy.xsave, &state, subleaf, out);
}

__cold void guest_xsave(const struct partition *partition, struct cpuid_xsave *xsave)
{
	struct cpuid_policy policy;

	if (partition->state >= PARTITION_BUILT) {
		*xsave = partition->arch.cpuid->xsave;
		return;
	}
	policy_init(&policy, &partition->config);
	*xsave = policy.xsave;
}

/* ---- APIC ids ---- */

uint32_t guest_apic_id(const struct proto_partition_config *config, uint32_t index)
{
	struct cpuid_topology t;
	uint32_t core;

	cpuid_topology_init(&t, config);
	core = index / t.threads;
	return ((core / t.cores) << t.core_bits | core % t.cores) << t.thread_bits |
	       index % t.threads;
}

bool guest_apic_index(const struct proto_partition_config *config, uint32_t id, uint32_t *index)
{
	struct cpuid_topology t;
	uint32_t thread, core;
	uint64_t result;

	/* One thread a core and one socket: the ids are the indexes. */
	if (likely(config->threads_per_core <= 1 && config->cores_per_socket == 0)) {
		*index = id;
		return id < config->vp_count;
	}
	cpuid_topology_init(&t, config);
	thread = id & (uint32_t)MASK(t.thread_bits);
	core = id >> t.thread_bits & (uint32_t)MASK(t.core_bits);
	if (thread >= t.threads || core >= t.cores)
		return false;
	result = ((uint64_t)(id >> (t.thread_bits + t.core_bits)) * t.cores + core) * t.threads +
		 thread;
	*index = (uint32_t)result;
	return result < config->vp_count;
}

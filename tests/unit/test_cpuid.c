/* SPDX-License-Identifier: MIT */
/* CPUID on three hosts: nothing passes that must not, and what follows from the partition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arch/speculation.h>
#include <cmocka.h>
#include <lapic.h>

#include <firmware/topology.h>

#include "guest_stubs.h"

static uint32_t r[4];

static void ask(struct partition *p, uint32_t vp, uint32_t leaf, uint32_t subleaf)
{
	guest_cpuid_query(p->vps[vp], leaf, subleaf, r);
}

static void test_features(void **state)
{
	struct proto_partition_config config = {.vp_count = 4, .apic_mode = 1};
	struct partition *p;
	int kind;

	(void)state;
	for (kind = 0; kind < HOST_COUNT; kind++) {
		stub_host_set(kind);
		p = stub_partition(&config);
		ask(p, 2, 1, 0);
		assert_int_equal(r[1] >> 24, 2);
		assert_int_equal(r[1] >> 16 & 0xff, 4);
		assert_true((r[2] & BIT(31)) && (r[2] & BIT(24)) && (r[2] & BIT(21)));
		assert_false(r[2] & (BIT(3) | BIT(5) | BIT(6) | BIT(15) | BIT(27)));
		assert_true((r[3] & BIT(9)) && (r[3] & BIT(12)) && (r[3] & BIT(28)));
		assert_false(r[3] & (BIT(21) | BIT(22) | BIT(29) | BIT(18)));
		ask(p, 0, 7, 0);
		assert_false(r[1] & (BIT(2) | BIT(4) | BIT(11) | BIT(14) | BIT(25)));
		assert_false(r[2] & (BIT(4) | BIT(7) | BIT(16) | BIT(30)));
		assert_false(r[3] & 0xfc000000); /* speculation control */
		ask(p, 0, 0xa, 0);
		assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
		ask(p, 0, 0x80000001, 0);
		assert_false(r[2] & (BIT(2) | BIT(12) | BIT(29)));
		ask(p, 0, 0x80000007, 0);
		assert_int_equal(r[3], BIT(8));
		ask(p, 0, 0x8000000a, 0);
		assert_int_equal(r[3], 0);
		ask(p, 0, 0x40000000, 0);
		assert_int_equal(r[0], 0x40000010);
		assert_memory_equal(&r[1], "TrivetTrivet", 12);
		ask(p, 0, 0x40000010, 0);
		assert_int_equal(r[0], 2000000);
		/* The APIC's bit follows IA32_APIC_BASE, OSXSAVE follows CR4. */
		assert_true(guest_lapic_base_write(p->vps[0], 0xfee00100));
		stub_state.cr4 = BIT(18);
		ask(p, 0, 1, 0);
		assert_false(r[3] & BIT(9));
		assert_int_equal(!!(r[2] & BIT(27)), kind != HOST_PLAIN);
		stub_partition_free(p);
	}
	assert_int_equal(stub_pages, 0);
}

static void test_derived(void **state)
{
	struct cpuid_xsave xsave;
	struct proto_partition_config config = {.vp_count = 1};
	struct partition *p;

	(void)state;
	stub_host_set(HOST_EPYC);
	p = stub_partition(&config);
	assert_int_equal(p->physical_bits, 48);
	assert_int_equal(p->arch.xcr0_allowed, 0x207);
	assert_int_equal(p->arch.efer_allowed, 0x4d01);
	assert_true(p->arch.cr4_allowed & BIT(22));
	assert_true(p->arch.instructions & INSTRUCTION_RDTSCP);
	assert_true(p->arch.instructions & INSTRUCTION_XSAVES);
	assert_false(p->arch.cr4_allowed & (BIT(12) | BIT(13) | BIT(23)));
	assert_true(guest_cpuid_is_amd(p));
	ask(p, 0, 7, 0);
	assert_false(r[1] & BIT(16)); /* no AVX512 without its state */
	ask(p, 0, 1, 0);
	assert_false(r[2] & BIT(21)); /* no x2APIC */
	assert_false(r[3] & BIT(28));
	stub_partition_free(p);
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	assert_int_equal(p->physical_bits, 46);
	assert_int_equal(p->arch.xcr0_allowed, 0x2e7);
	guest_xsave(p, &xsave);
	assert_int_equal(xsave.allowed, 0x2e7);
	assert_int_equal(cpuid_xsave_size(&xsave, 3), 576);
	assert_int_equal(cpuid_xsave_size(&xsave, 7), 832);
	assert_int_equal(cpuid_xsave_size(&xsave, 0x2e7), 2696);
	assert_int_equal(cpuid_xsave_size_compact(&xsave, 0x2e7), 576 + 256 + 64 + 512 + 1024 + 8);
	p->vps[0]->arch.fpu.xcr0 = 7;
	ask(p, 0, 0xd, 0);
	assert_int_equal(r[0], 0x2e7);
	assert_int_equal(r[1], 832);
	assert_int_equal(r[2], 2696);
	ask(p, 0, 0xd, 1);
	assert_int_equal(r[0], 0xf);
	assert_int_equal(r[1], 832);
	ask(p, 0, 0xd, 3);
	assert_int_equal(r[0], 0);
	/* Past the end, as Intel answers: the last basic leaf. */
	ask(p, 0, 0x12345, 0);
	assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
	stub_partition_free(p);
	stub_host_set(HOST_PLAIN);
	p = stub_partition(&config);
	assert_int_equal(p->arch.xcr0_allowed, 0);
	assert_false(p->arch.cr4_allowed & BIT(18));
	assert_int_equal(p->physical_bits, 36);
	stub_partition_free(p);
}

/* Controls of speculation: the host's, where they are exchanged with the guest's; nobody's else. */
static void test_speculation(void **state)
{
	struct proto_partition_config config = {.vp_count = 1};
	static const struct cpuid_leaf shown[] = {
		{.function = 7, .value = {0, 0, 0, BIT(26)}, .mask = {0, 0, 0, BIT(26)}},
		{.function = 0x80000021, .value = {BIT(8)}, .mask = {BIT(8)}},
		{.function = 0x80000001, .value = {0, 0, 0, BIT(25)}, .mask = {0, 0, 0, BIT(25)}},
	};
	struct partition *p;
	uint64_t before;

	(void)state;
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	ask(p, 0, 7, 2);
	assert_int_equal(r[0] | r[1] | r[2] | r[3], 0);
	assert_int_equal(p->arch.speculation_allowed, 0);
	stub_partition_free(p);
	speculation.actions = SPECULATION_GUESTS;
	p = stub_partition(&config);
	ask(p, 0, 7, 0);
	assert_int_equal(r[0], 2);
	assert_int_equal(r[3] & 0xfc000400, 0xbc000400); /* all but CORE_CAPABILITIES */
	ask(p, 0, 7, 2);
	assert_int_equal(r[0] | r[1] | r[2], 0);
	assert_int_equal(r[3], 0x3f);
	stub_partition_free(p);
	stub_host_set(HOST_EPYC);
	p = stub_partition(&config);
	ask(p, 0, 0x80000008, 0);
	assert_int_equal(r[1], 0x750fd205);	      /* no VIRT_SSBD */
	assert_false(p->arch.efer_allowed & BIT(21)); /* no automatic IBRS on this one */
	assert_false(p->arch.speculation_allowed & GUEST_SBPB);
	stub_partition_free(p);
	/* What a microcode has brought unsaid is said to guests. */
	speculation.extended21_eax = EXT21_EAX_SBPB | EXT21_EAX_VERW_CLEAR;
	p = stub_partition(&config);
	ask(p, 0, 0x80000021, 0);
	assert_int_equal(r[0] & EXT21_EAX_BY_MICROCODE, EXT21_EAX_SBPB | EXT21_EAX_VERW_CLEAR);
	assert_true(p->arch.speculation_allowed & GUEST_SBPB);
	stub_partition_free(p);
	/* The VMM cannot give what the processor does not have. */
	stub_host_set(HOST_PLAIN);
	p = stub_partition(&config);
	guest_cpuid_destroy(p);
	assert_int_equal(guest_cpuid_build(p, shown, ARRAY_SIZE(shown)), STATUS_OK);
	ask(p, 0, 7, 0);
	assert_true(r[3] & BIT(26));
	assert_int_equal(p->arch.speculation_allowed, 0);
	stub_partition_free(p);
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	before = p->arch.efer_allowed;
	assert_false(before & (BIT(21) | BIT(14)));
	guest_cpuid_destroy(p);
	assert_int_equal(guest_cpuid_build(p, shown, ARRAY_SIZE(shown)), STATUS_OK);
	ask(p, 0, 0x80000021, 0);
	assert_true(r[0] & BIT(8)); /* it is shown, and has no bit in EFER: nor has FFXSR */
	assert_int_equal(p->arch.efer_allowed, before);
	stub_partition_free(p);
	memset(&speculation, 0, sizeof(speculation));
}

/* No more bits of physical address than the second-level tables translate. */
static void test_physical_bits(void **state)
{
	static const struct {
		uint8_t host, levels, guest;
	} cases[] = {{46, 4, 46}, {48, 4, 48}, {52, 4, 48}, {46, 5, 46}, {52, 5, 52}};
	struct proto_partition_config config = {.vp_count = 1};
	uint8_t levels = stub_gpa_format.levels;
	struct partition *p;
	unsigned int i;

	(void)state;
	stub_host_set(HOST_SKYLAKE);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		stub_physical_bits = cases[i].host;
		stub_gpa_format.levels = cases[i].levels;
		p = stub_partition(&config);
		assert_int_equal(p->physical_bits, cases[i].guest);
		ask(p, 0, 0x80000008, 0);
		assert_int_equal(r[0], 48 << 8 | cases[i].guest);
		stub_partition_free(p);
	}
	stub_physical_bits = 0;
	stub_gpa_format.levels = levels;
}

static void test_topology(void **state)
{
	struct proto_partition_config config = {
		.vp_count = 12, .threads_per_core = 2, .cores_per_socket = 3, .apic_mode = 1};
	struct partition *p;
	uint32_t i, index;

	(void)state;
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	/* thread: 1 bit, core: 2 bits */
	assert_int_equal(guest_apic_id(&config, 5), 2 << 1 | 1);
	assert_int_equal(guest_apic_id(&config, 6), 1 << 3);
	for (i = 0; i < 12; i++) {
		assert_true(guest_apic_index(&config, guest_apic_id(&config, i), &index));
		assert_int_equal(index, i);
	}
	assert_false(guest_apic_index(&config, 3 << 1, &index));
	assert_false(guest_apic_index(&config, 2 << 3, &index));
	assert_false(guest_apic_index(&config, UINT32_MAX, &index));
	ask(p, 7, 0xb, 0);
	assert_int_equal(r[0], 1);
	assert_int_equal(r[1], 2);
	assert_int_equal(r[2], 0x100);
	assert_int_equal(r[3], 9);
	ask(p, 7, 0xb, 1);
	assert_int_equal(r[0], 3);
	assert_int_equal(r[1], 6);
	assert_int_equal(r[2], 0x201);
	ask(p, 7, 0xb, 9);
	assert_int_equal(r[0] | r[1], 0);
	assert_int_equal(r[2], 9);
	assert_int_equal(r[3], 9);
	ask(p, 0, 4, 0); /* level 1: two threads share it */
	assert_int_equal(r[0] >> 14 & 0xfff, 1);
	assert_int_equal(r[0] >> 26, 3);
	ask(p, 0, 4, 3); /* level 3: the socket does */
	assert_int_equal(r[0] >> 14 & 0xfff, 7);
	stub_partition_free(p);
	stub_host_set(HOST_EPYC);
	p = stub_partition(&config);
	ask(p, 7, 0x8000001e, 0);
	assert_int_equal(r[0], 9);
	assert_int_equal(r[1], 0x100);
	assert_int_equal(r[2], 1);
	ask(p, 0, 0x8000001d, 3);
	assert_int_equal(r[0] >> 14 & 0xfff, 5);
	ask(p, 0, 0x80000008, 0);
	assert_int_equal(r[2], 3 << 12 | 5);
	stub_partition_free(p);
	/* Counts that no machine has do not confuse it. */
	config.threads_per_core = UINT32_MAX;
	config.cores_per_socket = UINT32_MAX;
	for (i = 0; i < 12; i++) {
		assert_true(guest_apic_index(&config, guest_apic_id(&config, i), &index));
		assert_int_equal(index, i);
	}
}

/* Socket, core and thread of a VP as a system finds them: SDM 3A, "Hierarchical Mapping of Shared
 * Resources"; APM 3, appendix E, leaves 0x80000008 and 0x8000001e. */
struct place {
	uint32_t socket, core, thread;
};

static uint32_t bits_for(uint32_t count)
{
	uint32_t bits = 0;

	while (BIT(bits) < count)
		bits++;
	return bits;
}

static struct place place_by_levels(struct partition *p, uint32_t vp, uint32_t leaf)
{
	uint32_t threads, cores, id;

	ask(p, vp, leaf, 0);
	threads = r[0];
	ask(p, vp, leaf, 1);
	cores = r[0];
	id = r[3];
	return (struct place){id >> cores, (id & (uint32_t)MASK(cores)) >> threads,
			      id & (uint32_t)MASK(threads)};
}

/* Leaf 1 and 4 have powers of two, of which a system takes the logarithms. */
static struct place place_by_counts(struct partition *p, uint32_t vp)
{
	uint32_t id, logical, cores, threads;

	ask(p, vp, 1, 0);
	id = r[1] >> 24;
	logical = bits_for(r[3] & BIT(28) ? r[1] >> 16 & 0xff : 1);
	ask(p, vp, 4, 0);
	cores = bits_for((r[0] >> 26) + 1);
	threads = logical - cores;
	return (struct place){id >> logical, (id & (uint32_t)MASK(logical)) >> threads,
			      id & (uint32_t)MASK(threads)};
}

static struct place place_by_node(struct partition *p, uint32_t vp)
{
	uint32_t id, size, threads, core, socket;

	ask(p, vp, 0x80000008, 0);
	size = r[2] >> 12 & 0xf;
	ask(p, vp, 0x8000001e, 0);
	id = r[0];
	core = r[1] & 0xff;
	threads = bits_for((r[1] >> 8 & 0xff) + 1);
	socket = r[2] & 0xff;
	assert_int_equal(id >> size, socket);
	assert_int_equal((id & (uint32_t)MASK(size)) >> threads, core);
	return (struct place){socket, core, id & (uint32_t)MASK(threads)};
}

static void test_places(void **state)
{
	static const struct {
		uint32_t vps, threads, cores;
	} rows[] = {
		{1, 0, 0},  {7, 0, 0},	{8, 1, 8},  {12, 2, 3},	 {12, 3, 2}, {30, 3, 5},
		{60, 1, 7}, {16, 4, 1}, {24, 5, 2}, {64, 2, 16}, {5, 2, 0},  {50, 6, 3},
	};
	struct place place[4];
	uint32_t ids[64]; /* as the ACPI tables have them */
	int kind;

	(void)state;
	for (kind = HOST_EPYC; kind <= HOST_SKYLAKE; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			const struct proto_partition_config config = {
				.vp_count = rows[i].vps,
				.threads_per_core = rows[i].threads,
				.cores_per_socket = rows[i].cores,
				.apic_mode = APIC_MODE_X2APIC_SUPPORTED,
			};
			uint32_t threads = MAX(rows[i].threads, 1u), vp;
			uint32_t cores = rows[i].cores ? rows[i].cores : UINT32_MAX;
			struct partition *p;

			stub_host_set(kind);
			stub_basic_max = 0x1f;
			p = stub_partition(&config);
			topology_apic_ids(rows[i].vps, rows[i].threads, rows[i].cores, ids);
			for (vp = 0; vp < rows[i].vps; vp++) {
				const struct place wanted = {vp / threads / cores,
							     vp / threads % cores, vp % threads};
				unsigned int n = 0;

				assert_int_equal(ids[vp], guest_apic_id(&config, vp));
				place[n++] = place_by_levels(p, vp, 0xb);
				if (kind == HOST_EPYC) {
					place[n++] = place_by_node(p, vp);
				} else {
					place[n++] = place_by_levels(p, vp, 0x1f);
					place[n++] = place_by_counts(p, vp);
				}
				while (n-- > 0)
					assert_memory_equal(&place[n], &wanted, sizeof(wanted));
			}
			stub_partition_free(p);
			stub_basic_max = 0;
		}
	}
}

static void test_leaves(void **state)
{
	struct proto_partition_config config = {.vp_count = 1};
	struct cpuid_leaf leaves[] = {
		{.function = 1, .mask = {0, 0, BIT(26), 0}}, /* takes XSAVE away */
		{.function = 0x40000100, .value = {1, 2, 3, 4}, .mask = {~0u, ~0u, ~0u, ~0u}},
		{.function = 7, .index = 5, .index_matters = 1, .value = {9}, .mask = {~0u}},
		{.function = 0x40000003, .value = {7}, .mask = {~0u}},
	};
	struct partition *p;

	(void)state;
	stub_host_set(HOST_SKYLAKE);
	p = stub_partition(&config);
	guest_cpuid_destroy(p);
	assert_int_equal(guest_cpuid_build(p, leaves, ARRAY_SIZE(leaves)), STATUS_OK);
	assert_int_equal(p->arch.xcr0_allowed, 0);
	assert_false(p->arch.cr4_allowed & BIT(18));
	ask(p, 0, 0x40000100, 77);
	assert_int_equal(r[3], 4);
	ask(p, 0, 0x40000003, 0);
	assert_int_equal(r[0], 7);
	ask(p, 0, 7, 5);
	assert_int_equal(r[0], 9);
	ask(p, 0, 7, 1);
	assert_int_equal(r[0], 0);
	guest_cpuid_destroy(p);
	leaves[0].reserved = 1;
	assert_int_equal(guest_cpuid_build(p, leaves, 1), STATUS_INVALID_ARGUMENT);
	leaves[0].reserved = 0;
	leaves[0].index_matters = 2;
	assert_int_equal(guest_cpuid_build(p, leaves, 1), STATUS_INVALID_ARGUMENT);
	assert_int_equal(guest_cpuid_build(p, leaves, UINT32_MAX), STATUS_TOO_LARGE);
	stub_no_memory = true;
	assert_int_equal(guest_cpuid_build(p, NULL, 0), STATUS_NO_MEMORY);
	stub_no_memory = false;
	stub_partition_free(p);
	assert_int_equal(stub_pages, 0);
}

/* What a proto partition answers is what VP 0 then gets. */
static void test_default(void **state)
{
	static const uint32_t bases[] = {0, 0x40000000, 0x80000000, 0x20000000, 0xffffffe0};
	struct proto_partition_config config = {.vp_count = 3, .apic_mode = 2};
	struct partition *p;
	uint32_t i, leaf, subleaf, out[4];
	int kind;

	(void)state;
	for (kind = 0; kind < HOST_COUNT; kind++) {
		stub_host_set(kind);
		p = stub_partition(&config);
		for (i = 0; i < ARRAY_SIZE(bases); i++)
			for (leaf = bases[i]; leaf - bases[i] < 0x28; leaf++)
				for (subleaf = 0; subleaf < 24; subleaf++) {
					guest_cpuid_default(&config, leaf, subleaf, out);
					ask(p, 0, leaf, subleaf);
					assert_memory_equal(r, out, sizeof(out));
				}
		stub_partition_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features),      cmocka_unit_test(test_derived),
		cmocka_unit_test(test_physical_bits), cmocka_unit_test(test_speculation),
		cmocka_unit_test(test_topology),      cmocka_unit_test(test_places),
		cmocka_unit_test(test_leaves),	      cmocka_unit_test(test_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

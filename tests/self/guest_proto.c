/* SPDX-License-Identifier: MIT */
/* What a partition answers before it is built, and what it then is. */
#include "guest.h"
#include <arch/guest_lapic.h>
#include <arch/msr.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>
#include <trivet/isolation.h>

static void caps_get(const struct partition *partition, struct partition_caps *caps)
{
	memset(caps, 0, sizeof(*caps));
	arch_partition_caps(partition, caps);
}

static bool answers_alike(uint32_t apic_mode)
{
	const struct proto_partition_config config = {
		.vp_count = 3, .threads_per_core = 3, .apic_mode = apic_mode};
	struct partition_caps before, after;
	struct partition *partition;
	uint32_t vendor[4];
	bool alike;

	if (proto_partition_create(NULL, &config, &partition) != STATUS_OK)
		return false;
	caps_get(partition, &before);
	arch_proto_cpuid(partition, 0, 0, vendor);
	alike = proto_partition_build(partition, NULL, 0) == STATUS_OK;
	if (alike) {
		caps_get(partition, &after);
		alike = memcmp(&before, &after, sizeof(after)) == 0 && after.vp_count == 3 &&
			after.apic_mode == apic_mode && after.physical_address_bits >= 32 &&
			memcmp(before.vendor, &vendor[1], sizeof(vendor[1])) == 0;
	}
	partition_put(partition);
	return alike;
}

SELFTEST(proto_answers_as_what_it_becomes)
{
	const char *why;
	uint32_t mode;

	if (!guests_can_run(&why))
		SKIP(why);
	for (mode = APIC_MODE_XAPIC; mode <= APIC_MODE_X2APIC_ENABLED; mode++)
		CHECK(answers_alike(mode));
}

/* IA32_APIC_BASE of a VP after its reset, and what CPUID says of an x2APIC. */
static bool starts_with(uint32_t apic_mode, bool offered, bool enabled)
{
	const struct proto_partition_config config = {.vp_count = 1, .apic_mode = apic_mode};
	struct partition *partition;
	uint32_t features[4];
	uint64_t base;

	if (proto_partition_create(NULL, &config, &partition) != STATUS_OK)
		return false;
	arch_proto_cpuid(partition, 1, 0, features);
	if (proto_partition_build(partition, NULL, 0) != STATUS_OK) {
		partition_put(partition);
		return false;
	}
	base = partition_vp(partition, 0)->vtl[0]->arch.lapic.base;
	partition_put(partition);
	return !!(features[2] & BIT(21)) == offered && !!(base & APIC_BASE_X2APIC) == enabled &&
	       (base & APIC_BASE_ENABLE) && (base & APIC_BASE_BSP);
}

SELFTEST(proto_modes_of_the_apic)
{
	const char *why;

	if (!guests_can_run(&why))
		SKIP(why);
	CHECK(starts_with(APIC_MODE_XAPIC, false, false));
	CHECK(starts_with(APIC_MODE_X2APIC_SUPPORTED, true, false));
	CHECK(starts_with(APIC_MODE_X2APIC_ENABLED, true, true));
}

/* The emulators' processors have none of it, and what is missing is named. */
SELFTEST(proto_isolation_is_refused)
{
	static const struct {
		uint32_t type;
		status_t missing;
	} rows[] = {
		{ISOLATION_VBS, STATUS_NO_VBS},	       {ISOLATION_SNP, STATUS_NO_SNP},
		{ISOLATION_TDX, STATUS_NO_TDX},	       {ISOLATION_TDX + 1, STATUS_INVALID_ARGUMENT},
		{UINT32_MAX, STATUS_INVALID_ARGUMENT},
	};
	uint64_t pages = kernel_heap.pages_free;
	struct partition *partition;
	const char *why;
	size_t i;

	if (!guests_can_run(&why))
		SKIP(why);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct proto_partition_config config = {.vp_count = 1,
							      .isolation = rows[i].type};
		status_t status = proto_partition_create(NULL, &config, &partition);

		CHECK(status == rows[i].missing ||
		      (status == STATUS_NOT_SUPPORTED && rows[i].type <= ISOLATION_TDX &&
		       is_hardware_isolated(rows[i].type)));
	}
	CHECK(kernel_heap.pages_free == pages);
}

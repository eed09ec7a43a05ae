/* SPDX-License-Identifier: MIT */
/* What inspection answers, read by a program: as it was made, bound and mapped. */
#include "hostile.h"
#ifdef TRIVET_AARCH64
#include "aarch64/guest_words.h"
#else
#include "x86_64/guest_words.h"
#endif
#include <string.h>

#define NAME	  "looked at"
#define MAPPED	  0x5000u
#define CUT	  24u /* bytes of a structure, in the middle of a member */
#define UNTOUCHED 0xa5u

static uint64_t look(uint64_t partition, uint32_t what, uint32_t index, void *view, size_t size)
{
	uint64_t bytes;

	EXPECT(call_value(SYS_inspect, partition, what, index, (uintptr_t)view, size, 0, &bytes) ==
	       STATUS_OK);
	return bytes;
}

static uint64_t partition_make(uint64_t block)
{
	struct proto_partition_config config = config_form(2, CONFIG_USUAL);
	const struct partition_config build = {0};
	struct inspect_partition view;
	uint64_t partition;

	memcpy(config.name, NAME, sizeof(NAME));
	EXPECT(call_value(SYS_proto_partition_create, (uintptr_t)&config, 0, 0, 0, 0, 0,
			  &partition) == STATUS_OK);
	EXPECT(look(partition, INSPECT_PARTITION, 0, &view, sizeof(view)) == sizeof(view));
	EXPECT(view.state == 0 && view.vp_count == 2 && !view.reference_time);
	EXPECT(call(SYS_partition_deposit, partition, block, LARGE_PAGE_SIZE, 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_proto_partition_build, partition, (uintptr_t)&build, 0, 0, 0, 0) ==
	       STATUS_OK);
	look(partition, INSPECT_PARTITION, 0, &view, sizeof(view));
	EXPECT(!strcmp(view.name, NAME) && view.state == 2 && view.reference_time &&
	       view.apic_mode == config.apic_mode && view.physical_address_bits >= 36);
	return partition;
}

static void mapping_is_right(uint64_t partition, uint64_t page)
{
	struct inspect_mapping view;

	EXPECT(call(SYS_partition_map, partition, 0, page, 4096, MAPPED, GPA_EXECUTABLE) ==
	       STATUS_OK);
	EXPECT(look(partition, INSPECT_MAPPING, 0, &view, sizeof(view)) == sizeof(view));
	EXPECT(view.gpa == MAPPED && view.size == 4096 && view.flags == GPA_EXECUTABLE &&
	       view.hpa + ROOT_WINDOW_BASE == page);
	EXPECT(call(SYS_partition_unmap, partition, 0, MAPPED, 4096, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_inspect, partition, INSPECT_MAPPING, 0, (uintptr_t)&view, sizeof(view),
		    0) == STATUS_NOT_FOUND);
}

/* Its own thread reads the same as anybody. */
static void registers_are_right(uint64_t partition, uint64_t page)
{
	union hv_register_value set[] = {{.reg64 = 0x123456789abcdef}}, own[4], peeked[4];
	const uint64_t n = (uintptr_t)looked_at, s = (uintptr_t)set, o = (uintptr_t)own;
	const uint64_t p = (uintptr_t)peeked;
	struct inspect_vp view;
	uint64_t vp;

	look(partition, INSPECT_VP, 1, &view, sizeof(view));
	EXPECT(view.cpu == UINT32_MAX && view.activity == 2); /* waits to be started */
	EXPECT(call_value(SYS_vp_bind, partition, 1, page, 0, 0, 0, &vp) == STATUS_OK);
	look(partition, INSPECT_VP, 1, &view, sizeof(view));
	EXPECT(view.cpu < boot_info->cpu_count && view.run_state == 0 && !view.profiled);
	EXPECT(call(SYS_vp_set_registers, vp, 0, n, s, 1, 0) == STATUS_OK);
	EXPECT(call(SYS_vp_get_registers, vp, 0, n, o, ARRAY_SIZE(looked_at), 0) == STATUS_OK);
	EXPECT(call(SYS_vp_peek_registers, partition, 1, 0, n, p, ARRAY_SIZE(looked_at)) ==
	       STATUS_OK);
	EXPECT(!memcmp(own, peeked, sizeof(own)) && peeked[0].reg64 == set[0].reg64);
	EXPECT(call(SYS_vp_profile, partition, 1, 1, 0, 0, 0) == STATUS_OK);
	look(partition, INSPECT_VP, 1, &view, sizeof(view));
	EXPECT(view.profiled);
	EXPECT(call(SYS_handle_close, vp, 0, 0, 0, 0, 0) == STATUS_OK);
	memset(peeked, 0, sizeof(peeked));
	EXPECT(call(SYS_vp_peek_registers, partition, 1, 0, n, p, 1) == STATUS_OK);
	EXPECT(peeked[0].reg64 == set[0].reg64);
}

/* No more than was asked for is written. */
static void structures_are_cut(void)
{
	struct inspect_cpu view;
	const uint8_t *bytes = (const uint8_t *)&view;
	size_t i;

	for (i = 0; i < boot_info->cpu_count; i++) {
		EXPECT(look(0, INSPECT_CPU, (uint32_t)i, &view, 4096) == sizeof(view));
		EXPECT(view.running <= INSPECT_PRIORITIES && (i || view.threads));
	}
	memset(&view, UNTOUCHED, sizeof(view));
	EXPECT(look(0, INSPECT_CPU, 0, &view, CUT) == CUT);
	for (i = CUT; i < sizeof(view); i++)
		EXPECT(bytes[i] == UNTOUCHED);
}

void inspection_is_right(void)
{
	uint64_t block = (uintptr_t)arena;
	uint64_t partition = partition_make(block);

	mapping_is_right(partition, block + LARGE_PAGE_SIZE);
	registers_are_right(partition, block + LARGE_PAGE_SIZE);
	structures_are_cut();
	EXPECT(call(SYS_handle_close, partition, 0, 0, 0, 0, 0) == STATUS_OK);
	say("hostile: inspection is right");
}

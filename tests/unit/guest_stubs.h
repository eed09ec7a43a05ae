/* SPDX-License-Identifier: MIT */
/* A partition with VPs and a backend that only remembers, for tests of the guest's processor. */
#ifndef GUEST_STUBS_H
#define GUEST_STUBS_H

#include <cpuid.h>
#include <cpuid_policy.h>
#include <kernel/backend.h>
#include <kernel/processor.h>

/* A fake host processor: the last row that fits is taken; 0 where none does. */
struct host_leaf {
	uint32_t leaf, subleaf;
	uint32_t out[4];
};
enum host_kind { HOST_EPYC, HOST_SKYLAKE, HOST_PLAIN, HOST_COUNT };
void stub_host_set(enum host_kind kind);

extern uint32_t stub_requests[128];   /* by VP: what vp_request() set */
extern uint64_t stub_notified;	      /* bit n: VP n, by vp_notify() */
extern unsigned int stub_own_pages;   /* gpa_map_own_page() less gpa_unmap_own_page() */
extern struct guest_state stub_state; /* of every VP */
extern uint32_t stub_pages;	      /* allocated and not freed */
extern bool stub_no_memory;
extern uint32_t stub_basic_max;	   /* of the host's leaf 0 instead of its own; 0: none */
extern uint8_t stub_physical_bits; /* of the host instead of its own; 0: none */
extern struct page_table_format stub_gpa_format;

/* Built with this many VPs; `partition` is filled from config. */
struct partition *stub_partition(const struct proto_partition_config *config);
void stub_partition_free(struct partition *partition);

/* What of the descriptor tables' registers exits, as the backend was told last. */
extern uint32_t stub_tables;

#endif

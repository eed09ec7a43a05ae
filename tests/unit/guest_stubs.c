/* SPDX-License-Identifier: MIT */
/* See guest_stubs.h. */
#include "guest_stubs.h"

#include <arch/fpu.h>
#include <arch/speculation.h>
#include <kernel/console.h>
#include <kernel/memory_map.h>
#include <lapic.h>
#include <stdlib.h>
#include <string.h>

uint32_t stub_requests[128];
struct guest_state stub_state;
uint64_t stub_notified;
uint32_t stub_pages;
bool stub_no_memory;
uint32_t stub_basic_max;
uint8_t stub_physical_bits;
struct page_table_format stub_gpa_format = {.name = "stub", .levels = 4};

/* ---- hosts ---- */

#define XSAVE_LEAVES                                                                              \
	{0xd, 0, {0x2e7, 0xa88, 0xa88, 0}}, {0xd, 1, {0xf, 0, 0, 0}}, {0xd, 2, {256, 576, 0, 0}}, \
		{0xd, 5, {64, 1088, 0, 0}}, {0xd, 6, {512, 1152, 0, 0}},                          \
		{0xd, 7, {1024, 1664, 0, 0}},                                                     \
	{                                                                                         \
		0xd, 9,                                                                           \
		{                                                                                 \
			8, 2688, 0, 0                                                             \
		}                                                                                 \
	}

static const struct host_leaf epyc[] = {
	{0, 0, {0xd, 0x68747541, 0x444d4163, 0x69746e65}},
	{1, 0, {0x00800f12, 0x00010800, 0xffffffff, 0xffffffff}},
	{7, 0, {0, 0xffffffff, 0xffffffff, 0xffffffff}},
	{0xd, 0, {0x207, 0x340, 0x340, 0}},
	{0xd, 1, {0xf, 0, 0, 0}},
	{0xd, 2, {256, 576, 0, 0}},
	{0xd, 9, {8, 832, 0, 0}},
	{0x80000000, 0, {0x80000021, 0x68747541, 0x444d4163, 0x69746e65}},
	{0x80000001, 0, {0x00800f12, 0, 0xffffffff, 0xffffffff}},
	{0x80000007, 0, {0, 0, 0, 0xffffffff}},
	{0x80000008, 0, {0x3030, 0xffffffff, 0x700f, 0}},
	{0x8000000a, 0, {1, 0x8000, 0, 0xffffffff}},
	{0x8000001d, 0, {0x00004121, 0x01c0003f, 0x3f, 0}},
	{0x8000001d, 3, {0x0001c163, 0x03c0003f, 0x1fff, 1}},
	{0x8000001e, 0, {7, 0x107, 0x303, 0}},
	{0x80000021, 0, {0x45, 0, 0, 0}},
};

static const struct host_leaf skylake[] = {
	{0, 0, {0x16, 0x756e6547, 0x6c65746e, 0x49656e69}},
	{1, 0, {0x00050654, 0x00400800, 0xffffffff, 0xffffffff}},
	{4, 0, {0x1c004121, 0x01c0003f, 0x3f, 0}},
	{4, 3, {0x1c03c163, 0x0280003f, 0x7fff, 4}},
	{7, 0, {5, 0xffffffff, 0xffffffff, 0xffffffff}},
	{7, 2, {0, 0, 0, 0xffffffff}},
	{0xa, 0, {0x07300404, 0, 0, 0x603}},
	XSAVE_LEAVES,
	{0x80000000, 0, {0x80000008, 0, 0, 0}},
	{0x80000001, 0, {0, 0, 0x121, 0x2c100800}},
	{0x80000008, 0, {0x302e, 0xffffffff, 0, 0}},
};

/* No XSAVE, no long mode, an old last leaf, 36 bits of address. */
static const struct host_leaf plain[] = {
	{0, 0, {4, 0x68747541, 0x444d4163, 0x69746e65}},
	{1, 0, {0x00000663, 0x00000800, 0x80002001, 0x078bfbfd}},
	{0x80000000, 0, {0x80000008, 0, 0, 0}},
	{0x80000001, 0, {0x00000663, 0, 0x7, 0x0183fbfd}},
	{0x80000008, 0, {0x3024, 0, 0, 0}},
};

static const struct {
	const struct host_leaf *leaves;
	size_t count;
	uint64_t xcr0;
} hosts[HOST_COUNT] = {
	[HOST_EPYC] = {epyc, ARRAY_SIZE(epyc), 0x207},
	[HOST_SKYLAKE] = {skylake, ARRAY_SIZE(skylake), 0x2e7},
	[HOST_PLAIN] = {plain, ARRAY_SIZE(plain), 3},
};

static enum host_kind current;

static void stub_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	size_t i;

	memset(out, 0, 4 * sizeof(out[0]));
	for (i = 0; i < hosts[current].count; i++)
		if (hosts[current].leaves[i].leaf == leaf &&
		    hosts[current].leaves[i].subleaf == subleaf)
			memcpy(out, hosts[current].leaves[i].out, 4 * sizeof(out[0]));
	if (leaf == 0 && stub_basic_max)
		out[0] = stub_basic_max;
	if (leaf == 0x80000008 && stub_physical_bits)
		out[0] = (out[0] & ~0xffu) | stub_physical_bits;
}

uint64_t host_xcr0;
struct speculation speculation;

void stub_host_set(enum host_kind kind)
{
	current = kind;
	host_xcr0 = hosts[kind].xcr0;
	cpuid_host = stub_cpuid;
}

/* ---- what the kernel gives ---- */

uint64_t timestamp_hz = 2000000000;
uint64_t fake_timestamp = 5000000;
void (*fake_timestamp_taken)(void);
enum log_level log_level;

void log_at(enum log_level level, const char *text, ...)
{
	(void)level;
	(void)text;
}

void *page_alloc(struct heap *heap, unsigned int order)
{
	(void)heap;
	if (stub_no_memory)
		return NULL;
	stub_pages++;
	return calloc(1, PAGE_SIZE << order);
}

void page_free(struct heap *heap, void *pages, unsigned int order)
{
	(void)heap;
	(void)order;
	stub_pages--;
	free(pages);
}

void vp_request(struct vp *vp, uint32_t bits)
{
	stub_requests[vp->index] |= bits;
}

void vp_notify(struct vp *vp)
{
	stub_notified |= BIT(vp->index);
	stub_requests[vp->index] |= VP_REQUEST_NOTIFIED;
}

struct vp *partition_vp(const struct partition *partition, uint32_t index)
{
	return index < partition->vp_count ? partition->vps[index] : NULL;
}

struct gpa_space *partition_space(const struct partition *partition, uint32_t vtl)
{
	return vtl < VTL_COUNT ? partition->space[vtl] : NULL;
}

void timer_init(struct timer *timer, void (*expired)(struct timer *timer))
{
	timer->deadline = TIMER_NEVER;
	timer->expired = expired;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	timer->deadline = deadline;
}

void timer_cancel(struct timer *timer)
{
	timer->deadline = TIMER_NEVER;
}

uint64_t ns_from_ticks(uint64_t timestamp)
{
	return timestamp / (timestamp_hz / 1000000000);
}

uint64_t ticks_from_ns(uint64_t ns)
{
	uint64_t ticks;

	return __builtin_mul_overflow(ns, timestamp_hz / 1000000000, &ticks) ? TIMER_NEVER : ticks;
}

static void stub_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state)
{
	(void)vp;
	(void)vtl;
	(void)groups;
	*state = stub_state;
}

static void stub_set(struct vp *vp, uint32_t vtl, uint32_t groups, const struct guest_state *state)
{
	(void)vp;
	(void)vtl;
	(void)groups;
	stub_state = *state;
}

uint32_t stub_tables;

static void stub_watch(struct vp *vp, uint32_t vtl, uint32_t stores)
{
	(void)vp;
	(void)vtl;
	stub_tables = stores;
}

static void stub_tsc_set(struct vp *vp, uint32_t vtl)
{
	(void)vp;
	(void)vtl;
}

static const struct backend_ops stub_backend = {
	.name = "stub",
	.arch.tables_watch = stub_watch,
	.gpa_format = &stub_gpa_format,
	.arch.state_get = stub_get,
	.arch.state_set = stub_set,
	.arch.tsc_set = stub_tsc_set,
};
const struct backend_ops *backend = &stub_backend;

void (*fake_relaxed)(void);

/* All VPs do what was asked of them before they go back to the guest. */
void gpa_space_shootdown(struct gpa_space *s)
{
	(void)s;
}

/* ---- a partition ---- */

static struct gpa_space space;

struct partition *stub_partition(const struct proto_partition_config *config)
{
	struct partition *partition = calloc(1, sizeof(*partition));
	uint32_t i;

	partition->config = *config;
	partition->vp_count = config->vp_count;
	partition->vps = calloc(config->vp_count, sizeof(partition->vps[0]));
	partition->space[0] = &space;
	partition->arch.tsc_offset = (uint64_t)-1000;
	if (guest_cpuid_build(partition, NULL, 0) != STATUS_OK)
		abort();
	for (i = 0; i < config->vp_count; i++) {
		struct vp *vp = calloc(1, sizeof(*vp));

		vp->index = i;
		vp->partition = partition;
		vp->arch.fpu.xcr0 = 1;
		vp->vtl[0] = calloc(1, sizeof(struct vp_vtl));
		partition->vps[i] = vp;
		vp->vtl[0]->arch.lapic.page = calloc(1, PAGE_SIZE);
		guest_lapic_create(vp, 0);
		vp->arch.tsc_offset = partition->arch.tsc_offset;
	}
	partition->state = PARTITION_BUILT;
	memset(stub_requests, 0, sizeof(stub_requests));
	memset(&stub_state, 0, sizeof(stub_state));
	return partition;
}

void stub_partition_free(struct partition *partition)
{
	uint32_t i;

	for (i = 0; i < partition->vp_count; i++) {
		free((void *)partition->vps[i]->vtl[0]->arch.lapic.page);
		free(partition->vps[i]->vtl[0]);
		free(partition->vps[i]);
	}
	guest_cpuid_destroy(partition);
	free(partition->vps);
	free(partition);
}

uint64_t fpu_xcr0(struct fpu_state *state)
{
	return state->xcr0;
}

/* ---- the page at the APICs' address ---- */

uint32_t backend_assists;
unsigned int stub_own_pages; /* that are mapped */

status_t gpa_map_own_page(struct gpa_space *at, gpa_t gpa, void *page)
{
	(void)at;
	(void)page;
	if (gpa != LAPIC_DEFAULT_BASE)
		return STATUS_INVALID_ADDRESS;
	stub_own_pages++;
	return STATUS_OK;
}

void gpa_unmap_own_page(struct gpa_space *at, gpa_t gpa)
{
	(void)at;
	(void)gpa;
	stub_own_pages--;
}

void port_table_destroy(struct partition *partition)
{
	(void)partition;
}

status_t monitors_reset(struct partition *partition)
{
	(void)partition;
	return STATUS_OK;
}

void monitors_destroy(struct partition *partition)
{
	(void)partition;
}

/* SPDX-License-Identifier: MIT */
/*
 * The processor's names for translations (ASIDs, VPIDs), on either backend: when they are used up
 * they are drawn anew, and a VP that still has one of the old goes on with another's no more.
 */
#include "../../svm/svm.h"
#include "../../vmx/vmx.h"
#include "guest.h"
#include <arch/cr.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(peek);

#define PEEK_GPA       0x400000u
#define GUESTS	       3u
#define WRAPS	       3u
#define CPUID_SVM_LEAF 0x8000000au
#define VPIDS	       0x10000u /* of 16 bits */

static bool is_svm(void)
{
	return backend_is(&svm_backend);
}

static uint64_t generation(void)
{
	const void *c = this_cpu()->backend;

	return is_svm() ? ((const struct svm_cpu *)c)->asid_generation
			: ((const struct vmx_cpu *)c)->vpid_generation;
}

/* The next one that is drawn is the first of a new generation. */
static void names_use_up(void)
{
	void *c = this_cpu()->backend;

	if (is_svm())
		((struct svm_cpu *)c)->next_asid = cpuid_read(CPUID_SVM_LEAF, 0).ebx;
	else
		((struct vmx_cpu *)c)->next_vpid = VPIDS;
}

static uint32_t name_of(const struct test_guest *g)
{
	return is_svm() ? svm_active(g->vp)->vmcb->asid : vmx_active(g->vp)->vpid;
}

/* A guest with a page of its own, in which its number is. */
static bool make(struct test_guest *g, uint32_t **page, uint32_t number)
{
	*page = page_alloc(&kernel_heap, 0);
	if (!*page || !guest_create(g))
		return false;
	**page = number;
	guest_start(g, peek);
	g->vp->arch.gpr[GPR_RBX] = PEEK_GPA;
	return gpa_map(partition_space(g->partition, 0), PEEK_GPA, kva_to_hpa(*page), PAGE_SIZE,
		       0) == STATUS_OK;
}

/* All draw in turn, the last of them first from the new generation; the others keep what they had
 * until they run again. */
static bool wraps(struct test_guest *g)
{
	uint64_t before = generation();
	uint32_t i;

	names_use_up();
	arch_vp_unbind(g[GUESTS - 1].vp);
	for (i = GUESTS; i-- > 0;)
		if (!guest_says(&g[i], i + 1))
			return false;
	return generation() == before + 1 && name_of(&g[0]) != name_of(&g[1]) &&
	       name_of(&g[1]) != name_of(&g[2]) && name_of(&g[2]) != name_of(&g[0]);
}

static bool all_made(struct test_guest *g, uint32_t **pages)
{
	uint32_t i;

	for (i = 0; i < GUESTS; i++)
		if (!make(&g[i], &pages[i], i + 1))
			return false;
	return true;
}

/* In this order: the first has the lowest name. */
static bool all_say_theirs(struct test_guest *g)
{
	uint32_t i;

	for (i = 0; i < GUESTS; i++)
		if (!guest_says(&g[i], i + 1))
			return false;
	return true;
}

static void all_dropped(struct test_guest *g, uint32_t **pages)
{
	uint32_t i;

	for (i = 0; i < GUESTS; i++) {
		guest_destroy(&g[i]);
		if (pages[i])
			page_free(&kernel_heap, pages[i], 0);
	}
}

SELFTEST(memory_names_wrap)
{
	struct test_guest g[GUESTS] = {0};
	uint32_t *pages[GUESTS] = {0};
	const char *why;
	uint32_t i;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	if (!is_svm() && !vmx_has_vpid)
		SKIP("the processor has no VPIDs");
	ok = all_made(g, pages) && all_say_theirs(g);
	for (i = 0; i < WRAPS && ok; i++)
		ok = wraps(g);
	all_dropped(g, pages);
	CHECK(ok);
}

/* As on a processor that has no VPIDs: all guests are 0, as the host is. */
SELFTEST(memory_without_vpids)
{
	const uint32_t controls = vmx_controls.cpu2;
	const bool has_vpid = vmx_has_vpid;
	struct test_guest g[GUESTS] = {0};
	uint32_t *pages[GUESTS] = {0};
	const char *why;
	uint32_t i;
	bool ok;

	if (!guests_can_run(&why))
		SKIP(why);
	if (is_svm())
		SKIP("every processor with SVM has ASIDs");
	vmx_has_vpid = false;
	vmx_controls.cpu2 &= ~(uint32_t)CPU2_VPID;
	ok = all_made(g, pages);
	for (i = 0; i < WRAPS && ok; i++) {
		arch_vp_unbind(g[i % GUESTS].vp);
		ok = all_say_theirs(g) && name_of(&g[0]) == 0;
	}
	all_dropped(g, pages);
	vmx_controls.cpu2 = controls;
	vmx_has_vpid = has_vpid;
	CHECK(ok);
}

/* SPDX-License-Identifier: MIT */
/*
 * Guests whose caches are off, as all are at reset, and the rest of the world, whose are on. What goes past the
 * caches does not see what others have in them, and the other way round (Arm ARM B2.16): so memory is cleaned and
 * invalidated to the point of coherency before such a guest begins, and when it switches its caches on or off,
 * which its writes of SCTLR_EL1 tell (HCR_EL2.TVM); with the caches on they trap no more. Maintenance by set and
 * way would be of this CPU's caches alone, and of all that is in them: it is taken for one of all of the guest's
 * memory (D7.5.7), and of its intention to switch the caches off.
 */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/memory_map.h>

#define CACHES_ON (SCTLR_M | SCTLR_C)

static bool caches_on(uint64_t sctlr)
{
	return (sctlr & CACHES_ON) == CACHES_ON;
}

static void clean(hpa_t hpa, uint64_t size)
{
	uint64_t line = 4ull << (sysreg_read(ctr_el0) >> 16 & 0xf);
	const char *at = hpa_to_kva(hpa), *end = at + size;

	for (; at < end; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

static void clean_begin(struct arch_vp_vtl *a)
{
	a->work |= WORK_CLEAN;
	a->cleaned = 0;
}

/* False: others want the CPU; it goes on where it was (`cleaned`) when the VP has it again. */
static bool mapping_clean(struct arch_vp_vtl *a, const struct inspect_mapping *mapping)
{
	uint64_t done = a->cleaned > mapping->gpa ? a->cleaned - mapping->gpa : 0;

	while (done < mapping->size) {
		uint64_t piece = MIN(mapping->size - done, LARGE_PAGE_SIZE);

		clean(mapping->hpa + done, piece);
		done += piece;
		a->cleaned = mapping->gpa + done;
		arch_interrupt_window();
		cpu_wait(this_cpu());
		if (cpu_is_wanted(this_cpu()))
			return false;
	}
	return true;
}

/* In pieces, between which interrupts are taken, and what other CPUs wait for. */
void guest_memory_clean(struct vp *vp)
{
	struct gpa_space *space = vp_active(vp)->space;
	struct arch_vp_vtl *a = vp_arch(vp);
	struct inspect_mapping mapping;
	uint32_t n;

	for (n = 0; gpa_mapping_get(space, n, &mapping); n++)
		if (!mapping_clean(a, &mapping))
			return;
	a->work &= ~(uint32_t)WORK_CLEAN;
	/* What was fetched from there goes as well. */
	__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" : : : "memory");
}

void guest_caches_written(struct vp *vp, uint64_t sctlr)
{
	struct arch_vp_vtl *a = vp_arch(vp);
	bool before = caches_on(sysreg_read(sctlr_el1)), after = caches_on(sctlr);

	sysreg_write(sctlr_el1, sctlr);
	if (before != after)
		clean_begin(a);
	a->set_way = false;
	a->traps_caches = !after;
	el2_traps_update(vp);
}

/* It goes one by one over a whole cache: memory is cleaned with the first. */
void guest_caches_set_way(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (a->set_way)
		return;
	a->set_way = true;
	clean_begin(a);
	a->traps_caches = true;
	el2_traps_update(vp);
}

void guest_caches_changed(struct vp *vp, uint32_t vtl)
{
	struct arch_vp_vtl *a = vtl_arch(vp, vtl);

	a->traps_caches = !caches_on(a->system.sctlr_el1);
	if (a->traps_caches)
		clean_begin(a);
}

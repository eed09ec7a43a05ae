/* SPDX-License-Identifier: MIT */
/*
 * Looking at a VP from another CPU, in each state that it can be in: it waits for its start, is with
 * the VMM, runs, halts. And at what its exits cost, at mappings.
 */
#include "second.h"
#include <kernel/cpu.h>
#include <kernel/partition_arch.h>

GUEST_CODE_DECLARE(looker);
GUEST_CODE_DECLARE(looked);

#define VALUE		0x1234567u /* what VP 1 keeps in RBX */
#define LOOKS		100u
#define WAIT_FOR_SIPI	2u
#define HALTED		1u
#define REAL_MODE_LIMIT 0x100u /* of the code of VP 1 */
#define APIC_SVR	(0xf0 / 16)

struct look {
	struct inspect_vp view;
	uint64_t rbx, rdi, rip;
	struct cpu *cpu; /* on which it was looked at */
};

static void look_here(struct vp *vp, void *argument)
{
	const uint32_t names[] = {HV_X64_REGISTER_RBX, HV_X64_REGISTER_RDI, HV_X64_REGISTER_RIP};
	union hv_register_value values[ARRAY_SIZE(names)];
	struct look *look = argument;

	memset(look, 0, sizeof(*look));
	look->cpu = this_cpu();
	arch_vp_inspect(vp, &look->view);
	if (arch_vp_get_registers(vp, 0, names, values, ARRAY_SIZE(names)) != STATUS_OK)
		return;
	look->rbx = values[0].reg64;
	look->rdi = values[1].reg64;
	look->rip = values[2].reg64;
}

static bool look_at(struct vp *vp, struct look *look)
{
	return vp_call(vp, look_here, look) == STATUS_OK;
}

/* Its thread has ended; the next one may be anybody's. */
static bool second_is_left(void)
{
	second_unbind();
	spin_lock(&second_vp->wake_lock);
	second_vp->thread = NULL;
	spin_unlock(&second_vp->wake_lock);
	return true;
}

/* Many looks in a row: it goes on in between, and loses nothing. */
static bool is_seen_running(void)
{
	struct look first, look;
	uint64_t exits = second_vp->stats->exits[VP_EXIT_INTERRUPT];
	unsigned int i;

	if (!look_at(second_vp, &first))
		return false;
	for (i = 0; i < LOOKS; i++)
		if (!look_at(second_vp, &look) || look.cpu != cpus[cpu_count - 1] ||
		    (uint32_t)look.rbx != VALUE || look.rip >= REAL_MODE_LIMIT ||
		    (uint32_t)look.rdi < (uint32_t)first.rdi)
			return false;
	return (uint32_t)look.rdi > (uint32_t)first.rdi &&
	       second_vp->stats->exits[VP_EXIT_INTERRUPT] > exits;
}

static bool second_stops(void)
{
	uint64_t limit = timestamp_read() + timestamp_hz * 5;

	vp_request(second_vp, VP_REQUEST_YIELD);
	while (atomic_load(&second_vp->run_state) != VP_STOPPED && timestamp_read() < limit)
		cpu_relax();
	return second_vp->run->reason == VP_RUN_YIELD && second_is_left();
}

static bool looks(struct test_guest *g)
{
	const struct vp_stats *stats = second_vp->stats;
	const struct inspect_profile *times;
	struct look look;
	uint64_t cpuids, cycles;

	second_code_set(g, looked);
	guest_start(g, looker);
	g->ram[GUEST_DATA] = 0;
	if (!second_run() || !second_is_blocked())
		return false;
	if (!look_at(second_vp, &look) || look.view.activity != WAIT_FOR_SIPI ||
	    look.cpu != cpus[cpu_count - 1])
		return false;
	/* With the VMM, on no CPU at all. */
	if (!guest_says(g, 1) || !second_says(3) || !second_is_left())
		return false;
	if (!look_at(second_vp, &look) || look.cpu != this_cpu() || (uint32_t)look.rbx != VALUE ||
	    look.view.activity || !(look.view.apic[APIC_SVR] & 0x100))
		return false;
	if (!second_run() || !is_seen_running())
		return false;
	/* What exits cost is counted from when that is switched on, in the middle of a run. */
	cpuids = stats->exits[VP_EXIT_CPUID];
	if (second_vp->profile || vp_profile_set(second_vp, true) != STATUS_OK)
		return false;
	times = &second_vp->profile->times;
	g->ram[GUEST_DATA] = 1;
	if (!second_says(4) || !second_is_left())
		return false;
	if (stats->exits[VP_EXIT_CPUID] != cpuids + 8 || !times->handler[VP_EXIT_CPUID] ||
	    !times->handler[VP_EXIT_PORT] || times->vmm[VP_EXIT_PORT] ||
	    times->handler[VP_EXIT_MSR_READ])
		return false;
	if (!second_run() || !second_is_blocked())
		return false;
	if (!look_at(second_vp, &look) || look.view.activity != HALTED || look.rbx == VALUE ||
	    !times->vmm[VP_EXIT_PORT] || times->vmm[VP_EXIT_CPUID] || !times->handler[VP_EXIT_HALT])
		return false;
	/* Off: what was counted stays. */
	cycles = times->handler[VP_EXIT_CPUID];
	if (vp_profile_set(second_vp, false) != STATUS_OK || !second_stops())
		return false;
	return times->handler[VP_EXIT_CPUID] == cycles && second_vp->other_exits == VP_UNHANDLED;
}

SELFTEST(inspect_vp_of_another_cpu)
{
	SECOND_TEST(looks);
}

/* On and off, while the guest is at it: all is handled as without. */
SELFTEST(inspect_profile_changes_nothing)
{
	struct test_guest g;
	uint64_t before = kernel_heap.pages_free;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, vp_profile_set(g.vp, false) == STATUS_OK && !g.vp->profile);
	GUEST_CHECK(&g, vp_profile_set(g.vp, true) == STATUS_OK);
	guest_start(&g, looker);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, g.vp->profile->times.handler[VP_EXIT_MSR_WRITE]);
	GUEST_CHECK(&g, g.vp->stats->exits[VP_EXIT_MSR_WRITE] == 4);
	GUEST_CHECK(&g, vp_profile_set(g.vp, true) == STATUS_OK);
	GUEST_CHECK(&g, !g.vp->profile->times.handler[VP_EXIT_MSR_WRITE]); /* begins anew */
	guest_destroy(&g);
	CHECK(kernel_heap.pages_free == before);
}

SELFTEST(inspect_mappings_as_mapped)
{
	struct inspect_mapping mapping;
	struct gpa_space *space;
	struct test_guest g;

	GUEST_SETUP(&g);
	space = partition_space(g.partition, 0);
	GUEST_CHECK(&g, gpa_map(space, GIB(2), kva_to_hpa(g.ram) + PAGE_SIZE, 2 * PAGE_SIZE, 0) ==
				STATUS_OK);
	GUEST_CHECK(&g, gpa_map(space, GIB(1), kva_to_hpa(g.ram), PAGE_SIZE, GPA_EXECUTABLE) ==
				STATUS_OK);
	GUEST_CHECK(&g, gpa_mapping_get(space, 0, &mapping) && mapping.gpa == 0 &&
				mapping.size == GUEST_RAM &&
				mapping.flags == (GPA_WRITABLE | GPA_EXECUTABLE));
	GUEST_CHECK(&g, gpa_mapping_get(space, 1, &mapping) && mapping.gpa == GIB(1) &&
				mapping.hpa == kva_to_hpa(g.ram) && mapping.size == PAGE_SIZE &&
				mapping.flags == GPA_EXECUTABLE);
	GUEST_CHECK(&g, gpa_mapping_get(space, 2, &mapping) && mapping.gpa == GIB(2) &&
				mapping.hpa == kva_to_hpa(g.ram) + PAGE_SIZE && !mapping.flags);
	/* The APICs' page, on a processor that has a use for one. */
	GUEST_CHECK(&g, !gpa_mapping_get(space, 3, &mapping) ||
				(mapping.gpa == LAPIC_DEFAULT_BASE && mapping.flags >> 31));
	GUEST_CHECK(&g, !gpa_mapping_get(space, 4, &mapping));
	guest_destroy(&g);
}

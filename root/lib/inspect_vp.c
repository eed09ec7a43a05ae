/* SPDX-License-Identifier: MIT */
/* The inspect tree's part of a VP: how it stands, and its exits. Its registers and its interrupt controller are the
 * architecture's. */
#include <lib/inspect_kernel.h>
#include <lib/inspect_registers.h>
#include <lib/model.h>
#include <lib/time.h>
#include <trivet/exits.h>

#define VP(name, kind, member)	     INSPECT_VALUE(name, kind, struct inspect_kernel, member)
#define VP_WORD(name, words, member) INSPECT_CHOICE(name, words, struct inspect_kernel, member)
#define VP_MANY(names, kind, member, count, stride) \
	INSPECT_VALUES(names, kind, struct inspect_kernel, member, count, stride)

/* ---- exits ---- */

#define EXIT_NAME(name, word) word "\0"
const char inspect_exit_names[] = VP_EXIT_TABLE(EXIT_NAME);
#define EXIT_ONE(name, word) +1
#define EXITS		     (0u VP_EXIT_TABLE(EXIT_ONE))

static const void *profile_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;

	(void)above;
	(void)number;
	return inspect(in->partition, INSPECT_PROFILE, in->vp, &in->profile, sizeof(in->profile)) ==
			       STATUS_OK
		       ? in
		       : NULL;
}

static const struct inspect_row cycle_rows[] = {
	VP_WORD("profile", "off\0on\0", vp_view.kernel.profiled),
	VP_MANY(inspect_exit_names, INSPECT_COUNTER, profile.handler[0], EXITS, 8),
};
static const struct inspect_row vmm_cycle_rows[] = {
	VP_MANY(inspect_exit_names, INSPECT_COUNTER, profile.vmm[0], EXITS, 8),
};
static const struct inspect_directory cycles = {.name = "cycles",
						.open = profile_open,
						.rows = cycle_rows,
						.row_count = ARRAY_SIZE(cycle_rows)};
static const struct inspect_directory vmm_cycles = {.name = "vmm_cycles",
						    .open = profile_open,
						    .rows = vmm_cycle_rows,
						    .row_count = ARRAY_SIZE(vmm_cycle_rows)};

static const struct inspect_row exit_rows[] = {
	VP_MANY(inspect_exit_names, INSPECT_COUNTER, vp_view.stats.exits[0], EXITS, 8),
};
static const struct inspect_directory *const exit_children[] = {&cycles, &vmm_cycles, NULL};
static const struct inspect_directory exits = {.name = "exits",
					       .rows = exit_rows,
					       .row_count = ARRAY_SIZE(exit_rows),
					       .children = exit_children};

/* ---- the VP ---- */

static bool vp_list(void *context, const void *above, uint32_t number, char name[INSPECT_NAME_MAX])
{
	(void)above;
	inspect_print(name, INSPECT_NAME_MAX, "%u", number);
	return number < ((const struct inspect_kernel *)context)->partition_view.kernel.vp_count;
}

static const void *vp_open(void *context, const void *above, uint32_t number)
{
	struct inspect_kernel *in = context;
	struct inspect_vp *kernel = &in->vp_view.kernel;

	(void)above;
	in->vp = number;
	if (inspect(in->partition, INSPECT_VP, number, kernel, sizeof(*kernel)) != STATUS_OK ||
	    vp_stats(in->partition, number, &in->vp_view.stats) != STATUS_OK)
		return NULL;
	in->vp_view.time_on_cpu = time_from_ticks(in->vp_view.stats.loaded_ticks);
	inspect_print(in->vp_view.cpu, sizeof(in->vp_view.cpu), "%s", "none");
	if (kernel->cpu != UINT32_MAX)
		inspect_print(in->vp_view.cpu, sizeof(in->vp_view.cpu), "%u", kernel->cpu);
	return in;
}

static const struct inspect_row vp_rows[] = {
	VP_WORD("state", "stopped\0running\0ready\0blocked\0", vp_view.kernel.run_state),
	VP_WORD("activity", INSPECT_ACTIVITIES, vp_view.kernel.activity),
	VP("cpu", INSPECT_STRING, vp_view.cpu),
	VP("active_vtl", INSPECT_UNSIGNED, vp_view.kernel.active_vtl),
	VP("requests", INSPECT_HEX, vp_view.kernel.requests),
	VP("work", INSPECT_HEX, vp_view.kernel.work),
	VP("interrupt_shadow", INSPECT_BOOLEAN, vp_view.kernel.interrupt_shadow),
	VP("nmi_masked", INSPECT_BOOLEAN, vp_view.kernel.nmi_masked),
	VP("time_on_cpu", INSPECT_TIME, vp_view.time_on_cpu),
	VP("returns_to_vmm", INSPECT_COUNTER, vp_view.stats.returns_to_vmm),
	VP("injected_interrupts", INSPECT_COUNTER, vp_view.stats.injected_interrupts),
};
static const struct inspect_directory *const vp_children[] = {&inspect_registers,
							      &inspect_controller, &exits, NULL};
const struct inspect_directory inspect_vps = {.name = "vp",
					      .list = vp_list,
					      .open = vp_open,
					      .rows = vp_rows,
					      .row_count = ARRAY_SIZE(vp_rows),
					      .children = vp_children};

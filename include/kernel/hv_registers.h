/* SPDX-License-Identifier: MIT */
/*
 * The registers of the Hyper-V interface that both architectures have, by their names (TLFS, "HV_REGISTER_NAME"). For
 * arm64 guests this is all that there is; of x86 each is an MSR as well, and what only PCs have is in the table of
 * MSRs, of rows of the same form.
 */
#ifndef KERNEL_HV_REGISTERS_H
#define KERNEL_HV_REGISTERS_H

#include <kernel/processor.h>
#include <trivet/hv/interface_registers.h>
#include <trivet/hv/registers.h>

/* By the VP's own CPU, on which it may be loaded, or of a VP that is loaded nowhere. False: not now. */
typedef bool hv_register_get_t(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t *value);
/* So too, but what places a page only while no CPU has the VP. INVALID_REGISTER_VALUE; and what places a page as
 * gpa_overlay_move(). */
typedef status_t hv_register_set_t(struct vp *vp, uint32_t vtl, uint32_t name, uint64_t value);

struct hv_register_row {
	uint32_t first, last;
	uint32_t features;   /* HV_FEATURE_... that the partition has to show, */
	uint32_t privileges; /* and HV_PRIVILEGE_... */
	bool shared;	     /* by all VPs, each of which may set it for another */
	bool places;	     /* waits for other CPUs; comes one at a time: hv_change_begin() */
	bool pcs;	     /* by this name only of PCs */
	hv_register_get_t *get;
	hv_register_set_t *set; /* NULL: it is read only */
};

/* The table's rows, what is written often first. */
enum hv_row {
	HV_ROW_STIMERS,
	HV_ROW_EOM,
	HV_ROW_GUEST_OS_ID,
	HV_ROW_HYPERCALL,
	HV_ROW_VP_INDEX,
	HV_ROW_VP_RUNTIME,
	HV_ROW_TIME_REF_COUNT,
	HV_ROW_REFERENCE_TSC,
	HV_ROW_VP_ASSIST_PAGE,
	HV_ROW_SCONTROL,
	HV_ROW_SVERSION,
	HV_ROW_PAGES, /* SIEFP, SIMP */
	HV_ROW_SINTS,
	HV_ROW_CRASH,
	HV_ROWS,
};
extern const struct hv_register_row hv_register_rows[HV_ROWS];

static inline bool hv_row_is_there(const struct vp *vp, const struct hv_register_row *row)
{
	const struct hv_partition *hv = vp->partition->hv;

	return !(row->privileges & ~hv->privileges) && !(row->features & ~hv->features);
}

/* NULL: the partition, or the architecture, has none of that name. */
const struct hv_register_row *hv_register_find(const struct vp *vp, uint32_t name);
/* With what is to be done around that; INVALID_REGISTER: it is read only. BUSY: again. */
status_t hv_register_put(struct vp *vp, uint32_t vtl, const struct hv_register_row *row,
			 uint32_t name, uint64_t value);
/* Of the table, or of what the architecture tells by arch_hv_information(). INVALID_REGISTER. */
status_t hv_register_get(struct vp *vp, uint32_t vtl, uint32_t name,
			 union hv_register_value *value);

/* Of the timers' row alone, for who needs no search: place is that of the register in the row. False: not such a value. */
bool hv_stimer_write(struct vp *vp, uint32_t vtl, uint32_t place, uint64_t value);

/* ---- of the architecture ---- */

/* What x86 tells by CPUID: HV_REGISTER_VERSION to HARDWARE, INTERFACE. False: it does not have it. */
bool arch_hv_information(struct vp *vp, uint32_t name, union hv_register_value *value);

#endif

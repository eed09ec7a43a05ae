/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VMX backend share.
 *
 *   vmx.c    probing, controls, what is kept for each CPU
 *   vp.c     the VMCS of a VP: making, moving, entering, injecting
 *   exit.c   from exit reasons to the neutral struct vp_exit
 *   debug.c  debug registers, steps
 *   state.c  registers in and out of the VMCS
 *   apicv.c  what of the local APIC the processor does by itself
 *   ept.c    the format of extended page tables
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include "vmcs.h"
#include <kernel/backend.h>
#include <kernel/cpu.h>

/* The controls as this machine's capability MSRs allow them (SDM appendix A). */
struct vmx_controls {
	uint32_t pin, cpu, cpu2, exit, entry;
};

struct vmx_cpu {
	void *region;		/* VMXON */
	struct vmx_vp *current; /* whose VMCS is current here */
	uint32_t next_vpid;
	uint64_t vpid_generation; /* counted up when the VPIDs were used up */
	/* Host MSRs that the guest's take the place of between load and put. */
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	/* VM exits keep the base but make the limit 0xffff. */
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} gdtr;
};

/* For each VTL of a VP. */
struct vmx_vp {
	void *vmcs;
	hpa_t vmcs_hpa;
	_Atomic uint32_t *page; /* the APIC's registers; TPR is the guest's CR8 << 4 */
	struct vmx_cpu *cpu;	/* on which the VMCS is active; NULL: clear */
	bool launched;
	bool placed; /* the host state is this CPU's */
	bool loaded;
	bool flush;	/* stale guest-linear translations */
	bool dr_live;	/* DR0-3 of guest_debug_dr(), and the guest's DR6, are in the registers */
	bool long_mode; /* the entry control says so */
	uint8_t threshold; /* of TPR, as written */
	uint32_t vpid;
	uint64_t vpid_generation;
	uint64_t tlb_generation; /* of the space, at the last entry; or none */
	uint64_t eptp;
	uint32_t cpu_controls;	/* as written */
	uint32_t cpu_controls2; /* without those that follow the APIC's mode */
	/* What the VMCS holds, to write it only when it changes. */
	uint64_t rsp, rflags, tsc_offset;
	uint32_t blocked; /* interruptibility, and BLOCKED_STEP */
	uint8_t cr8;
	uint64_t dr6;
	/* The guest's syscall MSRs while it is not loaded. */
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
};

extern struct vmx_controls vmx_controls;
extern hpa_t vmx_msr_bitmap;
extern hpa_t vmx_msr_bitmap_x2apic; /* where x2APIC mode is virtualized */
extern uint32_t vmx_revision;
extern bool vmx_has_vpid;
extern uint32_t vmx_stay_limit; /* of the preemption timer */
extern uint64_t vmx_ept_flags;	/* of an EPT pointer */

static inline struct vmx_vp *vmx_active(const struct vp *vp)
{
	return vp_active(vp)->backend;
}

/* vmx/enter.S: enters the guest until vmx_exit() answers other than VP_ENTER. */
enum vp_outcome vmx_run(struct vp *vp, bool launched);
enum vp_outcome vmx_run_guarded(struct vp *vp, bool launched);
extern const char vmx_exit_entry[], vmx_exit_entry_guarded[];
/* The one that this machine uses, and where exits come to in it. */
extern enum vp_outcome (*vmx_world_switch)(struct vp *vp, bool launched);
extern const char *vmx_world_exit;

/* vmx/vp.c */
status_t vmx_vp_create(struct vp *vp, uint32_t vtl);
void vmx_vp_destroy(struct vp *vp, uint32_t vtl);
void vmx_unbind(struct vp *vp);
void vmx_load(struct vp *vp);
void vmx_put(struct vp *vp);
enum vp_outcome vmx_enter(struct vp *vp);
/* For vmx_run(), after VMfail. */
enum vp_outcome vmx_entry_failed(struct vp *vp);
bool vmx_in_kernel_64(const struct vp *vp);
bool vmx_can_take(struct vp *vp, enum vp_window window);
void vmx_tsc_set(struct vp *vp, uint32_t vtl);
void vmx_inject(struct vp *vp, const struct vp_event *event);
void vmx_window_request(struct vp *vp, enum vp_window window);
void vmx_tables_watch(struct vp *vp, uint32_t vtl, uint32_t stores);
/* Makes the VMCS current on this CPU. */
void vmx_use(struct vmx_vp *s);
/* The preemption timer starts anew: the host's interrupts are looked at. */
void vmx_stay_begin(void);
void vmx_cpu_control(struct vmx_vp *s, uint32_t bit, bool on);
struct vmcs_value {
	uint32_t field;
	uint64_t value;
};
/* Into the current VMCS. False, and says which and why, if the processor refuses one. */
bool vmx_fields_write(const struct vmcs_value *fields, size_t count);
/* The VMCS is clear again, and current: the next entry launches it. */
void vmx_launch_undo(struct vmx_vp *s);
void vmx_cr8_take(struct vp_vtl *v, struct vmx_vp *s);
void vmx_blocking_write(const struct vp_vtl *v, struct vmx_vp *s);
/* Where the guest goes on: all that an exit may change after which it is entered again at once. */
static inline void vmx_resume_write(const struct vp_vtl *v, struct vmx_vp *s)
{
	vmcs_write(VMCS_GUEST_RIP, v->arch.rip);
	if (unlikely(s->rflags != v->arch.rflags))
		vmcs_write(VMCS_GUEST_RFLAGS, v->arch.rflags);
	if (unlikely(s->blocked | v->arch.shadow))
		vmx_blocking_write(v, s);
}

/* vmx/debug.c */
#define DR7_ENABLED  0xffu
/* In vmx_vp.blocked, which the VMCS does not have it: the next exit looks whether that has changed. */
#define BLOCKED_STEP BIT(31)
void vmx_dr_take(struct vp *vp, struct vmx_vp *s);
void vmx_dr_put(struct vp *vp, struct vmx_vp *s);
/* The guest's DR0-3 and DR6, if they are in the registers, come to where they are kept. */
void vmx_dr_save(struct vp *vp, struct vmx_vp *s);
uint32_t vmx_exceptions(const struct vp_vtl *v);
void vmx_debug_set(struct vp *vp, uint32_t vtl);
void vmx_step(struct vp *vp, enum step_mode mode);
/* The entry that vmx_step() was for is over. */
void vmx_step_left(struct vp *vp);

/* vmx/apicv.c */
#define APIC_CONTROLS2 \
	(CPU2_APIC_ACCESSES | CPU2_X2APIC_MODE | CPU2_APIC_REGISTERS | CPU2_INTERRUPT_DELIVERY)
/* Once, when vmx_controls says what there is; `map` is the MSR bitmap of all other guests. */
status_t vmx_apicv_init(const uint8_t *map);
bool vmx_apic_place_set(struct vp *vp, uint32_t vtl, uint32_t place);
/* Tells the processor what is requested and in service. */
void vmx_apic_service_write(struct vp_vtl *v);
void vmx_decode_apic_access(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit);
void vmx_decode_apic_write(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit);
void vmx_decode_eoi(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit);

/* vmx/exit.c */
/* For vmx_run(), after each exit. */
enum vp_outcome vmx_exit(struct vp *vp);

/* vmx/state.c */
struct guest_addressing vmx_addressing_64(struct vp *vp);
void vmx_state_get(struct vp *vp, uint32_t vtl, uint32_t groups, struct guest_state *state);
void vmx_state_set(struct vp *vp, uint32_t vtl, uint32_t groups, const struct guest_state *state);

#define TLB_GENERATION_NONE UINT64_MAX

#define EPT_USUAL_LEVELS 4u
#define EPT_MOST_LEVELS	 5u
extern struct page_table_format ept_format; /* probing takes what this CPU lacks out of it */

#endif

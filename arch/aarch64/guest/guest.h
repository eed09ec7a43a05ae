/* SPDX-License-Identifier: MIT */
/*
 * What the files of the guest's AArch64 processor, and of EL2 that runs it, share.
 *
 *   world.S      the world switch
 *   world.c      what EL2 is told for a guest, and EL1's registers coming and going: the backend
 *   exit.c       one handler for each kind of exit
 *   abort.c      accesses to memory that exit
 *   trap.c       system registers that trap
 *   exception.c  exceptions that are given to the guest
 *   event.c      what happens before an entry
 *   processor.c  making, reset; partition.c
 *   psci.c       PSCI and the other calls by HVC and SMC
 *   timer.c      the virtual and the physical timer
 *   gic.c        the VP's side of vgic*.c
 *   debug.c      debug registers: the guest's, and the VMM's as a debugger
 *   cache.c      guests whose caches are off
 *   hv_call.c    hypercalls; hv_quick.c, hv_registers.c, hv.c: the rest of the Hyper-V interface
 *   translate.c  addresses that the guest, or its VMM, has translated; translation.c: the walk, pure
 *   run_page.c   what the VMM is told, and its answers
 *   registers.c  registers by name; state_elements.c
 *   ids.c vmid.c syndrome.h: pure
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "ids.h"
#include "syndrome.h"
#include <kernel/backend.h>
#include <kernel/partition_arch.h>
#include <kernel/state.h>
#include <trivet/hv/hypercall.h>

/* Requests of other CPUs, beside enum vp_request. */
#define VP_REQUEST_POWER (VP_REQUEST_ARCH << 0) /* PSCI CPU_ON */

static inline struct arch_vp_vtl *vp_arch(const struct vp *vp)
{
	return &vp_active(vp)->arch;
}
static inline struct arch_vp_vtl *vtl_arch(const struct vp *vp, uint32_t vtl)
{
	return &vp->vtl[vtl]->arch;
}

/* Register 31 is the one that reads as zero and takes all writes. */
static inline uint64_t guest_x(const struct vp *vp, unsigned int n)
{
	return n < 31 ? vp->arch.x[n] : 0;
}
static inline void guest_x_set(struct vp *vp, unsigned int n, uint64_t value)
{
	if (n < 31)
		vp->arch.x[n] = value;
}

/* ---- exception.c ---- */

/* The rest of guest_instruction_done() for 32-bit programs. */
void guest_instruction_done_32(struct vp *vp);
/* The instruction that exited is done; PSTATE.SS and BTYPE belong to it. */
static inline void guest_instruction_done(struct vp *vp)
{
	struct arch_vp_vtl *a = vp_arch(vp);

	if (unlikely(a->pstate & PSTATE_32)) {
		guest_instruction_done_32(vp);
		return;
	}
	a->pc += 4;
	a->pstate &= ~(PSTATE_BTYPE | PSTATE_SS);
}
/* Of a loaded VP: the guest takes the exception of an instruction that it does not have. */
void guest_undefined(struct vp *vp);
/* So too: that of an instruction that does so by itself, such as BRK. */
void guest_take(struct vp *vp, uint64_t syndrome);
/* So too: a synchronous external abort, of the access that a->syndrome and a->fault tell of. */
void guest_abort(struct vp *vp);

/* ---- processor.c ---- */

#define GUEST_SCTLR_RESET    0x30d00800ull /* what is RES1 without extensions */
#define GUEST_PSTATE_RESET   (PSTATE_DAIF | PSTATE_EL1H)
#define GUEST_MDSCR_WRITABLE (BIT(0) | BIT(12) | BIT(13) | BIT(15)) /* SS, TDCC, KDE, MDE */

uint64_t guest_mpidr(uint32_t index);
/* False: no VP of the partition has it. */
bool guest_mpidr_index(const struct partition *partition, uint64_t mpidr, uint32_t *index);
void guest_vtl_reset(struct vp *vp, uint32_t vtl);
/* PSR bits that can be in a guest's PSTATE. */
bool guest_pstate_valid(const struct partition *partition, uint64_t pstate);
/* Another VP has turned this one on. */
void guest_power_on(struct vp *vp);
/* So too, with more registers than PSCI gives, of a VP that is loaded on no CPU. False: it is not off. */
bool guest_start(struct vp *vp, uint32_t vtl, const struct hv_arm64_initial_vp_context *context);

/* ---- partition.c ---- */

uint32_t guest_physical_bits(void);

/* ---- debug.c ---- */

/* The VP is loaded, and its MDSCR_EL1 or a debugger asks for something; and leaves the CPU afterwards. */
void guest_debug_load(struct vp *vp);
void guest_debug_put(void);
/* Before an entry, with WORK_DEBUG. */
void guest_debug_enter(struct vp *vp);
enum vp_outcome exit_debug(struct vp *vp, struct vp_exit *exit);

/* ---- psci.c ---- */

/* A call by HVC #0 or SMC #0: X0 is the function. */
enum vp_outcome guest_call(struct vp *vp);

/* ---- hv_call.c ---- */

#define HV_CALL_IMMEDIATE 1u

/* HVC #1, or (smccc) a call of SMCCC's with the function of hypercalls in X0, in a partition with the Hyper-V interface;
 * PC is behind the instruction. */
enum vp_outcome guest_hypercall(struct vp *vp, bool smccc);
/* hv_quick.c: so too, those that it knows. UNHANDLED: no such one, and nothing was done. */
enum vp_outcome guest_hypercall_quick(struct vp *vp, bool smccc);
/* On WORK_HYPERCALL; the VP is loaded on no CPU. */
void guest_hypercall_outside(struct vp *vp);
/* A function of SMCCC's that the interface has. False: it has none of that number, or is not there. */
bool guest_hv_function(struct vp *vp, uint32_t function, enum vp_outcome *outcome);

/* ---- timer.c ---- */

#define TIMER_ENABLE BIT(0)
#define TIMER_MASK   BIT(1)
#define TIMER_STATUS BIT(2)
#define PPI_VIRTUAL  27u
#define PPI_PHYSICAL 30u

void guest_timers_create(struct vp *vp, uint32_t vtl);
void guest_timers_reset(struct vp *vp, uint32_t vtl);
/* The VP comes to this CPU, and leaves it; what of the virtual timer the processor has. */
void guest_timers_load(struct vp *vp);
void guest_timers_put(struct vp *vp);
/* A host interrupt has come: true if it was the virtual timer's, which is the guest's now. */
bool guest_timer_interrupt(struct vp *vp);
/* The guest has ended that interrupt by a register that traps; the VP is loaded. */
void guest_timer_end(struct vp *vp);
/* On VP_REQUEST_TIMER. */
void guest_timers_fire(struct vp *vp);
/* The VP is going to sleep: it is woken when a timer expires. */
void guest_timers_sleep(struct vp *vp);
/* It is bound to this CPU from now on, or to none. */
void guest_timers_bind(struct vp *vp);
void guest_timers_unbind(struct vp *vp);
/* Its counter as CNTVCT_EL0 gives it. */
uint64_t guest_counter(const struct vp *vp);
/* CNTP_*: by the VP, loaded. */
uint64_t guest_physical_read(struct vp *vp, unsigned int op2);
void guest_physical_write(struct vp *vp, unsigned int op2, uint64_t value);
/* Timer registers in memory have been written; the VP is not loaded. */
void guest_timers_changed(struct vp *vp, uint32_t vtl);

/* ---- gic.c ---- */

extern struct vgic_host guest_gic_host;
status_t guest_gic_create(struct partition *partition);
void guest_gic_destroy(struct partition *partition);
#define PPI_MAINTENANCE 25u
/* A host interrupt has come: true if it was the GIC's maintenance interrupt, which is done with. */
bool guest_gic_interrupt(struct vp *vp);
/* An access to the GIC's frames in memory: false: there is none at that address. */
bool guest_gic_read(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t *value);
bool guest_gic_write(struct vp *vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t value);

/* ---- cache.c ---- */

/* HCR_EL2.TVM: the guest has written SCTLR_EL1. */
void guest_caches_written(struct vp *vp, uint64_t sctlr);
/* DC ISW, CSW, CISW. */
void guest_caches_set_way(struct vp *vp);
/* All memory of the partition goes to where a guest without caches reads it. Of a VP that is not loaded. */
void guest_memory_clean(struct vp *vp);

/* SCTLR_EL1 in memory has been written, of a VP that is not loaded. */
void guest_caches_changed(struct vp *vp, uint32_t vtl);

/* ---- registers.c ---- */

/* One of the general names, which any VP's may be set between two runs. */
bool guest_register_is_known(uint32_t name);

/* ---- run_page.c ---- */

enum vp_outcome run_page_return(struct vp *vp, enum vp_run_reason reason);
enum vp_outcome run_page_mmio(struct vp *vp, const struct vp_exit *exit);
enum vp_outcome run_page_emulate(struct vp *vp, const struct vp_exit *exit, uint32_t flags);
/* VP_RUN_SINGLE_STEP, HW_BREAK of `index`, INT3 with its syndrome in the VP. */
enum vp_outcome run_page_debug(struct vp *vp, enum vp_run_reason reason, uint32_t index);
enum vp_outcome run_page_failed(struct vp *vp, uint64_t code);
enum vp_outcome run_page_reset(struct vp *vp, uint64_t type, uint64_t cookie);

/* ---- trap.c, abort.c ---- */

enum vp_outcome exit_system_register(struct vp *vp, struct vp_exit *exit);
enum vp_outcome exit_memory(struct vp *vp, struct vp_exit *exit);
enum vp_outcome exit_fetch(struct vp *vp, struct vp_exit *exit);

/* ---- world.c ---- */

/* What only EL1 uses is left in the processor when a VP leaves its CPU for a while; this brings it to memory, for
 * whoever wants to see it. To change it, let it go: it is loaded anew then. On the VP's CPU, not loaded. */
void el1_save(struct vp *vp);
void el1_release(struct vp *vp);
/* HCR_EL2 by what the VTL wants now; of a VP that is loaded. */
void el2_traps_update(struct vp *vp);
/* WFE of the VP that is loaded does not exit any more, until one is loaded. */
void el2_wfe_allow(void);
/* What this CPU has of the VP's partition, now or when the VP is next loaded. */
void el2_translations_drop(struct vp *vp);
bool el2_has_pan(void);
/* The processors' feature registers, of the boot CPU. */
extern uint64_t el2_host_ids[IDS_COUNT];
/* Reads them, and what its GIC has for guests. False: that is not enough. */
bool el2_host_probe(void);

#endif

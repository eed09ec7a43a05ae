/* SPDX-License-Identifier: MIT */
/* What EL2 keeps for a CPU, and the names of its own registers (Arm ARM D17.2). */
#ifndef GUEST_WORLD_H
#define GUEST_WORLD_H

#include "vmid.h"

struct el2_cpu {
	struct vp *owner; /* whose EL1 registers this CPU has; NULL: nobody's */
	struct vmid_cpu vmid;
	uint64_t vttbr; /* of the owner; 0: to be looked at anew */
};

#define HCR_FB	      BIT(9)
#define HCR_BSU_INNER (1ull << 10)
#define HCR_TWI	      BIT(13)
#define HCR_TWE	      BIT(14)
#define HCR_TID3      BIT(18)
#define HCR_TSC	      BIT(19)
#define HCR_TIDCP     BIT(20)
#define HCR_TACR      BIT(21)
#define HCR_TSW	      BIT(22)
#define HCR_TVM	      BIT(26)
#define HCR_TLOR      BIT(35)
#define HCR_TERR      BIT(36)
#define HCR_APK	      BIT(40)
#define HCR_API	      BIT(41)

#define MDCR_TTRF      BIT(19)
#define MDCR_TPMS      BIT(14)
#define MDCR_TDRA      BIT(11)
#define MDCR_TDOSA     BIT(10)
#define MDCR_TDE       BIT(8)
#define MDCR_TDA       BIT(9)
#define MDCR_TPM       BIT(6)
#define MDCR_TPMCR     BIT(5)
#define MDCR_HPMN_MASK MASK(5)

#define CNTHCTL_EL1PCTEN BIT(0)
#define CNTHCTL_EL1PCEN	 BIT(1)

enum vp_outcome el2_run(struct vp *vp, struct arch_vp_vtl *vtl);
/* From assembly: vp->arch and pc, pstate are the guest's. VP_ENTER: once more. */
enum vp_outcome el2_exit(struct vp *vp, uint64_t syndrome, uint32_t vector);
extern const char world_vectors[];

#endif

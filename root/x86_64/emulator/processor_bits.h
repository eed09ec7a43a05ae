/* SPDX-License-Identifier: MIT */
/*
 * Bits of the x86 registers that the emulator looks at, and its exception vectors, by the
 * names of the manuals (SDM vol. 3 chapters 2 and 6). Nothing but names.
 */
#ifndef EMULATOR_PROCESSOR_BITS_H
#define EMULATOR_PROCESSOR_BITS_H

#include <trivet/types.h>

#define GUEST_CR0_PE BIT(0)
#define GUEST_CR0_MP BIT(1)
#define GUEST_CR0_EM BIT(2)
#define GUEST_CR0_TS BIT(3)
#define GUEST_CR0_WP BIT(16)
#define GUEST_CR0_AM BIT(18)
#define GUEST_CR0_PG BIT(31)

#define GUEST_CR4_VME	 BIT(0)
#define GUEST_CR4_PVI	 BIT(1)
#define GUEST_CR4_PSE	 BIT(4)
#define GUEST_CR4_PAE	 BIT(5)
#define GUEST_CR4_OSFXSR BIT(9)
#define GUEST_CR4_UMIP	 BIT(11)
#define GUEST_CR4_LA57	 BIT(12)
#define GUEST_CR4_SMEP	 BIT(20)
#define GUEST_CR4_SMAP	 BIT(21)
#define GUEST_CR4_PKE	 BIT(22)

#define GUEST_EFER_LMA BIT(10)
#define GUEST_EFER_NXE BIT(11)

#define GUEST_FLAG_CF	      BIT(0)
#define GUEST_FLAG_PF	      BIT(2)
#define GUEST_FLAG_AF	      BIT(4)
#define GUEST_FLAG_ZF	      BIT(6)
#define GUEST_FLAG_SF	      BIT(7)
#define GUEST_FLAG_TF	      BIT(8)
#define GUEST_FLAG_IF	      BIT(9)
#define GUEST_FLAG_DF	      BIT(10)
#define GUEST_FLAG_OF	      BIT(11)
#define GUEST_FLAG_RF	      BIT(16)
#define GUEST_FLAG_VM	      BIT(17)
#define GUEST_FLAG_AC	      BIT(18)
#define GUEST_FLAG_IOPL_SHIFT 12
/* The flags that arithmetic writes. */
#define GUEST_FLAGS_STATUS                                                               \
	(GUEST_FLAG_CF | GUEST_FLAG_PF | GUEST_FLAG_AF | GUEST_FLAG_ZF | GUEST_FLAG_SF | \
	 GUEST_FLAG_OF)

enum guest_vector {
	GUEST_VECTOR_DE = 0,
	GUEST_VECTOR_UD = 6,
	GUEST_VECTOR_NM = 7,
	GUEST_VECTOR_SS = 12,
	GUEST_VECTOR_GP = 13,
	GUEST_VECTOR_PF = 14,
	GUEST_VECTOR_AC = 17,
};

#endif

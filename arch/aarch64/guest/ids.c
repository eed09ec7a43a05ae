/* SPDX-License-Identifier: MIT */
#include "ids.h"

/* A field of four bits: the guest gets what the machine has, up to `most`. Of signed ones 0xf means no. */
struct id_field {
	uint8_t place, shift, most, is_signed;
};

#define FIELD(reg, shift, most)     \
	{                           \
		reg, shift, most, 0 \
	}
#define FIELD_SIGNED(reg, shift, most) \
	{                              \
		reg, shift, most, 1    \
	}
#define ALL 15

static const struct id_field fields[] = {
	FIELD(ID_AA64PFR0, 0, 2),	  /* EL0: AArch32 where there is */
	FIELD(ID_AA64PFR0, 4, 1),	  /* EL1: AArch64 alone; EL2, EL3: none */
	FIELD_SIGNED(ID_AA64PFR0, 16, 1), /* FP */
	FIELD_SIGNED(ID_AA64PFR0, 20, 1), /* AdvSIMD */
	FIELD(ID_AA64PFR0, 48, 1),	  /* DIT */
	FIELD(ID_AA64PFR0, 56, 1),	  /* CSV2: without SCXTNUM_ELx */
	FIELD(ID_AA64PFR0, 60, 1),	  /* CSV3 */
	FIELD(ID_AA64PFR1, 0, 1),	  /* BT */
	FIELD(ID_AA64PFR1, 4, 2),	  /* SSBS */
	FIELD(ID_AA64DFR0, 0, 8),	  /* DebugVer: Armv8.2 */
	FIELD(ID_AA64DFR0, DFR0_BREAKPOINTS_SHIFT, ALL),
	FIELD(ID_AA64DFR0, DFR0_WATCHPOINTS_SHIFT, ALL),
	FIELD(ID_AA64DFR0, 28, ALL),	  /* CTX_CMPs */
	FIELD_SIGNED(ID_AA64DFR0, 36, 0), /* DoubleLock */
	FIELD(ID_AA64ISAR0, 4, 2),	  /* AES */
	FIELD(ID_AA64ISAR0, 8, 1),	  /* SHA1 */
	FIELD(ID_AA64ISAR0, 12, 2),	  /* SHA2 */
	FIELD(ID_AA64ISAR0, 16, 1),	  /* CRC32 */
	FIELD(ID_AA64ISAR0, 20, 2),	  /* Atomic */
	FIELD(ID_AA64ISAR0, 28, 1),	  /* RDM */
	FIELD(ID_AA64ISAR0, 32, 1),	  /* SHA3 */
	FIELD(ID_AA64ISAR0, 36, 1),	  /* SM3 */
	FIELD(ID_AA64ISAR0, 40, 1),	  /* SM4 */
	FIELD(ID_AA64ISAR0, 44, 1),	  /* DP */
	FIELD(ID_AA64ISAR0, 48, 1),	  /* FHM */
	FIELD(ID_AA64ISAR0, 52, 2),	  /* TS */
	FIELD(ID_AA64ISAR0, 56, 2),	  /* TLB */
	FIELD(ID_AA64ISAR0, 60, 1),	  /* RNDR */
	FIELD(ID_AA64ISAR1, 0, 2),	  /* DPB */
	FIELD(ID_AA64ISAR1, ISAR1_APA_SHIFT, 5),
	FIELD(ID_AA64ISAR1, ISAR1_API_SHIFT, 5),
	FIELD(ID_AA64ISAR1, 12, 1), /* JSCVT */
	FIELD(ID_AA64ISAR1, 16, 1), /* FCMA */
	FIELD(ID_AA64ISAR1, 20, 2), /* LRCPC */
	FIELD(ID_AA64ISAR1, 24, 1), /* GPA */
	FIELD(ID_AA64ISAR1, 28, 1), /* GPI */
	FIELD(ID_AA64ISAR1, 32, 1), /* FRINTTS */
	FIELD(ID_AA64ISAR1, 36, 1), /* SB */
	FIELD(ID_AA64ISAR1, 40, 1), /* SPECRES */
	FIELD(ID_AA64ISAR1, 44, 2), /* BF16 */
	FIELD(ID_AA64ISAR1, 48, 1), /* DGH */
	FIELD(ID_AA64ISAR1, 52, 1), /* I8MM */
	FIELD(ID_AA64ISAR2, 4, 1),  /* RPRES */
	FIELD(ID_AA64ISAR2, 8, 1),  /* GPA3 */
	FIELD(ID_AA64ISAR2, ISAR2_APA3_SHIFT, 5),
	FIELD(ID_AA64ISAR2, 28, 1),	   /* CLRBHB */
	FIELD(ID_AA64MMFR0, 4, 2),	   /* ASIDBits */
	FIELD(ID_AA64MMFR0, 20, 1),	   /* TGran16 */
	FIELD_SIGNED(ID_AA64MMFR0, 24, 0), /* TGran64 */
	FIELD_SIGNED(ID_AA64MMFR0, 28, 0), /* TGran4 */
	FIELD(ID_AA64MMFR1, MMFR1_HAFDBS_SHIFT, 2),
	FIELD(ID_AA64MMFR1, MMFR1_HPDS_SHIFT, 2),
	FIELD(ID_AA64MMFR1, MMFR1_PAN_SHIFT, 3),
	FIELD(ID_AA64MMFR1, 36, 1), /* ETS */
	FIELD(ID_AA64MMFR1, 44, 1), /* AFP */
	FIELD(ID_AA64MMFR1, 48, 1), /* nTLBPA */
	FIELD(ID_AA64MMFR2, 0, 1),  /* CnP */
	FIELD(ID_AA64MMFR2, 4, 1),  /* UAO */
	FIELD(ID_AA64MMFR2, 8, 1),  /* LSM */
	FIELD(ID_AA64MMFR2, 16, 1), /* VARange */
	FIELD(ID_AA64MMFR2, 20, 1), /* CCIDX */
	FIELD(ID_AA64MMFR2, 28, 1), /* ST */
	FIELD(ID_AA64MMFR2, 32, 1), /* AT */
	FIELD(ID_AA64MMFR2, 36, 1), /* IDS */
	FIELD(ID_AA64MMFR2, 48, 1), /* TTL */
	FIELD(ID_AA64MMFR2, 52, 2), /* BBM */
	FIELD(ID_AA64MMFR2, 60, 1), /* E0PD */
};

/* What AArch32 programs may want to know: as it is, but for debugging, counters and the GIC. */
static const struct {
	uint8_t place;
	uint64_t mask;
} aarch32[] = {
	{ID_PLACE(1, 0), 0x0f0fffff}, /* ID_PFR0: no AMU, RAS */
	{ID_PLACE(1, 1), 0x000f0f0f}, /* ID_PFR1: no virtualization, GIC, security */
	{ID_PLACE(1, 4), UINT32_MAX}, /* ID_MMFR0 */
	{ID_PLACE(1, 5), UINT32_MAX}, {ID_PLACE(1, 6), UINT32_MAX}, {ID_PLACE(1, 7), UINT32_MAX},
	{ID_PLACE(2, 0), UINT32_MAX}, /* ID_ISAR0 */
	{ID_PLACE(2, 1), UINT32_MAX}, {ID_PLACE(2, 2), UINT32_MAX}, {ID_PLACE(2, 3), UINT32_MAX},
	{ID_PLACE(2, 4), UINT32_MAX}, {ID_PLACE(2, 5), UINT32_MAX}, {ID_PLACE(2, 6), UINT32_MAX},
	{ID_PLACE(2, 7), UINT32_MAX}, {ID_PLACE(3, 0), UINT32_MAX}, /* ID_MMFR4, ISAR6; MVFR0 */
	{ID_PLACE(3, 1), UINT32_MAX}, {ID_PLACE(3, 2), UINT32_MAX},
};

#define GIC_SYSTEM_REGISTERS (1ull << 24)
#define EL0_32		     2u

static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48, 52};

uint32_t ids_pa_range(uint32_t bits)
{
	uint32_t range = ARRAY_SIZE(pa_bits) - 1;

	while (range && pa_bits[range] > bits)
		range--;
	return range;
}

uint32_t ids_pa_bits(uint32_t range)
{
	return pa_bits[MIN(range, ARRAY_SIZE(pa_bits) - 1)];
}

static uint64_t field_of(const struct id_field *field, uint64_t host)
{
	unsigned int value = ID_FIELD(host, field->shift);

	if (!field->is_signed || value < 8)
		value = MIN(value, field->most);
	return (uint64_t)value << field->shift;
}

/* What guests are not shown, and all CPUs must have alike. */
static const struct id_field relied[] = {
	FIELD(ID_AA64MMFR1, 4, 2), /* VMIDBits */
	FIELD(ID_AA64PFR0, PFR0_RAS_SHIFT, 1),
};

static int value_of(const struct id_field *field, uint64_t id)
{
	int value = (int)ID_FIELD(id, field->shift);

	if (field->is_signed && value >= 8)
		value -= 16;
	return MIN(value, (int)field->most);
}

static uint32_t lacking(const struct id_field *list, size_t count, const uint64_t own[IDS_COUNT],
			const uint64_t host[IDS_COUNT])
{
	for (size_t i = 0; i < count; i++) {
		uint32_t place = list[i].place;

		if (value_of(&list[i], own[place]) < value_of(&list[i], host[place]))
			return place;
	}
	return IDS_COUNT;
}

uint32_t ids_lacking(const uint64_t own[IDS_COUNT], const uint64_t host[IDS_COUNT])
{
	uint32_t place = lacking(fields, ARRAY_SIZE(fields), own, host);

	return place < IDS_COUNT ? place : lacking(relied, ARRAY_SIZE(relied), own, host);
}

void ids_filter(const uint64_t host[IDS_COUNT], uint32_t physical_bits, uint64_t guest[IDS_COUNT])
{
	size_t i;

	for (i = 0; i < IDS_COUNT; i++)
		guest[i] = 0;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		guest[fields[i].place] |= field_of(&fields[i], host[fields[i].place]);
	guest[ID_AA64PFR0] |= GIC_SYSTEM_REGISTERS;
	guest[ID_AA64MMFR0] |= MIN(host[ID_AA64MMFR0] & 0xf, ids_pa_range(physical_bits));
	if (ID_FIELD(guest[ID_AA64PFR0], PFR0_EL0_SHIFT) != EL0_32)
		return;
	for (i = 0; i < ARRAY_SIZE(aarch32); i++)
		guest[aarch32[i].place] = host[aarch32[i].place] & aarch32[i].mask;
}

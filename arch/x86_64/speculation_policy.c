/* SPDX-License-Identifier: MIT */
/*
 * Which leaks a processor has and what closes them. Pure: from CPUID and IA32_ARCH_CAPABILITIES to
 * a plain structure.
 *
 * A means is used only where the processor names it, since without its microcode VERW and the rest do
 * nothing; a leak that has no means there counts as open. So a processor that names none, as an
 * emulator's, is left alone.
 *
 * Sources: SDM 4, table 2-2 (the four MSRs); Intel's guidance on L1TF, MDS, TAA, processor MMIO stale
 * data, RFDS, BHI and post-barrier return stack predictions; APM 2, 3.2.9, and AMD's guidance on
 * indirect branch control, branch type confusion, SRSO and TSA.
 */
#include <arch/speculation.h>

/* CPUID 7, 0 */
#define LEAF7_EBX_RTM	     BIT(11)
#define LEAF7_EDX_MD_CLEAR   BIT(10)
#define LEAF7_EDX_IBRS	     BIT(26) /* and IBPB */
#define LEAF7_EDX_L1D_FLUSH  BIT(28)
/* CPUID 7, 2 */
#define LEAF7_2_EDX_BHI_CTRL BIT(4)
/* CPUID 0x80000008 */
#define EXT8_EBX_IBRS	     BIT(14)
#define EXT8_EBX_SPEC	     (BIT(14) | BIT(15) | BIT(24)) /* IBRS, STIBP, SSBD: SPEC_CTRL is there */
#define EXT8_EBX_BTC_NO	     BIT(29)
/* CPUID 0x80000021 */
#define EXT21_EAX_LFENCE     BIT(2)
#define EXT21_EAX_AUTO_IBRS  BIT(8)
#define EXT21_EAX_SRSO_NO    BIT(29)
#define EXT21_EAX_BP_REDUCE  BIT(31)
#define EXT21_ECX_TSA_NO     (BIT(1) | BIT(2))
/* IA32_ARCH_CAPABILITIES */
#define CAP_RDCL_NO	     BIT(0)
#define CAP_IBRS_ALL	     BIT(1)
#define CAP_SKIP_L1DFL	     BIT(3)
#define CAP_MDS_NO	     BIT(5)
#define CAP_TSX_CTRL	     BIT(7)
#define CAP_TAA_NO	     BIT(8)
#define CAP_MMIO_NO	     (BIT(13) | BIT(14) | BIT(15)) /* SBDR_SSDP, FBSDP, PSDP */
#define CAP_FB_CLEAR	     BIT(17)
#define CAP_BHI_NO	     BIT(20)
#define CAP_PBRSB_NO	     BIT(24)
#define CAP_RFDS_NO	     BIT(27)
#define CAP_RFDS_CLEAR	     BIT(28)
/* IA32_SPEC_CTRL */
#define CONTROL_IBRS	     BIT(0)
#define CONTROL_BHI_DIS_S    BIT(10)

#define INTEL_FAMILY   6u
#define AMD_FAMILY_NPT 0x10u /* the first with nested paging */
#define AMD_FAMILY_ZEN 0x17u /* and Zen 2; Hygon's is 0x18 */

/* What the model alone tells, where IA32_ARCH_CAPABILITIES came later than the processor. */
enum model_fact {
	MODEL_NO_L1TF = BIT(0),
	MODEL_NO_MDS = BIT(1),
	MODEL_MMIO = BIT(2),
	MODEL_RFDS = BIT(3),
	MODEL_SHORT_HISTORY = BIT(4), /* of branches: no longer than what the filling covers */
};

/* Family 6. Those that do not speculate at all cannot run guests either. */
static const struct {
	uint8_t model;
	uint8_t facts;
} intel_models[] = {
	/* Silvermont, Airmont, Knights Landing and Mill */
	{0x37, MODEL_NO_L1TF},
	{0x4a, MODEL_NO_L1TF},
	{0x4c, MODEL_NO_L1TF},
	{0x4d, MODEL_NO_L1TF},
	{0x5a, MODEL_NO_L1TF},
	{0x57, MODEL_NO_L1TF},
	{0x75, MODEL_NO_L1TF},
	{0x85, MODEL_NO_L1TF},
	/* Goldmont */
	{0x5c, MODEL_NO_L1TF | MODEL_NO_MDS | MODEL_RFDS | MODEL_SHORT_HISTORY},
	{0x5f, MODEL_NO_L1TF | MODEL_NO_MDS | MODEL_RFDS | MODEL_SHORT_HISTORY},
	{0x7a, MODEL_NO_L1TF | MODEL_NO_MDS | MODEL_RFDS | MODEL_SHORT_HISTORY},
	/* Haswell and Broadwell servers, Skylake, Kaby Lake, Comet Lake */
	{0x3f, MODEL_MMIO},
	{0x4f, MODEL_MMIO},
	{0x56, MODEL_MMIO},
	{0x4e, MODEL_MMIO},
	{0x5e, MODEL_MMIO},
	{0x55, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x8e, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x9e, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0xa5, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0xa6, MODEL_MMIO | MODEL_SHORT_HISTORY},
	/* Ice Lake, Rocket Lake, Tiger Lake */
	{0x6a, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x6c, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x7e, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0xa7, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x7d, MODEL_SHORT_HISTORY},
	{0x8c, MODEL_SHORT_HISTORY},
	{0x8d, MODEL_SHORT_HISTORY},
	/* Lakefield, Tremont */
	{0x8a, MODEL_MMIO | MODEL_SHORT_HISTORY},
	{0x86, MODEL_MMIO | MODEL_RFDS | MODEL_SHORT_HISTORY},
	{0x96, MODEL_MMIO | MODEL_RFDS | MODEL_SHORT_HISTORY},
	{0x9c, MODEL_MMIO | MODEL_RFDS | MODEL_SHORT_HISTORY},
	/* Alder Lake, Raptor Lake, Gracemont */
	{0x97, MODEL_RFDS},
	{0x9a, MODEL_RFDS},
	{0xb7, MODEL_RFDS},
	{0xba, MODEL_RFDS},
	{0xbe, MODEL_RFDS},
	{0xbf, MODEL_RFDS},
};

static uint32_t intel_facts(const struct speculation_cpu *cpu)
{
	uint32_t i;

	if (cpu->family != INTEL_FAMILY)
		return 0;
	for (i = 0; i < ARRAY_SIZE(intel_models); i++)
		if (intel_models[i].model == cpu->model)
			return intel_models[i].facts;
	return 0;
}

/* The processor has the leak, and that closes it; 0: nothing does. */
static void leak(struct speculation *s, uint32_t which, uint32_t actions)
{
	s->leaks |= which;
	s->actions |= actions;
	if (!actions)
		s->open |= which;
}

/*
 * The branch history with enhanced IBRS, which does not guard it. A processor that has a switch for it also
 * has a longer history than the filling covers; where such a one does not name the switch, as under a
 * hypervisor, nothing helps.
 */
static void intel_history(const struct speculation_cpu *cpu, uint32_t facts, struct speculation *s)
{
	if (cpu->capabilities & CAP_BHI_NO)
		return;
	if (!(cpu->leaf7_2_edx & LEAF7_2_EDX_BHI_CTRL)) {
		leak(s, LEAK_HISTORY, facts & MODEL_SHORT_HISTORY ? SPECULATION_FILL : 0);
		return;
	}
	leak(s, LEAK_HISTORY, SPECULATION_BHI_DIS_S);
	s->host_control |= CONTROL_BHI_DIS_S;
}

/*
 * Enhanced IBRS (IBRS_ALL) keeps predictions of guests from the kernel while the bit is set, so it is
 * set once, and stays set in guests, which costs them nothing. Without it the bit has to be written
 * after each exit, and the return stack to be filled, which the bit does not guard. With it one entry of
 * the return stack may still be the guest's, against which the same filling helps.
 */
static void intel_branches(const struct speculation_cpu *cpu, uint32_t facts, struct speculation *s)
{
	if (!(cpu->leaf7_edx & LEAF7_EDX_IBRS)) {
		leak(s, LEAK_BRANCH, 0);
		return;
	}
	s->actions |= SPECULATION_GUESTS;
	s->host_control = CONTROL_IBRS;
	if (!(cpu->capabilities & CAP_IBRS_ALL)) {
		leak(s, LEAK_BRANCH, SPECULATION_IBPB | SPECULATION_IBRS_EXIT | SPECULATION_FILL);
		return;
	}
	leak(s, LEAK_BRANCH, SPECULATION_IBPB | SPECULATION_IBRS);
	if (!(cpu->capabilities & CAP_PBRSB_NO))
		s->actions |= SPECULATION_FILL;
	intel_history(cpu, facts, s);
	s->guest_control = s->host_control;
}

static void intel_cache(const struct speculation_cpu *cpu, uint32_t facts, struct speculation *s)
{
	if ((cpu->capabilities & (CAP_RDCL_NO | CAP_SKIP_L1DFL)) || (facts & MODEL_NO_L1TF))
		return;
	leak(s, LEAK_L1TF, cpu->leaf7_edx & LEAF7_EDX_L1D_FLUSH ? SPECULATION_L1D : 0);
}

/* What VERW clears depends on the microcode, which says so by bits of its own. */
static void intel_buffers(const struct speculation_cpu *cpu, uint32_t facts, struct speculation *s)
{
	uint64_t capabilities = cpu->capabilities;
	bool mds = !(capabilities & CAP_MDS_NO) && !(facts & MODEL_NO_MDS);
	uint32_t clear = mds && (cpu->leaf7_edx & LEAF7_EDX_MD_CLEAR) ? SPECULATION_VERW : 0;
	bool fill =
		(capabilities & CAP_FB_CLEAR) || (clear && (cpu->leaf7_edx & LEAF7_EDX_L1D_FLUSH));

	if (mds)
		leak(s, LEAK_MDS, clear);
	/* No guest is shown transactions: they are switched off where they can be. */
	if ((cpu->leaf7_ebx & LEAF7_EBX_RTM) && !(capabilities & CAP_TAA_NO))
		leak(s, LEAK_TAA, capabilities & CAP_TSX_CTRL ? SPECULATION_TSX_OFF : clear);
	if ((facts & MODEL_MMIO) && (capabilities & CAP_MMIO_NO) != CAP_MMIO_NO)
		leak(s, LEAK_MMIO, fill ? SPECULATION_VERW : 0);
	if (!(capabilities & CAP_RFDS_NO) &&
	    ((facts & MODEL_RFDS) || (capabilities & CAP_RFDS_CLEAR)))
		leak(s, LEAK_RFDS, capabilities & CAP_RFDS_CLEAR ? SPECULATION_VERW : 0);
}

static void intel_decide(const struct speculation_cpu *cpu, struct speculation *s)
{
	uint32_t facts = intel_facts(cpu);

	intel_branches(cpu, facts, s);
	intel_cache(cpu, facts, s);
	intel_buffers(cpu, facts, s);
}

/*
 * Up to Zen 2 any instruction may be taken for a branch that the guest has trained, from Zen to Zen 4
 * the return stack overflows with the guest's targets; the kernel's returns being plain ones, only an
 * IBPB at each exit helps, which on Zen 3 and 4 takes a microcode. Zen 5 has a bit that keeps the
 * return stack apart.
 */
static void amd_returns(const struct speculation_cpu *cpu, struct speculation *s)
{
	bool types = cpu->family < AMD_FAMILY_ZEN3 || (cpu->extended21_eax & EXT21_EAX_IBPB_BRTYPE);
	uint32_t at_exits =
		types && (cpu->extended8_ebx & EXT8_EBX_IBPB) ? SPECULATION_IBPB_EXIT : 0;

	if (cpu->family < AMD_FAMILY_ZEN3 && !(cpu->extended8_ebx & EXT8_EBX_BTC_NO))
		leak(s, LEAK_TYPE, at_exits);
	if (cpu->family < AMD_FAMILY_ZEN || (cpu->extended21_eax & EXT21_EAX_SRSO_NO))
		return;
	if (cpu->extended21_eax & EXT21_EAX_BP_REDUCE)
		leak(s, LEAK_RETURN, SPECULATION_BP_REDUCE);
	else
		leak(s, LEAK_RETURN, at_exits);
}

/* Automatic IBRS also empties the return stack at #VMEXIT (APM 3.2.9). An IBPB at each exit leaves
 * nothing of the guest's to the kernel, nor to what runs after it. */
static void amd_branches(const struct speculation_cpu *cpu, struct speculation *s)
{
	bool automatic = cpu->extended21_eax & EXT21_EAX_AUTO_IBRS;

	if (automatic)
		s->actions |= SPECULATION_AUTO_IBRS;
	if (!(cpu->extended8_ebx & EXT8_EBX_IBPB)) {
		leak(s, LEAK_BRANCH, 0);
		return;
	}
	if (!automatic)
		s->actions |= SPECULATION_FILL;
	if (s->actions & SPECULATION_IBPB_EXIT) {
		leak(s, LEAK_BRANCH, SPECULATION_IBPB_EXIT);
		return;
	}
	s->actions |= SPECULATION_IBPB;
	if (automatic) {
		leak(s, LEAK_BRANCH, SPECULATION_AUTO_IBRS);
	} else if (cpu->extended8_ebx & EXT8_EBX_IBRS) {
		leak(s, LEAK_BRANCH, SPECULATION_IBRS_EXIT);
		s->host_control = CONTROL_IBRS;
	} else {
		leak(s, LEAK_BRANCH, 0);
	}
}

static void amd_decide(const struct speculation_cpu *cpu, struct speculation *s)
{
	if (cpu->family < AMD_FAMILY_NPT)
		return;
	s->extended21_eax = cpu->extended21_eax & EXT21_EAX_BY_MICROCODE;
	amd_returns(cpu, s);
	amd_branches(cpu, s);
	if (cpu->family == AMD_FAMILY_ZEN3 &&
	    (cpu->extended21_ecx & EXT21_ECX_TSA_NO) != EXT21_ECX_TSA_NO)
		leak(s, LEAK_TSA,
		     cpu->extended21_eax & EXT21_EAX_VERW_CLEAR ? SPECULATION_VERW : 0);
	if (cpu->extended8_ebx & (EXT8_EBX_IBPB | EXT8_EBX_SPEC))
		s->actions |= SPECULATION_GUESTS;
	/* The guarded world switch ends with LFENCE. */
	if (s->actions && !(cpu->extended21_eax & EXT21_EAX_LFENCE))
		s->actions |= SPECULATION_LFENCE;
}

/* Zen 3 and 4: the first microcode of each model and stepping, which stand above the last 8 bits, whose
 * VERW clears what TSA reads. */
static const uint32_t zen_verw[] = {
	0x0a0011d7, 0x0a00123b, 0x0a00820d, 0x0a10114c, 0x0a10124c, 0x0a108109,
	0x0a20102e, 0x0a201211, 0x0a404108, 0x0a500012, 0x0a60120a, 0x0a704108,
	0x0a705208, 0x0a708008, 0x0a70c008, 0x0aa00216,
};

bool speculation_microcode_verw(uint32_t revision)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(zen_verw); i++)
		if (zen_verw[i] >> 8 == revision >> 8)
			return revision >= zen_verw[i];
	return false;
}

void speculation_decide(const struct speculation_cpu *cpu, struct speculation *out)
{
	*out = (struct speculation){.capabilities = cpu->capabilities};
	if (cpu->vendor == VENDOR_INTEL)
		intel_decide(cpu, out);
	else if (cpu->vendor == VENDOR_AMD)
		amd_decide(cpu, out);
}

void speculation_force(const struct speculation_cpu *cpu, struct speculation *out)
{
	out->actions |= SPECULATION_FORCED | SPECULATION_VERW | SPECULATION_FILL;
	if ((cpu->leaf7_edx & LEAF7_EDX_IBRS) || (cpu->extended8_ebx & EXT8_EBX_IBPB))
		out->actions |= SPECULATION_IBPB | SPECULATION_IBPB_EXIT;
	if ((cpu->leaf7_edx & LEAF7_EDX_IBRS) || (cpu->extended8_ebx & EXT8_EBX_IBRS)) {
		out->actions |= SPECULATION_IBRS_EXIT;
		out->host_control |= CONTROL_IBRS;
	}
	if (cpu->leaf7_edx & LEAF7_EDX_L1D_FLUSH)
		out->actions |= SPECULATION_L1D;
}

uint32_t speculation_between_threads(const struct speculation *s)
{
	uint32_t leaks = s->leaks & (LEAK_TYPE | LEAK_L1TF | LEAK_MDS | LEAK_TAA);

	return s->actions & SPECULATION_TSX_OFF ? leaks & ~(uint32_t)LEAK_TAA : leaks;
}

void speculation_none(struct speculation *out)
{
	*out = (struct speculation){.leaks = out->leaks, .open = out->leaks};
}

/* SPDX-License-Identifier: MIT */
/*
 * What this machine does against leaks by speculation: asks the processor, lets the command line
 * have its word, sets on each CPU what is set once. The boot CPU's answer counts for all.
 */
#include <arch/cr.h>
#include <arch/msr.h>
#include <arch/speculation.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/string.h>

#define LEAF7_EDX_CAPABILITIES BIT(29)
#define SIGNATURE_FAMILY(s)    ((s) >> 8 & 0xf)
#define SIGNATURE_FAMILY_MORE  0xfu	   /* the extended family counts as well */
#define VENDOR_ECX_INTEL       0x6c65746eu /* "ntel" */
#define VENDOR_ECX_AMD	       0x444d4163u /* "cAMD" */
#define VENDOR_ECX_HYGON       0x656e6975u /* "uine" */
#define FEATURES_ECX_GUEST     BIT(31)	   /* a hypervisor shows this */
#define LEAF_TOPOLOGY	       0xbu
#define LEAF_AMD_TOPOLOGY      0x8000001eu
#define MSR_PATCH_LEVEL	       0x8bu
#define MSR_TSX_CTRL	       0x122u
#define TSX_CTRL_RTM_DISABLE   BIT(0)
#define TSX_CTRL_CPUID_CLEAR   BIT(1)
#define MSR_BP_CFG	       0xc001102eu
#define BP_CFG_SPEC_REDUCE     BIT(4)
#define MSR_DE_CFG	       0xc0011029u
#define DE_CFG_LFENCE	       BIT(1)
#define EFER_AIBRSE	       BIT(21)
#define WORDS_MAX	       192u

struct speculation speculation;
/* VERW's operand: a segment that can be written, for which it is quickest. */
const uint16_t speculation_selector = SELECTOR_KERNEL_DATA;

/* By bit, each ended by a zero. What makes LFENCE serialise, or is for guests alone, is not told. */
static const char action_words[] =
	"VERW\0IBPB at exits\0IBRS at exits\0return stack\0L1D flush\0IBPB\0"
	"IBRS\0automatic IBRS\0BHI_DIS_S\0BpSpecReduce\0TSX off\0\0\0forced";
static const char leak_words[] = "branch targets\0branch history\0returns\0L1TF\0MDS\0TAA\0"
				 "MMIO stale data\0RFDS\0TSA\0branch types";

static const char *words_of(uint32_t bits, const char *words, char *text)
{
	size_t at = 0;

	text[0] = '\0';
	for (; bits; bits >>= 1, words += strlen(words) + 1)
		if ((bits & 1) && *words)
			at += (size_t)format(text + at, WORDS_MAX - at, "%s%s", at ? ", " : "",
					     words);
	return text;
}

/* CPUID 1, EAX: the extended parts count from family 6 and 15 up. */
static void signature_decode(uint32_t signature, struct speculation_cpu *cpu)
{
	cpu->family = SIGNATURE_FAMILY(signature);
	cpu->model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);
	if (cpu->family == SIGNATURE_FAMILY_MORE)
		cpu->family += signature >> 20 & 0xff;
}

static enum speculation_vendor vendor_find(uint32_t ecx)
{
	if (ecx == VENDOR_ECX_INTEL)
		return VENDOR_INTEL;
	return ecx == VENDOR_ECX_AMD || ecx == VENDOR_ECX_HYGON ? VENDOR_AMD : VENDOR_OTHER;
}

/* A hypervisor tells by CPUID what there is. */
static void zen_ask(struct speculation_cpu *cpu)
{
	uint64_t revision;

	if (cpu->vendor != VENDOR_AMD || cpu->family < AMD_FAMILY_ZEN3 ||
	    (cpuid_get(1, 0).ecx & FEATURES_ECX_GUEST))
		return;
	/* They came together, and SBPB is #GP where it is not there. */
	if ((cpu->extended8_ebx & EXT8_EBX_IBPB) && msr_write_safe(MSR_PRED_CMD, PRED_CMD_SBPB))
		cpu->extended21_eax |= EXT21_EAX_SBPB | EXT21_EAX_IBPB_BRTYPE;
	if (msr_read_safe(MSR_PATCH_LEVEL, &revision) &&
	    speculation_microcode_verw((uint32_t)revision))
		cpu->extended21_eax |= EXT21_EAX_VERW_CLEAR;
}

static void cpu_ask(struct speculation_cpu *cpu)
{
	struct cpuid leaf7 = cpuid_get(7, 0), extended21 = cpuid_get(0x80000021, 0);

	memset(cpu, 0, sizeof(*cpu));
	cpu->vendor = vendor_find(cpuid_get(0, 0).ecx);
	signature_decode(cpuid_get(1, 0).eax, cpu);
	cpu->leaf7_ebx = leaf7.ebx;
	cpu->leaf7_edx = leaf7.edx;
	if (leaf7.eax >= 2)
		cpu->leaf7_2_edx = cpuid_get(7, 2).edx;
	cpu->extended8_ebx = cpuid_get(0x80000008, 0).ebx;
	cpu->extended21_eax = extended21.eax;
	cpu->extended21_ecx = extended21.ecx;
	if (leaf7.edx & LEAF7_EDX_CAPABILITIES)
		msr_read_safe(MSR_ARCH_CAPABILITIES, &cpu->capabilities);
	zen_ask(cpu);
}

static void command_line_obey(const struct speculation_cpu *cpu)
{
	char word[8] = "";

	if (!boot_option("mitigations"))
		return;
	boot_option_copy("mitigations", word, sizeof(word));
	if (strcmp(word, "off") == 0)
		speculation_none(&speculation);
	else if (strcmp(word, "force") == 0)
		speculation_force(cpu, &speculation);
	else
		log_warn("mitigations= is off or force");
}

void speculation_init(void)
{
	struct speculation_cpu cpu;
	char text[WORDS_MAX];

	cpu_ask(&cpu);
	speculation_decide(&cpu, &speculation);
	command_line_obey(&cpu);
	words_of(speculation.actions, action_words, text);
	log_info("speculation: %s", text[0]		? text
				    : speculation.leaks ? "nothing is done"
							: "nothing needed");
	if (speculation.open)
		log_warn("speculation: nothing closes %s: see docs/hardening.md",
			 words_of(speculation.open, leak_words, text));
}

static void msr_set(uint32_t action, uint32_t msr, uint64_t bits)
{
	uint64_t value;

	if (!(speculation.actions & action))
		return;
	if (!msr_read_safe(msr, &value) || !msr_write_safe(msr, value | bits))
		log_warn("speculation: CPU %u refuses MSR %#x", this_cpu()->index, msr);
}

void speculation_cpu_init(void)
{
	msr_set(SPECULATION_AUTO_IBRS, MSR_EFER, EFER_AIBRSE);
	msr_set(SPECULATION_BP_REDUCE, MSR_BP_CFG, BP_CFG_SPEC_REDUCE);
	msr_set(SPECULATION_LFENCE, MSR_DE_CFG, DE_CFG_LFENCE);
	msr_set(SPECULATION_TSX_OFF, MSR_TSX_CTRL, TSX_CTRL_RTM_DISABLE | TSX_CTRL_CPUID_CLEAR);
	/* Also when it is 0: the world switch counts on it. */
	if (speculation.host_control || (speculation.actions & SPECULATION_GUESTS))
		msr_write_safe(MSR_SPEC_CTRL, speculation.host_control);
}

/* So many lower bits of an APIC id tell the threads of a core apart. The first Zen and what was before it
 * have only AMD's own leaf. */
static uint32_t thread_bits(void)
{
	struct cpuid leaf = cpuid_get(LEAF_TOPOLOGY, 0);

	if (leaf.ebx & 0xffff)
		return leaf.eax & 0x1f;
	return cpuid_get(LEAF_AMD_TOPOLOGY, 0).ebx & 0xff00 ? 1 : 0;
}

void speculation_threads_check(void)
{
	uint32_t bits = thread_bits(), i, j;

	if (!speculation_between_threads(&speculation))
		return;
	for (i = 1; i < cpu_count; i++) {
		for (j = 0; j < i; j++) {
			if ((cpus[i]->arch.apic_id ^ cpus[j]->arch.apic_id) >> bits)
				continue;
			log_warn("speculation: threads share a core: see docs/hardening.md");
			return;
		}
	}
}

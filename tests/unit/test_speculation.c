/* SPDX-License-Identifier: MIT */
/* Which leaks processors have and what is done there, by the words of their CPUID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/speculation.h>
#include <cmocka.h>
#include <string.h>

/* CPUID 7, 0 */
#define RTM	   BIT(11)
#define MD_CLEAR   BIT(10)
#define IBRS	   (BIT(26) | BIT(27) | BIT(31)) /* with STIBP and SSBD */
#define L1D_FLUSH  BIT(28)
#define BHI_CTRL   BIT(4)
/* IA32_ARCH_CAPABILITIES */
#define RDCL_NO	   BIT(0)
#define IBRS_ALL   BIT(1)
#define SKIP_L1D   BIT(3)
#define MDS_NO	   BIT(5)
#define TSX_CTRL   BIT(7)
#define TAA_NO	   BIT(8)
#define MMIO_NO	   (BIT(13) | BIT(14) | BIT(15))
#define FB_CLEAR   BIT(17)
#define BHI_NO	   BIT(20)
#define PBRSB_NO   BIT(24)
#define RFDS_NO	   BIT(27)
#define RFDS_CLEAR BIT(28)
/* CPUID 0x80000008, 0x80000021 */
#define IBPB	   BIT(12)
#define AMD_IBRS   (BIT(14) | BIT(15) | BIT(24))
#define BTC_NO	   BIT(29)
#define LFENCE	   BIT(2)
#define VERW_CLEAR BIT(5)
#define AUTO_IBRS  BIT(8)
#define SBPB	   BIT(27)
#define BRTYPE	   BIT(28)
#define SRSO_NO	   BIT(29)
#define BP_REDUCE  BIT(31)
#define TSA_NO	   (BIT(1) | BIT(2))

#define INTEL(m) .vendor = VENDOR_INTEL, .family = 6, .model = (m)
#define AMD(f)	 .vendor = VENDOR_AMD, .family = (f)

/* The same on each that has a microcode for it. */
#define LEGACY	 (SPECULATION_IBPB | SPECULATION_IBRS_EXIT | SPECULATION_FILL | SPECULATION_GUESTS)
#define ENHANCED (SPECULATION_IBPB | SPECULATION_IBRS | SPECULATION_GUESTS)

static const struct processor {
	const char *name;
	struct speculation_cpu cpu;
	uint32_t actions, leaks, open;
	uint64_t host_control, guest_control;
	uint32_t between_threads;
} processors[] = {
	{"Skylake-SP",
	 {INTEL(0x55), .leaf7_ebx = RTM, .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH},
	 LEGACY | SPECULATION_L1D | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_L1TF | LEAK_MDS | LEAK_TAA | LEAK_MMIO,
	 0,
	 1,
	 0,
	 LEAK_L1TF | LEAK_MDS | LEAK_TAA},
	{"Skylake-SP with its first microcode, or an emulator's",
	 {INTEL(0x55), .leaf7_ebx = RTM},
	 0,
	 LEAK_BRANCH | LEAK_L1TF | LEAK_MDS | LEAK_TAA | LEAK_MMIO,
	 LEAK_BRANCH | LEAK_L1TF | LEAK_MDS | LEAK_TAA | LEAK_MMIO,
	 0,
	 0,
	 LEAK_L1TF | LEAK_MDS | LEAK_TAA},
	{"Skylake-SP with the microcode of January 2018",
	 {INTEL(0x55), .leaf7_edx = IBRS},
	 LEGACY,
	 LEAK_BRANCH | LEAK_L1TF | LEAK_MDS | LEAK_MMIO,
	 LEAK_L1TF | LEAK_MDS | LEAK_MMIO,
	 1,
	 0,
	 LEAK_L1TF | LEAK_MDS},
	{"Ivy Bridge",
	 {INTEL(0x3e), .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH},
	 LEGACY | SPECULATION_L1D | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_L1TF | LEAK_MDS,
	 0,
	 1,
	 0,
	 LEAK_L1TF | LEAK_MDS},
	{"Cascade Lake",
	 {INTEL(0x55), .leaf7_ebx = RTM, .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH,
	  .capabilities = RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO | TSX_CTRL | FB_CLEAR},
	 ENHANCED | SPECULATION_FILL | SPECULATION_TSX_OFF | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_HISTORY | LEAK_TAA | LEAK_MMIO,
	 0,
	 1,
	 1,
	 0},
	{"Cascade Lake whose microcode does not switch TSX off",
	 {INTEL(0x55), .leaf7_ebx = RTM, .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH,
	  .capabilities = RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO},
	 ENHANCED | SPECULATION_FILL,
	 LEAK_BRANCH | LEAK_HISTORY | LEAK_TAA | LEAK_MMIO,
	 LEAK_TAA | LEAK_MMIO,
	 1,
	 1,
	 LEAK_TAA},
	{"Sapphire Rapids as a hypervisor shows it, without the switch of the long history",
	 {INTEL(0x8f), .leaf7_edx = IBRS | L1D_FLUSH,
	  .capabilities = RDCL_NO | IBRS_ALL | MDS_NO | TAA_NO | MMIO_NO | PBRSB_NO | RFDS_NO},
	 ENHANCED,
	 LEAK_BRANCH | LEAK_HISTORY,
	 LEAK_HISTORY,
	 1,
	 1,
	 0},
	{"Tiger Lake",
	 {INTEL(0x8c), .leaf7_edx = IBRS | L1D_FLUSH,
	  .capabilities = RDCL_NO | IBRS_ALL | MDS_NO | TAA_NO | MMIO_NO | PBRSB_NO | RFDS_NO},
	 ENHANCED | SPECULATION_FILL,
	 LEAK_BRANCH | LEAK_HISTORY,
	 0,
	 1,
	 1,
	 0},
	{"Ice Lake-SP",
	 {INTEL(0x6a), .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH,
	  .capabilities = RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO | TAA_NO | FB_CLEAR},
	 ENHANCED | SPECULATION_FILL | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_HISTORY | LEAK_MMIO,
	 0,
	 1,
	 1,
	 0},
	{"Sapphire Rapids",
	 {INTEL(0x8f), .leaf7_ebx = RTM, .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH,
	  .leaf7_2_edx = BHI_CTRL,
	  .capabilities = RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO | TSX_CTRL | TAA_NO | MMIO_NO |
			  PBRSB_NO | RFDS_NO},
	 ENHANCED | SPECULATION_BHI_DIS_S,
	 LEAK_BRANCH | LEAK_HISTORY,
	 0,
	 0x401,
	 0x401,
	 0},
	{"Alder Lake",
	 {INTEL(0x97), .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH, .leaf7_2_edx = BHI_CTRL,
	  .capabilities = RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO | TAA_NO | MMIO_NO | RFDS_CLEAR},
	 ENHANCED | SPECULATION_BHI_DIS_S | SPECULATION_FILL | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_HISTORY | LEAK_RFDS,
	 0,
	 0x401,
	 0x401,
	 0},
	{"one to come, without any of it",
	 {INTEL(0xff), .leaf7_edx = IBRS | L1D_FLUSH,
	  .capabilities =
		  RDCL_NO | IBRS_ALL | MDS_NO | TAA_NO | MMIO_NO | BHI_NO | PBRSB_NO | RFDS_NO},
	 ENHANCED,
	 LEAK_BRANCH,
	 0,
	 1,
	 1,
	 0},
	{"Denverton with an old microcode",
	 {INTEL(0x5f), .leaf7_edx = IBRS},
	 LEGACY,
	 LEAK_BRANCH | LEAK_RFDS,
	 LEAK_RFDS,
	 1,
	 0,
	 0},
	{"Silvermont",
	 {INTEL(0x4d), .leaf7_edx = MD_CLEAR | IBRS},
	 LEGACY | SPECULATION_VERW,
	 LEAK_BRANCH | LEAK_MDS,
	 0,
	 1,
	 0,
	 LEAK_MDS},
	{"Zen",
	 {AMD(0x17), .model = 1, .extended8_ebx = IBPB},
	 SPECULATION_IBPB_EXIT | SPECULATION_FILL | SPECULATION_LFENCE | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_TYPE | LEAK_RETURN,
	 0,
	 0,
	 0,
	 LEAK_TYPE},
	{"Zen with its first microcode, or an emulator's",
	 {AMD(0x17), .model = 1},
	 0,
	 LEAK_BRANCH | LEAK_TYPE | LEAK_RETURN,
	 LEAK_BRANCH | LEAK_TYPE | LEAK_RETURN,
	 0,
	 0,
	 LEAK_TYPE},
	{"Zen 2",
	 {AMD(0x17), .model = 0x31, .extended8_ebx = IBPB | AMD_IBRS},
	 SPECULATION_IBPB_EXIT | SPECULATION_FILL | SPECULATION_LFENCE | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_TYPE | LEAK_RETURN,
	 0,
	 0,
	 0,
	 LEAK_TYPE},
	{"Bulldozer",
	 {AMD(0x15), .model = 2, .extended8_ebx = IBPB},
	 SPECULATION_IBPB_EXIT | SPECULATION_FILL | SPECULATION_LFENCE | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_TYPE,
	 0,
	 0,
	 0,
	 LEAK_TYPE},
	{"Zen 2 whose hypervisor keeps SMT off",
	 {AMD(0x17), .model = 0x31, .extended8_ebx = IBPB | AMD_IBRS, .extended21_eax = SRSO_NO},
	 SPECULATION_IBPB_EXIT | SPECULATION_FILL | SPECULATION_LFENCE | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_TYPE,
	 0,
	 0,
	 0,
	 LEAK_TYPE},
	{"Zen 2 that has neither leak of returns",
	 {AMD(0x17), .model = 0x31, .extended8_ebx = IBPB | AMD_IBRS | BTC_NO,
	  .extended21_eax = SRSO_NO},
	 LEGACY | SPECULATION_LFENCE,
	 LEAK_BRANCH,
	 0,
	 1,
	 0,
	 0},
	{"Zen 3",
	 {AMD(0x19), .model = 1, .extended8_ebx = IBPB | AMD_IBRS,
	  .extended21_eax = LFENCE | VERW_CLEAR | BRTYPE},
	 SPECULATION_IBPB_EXIT | SPECULATION_FILL | SPECULATION_VERW | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_RETURN | LEAK_TSA,
	 0,
	 0,
	 0,
	 0},
	{"Zen 3 with an old microcode",
	 {AMD(0x19), .model = 1, .extended8_ebx = IBPB | AMD_IBRS, .extended21_eax = LFENCE},
	 LEGACY,
	 LEAK_BRANCH | LEAK_RETURN | LEAK_TSA,
	 LEAK_RETURN | LEAK_TSA,
	 1,
	 0,
	 0},
	{"Zen 4",
	 {AMD(0x19), .model = 0x11, .extended8_ebx = IBPB | AMD_IBRS,
	  .extended21_eax = LFENCE | VERW_CLEAR | AUTO_IBRS | BRTYPE},
	 SPECULATION_IBPB_EXIT | SPECULATION_AUTO_IBRS | SPECULATION_VERW | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_RETURN | LEAK_TSA,
	 0,
	 0,
	 0,
	 0},
	{"Zen 5",
	 {AMD(0x1a), .model = 2, .extended8_ebx = IBPB | AMD_IBRS,
	  .extended21_eax = (uint32_t)(LFENCE | AUTO_IBRS | BRTYPE | BP_REDUCE)},
	 SPECULATION_IBPB | SPECULATION_AUTO_IBRS | SPECULATION_BP_REDUCE | SPECULATION_GUESTS,
	 LEAK_BRANCH | LEAK_RETURN,
	 0,
	 0,
	 0,
	 0},
	{"a Zen to come",
	 {AMD(0x1b), .extended8_ebx = IBPB | AMD_IBRS,
	  .extended21_eax = LFENCE | AUTO_IBRS | SRSO_NO, .extended21_ecx = TSA_NO},
	 SPECULATION_IBPB | SPECULATION_AUTO_IBRS | SPECULATION_GUESTS,
	 LEAK_BRANCH,
	 0,
	 0,
	 0,
	 0},
	{"QEMU's own processor", {AMD(6), .model = 6}, 0, 0, 0, 0, 0, 0},
	{"another vendor's", {.family = 7, .leaf7_edx = MD_CLEAR | IBRS}, 0, 0, 0, 0, 0, 0},
};

static void test_decide(void **state)
{
	const struct processor *p;
	struct speculation s;

	(void)state;
	for (p = processors; p < processors + ARRAY_SIZE(processors); p++) {
		memset(&s, 0xff, sizeof(s));
		speculation_decide(&p->cpu, &s);
		if (s.actions != p->actions || s.leaks != p->leaks || s.open != p->open)
			fail_msg("%s: actions %#x, leaks %#x, open %#x", p->name, s.actions,
				 s.leaks, s.open);
		assert_int_equal(s.host_control, p->host_control);
		assert_int_equal(s.guest_control, p->guest_control);
		assert_int_equal(s.capabilities, p->cpu.capabilities);
		assert_int_equal(speculation_between_threads(&s), p->between_threads);
		if (p->cpu.vendor == VENDOR_AMD && p->cpu.family >= 0x10)
			assert_int_equal(s.extended21_eax,
					 p->cpu.extended21_eax & (VERW_CLEAR | SBPB | BRTYPE));
		else
			assert_int_equal(s.extended21_eax, 0);
	}
}

/* TSX that was not switched off leaks to the other thread. */
static void test_between_threads(void **state)
{
	struct speculation_cpu cpu = {INTEL(0x55), .leaf7_ebx = RTM, .leaf7_edx = IBRS,
				      .capabilities =
					      RDCL_NO | IBRS_ALL | SKIP_L1D | MDS_NO | TSX_CTRL};
	struct speculation s;

	(void)state;
	speculation_decide(&cpu, &s);
	assert_int_equal(speculation_between_threads(&s), 0);
	speculation_none(&s);
	assert_int_equal(speculation_between_threads(&s), LEAK_TAA);
}

static void test_microcode(void **state)
{
	(void)state;
	assert_true(speculation_microcode_verw(0x0a0011d7)); /* Milan */
	assert_true(speculation_microcode_verw(0x0a0011ff));
	assert_false(speculation_microcode_verw(0x0a0011d6));
	assert_true(speculation_microcode_verw(0x0aa00216)); /* Bergamo */
	assert_false(speculation_microcode_verw(0x0aa00215));
	assert_false(speculation_microcode_verw(0x0aa001ff));
	assert_false(speculation_microcode_verw(0x0a0013ff)); /* a stepping that is not known */
	assert_false(speculation_microcode_verw(0));
}

/* Whatever a processor says: what is open is a leak, and what writes an MSR is there. */
static void test_sound(void **state)
{
	uint64_t seed = 1;
	uint32_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		struct speculation_cpu cpu;
		struct speculation s;
		uint32_t words[sizeof(cpu) / sizeof(uint32_t)];
		unsigned int n;
		bool ibpb, spec_ctrl;

		for (n = 0; n < ARRAY_SIZE(words); n++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			words[n] = (uint32_t)(seed >> 32);
		}
		memcpy(&cpu, words, sizeof(cpu));
		cpu.vendor = i & 1 ? VENDOR_INTEL : VENDOR_AMD;
		cpu.family = i & 1 ? 6 : 0x14 + (cpu.family & 7);
		cpu.model &= 0xff;
		if (i & 1)
			cpu.extended8_ebx = 0;
		else
			cpu.leaf7_edx = 0;
		speculation_decide(&cpu, &s);
		ibpb = (cpu.leaf7_edx & BIT(26)) || (cpu.extended8_ebx & BIT(12));
		spec_ctrl = (cpu.leaf7_edx & BIT(26)) || (cpu.extended8_ebx & BIT(14));
		assert_int_equal(s.open & ~s.leaks, 0);
		assert_true(ibpb || !(s.actions & (SPECULATION_IBPB | SPECULATION_IBPB_EXIT)));
		assert_true(spec_ctrl || !(s.host_control | s.guest_control));
		assert_true(s.host_control || !(s.actions & SPECULATION_IBRS_EXIT));
		assert_true((cpu.leaf7_edx & BIT(28)) || !(s.actions & SPECULATION_L1D));
		/* Bits that stay set in guests are the host's: no entry has to clear one. */
		assert_int_equal(s.guest_control & ~s.host_control, 0);
		/* Nothing of a guest's predictions may come to another, unless that is said. */
		assert_true((s.open & LEAK_BRANCH) ||
			    (s.actions & (SPECULATION_IBPB | SPECULATION_IBPB_EXIT)));
	}
}

static void test_command_line(void **state)
{
	struct speculation_cpu cpu = {INTEL(0x55), .leaf7_edx = MD_CLEAR | IBRS | L1D_FLUSH};
	struct speculation_cpu none = {AMD(6)};
	struct speculation s;

	(void)state;
	speculation_decide(&cpu, &s);
	speculation_none(&s);
	assert_int_equal(s.actions | s.host_control | s.guest_control | s.capabilities, 0);
	assert_int_equal(s.open, LEAK_BRANCH | LEAK_L1TF | LEAK_MDS | LEAK_MMIO);
	speculation_decide(&none, &s);
	speculation_force(&none, &s);
	assert_int_equal(s.actions, SPECULATION_FORCED | SPECULATION_VERW | SPECULATION_FILL);
	assert_int_equal(s.host_control, 0);
	speculation_decide(&cpu, &s);
	speculation_force(&cpu, &s);
	assert_int_equal(s.actions, LEGACY | SPECULATION_FORCED | SPECULATION_VERW |
					    SPECULATION_L1D | SPECULATION_IBPB_EXIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide),	     cmocka_unit_test(test_between_threads),
		cmocka_unit_test(test_microcode),    cmocka_unit_test(test_sound),
		cmocka_unit_test(test_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

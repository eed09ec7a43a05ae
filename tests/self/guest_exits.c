/* SPDX-License-Identifier: MIT */
/* Exits: what the kernel handles by itself and what it tells the VMM. */
#include "guest.h"
#include <arch/cr.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>

GUEST_CODE_DECLARE(out);
GUEST_CODE_DECLARE(in);
GUEST_CODE_DECLARE(cpuid);
GUEST_CODE_DECLARE(msr);
GUEST_CODE_DECLARE(tsc_aux);
GUEST_CODE_DECLARE(undefined);
GUEST_CODE_DECLARE(triple_fault);
GUEST_CODE_DECLARE(mmio);
GUEST_CODE_DECLARE(string_io);
GUEST_CODE_DECLARE(cr4);
GUEST_CODE_DECLARE(cr4_read);
GUEST_CODE_DECLARE(control);
GUEST_CODE_DECLARE(mended);
GUEST_CODE_DECLARE(xsetbv);
GUEST_CODE_DECLARE(xsetbv_user);
GUEST_CODE_DECLARE(fpu);
GUEST_CODE_DECLARE(debug);
GUEST_CODE_DECLARE(watch);
GUEST_CODE_DECLARE(watch_data);
extern const char guest_control_gp[], guest_mended_gp[], guest_msr_gp[], guest_cr4_gp[],
	guest_undefined_ud[], guest_xsetbv_gp[], guest_xsetbv_user_gp[], guest_debug_db[];

#define EFER_VISIBLE	 0xd01u /* SCE, LME, LMA, NXE: no SVME */
#define CPUID_HYPERVISOR BIT(31)
#define TSS_RSP0	 4u
#define TSS_LIMIT	 0x67u
#define ATTRIBUTES_TSS	 0x008bu

SELFTEST(exit_port_out)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11) && g.run->port.size == 1);
	GUEST_CHECK(&g, guest_says(&g, 0x2233) && g.run->port.size == 2);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO);
	GUEST_CHECK(&g, g.run->port.port == 0x1234 && g.run->port.size == 4);
	GUEST_CHECK(&g, g.run->port.value == 0x44556677);
	GUEST_CHECK(&g, guest_says(&g, 0));
	guest_destroy(&g);
}

/* VMX leaves a GDT limit of 0xffff: ring 3 would find descriptors in what lies behind the table. */
SELFTEST(exit_keeps_host_gdt)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} before, after;
	struct test_guest g;

	GUEST_SETUP(&g);
	__asm__ volatile("sgdt %0" : "=m"(before));
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	__asm__ volatile("sgdt %0" : "=m"(after));
	GUEST_CHECK(&g, after.limit == before.limit && after.limit < 0xfff);
	guest_destroy(&g);
}

SELFTEST(exit_port_in)
{
	struct test_guest g;
	unsigned int i;

	GUEST_SETUP(&g);
	guest_start(&g, in);
	for (i = 0; i < 3; i++) {
		GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO && !g.run->port.write);
		GUEST_CHECK(&g, g.run->port.size == 1u << i);
		g.run->port.value = 0xaabbccdd;
	}
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RBX) == 0x11223344556677dd);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RCX) == 0x112233445566ccdd);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RSI) == 0xaabbccdd);
	guest_destroy(&g);
}

SELFTEST(exit_cpuid)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, cpuid);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_PORT_IO);
	GUEST_CHECK(&g, g.run->port.value & CPUID_HYPERVISOR);
	GUEST_CHECK(&g, guest_says(&g, 2));
	GUEST_CHECK(&g, (uint32_t)guest_register(&g, HV_X64_REGISTER_RBX) != 0);
	GUEST_CHECK(&g, g.vp->stats->exits[VP_EXIT_CPUID] == 2);
	guest_destroy(&g);
}

SELFTEST(exit_msr)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, msr);
	guest_vector_set(&g, 13, (uintptr_t)guest_msr_gp);
	GUEST_CHECK(&g, guest_says(&g, EFER_VISIBLE));
	GUEST_CHECK(&g, guest_says(&g, 0)); /* the error code */
	GUEST_CHECK(&g, guest_says(&g, 0)); /* RIP less the address of the RDMSR */
	GUEST_CHECK(&g, guest_says(&g, 1)); /* RFLAGS.RF in the frame */
	guest_destroy(&g);
}

/* Software may move its APIC; not to where no address can be. */
SELFTEST(registers_apic_base)
{
	const uint32_t name = HV_X64_REGISTER_APIC_BASE;
	union hv_register_value value = {.reg64 = 0xfed00900};
	struct test_guest g;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, guest_register(&g, name) == 0xfee00900);
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, &name, &value, 1) == STATUS_OK);
	GUEST_CHECK(&g, guest_register(&g, name) == 0xfed00900);
	value.reg64 = BIT(52);
	GUEST_CHECK(&g, arch_vp_set_registers(g.vp, 0, &name, &value, 1) ==
				STATUS_INVALID_REGISTER_VALUE);
	GUEST_CHECK(&g, guest_register(&g, name) == 0xfed00900);
	guest_destroy(&g);
}

SELFTEST(exit_tsc_aux)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	if (!(g.partition->arch.instructions & INSTRUCTION_RDTSCP)) {
		guest_destroy(&g);
		SKIP("the processor has no RDTSCP");
	}
	guest_start(&g, tsc_aux);
	GUEST_CHECK(&g, guest_says(&g, 0x1234567));
	guest_destroy(&g);
}

SELFTEST(exit_undefined_instructions)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, undefined);
	guest_vector_set(&g, 6, (uintptr_t)guest_undefined_ud);
	GUEST_CHECK(&g, guest_says(&g, 0x404));
	guest_destroy(&g);
}

SELFTEST(exit_triple_fault)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, triple_fault);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_TRIPLE_FAULT);
	/* It stays down, and a reset brings it up again. */
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_TRIPLE_FAULT);
	GUEST_CHECK(&g, vp_reset(g.vp) == STATUS_OK);
	guest_start(&g, out);
	GUEST_CHECK(&g, guest_says(&g, 0x11));
	guest_destroy(&g);
}

/* What a VMM does with an exit for emulation: the registers change, RIP goes on. */
static void emulated(struct test_guest *g, unsigned int length)
{
	g->run->regs.rip += length;
	g->run->set = VP_SET_GPRS;
}

SELFTEST(exit_mmio)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, mmio);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	GUEST_CHECK(&g, g.run->emulate.flags == (EMULATE_MEMORY | EMULATE_WRITE));
	GUEST_CHECK(&g, g.run->emulate.gpa == 0x30000010);
	GUEST_CHECK(&g, g.run->regs.gpr[GPR_RDI] == 0x30000000);
	GUEST_CHECK(&g, g.run->regs.segment[SEGMENT_CS].selector == GUEST_CS);
	emulated(&g, 7);
	GUEST_CHECK(&g, guest_says(&g, 3));
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	GUEST_CHECK(&g, g.run->emulate.flags == EMULATE_MEMORY);
	g.run->regs.gpr[GPR_RBX] = 0x77;
	emulated(&g, 3);
	GUEST_CHECK(&g, guest_says(&g, 4));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RBX) == 0x77);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	GUEST_CHECK(&g, g.run->emulate.flags == (EMULATE_MEMORY | EMULATE_FETCH));
	guest_destroy(&g);
}

SELFTEST(exit_string_io)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, string_io);
	GUEST_CHECK(&g, guest_run(&g) == VP_RUN_EMULATE);
	GUEST_CHECK(&g, g.run->emulate.flags == EMULATE_PORT);
	GUEST_CHECK(&g, g.run->regs.gpr[GPR_RCX] == 3);
	emulated(&g, 2);
	GUEST_CHECK(&g, guest_says(&g, 5));
	guest_destroy(&g);
}

/* CR4 is checked whether the processor decodes the MOV or the VMM does. */
SELFTEST(exit_cr4)
{
	struct test_guest g;
	uint32_t ended;

	GUEST_SETUP(&g);
	guest_start(&g, cr4);
	guest_vector_set(&g, 13, (uintptr_t)guest_cr4_gp);
	ended = guest_run(&g);
	if (ended == VP_RUN_EMULATE) {
		GUEST_CHECK(&g, g.run->emulate.flags == EMULATE_CR);
		g.run->regs.cr4 = g.run->regs.gpr[GPR_RAX];
		g.run->regs.rip += 3;
		g.run->set = VP_SET_GPRS | VP_SET_CRS;
		ended = guest_run(&g);
	}
	GUEST_CHECK(&g, ended == VP_RUN_PORT_IO && g.run->port.value == 0); /* from #GP's handler */
	guest_destroy(&g);
}

/* The processor runs with CR4.MCE set, whatever the guest has there; the guest sees its own. */
SELFTEST(exit_cr4_shows_its_own_mce)
{
	static const uint64_t values[] = {0, CR4_MCE};
	struct test_guest g;
	uint32_t i, ended;
	uint64_t cr4;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		GUEST_SETUP(&g);
		guest_start(&g, cr4_read);
		cr4 = (guest_register(&g, HV_X64_REGISTER_CR4) & ~CR4_MCE) | values[i];
		GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_CR4, cr4));
		GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_CR4) == cr4);
		ended = guest_run(&g);
		if (ended == VP_RUN_EMULATE) {
			GUEST_CHECK(&g, g.run->emulate.flags == EMULATE_CR);
			g.run->regs.gpr[GPR_RAX] = g.run->regs.cr4;
			g.run->regs.rip += 3;
			g.run->set = VP_SET_GPRS;
			ended = guest_run(&g);
		}
		GUEST_CHECK(&g, ended == VP_RUN_PORT_IO && g.run->port.value == cr4);
		guest_destroy(&g);
	}
}

/* The VMM's part: a MOV of RAX to CR0 or CR3, which the guest makes at `rip`. */
static void move_to_control(struct test_guest *g)
{
	const uint8_t *code = g->ram + g->run->regs.rip;

	if ((code[2] >> 3 & 7) == 3)
		g->run->regs.cr3 = g->run->regs.gpr[GPR_RAX];
	else
		g->run->regs.cr0 = g->run->regs.gpr[GPR_RAX];
	g->run->regs.rip += 3;
	g->run->set = VP_SET_GPRS | VP_SET_CRS;
}

SELFTEST(exit_control_registers)
{
	struct test_guest g;
	uint32_t ended;

	GUEST_SETUP(&g);
	guest_start(&g, control);
	guest_vector_set(&g, 13, (uintptr_t)guest_control_gp);
	while ((ended = guest_run(&g)) == VP_RUN_EMULATE) {
		GUEST_CHECK(&g, g.run->emulate.flags == EMULATE_CR);
		move_to_control(&g);
	}
	GUEST_CHECK(&g, ended == VP_RUN_PORT_IO && g.run->port.value == 3);
	guest_destroy(&g);
}

/* Emulators let a guest write what makes VMRUN refuse its state: it goes on all the same. */
SELFTEST(exit_state_mended)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, mended);
	guest_vector_set(&g, 13, (uintptr_t)guest_mended_gp);
	GUEST_CHECK(&g, guest_says(&g, 0x44));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_DR7) == 0x400);
	guest_destroy(&g);
}

SELFTEST(exit_xsetbv)
{
	struct test_guest g;
	uint32_t ended;

	GUEST_SETUP(&g);
	if (!(g.partition->arch.cr4_allowed & CR4_OSXSAVE)) {
		guest_destroy(&g);
		SKIP("the processor has no XSAVE");
	}
	guest_start(&g, xsetbv);
	guest_vector_set(&g, 13, (uintptr_t)guest_xsetbv_gp);
	ended = guest_run(&g);
	if (ended == VP_RUN_EMULATE) {
		g.run->regs.cr4 = g.run->regs.gpr[GPR_RAX];
		g.run->regs.rip += 3;
		g.run->set = VP_SET_GPRS | VP_SET_CRS;
		ended = guest_run(&g);
	}
	GUEST_CHECK(&g, ended == VP_RUN_PORT_IO && g.run->port.value == 8);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_XFEM) == 3);
	GUEST_CHECK(&g, guest_says(&g, 9));
	guest_destroy(&g);
}

/* To ring 3, with a task-state segment that has a stack for the way back. */
static void guest_enter_user(struct test_guest *g)
{
	static const unsigned int data[] = {SEGMENT_ES, SEGMENT_SS, SEGMENT_DS};
	const uint64_t stack = GUEST_STACK;
	struct guest_state state;
	unsigned int i;

	memcpy(g->ram + GUEST_DATA + TSS_RSP0, &stack, sizeof(stack));
	backend->arch.state_get(g->vp, 0, STATE_ALL, &state);
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		state.segment[data[i]].selector |= 3;
		state.segment[data[i]].attributes |= HV_SEGMENT_DPL_MASK;
	}
	state.segment[SEGMENT_CS].selector |= 3;
	state.segment[SEGMENT_CS].attributes |= HV_SEGMENT_DPL_MASK;
	state.segment[SEGMENT_TR] = (struct hv_x64_segment_register){
		.base = GUEST_DATA, .limit = TSS_LIMIT, .attributes = ATTRIBUTES_TSS};
	backend->arch.state_set(g->vp, 0, STATE_ALL, &state);
	g->vp->vtl[0]->arch.rflags |= RFLAGS_IOPL;
}

/* Whether the exit comes before the check of the privilege level depends on the processor. */
SELFTEST(exit_xsetbv_in_ring_3)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	if (!(g.partition->arch.cr4_allowed & CR4_OSXSAVE)) {
		guest_destroy(&g);
		SKIP("the processor has no XSAVE");
	}
	guest_start(&g, xsetbv_user);
	guest_vector_set(&g, 13, (uintptr_t)guest_xsetbv_user_gp);
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_XFEM, 3));
	GUEST_CHECK(&g, guest_register_set(&g, HV_X64_REGISTER_CR4,
					   CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE));
	guest_enter_user(&g);
	GUEST_CHECK(&g, guest_says(&g, 9));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_XFEM) == 3);
	guest_destroy(&g);
}

SELFTEST(exit_keeps_fpu)
{
	struct test_guest g, other;

	GUEST_SETUP(&g);
	GUEST_CHECK(&g, guest_create(&other));
	guest_start(&g, fpu);
	guest_start(&other, fpu);
	GUEST_CHECK(&g, guest_says(&g, 10));
	GUEST_CHECK(&g, guest_says(&other, 10)); /* the registers change hands twice */
	GUEST_CHECK(&g, guest_says(&g, 0));
	guest_destroy(&other);
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_RBX) == 0x1122334455667788);
	guest_destroy(&g);
}

SELFTEST(exit_debug_registers)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, debug);
	guest_vector_set(&g, 1, (uintptr_t)guest_debug_db);
	GUEST_CHECK(&g, guest_says(&g, 0)); /* DR0 reads as written */
	GUEST_CHECK(&g, guest_says(&g, 1)); /* DR6.B0 */
	guest_destroy(&g);
}

SELFTEST(exit_data_breakpoint)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, watch_data);
	GUEST_CHECK(&g, guest_says(&g, 1));
	GUEST_CHECK(&g, guest_register(&g, HV_X64_REGISTER_DR7) == 0xd0402);
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

SELFTEST(exit_breakpoint_in_the_kernel)
{
	struct test_guest g;

	GUEST_SETUP(&g);
	guest_start(&g, watch);
	g.vp->arch.gpr[GPR_RBX] = (uintptr_t)arch_vp_prepare;
	GUEST_CHECK(&g, guest_says(&g, 1));
	g.vp->arch.gpr[GPR_RBX] = 0;
	GUEST_CHECK(&g, guest_says(&g, 2));
	guest_destroy(&g);
}

/* SPDX-License-Identifier: MIT */
/* Making and running the tiny guests of the self tests: see guest.h. */
#include "guest.h"
#include <arch/cr.h>
#include <arch/msr.h>
#include <kernel/cpu.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/partition_arch.h>
#include <kernel/string.h>

#define RAM_ORDER	8u
#define PTE_TABLE	(BIT(0) | BIT(1) | BIT(2))
#define PTE_LARGE	(PTE_TABLE | BIT(7))
#define GATE_INTERRUPT	0x8e00u
#define DESCRIPTOR_CODE 0x00209b0000000000ull
#define DESCRIPTOR_DATA 0x0000930000000000ull
#define ATTRIBUTES_CODE 0xa09bu
#define ATTRIBUTES_DATA 0xc093u
#define IDLE_ROUNDS	10000u

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t attributes;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

bool guests_can_run(const char **reason)
{
	status_t status = hypervisor_available();

	*reason = status_words(status);
	return status == STATUS_OK;
}

static bool create(struct test_guest *guest, uint32_t vp_count, const struct cpuid_leaf *leaves,
		   uint32_t leaf_count, uint32_t flags)
{
	const struct proto_partition_config config = {
		.vp_count = vp_count,
		.apic_mode = APIC_MODE_X2APIC_SUPPORTED,
		.flags = flags,
	};
	struct gpa_space *space;

	memset(guest, 0, sizeof(*guest));
	guest->ram = page_alloc(&kernel_heap, RAM_ORDER);
	guest->run = page_alloc(&kernel_heap, 0);
	if (!guest->ram || !guest->run ||
	    proto_partition_create(NULL, &config, &guest->partition) != STATUS_OK ||
	    proto_partition_build(guest->partition, leaves, leaf_count) != STATUS_OK) {
		guest_destroy(guest);
		return false;
	}
	guest->vp = partition_vp(guest->partition, 0);
	guest->vp->run = guest->run;
	space = partition_space(guest->partition, 0);
	if (gpa_map(space, 0, kva_to_hpa(guest->ram), GUEST_RAM, GPA_WRITABLE | GPA_EXECUTABLE) !=
	    STATUS_OK) {
		guest_destroy(guest);
		return false;
	}
	return true;
}

bool guest_create(struct test_guest *guest)
{
	return create(guest, 1, NULL, 0, 0);
}

bool guest_create_flags(struct test_guest *guest, uint32_t flags)
{
	return create(guest, 1, NULL, 0, flags);
}

bool guest_create_leaves(struct test_guest *guest, const struct cpuid_leaf *leaves, uint32_t count)
{
	return create(guest, 1, leaves, count, 0);
}

bool guest_create_vps(struct test_guest *guest, uint32_t vp_count)
{
	return create(guest, vp_count, NULL, 0, 0);
}

bool guest_create_vps_leaves(struct test_guest *guest, uint32_t vp_count,
			     const struct cpuid_leaf *leaves, uint32_t count)
{
	return create(guest, vp_count, leaves, count, 0);
}

bool guest_create_vps_flags(struct test_guest *guest, uint32_t vp_count, uint32_t flags)
{
	return create(guest, vp_count, NULL, 0, flags);
}

void guest_destroy(struct test_guest *guest)
{
	if (guest->vp)
		arch_vp_unbind(guest->vp);
	if (guest->partition)
		partition_put(guest->partition);
	if (guest->run)
		page_free(&kernel_heap, guest->run, 0);
	if (guest->ram)
		page_free(&kernel_heap, guest->ram, RAM_ORDER);
	memset(guest, 0, sizeof(*guest));
}

/* The first 4 GiB by 2 MiB pages would cost four tables; the first 2 MiB and, for what lies
 * outside memory, the second GiB are enough. */
static void tables_write(struct test_guest *guest)
{
	uint64_t *gdt = (uint64_t *)(guest->ram + GUEST_GDT);
	uint64_t *pml4 = (uint64_t *)(guest->ram + GUEST_PAGE_TABLES);
	uint64_t *pdpt = pml4 + 512, *directory = pml4 + 1024;
	unsigned int i;

	gdt[GUEST_CS / 8] = DESCRIPTOR_CODE;
	gdt[GUEST_DS / 8] = DESCRIPTOR_DATA;
	pml4[0] = (GUEST_PAGE_TABLES + PAGE_SIZE) | PTE_TABLE;
	pdpt[0] = (GUEST_PAGE_TABLES + 2 * PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < 512; i++)
		directory[i] = (i * LARGE_PAGE_SIZE) | PTE_LARGE;
}

static void state_set(struct test_guest *guest)
{
	const struct hv_x64_segment_register data = {
		.limit = UINT32_MAX,
		.selector = GUEST_DS,
		.attributes = ATTRIBUTES_DATA,
	};
	struct guest_state state;
	struct vp *vp = guest->vp;
	unsigned int i;

	backend->arch.state_get(vp, 0, STATE_ALL, &state);
	for (i = SEGMENT_ES; i <= SEGMENT_GS; i++)
		state.segment[i] = data;
	state.segment[SEGMENT_CS].selector = GUEST_CS;
	state.segment[SEGMENT_CS].attributes = ATTRIBUTES_CODE;
	state.gdtr.base = GUEST_GDT;
	state.gdtr.limit = 3 * 8 - 1;
	state.idtr.base = GUEST_IDT;
	state.idtr.limit = 256 * sizeof(struct gate) - 1;
	state.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP | CR0_MP;
	state.cr3 = GUEST_PAGE_TABLES;
	state.cr4 = CR4_PAE | CR4_OSFXSR | CR4_MCE;
	state.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
	backend->arch.state_set(vp, 0, STATE_ALL, &state);
	vp->vtl[0]->arch.rip = GUEST_CODE;
	vp->vtl[0]->arch.rflags = RFLAGS_FIXED;
	vp->arch.gpr[GPR_RSP] = GUEST_STACK;
}

void guest_start_code(struct test_guest *guest, const char *code, const char *end)
{
	memcpy(guest->ram + GUEST_CODE, code, (size_t)(end - code));
	memset(guest->ram + GUEST_IDT, 0, PAGE_SIZE);
	tables_write(guest);
	state_set(guest);
}

void guest_vector_set(struct test_guest *guest, unsigned int vector, uint64_t handler)
{
	struct gate *gate = (struct gate *)(guest->ram + GUEST_IDT) + vector;
	uint64_t offset = GUEST_CODE + handler;

	gate->offset_low = (uint16_t)offset;
	gate->offset_middle = (uint16_t)(offset >> 16);
	gate->offset_high = (uint32_t)(offset >> 32);
	gate->selector = GUEST_CS;
	gate->attributes = GATE_INTERRUPT;
}

/* Nobody else makes requests of this VP but interrupts of this CPU, which come in arch_idle(). */
uint32_t guest_run(struct test_guest *guest)
{
	struct vp *vp = guest->vp;
	unsigned int rounds;

	arch_vp_resume(vp);
	for (rounds = 0; rounds < IDLE_ROUNDS; rounds++) {
		if (vp_run(vp) == VP_TO_VMM)
			return guest->run->reason;
		atomic_store(&vp->run_state, VP_READY);
		if (!atomic_load(&vp->requests))
			arch_idle();
	}
	return VP_RUN_NONE;
}

bool guest_says(struct test_guest *guest, uint32_t value)
{
	uint32_t reason = guest_run(guest);

	return reason == VP_RUN_PORT_IO && guest->run->port.write &&
	       guest->run->port.port == GUEST_PORT && guest->run->port.value == value;
}

uint64_t guest_register(struct test_guest *guest, uint32_t name)
{
	union hv_register_value value = {.low = 0};

	if (arch_vp_get_registers(guest->vp, 0, &name, &value, 1) != STATUS_OK)
		return UINT64_MAX;
	return value.reg64;
}

bool guest_register_set(struct test_guest *guest, uint32_t name, uint64_t value)
{
	const union hv_register_value v = {.reg64 = value};

	return arch_vp_set_registers(guest->vp, 0, &name, &v, 1) == STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/* Making and running the tiny guests of the self tests: see guest.h. */
#include "guest.h"
#include <kernel/cpu.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define RAM_ORDER   8u
#define IDLE_ROUNDS 10000u

extern const char guest_vectors[], guest_vectors_end[];

bool guests_can_run(const char **reason)
{
	status_t status = hypervisor_available();

	*reason = status_words(status);
	return status == STATUS_OK;
}

static bool create(struct test_guest *guest, const struct proto_partition_config *config)
{
	struct gpa_space *space;

	guest->ram = page_alloc(&kernel_heap, RAM_ORDER);
	guest->run = page_alloc(&kernel_heap, 0);
	guest->second = page_alloc(&kernel_heap, 0);
	if (!guest->ram || !guest->run || !guest->second ||
	    proto_partition_create(NULL, config, &guest->partition) != STATUS_OK ||
	    proto_partition_build(guest->partition, NULL, 0) != STATUS_OK)
		return false;
	guest->vp = partition_vp(guest->partition, 0);
	guest->vp->run = guest->run;
	if (config->vp_count > 1)
		partition_vp(guest->partition, 1)->run = guest->second;
	space = partition_space(guest->partition, 0);
	return gpa_map(space, 0, kva_to_hpa(guest->ram), GUEST_RAM,
		       GPA_WRITABLE | GPA_EXECUTABLE) == STATUS_OK;
}

bool guest_create_flags(struct test_guest *guest, uint32_t vp_count, uint32_t flags)
{
	const struct proto_partition_config config = {
		.vp_count = vp_count,
		.flags = flags,
		.spi_count = GUEST_SPIS,
		.gic_distributor = GUEST_GICD,
		.gic_redistributors = GUEST_GICR,
	};

	memset(guest, 0, sizeof(*guest));
	if (create(guest, &config))
		return true;
	guest_destroy(guest);
	return false;
}

void guest_destroy(struct test_guest *guest)
{
	uint32_t i;

	for (i = 0; guest->vp && i < guest->partition->vp_count; i++)
		arch_vp_unbind(guest->partition->vps[i]);
	if (guest->partition)
		partition_put(guest->partition);
	if (guest->run)
		page_free(&kernel_heap, guest->run, 0);
	if (guest->second)
		page_free(&kernel_heap, guest->second, 0);
	if (guest->ram)
		page_free(&kernel_heap, guest->ram, RAM_ORDER);
	memset(guest, 0, sizeof(*guest));
}

void guest_start_code(struct test_guest *guest, const char *code, const char *end)
{
	memcpy(guest->ram + GUEST_CODE, code, (size_t)(end - code));
	memcpy(guest->ram + GUEST_VECTORS, guest_vectors,
	       (size_t)(guest_vectors_end - guest_vectors));
	(void)!guest_register_set(guest, HV_ARM64_REGISTER_PC, GUEST_CODE);
	(void)!guest_register_set(guest, HV_ARM64_REGISTER_SP_EL1, GUEST_STACK);
	(void)!guest_register_set(guest, HV_ARM64_REGISTER_VBAR_EL1, GUEST_VECTORS);
}

/* Nobody else makes requests of this VP but interrupts of this CPU, which come in arch_idle(). */
uint32_t guest_run_vp(struct test_guest *guest, struct vp *vp)
{
	unsigned int rounds;

	(void)guest;
	arch_vp_resume(vp);
	for (rounds = 0; rounds < IDLE_ROUNDS; rounds++) {
		if (vp_run(vp) == VP_TO_VMM)
			return vp->run->reason;
		atomic_store(&vp->run_state, VP_READY);
		if (!atomic_load(&vp->requests))
			arch_idle();
	}
	return VP_RUN_NONE;
}

uint32_t guest_run(struct test_guest *guest)
{
	return guest_run_vp(guest, guest->vp);
}

/* There is no thread that could be woken. */
bool guest_blocks(struct vp *vp)
{
	enum vp_outcome outcome;

	arch_vp_resume(vp);
	do {
		outcome = vp_run(vp);
	} while (outcome == VP_SWITCH);
	atomic_store(&vp->run_state, VP_READY);
	return outcome == VP_BLOCK;
}

uint64_t guest_tells(struct test_guest *guest)
{
	const struct vp_run_page *run = guest->run;

	if (guest_run(guest) != VP_RUN_MMIO || !run->mmio.write || run->mmio.gpa != GUEST_PORT)
		return UINT64_MAX;
	return run->mmio.value;
}

bool guest_says(struct test_guest *guest, uint32_t value)
{
	return guest_tells(guest) == value;
}

uint64_t guest_register(struct test_guest *guest, uint32_t name)
{
	union hv_register_value value;

	if (arch_vp_get_registers(guest->vp, 0, &name, &value, 1) != STATUS_OK)
		return UINT64_MAX;
	return value.reg64;
}

bool guest_register_set(struct test_guest *guest, uint32_t name, uint64_t value)
{
	const union hv_register_value v = {.low = value};

	return arch_vp_set_registers(guest->vp, 0, &name, &v, 1) == STATUS_OK;
}

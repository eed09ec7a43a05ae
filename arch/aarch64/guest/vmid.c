/* SPDX-License-Identifier: MIT */
#include "vmid.h"
#include <kernel/lock.h>
#include <kernel/string.h>

#define WORD_BITS 64u

static struct spinlock lock; /* protects all below, and what CPUs keep */
static struct vmid_cpu *cpus;
static uint64_t used[BIT(VMID_BITS_MAX) / WORD_BITS];
_Atomic uint64_t vmid_generation;
static uint32_t limit, first_vmid, hint;

__cold void vmid_init(uint32_t bits, uint32_t first)
{
	limit = 1u << bits;
	first_vmid = hint = first;
	memset(used, 0, sizeof(used));
	cpus = NULL;
	atomic_store(&vmid_generation, BIT(VMID_BITS_MAX));
}

__cold void vmid_cpu_add(struct vmid_cpu *cpu)
{
	spin_lock(&lock);
	cpu->flush = true; /* of what was there before */
	cpu->next = cpus;
	cpus = cpu;
	spin_unlock(&lock);
}

static void use(uint32_t number)
{
	used[number / WORD_BITS] |= BIT(number % WORD_BITS);
}

/* What a CPU is at, or was when the last generation began and has been since, keeps its number. */
static __cold void generation_begin(void)
{
	struct vmid_cpu *cpu;

	memset(used, 0, sizeof(used));
	atomic_fetch_add(&vmid_generation, BIT(VMID_BITS_MAX));
	for (cpu = cpus; cpu; cpu = cpu->next) {
		uint64_t active = atomic_exchange(&cpu->active, 0);

		if (active)
			cpu->kept = active;
		if (cpu->kept)
			use((uint32_t)(cpu->kept & MASK(VMID_BITS_MAX)));
		cpu->flush = true;
	}
	hint = first_vmid;
}

/* 0: all are used. */
static uint32_t number_take(void)
{
	uint32_t n;

	for (n = hint; n < limit; n++) {
		if (used[n / WORD_BITS] >> n % WORD_BITS & 1)
			continue;
		use(n);
		hint = n + 1;
		return n;
	}
	return 0;
}

/* All CPUs that kept it have it of this generation from now on. */
static bool is_kept(uint64_t old, uint64_t new)
{
	struct vmid_cpu *cpu;
	bool kept = false;

	for (cpu = cpus; cpu; cpu = cpu->next) {
		if (!old || cpu->kept != old)
			continue;
		cpu->kept = new;
		kept = true;
	}
	return kept;
}

static uint64_t value_new(uint64_t old)
{
	uint64_t same = atomic_load(&vmid_generation) | (old & MASK(VMID_BITS_MAX));
	uint32_t number;

	if (is_kept(old, same))
		return same;
	number = number_take();
	if (!number) {
		generation_begin();
		same = atomic_load(&vmid_generation) | (old & MASK(VMID_BITS_MAX));
		if (is_kept(old, same))
			return same;
		number = number_take();
	}
	return atomic_load(&vmid_generation) | number;
}

uint32_t vmid_get(struct vmid_cpu *cpu, struct guest_vmid *vmid, bool *flush)
{
	uint64_t value = atomic_load(&vmid->value), active = atomic_load(&cpu->active);

	/* A generation that begins meanwhile takes `active` away, so that the exchange fails; what is the same and
	 * current is kept by it. */
	*flush = false;
	if (likely(active && vmid_is_current(value) &&
		   (active == value ||
		    atomic_compare_exchange_strong(&cpu->active, &active, value))))
		return (uint32_t)(value & MASK(VMID_BITS_MAX));
	spin_lock(&lock);
	value = atomic_load(&vmid->value);
	if (!vmid_is_current(value)) {
		value = value_new(value);
		atomic_store(&vmid->value, value);
	}
	*flush = cpu->flush;
	cpu->flush = false;
	atomic_store(&cpu->active, value);
	spin_unlock(&lock);
	return (uint32_t)(value & MASK(VMID_BITS_MAX));
}

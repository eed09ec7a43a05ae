/* SPDX-License-Identifier: MIT */
/*
 * A local APIC under random accesses: it never reads or writes outside itself, and what it
 * promises holds after each of them.
 */
#include <stdlib.h>
#include <string.h>

#include <lapic.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
	if (!promise)
		abort();
}

/* What was saved can be loaded and saves the same. */
static void check_saved(const struct lapic *lapic, uint64_t now)
{
	static _Atomic uint32_t copy_page[1024];
	struct vp_state_apic saved = {0}, again = {0};
	struct lapic_effects effects;
	struct lapic copy;

	memcpy(&copy, lapic, sizeof(copy));
	memcpy((void *)copy_page, (const void *)lapic->page, sizeof(copy_page));
	copy.page = copy_page;
	lapic_state_get(&copy, now, &saved);
	check(lapic_state_valid(&copy, &saved));
	lapic_state_set(&copy, now, &saved, &effects);
	lapic_state_get(&copy, now, &again);
	check(memcmp(&saved, &again, sizeof(saved)) == 0);
}

static void check_promises(struct lapic *lapic, uint64_t now)
{
	int pending = lapic_pending_vector(lapic);
	int service = lapic_highest_service(lapic);
	unsigned int i;

	check(pending < 0 || pending >= 16);
	check(pending < 0 || (pending & 0xf0) > (lapic_tpr_get(lapic) & 0xf0));
	check(pending < 0 || service < 0 || (pending & 0xf0) > (service & 0xf0));
	check(lapic_timer_count(lapic, now) <= lapic->initial_count);
	check(lapic_highest_request(lapic) >= 0 || !lapic_has_request(lapic));
	for (i = 0; i < LAPIC_LVT_COUNT; i++) {
		if (!(lapic->svr & SVR_ENABLE))
			check(lapic->lvt[i] & LVT_MASKED);
	}
	check_saved(lapic, now);
}

/* One access: nine bytes, what and which and a value. */
static void step(struct lapic *lapic, const uint8_t *bytes, uint64_t *now)
{
	struct lapic_effects effects = {.bits = 0};
	uint32_t offset = (uint32_t)bytes[1] << 4;
	uint32_t narrow;
	uint64_t value = 0;

	memcpy(&value, bytes + 2, 7);
	switch (bytes[0] % 12) {
	case 0: lapic_write(lapic, offset, (uint32_t)value, *now, &effects); break;
	case 1: lapic_read(lapic, (uint32_t)value, *now, &narrow); break;
	case 2: lapic_msr_write(lapic, 0x800 + bytes[1], value, *now, &effects); break;
	case 3: lapic_msr_read(lapic, 0x800 + bytes[1], *now, &value); break;
	case 4: lapic_base_set(lapic, value, &effects); break;
	case 5: lapic_accept(lapic, bytes[1], value & 1); break;
	case 6:
		if (lapic_pending_vector(lapic) >= 0)
			lapic_acknowledge(lapic, (uint8_t)lapic_pending_vector(lapic));
		break;
	case 7: lapic_set_lint(lapic, bytes[1] & 1, value & 1); break;
	case 8: *now += value & 0xffffffff; break;
	case 9: lapic_tsc_deadline_set(lapic, value, *now); break;
	case 10:
		if (lapic_timer_deadline(lapic, *now) <= *now + 1000000000)
			*now = MAX(*now, lapic_timer_deadline(lapic, *now));
		lapic_timer_expired(lapic, *now);
		break;
	default: lapic_init_reset(lapic); break;
	}
	check(!(effects.bits & LAPIC_EFFECT_IPI) || effects.message.delivery > APIC_LOWEST ||
	      effects.message.vector >= 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lapic_config config = {.id = 5, .physical_bits = 40, .host_hz = 2500000000u};
	static _Atomic uint32_t page[1024];
	struct lapic_effects effects;
	struct lapic lapic;
	uint64_t now = 12345;

	if (size < 1)
		return 0;
	config.x2apic_allowed = data[0] & 1;
	config.x2apic_at_reset = data[0] & 2;
	config.eoi_suppression = data[0] & 4;
	config.host_hz = data[0] & 8 ? 1000000000u : config.host_hz;
	config.page = page;
	lapic_create(&lapic, &config);
	if (data[0] & 16)
		lapic_is_x2apic(&lapic) ? lapic_msr_write(&lapic, 0x80f, 0x1ff, now, &effects)
					: lapic_write(&lapic, LAPIC_SVR, 0x1ff, now, &effects);
	for (data++, size--; size >= 9; data += 9, size -= 9) {
		step(&lapic, data, &now);
		check_promises(&lapic, now);
	}
	return 0;
}

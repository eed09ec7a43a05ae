/* SPDX-License-Identifier: MIT */
/* VP 0's registers at its start, beside those that reset has left: Documentation/arm64/booting of Linux. */
#include <trivet/hv/arm64_registers.h>
#include <vmm/machine.h>

/* What each VP is at its start follows from its reset. */
void processor_begin(struct processor *processor)
{
	(void)processor;
}

status_t processor_boot(struct processor *processor, const struct boot_state *state)
{
	static const uint32_t names[] = {HV_ARM64_REGISTER_X0, HV_ARM64_REGISTER_PC};
	const union hv_register_value values[] = {{.reg64 = state->fdt}, {.reg64 = state->entry}};

	return vp_set_registers(processor->vp, 0, names, values, ARRAY_SIZE(names));
}

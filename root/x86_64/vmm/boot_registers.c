/* SPDX-License-Identifier: MIT */
/*
 * VP 0's state at its start: its registers, from what the loader decided, and its local APIC as a
 * PC's firmware leaves it. All registers are set by one call.
 */
#include <firmware/platform.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

enum source_kind { SOURCE_WORD, SOURCE_SEGMENT, SOURCE_TABLE };

static const struct {
	uint32_t name;	 /* enum hv_register_name */
	uint16_t kind;	 /* enum source_kind */
	uint16_t offset; /* in struct boot_state */
} sources[] = {
#define WORD(register, field)                                                               \
	{                                                                                   \
		HV_X64_REGISTER_##register, SOURCE_WORD, offsetof(struct boot_state, field) \
	}
#define SEGMENT(register, field)                                                               \
	{                                                                                      \
		HV_X64_REGISTER_##register, SOURCE_SEGMENT, offsetof(struct boot_state, field) \
	}
#define TABLE(register, field)                                                               \
	{                                                                                    \
		HV_X64_REGISTER_##register, SOURCE_TABLE, offsetof(struct boot_state, field) \
	}
	WORD(RAX, rax),
	WORD(RBX, rbx),
	WORD(RCX, rcx),
	WORD(RDX, rdx),
	WORD(RSI, rsi),
	WORD(RDI, rdi),
	WORD(RBP, rbp),
	WORD(RSP, rsp),
	WORD(RIP, rip),
	WORD(RFLAGS, rflags),
	/* The order matters to who checks them one by one: LME before PG. */
	WORD(EFER, efer),
	WORD(CR4, cr4),
	WORD(CR3, cr3),
	WORD(CR0, cr0),
	SEGMENT(CS, cs),
	SEGMENT(DS, ds),
	SEGMENT(ES, es),
	SEGMENT(FS, fs),
	SEGMENT(GS, gs),
	SEGMENT(SS, ss),
	SEGMENT(TR, tr),
	SEGMENT(LDTR, ldtr),
	TABLE(GDTR, gdtr),
	TABLE(IDTR, idtr),
#undef WORD
#undef SEGMENT
#undef TABLE
};

static union hv_register_value source_value(const void *at, enum source_kind kind)
{
	union hv_register_value value = {0};

	if (kind == SOURCE_SEGMENT) {
		const struct boot_segment *segment = at;

		value.segment = (struct hv_x64_segment_register){
			.base = segment->base,
			.limit = segment->limit,
			.selector = segment->selector,
			.attributes = segment->attributes,
		};
	} else if (kind == SOURCE_TABLE) {
		const struct boot_table *table = at;

		value.table.base = table->base;
		value.table.limit = table->limit;
	} else {
		value.reg64 = *(const uint64_t *)at;
	}
	return value;
}

/*
 * Virtual wire mode (MultiProcessor Specification 1.4, 3.6.2.2): the 8259's interrupts come in
 * through LINT0, so that a guest that leaves its local APIC alone gets them.
 */
static status_t virtual_wire_set(struct processor *processor)
{
	static const struct {
		uint32_t offset, value;
	} writes[] = {
		{0x0f0, 0x1ff}, /* spurious-interrupt vector 0xff; enabled */
		{0x350, 0x700}, /* LINT0: ExtINT */
		{0x360, 0x400}, /* LINT1: NMI */
	};
	status_t status = STATUS_OK;
	uint32_t ended;

	/* Firmware that hands its APIC over in x2APIC mode has no use for the 8259. */
	if (processor->machine->config->apic == CONFIG_APIC_X2APIC_ON)
		return STATUS_OK;
	if (processor->arch.apic) {
		for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
			user_apic_write(processor, writes[i].offset, writes[i].value);
		return STATUS_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(writes) && status == STATUS_OK; i++)
		status = vp_apic_write(processor->vp, 0, writes[i].offset, writes[i].value, &ended);
	return status;
}

void processor_begin(struct processor *processor)
{
	if (!processor->arch.apic)
		processor->arch.apic_base = PLATFORM_LOCAL_APIC_BASE;
}

status_t processor_boot(struct processor *processor, const struct boot_state *state)
{
	union hv_register_value values[ARRAY_SIZE(sources)];
	uint32_t names[ARRAY_SIZE(sources)];
	status_t status;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		names[i] = sources[i].name;
		values[i] =
			source_value((const uint8_t *)state + sources[i].offset, sources[i].kind);
	}
	status = vp_set_registers(processor->vp, 0, names, values, ARRAY_SIZE(sources));
	return status == STATUS_OK ? virtual_wire_set(processor) : status;
}

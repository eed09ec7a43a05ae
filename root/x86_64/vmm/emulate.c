/* SPDX-License-Identifier: MIT */
/*
 * An instruction that the processor could not finish by itself: the emulator executes it on this
 * machine's RAM, devices, and the VP's own local APIC and control registers.
 */
#include <stdio.h>
#include <string.h>
#include <emulator/emulator.h>
#include <emulator/processor_bits.h>
#include <lib/log.h>
#include <lib/model.h>
#include <vmm/interrupts.h>
#include <vmm/machine.h>
#include <vmm/user_apic.h>

#define VECTOR_DB	 1u
#define VECTOR_PF	 14u
/* SDM 3A, 2.5 and 4.10.4.1 */
#define CR0_ET		 BIT(4)
#define CR3_KEEP_TLB	 BIT(63)
#define CR4_PCIDE	 BIT(17)
#define EFER_LME	 BIT(8)
#define DR6_BS		 BIT(14) /* SDM 3B, 17.2.3 */
#define APIC_BASE_MASK	 0x000ffffffffff000ull
#define APIC_BASE_ENABLE BIT(11)

static status_t register_get(struct processor *processor, uint32_t name,
			     union hv_register_value *value)
{
	return vp_get_registers(processor->vp, 0, &name, value, 1);
}

static status_t register_set(struct processor *processor, uint32_t name,
			     const union hv_register_value *value)
{
	return vp_set_registers(processor->vp, 0, &name, value, 1);
}

/* ---- RAM ---- */

/*
 * Copies with one access where the size is a processor's word: other VPs may look at the same
 * time.
 */
static inline void copy_word(void *to, const void *from, unsigned size)
{
	switch (size) {
	case 1: memcpy(to, from, 1); break;
	case 2: memcpy(to, from, 2); break;
	case 4: memcpy(to, from, 4); break;
	case 8: memcpy(to, from, 8); break;
	default: memcpy(to, from, size); break;
	}
}

static bool ram_read(void *context, gpa_t gpa, void *data, unsigned size)
{
	struct processor *processor = context;
	const void *host = guest_memory_pointer(&processor->machine->memory, gpa, size);

	if (!host)
		return false;
	copy_word(data, host, size);
	return true;
}

static bool ram_write(void *context, gpa_t gpa, const void *data, unsigned size)
{
	struct processor *processor = context;
	void *host = guest_memory_pointer(&processor->machine->memory, gpa, size);

	if (!host)
		return false;
	copy_word(host, data, size);
	return true;
}

static bool exchange_16(void *host, const uint64_t expected[2], const uint64_t desired[2])
{
	uint64_t low = expected[0], high = expected[1];
	bool exchanged;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@cce"(exchanged), "+m"(*(char(*)[16])host), "+a"(low), "+d"(high)
			 : "b"(desired[0]), "c"(desired[1])
			 : "memory");
	return exchanged;
}

/* Guest addresses may be unaligned, which the processor's locked instructions allow. */
#define EXCHANGE(type)                                                                           \
	{                                                                                        \
		type old, new, *at = host;                                                       \
                                                                                                 \
		memcpy(&old, expected, sizeof(old));                                             \
		memcpy(&new, desired, sizeof(new));                                              \
		*exchanged = __atomic_compare_exchange_n(at, &old, new, false, __ATOMIC_SEQ_CST, \
							 __ATOMIC_SEQ_CST);                      \
		return true;                                                                     \
	}

static bool ram_exchange(void *context, gpa_t gpa, const void *expected, const void *desired,
			 unsigned size, bool *exchanged)
{
	struct processor *processor = context;
	void *host = guest_memory_pointer(&processor->machine->memory, gpa, size);
	uint64_t old[2], new[2];

	if (!host)
		return false;
	switch (size) {
	case 1: EXCHANGE(uint8_t)
	case 2: EXCHANGE(uint16_t)
	case 4: EXCHANGE(uint32_t)
	case 8: EXCHANGE(uint64_t)
	case 16:
		memcpy(old, expected, sizeof(old));
		memcpy(new, desired, sizeof(new));
		*exchanged = exchange_16(host, old, new);
		return true;
	default: return false;
	}
}

/* ---- devices ---- */

/* Whether gpa lies in the page of the VP's local APIC. */
static inline bool apic_hit(const struct processor *processor, gpa_t gpa)
{
	return ALIGN_DOWN(gpa, PAGE_SIZE) == processor->arch.apic_base;
}

/*
 * Before an access that nobody serves: the guest may have moved its APIC (SDM 3A, 11.4.5). True
 * if it is there.
 */
static bool apic_moved_to(struct processor *processor, gpa_t gpa)
{
	union hv_register_value value;

	if (processor->arch.apic ||
	    register_get(processor, HV_X64_REGISTER_APIC_BASE, &value) != STATUS_OK ||
	    !(value.reg64 & APIC_BASE_ENABLE))
		return false;
	processor->arch.apic_base = value.reg64 & APIC_BASE_MASK;
	return apic_hit(processor, gpa);
}

/* Registers are 32 bits wide and 16 bytes apart (SDM 3A, 11.4.1); others read as 0. */
static uint64_t apic_read(struct processor *processor, gpa_t gpa, unsigned size)
{
	uint32_t offset = (uint32_t)(gpa % PAGE_SIZE), value = 0;

	if (processor->arch.apic)
		value = user_apic_read(processor, ALIGN_DOWN(offset, 4u));
	else if (vp_apic_read(processor->vp, 0, ALIGN_DOWN(offset, 4u), &value) != STATUS_OK)
		return device_size_mask(size);
	return (uint64_t)value >> 8 * (offset % 4) & device_size_mask(size);
}

static void apic_write(struct processor *processor, gpa_t gpa, unsigned size, uint64_t value)
{
	uint32_t offset = (uint32_t)(gpa % PAGE_SIZE), ended;

	/* Other writes are undefined for hardware; here they do nothing. */
	if (offset % 4 != 0 || size < 4)
		return;
	if (processor->arch.apic)
		user_apic_write(processor, offset, (uint32_t)value);
	else if (vp_apic_write(processor->vp, 0, offset, (uint32_t)value, &ended) == STATUS_OK &&
		 (ended & APIC_ACCESS_EOI))
		processor_interrupt_ended(processor, (uint8_t)ended);
}

static enum emulator_answer mmio_read(void *context, gpa_t gpa, unsigned size, uint64_t *value)
{
	struct processor *processor = context;
	struct machine *machine = processor->machine;
	bool served;

	if (apic_hit(processor, gpa)) {
		*value = apic_read(processor, gpa, size);
		return EMULATOR_ANSWER_OK;
	}
	mutex_lock(&machine->lock);
	served = device_mmio_served(&machine->platform.bus, gpa);
	*value = device_mmio_read(&machine->platform.bus, gpa, size);
	mutex_unlock(&machine->lock);
	if (!served && apic_moved_to(processor, gpa))
		*value = apic_read(processor, gpa, size);
	return EMULATOR_ANSWER_OK;
}

static enum emulator_answer mmio_write(void *context, gpa_t gpa, unsigned size, uint64_t value)
{
	struct processor *processor = context;
	struct machine *machine = processor->machine;
	bool served;

	if (apic_hit(processor, gpa)) {
		apic_write(processor, gpa, size, value);
		return EMULATOR_ANSWER_OK;
	}
	if (machine_doorbell_ring(machine, DOORBELL_GPA, gpa, size, value))
		return EMULATOR_ANSWER_OK;
	mutex_lock(&machine->lock);
	served = device_mmio_served(&machine->platform.bus, gpa);
	device_mmio_write(&machine->platform.bus, gpa, size, value);
	mutex_unlock(&machine->lock);
	if (!served && apic_moved_to(processor, gpa))
		apic_write(processor, gpa, size, value);
	return EMULATOR_ANSWER_OK;
}

static enum emulator_answer port_in(void *context, uint16_t port, unsigned size, uint32_t *value)
{
	struct machine *machine = ((struct processor *)context)->machine;

	mutex_lock(&machine->lock);
	*value = device_port_read(&machine->platform.bus, port, size);
	mutex_unlock(&machine->lock);
	return EMULATOR_ANSWER_OK;
}

static enum emulator_answer port_out(void *context, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *machine = ((struct processor *)context)->machine;

	if (machine_doorbell_ring(machine, DOORBELL_PORT, port, size, value))
		return EMULATOR_ANSWER_OK;
	mutex_lock(&machine->lock);
	device_port_write(&machine->platform.bus, port, size, value);
	mutex_unlock(&machine->lock);
	return EMULATOR_ANSWER_OK;
}

/* ---- control registers ---- */

/*
 * The kernel takes the new values over at the next run, and answers with #GP at the instruction
 * what no processor takes: it knows which bits this guest may set.
 */
static enum emulator_answer control_write(void *context, unsigned number, uint64_t value)
{
	struct vp_run_page *page = ((struct processor *)context)->page;
	struct vp_run_regs *regs = &page->regs;

	switch (number) {
	case 0:
		regs->cr0 = value | CR0_ET;
		regs->efer &= ~GUEST_EFER_LMA;
		if ((value & GUEST_CR0_PG) && (regs->efer & EFER_LME))
			regs->efer |= GUEST_EFER_LMA;
		break;
	case 2: regs->cr2 = value; break;
	case 3: regs->cr3 = regs->cr4 & CR4_PCIDE ? value & ~CR3_KEEP_TLB : value; break;
	case 4: regs->cr4 = value; break;
	case 8: regs->cr8 = value; break;
	default: return EMULATOR_ANSWER_REFUSE;
	}
	page->set |= VP_SET_CRS;
	return EMULATOR_ANSWER_OK;
}

/* ---- registers that are not in the run page ---- */

static enum emulator_answer named_read(void *context, uint32_t name, union hv_register_value *value)
{
	status_t status = register_get(context, name, value);

	return status == STATUS_OK ? EMULATOR_ANSWER_OK : EMULATOR_ANSWER_STOP;
}

static enum emulator_answer named_write(void *context, uint32_t name,
					const union hv_register_value *value)
{
	status_t status = register_set(context, name, value);

	return status == STATUS_OK ? EMULATOR_ANSWER_OK : EMULATOR_ANSWER_STOP;
}

static const struct emulator_ops emulator_ops = {
	.memory = {.read_gpa = ram_read, .write_gpa = ram_write, .cmpxchg_gpa = ram_exchange},
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.io_in = port_in,
	.io_out = port_out,
	.cr_write = control_write,
	.register_read = named_read,
	.register_write = named_write,
};

/* ---- the VP's registers, there and back ---- */

static void cpu_load(struct processor *processor, struct emulator_cpu *cpu)
{
	const struct vp_run_regs *regs = &processor->page->regs;
	union hv_register_value value;

	memcpy(cpu->gpr, regs->gpr, sizeof(cpu->gpr));
	cpu->rip = regs->rip;
	cpu->rflags = regs->rflags;
	memcpy(cpu->segment, regs->segment, sizeof(cpu->segment));
	cpu->cr0 = regs->cr0;
	cpu->cr2 = regs->cr2;
	cpu->cr3 = regs->cr3;
	cpu->cr4 = regs->cr4;
	cpu->cr8 = regs->cr8;
	cpu->efer = regs->efer;
	cpu->pkru = 0;
	cpu->forbidden = (uint8_t)processor->page->emulate.forbidden;
	cpu->physical_bits = processor->machine->physical_bits;
	cpu->tr = (struct hv_x64_segment_register){0};
	/* The I/O permission bitmap is found through TR. */
	if ((processor->page->emulate.flags & EMULATE_PORT) &&
	    register_get(processor, HV_X64_REGISTER_TR, &value) == STATUS_OK)
		cpu->tr = value.segment;
}

/* Real-mode loads of segment registers, which are rare. */
static void segments_store(struct processor *processor, const struct emulator_cpu *cpu)
{
	const struct vp_run_regs *regs = &processor->page->regs;

	if (likely((cpu->cr0 & GUEST_CR0_PE) && !(cpu->rflags & GUEST_FLAG_VM)))
		return;
	for (uint32_t i = 0; i < EMULATOR_SEGMENT_COUNT; i++) {
		union hv_register_value value = {.segment = cpu->segment[i]};

		if (memcmp(&cpu->segment[i], &regs->segment[i], sizeof(cpu->segment[i])) != 0)
			(void)register_set(processor, HV_X64_REGISTER_ES + i, &value);
	}
}

static void cpu_store(struct processor *processor, const struct emulator_cpu *cpu)
{
	struct vp_run_regs *regs = &processor->page->regs;

	segments_store(processor, cpu);
	memcpy(regs->gpr, cpu->gpr, sizeof(cpu->gpr));
	regs->rip = cpu->rip;
	regs->rflags = cpu->rflags;
	processor->page->set |= VP_SET_GPRS;
}

static void fault_inject(struct processor *processor, const struct emulator_cpu *cpu,
			 const struct emulator_result *result)
{
	struct vp_run_page *page = processor->page;

	page->event.vector = result->fault.vector;
	page->event.has_error = result->fault.has_error;
	page->event.error = result->fault.error_code;
	page->set |= VP_SET_EVENT;
	if (result->fault.vector == VECTOR_PF) {
		page->regs.cr2 = cpu->cr2;
		page->set |= VP_SET_CRS;
	}
}

/* The trap that follows an instruction executed with TF set (SDM 3B, 17.3.1.4). */
static void single_step_inject(struct processor *processor)
{
	struct vp_run_page *page = processor->page;
	union hv_register_value value;

	if (register_get(processor, HV_X64_REGISTER_DR6, &value) == STATUS_OK) {
		value.reg64 |= DR6_BS;
		(void)register_set(processor, HV_X64_REGISTER_DR6, &value);
	}
	page->event.vector = VECTOR_DB;
	page->event.has_error = false;
	page->event.error = 0;
	page->set |= VP_SET_EVENT;
}

#define LINEAR_WORDS 32

/* Where the guest saw the address, if the processor told. */
static const char *linear_words(const struct vp_run_page *page, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (page->emulate.gva != GVA_NONE)
		snprintf(buffer, size, " (linear %#llx)", (unsigned long long)page->emulate.gva);
	return buffer;
}

static void unhandled_explain(struct processor *processor, const struct emulator_cpu *cpu,
			      const struct emulator_result *result)
{
	const struct vp_run_page *page = processor->page;
	char bytes[3 * EMULATOR_MAX_LENGTH + 1] = "", linear[LINEAR_WORDS];
	size_t length = 0;

	for (unsigned i = 0; i < result->fetched; i++) {
		bytes[length++] = ' ';
		bytes[length++] = "0123456789abcdef"[result->bytes[i] >> 4];
		bytes[length++] = "0123456789abcdef"[result->bytes[i] & 15];
	}
	processor_error(processor,
			"the instruction at %#llx that accesses gpa %#llx%s is not emulated "
			"(%s); bytes:%s",
			(unsigned long long)cpu->rip, (unsigned long long)page->emulate.gpa,
			linear_words(page, linear, sizeof(linear)),
			result->reason ? result->reason : "?", bytes);
}

bool processor_emulate(struct processor *processor)
{
	struct emulator_cpu cpu;
	struct emulator_result result;

	/* All of the guest's memory is mapped from the start: what the delivery needs is no memory,
	 * and trying again would end the same way. */
	if (processor->page->emulate.flags & EMULATE_EVENT) {
		char linear[LINEAR_WORDS];

		processor_error(processor,
				"an interrupt or exception could not be delivered: its stack or "
				"tables are at %#llx%s, which is no memory",
				(unsigned long long)processor->page->emulate.gpa,
				linear_words(processor->page, linear, sizeof(linear)));
		return false;
	}
	cpu_load(processor, &cpu);
	switch (emulator_run_one(&cpu, &emulator_ops, processor, &result)) {
	case EMULATOR_DONE:
		if (result.interrupt_shadow)
			processor->page->set |= VP_SET_SHADOW;
		/* fall through */
	case EMULATOR_REPEAT:
		cpu_store(processor, &cpu);
		if (result.single_step)
			single_step_inject(processor);
		return true;
	case EMULATOR_FAULT:
		cpu_store(processor, &cpu);
		fault_inject(processor, &cpu, &result);
		return true;
	case EMULATOR_RETRY: return true;
	default: unhandled_explain(processor, &cpu, &result); return false;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The state of a VP in words, for the person who wants to know why a guest crashed. Runs on the
 * VP's own thread.
 */
#include <string.h>
#include <emulator/emulator.h>
#include <emulator/processor_bits.h>
#include <lib/log.h>
#include <lib/model.h>
#include <vmm/machine.h>

/* In the order in which they are asked for. */
static const uint32_t dump_names[] = {
	HV_X64_REGISTER_RAX,	HV_X64_REGISTER_RCX,	HV_X64_REGISTER_RDX,
	HV_X64_REGISTER_RBX,	HV_X64_REGISTER_RSP,	HV_X64_REGISTER_RBP,
	HV_X64_REGISTER_RSI,	HV_X64_REGISTER_RDI,	HV_X64_REGISTER_R8,
	HV_X64_REGISTER_R8 + 1, HV_X64_REGISTER_R8 + 2, HV_X64_REGISTER_R8 + 3,
	HV_X64_REGISTER_R8 + 4, HV_X64_REGISTER_R8 + 5, HV_X64_REGISTER_R8 + 6,
	HV_X64_REGISTER_R15,	HV_X64_REGISTER_RIP,	HV_X64_REGISTER_RFLAGS,
	HV_X64_REGISTER_CR0,	HV_X64_REGISTER_CR2,	HV_X64_REGISTER_CR3,
	HV_X64_REGISTER_CR4,	HV_X64_REGISTER_EFER,	HV_X64_REGISTER_ES,
	HV_X64_REGISTER_ES + 1, HV_X64_REGISTER_ES + 2, HV_X64_REGISTER_ES + 3,
	HV_X64_REGISTER_ES + 4, HV_X64_REGISTER_ES + 5, HV_X64_REGISTER_TR,
	HV_X64_REGISTER_IDTR,	HV_X64_REGISTER_GDTR,
};

/* Places in the list above. */
enum {
	DUMP_GPR = 0,
	DUMP_RIP = 16,
	DUMP_RFLAGS,
	DUMP_CR0,
	DUMP_CR2,
	DUMP_CR3,
	DUMP_CR4,
	DUMP_EFER,
	DUMP_SEGMENT,
	DUMP_TR = DUMP_SEGMENT + 6,
	DUMP_IDTR,
	DUMP_GDTR,
	DUMP_COUNT,
};
static_assert(ARRAY_SIZE(dump_names) == DUMP_COUNT, "each register has its place");

static const char *mode_words(const union hv_register_value *v)
{
	uint16_t code = v[DUMP_SEGMENT + 1].segment.attributes;

	if (!(v[DUMP_CR0].reg64 & GUEST_CR0_PE))
		return "real mode";
	if (v[DUMP_RFLAGS].reg64 & GUEST_FLAG_VM)
		return "virtual-8086 mode";
	if (!(v[DUMP_EFER].reg64 & GUEST_EFER_LMA))
		return v[DUMP_CR0].reg64 & GUEST_CR0_PG ? "protected mode, paging"
							: "protected mode, no paging";
	return code & HV_SEGMENT_L ? "64-bit mode" : "compatibility mode";
}

static void registers_print(const union hv_register_value *v)
{
	static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					    "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};

	for (size_t i = 0; i < 16; i += 4)
		log_info("  %s %016llx %s %016llx %s %016llx %s %016llx", names[i],
			 (unsigned long long)v[i].reg64, names[i + 1],
			 (unsigned long long)v[i + 1].reg64, names[i + 2],
			 (unsigned long long)v[i + 2].reg64, names[i + 3],
			 (unsigned long long)v[i + 3].reg64);
	log_info("  rip %016llx rflags %08llx cr0 %08llx cr2 %016llx",
		 (unsigned long long)v[DUMP_RIP].reg64, (unsigned long long)v[DUMP_RFLAGS].reg64,
		 (unsigned long long)v[DUMP_CR0].reg64, (unsigned long long)v[DUMP_CR2].reg64);
	log_info("  cr3 %016llx cr4 %08llx efer %04llx", (unsigned long long)v[DUMP_CR3].reg64,
		 (unsigned long long)v[DUMP_CR4].reg64, (unsigned long long)v[DUMP_EFER].reg64);
}

static void segments_print(const union hv_register_value *v)
{
	static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs", "tr"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct hv_x64_segment_register *s = &v[DUMP_SEGMENT + i].segment;

		log_info("  %s %04x base %016llx limit %08x attributes %04x", names[i], s->selector,
			 (unsigned long long)s->base, s->limit, s->attributes);
	}
	log_info("  idt base %016llx limit %04x  gdt base %016llx limit %04x",
		 (unsigned long long)v[DUMP_IDTR].table.base, v[DUMP_IDTR].table.limit,
		 (unsigned long long)v[DUMP_GDTR].table.base, v[DUMP_GDTR].table.limit);
}

static bool dump_read(void *context, gpa_t gpa, void *data, unsigned size)
{
	const struct guest_memory *memory = context;

	return guest_memory_read(memory, gpa, data, size) == STATUS_OK;
}

/* The bytes at RIP, as far as they can be reached without changing anything. */
static void code_print(struct machine *machine, const union hv_register_value *v)
{
	const struct guest_memory_ops ops = {.read_gpa = dump_read};
	const struct guest_paging paging = {
		.cr0 = v[DUMP_CR0].reg64,
		.cr3 = v[DUMP_CR3].reg64,
		.cr4 = v[DUMP_CR4].reg64,
		.efer = v[DUMP_EFER].reg64,
		.rflags = v[DUMP_RFLAGS].reg64,
	};
	gva_t start = v[DUMP_SEGMENT + 1].segment.base + v[DUMP_RIP].reg64;
	char text[3 * 16 + 1] = "";

	for (unsigned i = 0; i < 16; i++) {
		struct guest_walk_result walk;
		uint8_t byte;

		if (guest_walk(&paging, &ops, &machine->memory, start + i, GUEST_WALK_DEBUG,
			       &walk) != GUEST_WALK_OK ||
		    guest_memory_read(&machine->memory, walk.gpa, &byte, 1) != STATUS_OK)
			break;
		text[3 * i] = ' ';
		text[3 * i + 1] = "0123456789abcdef"[byte >> 4];
		text[3 * i + 2] = "0123456789abcdef"[byte & 15];
	}
	log_info("  code:%s", text[0] ? text : " not in RAM");
}

void processor_dump(struct processor *processor)
{
	union hv_register_value values[ARRAY_SIZE(dump_names)];
	struct machine *machine = processor->machine;
	status_t status;

	memset(values, 0, sizeof(values));
	status = vp_get_registers(processor->vp, 0, dump_names, values, ARRAY_SIZE(dump_names));
	if (status != STATUS_OK) {
		log_error("%s: VP %u: its registers cannot be read: %s", machine->config->name,
			  processor->index, status_words(status));
		return;
	}
	log_info("%s: VP %u in %s:", machine->config->name, processor->index, mode_words(values));
	registers_print(values);
	segments_print(values);
	code_print(machine, values);
}

/* SPDX-License-Identifier: MIT */
/*
 * Register sets with which boot protocols start a processor. Attributes are those of the
 * descriptors (SDM 3, 3.4.5), with the accessed bit set as a segment load would have left it.
 */
#include <loader/boot_state.h>

#define ATTR_CODE_READ_ACCESSED	 0x00bu
#define ATTR_DATA_WRITE_ACCESSED 0x003u
#define ATTR_TSS_BUSY		 0x00bu
#define ATTR_LDT		 0x002u
#define ATTR_CODE_OR_DATA	 0x010u
#define ATTR_PRESENT		 0x080u
#define ATTR_LONG		 0x2000u
#define ATTR_DEFAULT_32		 0x4000u
#define ATTR_PAGE_GRANULAR	 0x8000u

#define FLAT_LIMIT   0xffffffffu
#define RFLAGS_FIXED 0x2u

#define CR0_PE	 0x00000001u
#define CR0_ET	 0x00000010u
#define CR0_PG	 0x80000000u
#define CR4_PAE	 0x00000020u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u

static struct boot_segment flat_segment(uint16_t selector, uint16_t attributes)
{
	return (struct boot_segment){
		.limit = FLAT_LIMIT,
		.selector = selector,
		.attributes = attributes | ATTR_CODE_OR_DATA | ATTR_PRESENT | ATTR_PAGE_GRANULAR,
	};
}

static void segments_set(struct boot_state *state, uint16_t code, uint16_t code_size, uint16_t data)
{
	struct boot_segment flat_data =
		flat_segment(data, ATTR_DATA_WRITE_ACCESSED | ATTR_DEFAULT_32);

	state->cs = flat_segment(code, ATTR_CODE_READ_ACCESSED | code_size);
	state->ds = flat_data;
	state->es = flat_data;
	state->fs = flat_data;
	state->gs = flat_data;
	state->ss = flat_data;
	/* No protocol uses a task, but entering a guest needs a busy TSS in TR (SDM 3, 26.3.1.2). */
	state->tr =
		(struct boot_segment){.limit = 0xffff, .attributes = ATTR_TSS_BUSY | ATTR_PRESENT};
	state->ldtr = (struct boot_segment){.limit = 0xffff, .attributes = ATTR_LDT | ATTR_PRESENT};
}

void boot_state_set_protected(struct boot_state *state, uint16_t code, uint16_t data, gpa_t gdt,
			      uint16_t gdt_limit)
{
	*state = (struct boot_state){
		.mode = BOOT_MODE_PROTECTED,
		.rflags = RFLAGS_FIXED,
		.cr0 = CR0_PE | CR0_ET,
		.gdtr = {gdt, gdt_limit},
	};
	segments_set(state, code, ATTR_DEFAULT_32, data);
}

void boot_state_set_long(struct boot_state *state, uint16_t code, uint16_t data, gpa_t gdt,
			 uint16_t gdt_limit, gpa_t page_tables)
{
	*state = (struct boot_state){
		.mode = BOOT_MODE_LONG,
		.rflags = RFLAGS_FIXED,
		.cr0 = CR0_PE | CR0_ET | CR0_PG,
		.cr3 = page_tables,
		.cr4 = CR4_PAE,
		.efer = EFER_LME | EFER_LMA,
		.gdtr = {gdt, gdt_limit},
	};
	segments_set(state, code, ATTR_LONG, data);
}

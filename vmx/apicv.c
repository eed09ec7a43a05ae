/* SPDX-License-Identifier: MIT */
/*
 * APIC virtualization (SDM 3C, chapter 30), in parts that each work without the others, all but the
 * first being built on it:
 *
 *   tpr        CR8 is the TPR of the register page; a threshold tells when it falls
 *   access     in xAPIC mode, the processor finds accesses to the APIC's address itself
 *   x2apic     the same for the MSRs of x2APIC mode
 *   registers  reads come from the page, writes go there and exit behind the instruction
 *   delivery   the processor delivers what is in IRR as PPR falls, and EOI ends what is in ISR
 *   posted     what another CPU posts comes to IRR without an exit
 *
 * `apicv=` on the command line names the parts that are used, or is `off`. Without it those are used
 * that the processor has, but not `posted`, which no emulator has and which so has never run; and
 * `delivery` only where the processor can post interrupts, as all real ones with `delivery` can. Bochs
 * 2.7 can't, and lets a guest take a virtual interrupt in spite of its RFLAGS.IF when one of the host's
 * waits too (InterruptAcknowledge() does not look whether the event is masked): a Linux with more VPs
 * than CPUs stands still after a while.
 *
 * VM entry should deliver what it finds in IRR (27.3.2.5), and Bochs 2.7 does not: its processor looks
 * there only at an EOI or a write of TPR. So what can be delivered at an entry is injected as without
 * this part, which comes to the same, and what is held off by RFLAGS.IF gets a window. Self-IPIs by
 * MSR are left to the kernel for the same reason: it has to know of each.
 */
#include "vmx.h"
#include <arch/layout.h>
#include <kernel/boot.h>
#include <kernel/console.h>
#include <kernel/memory.h>
#include <kernel/string.h>

#define MSR_MAP_WRITES 2048u /* where those of the MSR bitmap begin (25.6.9) */
#define OPTION_SIZE    64u

static const struct part {
	const char *name;
	uint32_t cpu, cpu2, pin; /* controls */
} parts[] = {
	{" tpr", CPU_TPR_SHADOW, 0, 0},
	{" access", 0, CPU2_APIC_ACCESSES, 0},
	{" x2apic", 0, CPU2_X2APIC_MODE, 0},
	{" registers", 0, CPU2_APIC_REGISTERS, 0},
	{" delivery", 0, CPU2_INTERRUPT_DELIVERY, 0},
	{" posted", 0, 0, PIN_POSTED_INTERRUPTS},
};
#define DEFAULT_PARTS "tpr,access,x2apic,registers"
#define DELIVERY_PART ",delivery"

/* For the list that is logged, with its blank; nothing if the part is not used. */
static const char *part_words(unsigned int i)
{
	bool used = (vmx_controls.cpu & parts[i].cpu) || (vmx_controls.cpu2 & parts[i].cpu2) ||
		    (vmx_controls.pin & parts[i].pin);

	return used ? parts[i].name : "";
}

/* A comma or the end stands behind it. */
static bool word_in_list(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		if (strncmp(list, word, length) == 0 &&
		    (list[length] == ',' || list[length] == '\0'))
			return true;
		while (*list != ',' && *list != '\0')
			list++;
		if (*list++ == '\0')
			return false;
	}
}

/* A word that names nothing must not pass for `off`. */
static bool words_are_known(const char *list)
{
	unsigned int known = 0, words = 1, i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		known += word_in_list(list, parts[i].name + 1);
	for (; *list; list++)
		words += *list == ',';
	return known == words;
}

static __cold void parts_choose(void)
{
	bool posts = vmx_controls.pin & PIN_POSTED_INTERRUPTS;
	const char *list = posts ? DEFAULT_PARTS DELIVERY_PART : DEFAULT_PARTS;
	char named[OPTION_SIZE];
	unsigned int i;

	if (boot_option("apicv")) {
		if (boot_option_copy("apicv", named, sizeof(named)) &&
		    (strcmp(named, "off") == 0 || words_are_known(named)))
			list = named;
		else
			log_warn("apicv= is off, or a list of " DEFAULT_PARTS DELIVERY_PART
				 ",posted");
	}
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (word_in_list(list, parts[i].name + 1))
			continue;
		vmx_controls.cpu &= ~parts[i].cpu;
		vmx_controls.cpu2 &= ~parts[i].cpu2;
		vmx_controls.pin &= ~parts[i].pin;
	}
	if (!(vmx_controls.cpu & CPU_TPR_SHADOW)) {
		vmx_controls.cpu |= CPU_CR8_LOAD | CPU_CR8_STORE;
		vmx_controls.cpu2 &= ~(uint32_t)APIC_CONTROLS2;
	}
	/* 27.2.1.1 */
	if (!(vmx_controls.cpu2 & CPU2_INTERRUPT_DELIVERY) ||
	    !(vmx_controls.exit & EXIT_ACKNOWLEDGE))
		vmx_controls.pin &= ~(uint32_t)PIN_POSTED_INTERRUPTS;
}

static void msr_pass(uint8_t *map, uint32_t offset)
{
	uint32_t msr = X2APIC_MSR_BASE + offset / 16;

	map[msr / 8] &= (uint8_t)~BIT(msr % 8);
}

/* What the processor serves by itself in x2APIC mode (30.5). Of the MSRs from 0x800 on it would read
 * any from the page, and write all but these to the host's APIC. */
static void x2apic_map_fill(uint8_t *map)
{
	static const uint16_t readable[] = {
		LAPIC_ID,  LAPIC_VERSION, LAPIC_LDR,	       LAPIC_SVR,
		LAPIC_ESR, LAPIC_ICR,	  LAPIC_INITIAL_COUNT, LAPIC_DIVIDE,
	};
	unsigned int i;

	msr_pass(map, LAPIC_TPR);
	msr_pass(map + MSR_MAP_WRITES, LAPIC_TPR);
	if (vmx_controls.cpu2 & CPU2_INTERRUPT_DELIVERY)
		msr_pass(map + MSR_MAP_WRITES, LAPIC_EOI);
	if (!(vmx_controls.cpu2 & CPU2_APIC_REGISTERS))
		return;
	for (i = 0; i < ARRAY_SIZE(readable); i++)
		msr_pass(map, readable[i]);
	/* Else a write of TPR leaves it as it is (30.1.2). */
	if (vmx_controls.cpu2 & CPU2_INTERRUPT_DELIVERY)
		msr_pass(map, LAPIC_PPR);
	for (i = LAPIC_ISR; i < LAPIC_ESR; i += 16) /* ISR, TMR, IRR */
		msr_pass(map, i);
	for (i = LAPIC_TIMER; i <= LAPIC_ERROR; i += 16)
		msr_pass(map, i);
}

status_t vmx_apicv_init(const uint8_t *map)
{
	uint8_t *x2apic_map;

	parts_choose();
	if (vmx_controls.cpu2 & CPU2_APIC_ACCESSES)
		backend_assists |= ASSIST_APIC_PAGE;
	if (vmx_controls.pin & PIN_POSTED_INTERRUPTS)
		backend_assists |= ASSIST_POSTED;
	log_info("vmx: APIC virtualization:%s%s%s%s%s%s", part_words(0), part_words(1),
		 part_words(2), part_words(3), part_words(4), part_words(5));
	x2apic_map = page_alloc(&kernel_heap, 0);
	if (!x2apic_map)
		return STATUS_NO_MEMORY;
	memcpy(x2apic_map, map, PAGE_SIZE);
	x2apic_map_fill(x2apic_map);
	vmx_msr_bitmap_x2apic = kva_to_hpa(x2apic_map);
	return STATUS_OK;
}

static void posting_set(struct vmx_vp *s, bool on)
{
	vmcs_write(VMCS_POSTED_VECTOR, VECTOR_POSTED);
	vmcs_write(VMCS_POSTED_DESCRIPTOR, kva_to_hpa(s->page) + LAPIC_POSTED);
	vmcs_write(VMCS_PIN_CONTROLS,
		   on ? vmx_controls.pin : vmx_controls.pin & ~(uint32_t)PIN_POSTED_INTERRUPTS);
}

bool vmx_apic_place_set(struct vp *vp, uint32_t vtl, uint32_t place)
{
	static const uint32_t controls[] = {
		[APIC_NOWHERE] = 0,
		[APIC_ELSEWHERE] = CPU2_INTERRUPT_DELIVERY,
		[APIC_AT_PAGE] = CPU2_APIC_ACCESSES | CPU2_APIC_REGISTERS | CPU2_INTERRUPT_DELIVERY,
		[APIC_IN_MSRS] = CPU2_X2APIC_MODE | CPU2_APIC_REGISTERS | CPU2_INTERRUPT_DELIVERY,
	};
	struct vmx_vp *s = vp->vtl[vtl]->backend;
	uint32_t apic = vmx_controls.cpu2 & controls[place];

	/* A processor that delivers does not end what it has delivered. In x2APIC mode it would still let EOI
	 * through. */
	if (vp->vtl[vtl]->arch.lapic.auto_eoi)
		apic &= ~(uint32_t)(CPU2_INTERRUPT_DELIVERY | CPU2_X2APIC_MODE);
	vmx_use(s);
	s->page = vp->vtl[vtl]->arch.lapic.page;
	if (vmx_controls.cpu & CPU_TPR_SHADOW)
		vmcs_write(VMCS_VIRTUAL_APIC_PAGE, kva_to_hpa(s->page));
	if (apic & CPU2_APIC_ACCESSES)
		vmcs_write(VMCS_APIC_ACCESS_ADDRESS, kva_to_hpa(vp->partition->arch.apic_page));
	vmcs_write(VMCS_CPU_CONTROLS_2, s->cpu_controls2 | apic);
	if (vmx_controls.pin & PIN_POSTED_INTERRUPTS)
		posting_set(s, apic & CPU2_INTERRUPT_DELIVERY);
	vmcs_write(VMCS_MSR_BITMAP,
		   apic & CPU2_X2APIC_MODE ? vmx_msr_bitmap_x2apic : vmx_msr_bitmap);
	vmx_cr8_take(vp->vtl[vtl], s); /* a reset has changed TPR */
	/* Translations may tell an access page from another (30.4.5). */
	s->flush = true;
	s->tlb_generation = TLB_GENERATION_NONE;
	return apic & CPU2_INTERRUPT_DELIVERY;
}

/* The vectors whose EOI the VMM, or LINT0's entry, has to hear of: four fields of 64 bits. */
static void eoi_exits_write(struct lapic *lapic)
{
	uint64_t low, high;
	unsigned int i;

	for (i = 0; i < LAPIC_VECTOR_WORDS / 2; i++) {
		low = lapic_page_get(lapic, LAPIC_TMR + 32 * i);
		high = lapic_page_get(lapic, LAPIC_TMR + 32 * i + 16);
		vmcs_write(VMCS_EOI_EXIT_BITMAP0 + 2 * i, high << 32 | low);
	}
}

__cold void vmx_apic_service_write(struct vp_vtl *v)
{
	struct lapic *lapic = &v->arch.lapic;
	uint64_t service, request;

	if (lapic->processor_delivers) {
		/* 25.4.2: SVI above, RVI below, which a step of a debugger's does without */
		service = lapic_service_vector(lapic);
		request = v->arch.debug.mode == STEP_NONE ? lapic_request_vector(lapic) : 0;
		vmcs_write(VMCS_GUEST_INTERRUPT_STATUS, service << 8 | request);
		/* Afterwards: what was posted has just come to IRR, and its end may have to exit. */
		if (atomic_exchange_explicit(&lapic->levels_changed, false, memory_order_acquire))
			eoi_exits_write(lapic);
	}
	lapic->service_changed = false;
}

/* ---- exits ---- */

#define ACCESS_OFFSET(q) ((q)&MASK(12)) /* table 28-6 */
#define ACCESS_TYPE(q)	 (((q) >> 12) & 0xf)
#define ACCESS_WRITE	 1u
#define ACCESS_FETCH	 2u
#define ACCESS_PHYSICAL	 10u /* and above: by a guest-physical address, as the page walk has them */

void vmx_decode_apic_access(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	uint64_t type = ACCESS_TYPE(qualification);

	(void)vp;
	(void)s;
	exit->memory.gpa = LAPIC_DEFAULT_BASE | ACCESS_OFFSET(qualification);
	exit->memory.gva = type < ACCESS_PHYSICAL ? vmcs_read(VMCS_GUEST_LINEAR) : GVA_NONE;
	exit->memory.access = type == ACCESS_WRITE	? MEMORY_WRITE
			      : type == ACCESS_FETCH	? MEMORY_FETCH
			      : type >= ACCESS_PHYSICAL ? MEMORY_WALK
							: 0;
}

void vmx_decode_apic_write(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->offset = (uint32_t)ACCESS_OFFSET(vmcs_read(VMCS_EXIT_QUALIFICATION));
}

void vmx_decode_eoi(struct vp *vp, struct vmx_vp *s, struct vp_exit *exit)
{
	(void)vp;
	(void)s;
	exit->vector = (uint8_t)vmcs_read(VMCS_EXIT_QUALIFICATION);
}

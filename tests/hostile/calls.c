/* SPDX-License-Identifier: MIT */
/* See calls.h. What each argument is drawn from follows from its letter in `shapes`. */
#include "calls.h"
#ifdef TRIVET_AARCH64
#include "aarch64/guest_words.h"
#else
#include "x86_64/guest_words.h"
#endif
#include <stdatomic.h>
#include <string.h>

#define DEPOSIT_TRIES 4u /* as the block may have been given away */

/* By class: what most calls want, partitions, VPs. */
enum class { CLASS_OTHER, CLASS_PARTITION, CLASS_VP, CLASSES };
static _Atomic uint64_t recent[CLASSES * RECENT_MAX];
/* Of partitions, for waking their VPs: nobody closes them while their callers run. 0: a free place. */
static _Atomic uint64_t kept[KEPT_MAX];
static _Atomic uint64_t kept_end; /* behind the last place that was taken */

/*
 * h handle  E the same, of an event  p buffer  x no buffer  l its size  w window page  W window block  S blocks' size  s size
 * g gpa  c small number  n any number  d deadline  e thread entry  f rights  F flags of a mapping
 * v VTL  m MSI address  o APIC access  i what to inspect
 */
static const char *const shapes[SYSCALL_LIMIT] = {
	[SYS_console_write] = "xs",
	[SYS_console_read] = "pl",
	[SYS_console_bind] = "hn",
	[SYS_log_read] = "npl",
	[SYS_memory_info] = "hp",
	[SYS_handle_duplicate] = "hf",
	[SYS_thread_create] = "ccennp",
	[SYS_thread_yield] = "",
	[SYS_event_create] = "",
	[SYS_event_signal] = "hn",
	[SYS_event_wait] = "hd",
	[SYS_hypervisor_available] = "n",
	[SYS_proto_partition_create] = "p",
	[SYS_proto_partition_cpuid] = "hnnp",
	[SYS_proto_partition_build] = "hp",
	[SYS_partition_deposit] = "hWS",
	[SYS_partition_withdraw] = "hp",
	[SYS_partition_map] = "hvwsgF",
	[SYS_partition_unmap] = "hvgs",
	[SYS_partition_reset] = "h",
	[SYS_partition_request_msi] = "hvmn",
	[SYS_partition_caps] = "hp",
	[SYS_partition_reference_time] = "h",
	[SYS_partition_doorbell_create] = "hcp",
	[SYS_doorbell_ring] = "hccgcn",
	[SYS_partition_prefetch] = "hcgs",
	[SYS_partition_pin] = "hcgs",
	[SYS_partition_dirty_start] = "hcgs",
	[SYS_partition_dirty_stop] = "hcgs",
	[SYS_partition_dirty_get] = "hcgspf",
	[SYS_partition_dirty_mark] = "hcgs",
	[SYS_vp_bind] = "hcw",
	[SYS_vp_run] = "h",
	[SYS_vp_request_yield] = "hc",
	[SYS_vp_get_registers] = "hvppc",
	[SYS_vp_set_registers] = "hvppc",
	[SYS_vp_reset] = "h",
	[SYS_vp_flush_requests] = "h",
	[SYS_vp_intercept] = "hp",
	[SYS_vp_set_lint] = "hcvcc",
	[SYS_vp_apic_access] = "hvon",
	[SYS_vp_stats] = "hcp",
	[SYS_vp_set_debug_state] = "hcp",
	[SYS_serial_open] = "chn",
	[SYS_serial_read] = "pl",
	[SYS_serial_write] = "xs",
	[SYS_vp_state_get] = "hccps",
	[SYS_vp_state_set] = "hccps",
	[SYS_vp_state_reset] = "hcc",
	[SYS_vp_save] = "hps",
	[SYS_vp_restore] = "hps",
	[SYS_partition_save] = "hps",
	[SYS_partition_restore] = "hps",
	[SYS_partition_freeze] = "h",
	[SYS_partition_thaw] = "h",
	[SYS_msi_source_create] = "hc",
	[SYS_msi_signal] = "hmn",
	[SYS_vp_pulse_lint] = "hccc",
	[SYS_partition_set_spi] = "hcnc",
	[SYS_vp_gic_access] = "hvgcn",
	[SYS_inspect] = "hicpl",
	[SYS_vp_profile] = "hcc",
	[SYS_vp_peek_registers] = "hcvppc",
	[SYS_handle_close] = "h",
	[SYS_message_port_create] = "hvcEn",
	[SYS_message_port_receive] = "hp",
	[SYS_host_event_port_create] = "hvcEn",
	[SYS_guest_event_port_create] = "hvccc",
	[SYS_guest_event_port_signal] = "h",
	[SYS_guest_event_port_clear] = "h",
	[SYS_guest_event_port_retarget] = "hccc",
	[SYS_synic_post_message] = "hvccp",
	[SYS_monitor_page_set] = "hvg",
	[SYS_monitor_register] = "hvccn",
	[SYS_monitor_read] = "hvgc",
	[SYS_monitor_write] = "hvgcn",
	[SYS_vpci_device_create] = "hvc",
	[SYS_vpci_register_interrupt] = "hcp",
	[SYS_vpci_unregister_interrupt] = "hmc",
	[SYS_vpci_signal_msi] = "hmc",
	[SYS_partition_crash_bind] = "hEn",
	[SYS_partition_crash_get] = "hp",
};

static uint64_t draw(struct caller *c)
{
	return draw_below(c, 0);
}

static uint64_t any_number(struct caller *c)
{
	switch (draw_below(c, 5)) {
	case 0: return draw_below(c, 16);
	case 1: return BIT(draw_below(c, 64));
	case 2: return BIT(draw_below(c, 64)) - 1;
	case 3: return draw(c) & UINT32_MAX;
	default: return draw(c);
	}
}

static uint64_t bad_address(struct caller *c)
{
	static const uint64_t bad[] = {0,
				       0x1000,
				       0x7ffffffff000,
				       0x800000000000,
				       0xffff800000000000,
				       0xffffffff80000000,
				       UINT64_MAX - 4095,
				       ROOT_WINDOW_BASE - 4096,
				       ROOT_WINDOW_BASE + GIB(300)};

	return bad[draw_below(c, ARRAY_SIZE(bad))] + (draw_below(c, 2) ? draw_below(c, 4096) : 0);
}

/* Of the part of the arena that is never deposited. */
static uint64_t arena_kept(void)
{
	return call_place.arena_size / 4;
}

static uint64_t window(struct caller *c)
{
	uint64_t va = call_place.arena_va + ALIGN_DOWN(draw_below(c, call_place.arena_size), 4096);

	return draw_below(c, 12) ? va : bad_address(c);
}

static uint64_t kept_page(struct caller *c)
{
	return call_place.arena_va + ALIGN_DOWN(draw_below(c, arena_kept()), 4096);
}

static uint64_t window_block(struct caller *c)
{
	uint64_t offset = draw_below(c, call_place.arena_size - arena_kept());

	if (!draw_below(c, 12))
		return bad_address(c);
	return call_place.arena_va + arena_kept() + ALIGN_DOWN(offset, LARGE_PAGE_SIZE);
}

static uint64_t size(struct caller *c)
{
	switch (draw_below(c, 8)) {
	case 0: return any_number(c);
	case 1: return draw_below(c, 2) * GIB(8); /* to unmap all */
	case 2: return LARGE_PAGE_SIZE;
	default: return draw_below(c, 40) * 4096;
	}
}

static uint64_t gpa(struct caller *c)
{
	static const uint64_t places[] = {0, 0xfffff000, 0xfee00000, LARGE_PAGE_SIZE, GIB(1)};

	if (!draw_below(c, 10))
		return any_number(c);
	return places[draw_below(c, ARRAY_SIZE(places))] +
	       draw_below(c, 2) * draw_below(c, 4) * 4096;
}

static enum class class_of(uint32_t number) {
	switch (number){
		case SYS_vp_run : case SYS_vp_get_registers : case SYS_vp_set_registers : case
		SYS_vp_reset : case SYS_vp_apic_access : case SYS_vp_gic_access : case
		SYS_vp_set_debug_state : case SYS_vp_state_get : case SYS_vp_state_set : case
		SYS_vp_state_reset : case SYS_vp_save : case SYS_vp_restore : case
		SYS_vp_flush_requests : case SYS_vp_intercept : return CLASS_VP;
		case SYS_serial_open : case SYS_serial_read : case
		SYS_serial_write : return CLASS_OTHER;
		case SYS_inspect : case SYS_vp_profile : case
		SYS_vp_peek_registers : return CLASS_PARTITION;
		default : return number < SYS_proto_partition_create ? CLASS_OTHER
								     : CLASS_PARTITION;
	}
}

static uint64_t handle(struct caller *c)
{
	uint64_t class = draw_below(c, 8) ? class_of(c->number) : draw_below(c, CLASSES);

	if (class == CLASS_VP && draw_below(c, 2))
		return c->vp;
	return recent[class * RECENT_MAX + draw_below(c, call_place.recent_handles)];
}

static uint64_t argument(struct caller *c, char shape)
{
	switch (shape) {
	case 'E':
		return recent[CLASS_OTHER * RECENT_MAX + draw_below(c, call_place.recent_handles)];
	case 'h': return draw_below(c, 20) ? handle(c) : any_number(c);
	case 'p':
		if (!draw_below(c, 8))
			return bad_address(c);
		return c->buffer_va + draw_below(c, 64) * 8;
	case 'x': return bad_address(c) & ~0xfffull;
	case 'w': return window(c);
	case 'W': return window_block(c);
	case 'S': return draw_below(c, 8) ? LARGE_PAGE_SIZE << draw_below(c, 3) : any_number(c);
	case 's': return size(c);
	case 'l': return draw_below(c, 2048);
	case 'g': return gpa(c);
	case 'c': return draw_below(c, 12) ? draw_below(c, 3) : any_number(c);
	case 'd': return time_ns() + draw_below(c, 2) * draw_below(c, 200000);
	case 'e': return draw_below(c, 4) ? call_place.thread_entry : BIT(63) | draw(c);
	case 'f': return draw_below(c, 4) ? draw_below(c, 32) : any_number(c);
	case 'F': return draw_below(c, 8) ? draw_below(c, 4) : any_number(c);
	case 'v': return draw_below(c, 8) ? 0 : any_number(c);
	case 'i': return draw_below(c, 12) ? draw_below(c, INSPECT_PROFILE + 1) : any_number(c);
	case 'm': return draw_below(c, 4) ? 0xfee00000 + (draw(c) & 0xfffff) : any_number(c);
	case 'o':
		return draw_below(c, 8) ? draw_below(c, 64) * 16 | draw_below(c, 2) << 16 : draw(c);
	default: return any_number(c);
	}
}

static uint64_t register_name(struct caller *c)
{
	return register_firsts[draw_below(c, ARRAY_SIZE(register_firsts))] + draw_below(c, 8);
}

void buffer_fill(struct caller *c)
{
	uint32_t vp_count = 1 + (uint32_t)draw_below(c, 3);
	struct proto_partition_config config =
		config_form(vp_count, (uint32_t)draw_below(c, CONFIG_FORMS));
	uint64_t *buffer = c->buffer;
	size_t i;

	memset(buffer, 0, CALLER_WORDS * sizeof(buffer[0]));
	switch (draw_below(c, 4)) {
	case 0:
		for (i = 0; i < 80; i++)
			buffer[i] = any_number(c);
		break;
	case 1: break; /* struct partition_config */
	case 2:
		for (i = 0; i < 80; i++) /* names of registers */
			buffer[i] = register_name(c) | register_name(c) << 32;
		break;
	default:
		for (i = 0; i < 64; i += 8)
			memcpy(&buffer[i], &config, sizeof(config));
	}
}

void arena_fill(struct caller *c)
{
	uint8_t *page, *end = call_place.arena + arena_kept();

	for (page = call_place.arena; page < end; page += 4096) {
		memcpy(page, guest_code[draw_below(c, ARRAY_SIZE(guest_code))],
		       sizeof(guest_code[0]));
		memcpy(page + 0xff0, guest_code[draw_below(c, ARRAY_SIZE(guest_code))],
		       sizeof(guest_code[0]));
	}
}

/* Guesses may hit them, too. */
static bool is_kept(uint64_t handle)
{
	uint64_t i;

	for (i = 0; i < kept_end; i++)
		if (kept[i] == (uint32_t)handle)
			return (uint32_t)handle;
	return false;
}

static bool place_take(uint64_t handle)
{
	uint64_t i, end;

	for (i = 0; i < KEPT_MAX; i++) {
		uint64_t none = 0;

		if (!atomic_compare_exchange_strong(&kept[i], &none, handle))
			continue;
		end = kept_end;
		while (end <= i && !atomic_compare_exchange_strong(&kept_end, &end, i + 1))
			;
		return true;
	}
	return false;
}

static void place_leave(uint64_t handle)
{
	uint64_t i;

	for (i = 0; i < KEPT_MAX; i++) {
		uint64_t expected = handle;

		if (atomic_compare_exchange_strong(&kept[i], &expected, 0))
			break;
	}
	(void)call(SYS_handle_close, handle, 0, 0, 0, 0, 0);
}

/* A VP that halts is woken by its partition's handle alone: another one is kept for as long as there
 * are callers, and the VP is bound by it. By the first, somebody else may have closed that meanwhile, and
 * its number may be another partition's. */
static status_t vp_bind(uint64_t partition, uint64_t index, uint64_t run_page, uint64_t *vp)
{
	uint64_t copy;
	status_t status;

	if (!call_place.keeps_partitions)
		return call_value(SYS_vp_bind, partition, index, run_page, 0, 0, 0, vp);
	status = call_value(SYS_handle_duplicate, partition, RIGHT_RUN, 0, 0, 0, 0, &copy);

	if (status != STATUS_OK)
		return status;
	if (!place_take(copy)) {
		(void)call(SYS_handle_close, copy, 0, 0, 0, 0, 0);
		return STATUS_NO_MEMORY;
	}
	status = call_value(SYS_vp_bind, copy, index, run_page, 0, 0, 0, vp);
	if (status != STATUS_OK)
		place_leave(copy);
	return status;
}

/* A new handle takes the place of an old one, which is closed. */
static void handle_note(struct caller *c, enum class class, uint64_t handle)
{
	uint64_t n = draw_below(c, call_place.recent_handles);
	uint64_t old = atomic_exchange(&recent[class * RECENT_MAX + n], handle);

	if (old && !is_kept(old))
		(void)call(SYS_handle_close, old, 0, 0, 0, 0, 0);
}

void call_partition_make(struct caller *c)
{
	struct proto_partition_config config = config_form(2, CONFIG_OTHER);
	const struct partition_config build = {0};
	uint64_t partition, tries;

	config.flags = (uint32_t)draw_below(c, 2);
	memcpy(c->buffer, &config, sizeof(config));
	if (call_value(SYS_proto_partition_create, c->buffer_va, 0, 0, 0, 0, 0, &partition) !=
	    STATUS_OK)
		return;
	for (tries = 0; tries < DEPOSIT_TRIES; tries++)
		if (call(SYS_partition_deposit, partition, window_block(c), LARGE_PAGE_SIZE, 0, 0,
			 0) == STATUS_OK)
			break;
	memcpy(c->buffer, &build, sizeof(build));
	(void)call(SYS_proto_partition_build, partition, c->buffer_va, 0, 0, 0, 0);
	(void)call(SYS_partition_map, partition, 0, kept_page(c), 4096, RESET_PAGE,
		   GPA_WRITABLE | GPA_EXECUTABLE);
	if (vp_bind(partition, 0, kept_page(c), &c->vp) == STATUS_OK)
		handle_note(c, CLASS_VP, c->vp);
	handle_note(c, CLASS_PARTITION, partition);
}

static bool makes_handle(uint32_t number)
{
	return number == SYS_event_create || number == SYS_thread_create ||
	       number == SYS_handle_duplicate || number == SYS_proto_partition_create ||
	       number == SYS_partition_doorbell_create || number == SYS_partition_pin ||
	       number == SYS_message_port_create || number == SYS_host_event_port_create ||
	       number == SYS_guest_event_port_create || number == SYS_monitor_register ||
	       number == SYS_vpci_device_create;
}

void call_one(struct caller *c)
{
	uint32_t number = (uint32_t)draw_below(c, SYSCALL_LIMIT);
	uint64_t *a = c->a;
	const char *shape;
	uint64_t value;
	size_t i;

	if (draw_below(c, 64) == 63) {
		uint64_t none = number | BIT(6 + draw_below(c, 26));

		(void)call((uint32_t)none, draw(c), draw(c), draw(c), draw(c), draw(c), draw(c));
		return;
	}
	while (!shapes[number])
		number = (uint32_t)draw_below(c, SYSCALL_LIMIT);
	shape = shapes[number];
	memset(c->a, 0, sizeof(c->a));
	c->number = number;
	for (i = 0; shape[i]; i++)
		a[i] = argument(c, shape[i]);
	c->calls++;
	if (number == SYS_handle_close && is_kept(a[0]))
		return;
	/* It has failed: nobody keeps what would wake the VP, if it does not fail again. */
	if (number == SYS_vp_bind && vp_bind(a[0], a[1], a[2], &c->vp) == STATUS_OK)
		handle_note(c, CLASS_VP, c->vp);
	else if (call_value(number, a[0], a[1], a[2], a[3], a[4], a[5], &value) != STATUS_OK)
		return;
	else if (number == SYS_vp_bind)
		(void)call(SYS_handle_close, value, 0, 0, 0, 0, 0);
	else if (makes_handle(number))
		handle_note(c, class_of(number), value);
}

status_t call(uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	      uint64_t a5)
{
	uint64_t value;

	return call_value(number, a0, a1, a2, a3, a4, a5, &value);
}

uint64_t kept_partition(uint64_t n)
{
	return kept[n];
}

uint64_t kept_partitions(void)
{
	return kept_end;
}

void calls_forget(void)
{
	memset((void *)recent, 0, sizeof(recent));
	memset((void *)kept, 0, sizeof(kept));
	kept_end = 0;
}

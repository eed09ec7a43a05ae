/* SPDX-License-Identifier: MIT */
/* See wrong.h: the table of all calls, and the faults that follow from the kinds of their arguments. */
#include "wrong.h"
#include <string.h>

#define AT(place) ((uintptr_t)&places.place)

const struct call_row call_rows[] = {
	{SYS_console_write, "r.", .a = {AT(text), TEXT_SIZE}},
	{SYS_console_read, "..", .a = {AT(out), 16},
	 .faultless = "until somebody types: wrong_lines.c"},
	{SYS_console_bind, "H.", EVENT, RIGHT_WRITE, .a = {0, 1}},
	{SYS_log_read, ".w.", .a = {0, AT(out), 16}},
	{SYS_system_end, "..", .flags = NO_RETURN},
	{SYS_memory_info, "Hw", PARTITION, RIGHT_READ, .a = {0, AT(out)}, .flags = ANY_STATE},
	{SYS_inspect, "h..w.", PARTITION, RIGHT_READ, .a = {0, INSPECT_PARTITION, 0, AT(out), 8},
	 .flags = ANY_STATE},
	{SYS_vp_profile, "hi.", PARTITION, RIGHT_WRITE, .a = {0}},
	{SYS_vp_peek_registers, "hivrw.", PARTITION, RIGHT_READ,
	 .a = {0, 0, 0, AT(name), AT(out), 1}},
	{SYS_handle_close, "h", EVENT, 0, .flags = ANY_TYPE | NO_RETURN},
	{SYS_handle_duplicate, "h.", EVENT, 0, .flags = ANY_TYPE | GIVES},
	{SYS_thread_create, "......", .a = {0, ROOT_PRIORITY, (uintptr_t)hostile_exit},
	 .flags = GIVES},
	{SYS_thread_exit, "", .flags = NO_RETURN, .faultless = "it takes nothing"},
	{SYS_thread_yield, "", .faultless = "it takes nothing"},
	{SYS_event_create, "", .flags = GIVES, .faultless = "it takes nothing"},
	{SYS_event_signal, "h.", EVENT, RIGHT_WRITE, .a = {0, 1}},
	{SYS_event_wait, "h.", EVENT, RIGHT_WAIT, .a = {0}},
	{SYS_hypervisor_available, "", .faultless = "it takes nothing"},
	{SYS_proto_partition_create, "r", .a = {AT(proto)}, .flags = GIVES},
	{SYS_proto_partition_cpuid, "h..w", PARTITION, RIGHT_READ, .a = {0, 0, 0, AT(out)},
	 .flags = ANY_STATE},
	{SYS_proto_partition_build, "hr", PROTO, RIGHT_DESTROY, .a = {0, AT(build)},
	 .flags = ANY_STATE, .answer = STATUS_NO_MEMORY},
	{SYS_partition_deposit, "ha.", PROTO, RIGHT_DESTROY, .a = {0, FREE_BLOCK, LARGE_PAGE_SIZE},
	 .flags = ANY_STATE},
	{SYS_partition_withdraw, "h.", PROTO, RIGHT_DESTROY, .flags = ANY_STATE},
	{SYS_partition_map, "hvp...", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, FREE_BLOCK, LARGE_PAGE_SIZE, FREE_GPA, GPA_WRITABLE}},
	{SYS_partition_unmap, "hvgs", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, FREE_GPA, LARGE_PAGE_SIZE}},
	{SYS_partition_reset, "h", PARTITION, RIGHT_DESTROY, .a = {0}},
	{SYS_partition_request_msi, "hv..", PARTITION, RIGHT_WRITE, .a = {0, 0, MSI_BASE, 0x30}},
	{SYS_partition_caps, "hw", PARTITION, RIGHT_READ, .a = {0, AT(out)}, .flags = ANY_STATE},
	{SYS_partition_reference_time, "h", PARTITION, RIGHT_READ, .a = {0}},
	{SYS_partition_doorbell_create, "hvr", PARTITION, RIGHT_WRITE, .a = {0, 0, AT(doorbell)},
	 .flags = GIVES},
	{SYS_doorbell_ring, "hv....", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, DOORBELL_GPA, DOORBELL_GPA_AT, 4, 0}},
	{SYS_vp_bind, "hip", PARTITION, RIGHT_RUN, .a = {0, 1, RUN_BLOCK + 4096}, .flags = GIVES},
	{SYS_vp_run, "h", VP, RIGHT_RUN, .a = {0}},
	{SYS_vp_request_yield, "hi", PARTITION, RIGHT_RUN, .a = {0}},
	{SYS_vp_get_registers, "hvrw.", VP, RIGHT_READ, .a = {0, 0, AT(name), AT(out), 1}},
	{SYS_vp_set_registers, "hvrr.", VP, RIGHT_WRITE, .a = {0, 0, AT(name), AT(value), 1}},
	{SYS_vp_reset, "h", VP, RIGHT_WRITE, .a = {0}},
	{SYS_vp_flush_requests, "h", VP, RIGHT_WRITE, .a = {0}},
	{SYS_vp_intercept, "h.", VP, RIGHT_READ, .a = {0, AT(out)}},
	{SYS_vp_set_lint, "hiv..", PARTITION, RIGHT_WRITE, .a = {0}},
	{SYS_vp_apic_access, "hv..", VP, RIGHT_WRITE, .a = {0, 0, 0x20, 0}},
	{SYS_vp_stats, "hiw", PARTITION, RIGHT_READ, .a = {0, 0, AT(out)}},
	{SYS_vp_set_debug_state, "hvR", VP, RIGHT_WRITE, .a = {0, 0, AT(debug)}},
	{SYS_vp_state_get, "hv.w.", VP, RIGHT_READ, .a = {0, 0, VP_STATE_PAT, AT(out), 8}},
	{SYS_vp_state_set, "hv.r.", VP, RIGHT_WRITE, .a = {0, 0, VP_STATE_PAT, AT(pat), 8}},
	{SYS_vp_state_reset, "hv.", VP, RIGHT_WRITE, .a = {0, 0, VP_STATE_PAT}},
	{SYS_vp_save, "hw.", VP, RIGHT_READ, .a = {0, AT(out), sizeof(places.out)}},
	{SYS_vp_restore, "hrz", VP, RIGHT_WRITE, .a = {0, AT(vp), 0}},
	{SYS_partition_save, "hw.", PARTITION, RIGHT_READ, .a = {0, AT(out), sizeof(places.out)}},
	{SYS_partition_restore, "hrz", PARTITION, RIGHT_WRITE, .a = {0, AT(partition), 0}},
	{SYS_partition_freeze, "h", PARTITION, RIGHT_WRITE, .answer = STATUS_BUSY},
	{SYS_partition_thaw, "h", PARTITION, RIGHT_WRITE, .answer = STATUS_BUSY},
	{SYS_partition_prefetch, "hvgs", PARTITION, RIGHT_READ,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE}},
	{SYS_partition_pin, "hvgs", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE}, .flags = GIVES},
	{SYS_partition_dirty_start, "hvgs", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE}},
	{SYS_partition_dirty_stop, "hvgs", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE}},
	{SYS_partition_dirty_get, "hvgsw.", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE, AT(out), DIRTY_CLEAR}},
	{SYS_partition_dirty_mark, "hvgs", PARTITION, RIGHT_WRITE,
	 .a = {0, 0, MAPPED_GPA, LARGE_PAGE_SIZE}},
	{SYS_msi_source_create, "hv", PARTITION, RIGHT_WRITE, .flags = GIVES},
	{SYS_msi_signal, "h..", SOURCE, RIGHT_WRITE, .a = {0, MSI_BASE, 0x30}},
	{SYS_vp_pulse_lint, "hiv.", PARTITION, RIGHT_WRITE, .a = {0}},
	{SYS_partition_set_spi, "hv..", PARTITION, RIGHT_WRITE, .a = {0, 0, 32, 1},
	 .answer = STATUS_NOT_SUPPORTED},
	{SYS_vp_gic_access, "hv...", VP, RIGHT_WRITE, .a = {0, 0, 0x8000000, 4, 0},
	 .answer = STATUS_NOT_SUPPORTED},
	{SYS_serial_open, ".H.", EVENT, RIGHT_WRITE, .a = {1, 0, 1}, .answer = STATUS_BUSY},
	{SYS_serial_read, "..", .a = {AT(out), 16},
	 .faultless = "until somebody types: wrong_lines.c"},
	{SYS_serial_write, "r.", .a = {AT(text), TEXT_SIZE}},
	{SYS_message_port_create, "hv.e.", PARTITION, RIGHT_WRITE, .flags = GIVES,
	 .a = {0, 0, CONNECTION + 1, 0, 1}},
	{SYS_message_port_receive, "h.", MESSAGES, RIGHT_READ, .a = {0, AT(out)},
	 .answer = STATUS_NOT_FOUND},
	{SYS_host_event_port_create, "hv.e.", PARTITION, RIGHT_WRITE, .flags = GIVES,
	 .a = {0, 0, CONNECTION + 1, 0, 1}},
	{SYS_guest_event_port_create, "hvi..", PARTITION, RIGHT_WRITE, .flags = GIVES,
	 .a = {0, 0, 0, 2, 3}},
	{SYS_guest_event_port_signal, "h", FLAG, RIGHT_WRITE, .answer = SYNIC_OFF},
	{SYS_guest_event_port_clear, "h", FLAG, RIGHT_WRITE, .a = {0}},
	{SYS_guest_event_port_retarget, "hi..", FLAG, RIGHT_WRITE, .a = {0, 1, 2, 3}},
	{SYS_synic_post_message, "hvi.r", PARTITION, RIGHT_WRITE, .a = {0, 0, 0, 2, AT(message)},
	 .answer = SYNIC_OFF},
	{SYS_monitor_page_set, "hv.", PARTITION, RIGHT_WRITE, .a = {0, 0, MONITOR_GPA}},
	{SYS_monitor_register, "hv...", PARTITION, RIGHT_WRITE, .flags = GIVES,
	 .a = {0, 0, 5, CONNECTION + 3, 1000}},
	{SYS_monitor_read, "hv..", PARTITION, RIGHT_WRITE, .a = {0, 0, MONITOR_GPA, 8}},
	{SYS_monitor_write, "hv...", PARTITION, RIGHT_WRITE, .a = {0, 0, MONITOR_GPA, 8, 0}},
	{SYS_vpci_device_create, "hv.", PARTITION, RIGHT_WRITE, .flags = GIVES,
	 .a = {0, 0, DEVICE_ID + 1}},
	{SYS_vpci_register_interrupt, "h.r", DEVICE, RIGHT_WRITE, .a = {0, 1, AT(interrupt)}},
	{SYS_vpci_unregister_interrupt, "h..", DEVICE, RIGHT_WRITE, .a = {0, MSI_BASE, 32}},
	{SYS_vpci_signal_msi, "h..", DEVICE, RIGHT_WRITE, .a = {0, MSI_BASE, 0}},
	{SYS_partition_crash_bind, "he.", PARTITION, RIGHT_WRITE, .a = {0, 0, 1}},
	{SYS_partition_crash_get, "h.", PARTITION, RIGHT_READ, .a = {0, AT(out)},
	 .answer = STATUS_NOT_FOUND},
};
const size_t call_row_count = ARRAY_SIZE(call_rows);

/* ---- the table as it is read ---- */

const struct call_row *call_row(uint32_t number)
{
	size_t i;

	for (i = 0; i < call_row_count; i++)
		if (call_rows[i].number == number)
			return &call_rows[i];
	say("hostile: call %u is not in the table", number);
	end(END_FAILED);
}

int argument_place(const struct call_row *row, const char *kinds)
{
	int i;

	for (i = 0; row->arguments[i]; i++)
		if (strchr(kinds, row->arguments[i]))
			return i;
	return -1;
}

void arguments_make(const struct call_row *row, uint64_t a[6])
{
	size_t i;

	memcpy(a, row->a, sizeof(row->a));
	for (i = 0; row->arguments[i]; i++) {
		switch (row->arguments[i]) {
		case 'h':
		case 'H': a[i] = things[row->thing]; break;
		case 'e': a[i] = things[EVENT]; break;
		case 'p':
		case 'a': a[i] = arena_at(a[i]); break;
		case 'z': a[i] = ((const struct state_header *)a[i - 1])->size; break;
		default: break;
		}
	}
}

/* ---- handles ---- */

static enum thing type_of(enum thing thing)
{
	return thing == PROTO ? PARTITION : thing;
}

static void wrong_handle(const struct call_row *row, int place)
{
	const uint64_t right = things[row->thing];
	uint64_t closed = duplicate(right, 0), was = closed;
	const uint64_t bad[] = {HANDLE_NONE, NO_HANDLE,	      UINT32_MAX,      BIT(32),
				UINT64_MAX,  right | BIT(32), right | BIT(40), right | BIT(63)};
	size_t i;

	handle_end(&closed);
	expect_wrong("a closed handle", row, place, was, STATUS_INVALID_HANDLE);
	for (i = row->arguments[place] == 'H'; i < ARRAY_SIZE(bad); i++)
		expect_wrong("no handle", row, place, bad[i], STATUS_INVALID_HANDLE);
}

static void wrong_type(const struct call_row *row, int place)
{
	enum thing thing;

	for (thing = EVENT; thing < THINGS; thing++)
		if (type_of(thing) != type_of(row->thing))
			expect_wrong("a handle of another type", row, place, things[thing],
				     STATUS_WRONG_TYPE);
}

static void wrong_right(const struct call_row *row, int place)
{
	uint64_t none = duplicate(things[row->thing], 0);
	uint64_t others = duplicate(things[row->thing], RIGHTS_ALL & ~row->right);

	see();
	expect_wrong("a handle without rights", row, place, none, STATUS_ACCESS_DENIED);
	expect_wrong("a handle with other rights", row, place, others, STATUS_ACCESS_DENIED);
	handle_end(&none);
	handle_end(&others);
	see();
}

static void wrong_handles(const struct call_row *row)
{
	int place = argument_place(row, "hH");

	if (place < 0)
		return;
	wrong_handle(row, place);
	if (!(row->flags & ANY_TYPE))
		wrong_type(row, place);
	if (row->right)
		wrong_right(row, place);
	if (type_of(row->thing) == PARTITION && !(row->flags & ANY_STATE))
		expect_wrong("a partition that is not built", row, place, things[PROTO],
			     STATUS_WRONG_STATE);
}

void expect_all_of(const char *what, enum thing thing, uint64_t handle, status_t status)
{
	size_t i;

	see();
	for (i = 0; i < call_row_count; i++)
		if (call_rows[i].thing == thing && !(call_rows[i].flags & ANY_TYPE))
			expect_wrong(what, &call_rows[i], argument_place(&call_rows[i], "hH"),
				     handle, status);
}

/* ---- numbers ---- */

static void wrong_numbers(const struct call_row *row)
{
	static const uint64_t vtls[] = {1, 2, 3, 16, BIT(32), UINT64_MAX};
	static const uint64_t indices[] = {VPS, 9, UINT32_MAX, BIT(32), UINT64_MAX};
	int vtl = argument_place(row, "v"), index = argument_place(row, "i");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vtls) && vtl >= 0; i++)
		expect_wrong("VTL", row, vtl, vtls[i], STATUS_INVALID_VTL);
	for (i = 0; i < ARRAY_SIZE(indices) && index >= 0; i++)
		expect_wrong("index", row, index, indices[i], STATUS_NOT_FOUND);
}

/* ---- addresses ---- */

/* In the window is no page of the root task's own. */
static uint64_t image_in_window(void)
{
	uint32_t i;

	for (i = 0; boot_info->memory[i].kind != BOOT_MEMORY_ROOT; i++)
		EXPECT(i < boot_info->memory_count);
	return ROOT_WINDOW_BASE + boot_info->memory[i].base;
}

static void wrong_buffer(const struct call_row *row, int place)
{
	const char kind = row->arguments[place];
	const uint64_t deposited = arena_at(DEPOSITED_BLOCK);
	const uint64_t bad[] = {
		0,
		8,
		0xffff,
		KERNEL_ADDRESS,
		NON_CANONICAL,
		UINT64_MAX,
		UINT64_MAX - 7,
		0x00007ffffffff000,
		0x0000800000000000 - 4,
		0xffff800000000000,
		WINDOW_END,
		image_in_window(),
		deposited,
		deposited - 2, /* no call is content with two bytes */
	};
	const uint64_t readable[] = {(uintptr_t)boot_info, (uintptr_t)hostile_exit};
	size_t i;

	for (i = kind == 'R'; i < ARRAY_SIZE(bad); i++)
		expect_wrong("buffer", row, place, bad[i], STATUS_INVALID_ADDRESS);
	for (i = 0; i < ARRAY_SIZE(readable) && kind == 'w'; i++)
		expect_wrong("buffer to be read", row, place, readable[i], STATUS_INVALID_ADDRESS);
}

static void wrong_page(const struct call_row *row, int place)
{
	static const uint64_t unaligned[] = {1, 8, 0x800, 0xfff};
	const uint64_t bad[] = {
		0,
		0x400000,
		ROOT_WINDOW_BASE - 4096,
		KERNEL_ADDRESS,
		NON_CANONICAL,
		0 - 4096ull,
		0xffff800000000000,
		WINDOW_END,
		(uintptr_t)&places & ~0xfffull,
		image_in_window(),
		arena_at(DEPOSITED_BLOCK),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unaligned); i++)
		expect_wrong("page", row, place, arena_at(row->a[place]) + unaligned[i],
			     STATUS_MISALIGNED);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_wrong("page", row, place, bad[i], STATUS_INVALID_ADDRESS);
}

/* The size stands behind the address. */
static void wrong_range(const struct call_row *row, int place)
{
	static const struct {
		int is_size;
		uint64_t value;
		status_t status;
	} bad[] = {
		{0, 1, STATUS_MISALIGNED},
		{0, 0x800, STATUS_MISALIGNED},
		{0, BIT(52), STATUS_INVALID_ADDRESS},
		{0, BIT(60), STATUS_INVALID_ADDRESS},
		{0, BIT(63), STATUS_INVALID_ADDRESS},
		{0, 0 - LARGE_PAGE_SIZE, STATUS_INVALID_ADDRESS}, /* the end is 0 */
		{0, 0 - 4096ull, STATUS_INVALID_ADDRESS},	  /* wraps */
		{0, UINT64_MAX, STATUS_MISALIGNED},
		{1, 0, STATUS_INVALID_ARGUMENT},
		{1, 1, STATUS_MISALIGNED},
		{1, 4095, STATUS_MISALIGNED},
		{1, LARGE_PAGE_SIZE + 1, STATUS_MISALIGNED},
		{1, BIT(53), STATUS_INVALID_ADDRESS},
		{1, BIT(63), STATUS_INVALID_ADDRESS},
		{1, 0 - 4096ull, STATUS_INVALID_ADDRESS},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_wrong("range", row, place + bad[i].is_size, bad[i].value, bad[i].status);
}

static void wrong_addresses(const struct call_row *row)
{
	int i;

	for (i = 0; row->arguments[i]; i++) {
		switch (row->arguments[i]) {
		case 'r':
		case 'R':
		case 'w': wrong_buffer(row, i); break;
		case 'p': wrong_page(row, i); break;
		case 'g': wrong_range(row, i); break;
		default: break;
		}
	}
}

void wrong_shared(void)
{
	size_t i;

	see();
	for (i = 0; i < call_row_count; i++) {
		wrong_handles(&call_rows[i]);
		wrong_numbers(&call_rows[i]);
		wrong_addresses(&call_rows[i]);
	}
}

/* ---- what is right ---- */

static void right_call(const struct call_row *row)
{
	int place = argument_place(row, "hH");
	uint64_t a[6], value, copy = HANDLE_NONE;
	status_t answer;

	arguments_make(row, a);
	if (place >= 0)
		a[place] = copy = duplicate(things[row->thing], row->right);
	answer = call_value(row->number, a[0], a[1], a[2], a[3], a[4], a[5], &value);
	if (answer != row->answer) {
		say("hostile: call %u, which is right, answers %u", row->number, answer);
		end(END_FAILED);
	}
	if (place >= 0)
		handle_end(&copy);
	if (row->flags & GIVES)
		handle_end(&value);
}

void right_calls(void)
{
	size_t i;

	for (i = 0; i < call_row_count; i++)
		if (!(call_rows[i].flags & NO_RETURN))
			right_call(&call_rows[i]);
	EXPECT(call(SYS_console_bind, HANDLE_NONE, 0, 0, 0, 0, 0) == STATUS_OK);
}

/* ---- all calls ---- */

static bool refused[SYSCALL_LIMIT];

void refusal_note(uint32_t number)
{
	if (number < SYSCALL_LIMIT)
		refused[number] = true;
}

void all_were_refused(void)
{
#define SYSCALL_NUMBER(name, number, words) number,
	static const uint32_t numbers[] = {SYSCALL_TABLE(SYSCALL_NUMBER)};
#undef SYSCALL_NUMBER
	size_t i;

	EXPECT(call_row_count == ARRAY_SIZE(numbers));
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct call_row *row = call_row(numbers[i]);

		if (refused[row->number] == !row->faultless)
			continue;
		say("hostile: call %u was %s", row->number,
		    row->faultless ? "refused, and has no fault" : "never refused");
		end(END_FAILED);
	}
}

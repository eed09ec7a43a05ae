/* SPDX-License-Identifier: MIT */
/* System calls that are wrong in one way each, and the status that says so. */
#include "hostile.h"
#include <string.h>

#define KERNEL_ADDRESS 0xffffffff80100000ull
#define NON_CANONICAL  0x0000900000000000ull
#define WINDOW_END     (ROOT_WINDOW_BASE + GIB(512))
#define NO_HANDLE      0x7fffffull

static uint64_t buffer[512] __aligned(4096);

/* Objects to be wrong about. */
static uint64_t event, proto, partition, vp;

struct wrong {
	uint32_t number;
	status_t status;
	uint64_t a[6];
};

static void expect_all(const char *what, const struct wrong *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct wrong *w = &rows[i];
		status_t status =
			call(w->number, w->a[0], w->a[1], w->a[2], w->a[3], w->a[4], w->a[5]);

		if (status == w->status)
			continue;
		say("hostile: %s, row %u: call %u answers %u, not %u", what, (unsigned int)i,
		    w->number, status, w->status);
		end(END_FAILED);
	}
}
#define EXPECT_ALL(what, rows) expect_all(what, rows, ARRAY_SIZE(rows))

/* Each buffer of each call, at each place where none may be. */
static void wrong_buffers(void)
{
	static const uint64_t bad[] = {
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
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const uint64_t va = bad[i];
		const struct wrong rows[] = {
			{SYS_console_write, STATUS_INVALID_ADDRESS, {va, 16}},
			{SYS_log_read, STATUS_INVALID_ADDRESS, {0, va, 16}},
			{SYS_memory_info, STATUS_INVALID_ADDRESS, {0, va}},
			{SYS_proto_partition_create, STATUS_INVALID_ADDRESS, {va}},
			{SYS_proto_partition_cpuid, STATUS_INVALID_ADDRESS, {proto, 0, 0, va}},
			{SYS_proto_partition_build, STATUS_INVALID_ADDRESS, {proto, va}},
			{SYS_partition_caps, STATUS_INVALID_ADDRESS, {partition, va}},
			{SYS_vp_stats, STATUS_INVALID_ADDRESS, {partition, 0, va}},
			{SYS_vp_state_get,
			 STATUS_INVALID_ADDRESS,
			 {vp, 0, VP_STATE_REGISTERS, va, 4096}},
			{SYS_vp_state_set, STATUS_INVALID_ADDRESS, {vp, 0, VP_STATE_PAT, va, 8}},
			{SYS_vp_save, STATUS_INVALID_ADDRESS, {vp, va, 8192}},
			{SYS_vp_restore, STATUS_INVALID_ADDRESS, {vp, va, 8192}},
			{SYS_partition_save, STATUS_INVALID_ADDRESS, {partition, va, 4096}},
			{SYS_partition_restore, STATUS_INVALID_ADDRESS, {partition, va, 72}},
			{SYS_inspect, STATUS_INVALID_ADDRESS, {0, INSPECT_SYSTEM, 0, va, 16}},
			{SYS_inspect, STATUS_INVALID_ADDRESS, {0, INSPECT_CPU, 0, va, UINT64_MAX}},
			{SYS_inspect,
			 STATUS_INVALID_ADDRESS,
			 {partition, INSPECT_VP, 0, va, sizeof(buffer)}},
			{SYS_vp_peek_registers,
			 STATUS_INVALID_ADDRESS,
			 {partition, 0, 0, va, (uintptr_t)buffer, 1}},
			{SYS_vp_peek_registers,
			 STATUS_INVALID_ADDRESS,
			 {partition, 0, 0, (uintptr_t)buffer, va, 1}},
			{SYS_vp_get_registers,
			 STATUS_INVALID_ADDRESS,
			 {vp, 0, va, (uintptr_t)buffer, 1}},
			{SYS_vp_set_registers,
			 STATUS_INVALID_ADDRESS,
			 {vp, 0, va, (uintptr_t)buffer, 1}},
			{SYS_vp_get_registers,
			 STATUS_INVALID_ADDRESS,
			 {vp, 0, (uintptr_t)buffer, va, 1}},
			{SYS_vp_set_registers,
			 STATUS_INVALID_ADDRESS,
			 {vp, 0, (uintptr_t)buffer, va, 1}},
			{SYS_partition_map,
			 STATUS_INVALID_ADDRESS,
			 {partition, 0, va & ~0xfffull, 4096, 0, 0}},
			{SYS_vp_bind, STATUS_INVALID_ADDRESS, {partition, 1, va & ~0xfffull}},
		};

		buffer[0] = HV_X64_REGISTER_RAX;
		EXPECT_ALL("wrong buffers", rows);
	}
}

/* Every call that takes a handle first, with handles that are none, another's, too wide. */
static void wrong_handles(void)
{
	static const uint32_t calls[] = {
		SYS_handle_close,
		SYS_handle_duplicate,
		SYS_event_signal,
		SYS_event_wait,
		SYS_proto_partition_cpuid,
		SYS_partition_deposit,
		SYS_partition_withdraw,
		SYS_partition_map,
		SYS_partition_unmap,
		SYS_partition_reset,
		SYS_partition_request_msi,
		SYS_partition_caps,
		SYS_partition_reference_time,
		SYS_vp_run,
		SYS_vp_request_yield,
		SYS_vp_get_registers,
		SYS_vp_set_registers,
		SYS_vp_reset,
		SYS_vp_set_lint,
		SYS_vp_apic_access,
		SYS_vp_stats,
		SYS_vp_state_get,
		SYS_vp_state_set,
		SYS_vp_state_reset,
		SYS_vp_save,
		SYS_vp_restore,
		SYS_partition_save,
		SYS_partition_restore,
		SYS_partition_freeze,
		SYS_partition_thaw,
		SYS_vp_profile,
		SYS_vp_peek_registers,
		SYS_msi_source_create,
		SYS_msi_signal,
		SYS_vp_pulse_lint,
	};
	const uint64_t bad[] = {0,	    NO_HANDLE,	     UINT32_MAX,	  BIT(32),
				UINT64_MAX, event | BIT(32), partition | BIT(32), vp | BIT(40)};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		for (n = 0; n < ARRAY_SIZE(bad); n++) {
			const struct wrong row = {
				calls[i],
				STATUS_INVALID_HANDLE,
				{bad[n], calls[i] == SYS_partition_deposit ? (uintptr_t)arena : 1,
				 calls[i] == SYS_partition_deposit ? LARGE_PAGE_SIZE : 0}};

			expect_all("wrong handles", &row, 1);
		}
	for (i = 2; i < ARRAY_SIZE(calls); i++) {
		bool is_event = calls[i] == SYS_event_signal || calls[i] == SYS_event_wait;
		const struct wrong row = {
			calls[i],
			STATUS_WRONG_TYPE,
			{is_event ? partition : event,
			 calls[i] == SYS_partition_deposit ? (uintptr_t)arena : 1,
			 calls[i] == SYS_partition_deposit ? LARGE_PAGE_SIZE : 0}};

		expect_all("handles of another type", &row, 1);
	}
}

static uint64_t duplicate(uint64_t handle, uint32_t rights)
{
	uint64_t copy;

	EXPECT(call_value(SYS_handle_duplicate, handle, rights, 0, 0, 0, 0, &copy) == STATUS_OK);
	return copy;
}

static void wrong_rights(void)
{
	uint64_t e = duplicate(event, RIGHT_READ), p = duplicate(partition, 0);
	uint64_t v = duplicate(vp, 0);
	const struct wrong rows[] = {
		{SYS_handle_duplicate, STATUS_ACCESS_DENIED, {e, RIGHT_WRITE}},
		{SYS_handle_duplicate, STATUS_INVALID_ARGUMENT, {e, RIGHTS_ALL + 1}},
		{SYS_handle_duplicate, STATUS_INVALID_ARGUMENT, {event, BIT(40)}},
		{SYS_event_signal, STATUS_ACCESS_DENIED, {e, 1}},
		{SYS_event_wait, STATUS_ACCESS_DENIED, {e, 0}},
		{SYS_console_bind, STATUS_ACCESS_DENIED, {e, 1}},
		{SYS_memory_info, STATUS_ACCESS_DENIED, {p, (uintptr_t)buffer}},
		{SYS_partition_deposit,
		 STATUS_ACCESS_DENIED,
		 {p, (uintptr_t)arena, LARGE_PAGE_SIZE}},
		{SYS_partition_withdraw, STATUS_ACCESS_DENIED, {p, 0}},
		{SYS_partition_map, STATUS_ACCESS_DENIED, {p, 0, (uintptr_t)arena, 4096, 0, 0}},
		{SYS_partition_unmap, STATUS_ACCESS_DENIED, {p, 0, 0, 4096}},
		{SYS_partition_reset, STATUS_ACCESS_DENIED, {p}},
		{SYS_partition_request_msi, STATUS_ACCESS_DENIED, {p, 0, 0xfee00000, 0x30}},
		{SYS_partition_caps, STATUS_ACCESS_DENIED, {p, (uintptr_t)buffer}},
		{SYS_vp_bind, STATUS_ACCESS_DENIED, {p, 0, (uintptr_t)arena}},
		{SYS_vp_request_yield, STATUS_ACCESS_DENIED, {p, 0}},
		{SYS_vp_set_lint, STATUS_ACCESS_DENIED, {p, 0, 0, 0, 1}},
		{SYS_vp_stats, STATUS_ACCESS_DENIED, {p, 0, (uintptr_t)buffer}},
		{SYS_inspect,
		 STATUS_ACCESS_DENIED,
		 {p, INSPECT_PARTITION, 0, (uintptr_t)buffer, 8}},
		{SYS_vp_profile, STATUS_ACCESS_DENIED, {p, 0, 1}},
		{SYS_vp_peek_registers,
		 STATUS_ACCESS_DENIED,
		 {p, 0, 0, (uintptr_t)buffer, (uintptr_t)buffer, 1}},
		{SYS_msi_source_create, STATUS_ACCESS_DENIED, {p, 0}},
		{SYS_vp_pulse_lint, STATUS_ACCESS_DENIED, {p, 0, 0, 0}},
		{SYS_vp_run, STATUS_ACCESS_DENIED, {v}},
		{SYS_vp_reset, STATUS_ACCESS_DENIED, {v}},
		{SYS_vp_apic_access, STATUS_ACCESS_DENIED, {v, 0, 0x20, 0}},
	};

	EXPECT_ALL("wrong rights", rows);
	EXPECT(call(SYS_handle_close, e, 0, 0, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_handle_close, e, 0, 0, 0, 0, 0) == STATUS_INVALID_HANDLE);
	EXPECT(call(SYS_handle_close, p, 0, 0, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_handle_close, v, 0, 0, 0, 0, 0) == STATUS_OK);
}

static void wrong_values(void)
{
	const uint64_t w = (uintptr_t)arena, b = (uintptr_t)buffer;
	const struct wrong rows[] = {
		{9, STATUS_INVALID_SYSCALL, {0}},
		{SYSCALL_LIMIT, STATUS_INVALID_SYSCALL, {0}},
		{UINT32_MAX, STATUS_INVALID_SYSCALL, {0}},
		{SYS_console_write, STATUS_TOO_LARGE, {b, UINT64_MAX}},
		{SYS_console_write, STATUS_TOO_LARGE, {b, 65537}},
		{SYS_console_bind, STATUS_INVALID_ARGUMENT, {event, 0}},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, {2, 0}},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, {0, 256}},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, {BIT(32), 0}},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, {99999, 1, 0x400000, 0, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, {BIT(32), 1, 0x400000, 0, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, {0, 99, 0x400000, 0, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, {0, 1, KERNEL_ADDRESS, 0, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, {0, 1, NON_CANONICAL, 0, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, {0, 1, 0x400000, NON_CANONICAL, 0, 0}},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, {0, 1, 0x400000, 0, 0, NON_CANONICAL}},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, {0, 1, 0x400000, 0, 0, KERNEL_ADDRESS}},
		{SYS_event_signal, STATUS_INVALID_ARGUMENT, {event, 0}},
		{SYS_event_wait, STATUS_TIMED_OUT, {event, 0}},
		{SYS_proto_partition_build, STATUS_WRONG_STATE, {partition, b + 2048}},
		{SYS_partition_map, STATUS_WRONG_STATE, {proto, 0, w, 4096, 0, 0}},
		{SYS_partition_reset, STATUS_WRONG_STATE, {proto}},
		{SYS_vp_bind, STATUS_WRONG_STATE, {proto, 0, w}},
		{SYS_partition_deposit, STATUS_INVALID_ARGUMENT, {partition, w, 0}},
		{SYS_partition_deposit, STATUS_MISALIGNED, {partition, w + 4096, LARGE_PAGE_SIZE}},
		{SYS_partition_deposit, STATUS_MISALIGNED, {partition, w, 4096}},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, {partition, w, 1ull << 62}},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, {partition, 0, LARGE_PAGE_SIZE}},
		{SYS_partition_deposit,
		 STATUS_INVALID_ADDRESS,
		 {partition, 0ull - LARGE_PAGE_SIZE, LARGE_PAGE_SIZE}},
		{SYS_partition_map, STATUS_INVALID_VTL, {partition, 1, w, 4096, 0, 0}},
		{SYS_partition_map, STATUS_INVALID_VTL, {partition, 3, w, 4096, 0, 0}},
		{SYS_partition_map, STATUS_INVALID_VTL, {partition, BIT(32), w, 4096, 0, 0}},
		{SYS_partition_map, STATUS_MISALIGNED, {partition, 0, w + 1, 4096, 0, 0}},
		{SYS_partition_map, STATUS_MISALIGNED, {partition, 0, w, 4095, 0, 0}},
		{SYS_partition_map, STATUS_MISALIGNED, {partition, 0, w, 4096, 1, 0}},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, {partition, 0, w, 0, 0, 0}},
		{SYS_partition_map, STATUS_INVALID_ARGUMENT, {partition, 0, w, 4096, 0, 4}},
		{SYS_partition_map, STATUS_INVALID_ARGUMENT, {partition, 0, w, 4096, 0, BIT(32)}},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, {partition, 0, w, 4096, BIT(52), 0}},
		{SYS_partition_map,
		 STATUS_INVALID_ADDRESS,
		 {partition, 0, w, 8192, 0ull - 4096, 0}},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, {partition, 0, w, 0ull - 4096, 0, 0}},
		{SYS_partition_unmap, STATUS_INVALID_ARGUMENT, {partition, 0, 0, 0}},
		{SYS_partition_unmap, STATUS_MISALIGNED, {partition, 0, 1, 4096}},
		{SYS_partition_unmap, STATUS_INVALID_ADDRESS, {partition, 0, 4096, 0ull - 4096}},
		{SYS_partition_unmap, STATUS_INVALID_VTL, {partition, 2, 0, 4096}},
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, {partition, 0, 0, 0x30}},
		{SYS_partition_request_msi, STATUS_INVALID_VTL, {partition, 1, 0xfee00000, 0x30}},
		{SYS_partition_request_msi,
		 STATUS_INVALID_ARGUMENT,
		 {partition, 0, 0xfee00000, BIT(32)}},
		{SYS_partition_request_msi,
		 STATUS_INVALID_ARGUMENT,
		 {partition, 0, 0xfee00000, 0x300}},
		{SYS_partition_request_msi,
		 STATUS_NOT_SUPPORTED,
		 {partition, 0, 0xfee00000, 0x200}},
		{SYS_vp_bind, STATUS_MISALIGNED, {partition, 0, w + 8}},
		{SYS_vp_bind, STATUS_NOT_FOUND, {partition, 9, w}},
		{SYS_vp_bind, STATUS_NOT_FOUND, {partition, UINT64_MAX, w}},
		{SYS_vp_bind, STATUS_BUSY, {partition, 0, w}},
		{SYS_vp_request_yield, STATUS_NOT_FOUND, {partition, 9}},
		{SYS_vp_request_yield, STATUS_NOT_FOUND, {partition, BIT(32)}},
		{SYS_vp_set_lint, STATUS_NOT_FOUND, {partition, 9, 0, 0, 0}},
		{SYS_vp_set_lint, STATUS_INVALID_VTL, {partition, 0, 1, 0, 0}},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, {partition, 0, 0, 2, 0}},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, {partition, 0, 0, 0, 2}},
		{SYS_vp_stats, STATUS_NOT_FOUND, {partition, 9, b}},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, {0, INSPECT_PROFILE + 1, 0, b, 8}},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, {0, UINT64_MAX, 0, b, 8}},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, {partition, BIT(32), 0, b, 8}},
		{SYS_inspect, STATUS_INVALID_HANDLE, {0, INSPECT_VP, 0, b, 8}},
		{SYS_inspect, STATUS_INVALID_HANDLE, {NO_HANDLE, INSPECT_PARTITION, 0, b, 8}},
		{SYS_inspect, STATUS_WRONG_TYPE, {event, INSPECT_PARTITION, 0, b, 8}},
		{SYS_inspect, STATUS_WRONG_TYPE, {partition, INSPECT_SYSTEM, 0, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {0, INSPECT_CPU, 4096, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {0, INSPECT_CPU, BIT(32), b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_VP, 9, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_VP, UINT32_MAX, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_PROFILE, 9, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_MAPPING, UINT32_MAX, b, 8}},
		{SYS_inspect, STATUS_WRONG_STATE, {proto, INSPECT_MAPPING, 0, b, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {proto, INSPECT_VP, 0, b, 8}},
		{SYS_inspect, STATUS_OK, {proto, INSPECT_PARTITION, 0, b, UINT64_MAX}},
		{SYS_inspect, STATUS_OK, {partition, INSPECT_VP, 1, b, sizeof(buffer)}},
		{SYS_inspect, STATUS_OK, {partition, INSPECT_VP, 0, 0, 0}},
		{SYS_vp_profile, STATUS_INVALID_ARGUMENT, {partition, 0, 2}},
		{SYS_vp_profile, STATUS_NOT_FOUND, {partition, 9, 1}},
		{SYS_vp_profile, STATUS_OK, {partition, 0, 0}},
		{SYS_vp_peek_registers, STATUS_NOT_FOUND, {partition, 9, 0, b, b, 1}},
		{SYS_vp_peek_registers, STATUS_INVALID_VTL, {partition, 0, 1, b, b, 1}},
		{SYS_vp_peek_registers, STATUS_INVALID_VTL, {partition, 0, BIT(32), b, b, 1}},
		{SYS_vp_peek_registers, STATUS_INVALID_ARGUMENT, {partition, 0, 0, b, b, 0}},
		{SYS_vp_peek_registers, STATUS_TOO_LARGE, {partition, 0, 0, b, b, 65}},
		{SYS_vp_peek_registers, STATUS_INVALID_REGISTER, {partition, 1, 0, b, b, 1}},
		{SYS_msi_source_create, STATUS_WRONG_STATE, {proto, 0}},
		{SYS_msi_source_create, STATUS_INVALID_VTL, {partition, 1}},
		{SYS_msi_source_create, STATUS_INVALID_VTL, {partition, BIT(32)}},
		{SYS_vp_pulse_lint, STATUS_NOT_FOUND, {partition, 9, 0, 0}},
		{SYS_vp_pulse_lint, STATUS_INVALID_VTL, {partition, 0, 1, 0}},
		{SYS_vp_pulse_lint, STATUS_INVALID_ARGUMENT, {partition, 0, 0, 2}},
		{SYS_vp_get_registers, STATUS_INVALID_VTL, {vp, 3, b, b, 1}},
		{SYS_vp_get_registers, STATUS_INVALID_ARGUMENT, {vp, 0, b, b, 0}},
		{SYS_vp_get_registers, STATUS_TOO_LARGE, {vp, 0, b, b, 65}},
		{SYS_vp_set_registers, STATUS_TOO_LARGE, {vp, 0, b, b, BIT(60)}},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, {vp, 0, 0x1000, 0}},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, {vp, 0, BIT(17), 0}},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, {vp, 0, 0x20, BIT(32)}},
		{SYS_vp_apic_access, STATUS_INVALID_VTL, {vp, 1, 0x20, 0}},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, {vp, 0, 0, b, 4096}},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, {vp, 0, BIT(32) | 1, b, 4096}},
		{SYS_vp_state_get, STATUS_INVALID_VTL, {vp, BIT(32), VP_STATE_PAT, b, 4096}},
		{SYS_vp_state_get, STATUS_NOT_SUPPORTED, {vp, 0, VP_STATE_CET, b, 4096}},
		{SYS_vp_state_get, STATUS_TOO_LARGE, {vp, 0, VP_STATE_APIC, b, 1055}},
		{SYS_vp_state_set, STATUS_BAD_FORMAT, {vp, 0, VP_STATE_PAT, b, 9}},
		{SYS_vp_state_set, STATUS_TOO_LARGE, {vp, 0, VP_STATE_PAT, b, BIT(40)}},
		{SYS_vp_state_set, STATUS_INVALID_REGISTER_VALUE, {vp, 0, VP_STATE_DEBUG, b, 48}},
		{SYS_vp_save, STATUS_TOO_LARGE, {vp, b, 100}},
		{SYS_vp_restore, STATUS_BAD_FORMAT, {vp, b, 4096}},
		{SYS_vp_restore, STATUS_TRUNCATED, {vp, b, 0}},
		{SYS_partition_restore, STATUS_BAD_FORMAT, {partition, b, 72}},
		{SYS_partition_freeze, STATUS_BUSY, {partition}},
		{SYS_partition_thaw, STATUS_BUSY, {partition}},
	};

	memset(buffer, 0, sizeof(buffer));
	EXPECT_ALL("wrong values", rows);
}

static void wrong_registers(void)
{
	static const struct {
		uint32_t name;
		uint64_t value;
	} rows[] = {
		{HV_X64_REGISTER_CR0, 0x80000000}, /* PG without PE */
		{HV_X64_REGISTER_CR0, 0x20000010}, /* NW without CD */
		{HV_X64_REGISTER_CR0, BIT(32)},	   /* reserved */
		{HV_X64_REGISTER_CR3, BIT(60)},	   /* above the physical width */
		{HV_X64_REGISTER_CR4, BIT(13)},	   /* VMXE */
		{HV_X64_REGISTER_CR4, BIT(63)},	   /* reserved */
		{HV_X64_REGISTER_CR8, 16},
		{HV_X64_REGISTER_EFER, BIT(12)}, /* SVME */
		{HV_X64_REGISTER_EFER, BIT(10)}, /* LMA by itself */
		{HV_X64_REGISTER_XFEM, 0},
		{HV_X64_REGISTER_XFEM, BIT(63) | 1},
		{HV_X64_REGISTER_RFLAGS, BIT(40)},
		{HV_X64_REGISTER_DR7, BIT(33)},
		{HV_X64_REGISTER_DR6, BIT(40)},
		{HV_X64_REGISTER_PAT, 2}, /* no such memory type */
		{HV_X64_REGISTER_LSTAR, BIT(50)},
		{HV_X64_REGISTER_CSTAR, BIT(50)},
		{HV_X64_REGISTER_KERNEL_GS_BASE, BIT(50)},
		{HV_X64_REGISTER_SFMASK, BIT(32)},
		{HV_X64_REGISTER_SYSENTER_EIP, BIT(50)},
		{HV_REGISTER_PENDING_INTERRUPTION, 1 | 5 << 1},
		{HV_REGISTER_INTERRUPT_STATE, 4},
		{HV_REGISTER_PENDING_EVENT0, 1 | 2 << 16},
	};
	union hv_register_value *value = (union hv_register_value *)&buffer[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t name = rows[i].name;
		status_t status;

		memset(value, 0, sizeof(*value));
		value->reg64 = rows[i].value;
		status =
			call(SYS_vp_set_registers, vp, 0, (uintptr_t)&name, (uintptr_t)value, 1, 0);
		if (status != STATUS_INVALID_REGISTER_VALUE) {
			say("hostile: register row %u: answers %u", (unsigned int)i, status);
			end(END_FAILED);
		}
	}
	buffer[0] = 0x12345678; /* no register's name */
	EXPECT(call(SYS_vp_get_registers, vp, 0, (uintptr_t)buffer, (uintptr_t)value, 1, 0) ==
	       STATUS_INVALID_REGISTER);
}

static void wrong_configurations(void)
{
	static const struct {
		struct proto_partition_config config;
		status_t status;
	} rows[] = {
		{{.vp_count = 0}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = UINT32_MAX, .apic_mode = 1}, STATUS_TOO_LARGE},
		{{.vp_count = 300}, STATUS_TOO_LARGE},
		{{.vp_count = 1, .apic_mode = 3}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .isolation = 4}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .isolation = ISOLATION_VBS}, STATUS_NO_VBS},
		{{.vp_count = 1, .isolation = ISOLATION_SNP}, STATUS_NO_SNP},
		{{.vp_count = 1, .isolation = ISOLATION_TDX}, STATUS_NO_TDX},
		{{.vp_count = 200, .threads_per_core = 3}, STATUS_TOO_LARGE},
		{{.vp_count = 1, .flags = BIT(31)}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .reserved = {0, 1}}, STATUS_INVALID_ARGUMENT},
		{{.vp_count = 1, .name = {[15] = 1}}, STATUS_INVALID_ARGUMENT},
	};
	struct partition_config *config = (struct partition_config *)buffer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT(call(SYS_proto_partition_create, (uintptr_t)&rows[i].config, 0, 0, 0, 0,
			    0) == rows[i].status);
	memset(config, 0, sizeof(*config));
	config->cpuid_leaf_count = UINT32_MAX;
	EXPECT(call(SYS_proto_partition_build, proto, (uintptr_t)config, 0, 0, 0, 0) ==
	       STATUS_TOO_LARGE);
	config->cpuid_leaf_count = 200;
	config->cpuid_leaves = KERNEL_ADDRESS;
	EXPECT(call(SYS_proto_partition_build, proto, (uintptr_t)config, 0, 0, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	memset(config, 0, sizeof(*config));
	config->reserved[5] = 1;
	EXPECT(call(SYS_proto_partition_build, proto, (uintptr_t)config, 0, 0, 0, 0) ==
	       STATUS_INVALID_ARGUMENT);
	memset(config, 0, sizeof(*config)); /* nothing was deposited that could pay for it */
	EXPECT(call(SYS_proto_partition_build, proto, (uintptr_t)config, 0, 0, 0, 0) ==
	       STATUS_NO_MEMORY);
}

static void objects_make(void)
{
	const struct proto_partition_config config = {.vp_count = 2, .apic_mode = 1};
	const struct partition_config build = {0};
	uint64_t block = (uintptr_t)arena + ARENA_SIZE - LARGE_PAGE_SIZE;
	uint64_t page = block - LARGE_PAGE_SIZE, c = (uintptr_t)&config;

	EXPECT(call_value(SYS_event_create, 0, 0, 0, 0, 0, 0, &event) == STATUS_OK);
	EXPECT(call_value(SYS_proto_partition_create, c, 0, 0, 0, 0, 0, &proto) == STATUS_OK);
	EXPECT(call_value(SYS_proto_partition_create, c, 0, 0, 0, 0, 0, &partition) == STATUS_OK);
	EXPECT(call(SYS_partition_deposit, partition, block, LARGE_PAGE_SIZE, 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_deposit, partition, block, LARGE_PAGE_SIZE, 0, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	EXPECT(call(SYS_proto_partition_build, partition, (uintptr_t)&build, 0, 0, 0, 0) ==
	       STATUS_OK);
	EXPECT(call_value(SYS_vp_bind, partition, 0, page, 0, 0, 0, &vp) == STATUS_OK);
	/* What is pinned or given away cannot be given away. */
	EXPECT(call(SYS_partition_deposit, proto, page, LARGE_PAGE_SIZE, 0, 0, 0) == STATUS_BUSY);
	EXPECT(call(SYS_partition_map, partition, 0, block, 4096, 0, 0) == STATUS_INVALID_ADDRESS);
}

static void objects_close(void)
{
	uint8_t *block = arena + ARENA_SIZE - LARGE_PAGE_SIZE;

	EXPECT(call(SYS_handle_close, partition, 0, 0, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_vp_reset, vp, 0, 0, 0, 0, 0) == STATUS_OK); /* the VP keeps it alive */
	EXPECT(call(SYS_handle_close, vp, 0, 0, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_handle_close, proto, 0, 0, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_handle_close, event, 0, 0, 0, 0, 0) == STATUS_OK);
	*(volatile uint8_t *)block = 1; /* it is in the window again */
}

void wrong_calls(void)
{
	if (call(SYS_hypervisor_available, 0, 0, 0, 0, 0, 0) != STATUS_OK) {
		say("hostile: no partitions on this machine");
		end(END_FAILED);
	}
	objects_make();
	wrong_buffers();
	wrong_handles();
	wrong_rights();
	wrong_values();
	wrong_registers();
	wrong_configurations();
	objects_close();
	say("hostile: wrong calls are answered");
}

/* SPDX-License-Identifier: MIT */
/* See wrong.h: values that one call alone refuses. */
#include "wrong.h"
#include <string.h>
#include <trivet/hv/monitor.h>

/* ---- one argument ---- */

struct wrong_value {
	uint32_t number;
	status_t status;
	int place; /* of the argument, from 0 */
	uint64_t value;
};

static void expect_values(const char *what, const struct wrong_value *rows, size_t count)
{
	size_t i;

	see();
	for (i = 0; i < count; i++)
		expect_wrong(what, call_row(rows[i].number), rows[i].place, rows[i].value,
			     rows[i].status);
}
#define EXPECT_VALUES(what, rows) expect_values(what, rows, ARRAY_SIZE(rows))

static void system_values(void)
{
	const struct wrong_value rows[] = {
		{SYS_console_write, STATUS_TOO_LARGE, 1, 65537},
		{SYS_console_write, STATUS_TOO_LARGE, 1, BIT(32)},
		{SYS_console_write, STATUS_TOO_LARGE, 1, UINT64_MAX},
		{SYS_serial_write, STATUS_TOO_LARGE, 1, 65537},
		{SYS_serial_write, STATUS_TOO_LARGE, 1, UINT64_MAX},
		{SYS_console_bind, STATUS_INVALID_ARGUMENT, 1, 0},
		{SYS_serial_open, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_serial_open, STATUS_BUSY, 0, 1}, /* the console */
		{SYS_serial_open, STATUS_NOT_FOUND, 0, 0},
		{SYS_serial_open, STATUS_NOT_FOUND, 0, 5},
		{SYS_serial_open, STATUS_NOT_FOUND, 0, UINT32_MAX},
		{SYS_serial_open, STATUS_NOT_FOUND, 0, BIT(32) | 2},
		{SYS_serial_open, STATUS_NOT_FOUND, 0, UINT64_MAX},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 0, 2},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 0, BIT(32)},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 0, UINT64_MAX},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 1, 256},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 1, BIT(32)},
		{SYS_system_end, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, 1, INSPECT_PROFILE + 1},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, 1, BIT(32)},
		{SYS_inspect, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_inspect, STATUS_WRONG_TYPE, 1, INSPECT_SYSTEM},
		{SYS_inspect, STATUS_WRONG_TYPE, 1, INSPECT_CPU},
		{SYS_inspect, STATUS_NOT_FOUND, 2, BIT(32)},
		{SYS_inspect, STATUS_NOT_FOUND, 2, UINT64_MAX},
		{SYS_handle_duplicate, STATUS_INVALID_ARGUMENT, 1, RIGHTS_ALL + 1},
		{SYS_handle_duplicate, STATUS_INVALID_ARGUMENT, 1, BIT(32)},
		{SYS_handle_duplicate, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 0, boot_info->cpu_count},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 0, BIT(32)},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 0, UINT64_MAX},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 1, boot_info->priority_count},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 1, BIT(32)},
		{SYS_thread_create, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 2, KERNEL_ADDRESS},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 2, NON_CANONICAL},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 2, 0x00007ffffffff000},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 2, UINT64_MAX},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 3, KERNEL_ADDRESS},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 3, NON_CANONICAL},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 3, 0x00007ffffffff001},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 5, KERNEL_ADDRESS},
		{SYS_thread_create, STATUS_INVALID_ADDRESS, 5, NON_CANONICAL},
		{SYS_event_signal, STATUS_INVALID_ARGUMENT, 1, 0},
		{SYS_event_wait, STATUS_TIMED_OUT, 1, 0},
		{SYS_event_wait, STATUS_TIMED_OUT, 1, time_ns() - 1},
		{SYS_proto_partition_cpuid, STATUS_INVALID_ARGUMENT, 1, BIT(32)},
		{SYS_proto_partition_cpuid, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_proto_partition_cpuid, STATUS_INVALID_ARGUMENT, 2, BIT(32)},
		{SYS_proto_partition_cpuid, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
	};

	EXPECT_VALUES("system", rows);
}

static void memory_values(void)
{
	const struct wrong_value rows[] = {
		{SYS_partition_deposit, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_partition_deposit, STATUS_MISALIGNED, 2, 4096},
		{SYS_partition_deposit, STATUS_MISALIGNED, 2, LARGE_PAGE_SIZE + 1},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 2, BIT(62)},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 2, 0 - LARGE_PAGE_SIZE},
		{SYS_partition_deposit, STATUS_MISALIGNED, 1, arena_at(4096)},
		{SYS_partition_deposit, STATUS_MISALIGNED, 1, arena_at(1)},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, 0},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, 0x400000},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, 0xffffffff80000000},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, NON_CANONICAL},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, 0 - LARGE_PAGE_SIZE},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, WINDOW_END},
		{SYS_partition_deposit, STATUS_INVALID_ADDRESS, 1, arena_at(DEPOSITED_BLOCK)},
		{SYS_partition_deposit, STATUS_BUSY, 1, arena_at(MAPPED_BLOCK)},
		{SYS_partition_deposit, STATUS_BUSY, 1, arena_at(RUN_BLOCK)},
		{SYS_partition_withdraw, STATUS_NOT_FOUND, 0, things[PROTO]},
		{SYS_partition_withdraw, STATUS_NOT_FOUND, 0, things[PARTITION]},
		{SYS_partition_map, STATUS_MISALIGNED, 3, 4095},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 3, 0},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 3, BIT(62)},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 3, 0 - 4096ull},
		{SYS_partition_map, STATUS_MISALIGNED, 4, 1},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 4, BIT(52)},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 4, 0 - LARGE_PAGE_SIZE},
		{SYS_partition_map, STATUS_INVALID_ADDRESS, 4, 0 - 4096ull},
		{SYS_partition_map, STATUS_OVERLAP, 4, MAPPED_GPA},
		{SYS_partition_map, STATUS_OVERLAP, 4, MAPPED_GPA + LARGE_PAGE_SIZE - 4096},
		{SYS_partition_map, STATUS_INVALID_ARGUMENT, 5, 4},
		{SYS_partition_map, STATUS_INVALID_ARGUMENT, 5, BIT(32)},
		{SYS_partition_map, STATUS_INVALID_ARGUMENT, 5, UINT64_MAX},
		{SYS_partition_unmap, STATUS_INVALID_ARGUMENT, 2, MAPPED_GPA + 4096},
		{SYS_partition_prefetch, STATUS_NOT_FOUND, 2, FREE_GPA},
		{SYS_partition_prefetch, STATUS_NOT_FOUND, 2, MAPPED_GPA + 4096},
		{SYS_partition_prefetch, STATUS_NOT_FOUND, 3, LARGE_PAGE_SIZE + 4096},
		{SYS_partition_pin, STATUS_NOT_FOUND, 2, FREE_GPA},
		{SYS_partition_pin, STATUS_NOT_FOUND, 2, MAPPED_GPA + 4096},
		{SYS_partition_pin, STATUS_NOT_FOUND, 3, LARGE_PAGE_SIZE + 4096},
		{SYS_partition_dirty_start, STATUS_INVALID_ARGUMENT, 2, MAPPED_GPA + 4096},
		{SYS_partition_dirty_start, STATUS_INVALID_ARGUMENT, 3, 4096},
		{SYS_partition_dirty_stop, STATUS_INVALID_ARGUMENT, 2, MAPPED_GPA + 4096},
		{SYS_partition_dirty_stop, STATUS_INVALID_ARGUMENT, 3, 4096},
		{SYS_partition_dirty_get, STATUS_TOO_LARGE, 3, DIRTY_SIZE_MAX + 4096},
		{SYS_partition_dirty_get, STATUS_TOO_LARGE, 3, GIB(1)},
		{SYS_partition_dirty_get, STATUS_INVALID_ARGUMENT, 5, 2},
		{SYS_partition_dirty_get, STATUS_INVALID_ARGUMENT, 5, BIT(32)},
		{SYS_partition_dirty_get, STATUS_INVALID_ARGUMENT, 5, UINT64_MAX},
		{SYS_partition_dirty_mark, STATUS_TOO_LARGE, 3, DIRTY_SIZE_MAX + 4096},
		{SYS_partition_dirty_mark, STATUS_TOO_LARGE, 3, GIB(1)},
	};

	EXPECT_VALUES("memory", rows);
}

static void interrupt_values(void)
{
	const struct wrong_value rows[] = {
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, 2, 0},
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, 2, MSI_BASE - 4},
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, 2, MSI_BASE + MIB(1)},
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, 2, MSI_BASE | BIT(32)},
		{SYS_partition_request_msi, STATUS_INVALID_ADDRESS, 2, UINT64_MAX},
		{SYS_partition_request_msi, STATUS_INVALID_ARGUMENT, 3, BIT(32)},
		{SYS_partition_request_msi, STATUS_INVALID_ARGUMENT, 3, UINT64_MAX},
		{SYS_partition_request_msi, STATUS_INVALID_ARGUMENT, 3, 0x330},
		{SYS_partition_request_msi, STATUS_NOT_SUPPORTED, 3, 0x200},
		{SYS_msi_signal, STATUS_INVALID_ADDRESS, 1, 0},
		{SYS_msi_signal, STATUS_INVALID_ADDRESS, 1, MSI_BASE - 4},
		{SYS_msi_signal, STATUS_INVALID_ADDRESS, 1, MSI_BASE + MIB(1)},
		{SYS_msi_signal, STATUS_INVALID_ADDRESS, 1, MSI_BASE | BIT(32)},
		{SYS_msi_signal, STATUS_INVALID_ADDRESS, 1, UINT64_MAX},
		{SYS_msi_signal, STATUS_INVALID_ARGUMENT, 2, BIT(32)},
		{SYS_msi_signal, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
		{SYS_msi_signal, STATUS_INVALID_ARGUMENT, 2, 0x330},
		{SYS_msi_signal, STATUS_NOT_SUPPORTED, 2, 0x200},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 2, DOORBELL_PORT + 1},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 2, BIT(32)},
		{SYS_doorbell_ring, STATUS_NOT_FOUND, 2, DOORBELL_PORT},
		{SYS_doorbell_ring, STATUS_NOT_FOUND, 3, DOORBELL_GPA_AT + 4},
		{SYS_doorbell_ring, STATUS_NOT_FOUND, 3, UINT64_MAX},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 4, 0},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 4, 3},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 4, 16},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 4, BIT(32) | 4},
		{SYS_doorbell_ring, STATUS_NOT_FOUND, 4, 2},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 5, BIT(32)},
		{SYS_doorbell_ring, STATUS_INVALID_ARGUMENT, 5, UINT64_MAX},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, 3, 2},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, 3, BIT(32)},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, 4, 2},
		{SYS_vp_set_lint, STATUS_INVALID_ARGUMENT, 4, BIT(32) | 1},
		{SYS_vp_pulse_lint, STATUS_INVALID_ARGUMENT, 3, 2},
		{SYS_vp_pulse_lint, STATUS_INVALID_ARGUMENT, 3, BIT(32)},
		{SYS_partition_set_spi, STATUS_INVALID_ARGUMENT, 2, BIT(32)},
		{SYS_partition_set_spi, STATUS_INVALID_ARGUMENT, 3, 2},
		{SYS_vp_gic_access, STATUS_INVALID_ARGUMENT, 3, 0},
		{SYS_vp_gic_access, STATUS_INVALID_ARGUMENT, 3, 3},
		{SYS_vp_gic_access, STATUS_INVALID_ARGUMENT, 3, BIT(16)},
		{SYS_vp_gic_access, STATUS_INVALID_ARGUMENT, 3, BIT(32) | 4},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 2, 0x1000},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 2, BIT(17)},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 2, BIT(32) | 0x20},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 3, BIT(32)},
		{SYS_vp_apic_access, STATUS_INVALID_ARGUMENT, 3, UINT64_MAX},
	};

	EXPECT_VALUES("interrupts", rows);
}

static void port_values(void)
{
	static const uint32_t connects[] = {SYS_message_port_create, SYS_host_event_port_create};
	const struct wrong_value rows[] = {
		{SYS_guest_event_port_create, STATUS_NOT_FOUND, 3, HV_SINT_COUNT},
		{SYS_guest_event_port_create, STATUS_NOT_FOUND, 3, BIT(32) | 2},
		{SYS_guest_event_port_create, STATUS_INVALID_ARGUMENT, 4, HV_EVENT_FLAGS},
		{SYS_guest_event_port_create, STATUS_INVALID_ARGUMENT, 4, BIT(32) | 3},
		{SYS_guest_event_port_create, STATUS_INVALID_ARGUMENT, 4, UINT64_MAX},
		{SYS_guest_event_port_retarget, STATUS_NOT_FOUND, 2, HV_SINT_COUNT},
		{SYS_guest_event_port_retarget, STATUS_NOT_FOUND, 2, UINT64_MAX},
		{SYS_guest_event_port_retarget, STATUS_INVALID_ARGUMENT, 3, HV_EVENT_FLAGS},
		{SYS_guest_event_port_retarget, STATUS_INVALID_ARGUMENT, 3, BIT(63)},
		{SYS_synic_post_message, STATUS_NOT_FOUND, 3, HV_SINT_COUNT},
		{SYS_synic_post_message, STATUS_NOT_FOUND, 3, BIT(32) | 2},
		{SYS_monitor_page_set, STATUS_MISALIGNED, 2, MONITOR_GPA + 8},
		{SYS_monitor_page_set, STATUS_INVALID_ADDRESS, 2, BIT(52)},
		{SYS_monitor_page_set, STATUS_INVALID_ADDRESS, 2, 0 - 4096ull},
		{SYS_monitor_register, STATUS_INVALID_ARGUMENT, 2, HV_MONITORS},
		{SYS_monitor_register, STATUS_INVALID_ARGUMENT, 2, BIT(32) | 5},
		{SYS_monitor_register, STATUS_ALREADY_EXISTS, 2, 4},
		{SYS_monitor_register, STATUS_INVALID_ARGUMENT, 3, HV_CONNECTION_ID + 1},
		{SYS_monitor_register, STATUS_INVALID_ARGUMENT, 4, 0},
		{SYS_monitor_register, STATUS_INVALID_ARGUMENT, 4, 65536},
		{SYS_monitor_read, STATUS_NOT_FOUND, 2, MONITOR_GPA - 1},
		{SYS_monitor_read, STATUS_NOT_FOUND, 2, MONITOR_GPA + 4089},
		{SYS_monitor_read, STATUS_NOT_FOUND, 2, UINT64_MAX},
		{SYS_monitor_read, STATUS_INVALID_ARGUMENT, 3, 0},
		{SYS_monitor_read, STATUS_INVALID_ARGUMENT, 3, 3},
		{SYS_monitor_read, STATUS_INVALID_ARGUMENT, 3, BIT(32) | 8},
		{SYS_monitor_write, STATUS_NOT_FOUND, 2, FREE_GPA},
		{SYS_monitor_write, STATUS_INVALID_ARGUMENT, 3, 16},
	};
	size_t i;

	EXPECT_VALUES("ports", rows);
	for (i = 0; i < ARRAY_SIZE(connects); i++) {
		const uint32_t number = connects[i];
		const struct wrong_value shared[] = {
			{number, STATUS_INVALID_ARGUMENT, 2, HV_CONNECTION_ID + 1},
			{number, STATUS_INVALID_ARGUMENT, 2, BIT(32) | CONNECTION},
			{number, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
			{number, STATUS_ALREADY_EXISTS, 2, CONNECTION},
			{number, STATUS_ALREADY_EXISTS, 2, CONNECTION + 3},
			{number, STATUS_INVALID_HANDLE, 3, HANDLE_NONE},
			{number, STATUS_INVALID_HANDLE, 3, things[EVENT] | BIT(32)},
			{number, STATUS_WRONG_TYPE, 3, things[PARTITION]},
			{number, STATUS_WRONG_TYPE, 3, things[MESSAGES]},
			{number, STATUS_INVALID_ARGUMENT, 4, 0},
		};

		EXPECT_VALUES("connections", shared);
	}
}

static void device_values(void)
{
	const struct wrong_value rows[] = {
		{SYS_vpci_device_create, STATUS_ALREADY_EXISTS, 2, DEVICE_ID},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, 1, 0},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, 1, VPCI_VECTORS_MAX + 1},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, 1, BIT(32) | 1},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, 1, UINT64_MAX},
		{SYS_vpci_unregister_interrupt, STATUS_NOT_FOUND, 1, 0},
		{SYS_vpci_unregister_interrupt, STATUS_NOT_FOUND, 1, MSI_BASE | BIT(32)},
		{SYS_vpci_unregister_interrupt, STATUS_NOT_FOUND, 2, 1}, /* a second one */
		{SYS_vpci_unregister_interrupt, STATUS_NOT_FOUND, 2, 31},
		{SYS_vpci_unregister_interrupt, STATUS_NOT_FOUND, 2, BIT(32)},
		{SYS_vpci_signal_msi, STATUS_NOT_FOUND, 1, MSI_BASE + 4},
		{SYS_vpci_signal_msi, STATUS_NOT_FOUND, 1, UINT64_MAX},
		{SYS_vpci_signal_msi, STATUS_NOT_FOUND, 2, 2},
		{SYS_vpci_signal_msi, STATUS_NOT_FOUND, 2, BIT(32)},
		{SYS_vpci_signal_msi, STATUS_NOT_FOUND, 2, UINT64_MAX},
		{SYS_partition_crash_bind, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_partition_crash_bind, STATUS_INVALID_HANDLE, 1, HANDLE_NONE},
		{SYS_partition_crash_bind, STATUS_INVALID_HANDLE, 1, things[EVENT] | BIT(32)},
		{SYS_partition_crash_bind, STATUS_WRONG_TYPE, 1, things[PARTITION]},
	};

	EXPECT_VALUES("devices and crashes", rows);
}

static void vp_values(void)
{
	const uint64_t saved = places.vp.header.size, time = places.partition.header.size;
	const struct wrong_value rows[] = {
		{SYS_vp_bind, STATUS_BUSY, 1, 0},
		{SYS_vp_profile, STATUS_INVALID_ARGUMENT, 2, 2},
		{SYS_vp_profile, STATUS_INVALID_ARGUMENT, 2, BIT(32)},
		{SYS_vp_profile, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
		{SYS_vp_peek_registers, STATUS_INVALID_ARGUMENT, 5, 0},
		{SYS_vp_peek_registers, STATUS_TOO_LARGE, 5, 65},
		{SYS_vp_peek_registers, STATUS_TOO_LARGE, 5, BIT(32) | 1},
		{SYS_vp_peek_registers, STATUS_TOO_LARGE, 5, UINT64_MAX},
		{SYS_vp_get_registers, STATUS_INVALID_ARGUMENT, 4, 0},
		{SYS_vp_get_registers, STATUS_TOO_LARGE, 4, 65},
		{SYS_vp_get_registers, STATUS_TOO_LARGE, 4, BIT(32) | 1},
		{SYS_vp_get_registers, STATUS_TOO_LARGE, 4, UINT64_MAX},
		{SYS_vp_set_registers, STATUS_INVALID_ARGUMENT, 4, 0},
		{SYS_vp_set_registers, STATUS_TOO_LARGE, 4, 65},
		{SYS_vp_set_registers, STATUS_TOO_LARGE, 4, BIT(32) | 1},
		{SYS_vp_set_registers, STATUS_TOO_LARGE, 4, UINT64_MAX},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, 2, VP_STATE_ELEMENTS},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, 2, BIT(32) | VP_STATE_PAT},
		{SYS_vp_state_get, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
		{SYS_vp_state_get, STATUS_NOT_SUPPORTED, 2, VP_STATE_CET},
		{SYS_vp_state_get, STATUS_NOT_SUPPORTED, 2, VP_STATE_NESTED},
		{SYS_vp_state_get, STATUS_TOO_LARGE, 2, VP_STATE_APIC},
		{SYS_vp_state_get, STATUS_TOO_LARGE, 4, 0},
		{SYS_vp_state_get, STATUS_TOO_LARGE, 4, 7},
		{SYS_vp_state_set, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_vp_state_set, STATUS_INVALID_ARGUMENT, 2, VP_STATE_ELEMENTS},
		{SYS_vp_state_set, STATUS_INVALID_ARGUMENT, 2, BIT(32) | VP_STATE_PAT},
		{SYS_vp_state_set, STATUS_NOT_SUPPORTED, 2, VP_STATE_CET},
		{SYS_vp_state_set, STATUS_BAD_FORMAT, 2, VP_STATE_REGISTERS},
		{SYS_vp_state_set, STATUS_BAD_FORMAT, 4, 0},
		{SYS_vp_state_set, STATUS_BAD_FORMAT, 4, 7},
		{SYS_vp_state_set, STATUS_BAD_FORMAT, 4, 9},
		{SYS_vp_state_set, STATUS_TOO_LARGE, 4, STATE_ROOM + 1},
		{SYS_vp_state_set, STATUS_TOO_LARGE, 4, UINT64_MAX},
		{SYS_vp_state_reset, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_vp_state_reset, STATUS_INVALID_ARGUMENT, 2, VP_STATE_ELEMENTS},
		{SYS_vp_state_reset, STATUS_INVALID_ARGUMENT, 2, BIT(32) | VP_STATE_PAT},
		{SYS_vp_state_reset, STATUS_INVALID_ARGUMENT, 2, UINT64_MAX},
		{SYS_vp_state_reset, STATUS_NOT_SUPPORTED, 2, VP_STATE_CET},
		{SYS_vp_state_reset, STATUS_NOT_SUPPORTED, 2, VP_STATE_NESTED},
		{SYS_vp_save, STATUS_TOO_LARGE, 2, 0},
		{SYS_vp_save, STATUS_TOO_LARGE, 2, saved - 1},
		{SYS_vp_restore, STATUS_TRUNCATED, 2, 0},
		{SYS_vp_restore, STATUS_TRUNCATED, 2, sizeof(struct state_header) - 1},
		{SYS_vp_restore, STATUS_TRUNCATED, 2, saved - 8},
		{SYS_vp_restore, STATUS_BAD_FORMAT, 2, saved + 8},
		{SYS_vp_restore, STATUS_TOO_LARGE, 2, STATE_ROOM + 1},
		{SYS_vp_restore, STATUS_TOO_LARGE, 2, UINT64_MAX},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, 1, (uintptr_t)&places.partition},
		{SYS_partition_save, STATUS_TOO_LARGE, 2, 0},
		{SYS_partition_save, STATUS_TOO_LARGE, 2, time - 1},
		{SYS_partition_restore, STATUS_TRUNCATED, 2, 0},
		{SYS_partition_restore, STATUS_TRUNCATED, 2, time - 8},
		{SYS_partition_restore, STATUS_BAD_FORMAT, 2, time + 8},
		{SYS_partition_restore, STATUS_TOO_LARGE, 2, STATE_ROOM + 1},
		{SYS_partition_restore, STATUS_TOO_LARGE, 2, UINT64_MAX},
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, 1, (uintptr_t)&places.vp},
	};

	EXPECT_VALUES("VPs", rows);
}

/* ---- more than one argument ---- */

static void other_arguments(void)
{
	const uint64_t partition = things[PARTITION], proto = things[PROTO];
	const uint64_t out = (uintptr_t)places.out;
	const struct {
		uint32_t number;
		status_t status;
		uint64_t a[6];
	} rows[] = {
		{9, STATUS_INVALID_SYSCALL, {0}},
		{SYSCALL_LIMIT - 1, STATUS_INVALID_SYSCALL, {0}},
		{SYSCALL_LIMIT, STATUS_INVALID_SYSCALL, {0}},
		{UINT32_MAX, STATUS_INVALID_SYSCALL, {0}},
		{SYS_inspect, STATUS_NOT_FOUND, {0, INSPECT_CPU, boot_info->cpu_count, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {0, INSPECT_CPU, UINT32_MAX, out, 8}},
		{SYS_inspect, STATUS_INVALID_ADDRESS, {0, INSPECT_SYSTEM, 0, 8, 8}},
		{SYS_inspect, STATUS_INVALID_ADDRESS, {0, INSPECT_CPU, 0, 8, UINT64_MAX}},
		{SYS_inspect, STATUS_INVALID_HANDLE, {0, INSPECT_VP, 0, out, 8}},
		{SYS_inspect, STATUS_WRONG_TYPE, {NO_HANDLE, INSPECT_CPU, 0, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_VP, VPS, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_PROFILE, VPS, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_MAPPING, 99, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {partition, INSPECT_VP, UINT32_MAX, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {proto, INSPECT_VP, 0, out, 8}},
		{SYS_inspect, STATUS_NOT_FOUND, {proto, INSPECT_PROFILE, 0, out, 8}},
		{SYS_inspect, STATUS_WRONG_STATE, {proto, INSPECT_MAPPING, 0, out, 8}},
		{SYS_partition_unmap, STATUS_INVALID_ARGUMENT, {partition, 0, MAPPED_GPA, 4096}},
	};
	size_t i;

	see();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refused("arguments", rows[i].number, rows[i].a, rows[i].status);
}

/* Where the processor virtualizes it, the page of the local APICs is mapped, by the kernel. */
static void kernel_mapping(void)
{
	struct inspect_system system = {0};
	const uint64_t a[6] = {things[PARTITION], 0, arena_at(FREE_BLOCK), 4096, MSI_BASE, 0};

	EXPECT(call(SYS_inspect, 0, INSPECT_SYSTEM, 0, (uintptr_t)&system, sizeof(system), 0) ==
	       STATUS_OK);
	see();
	if (system.assists & ASSIST_APIC_PAGE)
		expect_refused("the APICs' page", SYS_partition_map, a, STATUS_OVERLAP);
}

static void wrong_duplicates(void)
{
	const struct call_row *row = call_row(SYS_handle_duplicate);
	uint64_t right, copy = duplicate(things[EVENT], RIGHT_READ);
	uint64_t a[6];

	see();
	for (right = RIGHT_WRITE; right < RIGHTS_ALL; right <<= 1) {
		arguments_make(row, a);
		a[0] = copy;
		a[1] = right;
		expect_refused("a right that is not held", row->number, a, STATUS_ACCESS_DENIED);
	}
	handle_end(&copy);
}

/* ---- a field of what an argument points to ---- */

struct wrong_field {
	uint32_t number;
	status_t status;
	void *field;
	size_t size;
	uint64_t value;
};
#define FIELD(place) &places.place, sizeof(places.place)

static void expect_fields(const char *what, const struct wrong_field *rows, size_t count)
{
	size_t i;

	see();
	for (i = 0; i < count; i++) {
		const struct wrong_field *w = &rows[i];
		uint64_t a[6], right = 0;

		arguments_make(call_row(w->number), a);
		memcpy(&right, w->field, w->size);
		memcpy(w->field, &w->value, w->size);
		expect_refused(what, w->number, a, w->status);
		memcpy(w->field, &right, w->size);
	}
}
#define EXPECT_FIELDS(what, rows) expect_fields(what, rows, ARRAY_SIZE(rows))

static void configuration_fields(void)
{
	static const struct wrong_field rows[] = {
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.vp_count), 0},
		{SYS_proto_partition_create, STATUS_TOO_LARGE, FIELD(proto.vp_count), 131073},
		{SYS_proto_partition_create, STATUS_TOO_LARGE, FIELD(proto.vp_count), UINT32_MAX},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.apic_mode), 3},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.isolation), 4},
		{SYS_proto_partition_create, STATUS_NO_VBS, FIELD(proto.isolation), ISOLATION_VBS},
		{SYS_proto_partition_create, STATUS_NO_SNP, FIELD(proto.isolation), ISOLATION_SNP},
		{SYS_proto_partition_create, STATUS_NO_TDX, FIELD(proto.isolation), ISOLATION_TDX},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.flags), BIT(5)},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.flags),
		 PARTITION_HYPERV_TSC_INVARIANT},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.flags),
		 PARTITION_HYPERV | PARTITION_HYPERV_VMM | PARTITION_HYPERV_TSC_INVARIANT},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.flags), BIT(31)},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.flags),
		 PARTITION_HYPERV_VMM},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.name[15]), 1},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.reserved[0]), 1},
		{SYS_proto_partition_create, STATUS_INVALID_ARGUMENT, FIELD(proto.reserved[1]),
		 BIT(63)},
		{SYS_proto_partition_build, STATUS_TOO_LARGE, FIELD(build.cpuid_leaf_count), 257},
		{SYS_proto_partition_build, STATUS_TOO_LARGE, FIELD(build.cpuid_leaf_count),
		 UINT32_MAX},
		{SYS_proto_partition_build, STATUS_INVALID_ADDRESS, FIELD(build.cpuid_leaves), 0},
		{SYS_proto_partition_build, STATUS_INVALID_ADDRESS, FIELD(build.cpuid_leaves),
		 KERNEL_ADDRESS},
		{SYS_proto_partition_build, STATUS_INVALID_ADDRESS, FIELD(build.cpuid_leaves),
		 NON_CANONICAL},
		{SYS_proto_partition_build, STATUS_INVALID_ARGUMENT, FIELD(build.reserved0), 1},
		{SYS_proto_partition_build, STATUS_INVALID_ARGUMENT, FIELD(build.reserved[0]), 1},
		{SYS_proto_partition_build, STATUS_INVALID_ARGUMENT, FIELD(build.reserved[5]),
		 BIT(63)},
		{SYS_proto_partition_build, STATUS_INVALID_ARGUMENT, FIELD(leaf.index_matters), 2},
		{SYS_proto_partition_build, STATUS_INVALID_ARGUMENT, FIELD(leaf.reserved), 1},
		/* Nothing was deposited that could pay for it. */
		{SYS_proto_partition_build, STATUS_NO_MEMORY, FIELD(build.cpuid_leaf_count), 0},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.kind), 2},
		{SYS_partition_doorbell_create, STATUS_INVALID_ADDRESS, FIELD(doorbell.kind),
		 DOORBELL_PORT},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.length), 3},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.length),
		 16},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.flags), 2},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.bits), 0},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.value), 1},
		{SYS_partition_doorbell_create, STATUS_INVALID_ARGUMENT, FIELD(doorbell.reserved),
		 1},
		{SYS_partition_doorbell_create, STATUS_INVALID_HANDLE, FIELD(doorbell.event), 0},
		{SYS_partition_doorbell_create, STATUS_INVALID_HANDLE, FIELD(doorbell.event),
		 NO_HANDLE},
		{SYS_partition_doorbell_create, STATUS_WRONG_TYPE, FIELD(doorbell.event), 1},
		{SYS_partition_doorbell_create, STATUS_MISALIGNED, FIELD(doorbell.address),
		 DOORBELL_GPA_AT + 1},
		{SYS_partition_doorbell_create, STATUS_INVALID_ADDRESS, FIELD(doorbell.address),
		 BIT(60)},
		{SYS_partition_doorbell_create, STATUS_OVERLAP, FIELD(doorbell.address),
		 MAPPED_GPA},
		{SYS_partition_doorbell_create, STATUS_ALREADY_EXISTS, FIELD(doorbell.address),
		 DOORBELL_GPA_AT},
	};

	EXPECT_FIELDS("configurations", rows);
}

/* APIC ids of xAPIC mode have 8 bits, and gaps where a socket's count of threads is no power of two. */
static void too_many_ids(void)
{
	static const struct proto_partition_config configs[] = {
		{.vp_count = 256},
		{.vp_count = 200, .threads_per_core = 3},
		{.vp_count = 200, .cores_per_socket = 3},
	};
	size_t i;

	see();
	for (i = 0; i < ARRAY_SIZE(configs); i++)
		expect_wrong("APIC ids", call_row(SYS_proto_partition_create), 0,
			     (uintptr_t)&configs[i], STATUS_TOO_LARGE);
}

static void wrong_doorbell_event(void)
{
	const struct call_row *row = call_row(SYS_partition_doorbell_create);
	uint64_t copy = duplicate(things[EVENT], RIGHTS_ALL & ~(uint32_t)RIGHT_WRITE);
	uint64_t a[6];

	see();
	places.doorbell.event = (handle_t)copy;
	arguments_make(row, a);
	expect_refused("a doorbell's event", row->number, a, STATUS_ACCESS_DENIED);
	places.doorbell.event = (handle_t)things[EVENT];
	handle_end(&copy);
}

static void debug_fields(void)
{
	static const struct wrong_field rows[] = {
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.flags), BIT(3)},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.flags), UINT32_MAX},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.reserved), 1},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[0].kind),
		 BREAKPOINT_ACCESS + 1},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[0].kind),
		 BREAKPOINT_NONE},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[0].length),
		 0},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[0].length),
		 2},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[1].length),
		 3},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[1].length),
		 16},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT, FIELD(debug.breakpoint[1].length),
		 255},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT,
		 FIELD(debug.breakpoint[1].reserved[5]), 1},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT,
		 FIELD(debug.breakpoint[3].reserved[0]), 1},
		{SYS_vp_set_debug_state, STATUS_INVALID_ARGUMENT,
		 FIELD(debug.breakpoint[3].address), 1},
		{SYS_vp_set_debug_state, STATUS_MISALIGNED, FIELD(debug.breakpoint[1].address),
		 0x2004},
	};

	EXPECT_FIELDS("debug states", rows);
}

static void state_fields(void)
{
	static const struct wrong_field rows[] = {
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.header.magic), 0},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.header.reserved), 1},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.header.size), 31},
		{SYS_vp_restore, STATUS_TRUNCATED, FIELD(vp.header.size), UINT64_MAX},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, FIELD(vp.header.version), STATE_VERSION + 1},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, FIELD(vp.header.architecture), 0},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, FIELD(vp.header.kind), STATE_OF_PARTITION},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.header.records), 1},
		{SYS_vp_restore, STATUS_TRUNCATED, FIELD(vp.header.records), UINT32_MAX},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.record.element), 0},
		{SYS_vp_restore, STATUS_NOT_FOUND, FIELD(vp.record.element), VP_STATE_ACTIVITY},
		{SYS_vp_restore, STATUS_ALREADY_EXISTS, FIELD(vp.next_record.element),
		 VP_STATE_REGISTERS},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, FIELD(vp.next_record.vtl), 1},
		{SYS_vp_restore, STATUS_NOT_SUPPORTED, FIELD(vp.record.vtl), 1},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.record.flags), 1},
		{SYS_vp_restore, STATUS_BAD_FORMAT, FIELD(vp.record.reserved), 1},
		{SYS_vp_restore, STATUS_TRUNCATED, FIELD(vp.record.length), UINT32_MAX},
		{SYS_vp_restore, STATUS_INVALID_REGISTER_VALUE, FIELD(vp.registers.cr4), BIT(13)},
		{SYS_vp_restore, STATUS_INVALID_REGISTER_VALUE, FIELD(vp.registers.efer), BIT(12)},
		{SYS_vp_restore, STATUS_INVALID_REGISTER_VALUE, FIELD(vp.registers.cr8), 16},
		{SYS_partition_restore, STATUS_BAD_FORMAT, FIELD(partition.header.magic), 0},
		{SYS_partition_restore, STATUS_BAD_FORMAT, FIELD(partition.header.reserved), 1},
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, FIELD(partition.header.version), 0},
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, FIELD(partition.header.architecture),
		 STATE_AARCH64},
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, FIELD(partition.header.kind),
		 STATE_OF_DEVICES},
		{SYS_partition_restore, STATUS_TRUNCATED, FIELD(partition.header.records), 5},
		{SYS_partition_restore, STATUS_BAD_FORMAT, FIELD(partition.header.records), 3},
		{SYS_partition_restore, STATUS_NOT_FOUND, FIELD(partition.record.element),
		 PARTITION_STATE_HYPERCALL},
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, FIELD(partition.record.element),
		 PARTITION_STATE_ELEMENTS},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.hypercall.hypercall), 1}, /* of nobody */
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.hypercall.hypercall), 4},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.hypercall.hypercall), BIT(52)},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.reference_tsc.reference_tsc), 2},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.reference_tsc.reserved), 1},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.tsc_control.reenlightenment), 0x100},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.tsc_control.reenlightenment), 0x1000f}, /* a vector too low */
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.tsc_control.reenlightenment), 0xffffffff00010055}, /* no such VP */
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.tsc_control.emulation), 2},
		{SYS_partition_restore, STATUS_INVALID_REGISTER_VALUE,
		 FIELD(partition.tsc_control.invariant), 1}, /* it is not offered */
		{SYS_partition_restore, STATUS_NOT_SUPPORTED, FIELD(partition.record.vtl), 1},
		{SYS_partition_restore, STATUS_BAD_FORMAT, FIELD(partition.record.flags), 1},
		{SYS_partition_restore, STATUS_BAD_FORMAT, FIELD(partition.record.length), 16},
		{SYS_partition_restore, STATUS_TRUNCATED, FIELD(partition.record.length), 4096},
		{SYS_partition_restore, STATUS_TSC_RATE, FIELD(partition.time.tsc_hz), 1},
		{SYS_partition_restore, STATUS_TSC_RATE, FIELD(partition.time.tsc_hz), 0},
		{SYS_partition_restore, STATUS_TSC_RATE, FIELD(partition.time.tsc_hz), UINT64_MAX},
		{SYS_vp_state_set, STATUS_INVALID_REGISTER_VALUE, FIELD(pat), 2},
		{SYS_vp_state_set, STATUS_INVALID_REGISTER_VALUE, FIELD(pat), UINT64_MAX},
		{SYS_vp_get_registers, STATUS_INVALID_REGISTER, FIELD(name), 0x12345678},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.vector), 15},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.vector),
		 256},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.flags), 2},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.format), 2},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.valid_banks),
		 0},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.valid_banks),
		 BIT(63)},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.banks[0]),
		 0},
		{SYS_vpci_register_interrupt, STATUS_INVALID_ARGUMENT, FIELD(interrupt.banks[0]),
		 1 << VPS},
		{SYS_synic_post_message, STATUS_INVALID_ARGUMENT, FIELD(message.type), 0},
		{SYS_synic_post_message, STATUS_INVALID_ARGUMENT, FIELD(message.payload_size),
		 HV_MESSAGE_PAYLOAD + 1},
		{SYS_vp_get_registers, STATUS_INVALID_REGISTER, FIELD(name), 0},
		{SYS_vp_get_registers, STATUS_INVALID_REGISTER, FIELD(name), UINT32_MAX},
		{SYS_vp_set_registers, STATUS_INVALID_REGISTER, FIELD(name), 0x12345678},
		{SYS_vp_peek_registers, STATUS_INVALID_REGISTER, FIELD(name), 0x12345678},
	};

	EXPECT_FIELDS("states", rows);
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
		{HV_X64_REGISTER_APIC_BASE, BIT(63)},
		{HV_REGISTER_PENDING_INTERRUPTION, 1 | 5 << 1},
		{HV_REGISTER_INTERRUPT_STATE, 4},
		{HV_REGISTER_PENDING_EVENT0, 1 | 2 << 16},
	};
	const struct call_row *row = call_row(SYS_vp_set_registers);
	uint64_t a[6];
	size_t i;

	see();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		places.name = rows[i].name;
		places.value.reg64 = rows[i].value;
		arguments_make(row, a);
		expect_refused("registers", row->number, a, STATUS_INVALID_REGISTER_VALUE);
	}
	places.name = HV_X64_REGISTER_RAX;
	places.value.reg64 = 0;
}

/* Memory that a pin holds cannot be deposited, though nothing maps it any more; what a failed read has
 * cleared is dirty again; and what cannot be told of a block that was taken out is said to have come. */
static void pinned_and_dirty(void)
{
	const uint64_t partition = things[PARTITION], proto = things[PROTO];
	uint64_t w = arena_at(FREE_BLOCK), b = (uintptr_t)places.out, pin, count;
	const uint64_t *bits = (const uint64_t *)places.out;

	EXPECT(call(SYS_partition_map, partition, 0, w, LARGE_PAGE_SIZE, FREE_GPA, GPA_WRITABLE) ==
	       STATUS_OK);
	EXPECT(call_value(SYS_partition_pin, partition, 0, FREE_GPA, 4096, 0, 0, &pin) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_dirty_start, partition, 0, FREE_GPA, LARGE_PAGE_SIZE, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_dirty_mark, partition, 0, FREE_GPA + 8192, 4096, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_dirty_get, partition, 0, FREE_GPA, LARGE_PAGE_SIZE,
		    KERNEL_ADDRESS, DIRTY_CLEAR) == STATUS_INVALID_ADDRESS);
	EXPECT(call_value(SYS_partition_dirty_get, partition, 0, FREE_GPA, LARGE_PAGE_SIZE, b,
			  DIRTY_CLEAR, &count) == STATUS_OK);
	EXPECT(count == 1 && bits[0] == 4);
	EXPECT(call_value(SYS_partition_dirty_get, partition, 0, FREE_GPA, LARGE_PAGE_SIZE, b, 0,
			  &count) == STATUS_OK);
	EXPECT(count == 0 && bits[0] == 0);
	EXPECT(call(SYS_partition_dirty_stop, partition, 0, FREE_GPA, LARGE_PAGE_SIZE, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_unmap, partition, 0, FREE_GPA, LARGE_PAGE_SIZE, 0, 0) ==
	       STATUS_OK);
	EXPECT(call(SYS_partition_deposit, proto, w, LARGE_PAGE_SIZE, 0, 0, 0) == STATUS_BUSY);
	handle_end(&pin);
	EXPECT(call(SYS_partition_deposit, proto, w, LARGE_PAGE_SIZE, 0, 0, 0) == STATUS_OK);
	EXPECT(call(SYS_partition_withdraw, proto, KERNEL_ADDRESS, 0, 0, 0, 0) ==
	       STATUS_INVALID_ADDRESS);
	*(volatile uint8_t *)w = 1; /* it is in the window again */
	EXPECT(call(SYS_partition_withdraw, proto, 0, 0, 0, 0, 0) == STATUS_NOT_FOUND);
}

/* A vector that is none is refused, and the target's APIC has noted that. */
void wrong_values_with_traces(void)
{
	static const struct wrong_value rows[] = {
		{SYS_partition_request_msi, STATUS_INVALID_ARGUMENT, 3, 0},
		{SYS_partition_request_msi, STATUS_INVALID_ARGUMENT, 3, 15},
		{SYS_msi_signal, STATUS_INVALID_ARGUMENT, 2, 0},
		{SYS_msi_signal, STATUS_INVALID_ARGUMENT, 2, 15},
	};

	EXPECT_VALUES("vectors", rows);
	pinned_and_dirty();
}

void wrong_values(void)
{
	system_values();
	memory_values();
	interrupt_values();
	port_values();
	device_values();
	vp_values();
	other_arguments();
	kernel_mapping();
	wrong_duplicates();
	configuration_fields();
	too_many_ids();
	wrong_doorbell_event();
	debug_fields();
	state_fields();
	wrong_registers();
}

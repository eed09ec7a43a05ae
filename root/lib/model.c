/* SPDX-License-Identifier: MIT */
/*
 * The model as C calls. Nothing is checked here: the kernel does it, once, and names what is
 * wrong.
 */
#include <lib/model.h>
#include <lib/syscall.h>

static inline uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* A call whose value nobody wants. */
static inline status_t call(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2)
{
	uint64_t value;

	return syscall3(number, a0, a1, a2, &value);
}

/* A call whose value is a handle. */
static inline status_t call_handle(enum syscall_number number, uint64_t a0, uint64_t a1,
				   uint64_t a2, handle_t *handle)
{
	uint64_t value;
	status_t status = syscall3(number, a0, a1, a2, &value);

	if (status == STATUS_OK)
		*handle = (handle_t)value;
	return status;
}

status_t console_write(const void *bytes, size_t size)
{
	return call(SYS_console_write, address_of(bytes), size, 0);
}

status_t console_read(void *bytes, size_t size, size_t *taken)
{
	uint64_t value;
	status_t status = syscall3(SYS_console_read, address_of(bytes), size, 0, &value);

	if (status == STATUS_OK)
		*taken = value;
	return status;
}

status_t console_bind(handle_t event, uint64_t bits)
{
	return call(SYS_console_bind, event, bits, 0);
}

status_t log_read(uint64_t position, void *bytes, size_t size, size_t *taken)
{
	uint64_t value;
	status_t status = syscall3(SYS_log_read, position, address_of(bytes), size, &value);

	if (status == STATUS_OK)
		*taken = value;
	return status;
}

status_t serial_open(uint32_t com, handle_t event, uint64_t bits)
{
	return call(SYS_serial_open, com, event, bits);
}

status_t serial_read(void *bytes, size_t size, size_t *taken)
{
	uint64_t value;
	status_t status = syscall3(SYS_serial_read, address_of(bytes), size, 0, &value);

	if (status == STATUS_OK)
		*taken = value;
	return status;
}

status_t serial_write(const void *bytes, size_t size)
{
	return call(SYS_serial_write, address_of(bytes), size, 0);
}

status_t system_end(enum system_end_action action, uint32_t code)
{
	return call(SYS_system_end, action, code, 0);
}

status_t memory_info(handle_t object, struct memory_info *info)
{
	return call(SYS_memory_info, object, address_of(info), 0);
}

status_t handle_close(handle_t handle)
{
	return call(SYS_handle_close, handle, 0, 0);
}

status_t handle_duplicate(handle_t handle, uint32_t rights, handle_t *copy)
{
	return call_handle(SYS_handle_duplicate, handle, rights, 0, copy);
}

status_t thread_create(uint32_t cpu, uint32_t priority, void *entry, void *stack_top,
		       void *argument, void *tls, handle_t *thread)
{
	uint64_t value;
	status_t status =
		syscall6(SYS_thread_create, cpu, priority, address_of(entry), address_of(stack_top),
			 address_of(argument), address_of(tls), &value);

	if (status == STATUS_OK)
		*thread = (handle_t)value;
	return status;
}

__noreturn void thread_exit(void)
{
	call(SYS_thread_exit, 0, 0, 0);
	__builtin_trap();
}

void thread_yield(void)
{
	call(SYS_thread_yield, 0, 0, 0);
}

status_t event_create(handle_t *event)
{
	return call_handle(SYS_event_create, 0, 0, 0, event);
}

status_t event_signal(handle_t event, uint64_t bits)
{
	return call(SYS_event_signal, event, bits, 0);
}

status_t event_wait(handle_t event, uint64_t deadline_ns, uint64_t *bits)
{
	uint64_t value;
	status_t status = syscall3(SYS_event_wait, event, deadline_ns, 0, &value);

	if (status == STATUS_OK)
		*bits = value;
	return status;
}

status_t hypervisor_available(void)
{
	return call(SYS_hypervisor_available, 0, 0, 0);
}

status_t proto_partition_create(const struct proto_partition_config *config, handle_t *partition)
{
	return call_handle(SYS_proto_partition_create, address_of(config), 0, 0, partition);
}

status_t proto_partition_cpuid(handle_t partition, uint32_t eax, uint32_t ecx, uint32_t values[4])
{
	uint64_t value;

	return syscall6(SYS_proto_partition_cpuid, partition, eax, ecx, address_of(values), 0, 0,
			&value);
}

status_t proto_partition_build(handle_t partition, const struct partition_config *config)
{
	return call(SYS_proto_partition_build, partition, address_of(config), 0);
}

status_t partition_deposit(handle_t partition, void *window, uint64_t size)
{
	return call(SYS_partition_deposit, partition, address_of(window), size);
}

status_t partition_withdraw(handle_t partition, void **window)
{
	uint64_t block = 0, value;
	status_t status =
		syscall3(SYS_partition_withdraw, partition, address_of(&block), 0, &value);

	if (status == STATUS_OK)
		*window = (void *)(uintptr_t)block;
	return status;
}

status_t partition_map(handle_t partition, uint32_t vtl, void *window, uint64_t size, gpa_t gpa,
		       uint32_t flags)
{
	uint64_t value;

	return syscall6(SYS_partition_map, partition, vtl, address_of(window), size, gpa, flags,
			&value);
}

status_t partition_unmap(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	uint64_t value;

	return syscall6(SYS_partition_unmap, partition, vtl, gpa, size, 0, 0, &value);
}

status_t partition_reset(handle_t partition)
{
	return call(SYS_partition_reset, partition, 0, 0);
}

status_t partition_request_msi(handle_t partition, uint32_t vtl, uint64_t address, uint32_t data,
			       bool *merged)
{
	uint64_t value = 0;
	status_t status =
		syscall6(SYS_partition_request_msi, partition, vtl, address, data, 0, 0, &value);

	*merged = value;
	return status;
}

status_t partition_caps(handle_t partition, struct partition_caps *caps)
{
	return call(SYS_partition_caps, partition, address_of(caps), 0);
}

status_t partition_reference_time(handle_t partition, uint64_t *time)
{
	uint64_t value;
	status_t status = syscall3(SYS_partition_reference_time, partition, 0, 0, &value);

	if (status == STATUS_OK)
		*time = value;
	return status;
}

/* Most calls about guest memory: a partition, a VTL and a range. */
static status_t call_range(enum syscall_number number, handle_t partition, uint32_t vtl, gpa_t gpa,
			   uint64_t size, uint64_t *value)
{
	return syscall6(number, partition, vtl, gpa, size, 0, 0, value);
}

status_t partition_prefetch(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	uint64_t unused;

	return call_range(SYS_partition_prefetch, partition, vtl, gpa, size, &unused);
}

status_t partition_pin(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size, handle_t *pin)
{
	uint64_t value;
	status_t status = call_range(SYS_partition_pin, partition, vtl, gpa, size, &value);

	if (status == STATUS_OK)
		*pin = (handle_t)value;
	return status;
}

status_t partition_dirty_start(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	uint64_t unused;

	return call_range(SYS_partition_dirty_start, partition, vtl, gpa, size, &unused);
}

status_t partition_dirty_stop(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	uint64_t unused;

	return call_range(SYS_partition_dirty_stop, partition, vtl, gpa, size, &unused);
}

status_t partition_dirty_get(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size, void *bits,
			     uint32_t flags, uint64_t *count)
{
	uint64_t value;
	status_t status = syscall6(SYS_partition_dirty_get, partition, vtl, gpa, size,
				   address_of(bits), flags, &value);

	if (status == STATUS_OK)
		*count = value;
	return status;
}

status_t partition_dirty_mark(handle_t partition, uint32_t vtl, gpa_t gpa, uint64_t size)
{
	uint64_t unused;

	return call_range(SYS_partition_dirty_mark, partition, vtl, gpa, size, &unused);
}

status_t partition_doorbell_create(handle_t partition, uint32_t min_vtl,
				   const struct doorbell_config *config, handle_t *doorbell)
{
	return call_handle(SYS_partition_doorbell_create, partition, min_vtl, address_of(config),
			   doorbell);
}

status_t doorbell_ring(handle_t partition, uint32_t vtl, enum doorbell_kind kind, uint64_t address,
		       uint32_t length, uint64_t value)
{
	uint64_t unused;

	return syscall6(SYS_doorbell_ring, partition, vtl, kind, address, length, value, &unused);
}

status_t msi_source_create(handle_t partition, uint32_t vtl, handle_t *source)
{
	return call_handle(SYS_msi_source_create, partition, vtl, 0, source);
}

status_t msi_signal(handle_t source, uint64_t address, uint32_t data, bool *merged)
{
	uint64_t value = 0;
	status_t status = syscall3(SYS_msi_signal, source, address, data, &value);

	*merged = value;
	return status;
}

status_t partition_crash_bind(handle_t partition, handle_t event, uint64_t bits)
{
	uint64_t unused;

	return syscall3(SYS_partition_crash_bind, partition, event, bits, &unused);
}

status_t partition_crash_get(handle_t partition, struct partition_crash *crash)
{
	uint64_t unused;

	return syscall3(SYS_partition_crash_get, partition, address_of(crash), 0, &unused);
}

status_t vp_bind(handle_t partition, uint32_t index, struct vp_run_page *page, handle_t *vp)
{
	return call_handle(SYS_vp_bind, partition, index, address_of(page), vp);
}

status_t vp_run(handle_t vp)
{
	return call(SYS_vp_run, vp, 0, 0);
}

status_t vp_request_yield(handle_t partition, uint32_t index)
{
	return call(SYS_vp_request_yield, partition, index, 0);
}

status_t vp_get_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  union hv_register_value *values, uint32_t count)
{
	uint64_t value;

	return syscall6(SYS_vp_get_registers, vp, vtl, address_of(names), address_of(values), count,
			0, &value);
}

status_t vp_set_registers(handle_t vp, uint32_t vtl, const uint32_t *names,
			  const union hv_register_value *values, uint32_t count)
{
	uint64_t value;

	return syscall6(SYS_vp_set_registers, vp, vtl, address_of(names), address_of(values), count,
			0, &value);
}

status_t vp_reset(handle_t vp)
{
	return call(SYS_vp_reset, vp, 0, 0);
}

status_t vp_intercept(handle_t vp, struct hv_message *message)
{
	return call(SYS_vp_intercept, vp, address_of(message), 0);
}

status_t vp_flush_requests(handle_t vp)
{
	return call(SYS_vp_flush_requests, vp, 0, 0);
}

status_t vp_set_lint(handle_t partition, uint32_t index, uint32_t vtl, uint32_t lint, bool level)
{
	uint64_t value;

	return syscall6(SYS_vp_set_lint, partition, index, vtl, lint, level, 0, &value);
}

status_t vp_pulse_lint(handle_t partition, uint32_t index, uint32_t vtl, uint32_t lint)
{
	uint64_t value;

	return syscall6(SYS_vp_pulse_lint, partition, index, vtl, lint, 0, 0, &value);
}

status_t partition_set_spi(handle_t partition, uint32_t vtl, uint32_t intid, bool level)
{
	uint64_t value;

	return syscall6(SYS_partition_set_spi, partition, vtl, intid, level, 0, 0, &value);
}

/* In the size argument of vp_gic_access. */
#define GIC_ACCESS_WRITE BIT(16)

status_t vp_gic_read(handle_t vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t *value)
{
	return syscall6(SYS_vp_gic_access, vp, vtl, gpa, size, 0, 0, value);
}

status_t vp_gic_write(handle_t vp, uint32_t vtl, gpa_t gpa, unsigned int size, uint64_t value)
{
	uint64_t unused;

	return syscall6(SYS_vp_gic_access, vp, vtl, gpa, size | GIC_ACCESS_WRITE, value, 0,
			&unused);
}

/* In the offset argument of vp_apic_access. */
#define APIC_ACCESS_WRITE BIT(16)

status_t vp_apic_read(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t *value)
{
	uint64_t result;
	status_t status = syscall6(SYS_vp_apic_access, vp, vtl, offset, 0, 0, 0, &result);

	if (status == STATUS_OK)
		*value = (uint32_t)result;
	return status;
}

status_t vp_apic_write(handle_t vp, uint32_t vtl, uint32_t offset, uint32_t value, uint32_t *ended)
{
	uint64_t result;
	status_t status = syscall6(SYS_vp_apic_access, vp, vtl, offset | APIC_ACCESS_WRITE, value,
				   0, 0, &result);

	*ended = status == STATUS_OK ? (uint32_t)result : 0;
	return status;
}

status_t vp_set_debug_state(handle_t vp, uint32_t vtl, const struct vp_debug_state *state)
{
	return call(SYS_vp_set_debug_state, vp, vtl, address_of(state));
}

status_t vp_stats(handle_t partition, uint32_t index, struct vp_stats *stats)
{
	return call(SYS_vp_stats, partition, index, address_of(stats));
}

/* A call that answers how many bytes there are, also when the buffer is too small. */
static status_t call_sized(enum syscall_number number, uint64_t a0, uint64_t a1, uint64_t a2,
			   uint64_t a3, uint64_t a4, size_t *needed)
{
	uint64_t value;
	status_t status = syscall6(number, a0, a1, a2, a3, a4, 0, &value);

	if (status == STATUS_OK || status == STATUS_TOO_LARGE)
		*needed = value;
	return status;
}

status_t vp_state_get(handle_t vp, uint32_t vtl, uint32_t element, void *buffer, size_t size,
		      size_t *needed)
{
	return call_sized(SYS_vp_state_get, vp, vtl, element, address_of(buffer), size, needed);
}

status_t vp_state_set(handle_t vp, uint32_t vtl, uint32_t element, const void *data, size_t size)
{
	uint64_t value;

	return syscall6(SYS_vp_state_set, vp, vtl, element, address_of(data), size, 0, &value);
}

status_t vp_state_reset(handle_t vp, uint32_t vtl, uint32_t element)
{
	return call(SYS_vp_state_reset, vp, vtl, element);
}

status_t vp_save(handle_t vp, void *buffer, size_t size, size_t *needed)
{
	return call_sized(SYS_vp_save, vp, address_of(buffer), size, 0, 0, needed);
}

status_t vp_restore(handle_t vp, const void *data, size_t size)
{
	return call(SYS_vp_restore, vp, address_of(data), size);
}

status_t partition_save(handle_t partition, void *buffer, size_t size, size_t *needed)
{
	return call_sized(SYS_partition_save, partition, address_of(buffer), size, 0, 0, needed);
}

status_t partition_restore(handle_t partition, const void *data, size_t size)
{
	return call(SYS_partition_restore, partition, address_of(data), size);
}

status_t partition_freeze(handle_t partition)
{
	return call(SYS_partition_freeze, partition, 0, 0);
}

status_t partition_thaw(handle_t partition)
{
	return call(SYS_partition_thaw, partition, 0, 0);
}

status_t inspect(handle_t partition, enum inspect_what what, uint32_t index, void *view,
		 size_t size)
{
	uint64_t value;

	return syscall6(SYS_inspect, partition, what, index, address_of(view), size, 0, &value);
}

status_t vp_profile(handle_t partition, uint32_t index, bool on)
{
	return call(SYS_vp_profile, partition, index, on);
}

status_t vp_peek_registers(handle_t partition, uint32_t index, uint32_t vtl, const uint32_t *names,
			   union hv_register_value *values, uint32_t count)
{
	uint64_t value;

	return syscall6(SYS_vp_peek_registers, partition, index, vtl, address_of(names),
			address_of(values), count, &value);
}

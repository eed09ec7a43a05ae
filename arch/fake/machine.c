/* SPDX-License-Identifier: MIT */
/*
 * A machine without hardware: the functions of <kernel/arch.h> for hosted unit tests. Physical
 * memory is an arena; CPUs are structures that the test switches between; functions that never
 * return jump back into fake_run().
 */
#include <arch/fake.h>
#include <kernel/arch.h>
#include <kernel/page_table.h>
#include <kernel/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cpu *fake_cpu;
uint64_t fake_timestamp = 1000;
uint64_t timestamp_hz = 1000000000;
uint64_t fake_ram_size;
struct thread *fake_resumed;
void (*fake_interrupts)(void);
void (*fake_relaxed)(void);
void (*fake_timestamp_taken)(void);
void (*fake_kicked)(struct cpu *cpu);

static uint8_t *ram;
struct fake_frame {
	jmp_buf end;
	struct fake_frame *outer;
};
struct fake_frame *fake_frame;

static struct {
	uint64_t base;
	uint8_t *memory;
	size_t size;
} user;

/* ---- memory ---- */

void fake_ram_init(uint64_t size)
{
	fake_ram_destroy();
	ram = aligned_alloc(LARGE_PAGE_SIZE, size);
	if (!ram)
		abort();
	memset(ram, 0, size);
	fake_ram_size = size;
}

void fake_ram_destroy(void)
{
	free(ram);
	ram = NULL;
	fake_ram_size = 0;
}

void *hpa_to_kva(hpa_t hpa)
{
	if (hpa >= fake_ram_size)
		abort();
	return ram + hpa;
}

hpa_t kva_to_hpa(const void *kva)
{
	uint64_t offset = (uint64_t)((const uint8_t *)kva - ram);

	if (offset >= fake_ram_size)
		abort();
	return offset;
}

void fake_user_memory(uint64_t base, void *memory, size_t size)
{
	user.base = base;
	user.memory = memory;
	user.size = size;
}

static bool user_range(uint64_t address, size_t size)
{
	return address >= user.base && range_within(address - user.base, size, user.size);
}

status_t user_copy_in(void *destination, uint64_t address, size_t size)
{
	if (!user_range(address, size))
		return STATUS_INVALID_ADDRESS;
	memcpy(destination, user.memory + (address - user.base), size);
	return STATUS_OK;
}

status_t user_copy_out(uint64_t address, const void *source, size_t size)
{
	if (!user_range(address, size))
		return STATUS_INVALID_ADDRESS;
	memcpy(user.memory + (address - user.base), source, size);
	return STATUS_OK;
}

void arch_space_init(struct address_space *space)
{
	(void)space;
}

void arch_tlb_flush(uint64_t va, uint64_t size)
{
	(void)va;
	(void)size;
}

/* ---- page-table format: present, writable, user, large, no-execute as on x86-64 ---- */

enum { FAKE_P = 1, FAKE_W = 2, FAKE_U = 4, FAKE_LARGE = 0x80, FAKE_R = 0x200 };
#define FAKE_NX	     BIT(63)
#define FAKE_ADDRESS 0x000ffffffffff000ull

static uint64_t fake_leaf(hpa_t hpa, unsigned int level, uint32_t flags)
{
	return hpa | FAKE_P | (flags & PAGE_WRITE ? FAKE_W : 0) | (flags & PAGE_USER ? FAKE_U : 0) |
	       (flags & PAGE_READ ? FAKE_R : 0) | (flags & PAGE_EXECUTE ? 0 : FAKE_NX) |
	       (level > 1 ? FAKE_LARGE : 0);
}

static uint64_t fake_table(hpa_t hpa)
{
	return hpa | FAKE_P | FAKE_W | FAKE_U;
}

static bool fake_present(uint64_t entry)
{
	return entry & FAKE_P;
}

static bool fake_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (entry & FAKE_LARGE);
}

static hpa_t fake_address(uint64_t entry, unsigned int level)
{
	(void)level;
	return entry & FAKE_ADDRESS;
}

static uint32_t fake_flags(uint64_t entry, unsigned int level)
{
	(void)level;
	return (entry & FAKE_W ? PAGE_WRITE : 0) | (entry & FAKE_U ? PAGE_USER : 0) |
	       (entry & FAKE_R ? PAGE_READ : 0) | (entry & FAKE_NX ? 0 : PAGE_EXECUTE);
}

const struct page_table_format host_page_table_format = {
	.name = "fake",
	.levels = 4,
	.large_levels = BIT(1) | BIT(2) | BIT(3),
	.leaf_bit = FAKE_LARGE,
	.address_bits = FAKE_ADDRESS,
	.leaf = fake_leaf,
	.table = fake_table,
	.present = fake_present,
	.is_leaf = fake_is_leaf,
	.address = fake_address,
	.flags = fake_flags,
};

/* ---- CPUs and time ---- */

void fake_cpus_init(uint32_t count)
{
	fake_cpus_destroy();
	cpus = calloc(count, sizeof(struct cpu *));
	for (uint32_t i = 0; cpus && i < count; i++) {
		cpus[i] = calloc(1, sizeof(struct cpu));
		if (!cpus[i])
			abort();
		cpus[i]->index = i;
		cpus[i]->timers.programmed = TIMER_NEVER;
	}
	cpu_count = count;
	fake_timestamp = 1000;
	fake_cpu_set(0);
}

void fake_cpus_destroy(void)
{
	for (uint32_t i = 0; cpus && i < cpu_count; i++)
		free(cpus[i]);
	free(cpus);
	cpus = NULL;
	cpu_count = 0;
	fake_cpu = NULL;
}

void fake_cpu_set(uint32_t index)
{
	fake_cpu = cpus[index];
}

uint32_t arch_cpus_start(void)
{
	return cpu_count;
}

void arch_cpu_kick(struct cpu *cpu)
{
	cpu->arch.kicks++;
	if (fake_kicked)
		fake_kicked(cpu);
}

void arch_cpu_notify(struct cpu *cpu)
{
	arch_cpu_kick(cpu);
}

void arch_interrupt_window(void)
{
	if (fake_interrupts)
		fake_interrupts();
}

void arch_idle(void)
{
	this_cpu()->arch.idles++;
	if (!fake_interrupts)
		fake_leave(FAKE_IDLE);
	fake_interrupts();
}

void arch_timer_set(uint64_t deadline)
{
	this_cpu()->arch.timer_deadline = deadline;
}

uint64_t arch_wall_clock(void)
{
	return 0;
}

/* ---- threads ---- */

void arch_thread_init(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument,
		      uint64_t tls)
{
	thread->arch.entry = entry;
	thread->arch.stack = stack;
	thread->arch.argument = argument;
	thread->arch.tls = tls;
}

void arch_thread_set_result(struct thread *thread, status_t status, uint64_t value)
{
	thread->arch.status = status;
	thread->arch.value = value;
}

void arch_thread_switch(struct thread *prev, struct thread *next)
{
	(void)prev;
	(void)next;
}

__noreturn void arch_thread_resume(struct thread *thread)
{
	thread->arch.resumes++;
	fake_resumed = thread;
	fake_leave(FAKE_RESUMED);
}

void arch_thread_destroy(struct thread *thread)
{
	(void)thread;
}

void arch_thread_dump(const struct thread *thread)
{
	(void)thread;
}

enum fake_end fake_run(void (*function)(void *argument), void *argument)
{
	struct fake_frame frame = {.outer = fake_frame};
	int end = setjmp(frame.end);

	if (end == 0) {
		fake_frame = &frame;
		function(argument);
	}
	fake_frame = frame.outer;
	return (enum fake_end)end;
}

__noreturn void fake_leave(enum fake_end end)
{
	if (!fake_frame)
		abort();
	longjmp(fake_frame->end, (int)end);
}

/* ---- console, end ---- */

void arch_console_write(const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, stderr);
}

__noreturn void arch_system_end(bool restart, uint8_t code)
{
	(void)restart;
	(void)code;
	fake_leave(FAKE_SYSTEM_END);
}

void arch_cpus_stop(void)
{
}

void arch_backtrace(void)
{
}

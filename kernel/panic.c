/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine, wanted or not. A panic is for faults of the kernel itself: it stops the
 * other CPUs, says what is known, and ends. A panic inside a panic ends at once; a second CPU that
 * panics waits to be stopped.
 */
#include <kernel/console.h>
#include <kernel/cpu.h>
#include <kernel/panic.h>

static struct cpu *_Atomic panic_cpu;

bool panic_is_on(void)
{
	return atomic_load_explicit(&panic_cpu, memory_order_relaxed) != NULL;
}

static const char *end_words(uint8_t code, char *buffer, size_t size)
{
	static const struct {
		uint8_t code;
		const char *words;
	} known[] = {
		{END_OK, "all guests powered off"},	{END_PANIC, "kernel panic"},
		{END_GUEST_CRASHED, "a guest crashed"}, {END_ROOT_FAULTED, "the root task faulted"},
		{END_NOTHING_TO_RUN, "nothing to run"}, {END_SELFTESTS_FAILED, "self tests failed"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].code == code)
			return known[i].words;
	if (code < END_GUEST_STATUS)
		return "ended";
	format(buffer, size, "a guest ended with status %u", code - (unsigned int)END_GUEST_STATUS);
	return buffer;
}

__noreturn void system_end_words(bool restart, uint8_t code, const char *words)
{
	log_error("end: %s (code %u)", words, code);
	arch_system_end(restart, code);
}

__noreturn void system_end(bool restart, uint8_t code)
{
	char buffer[48];

	system_end_words(restart, code, end_words(code, buffer, sizeof(buffer)));
}

__noreturn void panic(const char *text, ...)
{
	struct cpu *self = this_cpu(), *first = NULL;
	char words[200];
	va_list arguments;

	if (!atomic_compare_exchange_strong(&panic_cpu, &first, self)) {
		if (first == self)
			arch_system_end(false, END_PANIC);
		for (;;)
			cpu_relax();
	}
	arch_cpus_stop();
	va_start(arguments, text);
	format_v(words, sizeof(words), text, arguments);
	va_end(arguments);
	log_error("kernel panic on CPU %u: %s", self->index, words);
	arch_backtrace();
	system_end(false, END_PANIC);
}

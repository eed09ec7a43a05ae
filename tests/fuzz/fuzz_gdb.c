/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on the line to gdb. Each way they come in as they are, and as the payloads of packets with a
 * right checksum, one a line. Whatever the server says is packets and acknowledgments, no VP is spoken of
 * that is not there, and memory is as it was once the breakpoints are gone.
 */
#include <stdlib.h>
#include <string.h>

#include <gdb/breakpoints.h>

#define THREADS	    3u
#define MEMORY_SIZE 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[MEMORY_SIZE];
static struct gdb_state states[THREADS];
static struct gdb_breakpoints breakpoints;
static struct gdb_server server;
static struct gdb_reader reader; /* gdb's side */
static bool wrote;

static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

static bool byte_read(void *context, gpa_t gpa, uint8_t *byte)
{
	(void)context;
	if (gpa >= MEMORY_SIZE)
		return false;
	*byte = memory[gpa];
	return true;
}

static bool byte_write(void *context, gpa_t gpa, uint8_t byte)
{
	(void)context;
	if (gpa >= MEMORY_SIZE)
		return false;
	memory[gpa] = byte;
	return true;
}

static const struct gdb_memory_ops memory_ops = {.read = byte_read, .write = byte_write};

static void target_send(void *target, const void *bytes, size_t size)
{
	enum gdb_input input = GDB_INPUT_NONE;

	(void)target;
	for (size_t i = 0; i < size; i++)
		input = gdb_reader_put(&reader, ((const uint8_t *)bytes)[i]);
	require(input == GDB_INPUT_PACKET || input == GDB_INPUT_ACK || input == GDB_INPUT_NAK);
}

static uint32_t target_threads(void *target)
{
	(void)target;
	return THREADS;
}

static struct gdb_state *target_state(void *target, uint32_t thread)
{
	(void)target;
	require(thread < THREADS);
	return thread ? &states[thread] : NULL;
}

static void target_state_changed(void *target, uint32_t thread)
{
	(void)target;
	require(thread < THREADS);
}

static size_t target_read(void *target, uint32_t thread, uint64_t address, void *buffer,
			  size_t size)
{
	size_t done = 0;

	(void)target;
	require(thread < THREADS);
	while (done < size &&
	       gdb_memory_read(&breakpoints, address + done, (uint8_t *)buffer + done))
		done++;
	return done;
}

static size_t target_write(void *target, uint32_t thread, uint64_t address, const void *data,
			   size_t size)
{
	size_t done = 0;

	(void)target;
	require(thread < THREADS);
	wrote = true;
	while (done < size &&
	       gdb_memory_write(&breakpoints, address + done, ((const uint8_t *)data)[done]))
		done++;
	return done;
}

static enum gdb_result target_breakpoint(void *target, uint32_t thread, bool insert,
					 enum gdb_kind kind, uint64_t address, uint64_t length)
{
	struct gdb_breakpoints *b = &breakpoints;

	(void)target;
	require(thread < THREADS);
	if (kind != GDB_SOFTWARE)
		return insert ? gdb_hardware_insert(b, kind, address, length)
			      : gdb_hardware_remove(b, kind, address, length);
	return insert ? gdb_software_insert(b, address, address) : gdb_software_remove(b, address);
}

static bool target_resume(void *target)
{
	bool some = false;

	(void)target;
	for (uint32_t i = 0; i < THREADS; i++) {
		require(gdb_server_action(&server, i) <= GDB_STEP);
		some |= gdb_server_action(&server, i) != GDB_STAY;
	}
	return some;
}

static void target_interrupt(void *target)
{
	const struct gdb_stop stop = {.thread = THREADS - 1, .signal = GDB_SIGNAL_INT};

	(void)target;
	gdb_server_stopped(&server, &stop);
	require(!server.running);
}

static void target_halt(void *target)
{
	(void)target;
}

static void target_words(void *target, uint32_t thread, char *buffer, size_t size)
{
	(void)target;
	require(thread < THREADS && size > 4);
	memcpy(buffer, "VP", 3);
}

static void target_detach(void *target, bool kill)
{
	(void)target;
	(void)kill;
	gdb_breakpoints_clear(&breakpoints);
}

static const struct gdb_target_ops target_ops = {
	.send = target_send,
	.threads = target_threads,
	.state = target_state,
	.state_changed = target_state_changed,
	.read = target_read,
	.write = target_write,
	.breakpoint = target_breakpoint,
	.resume = target_resume,
	.interrupt = target_interrupt,
	.halt = target_halt,
	.words = target_words,
	.detach = target_detach,
};

static void packets_put(const uint8_t *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t i = 0;

	while (i < size) {
		uint8_t sum = 0;

		gdb_server_input(&server, '$');
		for (; i < size && data[i] != '\n'; i++) {
			sum = (uint8_t)(sum + data[i]);
			gdb_server_input(&server, data[i]);
		}
		i++;
		gdb_server_input(&server, '#');
		gdb_server_input(&server, (uint8_t)digits[sum >> 4]);
		gdb_server_input(&server, (uint8_t)digits[sum & 0xf]);
		gdb_server_input(&server, 3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned framed = 0; framed < 2; framed++) {
		memset(memory, 0x90, sizeof(memory));
		memset(states, 0, sizeof(states));
		memset(&reader, 0, sizeof(reader));
		breakpoints = (struct gdb_breakpoints){.memory = &memory_ops};
		wrote = false;
		gdb_server_init(&server, &target_ops, NULL);
		if (framed)
			packets_put(data, size);
		else
			for (size_t i = 0; i < size; i++)
				gdb_server_input(&server, data[i]);
		gdb_breakpoints_clear(&breakpoints);
		for (size_t i = 0; !wrote && i < MEMORY_SIZE; i++)
			require(memory[i] == 0x90);
	}
	return 0;
}

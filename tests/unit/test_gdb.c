/* SPDX-License-Identifier: MIT */
/* gdb's protocol: packets, the registers, breakpoints, and a server over a target of paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <gdb/breakpoints.h>
#include "gdb_memory.h"

/* ---- packets ---- */

static enum gdb_input feed(struct gdb_reader *reader, const char *bytes)
{
	enum gdb_input input = GDB_INPUT_NONE;

	while (*bytes)
		input = gdb_reader_put(reader, (uint8_t)*bytes++);
	return input;
}

static void test_packet_in(void **state)
{
	struct gdb_reader reader = {0};

	(void)state;
	assert_int_equal(feed(&reader, "noise"), GDB_INPUT_NONE);
	assert_int_equal(feed(&reader, "+"), GDB_INPUT_ACK);
	assert_int_equal(feed(&reader, "-"), GDB_INPUT_NAK);
	assert_int_equal(feed(&reader, "\3"), GDB_INPUT_BREAK);
	assert_int_equal(feed(&reader, "$g#67"), GDB_INPUT_PACKET);
	assert_string_equal((char *)reader.data, "g");
	assert_int_equal(feed(&reader, "$#00"), GDB_INPUT_PACKET);
	assert_int_equal(reader.length, 0);
	/* '#' and '}', escaped */
	assert_int_equal(feed(&reader, "$a}\x03}]b#1d"), GDB_INPUT_PACKET);
	assert_string_equal((char *)reader.data, "a#}b");
}

static void test_packet_bad(void **state)
{
	struct gdb_reader reader = {0};

	(void)state;
	assert_int_equal(feed(&reader, "$g#68"), GDB_INPUT_BAD);
	assert_int_equal(feed(&reader, "$g#6x"), GDB_INPUT_BAD);
	assert_int_equal(feed(&reader, "$g#x7"), GDB_INPUT_BAD);
	assert_int_equal(feed(&reader, "$g}#e4"), GDB_INPUT_BAD); /* nothing is escaped */
	assert_int_equal(feed(&reader, "$lost$g#67"), GDB_INPUT_PACKET);
	assert_string_equal((char *)reader.data, "g");
}

/* The longest that there may be, and one byte more. */
static void test_packet_length(void **state)
{
	struct gdb_reader reader = {0};

	(void)state;
	for (size_t length = GDB_PAYLOAD_MAX; length <= GDB_PAYLOAD_MAX + 1; length++) {
		char end[4];

		(void)gdb_reader_put(&reader, '$');
		for (size_t i = 0; i < length; i++)
			assert_int_equal(gdb_reader_put(&reader, 'a'), GDB_INPUT_NONE);
		snprintf(end, sizeof(end), "#%02x", (unsigned)(length * 'a' & 0xff));
		assert_int_equal(feed(&reader, end),
				 length == GDB_PAYLOAD_MAX ? GDB_INPUT_PACKET : GDB_INPUT_BAD);
	}
	assert_int_equal(feed(&reader, "$g#67"), GDB_INPUT_PACKET);
}

static void test_packet_out(void **state)
{
	struct gdb_writer writer;
	uint8_t many[GDB_PAYLOAD_MAX + 10];

	(void)state;
	gdb_writer_begin(&writer);
	gdb_put_text(&writer, "E");
	gdb_put_number(&writer, 0);
	gdb_put_number(&writer, 0xfedcba9876543210);
	gdb_put_bytes(&writer, "\x01\xfe", 2);
	assert_int_equal(gdb_put_binary(&writer, "a#$}*", 5), 5);
	gdb_writer_end(&writer);
	assert_int_equal(writer.length, 1 + 1 + 1 + 16 + 4 + 9 + 3);
	assert_memory_equal(writer.data, "$E0fedcba987654321001fea}\3}\4}]}\n#", 33);
	/* What finds no place is left out, and nothing is written behind the end. */
	memset(many, '#', sizeof(many));
	gdb_writer_begin(&writer);
	assert_int_equal(gdb_put_binary(&writer, many, sizeof(many)), GDB_PAYLOAD_MAX / 2);
	gdb_put_text(&writer, "x");
	gdb_writer_end(&writer);
	assert_int_equal(writer.length, sizeof(writer.data));
}

static void test_numbers(void **state)
{
	const char *text = "ffFF,0";
	uint64_t value;
	uint8_t bytes[2];

	(void)state;
	assert_true(gdb_take_number(&text, &value));
	assert_int_equal(value, 0xffff);
	assert_false(gdb_take_number(&text, &value));
	assert_true(gdb_take(&text, ','));
	assert_true(gdb_take_number(&text, &value));
	text = "12345678123456781";
	assert_false(gdb_take_number(&text, &value));
	text = "0aF";
	assert_false(gdb_take_bytes(&text, bytes, 2));
	text = "0aFf";
	assert_true(gdb_take_bytes(&text, bytes, 2));
	assert_memory_equal(bytes, "\x0a\xff", 2);
}

/* ---- registers ---- */

static struct gdb_state known;

static void known_fill(void)
{
	uint8_t *bytes = (uint8_t *)&known;

	memset(&known, 0, sizeof(known));
	for (size_t i = 0; i < sizeof(known.value); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(known.legacy); i++)
		known.legacy[i] = (uint8_t)(i * 5);
	known.has_legacy = true;
}

static void test_registers(void **state)
{
	uint8_t bytes[GDB_REGISTER_SIZE], again[GDB_REGISTER_SIZE];
	size_t total = 0;

	(void)state;
	known_fill();
	/* gdb's numbers: 40 of the core, 17 of SSE, 2 bases, 7 of the system. */
	assert_int_equal(gdb_register_count(), 40 + 17 + 2 + 7);
	for (size_t i = 0; i < gdb_register_count(); i++)
		total += gdb_register_size(i);
	assert_int_equal(total, 16 * 8 + 8 + 7 * 4 + 80 + 32 + 256 + 4 + 16 + 56);
	assert_int_equal(gdb_register_size(gdb_register_count()), 0);
	assert_false(gdb_register_read(&known, gdb_register_count(), bytes));
	for (size_t i = 0; i < gdb_register_count(); i++) {
		bool writable;

		assert_true(gdb_register_read(&known, i, bytes));
		for (size_t j = 0; j < gdb_register_size(i); j++)
			bytes[j] ^= 0xff;
		writable = gdb_register_write(&known, i, bytes);
		assert_true(gdb_register_read(&known, i, again));
		assert_int_equal(!memcmp(bytes, again, gdb_register_size(i)), writable);
	}
	/* RBX is gdb's second, and the kernel's fourth. */
	known.value[3].reg64 = 0x1122334455667788;
	assert_true(gdb_register_read(&known, 1, bytes));
	assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	known.has_legacy = false;
	assert_false(gdb_register_read(&known, 24, bytes)); /* st0 */
	assert_true(gdb_register_read(&known, 40, bytes));  /* xmm0 */
}

static void test_pc(void **state)
{
	struct gdb_state s = {0};

	(void)state;
	s.value[GDB_VALUE_RIP].reg64 = 0x123456789;
	s.value[GDB_VALUE_CS].segment.base = 0xf0000;
	assert_int_equal(gdb_state_pc(&s), 0x23456789 + 0xf0000);
	s.value[GDB_VALUE_CS].segment.attributes = HV_SEGMENT_L;
	assert_int_equal(gdb_state_pc(&s), 0x123456789);
}

/* The same text whatever the parts in which it is read; each register once, each feature closed. */
static void test_description(void **state)
{
	static char whole[16384], parts[16384];
	size_t length = gdb_description_read(0, whole, sizeof(whole)), at = 0, part;
	size_t registers = 0, open = 0, closed = 0;

	(void)state;
	assert_in_range(length, 3000, sizeof(whole) - 1);
	for (part = 1; part; at += part)
		part = gdb_description_read(at, parts + at, 37);
	assert_int_equal(at, length);
	assert_memory_equal(whole, parts, length);
	for (const char *c = whole; (c = strstr(c, "<reg ")); c++)
		registers++;
	for (const char *c = whole; (c = strstr(c, "<feature ")); c++)
		open++;
	for (const char *c = whole; (c = strstr(c, "</feature>")); c++)
		closed++;
	assert_int_equal(registers, gdb_register_count());
	assert_int_equal(open, 4);
	assert_int_equal(closed, 4);
	assert_non_null(strstr(whole, "<reg name=\"xmm15\" bitsize=\"128\" type=\"vec128\"/>"));
	assert_int_equal(gdb_description_read(length, parts, 10), 0);
	assert_int_equal(gdb_description_read(SIZE_MAX, parts, 10), 0);
}

/* ---- breakpoints ---- */

static void test_software(void **state)
{
	struct gdb_breakpoints b = {.memory = &memory_ops};
	uint8_t byte;

	(void)state;
	memset(memory, 0x90, sizeof(memory));
	assert_int_equal(gdb_software_insert(&b, 0x1010, 0x10), GDB_OK);
	assert_int_equal(gdb_software_insert(&b, 0x1010, 0x10), GDB_OK); /* twice is once */
	assert_int_equal(b.count, 1);
	assert_int_equal(memory[0x10], 0xcc);
	assert_int_equal(b.state.flags, DEBUG_INT3);
	assert_true(gdb_software_is_at(&b, 0x10));
	assert_false(gdb_software_is_at(&b, 0x11));
	/* gdb sees what is beneath, and changes that. */
	assert_true(gdb_memory_read(&b, 0x10, &byte));
	assert_int_equal(byte, 0x90);
	assert_true(gdb_memory_write(&b, 0x10, 0x91));
	assert_int_equal(memory[0x10], 0xcc);
	assert_int_equal(gdb_software_insert(&b, 0x2000, 0x1000), GDB_FAILED);
	assert_int_equal(gdb_software_remove(&b, 0x1011), GDB_FAILED);
	assert_int_equal(gdb_software_remove(&b, 0x1010), GDB_OK);
	assert_int_equal(memory[0x10], 0x91);
	assert_int_equal(b.state.flags, 0);
	/* What the guest has written over it stays. */
	assert_int_equal(gdb_software_insert(&b, 0x1010, 0x10), GDB_OK);
	memory[0x10] = 0x55;
	assert_true(gdb_memory_read(&b, 0x10, &byte));
	assert_int_equal(byte, 0x55);
	assert_true(gdb_memory_write(&b, 0x10, 0x56));
	assert_int_equal(memory[0x10], 0x56);
	gdb_breakpoints_clear(&b);
	assert_int_equal(memory[0x10], 0x56);
	assert_int_equal(gdb_software_insert(&b, 0x1010, 0x10), GDB_OK);
	gdb_breakpoints_forget(&b);
	assert_int_equal(memory[0x10], 0xcc);
	assert_int_equal(b.count | b.state.flags, 0);
}

static void test_software_limit(void **state)
{
	struct gdb_breakpoints b = {.memory = &memory_ops};
	size_t i;

	(void)state;
	memset(memory, 0, sizeof(memory));
	for (i = 0; i < sizeof(memory); i++)
		assert_int_equal(gdb_software_insert(&b, i, i), GDB_OK);
	b.count = GDB_SOFTWARE_MAX;
	for (; i < GDB_SOFTWARE_MAX; i++)
		b.software[i].gpa = b.software[i].address = i;
	assert_int_equal(gdb_software_insert(&b, 5000, 5000), GDB_FAILED);
	gdb_breakpoints_clear(&b);
	for (i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], 0);
}

static void test_hardware(void **state)
{
	struct gdb_breakpoints b = {.memory = &memory_ops};

	(void)state;
	assert_int_equal(gdb_hardware_insert(&b, GDB_HARDWARE, 0x1001, 1), GDB_OK);
	assert_int_equal(gdb_hardware_insert(&b, GDB_HARDWARE, 0x1001, 1), GDB_OK);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x2000, 8), GDB_OK);
	assert_int_equal(gdb_hardware_insert(&b, GDB_ACCESS, 0x2002, 2), GDB_OK);
	assert_int_equal(gdb_hardware_insert(&b, GDB_READ, 0x2000, 4), GDB_UNSUPPORTED);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x2001, 2), GDB_UNSUPPORTED);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x2000, 3), GDB_UNSUPPORTED);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x2000, 0), GDB_UNSUPPORTED);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x2000, 16), GDB_UNSUPPORTED);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x3000, 4), GDB_OK);
	assert_int_equal(gdb_hardware_insert(&b, GDB_WRITE, 0x4000, 4), GDB_FAILED);
	assert_int_equal(b.state.breakpoint[0].kind, BREAKPOINT_EXECUTE);
	assert_int_equal(b.state.breakpoint[2].length, 2);
	assert_int_equal(b.kinds[2], GDB_ACCESS);
	assert_int_equal(gdb_hardware_remove(&b, GDB_WRITE, 0x2002, 2), GDB_FAILED);
	assert_int_equal(gdb_hardware_remove(&b, GDB_ACCESS, 0x2002, 2), GDB_OK);
	assert_int_equal(b.state.breakpoint[2].kind, BREAKPOINT_NONE);
	gdb_breakpoints_clear(&b);
	assert_int_equal(b.state.breakpoint[0].kind, BREAKPOINT_NONE);
}

/* ---- the server ---- */

static struct paper {
	char sent[8192];
	size_t length;
	uint32_t threads;
	unsigned halts, interrupts, resumes, changes, detaches;
	bool killed, stuck; /* no thread can be resumed */
	char asked[64];	    /* the last breakpoint */
} paper;
static struct gdb_server server;

static void paper_send(void *target, const void *bytes, size_t size)
{
	(void)target;
	memcpy(paper.sent + paper.length, bytes, size);
	paper.length += size;
	paper.sent[paper.length] = '\0';
}

static uint32_t paper_threads(void *target)
{
	(void)target;
	return paper.threads;
}

static struct gdb_state *paper_state(void *target, uint32_t thread)
{
	(void)target;
	return thread == 0 ? &known : NULL;
}

static void paper_changed(void *target, uint32_t thread)
{
	(void)target;
	(void)thread;
	paper.changes++;
}

static size_t paper_read(void *target, uint32_t thread, uint64_t address, void *buffer, size_t size)
{
	size_t done = 0;

	(void)target;
	(void)thread;
	while (done < size && byte_read(NULL, address + done, (uint8_t *)buffer + done))
		done++;
	return done;
}

static size_t paper_write(void *target, uint32_t thread, uint64_t address, const void *data,
			  size_t size)
{
	size_t done = 0;

	(void)target;
	(void)thread;
	while (done < size && byte_write(NULL, address + done, ((const uint8_t *)data)[done]))
		done++;
	return done;
}

static enum gdb_result paper_breakpoint(void *target, uint32_t thread, bool insert,
					enum gdb_kind kind, uint64_t address, uint64_t length)
{
	(void)target;
	snprintf(paper.asked, sizeof(paper.asked), "%u %c%d %llx %llu", thread, insert ? '+' : '-',
		 (int)kind, (unsigned long long)address, (unsigned long long)length);
	return kind == GDB_READ ? GDB_UNSUPPORTED : address ? GDB_OK : GDB_FAILED;
}

static bool paper_resume(void *target)
{
	(void)target;
	paper.resumes++;
	return !paper.stuck;
}

static void paper_interrupt(void *target)
{
	const struct gdb_stop stop = {.signal = GDB_SIGNAL_INT, .thread = 1};

	(void)target;
	paper.interrupts++;
	gdb_server_stopped(&server, &stop);
}

static void paper_halt(void *target)
{
	(void)target;
	paper.halts++;
}

static void paper_words(void *target, uint32_t thread, char *buffer, size_t size)
{
	(void)target;
	snprintf(buffer, size, "VP %u", thread);
}

static void paper_detach(void *target, bool kill)
{
	(void)target;
	paper.detaches++;
	paper.killed = kill;
}

static const struct gdb_target_ops paper_ops = {
	.send = paper_send,
	.threads = paper_threads,
	.state = paper_state,
	.state_changed = paper_changed,
	.read = paper_read,
	.write = paper_write,
	.breakpoint = paper_breakpoint,
	.resume = paper_resume,
	.interrupt = paper_interrupt,
	.halt = paper_halt,
	.words = paper_words,
	.detach = paper_detach,
};

static int server_setup(void **state)
{
	(void)state;
	memset(&paper, 0, sizeof(paper));
	paper.threads = 2;
	known_fill();
	memset(memory, 0x90, sizeof(memory));
	gdb_server_init(&server, &paper_ops, NULL);
	return 0;
}

/* What the server says to a payload, acknowledgment and frame taken off. */
static const char *ask(const char *payload)
{
	uint8_t sum = 0;
	char end[4];

	paper.length = 0;
	paper.sent[0] = '\0';
	gdb_server_input(&server, '$');
	for (const char *c = payload; *c; c++) {
		sum = (uint8_t)(sum + (uint8_t)*c);
		gdb_server_input(&server, (uint8_t)*c);
	}
	snprintf(end, sizeof(end), "#%02x", sum);
	for (const char *c = end; *c; c++)
		gdb_server_input(&server, (uint8_t)*c);
	if (paper.length < 5)
		return paper.sent;
	paper.sent[paper.length - 3] = '\0';
	return strchr(paper.sent, '$') + 1;
}

static void test_server_arrives(void **state)
{
	(void)state;
	assert_non_null(strstr(ask("qSupported:swbreak+;hwbreak+"), "PacketSize=800"));
	assert_int_equal(paper.sent[0], '+');
	assert_int_equal(paper.halts, 1);
	assert_string_equal(ask("?"), "T00thread:1;");
	assert_int_equal(paper.halts, 1);
	assert_string_equal(ask("vMustReplyEmpty"), "");
	assert_string_equal(ask("qCRC:0,1"), "");
	assert_string_equal(ask("qC"), "QC1");
	assert_string_equal(ask("QStartNoAckMode"), "OK");
	gdb_server_input(&server, '+');
	assert_string_equal(ask("qfThreadInfo"), "m1,2");
	assert_int_equal(paper.sent[0], '$'); /* no acknowledgment any more */
	assert_string_equal(ask("qsThreadInfo"), "l");
	assert_string_equal(ask("qThreadExtraInfo,2"), "56502031");
	assert_string_equal(ask("T3"), "E03");
	assert_string_equal(ask("T2"), "OK");
	/* A bad packet is answered no more; a new gdb begins with an acknowledgment. */
	paper.length = 0;
	for (const char *c = "$g#00"; *c; c++)
		gdb_server_input(&server, (uint8_t)*c);
	assert_int_equal(paper.length, 0);
	gdb_server_input(&server, '+');
	for (const char *c = "$g#00"; *c; c++)
		gdb_server_input(&server, (uint8_t)*c);
	assert_int_equal(paper.sent[0], '-');
}

static void test_server_registers(void **state)
{
	const char *all;
	char *copy;

	(void)state;
	all = ask("g");
	assert_int_equal(strlen(all), 2 * (16 * 8 + 8 + 7 * 4 + 80 + 32 + 256 + 4 + 16 + 56));
	copy = malloc(strlen(all) + 2);
	copy[0] = 'G';
	strcpy(copy + 1, all);
	assert_string_equal(ask(copy), "OK");
	copy[100] = '\0';
	assert_string_equal(ask(copy), "E16");
	free(copy);
	assert_int_equal(paper.changes, 1);
	assert_string_equal(ask("P1=8877665544332211"), "OK");
	assert_string_equal(ask("p1"), "8877665544332211");
	assert_int_equal(known.value[3].reg64, 0x1122334455667788);
	assert_string_equal(ask("P12=10000000"), "E03"); /* CS */
	assert_string_equal(ask("P1=88"), "E03");
	assert_string_equal(ask("pffff"), "E03");
	known.has_legacy = false;
	assert_string_equal(ask("p18"), "xxxxxxxxxxxxxxxxxxxx");
	assert_string_equal(ask("Hg2"), "OK");
	assert_string_equal(ask("g"), "E03"); /* of the second nothing is known */
	assert_string_equal(ask("Hg3"), "E03");
	assert_string_equal(ask("Hx1"), "E03");
}

static void test_server_memory(void **state)
{
	(void)state;
	memory[8] = 0xab;
	assert_string_equal(ask("m8,2"), "ab90");
	assert_string_equal(ask("m3e,10"), "9090"); /* as much as there is */
	assert_string_equal(ask("m40,1"), "E0e");
	assert_string_equal(ask("m8"), "E16");
	assert_string_equal(ask("m8,0"), "");
	assert_string_equal(ask("M8,2:0102"), "OK");
	assert_string_equal(ask("X9,3:\x05#"), "-"); /* ends at the '#': the checksum is wrong */
	assert_string_equal(ask("X9,2:\x05}\x03"), "OK");
	assert_memory_equal(memory + 8, "\x01\x05#", 3);
	assert_string_equal(ask("X9,5:ab"), "E16");
	assert_string_equal(ask("M3f,2:0102"), "E0e");
	assert_string_equal(ask("M8,2:01"), "E16");
	assert_string_equal(ask("Mffffffffffffffff,ffffffffffffffff:01"), "E16");
	assert_string_equal(ask("Z1,1234,1"), "OK");
	assert_string_equal(paper.asked, "0 +1 1234 1");
	assert_string_equal(ask("z2,8,4"), "OK");
	assert_string_equal(paper.asked, "0 -2 8 4");
	assert_string_equal(ask("Z3,8,4"), "");
	assert_string_equal(ask("Z0,0,1"), "E0e");
	assert_string_equal(ask("Z9,8,4"), "");
	assert_string_equal(ask("Z1,8"), "E16");
}

static void test_server_runs(void **state)
{
	struct gdb_stop stop = {.thread = 1, .signal = GDB_SIGNAL_TRAP};

	(void)state;
	(void)ask("qSupported:swbreak+;hwbreak+");
	assert_string_equal(ask("vCont?"), "vCont;c;C;s;S;t");
	assert_string_equal(ask("vCont;s:2;c"), "+"); /* the answer is the stop */
	assert_int_equal(paper.resumes, 1);
	assert_int_equal(gdb_server_action(&server, 0), GDB_CONTINUE);
	assert_int_equal(gdb_server_action(&server, 1), GDB_STEP);
	paper.length = 0;
	gdb_server_stopped(&server, &stop);
	assert_string_equal(paper.sent, "$T05thread:2;#d8");
	stop.at_breakpoint = true;
	stop.kind = GDB_ACCESS;
	stop.address = 0x1238;
	(void)ask("vCont;C05:1");
	assert_int_equal(gdb_server_action(&server, 1), GDB_STAY);
	gdb_server_stopped(&server, &stop);
	assert_non_null(strstr(paper.sent, "T05thread:2;awatch:1238;"));
	stop.kind = GDB_SOFTWARE;
	(void)ask("c");
	gdb_server_stopped(&server, &stop);
	assert_non_null(strstr(paper.sent, "swbreak:;"));
	(void)ask("s1000");
	assert_int_equal(paper.resumes, 3); /* of the second no register is known */
	(void)ask("Hc1");
	(void)ask("s1000");
	assert_int_equal(known.value[GDB_VALUE_RIP].reg64, 0x1000);
	assert_int_equal(gdb_server_action(&server, 0), GDB_STEP);
	assert_int_equal(gdb_server_action(&server, 1), GDB_STAY);
	gdb_server_input(&server, 3);
	assert_int_equal(paper.interrupts, 1);
	gdb_server_input(&server, 3); /* nothing runs */
	assert_int_equal(paper.interrupts, 1);
	assert_string_equal(ask("vCont;x"), "E16");
	assert_string_equal(ask("vCont"), "E16");
	assert_string_equal(ask("vCont;c:9"), "E16");
	assert_string_equal(ask("vCont;Cx"), "E16");
}

/* No thread does what is asked for: no stop would ever come. */
static void test_server_resumes_nothing(void **state)
{
	static const char *const packets[] = {"c", "s", "vCont;c", "vCont;s:2"};

	(void)state;
	(void)ask("?");
	paper.stuck = true;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		assert_string_equal(ask(packets[i]), "E03");
		assert_int_equal(paper.resumes, i + 1);
		assert_string_equal(ask("qC"), "QC1");
	}
	assert_int_equal(paper.halts, 1); /* nobody thinks that they run */
	paper.stuck = false;
	assert_string_equal(ask("c"), "+");
}

/* What gdb has not got is said again; while threads run there is nothing to say. */
static void test_server_repeats(void **state)
{
	(void)state;
	gdb_server_input(&server, '-');
	assert_int_equal(paper.length, 0);
	(void)ask("qC");
	paper.length = 0;
	gdb_server_input(&server, '-');
	assert_string_equal(paper.sent, "$QC1#c5");
	(void)ask("c");
	paper.length = 0;
	gdb_server_input(&server, '-');
	assert_int_equal(paper.length, 0);
}

/* A gdb that is gone, and another that comes while threads run. */
static void test_server_changes_hands(void **state)
{
	(void)state;
	(void)ask("?");
	(void)ask("c");
	assert_int_equal(paper.halts, 1);
	assert_string_equal(ask("?"), "T00thread:1;");
	assert_int_equal(paper.halts, 2);
	assert_string_equal(ask("D"), "OK");
	assert_int_equal(paper.detaches, 1);
	assert_false(paper.killed);
	(void)ask("?");
	assert_int_equal(paper.halts, 3);
	assert_string_equal(ask("vKill;1"), "OK");
	assert_true(paper.killed);
	(void)ask("?");
	assert_string_equal(ask("k"), "+");
	paper.threads = 0;
	assert_string_equal(ask("?"), "W00");
	(void)ask("c");
	paper.length = 0;
	gdb_server_exited(&server);
	assert_string_equal(paper.sent, "$W00#b7");
}

/* All of the description, as gdb reads it. */
static void test_server_description(void **state)
{
	size_t at = 0;
	char request[64];
	const char *answer;

	(void)state;
	do {
		snprintf(request, sizeof(request), "qXfer:features:read:target.xml:%zx,3f0", at);
		answer = ask(request);
		assert_true(*answer == 'm' || *answer == 'l');
		for (const char *c = answer + 1; *c; c++)
			at += *c != '}'; /* two bytes for one */
	} while (*answer == 'm');
	assert_int_equal(at, gdb_description_read(0, (char[16384]){0}, 16384));
	assert_string_equal(ask("qXfer:features:read:other.xml:0,10"), "");
	assert_string_equal(ask("qXfer:features:read:target.xml:0"), "E16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_in),
		cmocka_unit_test(test_packet_bad),
		cmocka_unit_test(test_packet_length),
		cmocka_unit_test(test_packet_out),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_pc),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_software_limit),
		cmocka_unit_test(test_hardware),
		cmocka_unit_test_setup(test_server_arrives, server_setup),
		cmocka_unit_test_setup(test_server_registers, server_setup),
		cmocka_unit_test_setup(test_server_memory, server_setup),
		cmocka_unit_test_setup(test_server_runs, server_setup),
		cmocka_unit_test_setup(test_server_resumes_nothing, server_setup),
		cmocka_unit_test_setup(test_server_repeats, server_setup),
		cmocka_unit_test_setup(test_server_changes_hands, server_setup),
		cmocka_unit_test_setup(test_server_description, server_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What kernels written for QEMU look for: fw_cfg, pc-testdev, debug-exit, debug console, hyperv-testdev. */
#include "device_fake.h"

#include <devices/fw_cfg.h>
#include <devices/hyperv_test.h>
#include <devices/qemu_test.h>

struct machine {
	struct fake fake;
	struct fw_cfg fw;
	struct testdev testdev;
	struct debug_exit exit;
	struct debug_console console;
	struct hyperv_test hyperv;
};

/* ---- the other side of hyperv-testdev ---- */

static struct {
	uint32_t opened[HYPERV_TEST_CONNECTIONS]; /* connection + 1 */
	bool event[HYPERV_TEST_CONNECTIONS];
	struct hv_message waits[4];
	uint32_t waiting;
	uint32_t room, posted, posted_vp, posted_sint;
	struct hv_message last;
	uint32_t flags, flag_vp, flag_sint, flag, raises;
} synic;

static status_t synic_open(struct hyperv_test *test, uint32_t n, uint32_t connection, bool event)
{
	(void)test;
	if (connection == 4) /* taken */
		return STATUS_ALREADY_EXISTS;
	assert_int_equal(synic.opened[n], 0);
	synic.opened[n] = connection + 1;
	synic.event[n] = event;
	return STATUS_OK;
}

static void synic_close(struct hyperv_test *test, uint32_t n)
{
	(void)test;
	assert_int_not_equal(synic.opened[n], 0);
	synic.opened[n] = 0;
}

static status_t synic_receive(struct hyperv_test *test, uint32_t n, struct hv_message *message)
{
	(void)test;
	assert_false(synic.event[n]);
	if (n != 0 || synic.waiting == 0)
		return STATUS_NOT_FOUND;
	*message = synic.waits[--synic.waiting];
	return STATUS_OK;
}

static status_t synic_post(struct hyperv_test *test, uint32_t vp, uint32_t sint,
			   const struct hv_message *message)
{
	(void)test;
	if (synic.room == 0)
		return STATUS_BUSY;
	synic.room--;
	synic.posted++;
	synic.posted_vp = vp;
	synic.posted_sint = sint;
	synic.last = *message;
	return STATUS_OK;
}

static void synic_flag(struct hyperv_test *test, uint32_t vp, uint32_t sint, uint32_t flag,
		       bool raise)
{
	(void)test;
	synic.flags += !raise;
	synic.raises += raise;
	synic.flag_vp = vp;
	synic.flag_sint = sint;
	synic.flag = flag;
}

static const struct hyperv_test_host synic_host = {
	.open = synic_open,
	.close = synic_close,
	.receive = synic_receive,
	.post = synic_post,
	.flag = synic_flag,
};

static int setup(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	const struct fw_cfg_config config = {.ram_size = 0x123456789000, .vp_count = 3};

	fake_init(&m->fake);
	assert_int_equal(fw_cfg_init(&m->fw, &m->fake.env, &m->fake.bus, &config), STATUS_OK);
	assert_int_equal(testdev_init(&m->testdev, &m->fake.env, &m->fake.bus), STATUS_OK);
	assert_int_equal(debug_exit_init(&m->exit, &m->fake.env, &m->fake.bus), STATUS_OK);
	assert_int_equal(debug_console_init(&m->console, &m->fake.env, &m->fake.bus, 1), STATUS_OK);
	memset(&synic, 0, sizeof(synic));
	assert_int_equal(hyperv_test_init(&m->hyperv, &m->fake.env, &m->fake.bus, &synic_host),
			 STATUS_OK);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	hyperv_test_destroy(&m->hyperv);
	for (unsigned int n = 0; n < HYPERV_TEST_CONNECTIONS; n++)
		assert_int_equal(synic.opened[n], 0);
	fw_cfg_destroy(&m->fw);
	testdev_destroy(&m->testdev);
	fake_destroy(&m->fake);
	test_free(m);
	return 0;
}

static uint64_t item_number(struct machine *m, uint16_t key, unsigned int size)
{
	uint64_t value = 0;

	out16(&m->fake, 0x510, key);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)in8(&m->fake, 0x511) << 8 * i;
	return value;
}

static void fw_cfg_standard_items(void **state)
{
	struct machine *m = *state;

	for (const char *c = "QEMU"; *c; c++) /* selected from the start */
		assert_int_equal(in8(&m->fake, 0x511), *c);
	assert_int_equal(in8(&m->fake, 0x511), 0);
	assert_int_equal(item_number(m, 0x00, 4), 0x554d4551);
	assert_int_equal(item_number(m, 0x01, 4), 3);
	assert_true(item_number(m, 0x03, 8) == 0x123456789000);
	assert_int_equal(item_number(m, 0x05, 4), 3); /* zeros follow */
	assert_int_equal(item_number(m, 0x0f, 2), 3);
	assert_int_equal(item_number(m, 0x19, 4), 0);
	assert_int_equal(item_number(m, 0x77, 8), 0);
	assert_int_equal(item_number(m, 0xffff, 8), 0);
	assert_int_equal(item_number(m, 0x4005, 2), 3); /* write channel: the same item */
	/* Writing data does nothing, nor does a selector of another size. */
	out8(&m->fake, 0x511, 0x55);
	out8(&m->fake, 0x510, 0x00);
	assert_int_equal(item_number(m, 0x05, 2), 3);
}

static void fw_cfg_files(void **state)
{
	struct machine *m = *state;
	static const uint8_t entry[] = {0, 0, 0, 2, 0, 0, 0, 6, 0, 0x21, 0, 0, 'b', '/', 'c', 0};
	char long_name[FW_CFG_NAME_SIZE + 1];

	assert_int_equal(fw_cfg_add_file(&m->fw, "a", "hello", 5), STATUS_OK);
	assert_int_equal(fw_cfg_add_file(&m->fw, "b/c", "world!", 6), STATUS_OK);
	assert_int_equal(fw_cfg_add_file(&m->fw, "a", "x", 1), STATUS_ALREADY_EXISTS);
	assert_int_equal(fw_cfg_add_file(&m->fw, "", "x", 1), STATUS_INVALID_ARGUMENT);
	memset(long_name, 'n', sizeof(long_name));
	long_name[FW_CFG_NAME_SIZE] = 0;
	assert_int_equal(fw_cfg_add_file(&m->fw, long_name, "x", 1), STATUS_TOO_LARGE);
	long_name[FW_CFG_NAME_SIZE - 1] = 0;
	assert_int_equal(fw_cfg_add_file(&m->fw, long_name, "x", 1), STATUS_OK);
	assert_int_equal(fw_cfg_add_item(&m->fw, 0x21, "x", 1), STATUS_ALREADY_EXISTS);
	out16(&m->fake, 0x510, 0x19);
	for (unsigned int i = 0; i < 4 + 64; i++) {
		uint8_t byte = in8(&m->fake, 0x511);

		if (i == 3)
			assert_int_equal(byte, 3);
	}
	for (unsigned int i = 4; i < sizeof(entry); i++)
		assert_int_equal(in8(&m->fake, 0x511), entry[i]);
	assert_int_equal(item_number(m, 0x21, 6), 0x21646c726f77ull);
}

/* Run a DMA command whose block lies at 0x100, and answer what its control becomes. */
static uint32_t dma(struct machine *m, uint32_t control, uint32_t length, uint64_t address)
{
	uint32_t block[4] = {__builtin_bswap32(control), __builtin_bswap32(length),
			     __builtin_bswap32((uint32_t)(address >> 32)),
			     __builtin_bswap32((uint32_t)address)};

	memcpy(m->fake.memory + 0x100, block, sizeof(block));
	out32(&m->fake, 0x514, 0);
	out32(&m->fake, 0x518, __builtin_bswap32(0x100));
	memcpy(block, m->fake.memory + 0x100, 4);
	return __builtin_bswap32(block[0]);
}

static void fw_cfg_dma(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in32(&m->fake, 0x514), 0x554d4551); /* "QEMU CFG" */
	assert_int_equal(in32(&m->fake, 0x518), 0x47464320);
	fw_cfg_add_file(&m->fw, "file", "0123456789", 10);
	memset(m->fake.memory + 0x200, 0xee, 32);
	assert_int_equal(dma(m, 0x20 << 16 | 0x08 | 0x02, 4, 0x200), 0);
	assert_memory_equal(m->fake.memory + 0x200, "0123\xee", 5);
	assert_int_equal(dma(m, 0x04, 3, 0), 0);
	assert_int_equal(dma(m, 0x02, 5, 0x200), 0); /* with zeros past the end */
	assert_memory_equal(m->fake.memory + 0x200, "789\0\0\xee", 6);
	assert_int_equal(dma(m, 0x04, UINT32_MAX, 0), 0);
	assert_int_equal(in8(&m->fake, 0x511), 0);
	assert_int_equal(dma(m, 0x00, 5, 0x200), 0);
	assert_int_equal(dma(m, 0x7777u << 16 | 0x08 | 0x02, 2, 0x200), 0);
	assert_memory_equal(m->fake.memory + 0x200,
			    "\0\0"
			    "9",
			    3);
}

static void fw_cfg_dma_errors(void **state)
{
	struct machine *m = *state;
	uint8_t before[FAKE_MEMORY_SIZE];

	assert_int_equal(dma(m, 0x00 << 16 | 0x08 | 0x10, 4, 0x200), 0x01); /* write */
	assert_int_equal(dma(m, 0x08 | 0x02, 4, FAKE_MEMORY_SIZE - 2), 0x01);
	assert_int_equal(dma(m, 0x08 | 0x02, 4, UINT64_MAX - 1), 0x01);
	assert_int_equal(dma(m, 0x08 | 0x02, UINT32_MAX, 0x200), 0x01);
	/* A block that is not in memory: nothing happens, not even an answer. */
	memcpy(before, m->fake.memory, sizeof(before));
	out32(&m->fake, 0x514, __builtin_bswap32(0xffffffff));
	out32(&m->fake, 0x518, __builtin_bswap32(0xfffffff0));
	out32(&m->fake, 0x514, 0);
	out8(&m->fake, 0x518, 0x55);
	assert_memory_equal(before, m->fake.memory, sizeof(before));
}

static void testdev_latch(void **state)
{
	struct machine *m = *state;

	out32(&m->fake, 0xe0, 0x12345678);
	assert_int_equal(in8(&m->fake, 0xe1), 0x56);
	out16(&m->fake, 0xe2, 0xabcd);
	assert_int_equal(in32(&m->fake, 0xe0), 0xabcd5678);
	out32(&m->fake, 0xe8, 0x01020304);
	assert_int_equal(in16(&m->fake, 0xe1), 0x0203);
	assert_int_equal(in32(&m->fake, 0xe8), 0x01020304);
	out32(&m->fake, 0xe4, 0x1000);
}

static void testdev_memory(void **state)
{
	struct machine *m = *state;

	device_mmio_write(&m->fake.bus, 0xff000008, 8, 0x1122334455667788ull);
	assert_int_equal(mmio_in32(&m->fake, 0xff00000c), 0x11223344);
	assert_int_equal(device_mmio_read(&m->fake.bus, 0xff00000b, 2), 0x4455);
	assert_true(device_mmio_read(&m->fake.bus, 0xff00fffc, 8) == 0xffffffff00000000ull);
	device_mmio_write(&m->fake.bus, 0xff00fffe, 8, UINT64_MAX);
	assert_int_equal(mmio_in32(&m->fake, 0xff00fffc), 0xffff0000);
	device_bus_reset(&m->fake.bus);
	assert_int_equal(mmio_in32(&m->fake, 0xff00fffc), 0);
}

static void testdev_lines(void **state)
{
	struct machine *m = *state;

	out8(&m->fake, 0x2000 + 14, 1);
	assert_true(m->fake.line[14]);
	out32(&m->fake, 0x2000 + 14, 0x00010000); /* bytes: lines 14 to 17 */
	assert_false(m->fake.line[14]);
	assert_true(m->fake.line[16]);
	out8(&m->fake, 0x2000 + 24, 1);
	assert_false(m->fake.line[24]);
}

static void debug_exit_ends_the_partition(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in8(&m->fake, 0xf4), 0);
	out8(&m->fake, 0xf4, 0x21);
	assert_int_equal(m->fake.power, DEVICE_POWER_EXIT);
	assert_int_equal(m->fake.power_code, 0x21);
	out32(&m->fake, 0xf4, 0x12345678);
	assert_int_equal(m->fake.power_code, 0x12345678);
	assert_int_equal(m->fake.power_count, 2);
}

static void debug_console_prints_lines(void **state)
{
	struct machine *m = *state;

	assert_int_equal(in8(&m->fake, 0x402), 0xe9);
	for (const char *c = "hi\n"; *c; c++)
		out8(&m->fake, 0x402, (uint8_t)*c);
	assert_int_equal(m->fake.console_calls, 1);
	assert_int_equal(m->fake.console_count, 3);
	for (unsigned int i = 0; i < 1000; i++)
		out8(&m->fake, 0x402, 'x');
	debug_console_flush(&m->console);
	assert_int_equal(m->fake.console_count, 1003);
}

/* ---- hyperv-testdev ---- */

static void hyperv_test(struct machine *m, uint32_t connection, uint32_t control, uint32_t vp,
			uint32_t sint)
{
	out32(&m->fake, 0x3000, connection << 24 | control << 16 | vp << 8 | sint);
}

static void hyperv_test_routes(void **state)
{
	struct machine *m = *state;

	hyperv_test(m, 0, 3, 7, 9); /* no route yet */
	assert_int_equal(synic.raises, 0);
	hyperv_test(m, 0, 1, 7, 9);
	hyperv_test(m, 0, 3, 7, 9);
	assert_int_equal(synic.raises, 1);
	assert_int_equal(synic.flag_vp, 7);
	assert_int_equal(synic.flag_sint, 9);
	hyperv_test(m, 0, 3, 7, 8);
	hyperv_test(m, 0, 3, 6, 9);
	assert_int_equal(synic.raises, 1);
	hyperv_test(m, 0, 1, 7, 16); /* no SINT */
	hyperv_test(m, 0, 3, 7, 16);
	hyperv_test(m, 0, 3, 7, 255);
	out8(&m->fake, 0x3000, 9); /* not 32 bits */
	out16(&m->fake, 0x3002, 3);
	assert_int_equal(synic.raises, 1);
	hyperv_test(m, 0, 2, 7, 9);
	hyperv_test(m, 0, 3, 7, 9);
	assert_int_equal(synic.raises, 1);
	hyperv_test(m, 0, 1, 255, 15);
	hyperv_test(m, 0, 3, 255, 15);
	assert_int_equal(synic.raises, 2);
	device_bus_reset(&m->fake.bus);
	hyperv_test(m, 0, 3, 255, 15);
	hyperv_test(m, 0, 0, 0, 0);
	hyperv_test(m, 0, 8, 0, 0);
	hyperv_test(m, 0, 255, 0, 0);
	assert_int_equal(synic.raises, 2);
}

static void hyperv_test_events(void **state)
{
	struct machine *m = *state;

	hyperv_test(m, 0x20, 6, 1, 9);
	assert_int_equal(synic.opened[0], 0x21);
	assert_true(synic.event[0]);
	hyperv_test_serve(&m->hyperv, 0xfffe);
	assert_int_equal(synic.flags, 0);
	hyperv_test_serve(&m->hyperv, 1);
	assert_int_equal(synic.flags, 1);
	assert_int_equal(synic.flag_vp, 1);
	assert_int_equal(synic.flag_sint, 9);
	assert_int_equal(synic.flag, 0x20);
	hyperv_test(m, 0x20, 5, 0, 0); /* that ends a message connection */
	hyperv_test(m, 0x21, 7, 0, 0);
	assert_int_equal(synic.opened[0], 0x21);
	hyperv_test(m, 0x20, 7, 0, 0);
	assert_int_equal(synic.opened[0], 0);
	hyperv_test_serve(&m->hyperv, UINT64_MAX);
	assert_int_equal(synic.flags, 1);
	hyperv_test(m, 4, 6, 0, 0); /* taken */
	hyperv_test_serve(&m->hyperv, UINT64_MAX);
	assert_int_equal(synic.flags, 1);
	for (uint32_t n = 0; n < 100; n++)
		hyperv_test(m, 0x40 + n, 6, 0, 0);
	assert_int_equal(synic.opened[HYPERV_TEST_CONNECTIONS - 1], 0x40 + HYPERV_TEST_CONNECTIONS);
}

static void hyperv_test_messages(void **state)
{
	struct machine *m = *state;

	hyperv_test(m, 0x10, 4, 2, 8);
	assert_int_equal(synic.opened[0], 0x11);
	assert_false(synic.event[0]);
	synic.room = 1;
	synic.waits[1] = (struct hv_message){.type = 0x12345678, .payload_size = 8, .payload = {1}};
	synic.waits[0] = (struct hv_message){.type = 0x12345678, .payload_size = 8, .payload = {2}};
	synic.waiting = 2;
	hyperv_test_serve(&m->hyperv, 1);
	assert_int_equal(synic.posted, 1);
	assert_int_equal(synic.posted_vp, 2);
	assert_int_equal(synic.posted_sint, 8);
	assert_int_equal(synic.last.payload[0], 1);
	/* The second waits until there is room. */
	assert_int_equal(synic.waiting, 0);
	assert_non_null(m->fake.env.timers);
	fake_run_for(&m->fake, 1000000);
	assert_int_equal(synic.posted, 1);
	synic.room = 1;
	fake_run_for(&m->fake, 1000000);
	assert_int_equal(synic.posted, 2);
	assert_int_equal(synic.last.payload[0], 2);
	assert_int_equal(synic.last.type, 0x12345678);
	assert_null(m->fake.env.timers);
	/* One that waits goes with its connection. */
	synic.waiting = 1;
	hyperv_test_serve(&m->hyperv, 1);
	assert_non_null(m->fake.env.timers);
	hyperv_test(m, 0x10, 5, 0, 0);
	assert_null(m->fake.env.timers);
	assert_int_equal(synic.opened[0], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fw_cfg_standard_items),
		TEST(fw_cfg_files),
		TEST(fw_cfg_dma),
		TEST(fw_cfg_dma_errors),
		TEST(testdev_latch),
		TEST(testdev_memory),
		TEST(testdev_lines),
		TEST(debug_exit_ends_the_partition),
		TEST(debug_console_prints_lines),
		TEST(hyperv_test_routes),
		TEST(hyperv_test_events),
		TEST(hyperv_test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

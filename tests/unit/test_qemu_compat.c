/* SPDX-License-Identifier: MIT */
/* What kernels written for QEMU look for: fw_cfg, pc-testdev, debug-exit, debug console. */
#include "device_fake.h"

#include <devices/fw_cfg.h>
#include <devices/qemu_test.h>

struct machine {
	struct fake fake;
	struct fw_cfg fw;
	struct testdev testdev;
	struct debug_exit exit;
	struct debug_console console;
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
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

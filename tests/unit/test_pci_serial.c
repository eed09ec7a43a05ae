/* SPDX-License-Identifier: MIT */
/* The search for a UART on PCI, over a configuration space of paper: three buses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arch/paging.h>
#include <arch/pci_serial.h>

#define ECAM	   0x4010000000ull
#define FIRST_BUS  4u
#define BUSES	   3u
#define BUS_SIZE   0x100000u
#define FUNCTION   0x1000u
#define SERIAL	   0x07000203u
#define BRIDGE	   0x06040000u
#define NETWORK	   0x02000000u
#define IO_WINDOW  0x3eff0000u
#define IO_SIZE	   0x10000u
#define MEM_WINDOW 0x10000000u

static uint8_t space[BUSES * BUS_SIZE];
static struct machine_pci pci;
static struct machine_uart uart;
static unsigned int mapped;

volatile void *device_map(hpa_t base, uint64_t size)
{
	if (base < ECAM || !range_within(base - ECAM, size, sizeof(space)))
		return NULL;
	mapped++;
	return space + (base - ECAM);
}

static void put(uint32_t at, uint32_t value)
{
	memcpy(space + at, &value, sizeof(value));
}

static uint32_t get(uint32_t at)
{
	uint32_t value;

	memcpy(&value, space + at, sizeof(value));
	return value;
}

static uint32_t place(uint32_t bus, uint32_t device, uint32_t function)
{
	return bus * BUS_SIZE + (device * 8 + function) * FUNCTION;
}

static uint32_t function_put(uint32_t at, uint32_t class, uint32_t header)
{
	put(at, 0x00021b36);
	put(at + 4, 0xfa000000);
	put(at + 8, class);
	put(at + 12, header << 16);
	put(at + 16, 0);
	return at;
}

static int setup(void **state)
{
	(void)state;
	memset(space, 0xff, sizeof(space));
	mapped = 0;
	pci = (struct machine_pci){
		.config = {ECAM, sizeof(space)},
		.first_bus = FIRST_BUS,
		.window_count = 2,
		.windows = {{.is_io = true, .base = IO_WINDOW, .size = IO_SIZE},
			    {.from = MEM_WINDOW, .base = MEM_WINDOW + BIT(32), .size = 0x1000000}},
	};
	return 0;
}

static void test_nothing(void **state)
{
	(void)state;
	assert_false(pci_serial_find(&pci, &uart));
	assert_int_equal(mapped, 1); /* no bridge leads farther */
	(void)function_put(place(0, 3, 0), NETWORK, 0);
	assert_false(pci_serial_find(&pci, &uart));
	pci.config.size = 0;
	assert_false(pci_serial_find(&pci, &uart));
	assert_int_equal(mapped, 2);
}

/* No firmware has given it a place. */
static void test_gets_a_place(void **state)
{
	uint32_t at = function_put(place(0, 1, 0), SERIAL, 0);

	(void)state;
	put(at + 16, 1);
	assert_true(pci_serial_find(&pci, &uart));
	assert_int_equal(uart.kind, UART_16550);
	assert_int_equal(uart.registers.base, IO_WINDOW + IO_SIZE - 256);
	assert_int_equal(uart.divisor, 1);
	assert_int_equal(uart.width, 1);
	assert_int_equal(uart.interrupt, 0);
	assert_int_equal(get(at + 16), IO_SIZE - 256);
	assert_int_equal(get(at + 4), 0x403); /* no bit of the status is cleared */
}

static void test_has_a_place(void **state)
{
	uint32_t at = function_put(place(0, 31, 0), SERIAL, 0);

	(void)state;
	put(at + 16, 0x1001);
	assert_true(pci_serial_find(&pci, &uart));
	assert_int_equal(uart.registers.base, IO_WINDOW + 0x1000);
	put(at + 16, MEM_WINDOW + 0x2000);
	assert_true(pci_serial_find(&pci, &uart));
	assert_int_equal(uart.registers.base, BIT(32) + MEM_WINDOW + 0x2000);
	put(at + 16, 0x0000000c); /* 64 bits, out of each window */
	put(at + 20, 0x80);
	assert_false(pci_serial_find(&pci, &uart));
	put(at + 16, IO_SIZE | 1);
	assert_false(pci_serial_find(&pci, &uart));
	put(at + 16, 0); /* of memory, and not given out */
	assert_false(pci_serial_find(&pci, &uart));
	pci.window_count = 0;
	put(at + 16, 1);
	assert_false(pci_serial_find(&pci, &uart));
}

/* Only where function 0 says that there are more. */
static void test_functions(void **state)
{
	uint32_t at;

	(void)state;
	(void)function_put(place(0, 2, 0), NETWORK, 0);
	at = function_put(place(0, 2, 5), SERIAL, 0);
	put(at + 16, 0x1001);
	assert_false(pci_serial_find(&pci, &uart));
	put(place(0, 2, 0) + 12, 0x800000);
	assert_true(pci_serial_find(&pci, &uart));
	put(at + 8, 0x07000100); /* a 16450 has no FIFOs, and no other interface is one */
	assert_false(pci_serial_find(&pci, &uart));
	put(at + 8, 0x07010200);
	assert_false(pci_serial_find(&pci, &uart));
}

static void test_behind_bridges(void **state)
{
	uint32_t bridge = function_put(place(0, 1, 0), BRIDGE, 1), at;

	(void)state;
	put(bridge + 0x18, (FIRST_BUS + 2) << 16 | (FIRST_BUS + 1) << 8 | FIRST_BUS);
	at = function_put(place(2, 0, 0), SERIAL, 0);
	put(at + 16, 0x1001);
	assert_true(pci_serial_find(&pci, &uart));
	assert_int_equal(mapped, 3);
	assert_int_equal(uart.registers.base, IO_WINDOW + 0x1000);
	put(at + 16, 1); /* what the firmware says, which has given the bridge its window */
	assert_true(pci_serial_find(&pci, &uart));
	assert_int_equal(uart.registers.base, IO_WINDOW);
	assert_int_equal(get(at + 16), 1);
	/* More buses than there is space for. */
	put(at + 8, NETWORK);
	put(bridge + 0x18, 0xff0000);
	assert_false(pci_serial_find(&pci, &uart));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_gets_a_place, setup),
		cmocka_unit_test_setup(test_has_a_place, setup),
		cmocka_unit_test_setup(test_functions, setup),
		cmocka_unit_test_setup(test_behind_bridges, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

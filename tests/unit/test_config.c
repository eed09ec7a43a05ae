/* SPDX-License-Identifier: MIT */
/*
 * trivet.conf: what a whole file comes to, and for each mistake the line and the words of its
 * message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <config.h>

static status_t parse(const char *text, struct config *config, struct config_error *error)
{
	/* A copy of exactly that size, so that reads behind it are seen. */
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	status_t status;

	memcpy(copy, text, length);
	status = config_parse(copy, length, "trivet.conf", config, error);
	free(copy);
	return status;
}

static void test_whole_file(void **state)
{
	static const char text[] = "# Two guests.\r\n"
				   "[system]\r\n"
				   "on_exit = monitor\r\n"
				   "gdb = test\r\n"
				   "\r\n"
				   "; the first\n"
				   "  [ partition  web-1 ]  \n"
				   "vps=4\n"
				   "\tmemory =  1G\n"
				   "kernel = guests/vmlinuz\n"
				   "initrd = \"guests/initrd 2.img\"\n"
				   "cmdline = console=ttyS0 root=/dev/vda # quiet\n"
				   "hyperv = on\n"
				   "vtl = 1\n"
				   "tsc_invariant = on\n"
				   "isolation = vbs\n"
				   "cpus = 0-2, 5\n"
				   "priority = 31\n"
				   "[partition test]\n"
				   "kernel = k.elf\n"
				   "modules = env.txt, data.bin  a b=c ,x\n"
				   "devices = qemu-compat, hpet\n"
				   "cmdline = \"  spaces  \"\n"
				   "autostart = off";
	struct config config;
	struct config_error error;
	const struct config_partition *p;

	(void)state;
	if (parse(text, &config, &error) != STATUS_OK)
		fail_msg("%s", error.message);
	assert_int_equal(config.on_exit, CONFIG_ON_EXIT_MONITOR);
	assert_string_equal(config.gdb, "test");
	assert_int_equal(config.partition_count, 2);
	p = &config.partitions[0];
	assert_string_equal(p->name, "web-1");
	assert_int_equal(p->line, 7);
	assert_int_equal(p->vps, 4);
	assert_int_equal(p->memory, GIB(1));
	assert_string_equal(p->kernel, "guests/vmlinuz");
	assert_string_equal(p->initrd, "guests/initrd 2.img");
	assert_string_equal(p->cmdline, "console=ttyS0 root=/dev/vda # quiet");
	assert_true(p->hyperv == CONFIG_HYPERV_ON && p->autostart);
	assert_int_equal(p->vtl, 1);
	assert_true(p->tsc_invariant);
	assert_int_equal(p->isolation, CONFIG_ISOLATION_VBS);
	assert_int_equal(p->cpu_count, 4);
	assert_int_equal(p->cpus[3], 5);
	assert_int_equal(p->priority, 31);
	assert_int_equal(p->devices, 0);
	p = config_find(&config, "test");
	assert_ptr_equal(p, &config.partitions[1]);
	assert_int_equal(p->vps, 1);
	assert_int_equal(p->threads, 1);
	assert_int_equal(p->cores, 0);
	assert_int_equal(p->apic, CONFIG_APIC_X2APIC);
	assert_int_equal(p->triple_fault, CONFIG_TRIPLE_FAULT_CRASH);
	assert_int_equal(p->memory, CONFIG_MEMORY_DEFAULT);
	assert_null(p->initrd);
	assert_string_equal(p->cmdline, "  spaces  ");
	assert_int_equal(p->module_count, 3);
	assert_string_equal(p->modules[0].file, "env.txt");
	assert_string_equal(p->modules[0].arguments, "");
	assert_string_equal(p->modules[1].arguments, "a b=c");
	assert_string_equal(p->modules[2].file, "x");
	assert_int_equal(p->devices, CONFIG_DEVICES_QEMU_COMPAT | CONFIG_DEVICES_HPET);
	assert_false(p->autostart);
	assert_int_equal(p->priority, CONFIG_PRIORITY_DEFAULT);
	assert_null(config_find(&config, "web"));
	config_free(&config);
	assert_int_equal(config.partition_count, 0);
}

#define P "[partition a]\nkernel = k\n"

static const struct {
	const char *text;
	unsigned int line;
	const char *words; /* somewhere in the message */
} mistakes[] = {
	{"", 0, "no partition"},
	{"\n\n", 0, "no partition"},
	{"[system]\n", 0, "no partition"},
	{"vps = 1\n", 1, "before the first section"},
	{"[sytem]\n", 1, "did you mean 'system'?"},
	{"[partitoin a]\n", 1, "did you mean 'partition'?"},
	{"[networks]\n", 1, "unknown section [networks]"},
	{"[system\n", 1, "expected ']'"},
	{"[", 1, "expected ']'"},
	{"[system extra]\n", 1, "unknown section [system extra]"},
	{"[system]\n[system]\n", 2, "already given in line 1"},
	{"[partition]\n", 1, "partition name ''"},
	{"[partition a b]\n", 1, "partition name 'a b'"},
	{"[partition a123456789012345678901234567890123]\n", 1, "1 to 32 letters"},
	{P P, 3, "already exists, since line 1"},
	{"[partition a]\nvps = 1\n", 1, "has no kernel"},
	{"[partition a]\n[partition b]\nkernel = k\n", 1, "'a' has no kernel"},
	{P "memroy = 1G\n", 3, "unknown key 'memroy' in [partition]; did you mean 'memory'?"},
	{P "colour = red\n", 3, "unknown key 'colour' in [partition]"},
	{P "on_exit = monitor\n", 3, "belongs in a [system] section"},
	{"[system]\nvps = 1\n", 2, "belongs in a [partition] section"},
	{P "vps\n", 3, "found 'vps', expected [section], key = value or # comment"},
	{P "= 1\n", 3, "unknown key ''"},
	{P "vps = 1\nvps = 2\n", 4, "already given in line 3"},
	{P "vps = 0\n", 3, "vps: found '0', expected a whole number from 1 to 65536"},
	{P "vps = 65537\n", 3, "from 1 to 65536"},
	{P "vps = 18446744073709551617\n", 3, "from 1 to 65536"},
	{P "vps = -1\n", 3, "found '-1'"},
	{P "vps = 2 # two\n", 3, "found '2 # two'"},
	{P "vps =\n", 3, "found ''"},
	{P "vps = 0x\n", 3, "found '0x'"},
	{P "memory = 256\n", 3, "with a unit"},
	{P "memory = 256MB\n", 3, "with a unit"},
	{P "memory = G\n", 3, "with a unit"},
	{P "memory = 1.5G\n", 3, "with a unit"},
	{P "memory = 1023K\n", 3, "a size from 1M to 16384G"},
	{P "memory = 99999999999999T\n", 3, "a size from 1M to 16384G"},
	{P "memory = 18446744073709551615T\n", 3, "a size from"},
	{P "memory = 1025K\n", 3, "a multiple of 4K"},
	{P "hyperv = yes\n", 3, "found 'yes', expected off, on or vmm"},
	{P "isolation = sgx\n", 3, "expected none, vbs, snp or tdx"},
	{P "devices = qemu\n", 3, "a list, with commas, of qemu-compat or hpet"},
	{P "devices = hpet,\n", 3, "a list"},
	{P "vtl = 3\n", 3, "from 0 to 2"},
	{P "vtl = 1\n", 3, "expected 'hyperv = on'"},
	{P "tsc_invariant = on\n", 3, "expected 'hyperv = on'"},
	{P "hyperv = vmm\ntsc_invariant = on\n", 4, "expected 'hyperv = on'"},
	{P "cpus = 2-1\n", 3, "ascending"},
	{P "cpus = 1, 1\n", 3, "ascending"},
	{P "cpus = 0-4000000000\n", 3, "ascending"},
	{P "cpus = 0-\n", 3, "ascending"},
	{P "cpus = a\n", 3, "ascending"},
	{P "priority = 32\n", 3, "from 0 to 31"},
	{P "modules = a,,b\n", 3, "files, each with its arguments"},
	{P "initrd =\n", 3, "the name of a file"},
	{P "initrd = \"\"\n", 3, "the name of a file"},
	{P "cmdline = \"open\n", 3, "one quote at the start"},
	{P "cmdline = \"a\" \"b\"\n", 3, "one quote at the start"},
	{P "cmdline = a\001b\n", 3, "a byte of value 1"},
	{"[system]\ngdb = b\n" P, 0, "gdb = b, but there is no such partition"},
	{"[system]\non_exit = reboot\n" P, 2, "expected poweroff or monitor"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		char place[32];
		struct config config;
		struct config_error error;

		if (parse(mistakes[i].text, &config, &error) != STATUS_BAD_FORMAT)
			fail_msg("accepted: %s", mistakes[i].text);
		assert_null(config.partitions);
		if (error.line != mistakes[i].line || !strstr(error.message, mistakes[i].words))
			fail_msg("%s\ngives line %u: %s", mistakes[i].text, error.line,
				 error.message);
		if (mistakes[i].line > 0)
			snprintf(place, sizeof(place), "trivet.conf:%u: ", mistakes[i].line);
		else
			snprintf(place, sizeof(place), "trivet.conf: ");
		assert_memory_equal(error.message, place, strlen(place));
	}
}

static void test_nul_byte(void **state)
{
	struct config config;
	struct config_error error;

	(void)state;
	assert_int_equal(config_parse("[sys\0tem]", 9, "c", &config, &error), STATUS_BAD_FORMAT);
	assert_string_equal(error.message, "c:1: found a byte of value 0, expected text");
}

static void test_long_values_are_cut(void **state)
{
	char text[2000] = P "vps = ";
	struct config config;
	struct config_error error;
	size_t used = strlen(text);

	(void)state;
	memset(text + used, 'x', sizeof(text) - 1 - used);
	assert_int_equal(parse(text, &config, &error), STATUS_BAD_FORMAT);
	assert_non_null(strstr(error.message, "xxx...', expected a whole number"));
}

/* As many partitions as one likes. */
static void test_many_partitions(void **state)
{
	enum { COUNT = 1000 };
	char *text = malloc(COUNT * 64), *at = text;
	struct config config;
	struct config_error error;

	(void)state;
	for (int i = 0; i < COUNT; i++)
		at += sprintf(at, "[partition p%d]\nkernel = k%d\n", i, i);
	if (parse(text, &config, &error) != STATUS_OK)
		fail_msg("%s", error.message);
	assert_int_equal(config.partition_count, COUNT);
	assert_string_equal(config_find(&config, "p999")->kernel, "k999");
	config_free(&config);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_file),	cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_nul_byte),	cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_many_partitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

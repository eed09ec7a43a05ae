/* SPDX-License-Identifier: MIT */
/* The start of the kernel as kernel/main.c has it, with a bundle that holds a root.elf. */
#include "model.h"

#include <kernel/boot.h>
#include <kernel/console.h>
#include <stdio.h>
#include <string.h>
#include <svm/svm.h>
#include <vmx/vmx.h>

#include <arch/cr.h>
#include <arch/speculation.h>
#include <cpuid_policy.h>

#define IMAGE_BASE  MIB(1)
#define IMAGE_SIZE  MIB(1)
#define BUNDLE_BASE MIB(2)

struct speculation speculation;
static struct memory_range ram = {.base = 0, .size = MODEL_RAM, .kind = MEMORY_RAM};
struct boot_source boot_source = {
	.command_line = "",
	.kernel_base = IMAGE_BASE,
	.kernel_size = IMAGE_SIZE,
	.bundle_base = BUNDLE_BASE,
	.memory_count = 1,
	.memory = &ram,
};

/* ---- the bundle ---- */

static uint64_t put(uint8_t *at, uint64_t value, unsigned int size)
{
	memcpy(at, &value, size);
	return size;
}

/* One segment of code, of a page. */
static uint64_t elf_write(uint8_t *elf)
{
	uint8_t *header = elf + 64;

	memset(elf, 0, 4096 + 64);
	memcpy(elf, "\177ELF\2\1\1", 7);
	put(elf + 16, 2, 2);  /* an executable */
	put(elf + 18, 62, 2); /* x86-64 */
	put(elf + 20, 1, 4);
	put(elf + 24, ENTRY_ROOT, 8);
	put(elf + 32, 64, 8);
	put(elf + 54, 56, 2);
	put(elf + 56, 1, 2);
	put(header, 1, 4);
	put(header + 4, 5, 4); /* read, execute */
	put(header + 8, 4096, 8);
	put(header + 16, ENTRY_ROOT, 8);
	put(header + 32, 64, 8);
	put(header + 40, 4096, 8);
	put(header + 48, 4096, 8);
	return 4096 + 64;
}

static uint64_t entry_write(char *at, const char *name, uint64_t size)
{
	char header[111];
	size_t name_size = strlen(name) + 1;

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1u, 0100644u, 0u, 0u,
		 1u, 0u, (unsigned int)size, 0u, 0u, 0u, 0u, (unsigned int)name_size, 0u);
	memcpy(at, header, 110);
	memcpy(at + 110, name, name_size);
	return ALIGN_UP(110 + name_size, 4);
}

static void bundle_write(void)
{
	static uint8_t elf[8192];
	char *at = hpa_to_kva(BUNDLE_BASE), *start = at;
	uint64_t size = elf_write(elf);

	memset(at, 0, 16384);
	at += entry_write(at, "root.elf", size);
	memcpy(at, elf, size);
	at += ALIGN_UP(size, 4);
	at += entry_write(at, "TRAILER!!!", 0);
	boot_source.bundle_size = (uint64_t)(at - start);
}

/* ---- the processor ---- */

/* All features; the second to last word of a row is ECX. */
struct host_leaf {
	uint32_t leaf, subleaf, out[4];
};

static const struct host_leaf amd[] = {
	{0, 0, {0xd, 0x68747541, 0x444d4163, 0x69746e65}},
	{0x80000000, 0, {0x80000021, 0x68747541, 0x444d4163, 0x69746e65}},
	{0x80000008, 0, {0x3030, UINT32_MAX, 0x700f, 0}},
};
static const struct host_leaf intel[] = {
	{0, 0, {0x16, 0x756e6547, 0x6c65746e, 0x49656e69}},
	{0x80000000, 0, {0x80000008, 0, 0, 0}},
	{0x80000008, 0, {0x302e, UINT32_MAX, 0, 0}},
};
static const struct host_leaf both[] = {
	{1, 0, {0x00800f12, 0x00010800, UINT32_MAX, UINT32_MAX}},
	{7, 0, {0, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
	{0xd, 0, {7, 832, 832, 0}},
	{0xd, 1, {0xf, 0, 0, 0}},
	{0xd, 2, {256, 576, 0, 0}},
	{0x80000001, 0, {0x00800f12, 0, UINT32_MAX, UINT32_MAX}},
	{0x80000007, 0, {0, 0, 0, UINT32_MAX}},
};
static enum model_host host;

static void leaf_find(const struct host_leaf *leaves, size_t count, uint32_t leaf, uint32_t subleaf,
		      uint32_t out[4])
{
	size_t i;

	for (i = 0; i < count; i++)
		if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
			memcpy(out, leaves[i].out, sizeof(leaves[i].out));
}

static void host_read(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 4 * sizeof(out[0]));
	leaf_find(both, ARRAY_SIZE(both), leaf, subleaf, out);
	if (host == HOST_AMD)
		leaf_find(amd, ARRAY_SIZE(amd), leaf, subleaf, out);
	else
		leaf_find(intel, ARRAY_SIZE(intel), leaf, subleaf, out);
}

const struct page_table_format *const model_formats[HOST_COUNT] = {&npt_format, &ept_format};

void model_host_set(enum model_host which)
{
	host = which;
	host_xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	cpuid_host = host_read;
	speculation.actions = SPECULATION_GUESTS;
}

/* ---- the start ---- */

void model_boot(void)
{
	uint32_t i;

	log_level = LOG_ERROR;
	bundle_write();
	CHECK(memory_init(MODEL_KERNEL) == STATUS_OK);
	for (i = 0; i < MODEL_CPUS; i++) {
		fake_cpu_set(i);
		cpu_init(fake_cpu);
	}
	fake_cpu_set(0);
	model_host_set(HOST_AMD);
	model_backend_set(HOST_AMD, 0);
	hypervisor_init();
	CHECK(hypervisor_available() == STATUS_OK);
	CHECK(hypervisor_cpu_enable() == STATUS_OK);
	CHECK(root_task_start() == STATUS_OK);
}

// SPDX-License-Identifier: MIT
/*
 * The least monitor that Linux's KVM can have: it runs a guest of tests/bench, the same file that
 * Trivet runs, and prints what the guest says. Each exit that the guest measures comes to the loop
 * in run() and is answered by a branch or two, so that hardly anything but KVM is measured. (A real
 * monitor, which looks for a device first, takes longer.)
 *
 * The guest's words are kept until it has ended: while they were printed, the serial line's
 * interrupts would be in what the guest measures next.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEMORY_SIZE	    (4u << 20)
#define SAID_MAX	    8192
#define CPUID_ENTRIES	    256
#define COM1_DATA	    0x3f8
#define COM1_LINE_STATUS    0x3fd
#define COM1_TRANSMIT_EMPTY 0x20
#define DEBUG_EXIT	    0xf4
#define CPUID_X2APIC	    (1u << 21) /* leaf 1, ECX */
#define MULTIBOOT_BOOTED    0x2badb002
#define CR0_PE		    1u
#define CODE_SEGMENT	    0xb /* execute, read, accessed */
#define DATA_SEGMENT	    0x3 /* read, write, accessed */

static char said[SAID_MAX];
static size_t said_count;
static int vcpu;

static void say_what_was_said(void)
{
	fwrite(said, 1, said_count, stdout);
}

static void fail(const char *what, const char *why)
{
	say_what_was_said();
	printf("\nkvm_peer: %s: %s\n", what, why);
	exit(1);
}

/* An ioctl that must succeed. */
static int ask(int file, unsigned long request, void *argument, const char *name)
{
	int result = ioctl(file, request, argument);

	if (result < 0)
		fail(name, strerror(errno));
	return result;
}

/* Loads the ELF-32 file into the memory; gives its entry. */
static uint32_t load(const char *path, uint8_t *memory)
{
	static uint8_t file[MEMORY_SIZE];
	FILE *stream = fopen(path, "rb");

	if (!stream)
		fail(path, strerror(errno));
	size_t size = fread(file, 1, sizeof(file), stream);
	fclose(stream);

	const Elf32_Ehdr *header = (const Elf32_Ehdr *)file;
	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS32)
		fail(path, "no ELF-32 file");
	const Elf32_Phdr *segment = (const Elf32_Phdr *)(file + header->e_phoff);
	for (unsigned int i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type != PT_LOAD)
			continue;
		if ((uint64_t)segment->p_paddr + segment->p_memsz > MEMORY_SIZE)
			fail(path, "needs more memory than the guest has");
		memcpy(memory + segment->p_paddr, file + segment->p_offset, segment->p_filesz);
	}
	return header->e_entry;
}

/* What KVM offers, without x2APIC: the guest then ends before it asks for a second processor. */
static void set_cpuid(int kvm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
	} cpuid = {.head.nent = CPUID_ENTRIES};

	ask(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
	for (unsigned int i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entries[i].function == 1)
			cpuid.entries[i].ecx &= ~CPUID_X2APIC;
	ask(vcpu, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
}

static struct kvm_segment flat(uint8_t type, uint16_t selector)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
}

/* 32-bit protected mode without paging, as Multiboot 1 says. */
static void set_registers(uint32_t entry)
{
	struct kvm_regs registers = {.rip = entry, .rax = MULTIBOOT_BOOTED, .rflags = 2};
	struct kvm_sregs special;

	ask(vcpu, KVM_GET_SREGS, &special, "KVM_GET_SREGS");
	special.cs = flat(CODE_SEGMENT, 8);
	special.ds = special.es = special.fs = special.gs = special.ss = flat(DATA_SEGMENT, 16);
	special.cr0 |= CR0_PE;
	ask(vcpu, KVM_SET_SREGS, &special, "KVM_SET_SREGS");
	ask(vcpu, KVM_SET_REGS, &registers, "KVM_SET_REGS");
}

/* Until the guest ends itself; gives its status. */
static int run(struct kvm_run *state)
{
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0)
			fail("KVM_RUN", strerror(errno));
		if (state->exit_reason == KVM_EXIT_IO) {
			uint8_t *data = (uint8_t *)state + state->io.data_offset;

			if (state->io.direction == KVM_EXIT_IO_IN) {
				memset(data, 0xff, state->io.size);
				if (state->io.port == COM1_LINE_STATUS)
					*data = COM1_TRANSMIT_EMPTY;
			} else if (state->io.port == COM1_DATA) {
				if (said_count < sizeof(said))
					said[said_count++] = *data;
			} else if (state->io.port == DEBUG_EXIT) {
				return *data;
			}
		} else if (state->exit_reason == KVM_EXIT_MMIO) {
			if (!state->mmio.is_write)
				memset(state->mmio.data, 0xff, sizeof(state->mmio.data));
		} else {
			char reason[16];

			snprintf(reason, sizeof(reason), "%u", state->exit_reason);
			fail("an exit that no guest here makes", reason);
		}
	}
}

int main(int count, char **arguments)
{
	if (count < 2) {
		fprintf(stderr, "usage: kvm_peer GUEST\n");
		return 2;
	}
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		fail("/dev/kvm", strerror(errno));
	int vm = ask(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	uint8_t *memory =
		mmap(0, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("memory", strerror(errno));
	struct kvm_userspace_memory_region region = {
		.memory_size = MEMORY_SIZE,
		.userspace_addr = (uintptr_t)memory,
	};
	ask(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
	vcpu = ask(vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	int size = ask(kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *state = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (state == MAP_FAILED)
		fail("the state of the vCPU", strerror(errno));
	set_cpuid(kvm);
	set_registers(load(arguments[1], memory));

	int status = run(state);
	say_what_was_said();
	printf("kvm_peer: the guest ended with %d\n", status);
	return status;
}

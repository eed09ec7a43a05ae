/* SPDX-License-Identifier: MIT */
/*
 * Small kernels for tests of the loaders, made field by field, so that a test can change one.
 */
#ifndef LOADER_SAMPLES_H
#define LOADER_SAMPLES_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include <loader/bytes.h>

/* A bzImage: one setup sector behind the boot sector, then 0x2000 bytes of kernel. */
#define BZIMAGE_SETUP 1024u
#define BZIMAGE_CODE  0x2000u
#define BZIMAGE_SIZE  (BZIMAGE_SETUP + BZIMAGE_CODE)

static inline void bzimage_sample(uint8_t *p)
{
	memset(p, 0, BZIMAGE_SETUP);
	for (unsigned int i = 0; i < BZIMAGE_CODE; i++)
		p[BZIMAGE_SETUP + i] = (uint8_t)(i * 7 + 1);
	p[0x1f1] = 1;				   /* setup_sects */
	bytes_put32(p + 0x1f4, BZIMAGE_CODE / 16); /* syssize */
	bytes_put16(p + 0x1fe, 0xaa55);
	p[0x200] = 0xeb;
	p[0x201] = 0x6a;
	memcpy(p + 0x202, "HdrS", 4);
	bytes_put16(p + 0x206, 0x20f); /* version */
	p[0x211] = 1;		       /* loadflags: LOADED_HIGH */
	bytes_put32(p + 0x22c, 0x7fffffff);
	bytes_put32(p + 0x230, 0x200000); /* kernel_alignment */
	p[0x234] = 1;			  /* relocatable */
	bytes_put16(p + 0x236, 1);	  /* xloadflags: KERNEL_64 */
	bytes_put32(p + 0x238, 2047);	  /* cmdline_size */
	bytes_put32(p + 0x248, 0x100);	  /* payload_offset */
	bytes_put32(p + 0x24c, 0x1000);	  /* payload_length */
	bytes_put64(p + 0x258, 0x1000000);
	bytes_put32(p + 0x260, 0x100000); /* init_size */
}

/* An ELF file of either class: text at 1 MiB, data and BSS behind it, and a note. */
#define ELF_SAMPLE_SIZE	 0x3000u
#define ELF_SAMPLE_ENTRY 0x100020u
#define ELF_TEXT_OFFSET	 0x1000u
#define ELF_DATA_OFFSET	 0x2000u
#define ELF_NOTE_OFFSET	 0x200u
#define ELF_VIRTUAL	 0xc0000000u

struct elf_sample_32 {
	Elf32_Ehdr header;
	Elf32_Phdr segments[3];
};

struct elf_sample_64 {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
};

static inline void sample_contents(uint8_t *p)
{
	memset(p, 0, ELF_SAMPLE_SIZE);
	memset(p + ELF_TEXT_OFFSET, 0x90, 0x800);
	memset(p + ELF_DATA_OFFSET, 0x42, 0x1000);
}

#define ELF_SAMPLE_FILL(sample, class_, machine_)                             \
	do {                                                                  \
		memcpy((sample)->header.e_ident, "\177ELF\0\1\1", 7);         \
		(sample)->header.e_ident[EI_CLASS] = (class_);                \
		(sample)->header.e_type = ET_EXEC;                            \
		(sample)->header.e_machine = (machine_);                      \
		(sample)->header.e_version = 1;                               \
		(sample)->header.e_entry = ELF_SAMPLE_ENTRY;                  \
		(sample)->header.e_phoff = sizeof((sample)->header);          \
		(sample)->header.e_phentsize = sizeof((sample)->segments[0]); \
		(sample)->header.e_phnum = 3;                                 \
		(sample)->segments[0].p_type = PT_LOAD;                       \
		(sample)->segments[0].p_offset = ELF_TEXT_OFFSET;             \
		(sample)->segments[0].p_vaddr = ELF_VIRTUAL + 0x100000;       \
		(sample)->segments[0].p_paddr = 0x100000;                     \
		(sample)->segments[0].p_filesz = 0x800;                       \
		(sample)->segments[0].p_memsz = 0x800;                        \
		(sample)->segments[1].p_type = PT_LOAD;                       \
		(sample)->segments[1].p_offset = ELF_DATA_OFFSET;             \
		(sample)->segments[1].p_vaddr = ELF_VIRTUAL + 0x101000;       \
		(sample)->segments[1].p_paddr = 0x101000;                     \
		(sample)->segments[1].p_filesz = 0x1000;                      \
		(sample)->segments[1].p_memsz = 0x4000;                       \
		(sample)->segments[2].p_type = PT_NULL;                       \
		(sample)->segments[2].p_offset = ELF_NOTE_OFFSET;             \
		(sample)->segments[2].p_align = 4;                            \
	} while (0)

/* The file's headers at its start are the structure that is returned. */
static inline struct elf_sample_32 *elf_sample_32(uint8_t *p)
{
	struct elf_sample_32 *sample = (void *)p;

	sample_contents(p);
	ELF_SAMPLE_FILL(sample, ELFCLASS32, EM_386);
	return sample;
}

static inline struct elf_sample_64 *elf_sample_64(uint8_t *p)
{
	struct elf_sample_64 *sample = (void *)p;

	sample_contents(p);
	ELF_SAMPLE_FILL(sample, ELFCLASS64, EM_X86_64);
	return sample;
}

/* Two notes, of which the second is the PVH entry. */
static inline void elf_sample_add_note(uint8_t *p, uint32_t entry)
{
	static const uint32_t other[] = {4, 4, 6, 0x006e6558, 0};
	const uint32_t pvh[] = {4, 4, 18, 0x006e6558, entry}; /* "Xen" */
	struct elf_sample_64 *sample = (void *)p;

	memcpy(p + ELF_NOTE_OFFSET, other, sizeof(other));
	memcpy(p + ELF_NOTE_OFFSET + sizeof(other), pvh, sizeof(pvh));
	if (sample->header.e_ident[EI_CLASS] == ELFCLASS64) {
		sample->segments[2].p_type = PT_NOTE;
		sample->segments[2].p_filesz = sizeof(other) + sizeof(pvh);
	} else {
		((struct elf_sample_32 *)(void *)p)->segments[2].p_type = PT_NOTE;
		((struct elf_sample_32 *)(void *)p)->segments[2].p_filesz =
			sizeof(other) + sizeof(pvh);
	}
}

/* A multiboot header at offset; addresses may be NULL. */
static inline void multiboot_sample(uint8_t *p, unsigned int offset, uint32_t flags,
				    const uint32_t addresses[5])
{
	if (addresses)
		flags |= 0x10000;
	bytes_put32(p + offset, 0x1badb002);
	bytes_put32(p + offset + 4, flags);
	bytes_put32(p + offset + 8, 0u - 0x1badb002u - flags);
	for (unsigned int i = 0; addresses && i < 5; i++)
		bytes_put32(p + offset + 12 + 4 * i, addresses[i]);
}

#endif

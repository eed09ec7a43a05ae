/* SPDX-License-Identifier: MIT */
/*
 * Loaders: put a kernel and what belongs to it into a partition's RAM, and say how its first
 * processor starts. Which kinds of kernels there are is the architecture's: <loader/kinds.h>. Pure: buffers in, guest memory out. A
 * failed load may have written to guest RAM; nothing else has changed, and nothing stays
 * allocated.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <trivet/types.h>
#include <firmware/memory_layout.h>
#include <loader/boot_state.h>
#include <loader/guest_memory.h>

/* X(name, words): why a kernel was refused. */
#define LOAD_RESULT_TABLE(X)                                              \
	X(OK, "loaded")                                                   \
	X(UNKNOWN_FORMAT, "not a kernel of a known kind")                 \
	X(TRUNCATED, "the file ends too early")                           \
	X(BAD_MAGIC, "a magic number or checksum is wrong")               \
	X(BAD_SIZE, "sizes or offsets in the file contradict each other") \
	X(BAD_ENTRY, "the entry point is not in what was loaded")         \
	X(UNSUPPORTED, "the kernel needs something that is not offered")  \
	X(OVERLAP, "two things would lie at the same place")              \
	X(OUT_OF_RAM, "the partition has no RAM there, or not enough")    \
	X(NO_MEMORY, "the loader itself has no memory left")

#define LOAD_RESULT_ENUM(name, words) LOAD_##name,
enum load_result { LOAD_RESULT_TABLE(LOAD_RESULT_ENUM) LOAD_RESULT_COUNT };
#undef LOAD_RESULT_ENUM

/* The name of a result ("TRUNCATED"); never NULL. */
const char *load_result_name(enum load_result result);

struct load_error {
	enum load_result result;
	char message[200]; /* what, where and which numbers; NUL-terminated */
};

/* A file in memory. size 0 with data NULL means that there is none. */
struct load_file {
	const void *data;
	uint64_t size;
	const char *name;      /* for messages and module strings; not NULL */
	const char *arguments; /* of a module; "" if none; not NULL */
};

struct firmware_config;

struct load_request {
	const struct guest_memory *memory;
	const struct memory_layout *layout;
	struct load_file kernel;
	struct load_file initrd;	 /* a multiboot or PVH kernel gets it as first module */
	const char *cmdline;		 /* not NULL */
	const struct load_file *modules; /* further modules; a bzImage takes none */
	size_t module_count;
	gpa_t rsdp; /* x86: of the ACPI tables; 0: none */
	/* AArch64: what is to be told of the machine; the loader adds what it has placed. */
	const struct firmware_config *firmware;
};

/* Detects and loads. Answers LOAD_OK and fills *state, or says in *error what was wrong. */
enum load_result kernel_load(const struct load_request *request, struct boot_state *state,
			     struct load_error *error) __must_check;

#include <loader/kinds.h>

#endif

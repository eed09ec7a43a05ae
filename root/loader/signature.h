/* SPDX-License-Identifier: MIT */
/* Files told apart by bytes at a fixed place; also those that people take for kernels, for messages. */
#ifndef LOADER_SIGNATURE_H
#define LOADER_SIGNATURE_H

#include <loader/loader.h>

struct file_signature {
	uint16_t offset;
	uint8_t length;
	const char *bytes;
	const char *words; /* "it is ..." */
};

bool file_signature_matches(const struct file_signature *signature, const void *data,
			    uint64_t size);
/* Of the first that matches: of those given, then of compressed files and archives. NULL: of none. */
const char *file_words(const struct load_file *file, const struct file_signature *given,
		       size_t count);

#endif

/* SPDX-License-Identifier: MIT */
#include <loader/signature.h>

#include <string.h>

static const struct file_signature packed_files[] = {
	{0, 2, "\037\213", "it is compressed by gzip; unpack it first"},
	{0, 6, "\3757zXZ", "it is compressed by xz; unpack it first"},
	{0, 4, "\050\265\057\375", "it is compressed by zstd; unpack it first"},
	{0, 6, "070701", "it is a cpio archive, perhaps the initrd"},
};

bool file_signature_matches(const struct file_signature *signature, const void *data, uint64_t size)
{
	return range_within(signature->offset, signature->length, size) &&
	       memcmp((const uint8_t *)data + signature->offset, signature->bytes,
		      signature->length) == 0;
}

static const char *words_find(const struct load_file *file, const struct file_signature *list,
			      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (file_signature_matches(&list[i], file->data, file->size))
			return list[i].words;
	return NULL;
}

const char *file_words(const struct load_file *file, const struct file_signature *given,
		       size_t count)
{
	const char *words = words_find(file, given, count);

	return words ? words : words_find(file, packed_files, ARRAY_SIZE(packed_files));
}

/* SPDX-License-Identifier: MIT */
/*
 * The bundle: the one module that the boot loader hands over, a cpio archive in the "newc"
 * format (cpio(5): magic 070701, or 070702 whose checksums are not looked at). Here it is read
 * in place: nothing is copied, every length is checked against the archive before use, and no
 * file is believed to end with a NUL. The reader is pure; the root task compiles the same file.
 * It does not unpack, follow links, or join a path with a folder.
 */
#ifndef KERNEL_BUNDLE_H
#define KERNEL_BUNDLE_H

#include <trivet/status.h>
#include <trivet/types.h>

/* One entry. Name and data point into the archive and live as long as it does. */
struct bundle_file {
	const char *name; /* NUL-terminated, without a leading "./" or "/"; never empty */
	const uint8_t *data;
	uint64_t size; /* bytes of data */
	uint32_t mode; /* type and permission bits as in stat(2) */
};

/* Where a walk through an archive stands. Start it with bundle_open(). */
struct bundle {
	const uint8_t *data;
	uint64_t size;
	uint64_t offset;     /* of the next header */
	const char *problem; /* in words, once a call has answered TRUNCATED or BAD_FORMAT */
};

/* Starts a walk over size bytes at data. Cannot fail: an empty archive is found out later. */
void bundle_open(struct bundle *bundle, const void *data, uint64_t size);

/*
 * The next regular file; folders, links and devices are passed over.
 *   NOT_FOUND   the archive's trailer has been reached: there are no more files
 *   TRUNCATED   the archive ends inside an entry or before its trailer
 *   BAD_FORMAT  an entry has no newc header, or its fields or its name make no sense
 * After an error bundle->problem says what, bundle->offset where; the walk does not go on.
 */
status_t bundle_next(struct bundle *bundle, struct bundle_file *file) __must_check;

/*
 * The first regular file of that name, from the start of the archive, whatever was walked
 * before. A leading "./" or "/" of name is ignored as those of the archive are. Answers as
 * bundle_next(); files behind a damaged entry are not found.
 */
status_t bundle_find(struct bundle *bundle, const char *name,
		     struct bundle_file *file) __must_check;

#endif

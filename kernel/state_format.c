/* SPDX-License-Identifier: MIT */
/*
 * The form of saved states. The reader is where damaged input is found out: each length is looked at
 * before what it tells of.
 */
#include <kernel/state_format.h>

static bool is_zero(const uint8_t *bytes, uint64_t count)
{
	while (count--)
		if (*bytes++)
			return false;
	return true;
}

/* ---- writing ---- */

void state_write_begin(struct state_writer *writer, void *buffer, uint64_t size)
{
	*writer = (struct state_writer){
		.buffer = buffer, .size = size, .used = sizeof(struct state_header)};
}

void *state_write(struct state_writer *writer, uint32_t element, uint32_t vtl, uint32_t length)
{
	uint64_t padded = ALIGN_UP((uint64_t)length, STATE_ALIGNMENT);
	uint64_t at = writer->used;
	struct state_record *record;
	uint64_t i;

	writer->used += sizeof(*record) + padded;
	writer->records++;
	if (writer->used > writer->size)
		return NULL;
	record = (struct state_record *)(writer->buffer + at);
	*record = (struct state_record){.element = element, .vtl = (uint16_t)vtl, .length = length};
	for (i = 0; i < padded / STATE_ALIGNMENT; i++)
		((uint64_t *)(record + 1))[i] = 0;
	return record + 1;
}

status_t state_write_end(struct state_writer *writer, enum state_kind kind)
{
	if (writer->used > writer->size)
		return STATUS_TOO_LARGE;
	*(struct state_header *)writer->buffer = (struct state_header){
		.magic = STATE_MAGIC,
		.version = STATE_VERSION,
		.architecture = STATE_ARCHITECTURE,
		.kind = (uint16_t)kind,
		.size = writer->used,
		.records = writer->records,
	};
	return STATUS_OK;
}

/* ---- reading ---- */

status_t state_read_begin(struct state_reader *reader, const void *data, uint64_t size,
			  enum state_kind kind)
{
	const struct state_header *header = data;

	if (size < sizeof(*header))
		return STATUS_TRUNCATED;
	if (header->magic != STATE_MAGIC || header->reserved || header->size < sizeof(*header))
		return STATUS_BAD_FORMAT;
	if (header->version != STATE_VERSION || header->architecture != STATE_ARCHITECTURE ||
	    header->kind != kind)
		return STATUS_NOT_SUPPORTED;
	if (header->size != size)
		return header->size > size ? STATUS_TRUNCATED : STATUS_BAD_FORMAT;
	*reader = (struct state_reader){
		.at = (const uint8_t *)(header + 1),
		.end = (const uint8_t *)data + size,
		.records = header->records,
	};
	return STATUS_OK;
}

status_t state_read(struct state_reader *reader, struct state_item *item)
{
	const struct state_record *record = (const struct state_record *)reader->at;
	uint64_t left = (uint64_t)(reader->end - reader->at);
	uint64_t padded, order;

	if (!reader->records)
		return left ? STATUS_BAD_FORMAT : STATUS_NOT_FOUND;
	if (left < sizeof(*record))
		return STATUS_TRUNCATED;
	left -= sizeof(*record);
	padded = ALIGN_UP((uint64_t)record->length, STATE_ALIGNMENT);
	if (padded > left)
		return STATUS_TRUNCATED;
	*item = (struct state_item){
		.element = record->element,
		.vtl = record->vtl,
		.length = record->length,
		.data = record + 1,
	};
	order = (uint64_t)item->element << 16 | item->vtl;
	if (order == reader->last && order)
		return STATUS_ALREADY_EXISTS;
	if (order < reader->last || !item->element || record->flags || record->reserved ||
	    !is_zero((const uint8_t *)item->data + item->length, padded - item->length))
		return STATUS_BAD_FORMAT;
	reader->last = order;
	reader->at += sizeof(*record) + padded;
	reader->records--;
	return STATUS_OK;
}

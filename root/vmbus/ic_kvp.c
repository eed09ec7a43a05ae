/* SPDX-License-Identifier: MIT */
/*
 * Key-value exchange. The guest has pools of pairs, and a program that keeps them; until that runs, a Linux
 * guest does not even agree on versions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmbus/ic.h>
#include <vmbus/utf16.h>

static const struct ic_version versions[] = {{1, 0}, {3, 0}, {4, 0}, {5, 0}};

static struct ic_kvp *kvp_of(struct ic *ic)
{
	return container_of(ic, struct ic_kvp, ic);
}

/* ---- questions ---- */

static bool key_write(uint8_t *key, uint32_t *size, const char *text)
{
	*size = (uint32_t)utf16_from_utf8(key, IC_KVP_KEY_SIZE, text);
	return *size > 0;
}

/* The message's part that depends on the operation; false: a text does not fit. */
static bool body_write(struct ic_kvp_message *message, const struct ic_kvp_request *request)
{
	struct ic_kvp_value *value = &message->set;
	uint32_t key_size = 0;
	bool fits;

	switch (request->operation) {
	case IC_KVP_ENUMERATE: message->enumerate.index = request->index; return true;
	case IC_KVP_DELETE:
		fits = key_write(message->erase.key, &key_size, request->key);
		message->erase.key_size = key_size;
		return fits;
	default:
		value->type = IC_KVP_STRING;
		fits = key_write(value->key, &key_size, request->key);
		value->key_size = key_size;
		if (fits && request->operation == IC_KVP_SET)
			value->value_size = (uint32_t)utf16_from_utf8(
				value->value, IC_KVP_VALUE_SIZE, request->value);
		return fits && (request->operation == IC_KVP_GET || value->value_size > 0);
	}
}

status_t ic_kvp_ask(struct ic_kvp *kvp, struct ic_kvp_request *request)
{
	struct ic_kvp_message message = {.operation = (uint8_t)request->operation,
					 .pool = (uint8_t)request->pool};
	status_t status;

	if (kvp->request)
		return STATUS_BUSY;
	if (!body_write(&message, request))
		return STATUS_INVALID_ARGUMENT;
	status = ic_ask(&kvp->ic, &message, sizeof(message));
	if (status == STATUS_OK)
		kvp->request = request;
	return status;
}

void ic_kvp_give_up(struct ic_kvp *kvp, struct ic_kvp_request *request)
{
	if (kvp->request == request)
		kvp->request = NULL;
}

static void kvp_done(struct ic_kvp *kvp, status_t status)
{
	struct ic_kvp_request *request = kvp->request;

	kvp->request = NULL;
	if (request)
		request->done(request, status);
}

/* ---- answers ---- */

/* What the guest says of a value's size is cut at what there is. */
static void value_read(const struct ic_kvp_value *value, char *text)
{
	uint64_t number = 0;

	switch (value->type) {
	case IC_KVP_U32:
	case IC_KVP_U64:
	case IC_KVP_U64_LINUX:
		memcpy(&number, value->value, value->type == IC_KVP_U32 ? 4 : 8);
		snprintf(text, IC_KVP_VALUE_TEXT, "%llu", (unsigned long long)number);
		break;
	default:
		utf16_to_utf8(text, IC_KVP_VALUE_TEXT, value->value,
			      MIN(value->value_size, IC_KVP_VALUE_SIZE));
	}
}

static status_t answer_read(const struct ic_kvp_message *message, struct ic_kvp_request *request)
{
	const struct ic_kvp_value *value =
		request->operation == IC_KVP_GET ? &message->get : &message->enumerate.value;

	if (message->operation != request->operation || message->pool != request->pool)
		return STATUS_BAD_FORMAT;
	if (request->operation == IC_KVP_SET || request->operation == IC_KVP_DELETE)
		return STATUS_OK;
	if (request->operation == IC_KVP_ENUMERATE)
		utf16_to_utf8(request->key, IC_KVP_KEY_TEXT, value->key,
			      MIN(value->key_size, IC_KVP_KEY_SIZE));
	value_read(value, request->value);
	return STATUS_OK;
}

static status_t status_read(uint32_t status)
{
	switch (status) {
	case IC_STATUS_SUCCESS: return STATUS_OK;
	case IC_STATUS_NO_MORE:
	case IC_STATUS_NOT_FOUND: return STATUS_NOT_FOUND;
	default: return STATUS_NOT_SUPPORTED;
	}
}

static void kvp_answered(struct ic *ic, uint32_t guest_status, const void *body, size_t size)
{
	struct ic_kvp *kvp = kvp_of(ic);
	struct ic_kvp_message message;
	status_t status = status_read(guest_status);

	if (!kvp->request)
		return;
	if (status == STATUS_OK && size < sizeof(message))
		status = STATUS_BAD_FORMAT;
	if (status == STATUS_OK) {
		memcpy(&message, body, sizeof(message));
		status = answer_read(&message, kvp->request);
	}
	kvp_done(kvp, status);
}

static void kvp_closed(struct ic *ic)
{
	kvp_done(kvp_of(ic), STATUS_CANCELLED);
}

static void kvp_nothing(struct ic *ic)
{
	(void)ic;
}

static const struct ic_service kvp_service = {
	.name = "kvp",
	.type = {0xa9a0f4e7, 0x5a45, 0x4d96, {0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6}},
	.instance = {0x242ff919, 0x07db, 0x4180, {0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55}},
	.message = IC_KVP_EXCHANGE,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.ready = kvp_nothing,
	.closed = kvp_closed,
	.answered = kvp_answered,
	.resumed = kvp_nothing,
};

status_t ic_kvp_offer(struct ic_kvp *kvp, struct vmbus *bus)
{
	return ic_offer(&kvp->ic, &kvp_service, bus);
}

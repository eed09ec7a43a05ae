/* SPDX-License-Identifier: MIT */
/*
 * The monitor's command for a guest's keys and values. What the guest tells is printed without what could steer
 * a terminal.
 */
#include <stdlib.h>
#include <string.h>
#include <lib/log.h>
#include <lib/time.h>
#include <vmm/monitor.h>
#include <vmm/printable.h>
#include <vmm/vmbus.h>

/* A guest that lists without end; and one that takes its time: nobody else is heard meanwhile. */
#define LIST_MAX 1000u
#define LIMIT_NS (10 * NS_PER_SECOND) /* for a whole command */
#define PIECE	 256u		      /* of a line that is printed at once */

static const struct {
	const char *name;
	enum ic_kvp_pool pool;
} pools[] = {
	{"auto", IC_KVP_AUTO},
	{"guest", IC_KVP_GUEST},
	{"external", IC_KVP_EXTERNAL},
};

static bool pool_parse(const char *word, enum ic_kvp_pool *pool)
{
	for (size_t i = 0; i < ARRAY_SIZE(pools); i++)
		if (strcmp(word, pools[i].name) == 0) {
			*pool = pools[i].pool;
			return true;
		}
	return false;
}

static void text_print(const char *text)
{
	char piece[PIECE];

	/* Ends at the text's end: each piece takes some of it. */
	while (*text) {
		text = printable_write(piece, sizeof(piece), text);
		print("%s", piece);
	}
}

static void failure_print(const struct machine *machine, status_t status)
{
	const char *name = machine->config->name;

	if (status == STATUS_NOT_FOUND)
		print("%s: no such key\n", name);
	else if (status == STATUS_NOT_SUPPORTED)
		print("%s: its key-value service does not run\n", name);
	else if (status == STATUS_INVALID_ARGUMENT)
		print("%s: the key or the value is too long, or is not UTF-8\n", name);
	else
		print("%s: %s\n", name, status_words(status));
}

static void pair_print(const struct ic_kvp_request *request)
{
	text_print(request->key);
	print(" = ");
	text_print(request->value);
	print("\n");
}

/* Prints the pool, or with a key the pair that has it. NOT_FOUND: the list is at its end. */
static status_t pairs_print(struct machine *machine, struct ic_kvp_request *request,
			    const char *key)
{
	uint64_t limit = time_now() + LIMIT_NS;

	for (request->index = 0; request->index < LIST_MAX; request->index++) {
		status_t status = machine_kvp(machine, request, limit);

		if (status != STATUS_OK)
			return status;
		if (key && strcmp(key, request->key) != 0)
			continue;
		pair_print(request);
		if (key)
			return STATUS_OK;
	}
	return STATUS_NOT_FOUND;
}

static void pool_list(struct machine *machine, struct ic_kvp_request *request)
{
	status_t status = pairs_print(machine, request, NULL);

	if (status != STATUS_NOT_FOUND)
		failure_print(machine, status);
}

/* Out of the list: Linux answers the question for one key with a value that lacks its first bytes. */
static void pair_get(struct machine *machine, struct ic_kvp_request *request, const char *key)
{
	status_t status;

	request->operation = IC_KVP_ENUMERATE;
	status = pairs_print(machine, request, key);
	if (status != STATUS_OK)
		failure_print(machine, status);
}

static void pair_change(struct machine *machine, struct ic_kvp_request *request)
{
	status_t status = machine_kvp(machine, request, time_now() + LIMIT_NS);

	if (status != STATUS_OK)
		failure_print(machine, status);
	else
		print("%s: done\n", machine->config->name);
}

/* Which arguments follow the machine's name. */
static const struct {
	const char *word;
	enum ic_kvp_operation operation;
	size_t count; /* pool, key, value */
} forms[] = {
	{"list", IC_KVP_ENUMERATE, 1},
	{"get", IC_KVP_GET, 2},
	{"set", IC_KVP_SET, 3},
	{"delete", IC_KVP_DELETE, 2},
};

/* Up to the NULL, of which there is one. */
static size_t words_count(char *const words[])
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* False: the words are no form of the command. */
static bool request_parse(char *const words[], struct ic_kvp_request *request)
{
	size_t count = words_count(words);

	request->operation = IC_KVP_ENUMERATE;
	request->pool = IC_KVP_AUTO;
	if (count == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (strcmp(words[0], forms[i].word) != 0 || count != forms[i].count + 1)
			continue;
		request->operation = forms[i].operation;
		if (count > 2)
			strncpy(request->key, words[2], sizeof(request->key) - 1);
		if (count > 3)
			strncpy(request->value, words[3], sizeof(request->value) - 1);
		return pool_parse(words[1], &request->pool);
	}
	return false;
}

static void request_do(struct machine *machine, struct ic_kvp_request *request, const char *key)
{
	switch (request->operation) {
	case IC_KVP_ENUMERATE: pool_list(machine, request); break;
	case IC_KVP_GET: pair_get(machine, request, key); break;
	default: pair_change(machine, request);
	}
}

bool kvp_execute(char *const words[])
{
	struct machine *machine = words[1] ? machine_find(words[1]) : NULL;
	struct ic_kvp_request *request = calloc(1, sizeof(*request));

	/* words: kvp NAME FORM POOL KEY VALUE */
	if (!request)
		print("%s\n", status_words(STATUS_NO_MEMORY));
	else if (!words[1] || !request_parse(words + 2, request))
		print("usage: kvp NAME [list POOL | get POOL KEY | set POOL KEY VALUE | delete "
		      "POOL KEY]\n"
		      "POOL is auto, guest or external.\n");
	else if (!machine)
		print("no machine \"%s\"; \"list\" shows them\n", words[1]);
	else
		request_do(machine, request, words[2] ? words[4] : NULL);
	free(request);
	return true;
}

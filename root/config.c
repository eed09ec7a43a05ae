/* SPDX-License-Identifier: MIT */
/*
 * The parser of trivet.conf. It goes through the lines once; the table of keys says for each key
 * in which section it stands, what kind of value it has and where that goes. What depends on
 * several keys is checked when a section ends.
 */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <config_value.h>

enum section { SECTION_NONE, SECTION_SYSTEM, SECTION_PARTITION };

enum value_kind {
	VALUE_NUMBER,  /* uint32_t */
	VALUE_SIZE,    /* uint64_t */
	VALUE_CHOICE,  /* unsigned int: an enum */
	VALUE_SWITCH,  /* bool */
	VALUE_SET,     /* uint64_t */
	VALUE_STRING,  /* char *, owned */
	VALUE_FILE,    /* char *, owned */
	VALUE_NUMBERS, /* uint32_t *, owned, followed by its size_t count */
	VALUE_MODULES, /* struct config_module *, owned, followed by its size_t count */
};

static const struct value_choice on_exit_choices[] = {
	{"poweroff", CONFIG_ON_EXIT_POWEROFF},
	{"monitor", CONFIG_ON_EXIT_MONITOR},
	{NULL, 0},
};

static const struct value_choice switch_choices[] = {
	{"on", true},
	{"off", false},
	{NULL, 0},
};

static const struct value_choice hyperv_choices[] = {
	{"off", CONFIG_HYPERV_OFF},
	{"on", CONFIG_HYPERV_ON},
	{"vmm", CONFIG_HYPERV_VMM},
	{NULL, 0},
};

static const struct value_choice isolation_choices[] = {
	{"none", CONFIG_ISOLATION_NONE},
	{"vbs", CONFIG_ISOLATION_VBS},
	{"snp", CONFIG_ISOLATION_SNP},
	{"tdx", CONFIG_ISOLATION_TDX},
	{NULL, 0},
};

static const struct value_choice apic_choices[] = {
	{"xapic", CONFIG_APIC_XAPIC},
	{"x2apic", CONFIG_APIC_X2APIC},
	{"x2apic-on", CONFIG_APIC_X2APIC_ON},
	{NULL, 0},
};

static const struct value_choice triple_fault_choices[] = {
	{"crash", CONFIG_TRIPLE_FAULT_CRASH},
	{"reset", CONFIG_TRIPLE_FAULT_RESET},
	{NULL, 0},
};

static const struct value_choice devices_choices[] = {
	{"qemu-compat", CONFIG_DEVICES_QEMU_COMPAT},
	{"hpet", CONFIG_DEVICES_HPET},
	{NULL, 0},
};

struct key {
	const char *name;
	enum section section;
	enum value_kind kind;
	size_t offset;	     /* in struct config or struct config_partition */
	size_t count_offset; /* of lists */
	const struct value_choice *choices;
	struct value_range range;
};

#define PARTITION_KEY(word, field)                    \
	.name = (word), .section = SECTION_PARTITION, \
	.offset = offsetof(struct config_partition, field)
#define COUNT_AT(field) .count_offset = offsetof(struct config_partition, field)

/* The whole language. docs/configuration.md explains each row. */
static const struct key keys[] = {
	{.name = "on_exit",
	 .section = SECTION_SYSTEM,
	 .offset = offsetof(struct config, on_exit),
	 .kind = VALUE_CHOICE,
	 .choices = on_exit_choices},
	{.name = "gdb",
	 .section = SECTION_SYSTEM,
	 .offset = offsetof(struct config, gdb),
	 .kind = VALUE_STRING},
	{PARTITION_KEY("vps", vps), .kind = VALUE_NUMBER, .range = {1, CONFIG_VPS_MAX}},
	{PARTITION_KEY("threads", threads), .kind = VALUE_NUMBER, .range = {1, CONFIG_VPS_MAX}},
	{PARTITION_KEY("cores", cores), .kind = VALUE_NUMBER, .range = {1, CONFIG_VPS_MAX}},
	{PARTITION_KEY("apic", apic), .kind = VALUE_CHOICE, .choices = apic_choices},
	{PARTITION_KEY("memory", memory), .kind = VALUE_SIZE,
	 .range = {CONFIG_MEMORY_MIN, CONFIG_MEMORY_MAX}},
	{PARTITION_KEY("kernel", kernel), .kind = VALUE_FILE},
	{PARTITION_KEY("initrd", initrd), .kind = VALUE_FILE},
	{PARTITION_KEY("cmdline", cmdline), .kind = VALUE_STRING},
	{PARTITION_KEY("modules", modules), COUNT_AT(module_count), .kind = VALUE_MODULES},
	{PARTITION_KEY("devices", devices), .kind = VALUE_SET, .choices = devices_choices},
	{PARTITION_KEY("hyperv", hyperv), .kind = VALUE_CHOICE, .choices = hyperv_choices},
	{PARTITION_KEY("tsc_invariant", tsc_invariant), .kind = VALUE_SWITCH,
	 .choices = switch_choices},
	{PARTITION_KEY("vtl", vtl), .kind = VALUE_NUMBER, .range = {0, CONFIG_VTL_MAX}},
	{PARTITION_KEY("isolation", isolation), .kind = VALUE_CHOICE, .choices = isolation_choices},
	{PARTITION_KEY("user_apic", user_apic), .kind = VALUE_SWITCH, .choices = switch_choices},
	{PARTITION_KEY("triple_fault", triple_fault), .kind = VALUE_CHOICE,
	 .choices = triple_fault_choices},
	{PARTITION_KEY("autostart", autostart), .kind = VALUE_SWITCH, .choices = switch_choices},
	{PARTITION_KEY("cpus", cpus), COUNT_AT(cpu_count), .kind = VALUE_NUMBERS,
	 .range = {0, CONFIG_VPS_MAX - 1}},
	{PARTITION_KEY("priority", priority), .kind = VALUE_NUMBER,
	 .range = {0, CONFIG_PRIORITY_MAX}},
};

static_assert(sizeof(enum config_on_exit) == sizeof(unsigned int) &&
		      sizeof(enum config_triple_fault) == sizeof(unsigned int) &&
		      sizeof(enum config_apic) == sizeof(unsigned int) &&
		      sizeof(enum config_hyperv) == sizeof(unsigned int) &&
		      sizeof(enum config_isolation) == sizeof(unsigned int),
	      "choices are stored as unsigned int");

struct parser {
	const char *filename;
	struct config *config;
	struct config_error *error;
	struct expectation expected;
	unsigned int line;
	enum section section;
	unsigned int system_line;		  /* of [system]; 0: not seen */
	unsigned int key_lines[ARRAY_SIZE(keys)]; /* in this section; 0: not seen */
};

static status_t fail_at(struct parser *parser, unsigned int line, const char *format, ...)
	__printf(3, 4);

static status_t fail_at(struct parser *parser, unsigned int line, const char *format, ...)
{
	struct config_error *error = parser->error;
	size_t size = sizeof(error->message), used;
	va_list arguments;

	error->line = line;
	snprintf(error->message, size, line ? "%.60s:%u: " : "%.60s: ", parser->filename, line);
	used = strlen(error->message);
	va_start(arguments, format);
	vsnprintf(error->message + used, size - used, format, arguments);
	va_end(arguments);
	return STATUS_BAD_FORMAT;
}

static status_t fail_memory(struct parser *parser)
{
	fail_at(parser, parser->line, "no memory left to hold the configuration");
	return STATUS_NO_MEMORY;
}

/* A piece of the file for a message: short, and printable. */
struct quote {
	char text[44];
};

static struct quote text_quote(struct text text)
{
	const size_t limit = sizeof(((struct quote *)0)->text) - 4;
	struct quote quote;
	size_t length = MIN(text.length, limit);

	for (size_t i = 0; i < length; i++)
		quote.text[i] = text.start[i] >= ' ' && text.start[i] < 0x7f ? text.start[i] : '?';
	strcpy(quote.text + length, text.length > limit ? "..." : "");
	return quote;
}

/* The number of letters to insert, delete or change to make a into b (Levenshtein). */
#define NAME_MAX_COMPARED 16

static unsigned int name_distance(struct text a, const char *b)
{
	unsigned int row[NAME_MAX_COMPARED + 1];
	size_t b_length = strlen(b);

	if (a.length > NAME_MAX_COMPARED || b_length > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (unsigned int j = 0; j <= b_length; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= a.length; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= b_length; j++) {
			unsigned int changed = diagonal + (a.start[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_length];
}

/* Words that end a message about an unknown name; best is NULL when nothing is like it. */
static const char *name_suggest(struct text name, const char *candidate, const char *best)
{
	unsigned int distance = name_distance(name, candidate);

	if (distance > 2 || distance >= strlen(candidate))
		return best;
	return best && name_distance(name, best) <= distance ? best : candidate;
}

static const char *section_words(enum section section)
{
	return section == SECTION_SYSTEM ? "[system]" : "[partition]";
}

static status_t key_unknown(struct parser *parser, struct text name)
{
	const char *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].section != parser->section) {
			if (text_equals(name, keys[i].name))
				return fail_at(parser, parser->line,
					       "key '%s' belongs in a %s section", keys[i].name,
					       section_words(keys[i].section));
			continue;
		}
		best = name_suggest(name, keys[i].name, best);
	}
	if (best)
		return fail_at(parser, parser->line, "unknown key '%s' in %s; did you mean '%s'?",
			       text_quote(name).text, section_words(parser->section), best);
	return fail_at(parser, parser->line, "unknown key '%s' in %s", text_quote(name).text,
		       section_words(parser->section));
}

static const struct key *key_find(const struct parser *parser, struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == parser->section && text_equals(name, keys[i].name))
			return &keys[i];
	return NULL;
}

static status_t value_store(const struct key *key, struct text text, uint8_t *target,
			    struct expectation *expected)
{
	uint8_t *field = target + key->offset;
	size_t *count = (size_t *)(void *)(target + key->count_offset);
	uint64_t value = 0;
	status_t status;

	switch (key->kind) {
	case VALUE_STRING: return value_parse_string(text, (char **)(void *)field, expected);
	case VALUE_FILE: return value_parse_file(text, (char **)(void *)field, expected);
	case VALUE_NUMBERS:
		return value_parse_numbers(text, &key->range, (uint32_t **)(void *)field, count,
					   expected);
	case VALUE_MODULES:
		return value_parse_modules(text, (struct config_module **)(void *)field, count,
					   expected);
	case VALUE_NUMBER:
		status = value_parse_number(text, &key->range, &value, expected);
		*(uint32_t *)(void *)field = (uint32_t)value;
		return status;
	case VALUE_SIZE:
		return value_parse_size(text, &key->range, (uint64_t *)(void *)field, expected);
	case VALUE_SET:
		return value_parse_set(text, key->choices, (uint64_t *)(void *)field, expected);
	case VALUE_SWITCH:
		status = value_parse_choice(text, key->choices, &value, expected);
		*(bool *)field = value != 0;
		return status;
	case VALUE_CHOICE:
		status = value_parse_choice(text, key->choices, &value, expected);
		*(unsigned int *)(void *)field = (unsigned int)value;
		return status;
	}
	return STATUS_BAD_FORMAT;
}

static struct config_partition *partition_current(const struct parser *parser)
{
	return &parser->config->partitions[parser->config->partition_count - 1];
}

static status_t assignment_parse(struct parser *parser, struct text line)
{
	struct text name, value = line;
	const struct key *key;
	uint8_t *target;
	status_t status;

	if (!text_split(&value, '=', &name))
		return fail_at(parser, parser->line,
			       "found '%s', expected [section], key = value or # comment",
			       text_quote(line).text);
	name = text_trim(name);
	value = text_trim(value);
	if (parser->section == SECTION_NONE)
		return fail_at(parser, parser->line,
			       "key '%s' stands before the first section, expected [system] or "
			       "[partition NAME]",
			       text_quote(name).text);
	key = key_find(parser, name);
	if (!key)
		return key_unknown(parser, name);

	unsigned int *seen = &parser->key_lines[key - keys];

	if (*seen != 0)
		return fail_at(parser, parser->line, "key '%s' was already given in line %u",
			       key->name, *seen);
	*seen = parser->line;
	target = parser->section == SECTION_SYSTEM ? (uint8_t *)parser->config
						   : (uint8_t *)partition_current(parser);
	status = value_store(key, value, target, &parser->expected);
	if (status == STATUS_NO_MEMORY)
		return fail_memory(parser);
	if (status != STATUS_OK)
		return fail_at(parser, parser->line, "%s: found '%s', expected %s", key->name,
			       text_quote(value).text, parser->expected.words);
	return STATUS_OK;
}

static unsigned int key_line(const struct parser *parser, const char *name)
{
	struct text text = {name, strlen(name)};
	const struct key *key = key_find(parser, text);

	return key ? parser->key_lines[key - keys] : 0;
}

/* What one line cannot tell. */
static status_t section_end(struct parser *parser)
{
	const struct config_partition *partition;

	if (parser->section != SECTION_PARTITION)
		return STATUS_OK;
	partition = partition_current(parser);
	if (!partition->kernel)
		return fail_at(parser, partition->line,
			       "partition '%.40s' has no kernel, expected 'kernel = FILE'",
			       partition->name);
	if (partition->vtl > 0 && partition->hyperv != CONFIG_HYPERV_ON)
		return fail_at(parser, key_line(parser, "vtl"),
			       "vtl: %u needs the Hyper-V interface, expected 'hyperv = on' in "
			       "this section",
			       partition->vtl);
	if (partition->tsc_invariant && partition->hyperv != CONFIG_HYPERV_ON)
		return fail_at(parser, key_line(parser, "tsc_invariant"),
			       "tsc_invariant needs the Hyper-V interface, expected 'hyperv = on' "
			       "in this section");
	return STATUS_OK;
}

static bool name_is_sound(struct text name)
{
	for (size_t i = 0; i < name.length; i++) {
		char c = name.start[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_' && c != '.')
			return false;
	}
	return name.length > 0 && name.length <= CONFIG_NAME_MAX;
}

static status_t partition_begin(struct parser *parser, struct text name)
{
	struct config *config = parser->config;
	struct config_partition *partitions;

	if (!name_is_sound(name))
		return fail_at(parser, parser->line,
			       "partition name '%s', expected 1 to %u letters, digits, '-', '_' or "
			       "'.'",
			       text_quote(name).text, CONFIG_NAME_MAX);
	for (size_t i = 0; i < config->partition_count; i++)
		if (text_equals(name, config->partitions[i].name))
			return fail_at(parser, parser->line,
				       "partition '%s' already exists, since line %u",
				       text_quote(name).text, config->partitions[i].line);
	partitions =
		realloc(config->partitions, (config->partition_count + 1) * sizeof(*partitions));
	if (!partitions)
		return fail_memory(parser);
	config->partitions = partitions;
	partitions[config->partition_count] = (struct config_partition){
		.name = text_copy(name),
		.line = parser->line,
		.vps = 1,
		.threads = 1,
		.apic = CONFIG_APIC_X2APIC,
		.memory = CONFIG_MEMORY_DEFAULT,
		.cmdline = text_copy((struct text){"", 0}),
		.autostart = true,
		.priority = CONFIG_PRIORITY_DEFAULT,
	};
	/* Counted before the check, so that config_free() sees it. */
	struct config_partition *partition = &partitions[config->partition_count++];

	parser->section = SECTION_PARTITION;
	return partition->name && partition->cmdline ? STATUS_OK : fail_memory(parser);
}

static status_t section_parse(struct parser *parser, struct text line)
{
	struct text inner, kind, name;
	status_t status = section_end(parser);

	if (status != STATUS_OK)
		return status;
	if (line.length < 2 || line.start[line.length - 1] != ']')
		return fail_at(parser, parser->line, "found '%s', expected ']' at the end",
			       text_quote(line).text);
	inner = text_trim((struct text){line.start + 1, line.length - 2});
	name = inner;
	text_split(&name, ' ', &kind);
	name = text_trim(name);
	memset(parser->key_lines, 0, sizeof(parser->key_lines));
	if (text_equals(kind, "partition"))
		return partition_begin(parser, name);
	if (!text_equals(inner, "system")) {
		const char *best = name_suggest(kind, "system", NULL);

		best = name_suggest(kind, "partition", best);
		return fail_at(parser, parser->line,
			       "unknown section [%s], expected [system] or [partition NAME]%s%s%s",
			       text_quote(inner).text, best ? "; did you mean '" : "",
			       best ? best : "", best ? "'?" : "");
	}
	if (parser->system_line != 0)
		return fail_at(parser, parser->line, "[system] was already given in line %u",
			       parser->system_line);
	parser->system_line = parser->line;
	parser->section = SECTION_SYSTEM;
	return STATUS_OK;
}

static status_t line_parse(struct parser *parser, struct text line)
{
	for (size_t i = 0; i < line.length; i++)
		if ((unsigned char)line.start[i] < ' ' && line.start[i] != '\t' &&
		    line.start[i] != '\r')
			return fail_at(parser, parser->line,
				       "found a byte of value %u, expected text",
				       (unsigned char)line.start[i]);
	line = text_trim(line);
	if (line.length == 0 || line.start[0] == '#' || line.start[0] == ';')
		return STATUS_OK;
	if (line.start[0] == '[')
		return section_parse(parser, line);
	return assignment_parse(parser, line);
}

static status_t file_parse(struct parser *parser, struct text rest)
{
	bool more = true;

	while (more) {
		struct text line;
		status_t status;

		parser->line++;
		more = text_split(&rest, '\n', &line);
		status = line_parse(parser, line);
		if (status != STATUS_OK)
			return status;
	}
	return section_end(parser);
}

status_t config_parse(const char *text, size_t length, const char *filename, struct config *out,
		      struct config_error *error)
{
	struct parser parser = {.filename = filename, .config = out, .error = error};
	status_t status;

	*out = (struct config){.on_exit = CONFIG_ON_EXIT_POWEROFF};
	*error = (struct config_error){0};
	status = file_parse(&parser, (struct text){text, length});
	if (status == STATUS_OK && out->partition_count == 0)
		status = fail_at(&parser, 0,
				 "there is no partition, expected a section "
				 "[partition NAME]");
	if (status == STATUS_OK && out->gdb && !config_find(out, out->gdb))
		status = fail_at(&parser, 0, "gdb = %.32s, but there is no such partition",
				 out->gdb);
	if (status != STATUS_OK)
		config_free(out);
	return status;
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->partition_count; i++) {
		struct config_partition *partition = &config->partitions[i];

		for (size_t j = 0; j < partition->module_count; j++) {
			free(partition->modules[j].file);
			free(partition->modules[j].arguments);
		}
		free(partition->modules);
		free(partition->cpus);
		free(partition->name);
		free(partition->kernel);
		free(partition->initrd);
		free(partition->cmdline);
	}
	free(config->partitions);
	free(config->gdb);
	*config = (struct config){0};
}

const struct config_partition *config_find(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->partition_count; i++)
		if (strcmp(config->partitions[i].name, name) == 0)
			return &config->partitions[i];
	return NULL;
}

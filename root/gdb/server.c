/* SPDX-License-Identifier: MIT */
/* gdb's remote serial protocol: see server.h. One table says which packets there are. */
#include <gdb/server.h>
#include <stdio.h>
#include <string.h>

#define THREAD_ALL    UINT32_MAX
#define TEXT_SIZE     96u
#define PART_SIZE     ((GDB_PAYLOAD_MAX - 16) / 2) /* bytes that an answer holds in digits */
#define ERROR_MEMORY  "E0e"
#define ERROR_PACKET  "E16"
#define ERROR_UNKNOWN "E03" /* of threads and registers */

static void put(struct gdb_server *s, const char *text)
{
	gdb_put_text(&s->writer, text);
}

static void put_thread(struct gdb_server *s, uint32_t thread)
{
	gdb_put_number(&s->writer, (uint64_t)thread + 1);
}

static void packet_send(struct gdb_server *s)
{
	gdb_writer_end(&s->writer);
	s->answered = true;
	s->ops->send(s->target, s->writer.data, s->writer.length);
}

/* A thread as gdb names it: a number, or -1 for all, or 0 for any. */
static bool take_thread(struct gdb_server *s, const char **text, uint32_t *thread)
{
	uint64_t number;

	if (gdb_take(text, '-')) {
		*thread = THREAD_ALL;
		return gdb_take(text, '1');
	}
	if (!gdb_take_number(text, &number))
		return false;
	*thread = number ? (uint32_t)(number - 1) : s->stop.thread;
	return number <= s->ops->threads(s->target);
}

/* ---- why it stands still ---- */

static void stop_put(struct gdb_server *s)
{
	static const char *const watches[] = {
		[GDB_WRITE] = "watch:", [GDB_READ] = "rwatch:", [GDB_ACCESS] = "awatch:"};
	const struct gdb_stop *stop = &s->stop;

	if (!s->ops->threads(s->target)) {
		put(s, "W00");
		return;
	}
	put(s, "T");
	gdb_put_bytes(&s->writer, &stop->signal, 1);
	put(s, "thread:");
	put_thread(s, stop->thread);
	put(s, ";");
	if (!stop->at_breakpoint)
		return;
	if (stop->kind <= GDB_HARDWARE) {
		if (s->names_reasons)
			put(s, stop->kind == GDB_SOFTWARE ? "swbreak:;" : "hwbreak:;");
		return;
	}
	put(s, watches[stop->kind]);
	gdb_put_number(&s->writer, stop->address);
	put(s, ";");
}

void gdb_server_stopped(struct gdb_server *s, const struct gdb_stop *stop)
{
	s->stop = *stop;
	s->general = s->step = stop->thread;
	if (!s->running)
		return;
	s->running = false;
	gdb_writer_begin(&s->writer);
	stop_put(s);
	packet_send(s);
}

void gdb_server_exited(struct gdb_server *s)
{
	bool told = s->running;

	s->running = s->attached = false;
	if (!told)
		return;
	gdb_writer_begin(&s->writer);
	put(s, "W00");
	packet_send(s);
}

static void reason(struct gdb_server *s, const char *text)
{
	(void)text;
	stop_put(s);
}

/* ---- registers ---- */

/* Digits, or x where the value is not known. */
static void register_put(struct gdb_server *s, const struct gdb_state *state, size_t number)
{
	uint8_t bytes[GDB_REGISTER_SIZE];
	size_t size = gdb_register_size(number);

	if (gdb_register_read(state, number, bytes))
		gdb_put_bytes(&s->writer, bytes, size);
	else
		for (size_t i = 0; i < size; i++)
			put(s, "xx");
}

static void registers_read(struct gdb_server *s, const char *text)
{
	const struct gdb_state *state = s->ops->state(s->target, s->general);

	(void)text;
	if (!state) {
		put(s, ERROR_UNKNOWN);
		return;
	}
	for (size_t i = 0; i < gdb_register_count(); i++)
		register_put(s, state, i);
}

/* Those that can't be written are passed over, as gdb sends all. */
static void registers_write(struct gdb_server *s, const char *text)
{
	struct gdb_state *state = s->ops->state(s->target, s->general);
	struct gdb_state changed;
	uint8_t bytes[GDB_REGISTER_SIZE];

	if (!state) {
		put(s, ERROR_UNKNOWN);
		return;
	}
	changed = *state;
	for (size_t i = 0; i < gdb_register_count(); i++) {
		size_t size = gdb_register_size(i);

		if (*text == 'x' && strlen(text) >= 2 * size) {
			text += 2 * size;
			continue;
		}
		if (!gdb_take_bytes(&text, bytes, size)) {
			put(s, ERROR_PACKET);
			return;
		}
		(void)gdb_register_write(&changed, i, bytes);
	}
	*state = changed;
	s->ops->state_changed(s->target, s->general);
	put(s, "OK");
}

static void register_read(struct gdb_server *s, const char *text)
{
	const struct gdb_state *state = s->ops->state(s->target, s->general);
	uint64_t number;

	if (!state || !gdb_take_number(&text, &number) || !gdb_register_size(number))
		put(s, ERROR_UNKNOWN);
	else
		register_put(s, state, number);
}

static void register_write(struct gdb_server *s, const char *text)
{
	struct gdb_state *state = s->ops->state(s->target, s->general);
	uint8_t bytes[GDB_REGISTER_SIZE];
	uint64_t number;

	if (!state || !gdb_take_number(&text, &number) || !gdb_register_size(number) ||
	    !gdb_take(&text, '=') || !gdb_take_bytes(&text, bytes, gdb_register_size(number)) ||
	    !gdb_register_write(state, number, bytes)) {
		put(s, ERROR_UNKNOWN);
		return;
	}
	s->ops->state_changed(s->target, s->general);
	put(s, "OK");
}

/* ---- memory ---- */

static bool take_range(const char **text, uint64_t *address, uint64_t *size)
{
	return gdb_take_number(text, address) && gdb_take(text, ',') && gdb_take_number(text, size);
}

static void memory_read(struct gdb_server *s, const char *text)
{
	uint8_t bytes[PART_SIZE];
	uint64_t address, size;
	size_t done = 0;

	if (!take_range(&text, &address, &size)) {
		put(s, ERROR_PACKET);
		return;
	}
	done = s->ops->read(s->target, s->general, address, bytes, MIN(size, sizeof(bytes)));
	if (!done && size)
		put(s, ERROR_MEMORY);
	gdb_put_bytes(&s->writer, bytes, done);
}

static void memory_store(struct gdb_server *s, uint64_t address, const void *data, uint64_t size)
{
	size_t done = s->ops->write(s->target, s->general, address, data, size);

	put(s, done == size ? "OK" : ERROR_MEMORY);
}

static void memory_write(struct gdb_server *s, const char *text)
{
	uint8_t bytes[GDB_PAYLOAD_MAX / 2];
	uint64_t address, size;

	if (!take_range(&text, &address, &size) || !gdb_take(&text, ':') || size > sizeof(bytes) ||
	    !gdb_take_bytes(&text, bytes, size))
		put(s, ERROR_PACKET);
	else
		memory_store(s, address, bytes, size);
}

static void memory_write_binary(struct gdb_server *s, const char *text)
{
	const char *end = (const char *)s->reader.data + s->reader.length;
	uint64_t address, size;

	if (!take_range(&text, &address, &size) || !gdb_take(&text, ':') ||
	    size != (size_t)(end - text))
		put(s, ERROR_PACKET);
	else
		memory_store(s, address, text, size);
}

static void breakpoint(struct gdb_server *s, const char *text, bool insert)
{
	static const char *const answers[] = {
		[GDB_OK] = "OK", [GDB_UNSUPPORTED] = "", [GDB_FAILED] = ERROR_MEMORY};
	uint64_t kind, address, length;

	if (!gdb_take_number(&text, &kind) || !gdb_take(&text, ',') ||
	    !take_range(&text, &address, &length))
		put(s, ERROR_PACKET);
	else if (kind <= GDB_ACCESS)
		put(s, answers[s->ops->breakpoint(s->target, s->general, insert,
						  (enum gdb_kind)kind, address, length)]);
}

static void breakpoint_insert(struct gdb_server *s, const char *text)
{
	breakpoint(s, text, true);
}

static void breakpoint_remove(struct gdb_server *s, const char *text)
{
	breakpoint(s, text, false);
}

/* ---- running ---- */

enum gdb_action gdb_server_action(const struct gdb_server *s, uint32_t thread)
{
	for (size_t i = 0; i < s->action_count; i++)
		if (s->actions[i].thread == THREAD_ALL || s->actions[i].thread == thread)
			return (enum gdb_action)s->actions[i].action;
	return GDB_STAY;
}

static void action_add(struct gdb_server *s, enum gdb_action action, uint32_t thread)
{
	s->actions[s->action_count].action = (uint8_t)action;
	s->actions[s->action_count++].thread = thread;
}

/* The answer is the next stop. */
static void resume(struct gdb_server *s)
{
	s->running = s->ops->resume(s->target);
	if (!s->running)
		put(s, ERROR_UNKNOWN);
}

/* An address to go on at, behind `c` or `s`; gdb itself sets the register instead. */
static bool resume_at(struct gdb_server *s, const char *text)
{
	struct gdb_state *state = s->ops->state(s->target, s->step);
	uint64_t address;

	if (!*text)
		return true;
	if (!state || !gdb_take_number(&text, &address))
		return false;
	gdb_state_pc_set(state, address);
	s->ops->state_changed(s->target, s->step);
	return true;
}

static void continue_all(struct gdb_server *s, const char *text)
{
	s->action_count = 0;
	action_add(s, GDB_CONTINUE, THREAD_ALL);
	if (resume_at(s, text))
		resume(s);
	else
		put(s, ERROR_PACKET);
}

static void step_one(struct gdb_server *s, const char *text)
{
	s->action_count = 0;
	action_add(s, GDB_STEP, s->step);
	if (resume_at(s, text))
		resume(s);
	else
		put(s, ERROR_PACKET);
}

/* ;c:1;s ... A signal behind C and S is for processes. */
static bool actions_take(struct gdb_server *s, const char *text)
{
	enum gdb_action action;
	uint32_t thread;
	uint64_t signal;

	s->action_count = 0;
	while (gdb_take(&text, ';')) {
		if (s->action_count == GDB_ACTIONS_MAX || !strchr("cCsSt", *text) || !*text)
			return false;
		action = (*text | 0x20) == 'c'	 ? GDB_CONTINUE
			 : (*text | 0x20) == 's' ? GDB_STEP
						 : GDB_STAY;
		if (strchr("CS", *text++) && !gdb_take_number(&text, &signal))
			return false;
		thread = THREAD_ALL;
		if (gdb_take(&text, ':') && !take_thread(s, &text, &thread))
			return false;
		action_add(s, action, thread);
	}
	return s->action_count && !*text;
}

static void vcont(struct gdb_server *s, const char *text)
{
	if (*text == '?')
		put(s, "vCont;c;C;s;S;t");
	else if (actions_take(s, text))
		resume(s);
	else
		put(s, ERROR_PACKET);
}

static void detach(struct gdb_server *s, const char *text)
{
	(void)text;
	s->attached = false;
	s->ops->detach(s->target, false);
	put(s, "OK");
}

static void kill_guest(struct gdb_server *s, const char *text)
{
	(void)text;
	s->attached = false;
	s->ops->detach(s->target, true);
}

static void kill_process(struct gdb_server *s, const char *text)
{
	kill_guest(s, text);
	put(s, "OK");
}

/* ---- threads ---- */

static void thread_choose(struct gdb_server *s, const char *text)
{
	uint32_t *chosen = *text == 'g' ? &s->general : &s->step;
	uint32_t thread;

	if ((*text != 'g' && *text != 'c') || (text++, !take_thread(s, &text, &thread))) {
		put(s, ERROR_UNKNOWN);
		return;
	}
	*chosen = thread == THREAD_ALL ? s->stop.thread : thread;
	put(s, "OK");
}

static void thread_alive(struct gdb_server *s, const char *text)
{
	uint32_t thread;

	if (take_thread(s, &text, &thread) && thread != THREAD_ALL)
		put(s, "OK");
	else
		put(s, ERROR_UNKNOWN);
}

static void current_put(struct gdb_server *s, const char *text)
{
	if (*text)
		return; /* qCRC is another */
	put(s, "QC");
	put_thread(s, s->general);
}

/* As many as there is room for; gdb asks for more. */
static void threads_list(struct gdb_server *s, uint32_t from)
{
	uint32_t count = s->ops->threads(s->target);

	if (from >= count) {
		put(s, "l");
		return;
	}
	put(s, "m");
	put_thread(s, from++);
	for (; from < count && s->writer.length < GDB_PAYLOAD_MAX - 16; from++) {
		put(s, ",");
		put_thread(s, from);
	}
	s->listed = from;
}

static void threads_first(struct gdb_server *s, const char *text)
{
	(void)text;
	threads_list(s, 0);
}

static void threads_next(struct gdb_server *s, const char *text)
{
	(void)text;
	threads_list(s, s->listed);
}

static void thread_words(struct gdb_server *s, const char *text)
{
	char words[TEXT_SIZE] = "";
	uint32_t thread;

	if (!take_thread(s, &text, &thread) || thread == THREAD_ALL) {
		put(s, ERROR_UNKNOWN);
		return;
	}
	s->ops->words(s->target, thread, words, sizeof(words));
	gdb_put_bytes(&s->writer, words, strlen(words));
}

/* ---- what there is ---- */

static void supported(struct gdb_server *s, const char *text)
{
	char words[TEXT_SIZE];

	s->names_reasons = strstr(text, "swbreak+") && strstr(text, "hwbreak+");
	snprintf(words, sizeof(words), "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+",
		 GDB_PAYLOAD_MAX);
	put(s, words);
	put(s, ";swbreak+;hwbreak+;vContSupported+");
}

/* The answer still belongs to what was before: gdb acknowledges it. */
static void no_ack(struct gdb_server *s, const char *text)
{
	(void)text;
	s->ack_due = !s->no_ack;
	s->no_ack = true;
	put(s, "OK");
}

static void description(struct gdb_server *s, const char *text)
{
	uint8_t bytes[GDB_PAYLOAD_MAX];
	uint64_t offset, size;
	size_t got, taken;

	if (!take_range(&text, &offset, &size)) {
		put(s, ERROR_PACKET);
		return;
	}
	got = gdb_description_read(offset, bytes, MIN(size, sizeof(bytes)));
	put(s, "m");
	taken = gdb_put_binary(&s->writer, bytes, got);
	if (taken == got && got < MIN(size, sizeof(bytes)))
		s->writer.data[1] = 'l'; /* that was all */
}

static void attached_to(struct gdb_server *s, const char *text)
{
	(void)text;
	put(s, "1"); /* to what ran before: gdb detaches at its end */
}

/* By how they begin. What is not here is answered with nothing. */
static const struct packet {
	const char *name;
	void (*serve)(struct gdb_server *s, const char *text);
} packets[] = {
	{"?", reason},
	{"g", registers_read},
	{"G", registers_write},
	{"p", register_read},
	{"P", register_write},
	{"m", memory_read},
	{"M", memory_write},
	{"X", memory_write_binary},
	{"Z", breakpoint_insert},
	{"z", breakpoint_remove},
	{"c", continue_all},
	{"s", step_one},
	{"vCont", vcont},
	{"vKill;", kill_process},
	{"D", detach},
	{"k", kill_guest},
	{"H", thread_choose},
	{"T", thread_alive},
	{"qC", current_put},
	{"qfThreadInfo", threads_first},
	{"qsThreadInfo", threads_next},
	{"qThreadExtraInfo,", thread_words},
	{"qSupported", supported},
	{"QStartNoAckMode", no_ack},
	{"qXfer:features:read:target.xml:", description},
	{"qAttached", attached_to},
};

static void packet_serve(struct gdb_server *s)
{
	const char *text = (const char *)s->reader.data;

	gdb_writer_begin(&s->writer);
	s->answered = false;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		size_t length = strlen(packets[i].name);

		if (strncmp(text, packets[i].name, length) != 0)
			continue;
		packets[i].serve(s, text + length);
		break;
	}
	if (s->running || *text == 'k')
		return; /* answered by the next stop, or not at all */
	packet_send(s);
}

/* A gdb that knows that they run sends no packet: this is another one. */
static void arrive(struct gdb_server *s)
{
	if (s->attached && !s->running)
		return;
	s->attached = true;
	s->running = false;
	s->ops->halt(s->target);
}

static void packet_take(struct gdb_server *s)
{
	if (!s->no_ack)
		s->ops->send(s->target, "+", 1);
	arrive(s);
	packet_serve(s);
}

/* Without acknowledgments there is one more, of the answer that ends them; then a new gdb's first. */
static void ack_take(struct gdb_server *s)
{
	if (!s->ack_due)
		s->no_ack = false;
	s->ack_due = false;
}

void gdb_server_input(struct gdb_server *s, uint8_t byte)
{
	switch (gdb_reader_put(&s->reader, byte)) {
	case GDB_INPUT_PACKET: packet_take(s); break;
	case GDB_INPUT_BAD:
		if (!s->no_ack)
			s->ops->send(s->target, "-", 1);
		break;
	case GDB_INPUT_ACK: ack_take(s); break;
	case GDB_INPUT_NAK:
		if (!s->no_ack && s->answered)
			s->ops->send(s->target, s->writer.data, s->writer.length);
		break;
	case GDB_INPUT_BREAK:
		if (s->running)
			s->ops->interrupt(s->target);
		break;
	case GDB_INPUT_NONE: break;
	}
}

void gdb_server_init(struct gdb_server *s, const struct gdb_target_ops *ops, void *target)
{
	memset(s, 0, sizeof(*s));
	s->ops = ops;
	s->target = target;
}

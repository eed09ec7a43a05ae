/* SPDX-License-Identifier: MIT */
/* hyperv-testdev: routes, connections, and a message that waits. */
#include <devices/device_state.h>
#include <devices/hyperv_test.h>

#include <string.h>

#define RETRY_NS      1000000ull
#define SERVE_AT_ONCE 64u
/* No test looks at it. */
#define RAISE_FLAG    (HV_EVENT_FLAGS - 1)

static uint32_t word_connection(uint32_t word)
{
	return word >> 24;
}

static enum hyperv_test_control word_control(uint32_t word)
{
	return word >> 16 & 0xff;
}

static uint32_t word_vp(uint32_t word)
{
	return word >> 8 & 0xff;
}

static uint32_t word_sint(uint32_t word)
{
	return word & 0xff;
}

/* ---- connections ---- */

/* The one that a word of that kind created; HYPERV_TEST_CONNECTIONS: there is none. */
static uint32_t connection_find(const struct hyperv_test *test, uint32_t connection,
				enum hyperv_test_control created)
{
	uint32_t n = 0;

	while (n < HYPERV_TEST_CONNECTIONS &&
	       (word_connection(test->connections[n]) != connection ||
		word_control(test->connections[n]) != created))
		n++;
	return n;
}

static void connection_open(struct hyperv_test *test, uint32_t n, uint32_t word)
{
	bool event = word_control(word) == HYPERV_TEST_EVENT_CREATE;

	test->connections[n] = 0;
	if (test->host->open(test, n, word_connection(word), event) == STATUS_OK)
		test->connections[n] = word;
}

static void connection_create(struct hyperv_test *test, uint32_t word)
{
	/* A free one is a word of 0. */
	uint32_t n = connection_find(test, 0, 0);

	if (n < HYPERV_TEST_CONNECTIONS)
		connection_open(test, n, word);
}

static void connection_close(struct hyperv_test *test, uint32_t n)
{
	if (test->holder == n + 1) {
		test->holder = 0;
		device_timer_cancel(test->env, &test->retry);
	}
	test->connections[n] = 0;
	test->host->close(test, n);
}

static void connection_destroy(struct hyperv_test *test, uint32_t word,
			       enum hyperv_test_control created)
{
	uint32_t n = connection_find(test, word_connection(word), created);

	if (n < HYPERV_TEST_CONNECTIONS)
		connection_close(test, n);
}

static void connections_close(struct hyperv_test *test)
{
	for (uint32_t n = 0; n < HYPERV_TEST_CONNECTIONS; n++)
		if (test->connections[n])
			connection_close(test, n);
}

/* ---- the port ---- */

static void control(struct hyperv_test *test, uint32_t word)
{
	uint16_t *routes = &test->routes[word_vp(word)];
	uint16_t bit = (uint16_t)BIT(word_sint(word) % HV_SINT_COUNT);

	switch (word_control(word)) {
	case HYPERV_TEST_ROUTE_CREATE: *routes |= bit; break;
	case HYPERV_TEST_ROUTE_DESTROY: *routes &= (uint16_t)~bit; break;
	case HYPERV_TEST_ROUTE_RAISE:
		if (*routes & bit)
			test->host->flag(test, word_vp(word), word_sint(word), RAISE_FLAG, true);
		break;
	case HYPERV_TEST_MESSAGE_CREATE:
	case HYPERV_TEST_EVENT_CREATE: connection_create(test, word); break;
	case HYPERV_TEST_MESSAGE_DESTROY:
		connection_destroy(test, word, HYPERV_TEST_MESSAGE_CREATE);
		break;
	case HYPERV_TEST_EVENT_DESTROY:
		connection_destroy(test, word, HYPERV_TEST_EVENT_CREATE);
		break;
	}
}

static void hyperv_test_write(struct device *dev, uint32_t offset, unsigned int size,
			      uint32_t value)
{
	(void)offset;
	if (size == 4 && word_sint(value) < HV_SINT_COUNT)
		control(container_of(dev, struct hyperv_test, dev), value);
}

/* ---- what comes ---- */

/* Posts what is held; true: nothing is any more. */
static bool held_post(struct hyperv_test *test)
{
	uint32_t word;
	struct hv_message message;

	if (!test->holder)
		return true;
	word = test->connections[test->holder - 1];
	memcpy(&message, test->held, sizeof(message));
	if (test->host->post(test, word_vp(word), word_sint(word), &message) == STATUS_BUSY) {
		device_timer_arm(test->env, &test->retry, device_now(test->env) + RETRY_NS);
		return false;
	}
	test->holder = 0;
	return true;
}

static void messages_echo(struct hyperv_test *test, uint32_t n)
{
	struct hv_message message;

	for (uint32_t i = 0; i < SERVE_AT_ONCE && held_post(test); i++) {
		if (test->host->receive(test, n, &message) != STATUS_OK)
			return;
		memcpy(test->held, &message, sizeof(message));
		test->holder = n + 1;
	}
}

void hyperv_test_serve(struct hyperv_test *test, uint64_t bits)
{
	for (uint32_t n = 0; n < HYPERV_TEST_CONNECTIONS; n++) {
		uint32_t word = test->connections[n];

		if (word_control(word) == HYPERV_TEST_MESSAGE_CREATE)
			messages_echo(test, n);
		else if (word && (bits & BIT(n)))
			test->host->flag(test, word_vp(word), word_sint(word),
					 word_connection(word), false);
	}
}

static void retry_expired(struct device_timer *timer)
{
	hyperv_test_serve(container_of(timer, struct hyperv_test, retry), 0);
}

/* ---- the device ---- */

static void hyperv_test_reset(struct device *dev)
{
	struct hyperv_test *test = container_of(dev, struct hyperv_test, dev);

	connections_close(test);
	memset(test->routes, 0, sizeof(test->routes));
}

/* Words that a write could have created, and a message of one of them. */
static bool state_valid(const struct device *dev)
{
	const struct hyperv_test *test = container_of(dev, struct hyperv_test, dev);

	for (uint32_t n = 0; n < HYPERV_TEST_CONNECTIONS; n++) {
		uint32_t word = test->connections[n];

		if (word && (word_sint(word) >= HV_SINT_COUNT ||
			     (word_control(word) != HYPERV_TEST_MESSAGE_CREATE &&
			      word_control(word) != HYPERV_TEST_EVENT_CREATE)))
			return false;
	}
	return !test->holder ||
	       word_control(test->connections[test->holder - 1]) == HYPERV_TEST_MESSAGE_CREATE;
}

static void state_restored(struct device *dev)
{
	struct hyperv_test *test = container_of(dev, struct hyperv_test, dev);

	for (uint32_t n = 0; n < HYPERV_TEST_CONNECTIONS; n++)
		if (test->connections[n])
			connection_open(test, n, test->connections[n]);
	if (test->holder && !test->connections[test->holder - 1])
		test->holder = 0;
}

static const struct device_field fields[] = {
	DEVICE_ARRAY(struct hyperv_test, routes, 0),
	DEVICE_ARRAY(struct hyperv_test, connections, 0),
	DEVICE_FIELD(struct hyperv_test, holder, HYPERV_TEST_CONNECTIONS),
	DEVICE_ARRAY(struct hyperv_test, held, 0),
	DEVICE_TIMER(struct hyperv_test, retry),
};

static const struct device_state state = {
	.version = 1,
	.structure_size = sizeof(struct hyperv_test),
	.fields = fields,
	.field_count = ARRAY_SIZE(fields),
	.valid = state_valid,
	.restored = state_restored,
};

static const struct device_ops ops = {
	.io_write = hyperv_test_write,
	.reset = hyperv_test_reset,
	.state = &state,
};

status_t hyperv_test_init(struct hyperv_test *test, struct device_env *env, struct device_bus *bus,
			  const struct hyperv_test_host *host)
{
	memset(test, 0, sizeof(*test));
	test->dev = (struct device){.name = "hyperv-testdev", .ops = &ops};
	test->env = env;
	test->host = host;
	test->retry.expired = retry_expired;
	device_bus_attach(bus, &test->dev);
	return device_bus_add_ports(bus, &test->dev, HYPERV_TEST_PORT, 4, 0, 4);
}

void hyperv_test_destroy(struct hyperv_test *test)
{
	if (test->host)
		connections_close(test);
}

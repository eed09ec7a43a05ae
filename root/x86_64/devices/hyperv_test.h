/* SPDX-License-Identifier: MIT */
/*
 * hyperv-testdev, by which test kernels written for QEMU reach the synic from the host's side. A write of 32 bits
 * to the port says what to do; it reads nothing.
 *
 *	31      24 23      16 15       8 7         0
 *	connection | control |    VP    |   SINT
 *
 * A SINT's route lets the guest raise that SINT's interrupt. A message connection posts what the guest posts to
 * it back to its SINT; an event connection sets the event flag of its own number.
 */
#ifndef DEVICES_HYPERV_TEST_H
#define DEVICES_HYPERV_TEST_H

#include <devices/device.h>
#include <trivet/hv/synic.h>

#define HYPERV_TEST_PORT	0x3000u
#define HYPERV_TEST_CONNECTIONS 48u

enum hyperv_test_control {
	HYPERV_TEST_ROUTE_CREATE = 1,
	HYPERV_TEST_ROUTE_DESTROY = 2,
	HYPERV_TEST_ROUTE_RAISE = 3,
	HYPERV_TEST_MESSAGE_CREATE = 4,
	HYPERV_TEST_MESSAGE_DESTROY = 5,
	HYPERV_TEST_EVENT_CREATE = 6,
	HYPERV_TEST_EVENT_DESTROY = 7,
};

struct hyperv_test;

/* What the VMM gives it beside the environment. */
struct hyperv_test_host {
	/* A connection's port: bit n of hyperv_test_serve() for what comes there. */
	status_t (*open)(struct hyperv_test *test, uint32_t n, uint32_t connection, bool event);
	void (*close)(struct hyperv_test *test, uint32_t n);
	/* NOT_FOUND: there is none. */
	status_t (*receive)(struct hyperv_test *test, uint32_t n, struct hv_message *message);
	/* BUSY: try again. */
	status_t (*post)(struct hyperv_test *test, uint32_t vp, uint32_t sint,
			 const struct hv_message *message);
	/* Sets an event flag; `raise`: and takes it back, so that the interrupt is all that is left. */
	void (*flag)(struct hyperv_test *test, uint32_t vp, uint32_t sint, uint32_t flag,
		     bool raise);
};

struct hyperv_test {
	struct device dev;
	struct device_env *env;
	const struct hyperv_test_host *host;
	uint16_t routes[256];			       /* bits by SINT, of each VP */
	uint32_t connections[HYPERV_TEST_CONNECTIONS]; /* the words that created them; 0: none */
	uint32_t holder;	       /* number + 1 of the connection of `held`; 0: none */
	uint8_t held[HV_MESSAGE_SIZE]; /* the message that finds no room in its SINT */
	struct device_timer retry;
};

/* The statuses of the bus. */
status_t hyperv_test_init(struct hyperv_test *test, struct device_env *env, struct device_bus *bus,
			  const struct hyperv_test_host *host);
/* Closes all connections. */
void hyperv_test_destroy(struct hyperv_test *test);
/* Something has come to the connections of these bits. */
void hyperv_test_serve(struct hyperv_test *test, uint64_t bits);

#endif

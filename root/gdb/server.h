/* SPDX-License-Identifier: MIT */
/*
 * gdb's remote serial protocol, as its server: what packets ask for, and the answers. It knows threads, which
 * are numbered from 0 here and from 1 for gdb, and all of which stand still or run. What they are is the
 * target's affair. Pure: bytes come in by gdb_server_input() and go out by ops->send().
 */
#ifndef GDB_SERVER_H
#define GDB_SERVER_H

#include <gdb/packet.h>
#include <gdb/registers.h>

/* The numbers of Z packets. */
enum gdb_kind { GDB_SOFTWARE, GDB_HARDWARE, GDB_WRITE, GDB_READ, GDB_ACCESS };
enum gdb_result { GDB_OK, GDB_UNSUPPORTED, GDB_FAILED };
enum gdb_action { GDB_STAY, GDB_CONTINUE, GDB_STEP };

#define GDB_SIGNAL_INT	2u
#define GDB_SIGNAL_TRAP 5u
#define GDB_SIGNAL_SEGV 11u

/* Why a thread stands still. */
struct gdb_stop {
	uint32_t thread;
	uint8_t signal;
	bool at_breakpoint; /* `kind` and, of data, `address` */
	enum gdb_kind kind;
	uint64_t address;
};

struct gdb_target_ops {
	void (*send)(void *target, const void *bytes, size_t size);
	/* Threads are numbers below this; 0: there is nothing to debug. */
	uint32_t (*threads)(void *target);
	/* Of a thread that stands still. Who writes to it says so by state_changed. NULL: it is not known. */
	struct gdb_state *(*state)(void *target, uint32_t thread);
	void (*state_changed)(void *target, uint32_t thread);
	/* Memory at a linear address, as that thread's processor translates it; answers how many bytes
	 * there were. */
	size_t (*read)(void *target, uint32_t thread, uint64_t address, void *buffer, size_t size);
	size_t (*write)(void *target, uint32_t thread, uint64_t address, const void *data,
			size_t size);
	enum gdb_result (*breakpoint)(void *target, uint32_t thread, bool insert,
				      enum gdb_kind kind, uint64_t address, uint64_t length);
	/* All threads do what gdb_server_action() says of them. gdb_server_stopped() follows. False: none does
	 * anything, and nothing follows. */
	bool (*resume)(void *target);
	/* Asked for while they run: gdb_server_stopped() follows. */
	void (*interrupt)(void *target);
	/* All stand still, without a word: a gdb has come that does not know that they run. */
	void (*halt)(void *target);
	/* Words on a thread, for a person. */
	void (*words)(void *target, uint32_t thread, char *buffer, size_t size);
	/* gdb goes; breakpoints go with it. kill: and so does the guest. */
	void (*detach)(void *target, bool kill);
};

#define GDB_ACTIONS_MAX 32u

struct gdb_server {
	const struct gdb_target_ops *ops;
	void *target;
	struct gdb_reader reader;
	struct gdb_writer writer;
	bool answered; /* the writer has the last packet sent */
	bool no_ack, ack_due;
	bool attached;		/* a gdb has spoken, and not gone */
	bool running;		/* since ops->resume() */
	bool names_reasons;	/* gdb understands swbreak and hwbreak */
	uint32_t general, step; /* the threads that packets are about */
	uint32_t listed;	/* threads that gdb has been told of */
	struct gdb_stop stop;	/* the last */
	size_t action_count;	/* of vCont; the first that fits counts */
	struct {
		uint8_t action;	 /* enum gdb_action */
		uint32_t thread; /* UINT32_MAX: all */
	} actions[GDB_ACTIONS_MAX];
};

void gdb_server_init(struct gdb_server *server, const struct gdb_target_ops *ops, void *target);
void gdb_server_input(struct gdb_server *server, uint8_t byte);
/* All threads stand still, because of this one. */
void gdb_server_stopped(struct gdb_server *server, const struct gdb_stop *stop);
/* There is nothing any more to debug. */
void gdb_server_exited(struct gdb_server *server);
enum gdb_action gdb_server_action(const struct gdb_server *server, uint32_t thread);

#endif

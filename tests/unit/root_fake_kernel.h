/* SPDX-License-Identifier: MIT */
/*
 * A kernel for hosted tests of the root task: events and threads are real, partitions are counted,
 * and VP 0 of each partition plays a script instead of running a guest.
 */
#ifndef ROOT_FAKE_KERNEL_H
#define ROOT_FAKE_KERNEL_H

#include <stdatomic.h>
#include <trivet/abi.h>
#include <trivet/hv/synic.h>

/* What VP 0 does next. */
enum fake_step_kind {
	FAKE_END, /* halts for ever: the last step */
	FAKE_OUT, /* a byte to a port */
	FAKE_OUT16,
	FAKE_IN, /* a byte from a port; must be value */
	FAKE_TRIPLE_FAULT,
	FAKE_EMULATE,	/* MOV [RBX], EAX at value; the code is in RAM at FAKE_CODE */
	FAKE_NO_MEMORY, /* vp_run answers NO_MEMORY once */
};

struct fake_step {
	enum fake_step_kind kind;
	uint16_t port;
	uint32_t value;
};

#define FAKE_CODE 0x100000u

struct fake_kernel {
	/* Set by the test. */
	const struct fake_step *script; /* for each boot from its start */
	uint32_t build_deposits;	/* blocks that build asks for */
	uint32_t lost_block;		/* number + 1 of a deposited block that never comes back */
	/* Seen by the test. */
	uint32_t partitions, maps, resets, vp_resets, bound, deposited;
	/* Set by the test: VPs to be reset with each reset. Counted: runs of VP 0 before that. */
	uint32_t vps_to_reset, early_runs;
	uint32_t events;
	uint32_t mismatches; /* of FAKE_IN */
	uint64_t rip;	     /* that VP 0 was started with */
	uint64_t doorbell;   /* where the last one was made */
	uint32_t rings, rung_length;
	uint64_t rung_value;
	uint32_t thread_yields;
	uint32_t threads_refused; /* set by the test: starts of threads that fail */
	uint32_t last_cpu;	  /* of the thread that was started last */
	uint64_t reference;	  /* reference time of each partition */
	uint32_t frozen;	  /* partitions whose time stands still */
	uint32_t restored;	  /* VPs */
	bool refuses_states;	  /* set by the test: vp_restore fails */
	uint32_t apic_writes, last_apic_offset, last_apic_value;
	/* A write to the APIC's EOI register ends this vector, which this entry of the I/O APIC
	 * has sent; NULL: none. */
	uint64_t *level_entry;
	uint8_t level_vector;
	uint32_t debug[16];	   /* flags of each VP's debug state */
	_Atomic uint32_t runs[16]; /* of each VP */
	/* Set by the test, of each VP: it hears of no yield; it comes back once with this reason
	 * (enum vp_run_reason) at the next yield, which is then still to come. */
	_Atomic bool deaf[16];
	_Atomic uint32_t ends[16];
	/* What the guest posts, set by the test, and what is posted to it. */
	const struct hv_message *to_host;
	_Atomic uint32_t to_host_count;
	struct hv_message from_host[32];
	_Atomic uint32_t from_host_count, flags_set;
	char serial[8192]; /* what was written to the second line */
	size_t serial_length;
	char output[65536];
	size_t output_length;
};

extern struct fake_kernel fake_kernel;

void fake_kernel_reset(void);
/* Bytes come over the second line. */
void fake_serial_type(const char *text);

#endif

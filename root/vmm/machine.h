/* SPDX-License-Identifier: MIT */
/*
 * A machine: a partition together with what the VMM adds to it: RAM, devices, firmware tables, a
 * console, and threads. There is one for each [partition] section of trivet.conf, for as long as
 * the root task lives; the partition beneath it comes and goes.
 *
 *	  EMPTY --start--> RUNNING --guest powers off, crashes; stop--> ENDED
 *	    ^                 ^ `--guest resets; reset--.                 |
 *	    |                 `-------------------------' <----start------|
 *	    `------------------------------destroy------------------------'
 *
 *	  RUNNING --save--> SAVED --restore--> RUNNING; SAVED --destroy--> EMPTY
 *
 * Each machine has a service thread, which alone changes its state: it serves the devices' timers
 * and carries out what was asked for, by the guest through a device or by a person through the
 * monitor. While it runs, each VP has a thread, bound to it, on one CPU.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <stdatomic.h>
#include <config.h>
#include <devices/platform.h>
#include <firmware/memory_layout.h>
#include <lib/model.h>
#include <lib/run.h>
#include <lib/sync.h>
#include <lib/thread.h>
#include <loader/boot_state.h>
#include <loader/guest_memory.h>
#include <lib/log_limit.h>
#include <vmm/console.h>
#include <vmm/machine_arch.h>

/* X(name, word) */
#define MACHINE_STATE_TABLE(X)                                              \
	X(EMPTY, "not started") /* owns nothing */                          \
	X(RUNNING, "running")	/* VP threads exist */                      \
	X(ENDED, "ended")	/* has its partition and RAM, no VP runs */ \
	X(SAVED, "saved")	/* has RAM and its saved state, no partition */

#define MACHINE_STATE_ENUM(name, word) MACHINE_##name,
enum machine_state { MACHINE_STATE_TABLE(MACHINE_STATE_ENUM) MACHINE_STATES };
#undef MACHINE_STATE_ENUM

/* How the last run ended. */
enum machine_end {
	MACHINE_END_NONE, /* it has not, or a person did it */
	MACHINE_END_POWER_OFF,
	MACHINE_END_HIBERNATE, /* its memory is where the guest has put it */
	MACHINE_END_EXIT,      /* by its debug-exit device, with end_code */
	MACHINE_END_CRASH,
	MACHINE_END_FAILED, /* it could not be started */
};

/* Bits of a machine's event. */
#define MACHINE_START	 BIT(0) /* what a person asks for: machine_command() */
#define MACHINE_STOP	 BIT(1)
#define MACHINE_RESET	 BIT(2)
#define MACHINE_DESTROY	 BIT(3)
#define MACHINE_SAVE	 BIT(4)
#define MACHINE_RESTORE	 BIT(5)
#define MACHINE_MOVE	 BIT(6) /* machine_move() */
#define MACHINE_COMMANDS MASK(7)
#define MACHINE_POWER	 BIT(8)	 /* `power` holds what the guest asked for */
#define MACHINE_TIMER	 BIT(9)	 /* a deadline is earlier than the one that is waited for */
#define MACHINE_INPUT	 BIT(10) /* console input waits */

/* Bits of guest_event. */
#define MACHINE_VMBUS	BIT(0) /* the guest has sent or signalled something: <vmm/vmbus.h> */
#define MACHINE_CRASHED BIT(1) /* the guest has told so */

/* Bits of a machine's `answer`, on which a person's question to the guest waits. */
#define MACHINE_HAS_ANSWERED BIT(0)

/* From this bit of its event on: the architecture's. */
#define MACHINE_ARCH_SHIFT 16

/* What a guest can bring upon itself. */
enum machine_power {
	MACHINE_POWER_NONE,
	MACHINE_POWER_OFF,
	MACHINE_POWER_HIBERNATE,
	MACHINE_POWER_RESET,
	MACHINE_POWER_EXIT,
	MACHINE_POWER_CRASH,
};

/* A piece of the root's memory that stands behind a piece of guest memory. */
struct backing {
	gpa_t gpa;
	uint64_t size; /* multiple of 2 MiB */
	uint8_t *host;
};

/* A state in the form of <trivet/state.h>; data NULL: none. */
struct saved_state {
	void *data;
	size_t size;
};

/* What a machine was when it was saved; beside its RAM, which stays where it is. */
struct saved_machine {
	struct saved_state partition, devices;
	struct saved_state *vps; /* config->vps of them */
	uint64_t clock_zero;	 /* system time at which reference time was 0 */
};

struct machine;
struct machine_vmbus;

/* A virtual processor and the thread that runs it. */
struct processor {
	struct machine *machine;
	uint32_t index;
	uint32_t cpu;
	struct thread *thread; /* NULL: not running */
	struct vp_run_page *page;
	handle_t vp;		   /* while its thread runs */
	struct vp_control control; /* how others reach it */
	bool leaving;		   /* its thread: gdb_lets_go() */
	struct vp_halt halt; /* why it ran no longer; its thread's, or of who has joined that */
	struct processor_arch arch;
};

struct machine {
	const struct config_partition *config;
	uint32_t number; /* 1 for the first */
	handle_t event;	 /* MACHINE_* bits, for the service thread */
	handle_t done;	 /* bit 0: a command is done, command_status is set */
	status_t command_status;
	handle_t answer;	    /* MACHINE_HAS_* bits */
	uint32_t move_vp, move_cpu; /* what MACHINE_MOVE is about; who asks waits */
	struct thread *service;
	/* vmm/guest_service.c; HANDLE_NONE and NULL without the Hyper-V interface. */
	handle_t
		guest_event; /* what the guest asks for: MACHINE_VMBUS, MACHINE_CRASHED, test bits */
	struct thread *guest_service;

	/* Changed by the service thread only; read by all. */
	_Atomic uint32_t state; /* enum machine_state */
	_Atomic uint32_t end;	/* enum machine_end */
	uint32_t end_code;
	bool ran;		    /* the partition must be reset before it runs again */
	bool resumes;		    /* VP threads go on with what was restored */
	struct saved_machine saved; /* while it is SAVED */
	struct log_limit resets;    /* that the guest asks for: told of, not all */
	struct log_limit crashes;   /* so too, that it tells of */
	uint32_t crashes_told;	    /* of those that the partition has counted; under the lock */
	struct mutex crash_telling; /* held until what was taken is told; outside of the lock */

	handle_t partition;
	uint8_t physical_bits;	      /* of the guest's physical addresses */
	struct processor *processors; /* config->vps of them, while not EMPTY */
	struct memory_layout layout;
	struct backing *backings;
	size_t backing_count;
	struct guest_range *ranges; /* RAM, as mapped */
	struct guest_memory memory;
	void **deposits; /* blocks of 2 MiB that the partition's account has */
	size_t deposit_count;
	struct boot_state boot;	    /* how VP 0 starts */
	_Atomic uint32_t doorbells; /* of the partition */

	struct mutex lock;	  /* protects all that follows, and all devices */
	struct platform platform; /* valid while has_devices */
	struct device_env env;
	bool has_devices;
	struct machine_arch arch;
	struct machine_vmbus *vmbus; /* <vmm/vmbus.h>; NULL: it has none */
	uint64_t time_base;	     /* system time at which the guest's is 0 */
	uint64_t deadline;	     /* of the devices' timers, in guest time */
	uint64_t wake_at;	     /* until when the service thread sleeps, in system time */
	uint32_t power;		     /* enum machine_power: asked for, not yet done */
	uint32_t power_code;
	struct console_queue input; /* for the serial port */

	struct console console;
};

/* The machines, in the order of trivet.conf; fixed before the first starts. */
extern struct machine *machines;
extern size_t machine_count;

/* Called in the service thread when a machine has its partition and all else, before it runs; may be NULL. */
extern void (*machine_created)(struct machine *machine);

/* Makes a machine for each partition of the configuration, with its service thread. */
status_t machines_create(const struct config *config) __must_check;
/* By name or number in text; NULL: none. */
struct machine *machine_find(const char *name);

/*
 * Asks the service thread for one of MACHINE_COMMANDS and waits until it is done. WRONG_STATE: the
 * machine is in no state for it. TIMED_OUT: it takes unusually long and goes on.
 */
status_t machine_command(struct machine *machine, uint64_t command);
/* Has a VP go on on another CPU, and waits until it has left the one where it ran. NOT_FOUND: no such VP or CPU; else as
 * machine_command(). */
status_t machine_move(struct machine *machine, uint32_t vp, uint32_t cpu);
/* machine_command() without waiting. */
void machine_request(struct machine *machine, uint64_t command);

/* Bytes for its serial port; what finds no place is dropped. */
void machine_input(struct machine *machine, const uint8_t *bytes, size_t count);

/* Under the machine's lock: notes the end or the restart, and halts the VPs. The first request
 * counts. */
void machine_power_request(struct machine *machine, enum machine_power power, uint32_t code);

const char *machine_state_name(const struct machine *machine);

/* ---- for the files of this folder ---- */

/* vmm/resources.c: partition, deposits, RAM. */
status_t machine_resources_create(struct machine *machine) __must_check;
void machine_resources_destroy(struct machine *machine);
/* All but the RAM; and again, with that RAM. */
void machine_resources_release(struct machine *machine);
status_t machine_resources_recreate(struct machine *machine) __must_check;
/* Gives `blocks` blocks of 2 MiB to the partition's account. */
status_t machine_deposit(struct machine *machine, size_t blocks) __must_check;

/* vmm/guest_service.c: the thread that does what the guest asks for. */
status_t machine_guest_service_start(struct machine *machine, uint32_t cpu) __must_check;

/* vmm/crash.c: what the guest says of its crash. */
status_t machine_crash_watch(struct machine *machine);
/* Each once. */
void machine_crash_report(struct machine *machine);

/* vmm/doorbell.c: writes of the guest that signal an event. */
/* While the machine has its partition; its owner closes it before that goes, or with it. */
status_t machine_doorbell_create(struct machine *machine, const struct doorbell_config *config,
				 handle_t *doorbell) __must_check;
void machine_doorbell_close(struct machine *machine, handle_t doorbell);
/* A write that the emulator carries out. True: it has rung a doorbell, and is no device's. */
bool machine_doorbell_ring(struct machine *machine, enum doorbell_kind kind, uint64_t address,
			   unsigned int size, uint64_t value);

/* vmm/environment.c: devices. */
status_t machine_devices_create(struct machine *machine) __must_check;
void machine_devices_destroy(struct machine *machine);

/* vmm/saved.c */
/* Writes the state of a machine whose VPs do not run, and frees what was written. */
status_t machine_state_save(struct machine *machine) __must_check;
void machine_state_free(struct machine *machine);
/* Into resources that were made anew. Time goes on from here. */
status_t machine_state_restore(struct machine *machine) __must_check;

/* vmm/load.c: kernel, initrd, tables; fills machine->boot. Says what is wrong. */
status_t machine_load(struct machine *machine) __must_check;

/* vmm/processor.c */
/*
 * All VPs as after power-on, before one of them runs: the first could otherwise start another one,
 * whose reset would come later and undo that. None may have a thread.
 */
status_t processors_reset(struct machine *machine) __must_check;
status_t processors_start(struct machine *machine) __must_check;
/* Binds each VP to this thread for the time of one call. */
status_t processors_visit(struct machine *machine, const char *what,
			  status_t (*visit)(struct processor *processor)) __must_check;
void processors_stop(struct machine *machine);
/* The VP goes on on another CPU. WRONG_STATE: it has halted for another reason. */
status_t processor_move(struct processor *processor, uint32_t cpu);
/* Says what ends the guest, behind all that the guest has said. The machine's lock is not held. */
void processor_error(struct processor *processor, const char *format, ...) __printf(2, 3);

/* The guest can't go on, and why was said: its registers, and the machine's end. */
void processor_crash(struct processor *processor);
/* The account of its partition is empty. OK: there is more in it now. For <lib/run.h>; a struct processor. */
status_t processor_no_memory(void *context);

/* ---- what each architecture has of its own, below its name ---- */

/* vmm/partition.c: what its partition is to be, beside what all have. Says what cannot be. */
status_t machine_partition_configure(const struct machine *machine,
				     struct proto_partition_config *proto,
				     struct partition_config *final) __must_check;
/* What its VPs have in this task, made with them. */
status_t machine_processors_create(struct machine *machine) __must_check;
void machine_processors_destroy(struct machine *machine);
/* To its power-on state; no VP has a thread. Under the machine's lock. */
void machine_processors_reset(struct machine *machine);
/* OK, or why it can't be saved, which was said. */
status_t machine_save_check(const struct machine *machine) __must_check;

/* vmm/interrupts.c: its devices, and where their interrupts go. */
void machine_platform_configure(const struct machine *machine, struct platform_config *platform);
extern const struct device_env_ops machine_env_ops;
/* Bits of guest_event from MACHINE_ARCH_SHIFT on, and none. */
void machine_platform_serve(struct machine *machine, uint64_t bits);
/* Asks the guest to shut down, by a power key. NOT_SUPPORTED: there is none, or the guest does not look at it. */
status_t machine_power_key(struct machine *machine);

/* vmm/tables.c: what the loader has to know to tell the guest of the machine. Says what is wrong. */
struct load_request;
status_t machine_describe(struct machine *machine, struct load_request *request) __must_check;

/* vmm/exits.c: runs the VP until it halts; `halt` tells why. */
void processor_stay(struct processor *processor);

/* vmm/emulate.c: VP_RUN_EMULATE. False: the guest cannot go on, and why was said. */
bool processor_emulate(struct processor *processor);

/* vmm/dump.c: a VP's registers, for a person. */
void processor_dump(struct processor *processor);

/* vmm/boot_registers.c: before the VP runs for the first time; and VP 0's registers at its start. */
void processor_begin(struct processor *processor);
status_t processor_boot(struct processor *processor, const struct boot_state *state);

/* ---- vmm/environment.c, for the table of interrupts.c ---- */

static inline struct machine *machine_of_env(struct device_env *env)
{
	return container_of(env, struct machine, env);
}

uint64_t machine_env_now(struct device_env *env);
void machine_env_deadline_changed(struct device_env *env, uint64_t deadline);
size_t machine_env_console_write(struct device_env *env, unsigned int console, const uint8_t *bytes,
				 size_t count);
void machine_env_power(struct device_env *env, enum device_power event, uint32_t code);
status_t machine_env_memory_read(struct device_env *env, gpa_t gpa, void *to, size_t size);
status_t machine_env_memory_write(struct device_env *env, gpa_t gpa, const void *from, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The inside of the emulator: one instruction under way, and how its parts reach registers,
 * memory and faults. Handlers work on copies of the registers; only execute.c, and the string
 * instructions between two iterations, write them back.
 */
#ifndef EMULATOR_EXECUTE_H
#define EMULATOR_EXECUTE_H

#include <emulator/arithmetic.h>
#include <emulator/instruction.h>
#include <emulator/processor_bits.h>

/*
 * One instruction under way. Functions of this header answer EMULATOR_DONE if the handler
 * goes on, and otherwise what the handler must answer at once (for FAULT, STOPPED and
 * UNHANDLED the result is filled in already).
 */
struct emulation {
	struct emulator_cpu *cpu; /* what the guest had before the instruction */
	const struct emulator_ops *ops;
	void *context;
	struct emulator_result *result;
	struct instruction insn;
	struct guest_paging paging;
	unsigned code_size; /* 2, 4, 8 */
	unsigned cpl;
	bool is_protected; /* CR0.PE and not virtual-8086: segments have types */
	/* the working copy */
	uint64_t gpr[EMULATOR_GPR_COUNT];
	uint64_t rflags;
	uint64_t rip;		/* where the guest goes on */
	uint8_t loaded_segment; /* the segment to load at the end, or SEGMENT_NONE */
	struct hv_x64_segment_register loaded;
};

/* Memory that is translated and may be accessed; it spans at most two pages. */
struct memory_access {
	unsigned parts;
	struct {
		gpa_t gpa;
		unsigned size;
	} part[2];
};

/* An operand that is ready to be loaded and stored. */
struct location {
	const struct operand *operand;
	struct memory_access access; /* for OPERAND_MEMORY */
};

/* execute.c */
enum emulator_outcome emulation_fault(struct emulation *e, enum guest_vector vector,
				      uint32_t error_code);
enum emulator_outcome emulation_unhandled(struct emulation *e, const char *reason);
/* Turns a callback's answer into an outcome. */
enum emulator_outcome emulation_answer(struct emulation *e, enum emulator_answer answer,
				       const char *what);
/* Makes the working registers the guest's. RIP and segments come last, in execute.c. */
void emulation_commit(struct emulation *e);

/* memory.c */
/* Bits 63 to the highest one that is translated are all alike. */
bool is_canonical(const struct emulation *e, uint64_t address);
/* Checks segment:offset (size bytes) and gives its linear address: #GP, #SS. */
enum emulator_outcome memory_linear(struct emulation *e, unsigned segment, uint64_t offset,
				    unsigned size, bool write, uint64_t *linear);
/* Translates size (1..16) bytes at linear; walk is a set of enum guest_walk_access. */
enum emulator_outcome memory_translate_linear(struct emulation *e, uint64_t linear, unsigned size,
					      unsigned walk, struct memory_access *access);
/* Both of these, and the alignment check, for a data access of the instruction. */
enum emulator_outcome memory_translate(struct emulation *e, unsigned segment, uint64_t offset,
				       unsigned size, bool write, struct memory_access *access);
enum emulator_outcome memory_read(struct emulation *e, const struct memory_access *access,
				  void *data);
enum emulator_outcome memory_write(struct emulation *e, const struct memory_access *access,
				   const void *data);
/*
 * Stores new where old was read. If locked, in one step against other processors, or
 * EMULATOR_RETRY if old is no longer there; memory-mapped I/O and operands that cross a page
 * are just written.
 */
enum emulator_outcome memory_exchange(struct emulation *e, const struct memory_access *access,
				      bool locked, const void *old, const void *new);

/* operand.c */
uint64_t register_read(const struct emulation *e, unsigned number, unsigned size);
void register_write(struct emulation *e, unsigned number, unsigned size, uint64_t value);
/* The offset that ModRM names, plus extra bytes, as wide as an address is. */
uint64_t effective_address(const struct emulation *e, uint64_t extra);
enum emulator_outcome location_open(struct emulation *e, const struct operand *operand, bool write,
				    struct location *location);
/* The same, extra bytes further on in memory. */
enum emulator_outcome location_open_at(struct emulation *e, const struct operand *operand,
				       uint64_t extra, bool write, struct location *location);
enum emulator_outcome location_load(struct emulation *e, const struct location *location,
				    uint64_t *value);
enum emulator_outcome location_store(struct emulation *e, const struct location *location,
				     uint64_t value);
enum emulator_outcome location_exchange(struct emulation *e, const struct location *location,
					uint64_t old, uint64_t new);
/* Opens and loads an operand that is only read. */
enum emulator_outcome operand_read(struct emulation *e, const struct operand *operand,
				   uint64_t *value);
/* Opens and stores an operand that is only written. */
enum emulator_outcome operand_write(struct emulation *e, const struct operand *operand,
				    uint64_t value);

/* The instructions, by family. */
typedef enum emulator_outcome perform_function(struct emulation *e);

/* perform_arithmetic.c */
perform_function perform_binary, perform_unary, perform_shift, perform_double_shift, perform_bit,
	perform_multiply, perform_imul, perform_divide, perform_bit_scan, perform_popcnt,
	perform_xadd, perform_cmpxchg, perform_cmpxchg_pair;
/* perform_data.c */
perform_function perform_mov, perform_movsx, perform_movbe, perform_lea, perform_xchg,
	perform_setcc, perform_cmovcc, perform_push, perform_pop, perform_push_segment,
	perform_pop_segment, perform_mov_from_segment, perform_mov_to_segment, perform_xlat;
/* One value of size bytes; RSP moves when its memory was accessed. */
enum emulator_outcome stack_push(struct emulation *e, unsigned size, uint64_t value);
enum emulator_outcome stack_pop(struct emulation *e, unsigned size, uint64_t *value);
/* How many bytes of RSP count. */
unsigned stack_size(const struct emulation *e);
/* perform_flow.c */
perform_function perform_call, perform_jmp, perform_ret, perform_enter, perform_leave,
	perform_pusha, perform_popa;
/* perform_xmm.c */
perform_function perform_mov_xmm;
/* perform_tables.c */
perform_function perform_store_table, perform_store_selector;
/* perform_string.c */
perform_function perform_string;
/* perform_system.c */
perform_function perform_io, perform_mov_from_cr, perform_mov_to_cr, perform_clts, perform_lmsw,
	perform_smsw, perform_cli_sti, perform_nop;
/* #GP(0) unless the guest may use size ports from port on: IOPL or the TSS bitmap. */
enum emulator_outcome io_check_permission(struct emulation *e, uint16_t port, unsigned size);

#endif

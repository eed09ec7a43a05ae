/* SPDX-License-Identifier: MIT */
/*
 * The x86 instruction emulator: executes one guest instruction on behalf of a processor that
 * left the guest because it could not finish it (memory-mapped I/O, string I/O, a control
 * register write for which the hardware gives no decode help).
 *
 * It promises what the hardware does: segmentation, paging with accessed and dirty bits,
 * flags, and the faults of the manuals (SDM vol. 2 and 3, APM vol. 3) in their order, in
 * real, virtual-8086, 16-bit, 32-bit, compatibility and 64-bit mode. It never changes the
 * guest for an instruction that it does not finish, and says so when it does not know one.
 *
 * It does not inject faults, run more than one instruction, keep a TLB, or know devices.
 * Pure: no globals, no allocation; several processors may be emulated at the same time.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include <trivet/types.h>
#include <trivet/hv/msr.h>
#include <trivet/hv/registers.h>
#include <emulator/guest_walk.h>

#define EMULATOR_MAX_LENGTH 15 /* bytes of an instruction (SDM vol. 2, 2.3.11) */
/* Most bytes that one call moves for a string instruction with a repeat prefix. */
#define EMULATOR_MAX_STRING 4096

/* General registers and segments by the numbers of the instruction encoding. */
enum emulator_gpr {
	EMULATOR_RAX,
	EMULATOR_RCX,
	EMULATOR_RDX,
	EMULATOR_RBX,
	EMULATOR_RSP,
	EMULATOR_RBP,
	EMULATOR_RSI,
	EMULATOR_RDI,
	EMULATOR_R8,
	EMULATOR_R15 = 15,
	EMULATOR_GPR_COUNT,
};

enum emulator_segment {
	EMULATOR_ES,
	EMULATOR_CS,
	EMULATOR_SS,
	EMULATOR_DS,
	EMULATOR_FS,
	EMULATOR_GS,
	EMULATOR_SEGMENT_COUNT,
};

/* What is #GP above privilege level 0 (TLFS, "HV_X64_MSR_NPIEP_CONFIG_CONTENTS"). */
enum emulator_forbidden {
	EMULATOR_NO_SGDT = HV_NPIEP_SGDT,
	EMULATOR_NO_SIDT = HV_NPIEP_SIDT,
	EMULATOR_NO_SLDT = HV_NPIEP_SLDT,
	EMULATOR_NO_STR = HV_NPIEP_STR,
};

/*
 * The guest's registers. The caller fills everything in; the emulator writes gpr, rip,
 * rflags, cr2 (with a page fault) and, in real and virtual-8086 mode, segment. A segment
 * that is null or unusable has P clear. CPL is the DPL of SS (0 in real mode, 3 in
 * virtual-8086 mode).
 */
struct emulator_cpu {
	uint64_t gpr[EMULATOR_GPR_COUNT];
	uint64_t rip;
	uint64_t rflags;
	struct hv_x64_segment_register segment[EMULATOR_SEGMENT_COUNT];
	struct hv_x64_segment_register tr; /* for the I/O permission bitmap */
	uint64_t cr0;			   /* the control registers as the guest reads them */
	uint64_t cr2;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t cr8;
	uint64_t efer;
	uint32_t pkru;	       /* used only while CR4.PKE is set */
	uint8_t forbidden;     /* enum emulator_forbidden */
	uint8_t physical_bits; /* the guest's MAXPHYADDR; 0 means 52 */
};

/* What a callback other than the memory ones answers. */
enum emulator_answer {
	EMULATOR_ANSWER_OK,
	EMULATOR_ANSWER_REFUSE, /* the guest gets #GP(0) */
	EMULATOR_ANSWER_STOP,	/* give the instruction up: outcome STOPPED */
};

/*
 * The world around the processor. context is what emulator_run_one() was given. Callbacks
 * that may be NULL say so; the instructions that need them are then UNHANDLED.
 *
 * An address for which memory.read_gpa or memory.write_gpa answers false is asked from
 * mmio_read or mmio_write. Such an access never crosses an aligned 8-byte word, and its size is
 * 1, 2, 4 or 8: wider and unaligned ones come as several calls, lowest address first, as
 * on a bus. A value is in the low bytes, and zero above them.
 */
struct emulator_ops {
	struct guest_memory_ops memory;
	enum emulator_answer (*mmio_read)(void *context, gpa_t gpa, unsigned size, uint64_t *value);
	enum emulator_answer (*mmio_write)(void *context, gpa_t gpa, unsigned size, uint64_t value);
	/* Port I/O of 1, 2 or 4 bytes; permission was checked. May be NULL. */
	enum emulator_answer (*io_in)(void *context, uint16_t port, unsigned size, uint32_t *value);
	enum emulator_answer (*io_out)(void *context, uint16_t port, unsigned size, uint32_t value);
	/*
	 * MOV to CR0, 2, 3, 4 or 8, CLTS and LMSW. Checks the value and makes it the
	 * register's, in struct emulator_cpu too if that is used on: the emulator does not
	 * store it, because only the owner knows which bits are fixed. REFUSE for a value
	 * that the processor does not take. May be NULL.
	 */
	enum emulator_answer (*cr_write)(void *context, unsigned number, uint64_t value);
	/*
	 * A register that struct emulator_cpu does not have, by its enum hv_register_name: XMM0
	 * to XMM15; GDTR, IDTR, LDTR, TR, which are only read. A write takes effect at once; it is the last thing that an instruction does.
	 * May be NULL.
	 */
	enum emulator_answer (*register_read)(void *context, uint32_t name,
					      union hv_register_value *value);
	enum emulator_answer (*register_write)(void *context, uint32_t name,
					       const union hv_register_value *value);
};

enum emulator_outcome {
	EMULATOR_DONE,	    /* executed; RIP is at the next instruction */
	EMULATOR_REPEAT,    /* a repeated string instruction got on; RIP is still at it */
	EMULATOR_FAULT,	    /* raise result.fault; RIP is at the instruction */
	EMULATOR_UNHANDLED, /* not known or not possible here; nothing changed */
	EMULATOR_STOPPED,   /* a callback stopped it */
	EMULATOR_RETRY,	    /* other processors kept interfering: enter the guest again */
};

/*
 * What became of the instruction. For FAULT, UNHANDLED, STOPPED and RETRY the registers are
 * as before, with two exceptions that hardware has too: a repeated string instruction keeps
 * the iterations that it has finished, and a page fault sets CR2.
 */
struct emulator_result {
	enum emulator_outcome outcome;
	struct {
		uint8_t vector;
		bool has_error; /* never in real mode */
		uint32_t error_code;
		uint64_t address; /* of a page fault; also in cpu->cr2 */
	} fault;
	/* DONE and REPEAT: TF was set, so a #DB with DR6.BS is due now. */
	bool single_step;
	/* DONE: interrupts are held off for one instruction (MOV SS, POP SS, STI);
	 * any shadow from before is over otherwise. */
	bool interrupt_shadow;
	uint8_t length;			    /* bytes of the instruction, 0 if not decoded */
	uint8_t fetched;		    /* valid bytes below */
	uint8_t bytes[EMULATOR_MAX_LENGTH]; /* of the instruction, for messages */
	const char *reason;		    /* UNHANDLED, STOPPED: why, in words; else NULL */
};

/*
 * Fetches, decodes and executes the instruction at CS:RIP. result is written whole and its
 * outcome is returned. The time of a call is bounded: about EMULATOR_MAX_STRING callbacks.
 * RF is cleared by an instruction that is done.
 */
enum emulator_outcome emulator_run_one(struct emulator_cpu *cpu, const struct emulator_ops *ops,
				       void *context, struct emulator_result *result);

/*
 * The length in bytes (1..15) of the instruction that begins at bytes, of which available
 * can be read; code_size is 2, 4 or 8 for 16-bit, 32-bit and 64-bit code. 0 if it is not
 * a known instruction, or not all of it is there. Knows far more than can be executed.
 */
unsigned emulator_decode_length(const uint8_t *bytes, unsigned available, unsigned code_size);

/* The current privilege level and the size of code (2, 4, 8) that the registers say. */
unsigned emulator_cpl(const struct emulator_cpu *cpu);
unsigned emulator_code_size(const struct emulator_cpu *cpu);

#endif

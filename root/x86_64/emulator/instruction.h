/* SPDX-License-Identifier: MIT */
/*
 * A decoded instruction, and the tables that decode it. The decoder is a function of bytes
 * and code size alone: it knows the encoding (SDM vol. 2 chapter 2 and appendix A), not the
 * processor's state, and refuses what no state makes legal.
 */
#ifndef EMULATOR_INSTRUCTION_H
#define EMULATOR_INSTRUCTION_H

#include <emulator/emulator.h>

/*
 * What an instruction does. Those of one family stand together, in the order of their
 * encoding. NONE: the length is known and nothing else.
 */
enum operation {
	OPERATION_NONE,
	OPERATION_INVALID, /* #UD by definition */
	OPERATION_ADD,
	OPERATION_OR,
	OPERATION_ADC,
	OPERATION_SBB,
	OPERATION_AND,
	OPERATION_SUB,
	OPERATION_XOR,
	OPERATION_CMP,
	OPERATION_ROL,
	OPERATION_ROR,
	OPERATION_RCL,
	OPERATION_RCR,
	OPERATION_SHL,
	OPERATION_SHR,
	OPERATION_SAL, /* the second encoding of SHL */
	OPERATION_SAR,
	OPERATION_BT,
	OPERATION_BTS,
	OPERATION_BTR,
	OPERATION_BTC,
	OPERATION_TEST,
	OPERATION_NOT,
	OPERATION_NEG,
	OPERATION_INC,
	OPERATION_DEC,
	OPERATION_MUL,
	OPERATION_IMUL_WIDE, /* one operand: RDX:RAX */
	OPERATION_IMUL,	     /* two or three operands */
	OPERATION_DIV,
	OPERATION_IDIV,
	OPERATION_SHLD,
	OPERATION_SHRD,
	OPERATION_BSF,
	OPERATION_BSR,
	OPERATION_POPCNT,
	OPERATION_XADD,
	OPERATION_CMPXCHG,
	OPERATION_CMPXCHG_PAIR, /* CMPXCHG8B, CMPXCHG16B */
	OPERATION_XCHG,
	OPERATION_MOV,
	OPERATION_MOVZX,
	OPERATION_MOVSX, /* MOVSXD too */
	OPERATION_MOVBE,
	OPERATION_LEA,
	OPERATION_SETCC,
	OPERATION_CMOVCC,
	OPERATION_PUSH,
	OPERATION_POP,
	OPERATION_PUSH_SEGMENT,
	OPERATION_POP_SEGMENT,
	OPERATION_PUSHA,
	OPERATION_POPA,
	OPERATION_ENTER,
	OPERATION_LEAVE,
	OPERATION_CALL, /* near: relative, or through a register or memory */
	OPERATION_JMP,
	OPERATION_RET,
	OPERATION_MOV_XMM, /* between memory and an SSE register */
	OPERATION_MOV_FROM_SEGMENT,
	OPERATION_MOV_TO_SEGMENT,
	OPERATION_MOVS,
	OPERATION_CMPS,
	OPERATION_STOS,
	OPERATION_LODS,
	OPERATION_SCAS,
	OPERATION_INS,
	OPERATION_OUTS,
	OPERATION_XLAT,
	OPERATION_IN,
	OPERATION_OUT,
	OPERATION_MOV_FROM_CR,
	OPERATION_MOV_TO_CR,
	OPERATION_CLTS,
	OPERATION_LMSW,
	OPERATION_SMSW,
	OPERATION_SGDT,
	OPERATION_SIDT,
	OPERATION_SLDT,
	OPERATION_STR,
	OPERATION_CLI,
	OPERATION_STI,
	OPERATION_NOP,
	OPERATION_COUNT,
};

/* Which operands an opcode names: the first is the destination. */
enum operand_form {
	FORM_NONE,
	FORM_RM_REG,
	FORM_REG_RM,
	FORM_RM,
	FORM_RM_IMM,
	FORM_RM_ONE, /* shifts by one */
	FORM_RM_CL,  /* shifts by CL */
	FORM_REG,    /* the low bits of the opcode */
	FORM_REG_IMM,
	FORM_REG_ACC,
	FORM_ACC_IMM,
	FORM_ACC_MEM, /* MOV with an absolute offset */
	FORM_MEM_ACC,
	FORM_ACC_DX,
	FORM_IMM,
	FORM_XMM_RM,
	FORM_RM_XMM,
};

enum immediate_form {
	IMMEDIATE_NONE,
	IMMEDIATE_8, /* sign-extended */
	IMMEDIATE_16,
	IMMEDIATE_Z,	  /* 2 or 4 bytes, sign-extended */
	IMMEDIATE_V,	  /* 2, 4 or 8 bytes */
	IMMEDIATE_OFFSET, /* as wide as an address */
	IMMEDIATE_16_8,	  /* ENTER */
	IMMEDIATE_FAR,	  /* selector and Z */
};

enum opcode_flags {
	OPCODE_KNOWN = 1 << 0,
	OPCODE_MODRM = 1 << 1,
	OPCODE_GROUP = 1 << 2,	       /* ModRM.reg selects a row of opcode_groups[operation] */
	OPCODE_BYTE = 1 << 3,	       /* operands of one byte */
	OPCODE_LOCK = 1 << 4,	       /* LOCK is legal with a memory destination */
	OPCODE_NO64 = 1 << 5,	       /* #UD in 64-bit code */
	OPCODE_DEFAULT64 = 1 << 6,     /* 64-bit operands without REX.W; 66 still makes 16 */
	OPCODE_FORCE64 = 1 << 7,       /* native operand size whatever the prefixes */
	OPCODE_MEMORY = 1 << 8,	       /* #UD with a register in ModRM.rm */
	OPCODE_REGISTER = 1 << 9,      /* ModRM.mod is ignored: always a register */
	OPCODE_SOURCE_BYTE = 1 << 10,  /* the second operand has one byte */
	OPCODE_SOURCE_WORD = 1 << 11,  /* the second operand has two bytes */
	OPCODE_MAX32 = 1 << 12,	       /* no 64-bit operands: port I/O */
	OPCODE_SOURCE_DWORD = 1 << 13, /* MOVSXD */
	OPCODE_MIN32 = 1 << 14,	       /* no 16-bit operands: MOVNTI */
};

struct opcode {
	uint8_t operation; /* enum operation, or the index of a group */
	uint8_t form;
	uint8_t immediate;
	uint16_t flags;
};

/*
 * A move between memory and an SSE register. The prefix is part of the opcode: 0, 66, F2 or F3.
 * A load clears what it does not fill, unless it is told to keep it.
 */
struct xmm_move {
	uint8_t opcode; /* of the 0F map; 0x2a is of 0F38 */
	uint8_t prefix;
	uint8_t form;
	uint8_t size;	/* bytes in memory; 0: 4, or 8 with REX.W */
	uint8_t offset; /* in the register */
	bool keeps;	/* a load leaves the rest of the register as it is */
	bool aligned;	/* memory must be aligned to 16 bytes */
};

/* The move with that encoding, or NULL. is_0f38: of the 0F38 map, otherwise of 0F. */
const struct xmm_move *xmm_move_find(bool is_0f38, uint8_t opcode, uint8_t prefix);

#define OPCODE_GROUP_COUNT 12

extern const struct opcode opcode_map_primary[256];
extern const struct opcode opcode_map_0f[256];
extern const struct opcode opcode_groups[OPCODE_GROUP_COUNT][8];

/* Registers beyond 15 name AH, CH, DH and BH. */
#define REGISTER_HIGH_BYTE 16
#define REGISTER_NONE	   0xff
#define REGISTER_RIP	   0xfe
#define SEGMENT_NONE	   0xff

struct operand {
	enum operand_kind {
		OPERAND_NONE,
		OPERAND_REGISTER,
		OPERAND_MEMORY,
		OPERAND_IMMEDIATE,
		OPERAND_XMM,
	} kind;
	uint8_t number; /* of the register */
	uint8_t size;	/* in bytes: 1, 2, 4, 8; of XMM moves 16 too */
};

struct instruction {
	enum operation operation;
	uint8_t length;
	uint8_t code_size;    /* 2, 4, 8 */
	uint8_t operand_size; /* 1, 2, 4, 8 */
	uint8_t address_size; /* 2, 4, 8 */
	uint8_t opcode;	      /* the last opcode byte */
	uint8_t rex;	      /* 0 if there is none */
	uint8_t repeat;	      /* 0, 0xf2 or 0xf3 */
	bool lock;
	bool has_operand_prefix; /* 66 */
	uint8_t override;	 /* the segment of a prefix, or SEGMENT_NONE */
	uint8_t mod, reg, rm;	 /* of ModRM, with the REX bits in reg and rm */
	struct operand operand[2];
	struct {
		uint8_t segment;       /* default or override */
		uint8_t base;	       /* register, REGISTER_RIP or REGISTER_NONE */
		uint8_t index;	       /* register or REGISTER_NONE */
		uint8_t scale;	       /* 1, 2, 4, 8 */
		uint64_t displacement; /* sign-extended */
	} memory;
	uint64_t immediate;	    /* sign-extended where the encoding says so */
	const struct xmm_move *xmm; /* for MOV_XMM */
};

enum decode_status {
	DECODE_OK,
	DECODE_TRUNCATED, /* more bytes are needed */
	DECODE_TOO_LONG,  /* more than 15 bytes: #GP */
	DECODE_INVALID,	  /* #UD */
	DECODE_UNKNOWN,	  /* the tables do not have it */
};

/*
 * Decodes the instruction at bytes, of which available (more than 15 are not looked at)
 * can be read. code_size is 2, 4 or 8. Everything in instruction is valid if it answers
 * DECODE_OK, and length also with DECODE_INVALID if the whole instruction was there.
 */
enum decode_status instruction_decode(struct instruction *instruction, const uint8_t *bytes,
				      unsigned available, unsigned code_size);

#endif

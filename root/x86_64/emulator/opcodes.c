/* SPDX-License-Identifier: MIT */
/*
 * The opcode maps (SDM vol. 2 appendix A, APM vol. 3 appendix A): for every opcode its
 * encoding, and for those that can be executed the operation and the form of its operands.
 * An absent row is an opcode that the decoder does not know.
 */
#include <emulator/instruction.h>

#define ROW(operation, form, immediate, flags)                                                    \
	{                                                                                         \
		OPERATION_##operation, FORM_##form, IMMEDIATE_##immediate, OPCODE_KNOWN | (flags) \
	}
/* Rows of which only the encoding matters. */
#define PLAIN(immediate, flags) ROW(NONE, NONE, immediate, flags)
/* A row whose operation, and what else it sets, comes from a group. */
#define IN_GROUP(group, form, immediate, flags)                              \
	{                                                                    \
		GROUP_##group, FORM_##form, IMMEDIATE_##immediate,           \
			OPCODE_KNOWN | OPCODE_MODRM | OPCODE_GROUP | (flags) \
	}

#define MODRM OPCODE_MODRM
#define BYTE  OPCODE_BYTE
#define LOCK  OPCODE_LOCK
#define NO64  OPCODE_NO64
#define STACK OPCODE_DEFAULT64
#define NEAR  OPCODE_FORCE64

/* The six encodings of a two-operand arithmetic instruction. */
#define ARITHMETIC(first, operation, lock)                                       \
	[(first) + 0] = ROW(operation, RM_REG, NONE, MODRM | BYTE | (lock)),     \
		   [(first) + 1] = ROW(operation, RM_REG, NONE, MODRM | (lock)), \
		   [(first) + 2] = ROW(operation, REG_RM, NONE, MODRM | BYTE),   \
		   [(first) + 3] = ROW(operation, REG_RM, NONE, MODRM),          \
		   [(first) + 4] = ROW(operation, ACC_IMM, Z, BYTE),             \
		   [(first) + 5] = ROW(operation, ACC_IMM, Z, 0)

/* One instruction with byte operands, and the same with wider ones. */
#define PAIR(first, operation, form, immediate, flags)                   \
	[(first) + 0] = ROW(operation, form, immediate, (flags) | BYTE), \
		   [(first) + 1] = ROW(operation, form, immediate, flags)

enum {
	GROUP_ARITHMETIC,
	GROUP_SHIFT,
	GROUP_UNARY,
	GROUP_INCREMENT_BYTE,
	GROUP_INCREMENT,
	GROUP_MOV,
	GROUP_POP,
	GROUP_BIT,
	GROUP_CMPXCHG,
	GROUP_SYSTEM,
	GROUP_CACHE,
	GROUP_TASK,
};

/* clang-format off */
const struct opcode opcode_map_primary[256] = {
	ARITHMETIC(0x00, ADD, LOCK),
	ARITHMETIC(0x08, OR, LOCK),
	ARITHMETIC(0x10, ADC, LOCK),
	ARITHMETIC(0x18, SBB, LOCK),
	ARITHMETIC(0x20, AND, LOCK),
	ARITHMETIC(0x28, SUB, LOCK),
	ARITHMETIC(0x30, XOR, LOCK),
	ARITHMETIC(0x38, CMP, 0),
	[0x06] = ROW(PUSH_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x07] = ROW(POP_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x0e] = ROW(PUSH_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x16] = ROW(PUSH_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x17] = ROW(POP_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x1e] = ROW(PUSH_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x1f] = ROW(POP_SEGMENT, NONE, NONE, NO64 | STACK),
	[0x27] = PLAIN(NONE, NO64), /* DAA, DAS, AAA, AAS */
	[0x2f] = PLAIN(NONE, NO64),
	[0x37] = PLAIN(NONE, NO64),
	[0x3f] = PLAIN(NONE, NO64),
	[0x40 ... 0x47] = ROW(INC, REG, NONE, 0), /* REX prefixes in 64-bit code */
	[0x48 ... 0x4f] = ROW(DEC, REG, NONE, 0),
	[0x50 ... 0x57] = ROW(PUSH, REG, NONE, STACK),
	[0x58 ... 0x5f] = ROW(POP, REG, NONE, STACK),
	[0x60] = ROW(PUSHA, NONE, NONE, NO64),
	[0x61] = ROW(POPA, NONE, NONE, NO64),
	[0x62] = PLAIN(NONE, NO64 | MODRM | OPCODE_MEMORY), /* BOUND */
	[0x63] = ROW(MOVSX, REG_RM, NONE, MODRM | OPCODE_SOURCE_DWORD), /* MOVSXD, ARPL */
	[0x68] = ROW(PUSH, IMM, Z, STACK),
	[0x69] = ROW(IMUL, REG_RM, Z, MODRM),
	[0x6a] = ROW(PUSH, IMM, 8, STACK),
	[0x6b] = ROW(IMUL, REG_RM, 8, MODRM),
	PAIR(0x6c, INS, NONE, NONE, OPCODE_MAX32),
	PAIR(0x6e, OUTS, NONE, NONE, OPCODE_MAX32),
	[0x70 ... 0x7f] = PLAIN(8, NEAR), /* Jcc */
	[0x80] = IN_GROUP(ARITHMETIC, RM_IMM, 8, BYTE),
	[0x81] = IN_GROUP(ARITHMETIC, RM_IMM, Z, 0),
	[0x82] = IN_GROUP(ARITHMETIC, RM_IMM, 8, BYTE | NO64),
	[0x83] = IN_GROUP(ARITHMETIC, RM_IMM, 8, 0),
	PAIR(0x84, TEST, RM_REG, NONE, MODRM),
	PAIR(0x86, XCHG, RM_REG, NONE, MODRM | LOCK),
	PAIR(0x88, MOV, RM_REG, NONE, MODRM),
	PAIR(0x8a, MOV, REG_RM, NONE, MODRM),
	[0x8c] = ROW(MOV_FROM_SEGMENT, RM, NONE, MODRM),
	[0x8d] = ROW(LEA, REG_RM, NONE, MODRM | OPCODE_MEMORY),
	[0x8e] = ROW(MOV_TO_SEGMENT, RM, NONE, MODRM),
	[0x8f] = IN_GROUP(POP, RM, NONE, STACK),
	[0x90 ... 0x97] = ROW(XCHG, REG_ACC, NONE, 0),
	[0x98 ... 0x99] = PLAIN(NONE, 0), /* CBW, CWD */
	[0x9a] = PLAIN(FAR, NO64), /* CALL far */
	[0x9b ... 0x9f] = PLAIN(NONE, 0), /* WAIT, PUSHF, POPF, SAHF, LAHF */
	PAIR(0xa0, MOV, ACC_MEM, OFFSET, 0),
	PAIR(0xa2, MOV, MEM_ACC, OFFSET, 0),
	PAIR(0xa4, MOVS, NONE, NONE, 0),
	PAIR(0xa6, CMPS, NONE, NONE, 0),
	PAIR(0xa8, TEST, ACC_IMM, Z, 0),
	PAIR(0xaa, STOS, NONE, NONE, 0),
	PAIR(0xac, LODS, NONE, NONE, 0),
	PAIR(0xae, SCAS, NONE, NONE, 0),
	[0xb0 ... 0xb7] = ROW(MOV, REG_IMM, V, BYTE),
	[0xb8 ... 0xbf] = ROW(MOV, REG_IMM, V, 0),
	[0xc0] = IN_GROUP(SHIFT, RM_IMM, 8, BYTE),
	[0xc1] = IN_GROUP(SHIFT, RM_IMM, 8, 0),
	[0xc2] = ROW(RET, NONE, 16, NEAR),
	[0xc3] = ROW(RET, NONE, NONE, NEAR),
	[0xc4 ... 0xc5] = PLAIN(NONE, NO64 | MODRM | OPCODE_MEMORY), /* LES, LDS; or VEX */
	[0xc6] = IN_GROUP(MOV, RM_IMM, Z, BYTE),
	[0xc7] = IN_GROUP(MOV, RM_IMM, Z, 0),
	[0xc8] = ROW(ENTER, NONE, 16_8, STACK),
	[0xc9] = ROW(LEAVE, NONE, NONE, STACK),
	[0xca] = PLAIN(16, 0), /* RET far */
	[0xcb ... 0xcc] = PLAIN(NONE, 0),
	[0xcd] = PLAIN(8, 0), /* INT */
	[0xce] = PLAIN(NONE, NO64), /* INTO */
	[0xcf] = PLAIN(NONE, 0), /* IRET */
	[0xd0] = IN_GROUP(SHIFT, RM_ONE, NONE, BYTE),
	[0xd1] = IN_GROUP(SHIFT, RM_ONE, NONE, 0),
	[0xd2] = IN_GROUP(SHIFT, RM_CL, NONE, BYTE),
	[0xd3] = IN_GROUP(SHIFT, RM_CL, NONE, 0),
	[0xd4 ... 0xd5] = PLAIN(8, NO64), /* AAM, AAD */
	[0xd6] = PLAIN(NONE, NO64), /* SALC */
	[0xd7] = ROW(XLAT, NONE, NONE, BYTE),
	[0xd8 ... 0xdf] = PLAIN(NONE, MODRM), /* x87 */
	[0xe0 ... 0xe3] = PLAIN(8, NEAR), /* LOOP, JCXZ */
	PAIR(0xe4, IN, ACC_IMM, 8, OPCODE_MAX32),
	PAIR(0xe6, OUT, ACC_IMM, 8, OPCODE_MAX32),
	[0xe8] = ROW(CALL, IMM, Z, NEAR),
	[0xe9] = PLAIN(Z, NEAR), /* JMP */
	[0xea] = PLAIN(FAR, NO64),
	[0xeb] = PLAIN(8, NEAR),
	PAIR(0xec, IN, ACC_DX, NONE, OPCODE_MAX32),
	PAIR(0xee, OUT, ACC_DX, NONE, OPCODE_MAX32),
	[0xf1] = PLAIN(NONE, 0), /* INT1 */
	[0xf4 ... 0xf5] = PLAIN(NONE, 0), /* HLT, CMC */
	[0xf6] = IN_GROUP(UNARY, RM, NONE, BYTE),
	[0xf7] = IN_GROUP(UNARY, RM, NONE, 0),
	[0xf8 ... 0xf9] = PLAIN(NONE, 0), /* CLC, STC */
	[0xfa] = ROW(CLI, NONE, NONE, 0),
	[0xfb] = ROW(STI, NONE, NONE, 0),
	[0xfc ... 0xfd] = PLAIN(NONE, 0), /* CLD, STD */
	[0xfe] = IN_GROUP(INCREMENT_BYTE, RM, NONE, BYTE),
	[0xff] = IN_GROUP(INCREMENT, RM, NONE, 0),
};

const struct opcode opcode_map_0f[256] = {
	[0x00] = IN_GROUP(TASK, RM, NONE, 0),
	[0x01] = IN_GROUP(SYSTEM, RM, NONE, 0),
	[0x02 ... 0x03] = PLAIN(NONE, MODRM), /* LAR, LSL */
	[0x05] = PLAIN(NONE, 0), /* SYSCALL */
	[0x06] = ROW(CLTS, NONE, NONE, 0),
	[0x07 ... 0x09] = PLAIN(NONE, 0), /* SYSRET, INVD, WBINVD */
	[0x0b] = ROW(INVALID, NONE, NONE, 0), /* UD2 */
	[0x0d] = ROW(NOP, RM, NONE, MODRM), /* prefetches */
	[0x0e] = PLAIN(NONE, 0), /* FEMMS */
	[0x0f] = PLAIN(8, MODRM), /* 3DNow! */
	[0x10 ... 0x17] = PLAIN(NONE, MODRM),
	[0x18 ... 0x1f] = ROW(NOP, RM, NONE, MODRM), /* prefetches, hints, ENDBR */
	[0x20] = ROW(MOV_FROM_CR, RM, NONE, MODRM | NEAR | OPCODE_REGISTER),
	[0x21] = PLAIN(NONE, MODRM | NEAR | OPCODE_REGISTER), /* debug registers */
	[0x22] = ROW(MOV_TO_CR, RM, NONE, MODRM | NEAR | OPCODE_REGISTER),
	[0x23] = PLAIN(NONE, MODRM | NEAR | OPCODE_REGISTER),
	[0x28 ... 0x2f] = PLAIN(NONE, MODRM),
	[0x30 ... 0x35] = PLAIN(NONE, 0), /* WRMSR, RDTSC, RDMSR, RDPMC, SYSENTER, SYSEXIT */
	[0x37] = PLAIN(NONE, 0), /* GETSEC */
	[0x40 ... 0x4f] = ROW(CMOVCC, REG_RM, NONE, MODRM),
	[0x50 ... 0x6f] = PLAIN(NONE, MODRM),
	[0x70 ... 0x73] = PLAIN(8, MODRM),
	[0x74 ... 0x76] = PLAIN(NONE, MODRM),
	[0x77] = PLAIN(NONE, 0), /* EMMS */
	[0x78 ... 0x79] = PLAIN(NONE, MODRM),
	[0x7c ... 0x7f] = PLAIN(NONE, MODRM),
	[0x80 ... 0x8f] = PLAIN(Z, NEAR), /* Jcc */
	[0x90 ... 0x9f] = ROW(SETCC, RM, NONE, MODRM | BYTE),
	[0xa0] = ROW(PUSH_SEGMENT, NONE, NONE, STACK),
	[0xa1] = ROW(POP_SEGMENT, NONE, NONE, STACK),
	[0xa2] = PLAIN(NONE, 0), /* CPUID */
	[0xa3] = ROW(BT, RM_REG, NONE, MODRM),
	[0xa4] = ROW(SHLD, RM_REG, 8, MODRM),
	[0xa5] = ROW(SHLD, RM_REG, NONE, MODRM),
	[0xa8] = ROW(PUSH_SEGMENT, NONE, NONE, STACK),
	[0xa9] = ROW(POP_SEGMENT, NONE, NONE, STACK),
	[0xaa] = PLAIN(NONE, 0), /* RSM */
	[0xab] = ROW(BTS, RM_REG, NONE, MODRM | LOCK),
	[0xac] = ROW(SHRD, RM_REG, 8, MODRM),
	[0xad] = ROW(SHRD, RM_REG, NONE, MODRM),
	[0xae] = IN_GROUP(CACHE, RM, NONE, 0),
	[0xaf] = ROW(IMUL, REG_RM, NONE, MODRM),
	PAIR(0xb0, CMPXCHG, RM_REG, NONE, MODRM | LOCK),
	[0xb2] = PLAIN(NONE, MODRM | OPCODE_MEMORY), /* LSS */
	[0xb3] = ROW(BTR, RM_REG, NONE, MODRM | LOCK),
	[0xb4 ... 0xb5] = PLAIN(NONE, MODRM | OPCODE_MEMORY), /* LFS, LGS */
	[0xb6] = ROW(MOVZX, REG_RM, NONE, MODRM | OPCODE_SOURCE_BYTE),
	[0xb7] = ROW(MOVZX, REG_RM, NONE, MODRM | OPCODE_SOURCE_WORD),
	[0xb8] = ROW(POPCNT, REG_RM, NONE, MODRM),
	[0xb9] = ROW(INVALID, NONE, NONE, MODRM), /* UD1 */
	[0xba] = IN_GROUP(BIT, RM_IMM, 8, 0),
	[0xbb] = ROW(BTC, RM_REG, NONE, MODRM | LOCK),
	[0xbc] = ROW(BSF, REG_RM, NONE, MODRM),
	[0xbd] = ROW(BSR, REG_RM, NONE, MODRM),
	[0xbe] = ROW(MOVSX, REG_RM, NONE, MODRM | OPCODE_SOURCE_BYTE),
	[0xbf] = ROW(MOVSX, REG_RM, NONE, MODRM | OPCODE_SOURCE_WORD),
	PAIR(0xc0, XADD, RM_REG, NONE, MODRM | LOCK),
	[0xc2] = PLAIN(8, MODRM),
	[0xc3] = ROW(MOV, RM_REG, NONE, MODRM | OPCODE_MEMORY | OPCODE_MIN32), /* MOVNTI */
	[0xc4 ... 0xc6] = PLAIN(8, MODRM),
	[0xc7] = IN_GROUP(CMPXCHG, RM, NONE, 0),
	[0xc8 ... 0xcf] = PLAIN(NONE, 0), /* BSWAP */
	[0xd0 ... 0xfe] = PLAIN(NONE, MODRM),
	[0xff] = ROW(INVALID, NONE, NONE, MODRM), /* UD0 */
};

/*
 * What a row leaves out (form, immediate) comes from the opcode that selects the group. A
 * member that is absent has the encoding of that opcode, and no operation.
 */
#define MEMBER(operation, flags) ROW(operation, NONE, NONE, flags)

const struct opcode opcode_groups[OPCODE_GROUP_COUNT][8] = {
	[GROUP_ARITHMETIC] = {
		MEMBER(ADD, LOCK), MEMBER(OR, LOCK), MEMBER(ADC, LOCK), MEMBER(SBB, LOCK),
		MEMBER(AND, LOCK), MEMBER(SUB, LOCK), MEMBER(XOR, LOCK), MEMBER(CMP, 0),
	},
	[GROUP_SHIFT] = {
		MEMBER(ROL, 0), MEMBER(ROR, 0), MEMBER(RCL, 0), MEMBER(RCR, 0),
		MEMBER(SHL, 0), MEMBER(SHR, 0), MEMBER(SAL, 0), MEMBER(SAR, 0),
	},
	[GROUP_UNARY] = {
		ROW(TEST, RM_IMM, Z, 0), ROW(TEST, RM_IMM, Z, 0), MEMBER(NOT, LOCK),
		MEMBER(NEG, LOCK), MEMBER(MUL, 0), MEMBER(IMUL_WIDE, 0), MEMBER(DIV, 0),
		MEMBER(IDIV, 0),
	},
	[GROUP_INCREMENT_BYTE] = {
		MEMBER(INC, LOCK), MEMBER(DEC, LOCK), MEMBER(INVALID, 0), MEMBER(INVALID, 0),
		MEMBER(INVALID, 0), MEMBER(INVALID, 0), MEMBER(INVALID, 0), MEMBER(INVALID, 0),
	},
	[GROUP_INCREMENT] = {
		MEMBER(INC, LOCK), MEMBER(DEC, LOCK), MEMBER(CALL, NEAR),
		MEMBER(NONE, OPCODE_MEMORY), MEMBER(JMP, NEAR), MEMBER(NONE, OPCODE_MEMORY),
		MEMBER(PUSH, STACK), MEMBER(INVALID, 0),
	},
	[GROUP_MOV] = { MEMBER(MOV, 0) },
	[GROUP_POP] = { MEMBER(POP, 0) },
	[GROUP_BIT] = {
		MEMBER(INVALID, 0), MEMBER(INVALID, 0), MEMBER(INVALID, 0), MEMBER(INVALID, 0),
		MEMBER(BT, 0), MEMBER(BTS, LOCK), MEMBER(BTR, LOCK), MEMBER(BTC, LOCK),
	},
	[GROUP_CMPXCHG] = { [1] = MEMBER(CMPXCHG_PAIR, LOCK | OPCODE_MEMORY) },
	[GROUP_SYSTEM] = {
		[0] = MEMBER(SGDT, 0), [1] = MEMBER(SIDT, 0), [4] = MEMBER(SMSW, 0),
		[6] = MEMBER(LMSW, 0),
	},
	[GROUP_TASK] = { [0] = MEMBER(SLDT, 0), [1] = MEMBER(STR, 0) },
	[GROUP_CACHE] = { [7] = MEMBER(NOP, 0) }, /* CLFLUSH, SFENCE */
};
/* clang-format on */

#define LOAD(opcode, prefix, size, offset, keeps, aligned)                \
	{                                                                 \
		opcode, prefix, FORM_XMM_RM, size, offset, keeps, aligned \
	}
#define STORE(opcode, prefix, size, offset, aligned)                      \
	{                                                                 \
		opcode, prefix, FORM_RM_XMM, size, offset, false, aligned \
	}
#define HALF 8 /* the offset of the upper half */

/* clang-format off */
static const struct xmm_move xmm_moves[] = {
	LOAD(0x10, 0x00, 16, 0, false, false), STORE(0x11, 0x00, 16, 0, false), /* MOVUPS */
	LOAD(0x10, 0x66, 16, 0, false, false), STORE(0x11, 0x66, 16, 0, false), /* MOVUPD */
	LOAD(0x10, 0xf3, 4, 0, false, false), STORE(0x11, 0xf3, 4, 0, false), /* MOVSS */
	LOAD(0x10, 0xf2, 8, 0, false, false), STORE(0x11, 0xf2, 8, 0, false), /* MOVSD */
	LOAD(0x12, 0x00, 8, 0, true, false), STORE(0x13, 0x00, 8, 0, false), /* MOVLPS */
	LOAD(0x12, 0x66, 8, 0, true, false), STORE(0x13, 0x66, 8, 0, false), /* MOVLPD */
	LOAD(0x16, 0x00, 8, HALF, true, false), STORE(0x17, 0x00, 8, HALF, false), /* MOVHPS */
	LOAD(0x16, 0x66, 8, HALF, true, false), STORE(0x17, 0x66, 8, HALF, false), /* MOVHPD */
	LOAD(0x28, 0x00, 16, 0, false, true), STORE(0x29, 0x00, 16, 0, true), /* MOVAPS */
	LOAD(0x28, 0x66, 16, 0, false, true), STORE(0x29, 0x66, 16, 0, true), /* MOVAPD */
	LOAD(0x2a, 0x66, 16, 0, false, true), /* MOVNTDQA */
	STORE(0x2b, 0x00, 16, 0, true), STORE(0x2b, 0x66, 16, 0, true), /* MOVNTPS, MOVNTPD */
	LOAD(0x6e, 0x66, 0, 0, false, false), STORE(0x7e, 0x66, 0, 0, false), /* MOVD, MOVQ */
	LOAD(0x6f, 0x66, 16, 0, false, true), STORE(0x7f, 0x66, 16, 0, true), /* MOVDQA */
	LOAD(0x6f, 0xf3, 16, 0, false, false), STORE(0x7f, 0xf3, 16, 0, false), /* MOVDQU */
	LOAD(0x7e, 0xf3, 8, 0, false, false), STORE(0xd6, 0x66, 8, 0, false), /* MOVQ */
	STORE(0xe7, 0x66, 16, 0, true), /* MOVNTDQ */
	LOAD(0xf0, 0xf2, 16, 0, false, false), /* LDDQU */
};
/* clang-format on */

const struct xmm_move *xmm_move_find(bool is_0f38, uint8_t opcode, uint8_t prefix)
{
	const struct xmm_move *move;

	/* 0F 2A converts integers: the only move with that number is of the other map */
	if (is_0f38 != (opcode == 0x2a))
		return NULL;
	for (move = xmm_moves; move < xmm_moves + ARRAY_SIZE(xmm_moves); move++)
		if (move->opcode == opcode && move->prefix == prefix)
			return move;
	return NULL;
}

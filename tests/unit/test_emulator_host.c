/* SPDX-License-Identifier: MIT */
/*
 * The emulator against the processor that runs the test: random instructions on random
 * registers and memory are executed by both, and registers, defined flags and memory must
 * come out alike. The random numbers are the same in every run. Memory operands lie in an
 * arena that has the same address here and in the emulated guest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <emulator/instruction.h>
#include "emulator_machine.h"

#if defined(__x86_64__)

#define ROUNDS	   400000
#define ARENA	   0x10020000ull /* virtual; in the guest MACHINE_DATA, physically */
#define ARENA_SIZE 0x2000u
#define SLOT	   0x10010000ull /* where the instruction stands, in both */
#define FLAGS_USED (GUEST_FLAGS_STATUS | GUEST_FLAG_DF)

/* The registers for the instruction, and from it. */
uint64_t native_gpr[16];
union hv_register_value native_xmm[16];
uint64_t native_flags;
uint64_t native_stack;
uint64_t native_slot = SLOT;
void native_call(void);
void native_return(void);

__asm__(".pushsection .text\n"
	".globl native_call, native_return\n"
	"native_call:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, native_stack(%rip)\n"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movdqu native_xmm+16*\\i(%rip), %xmm\\i\n"
	".endr\n"
	"	push native_flags(%rip); popfq\n"
	"	mov native_gpr+0(%rip), %rax\n	mov native_gpr+8(%rip), %rcx\n"
	"	mov native_gpr+16(%rip), %rdx\n	mov native_gpr+24(%rip), %rbx\n"
	"	mov native_gpr+32(%rip), %rsp\n	mov native_gpr+40(%rip), %rbp\n"
	"	mov native_gpr+48(%rip), %rsi\n	mov native_gpr+56(%rip), %rdi\n"
	"	mov native_gpr+64(%rip), %r8\n	mov native_gpr+72(%rip), %r9\n"
	"	mov native_gpr+80(%rip), %r10\n	mov native_gpr+88(%rip), %r11\n"
	"	mov native_gpr+96(%rip), %r12\n	mov native_gpr+104(%rip), %r13\n"
	"	mov native_gpr+112(%rip), %r14\n	mov native_gpr+120(%rip), %r15\n"
	"	jmp *native_slot(%rip)\n"
	"native_return:\n"
	"	mov %rax, native_gpr+0(%rip)\n	mov %rcx, native_gpr+8(%rip)\n"
	"	mov %rdx, native_gpr+16(%rip)\n	mov %rbx, native_gpr+24(%rip)\n"
	"	mov %rsp, native_gpr+32(%rip)\n	mov %rbp, native_gpr+40(%rip)\n"
	"	mov %rsi, native_gpr+48(%rip)\n	mov %rdi, native_gpr+56(%rip)\n"
	"	mov %r8, native_gpr+64(%rip)\n	mov %r9, native_gpr+72(%rip)\n"
	"	mov %r10, native_gpr+80(%rip)\n	mov %r11, native_gpr+88(%rip)\n"
	"	mov %r12, native_gpr+96(%rip)\n	mov %r13, native_gpr+104(%rip)\n"
	"	mov %r14, native_gpr+112(%rip)\n	mov %r15, native_gpr+120(%rip)\n"
	"	mov native_stack(%rip), %rsp\n"
	".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movdqu %xmm\\i, native_xmm+16*\\i(%rip)\n"
	".endr\n"
	"	pushfq; pop native_flags(%rip)\n"
	"	cld\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".popsection\n");

static uint64_t random_state = 0x853c49e6748fea9b;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Values at which carries, signs and overflows happen, among others. */
static uint64_t random_value(void)
{
	static const uint64_t edges[] = {0,	1,	 2,	     0x7f,	  0x80,
					 0xff,	0x7fff,	 0x8000,     0xffff,	  0x7fffffff,
					 ~0ull, BIT(31), 0xffffffff, BIT(63) - 1, BIT(63)};

	switch (random_number() % 4) {
	case 0: return edges[random_number() % ARRAY_SIZE(edges)];
	case 1: return random_number() % 64 - 16;
	case 2: return ARENA + ARENA_SIZE / 4 + random_number() % (ARENA_SIZE / 2);
	default: return random_number();
	}
}

static unsigned random_instruction(uint8_t *bytes)
{
	unsigned n = 0, modrm;

	for (unsigned i = 0; i < EMULATOR_MAX_LENGTH; i++)
		bytes[i] = (uint8_t)random_number();
	if (random_number() % 4 == 0)
		bytes[n++] = 0x66;
	if (random_number() % 16 == 0)
		bytes[n++] = 0x67;
	if (random_number() % 8 == 0)
		bytes[n++] = 0xf0;
	if (random_number() % 8 == 0)
		bytes[n++] = random_number() & 1 ? 0xf2 : 0xf3;
	if (random_number() & 1)
		bytes[n++] = 0x40 | (random_number() & 15);
	switch (random_number() % 16) {
	case 0 ... 5: bytes[n++] = 0x0f; break;
	case 6:
		bytes[n++] = 0x0f;
		bytes[n++] = 0x38;
		bytes[n] = 0xf0 | (random_number() & 1);
		break;
	}
	/* short displacements, so that the arena is hit */
	modrm = n + 1;
	if (bytes[modrm] >> 6 == 2)
		bytes[modrm] ^= 0xc0;
	return modrm;
}

/* Those that a process may execute and whose whole effect we see. */
static bool can_be_compared(const struct instruction *insn)
{
	if (insn->override != SEGMENT_NONE) /* FS and GS belong to the C library */
		return false;
	switch (insn->operation) {
	case OPERATION_NONE:
	case OPERATION_INVALID:
	case OPERATION_NOP:
	case OPERATION_MOV_FROM_SEGMENT:
	case OPERATION_MOV_TO_SEGMENT:
	case OPERATION_PUSH_SEGMENT:
	case OPERATION_POP_SEGMENT:
	case OPERATION_INS:
	case OPERATION_OUTS:
	case OPERATION_IN:
	case OPERATION_OUT:
	case OPERATION_SMSW:
	case OPERATION_CLI:
	case OPERATION_STI:
	case OPERATION_CALL:
	case OPERATION_JMP:
	case OPERATION_RET: return false;
	default: return insn->operation < OPERATION_MOV_FROM_CR;
	}
}

/* The count of a shift as it acts; the instruction's own CL may be among what it changes. */
static unsigned shift_count(const struct instruction *insn, uint64_t rcx)
{
	bool by_cl = insn->operand[1].kind == OPERAND_REGISTER;
	unsigned count;

	if (insn->operation == OPERATION_SHLD || insn->operation == OPERATION_SHRD)
		by_cl = insn->opcode & 1;
	count = (by_cl ? rcx : insn->immediate) & 0xff;
	return count & (insn->operand_size == 8 ? 63 : 31);
}

/* The flags that the manuals leave undefined. */
static uint64_t undefined_flags(const struct instruction *insn, uint64_t rcx)
{
	uint64_t flags = 0;
	unsigned count;

	switch (insn->operation) {
	case OPERATION_AND:
	case OPERATION_OR:
	case OPERATION_XOR:
	case OPERATION_TEST: return GUEST_FLAG_AF;
	case OPERATION_ROL ... OPERATION_SAR:
	case OPERATION_SHLD:
	case OPERATION_SHRD:
		count = shift_count(insn, rcx);
		if (count && insn->operation >= OPERATION_SHL)
			flags |= GUEST_FLAG_AF;
		if (count > 1)
			flags |= GUEST_FLAG_OF;
		if (count >= 8u * insn->operand_size && insn->operation >= OPERATION_SHL)
			flags |= GUEST_FLAG_CF;
		return flags;
	case OPERATION_MUL:
	case OPERATION_IMUL:
	case OPERATION_IMUL_WIDE:
		return GUEST_FLAG_SF | GUEST_FLAG_ZF | GUEST_FLAG_AF | GUEST_FLAG_PF;
	case OPERATION_DIV:
	case OPERATION_IDIV: return GUEST_FLAGS_STATUS;
	case OPERATION_BT ... OPERATION_BTC:
		return GUEST_FLAG_OF | GUEST_FLAG_SF | GUEST_FLAG_AF | GUEST_FLAG_PF;
	case OPERATION_BSF:
	case OPERATION_BSR: return GUEST_FLAGS_STATUS & ~GUEST_FLAG_ZF;
	default: return 0;
	}
}

/* The result too is undefined if a 16-bit double shift goes beyond the operand. */
static bool result_is_undefined(const struct instruction *insn, uint64_t rcx)
{
	return (insn->operation == OPERATION_SHLD || insn->operation == OPERATION_SHRD) &&
	       insn->operand_size == 2 && shift_count(insn, rcx) > 16;
}

static void show(const uint8_t *bytes, const struct instruction *insn, const struct machine *m,
		 uint64_t flags)
{
	printf("differs:");
	for (unsigned i = 0; i < insn->length; i++)
		printf(" %02x", bytes[i]);
	printf(" (operation %u) flags ours %llx host %llx\n", insn->operation,
	       (unsigned long long)m->cpu.rflags, (unsigned long long)flags);
	for (unsigned i = 0; i < 16; i++)
		if (m->cpu.gpr[i] != native_gpr[i])
			printf("  gpr %u: ours %llx host %llx\n", i,
			       (unsigned long long)m->cpu.gpr[i],
			       (unsigned long long)native_gpr[i]);
}

static void write_slot(const uint8_t *bytes, unsigned length)
{
	uint8_t *slot = (uint8_t *)SLOT;
	uint64_t target = (uint64_t)native_return;

	memcpy(slot, bytes, length);
	memcpy(slot + length, (const uint8_t[]){0xff, 0x25, 0, 0, 0, 0}, 6); /* jmp *0(%rip) */
	memcpy(slot + length + 6, &target, 8);
}

static void prepare(struct machine *m)
{
	uint64_t *arena = (uint64_t *)ARENA;

	for (unsigned i = 0; i < ARENA_SIZE / 8; i += 1 + random_number() % 64)
		arena[i] = random_value();
	memcpy(m->ram + MACHINE_DATA, arena, ARENA_SIZE);
	for (unsigned i = 0; i < 16; i++)
		m->cpu.gpr[i] = random_value();
	/* make comparisons come true sometimes */
	if (random_number() % 4 == 0)
		memcpy(&m->cpu.gpr[EMULATOR_RAX], (uint8_t *)ARENA + ARENA_SIZE / 4, 8);
	m->cpu.rflags = 0x202 | (random_number() & FLAGS_USED);
	m->cpu.rip = SLOT;
	for (unsigned i = 0; i < 16; i++)
		m->xmm[i] = (union hv_register_value){
			{.low = random_number(), .high = random_number()}};
	memcpy(native_xmm, m->xmm, sizeof(native_xmm));
	memcpy(native_gpr, m->cpu.gpr, sizeof(native_gpr));
	native_flags = m->cpu.rflags;
}

/* Answers 0 if the instruction cannot be compared, 1 if both agree, 2 if they do not. */
static unsigned compare_one(struct machine *m, unsigned *moves)
{
	uint8_t bytes[EMULATOR_MAX_LENGTH];
	struct instruction insn;
	uint64_t mask, rcx;

	random_instruction(bytes);
	if (instruction_decode(&insn, bytes, sizeof(bytes), 8) != DECODE_OK ||
	    !can_be_compared(&insn))
		return 0;
	prepare(m);
	rcx = m->cpu.gpr[EMULATOR_RCX];
	if (result_is_undefined(&insn, rcx))
		return 0;
	memcpy(m->ram + MACHINE_CODE, bytes, sizeof(bytes));
	if (emulator_run_one(&m->cpu, &machine_ops, m, &m->result) != EMULATOR_DONE)
		return 0;
	write_slot(bytes, insn.length);
	native_call();
	*moves += insn.operation == OPERATION_MOV_XMM;
	mask = FLAGS_USED & ~undefined_flags(&insn, rcx);
	if (m->cpu.rip == SLOT + insn.length && !((m->cpu.rflags ^ native_flags) & mask) &&
	    !memcmp(m->cpu.gpr, native_gpr, sizeof(native_gpr)) &&
	    !memcmp(m->xmm, native_xmm, sizeof(native_xmm)) &&
	    !memcmp(m->ram + MACHINE_DATA, (void *)ARENA, ARENA_SIZE))
		return 1;
	show(bytes, &insn, m, native_flags);
	return 2;
}

/* The guest's pages at SLOT and ARENA, and nothing else below 4 GiB. */
static void map_guest(struct machine *m)
{
	machine_long64(m);
	machine_user(m);
	m->cpu.cr4 |= GUEST_CR4_OSFXSR;
	memset(m->ram + MACHINE_PD, 0, PAGE_SIZE);
	machine_put(m, MACHINE_PD + 8 * (ARENA >> 21), MACHINE_PT | 7, 8);
	machine_put(m, MACHINE_PT + 8 * (SLOT >> 12 & 511), MACHINE_CODE | 5, 8);
	for (unsigned i = 0; i < ARENA_SIZE / PAGE_SIZE; i++)
		machine_put(m, MACHINE_PT + 8 * ((ARENA >> 12 & 511) + i),
			    (MACHINE_DATA + i * PAGE_SIZE) | 7, 8);
}

static void random_instructions_agree_with_the_host(void **state)
{
	unsigned compared = 0, wrong = 0, moves = 0;
	static struct machine machine;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	void *slot, *arena;

	(void)state;
	slot = mmap((void *)SLOT, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
	arena = mmap((void *)ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (slot != (void *)SLOT || arena != (void *)ARENA)
		skip();
	map_guest(&machine);
	for (unsigned i = 0; i < ROUNDS && wrong < 20; i++) {
		unsigned answer = compare_one(&machine, &moves);

		compared += answer != 0;
		wrong += answer == 2;
	}
	print_message("%u instructions compared, %u of them moves of SSE registers\n", compared,
		      moves);
	assert_int_equal(wrong, 0);
	assert_true(compared > ROUNDS / 20);
	assert_true(moves > ROUNDS / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_instructions_agree_with_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	printf("SKIP: the host is not an x86-64\n");
	return 0;
}

#endif

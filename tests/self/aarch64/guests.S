/* SPDX-License-Identifier: MIT */
/* Guests of the self tests: data to the kernel, which are copied into a partition's memory. */
#include "guest.h"

	.arch_extension fp
	.section .rodata.guests, "a"

	.macro	guest name
	.balign	16
	.globl	guest_\name, guest_\name\()_end
guest_\name:
	.endm
	.macro	guest_end name
guest_\name\()_end:
	.endm
	.macro	set reg, value
	mov	\reg, #(\value & 0xffff)
	movk	\reg, #(\value >> 16 & 0xffff), lsl #16
	.endm
	/* X20 and X21 are used by this. */
	.macro	say value
	mov	x20, #GUEST_PORT
	mov	w21, #\value
	str	w21, [x20]
	.endm
	.macro	tell register
	mov	x20, #GUEST_PORT
	str	\register, [x20]
	.endm

/*
 * Each vector tells 0xe00 + its number, then ESR_EL1, and goes on behind the instruction, or, of an interrupt
 * (number % 4 is 1), where it came from, after telling the INTID and ending it. X22 to X24 are lost.
 */
	.macro	vector_of number
	.balign	128
	mov	x22, #GUEST_PORT
	mov	w23, #0xe00 + \number
	str	w23, [x22]
	.if	\number % 4 == 1
	mrs	x23, s3_0_c12_c12_0		/* ICC_IAR1_EL1 */
	str	w23, [x22]
	mrs	x24, cntv_ctl_el0
	orr	x24, x24, #2
	msr	cntv_ctl_el0, x24
	msr	s3_0_c12_c12_1, x23		/* ICC_EOIR1_EL1 */
	.else
	mrs	x23, esr_el1
	str	w23, [x22]
	mrs	x23, elr_el1
	add	x23, x23, #4
	msr	elr_el1, x23
	.endif
	eret
	.endm

	.balign	2048
	.globl	guest_vectors, guest_vectors_end
guest_vectors:
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector_of \number
	.endr
guest_vectors_end:

	guest	calls
	mov	x0, #0x84000000			/* PSCI_VERSION */
	hvc	#0
	tell	w0
	mov	x0, #0x84000000
	smc	#0
	tell	w0
	mov	x0, #0x80000000			/* SMCCC_VERSION */
	hvc	#0
	tell	w0
	set	x0, 0x80000001			/* ARCH_FEATURES of itself */
	set	x1, 0x80000001
	hvc	#0
	tell	w0
	set	x0, 0x8400000a			/* PSCI_FEATURES of CPU_ON */
	set	x1, 0xc4000003
	movk	x1, #0xffff, lsl #32		/* which is not looked at */
	smc	#0
	tell	w0
	set	x0, 0x84000006			/* MIGRATE_INFO_TYPE */
	hvc	#0
	tell	w0
	mov	x0, #0x1234			/* nothing */
	mov	x1, #77
	hvc	#0
	tell	w0
	tell	w1
	hvc	#7
	say	1
	set	x0, 0x84000008			/* SYSTEM_OFF */
	hvc	#0
	tell	w0
	set	x0, 0xc4000012			/* SYSTEM_RESET2 */
	set	x1, 0x80000003
	set	x2, 0x11223344
	hvc	#0
	b	.
	guest_end calls

	guest	ids
	mrs	x0, id_aa64pfr0_el1
	mrs	x1, id_aa64dfr0_el1
	mrs	x2, id_aa64isar1_el1
	mrs	x3, id_aa64mmfr0_el1
	mrs	x4, s3_0_c0_c7_7
	mrs	x5, midr_el1
	mrs	x6, mpidr_el1
	mrs	xzr, id_aa64pfr0_el1
	say	1
	mov	x7, #5
	mrs	x7, pmcr_el0			/* there are no counters */
	say	2
	mrs	x8, s3_0_c12_c12_5		/* ICC_SRE_EL1 */
	mov	x9, #0x1800
	msr	dbgbvr0_el1, x9
	mrs	x10, dbgbvr0_el1
	msr	oslar_el1, xzr
	mrs	x11, oslsr_el1
	say	3
	msr	s3_0_c0_c4_0, x0		/* ID_AA64PFR0_EL1 is read-only: undefined */
	say	4
	mrs	x0, s3_0_c11_c0_0		/* implementation defined */
	say	5
	mov	x9, #0x330000			/* FPEN, ZEN: nothing traps to EL1 */
	msr	cpacr_el1, x9
	isb
	.inst	0x04bf5020			/* RDVL X0, #1, of SVE */
	say	6
	guest_end ids

	guest	mmio
	mov	x0, #0x0a000000
	mov	x1, #0x7788
	movk	x1, #0x5566, lsl #16
	movk	x1, #0x3344, lsl #32
	movk	x1, #0x1122, lsl #48
	strb	w1, [x0, #1]
	strh	w1, [x0, #2]
	str	w1, [x0, #4]
	str	x1, [x0, #8]
	str	xzr, [x0, #16]
	ldrb	w2, [x0]
	ldrsb	w3, [x0]
	ldrsb	x4, [x0]
	ldrh	w5, [x0]
	ldrsh	x6, [x0]
	ldr	w7, [x0]
	ldrsw	x8, [x0]
	ldr	x9, [x0]
	ldr	wzr, [x0]
	say	1
	stp	x1, x2, [x0]			/* no syndrome */
	say	2
	ldr	x10, [x0]			/* the VMM aborts it */
	say	3
	ldr	x11, [x0]			/* it is undefined */
	say	4
	dc	cvac, x0			/* nothing is to be done */
	say	5
	br	x0				/* fetches from where nothing is */
	guest_end mmio

	/* X0: the SPI, or 0; sets up the GIC and lets interrupts in. */
	.macro	gic_up
	set	x1, GUEST_GICR
	str	wzr, [x1, #0x14]		/* GICR_WAKER: awake */
	add	x1, x1, #0x10000
	mov	w2, #-1
	str	w2, [x1, #0x80]			/* IGROUPR0 */
	mov	w2, #0xffff
	str	w2, [x1, #0x100]		/* ISENABLER0: SGIs */
	mov	w2, #0x48000000
	str	w2, [x1, #0x100]		/* PPIs 27, 30 */
	mov	x1, #GUEST_GICD
	mov	w2, #0x12			/* ARE, group 1 */
	str	w2, [x1]
	mov	w2, #-1
	str	w2, [x1, #0x84]			/* IGROUPR1 */
	str	w2, [x1, #0x104]		/* ISENABLER1 */
	mov	x2, #0xf0
	msr	s3_0_c4_c6_0, x2		/* ICC_PMR_EL1 */
	mov	x2, #1
	msr	s3_0_c12_c12_7, x2		/* ICC_IGRPEN1_EL1 */
	isb
	.endm

	guest	virtual_timer
	gic_up
	say	1
	msr	daifclr, #2
	mrs	x0, cntvct_el0
	add	x0, x0, #1000
	msr	cntv_cval_el0, x0
	mov	x1, #1
	msr	cntv_ctl_el0, x1
1:	mrs	x1, cntv_ctl_el0		/* until the handler has masked it */
	tbz	x1, #1, 1b
	say	2
	mrs	x0, cntvct_el0			/* a second one, asleep */
	mov	x1, #0x8000
	add	x0, x0, x1
	msr	cntv_cval_el0, x0
	mov	x1, #1
	msr	cntv_ctl_el0, x1
	wfi
	say	3
	msr	daifset, #2
	mov	x1, #1				/* not served at once: it stays */
	msr	cntv_ctl_el0, x1
	say	4
	msr	daifclr, #2
	say	5
	guest_end virtual_timer

	/* With EOImode 1: deactivated while it is due it comes again, and afterwards not. */
	guest	timer_split
	gic_up
	mov	x0, #2
	msr	s3_0_c12_c12_4, x0		/* ICC_CTLR_EL1 */
	isb
	say	1
	mov	x5, #3
1:	mrs	x0, cntvct_el0
	add	x0, x0, #1000
	msr	cntv_cval_el0, x0
	mov	x1, #1
	msr	cntv_ctl_el0, x1
2:	mrs	x3, s3_0_c12_c12_0		/* ICC_IAR1_EL1 */
	cmp	x3, #27
	b.ne	2b
	msr	s3_0_c12_c12_1, x3		/* ICC_EOIR1_EL1 */
	msr	s3_0_c12_c11_1, x3		/* ICC_DIR_EL1 */
	isb
3:	mrs	x3, s3_0_c12_c12_0
	cmp	x3, #27
	b.ne	3b
	msr	cntv_ctl_el0, xzr
	isb
	msr	s3_0_c12_c12_1, x3
	msr	s3_0_c12_c11_1, x3
	isb
	mrs	x3, s3_0_c12_c12_0
	tell	w3
	subs	x5, x5, #1
	b.ne	1b
	say	2
	guest_end timer_split

	guest	physical_timer
	gic_up
	say	1
	mrs	x0, cntpct_el0
	mov	x1, #(1 << 40)			/* hours */
	add	x1, x0, x1
	msr	cntp_cval_el0, x1
	mov	x1, #1
	msr	cntp_ctl_el0, x1
	mrs	x2, cntp_ctl_el0
	tell	w2
	mov	x1, #0x100000
	add	x0, x0, x1
	msr	cntp_cval_el0, x0
	wfi					/* masked in PSTATE: WFI ends nevertheless */
	mrs	x2, cntp_ctl_el0
	tell	w2
	mrs	x3, s3_0_c12_c12_0		/* the interrupt */
	tell	w3
	mov	x1, #3
	msr	cntp_ctl_el0, x1
	msr	s3_0_c12_c12_1, x3
	mrs	x3, s3_0_c12_c12_0		/* and no other */
	tell	w3
	guest_end physical_timer

	guest	spi
	gic_up
	msr	daifclr, #2
	say	1
	wfi
	say	2
	b	.
	guest_end spi

	/* VP 0 turns VP 1 on, which writes to memory, and sends an SGI. */
	guest	second
	gic_up
	mov	x2, #0
	set	x0, 0xc4000003			/* CPU_ON: no such CPU */
	mov	x1, #0x55
	hvc	#0
	tell	w0
	set	x0, 0xc4000003			/* this one is on */
	mov	x1, #0
	hvc	#0
	tell	w0
	set	x0, 0xc4000004			/* AFFINITY_INFO */
	mov	x1, #1
	mov	x2, #0
	hvc	#0
	tell	w0
	set	x0, 0xc4000003
	mov	x1, #1
	adr	x2, 2f
	mov	x3, #0x4242
	smc	#0
	tell	w0
	set	x0, 0xc4000004
	mov	x1, #1
	mov	x2, #0
	hvc	#0
	tell	w0
	msr	daifclr, #2
	isb
	say	1
	mov	x0, #GUEST_DATA
	ldr	w1, [x0]
	tell	w1
	b	.
2:	mov	x1, #GUEST_DATA
	str	w0, [x1]
	mov	x0, #1				/* SGI 0 to Aff0 0 */
	msr	s3_0_c12_c11_5, x0
	mrs	x0, mpidr_el1
	tell	w0
	mrs	x0, sctlr_el1
	tell	w0
	set	x0, 0x84000002			/* CPU_OFF */
	hvc	#0
	say	99
	guest_end second

	/* Registers of each kind, round and round: X19 counts. */
	guest	keep
	mov	x2, #0x300000			/* CPACR_EL1.FPEN */
	msr	cpacr_el1, x2
	isb
	msr	tpidr_el1, x19
	msr	tpidr_el0, x19
	add	x2, x19, #0x5000
	msr	contextidr_el1, x2
	fmov	d3, x19
1:	tell	w19
	mrs	x3, tpidr_el1
	tell	w3
	mrs	x3, tpidr_el0
	tell	w3
	mrs	x3, contextidr_el1
	tell	w3
	fmov	x3, d3
	tell	w3
	b	1b
	guest_end keep

	/* EL0, and back by SVC and by what traps there. */
	guest	user
	adr	x0, 1f
	msr	elr_el1, x0
	msr	spsr_el1, xzr
	eret
1:	svc	#5
	mrs	x0, midr_el1
	say	1
	guest_end user

	/* Instructions of each kind, to be stepped: by the processor, by the kernel, by the VMM. */
	.globl	guest_debugged_data, guest_debugged_store, guest_debugged_break
	guest	debugged
	mov	x0, #1
	mov	x1, #GUEST_DATA
	mov	x20, #GUEST_PORT
	mrs	x2, id_aa64pfr0_el1
	mov	x0, #0x84000000
	hvc	#0
	str	w0, [x20]
guest_debugged_data:
	mov	w5, #55
guest_debugged_store:
	str	w5, [x1, #8]
	ldr	w6, [x1, #8]
	ldr	w7, [x1, #16]
guest_debugged_break:
	brk	#7
	say	3
	b	guest_debugged_data
	guest_end debugged

	/* The guest's own breakpoint, and its own step of a program. */
	guest	own_debug
	msr	oslar_el1, xzr
	adr	x0, 1f
	msr	dbgbvr0_el1, x0
	mov	x1, #0x1e3			/* all bytes, EL1, on */
	msr	dbgbcr0_el1, x1
	mrs	x2, mdscr_el1
	mov	x3, #0xa000			/* MDE, KDE */
	orr	x2, x2, x3
	msr	mdscr_el1, x2
	isb
	msr	daifclr, #8			/* PSTATE.D */
	say	1
1:	nop
	say	2
	guest_end own_debug

	/* To be stepped: to EL0 and back, by SVC and by what EL0 may not; an access, and what there is not. */
	.globl	guest_stepped_svc, guest_stepped_undefined
	guest	stepped
	adr	x0, guest_stepped_svc
	msr	elr_el1, x0
	msr	spsr_el1, xzr
	eret
guest_stepped_svc:
	svc	#5
	nop					/* the handler goes on behind this */
guest_stepped_undefined:
	mrs	x0, sctlr_el1
	guest_end stepped

	.globl	guest_stepped_el1_none, guest_stepped_el1_break
	guest	stepped_el1
	mov	x0, #0x0a000000
	ldr	x1, [x0]			/* the VMM aborts it */
guest_stepped_el1_none:
	mrs	x0, s3_0_c11_c0_0		/* implementation defined */
	mrs	x1, mdscr_el1			/* as if nobody stepped */
guest_stepped_el1_break:
	brk	#0x1234
	say	1
	guest_end stepped_el1

	/* An interrupt ends WFI, and then comes. */
	.globl	guest_stepped_wait, guest_stepped_woken, guest_stepped_loop
	guest	stepped_sleep
	gic_up
	mrs	x0, cntvct_el0
	mov	x1, #0x8000
	add	x0, x0, x1
	msr	cntv_cval_el0, x0
	mov	x1, #1
	msr	cntv_ctl_el0, x1
	say	1
guest_stepped_wait:
	wfi
guest_stepped_woken:
	msr	daifclr, #2
guest_stepped_loop:
	mrs	x1, cntv_ctl_el0		/* until the handler has masked it */
	tbz	x1, #1, guest_stepped_loop
	say	2
	guest_end stepped_sleep

	/* Its own breakpoint and watchpoint are what it has written, whoever debugs it; round and round. */
	.globl	guest_own_seen_here, guest_own_seen_theirs
	guest	own_seen
	msr	oslar_el1, xzr
	adr	x0, guest_own_seen_here
	msr	dbgbvr0_el1, x0
	mov	x1, #0x1e3
	msr	dbgbcr0_el1, x1
	mov	x4, #GUEST_DATA
	msr	dbgwvr1_el1, x4
	mov	x5, #0x1ff6			/* off */
	msr	dbgwcr1_el1, x5
	mrs	x2, mdscr_el1
	mov	x3, #0xa000			/* MDE, KDE */
	orr	x2, x2, x3
	msr	mdscr_el1, x2
	isb
	msr	daifclr, #8
1:	mrs	x0, dbgbvr0_el1
	tell	w0
	mrs	x0, dbgbcr0_el1
	tell	w0
	mrs	x0, dbgwvr1_el1
	tell	w0
	mrs	x0, dbgwcr1_el1
	tell	w0
	mrs	x0, mdscr_el1
	tell	w0
guest_own_seen_here:
	nop
guest_own_seen_theirs:
	say	1
	b	1b
	guest_end own_seen

	/* The handler of a guest that tries what there is not: X24 counts, X23 is lost. */
	guest	passes_over
	mrs	x23, elr_el1
	add	x23, x23, #4
	msr	elr_el1, x23
	add	x24, x24, #1
	eret
	guest_end passes_over

	/* Calls with whatever is in the registers, which a generator (xorshift) fills. */
	guest	wild_calls
	mov	x10, #3000
1:	eor	x19, x19, x19, lsl #13
	eor	x19, x19, x19, lsr #7
	eor	x19, x19, x19, lsl #17
	and	x0, x19, #0xff
	tst	x19, #0x100
	b.eq	2f
	movk	x0, #0x8400, lsl #16
	tst	x19, #0x200
	b.eq	2f
	movk	x0, #0xc400, lsl #16
2:	lsr	x1, x19, #40
	mov	x2, x19
	lsr	x3, x19, #3
	tst	x19, #0x400
	b.eq	3f
	hvc	#0
	b	4f
3:	smc	#0
4:	subs	x10, x10, #1
	b.ne	1b
	say	1
	guest_end wild_calls

	/* Round trips for measuring, X19 of each kind: X0 is what they took. */
	guest	trips
	mov	x10, x19
	mrs	x22, cntvct_el0
1:	mov	x0, #0x84000000			/* PSCI_VERSION */
	hvc	#0
	subs	x10, x10, #1
	b.ne	1b
	mrs	x0, cntvct_el0
	sub	x0, x0, x22
	say	1
	mov	x10, x19
	mrs	x22, cntvct_el0
2:	mrs	x1, id_aa64pfr0_el1
	subs	x10, x10, #1
	b.ne	2b
	mrs	x0, cntvct_el0
	sub	x0, x0, x22
	say	2
	mov	x20, #GUEST_PORT
3:	str	w19, [x20]
	b	3b
	guest_end trips

	.section .note.GNU-stack, "", %progbits

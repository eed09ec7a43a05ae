/* SPDX-License-Identifier: MIT */
/* The code of the tiny guests that take exceptions and interrupts: as in guests.S. */
#include "guest.inc"

	/* Switches x2APIC mode and the local APIC on. */
/* An interrupt whose frame goes to memory that is not there yet. */
guest delivery
	apic_on
	xor	%ebx, %ebx
	mov	$0x400800, %rsp
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	wrmsr
	sti
	nop
	nop
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler delivery irq
	inc	%ebx
	apic_eoi
	iretq
guest_end delivery

/* The VMM answers its read with an exception: error code, then CR2. */
guest injected
	mov	$0x30000000, %rdi
	mov	(%rdi), %eax
	say	99
	hlt
handler injected pf
	pop	%rax
	out	%eax, $0x99
	mov	%cr2, %rax
	out	%eax, $0x99
	hlt
guest_end injected

/* #UD, whose gate is missing, and so is that of the #NP which follows. */
guest double_fault
	ud2
	say	99
handler double_fault df
	pop	%rax
	add	$8, %eax
	out	%eax, $0x99
	hlt
guest_end double_fault

/* TF is set over CPUID, which the kernel finishes: the trap comes after it, not later. */
guest stepped
	pushfq
	orl	$0x100, (%rsp)
	xor	%eax, %eax
	popfq
	cpuid
step_after:
	nop
	say	99
	hlt
handler stepped db
	pop	%rax
	lea	step_after(%rip), %rbx
	sub	%rbx, %rax
	out	%eax, $0x99
	mov	%dr6, %rax
	out	%eax, $0x99
	hlt
guest_end stepped

/* An interrupt that waits comes after HLT, which STI shadows, and ends it; the next one after the
 * instruction that follows STI. */
guest shadow
	apic_on
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	wrmsr
	lea	shadow_1(%rip), %rbx
	sti
	hlt
shadow_1:
	cli
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	xor	%edx, %edx
	wrmsr
	lea	shadow_2(%rip), %rbx
	sti
	nop
shadow_2:
	nop
	cli
	hlt
handler shadow irq
	mov	(%rsp), %rax
	sub	%rbx, %rax
	out	%eax, $0x99
	apic_eoi
	iretq
guest_end shadow

/* Waits for the interrupt 0x51 with IF clear; who runs it sets IF and a shadow over the next
 * instruction. The handler tells whether that one has run. */
guest kept
	apic_on
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	wrmsr
	xor	%ebx, %ebx
	say	5
	inc	%ebx
	nop
	say	99
	hlt
handler kept irq
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
guest_end kept

/* Tells the TF that it sees in its flags: of PUSHF, in #UD's frame and in INT's, each of which runs
 * in a shadow that who runs it sets, while an NMI waits. */
guest hidden
	say	5
	pushfq
	pop	%rax
	shr	$8, %eax
	and	$1, %eax
	out	%eax, $0x99
	say	5
	ud2
	say	5
	int	$0x52
	say	5
	push	$2
	popfq
	say	99
	hlt
handler hidden ud
	addq	$2, (%rsp)
handler hidden int
	mov	16(%rsp), %rax
	shr	$8, %eax
	and	$1, %eax
	out	%eax, $0x99
	iretq
handler hidden nmi
	incl	%ebx
	iretq
guest_end hidden

/* Tells the TF that #GP's frame shows when the fault is in STI's shadow and an interrupt waits. Who
 * runs it sends one first, and sets IF and a shadow. */
guest hidden_fault
	apic_on
	xor	%ebx, %ebx
	say	5
	nop
	cli
	sti /* Bochs 2.7 looks at a virtual interrupt when IF changes */
	nop
	cli
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0x4fffffff, %ecx
	sti
	rdmsr
	say	99
	hlt
handler hidden_fault gp
	mov	24(%rsp), %rax
	shr	$8, %eax
	and	$1, %eax
	out	%eax, $0x99
	add	$8, %rsp
	addq	$2, (%rsp)
	iretq
handler hidden_fault irq
	incl	%ebx
	apic_eoi
	iretq
guest_end hidden_fault

/* Waits for interrupts from outside: LINT0 is ExtINT. */
guest outside
	apic_on
	mov	$0x835, %ecx
	mov	$0x700, %eax
	xor	%edx, %edx
	wrmsr
	say	1
	sti
0:	hlt
	jmp	0b
handler outside pic
	say	2
	iretq
handler outside msi
	say	3
	apic_eoi
	say	4
	iretq
guest_end outside

/* Half of the time stamp above 2^16, twice. */
guest tsc
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %rbx
	shr	$16, %rax
	out	%eax, $0x99
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	%rbx, %rax
	seta	%al
	movzbl	%al, %eax
	out	%eax, $0x99
	hlt
guest_end tsc

/* Starts VP 1 at 0x20000 by INIT and SIPI; then an IPI to it. */
guest starter
	apic_on
	mov	$0x830, %ecx
	mov	$1, %edx
	mov	$0x4500, %eax
	wrmsr
	mov	$0x4620, %eax
	wrmsr
	say	1
	mov	$0x830, %ecx
	mov	$1, %edx
	mov	$0x4050, %eax
	wrmsr
	say	2
	hlt
guest_end starter

	.code16
guest started
	apic_on
	say	3
	sti
	hlt
	say	5
	hlt
handler started irq
	say	4
	apic_eoi
	iret
guest_end started

	.section .note.GNU-stack, "", @progbits

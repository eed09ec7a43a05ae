/* SPDX-License-Identifier: MIT */
/* The code of the tiny guests that are debugged: as in guests.S; `handler` names each place that a step or
 * a breakpoint should come to. */
#include "guest.inc"

	/* AL = TF of the flags at `where`. */
	.macro	tell_tf where
	mov	\where, %rax
	shr	$8, %eax
	and	$1, %eax
	.endm

/* Plain instructions, those that the kernel or the VMM finishes, and a repeated one. */
guest debug_plain
	nop
handler debug_plain a
	jmp	0f
	nop
0:
handler debug_plain b
	mov	$1, %eax
handler debug_plain c
	cpuid
handler debug_plain d
	mov	$0x1b, %ecx
handler debug_plain e
	rdmsr
handler debug_plain f
	out	%eax, $0x99
handler debug_plain g
	in	$0x99, %eax
handler debug_plain h
	mov	(%rdi), %ebx
handler debug_plain i
	lea	-64(%rsp), %rdi
handler debug_plain j
	mov	$3, %ecx
handler debug_plain k
	rep stosb
handler debug_plain l
	hlt
handler debug_plain m
	nop
guest_end debug_plain

/* Instructions that work on RFLAGS: R8 to R10 tell the TF that they show. */
guest debug_flags
	pushfq
handler debug_flags a
	tell_tf	(%rsp)
	mov	%eax, %r8d
handler debug_flags b
	popfq
handler debug_flags c
	pushfw
handler debug_flags d
	tell_tf	(%rsp)
	mov	%eax, %r9d
handler debug_flags e
	int	$0x52
handler debug_flags f
	int3
handler debug_flags g
	.byte	0x66, 0x9d /* popfw */
handler debug_flags h
	nop
handler debug_flags i
	nop
handler debug_flags j
	say	99
handler debug_flags handle
	tell_tf	16(%rsp)
	mov	%eax, %r10d
handler debug_flags iret
	iretq
handler debug_flags db
	nop
handler debug_flags db2
	andl	$~0x100, 16(%rsp)
handler debug_flags db3
	iretq
guest_end debug_flags

/* To ring 3 by SYSRET and back by SYSCALL, with R11 told. */
guest debug_syscall
	mov	$0xc0000081, %ecx
	mov	$0x00000000, %eax
	mov	$0x00100008, %edx
	wrmsr
	mov	$0xc0000082, %ecx
	lea	1f(%rip), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	mov	$0xc0000084, %ecx
	mov	$0x300, %eax
	xor	%edx, %edx
	wrmsr
	lea	2f(%rip), %rcx
	mov	$2, %r11d
	say	1
handler debug_syscall a
	sysretq
2:
handler debug_syscall b
	nop
handler debug_syscall c
	syscall
handler debug_syscall d
	hlt
1:
handler debug_syscall e
	nop
handler debug_syscall f
	mov	%r11d, %eax
	shr	$8, %eax
	and	$1, %eax
	out	%eax, $0x99
	hlt
guest_end debug_syscall

/* What MOV SS and STI hold off. */
guest debug_shadow
	mov	%ss, %eax
handler debug_shadow a
	mov	%eax, %ss
handler debug_shadow b
	nop
handler debug_shadow c
	mov	%eax, %ss
handler debug_shadow d
	cpuid
handler debug_shadow e
	sti
handler debug_shadow f
	nop
handler debug_shadow g
	nop
	hlt
handler debug_shadow irq
	nop
	hlt
guest_end debug_shadow

/* Faults, the frames of which are told. */
guest debug_fault
	ud2
handler debug_fault a
	mov	$0x80000000, %ebx
handler debug_fault b
	mov	%eax, (%rbx)
handler debug_fault c
	int1
handler debug_fault d
	hlt
handler debug_fault ud
	tell_tf	16(%rsp)
	mov	%eax, %r8d
	addq	$2, (%rsp)
handler debug_fault ud_end
	iretq
handler debug_fault pf
	mov	%cr2, %r9
	pop	%r10
	tell_tf	16(%rsp)
	mov	%eax, %r8d
	addq	$2, (%rsp)
handler debug_fault pf_end
	iretq
handler debug_fault db
	mov	%dr6, %r12
handler debug_fault db_end
	iretq
guest_end debug_fault

/* An interrupt that waits, then one that ends a HLT. */
guest debug_irq
	apic_on
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	wrmsr
	say	1
handler debug_irq a
	sti
handler debug_irq b
	nop
handler debug_irq c
	nop
handler debug_irq d
	cli
	apic_write 0x832, 0x51
	apic_write 0x83e, 0
	apic_write 0x838, 0x1000
	say	2
	sti
handler debug_irq e
	hlt
handler debug_irq f
	say	99
handler debug_irq irq
	tell_tf	16(%rsp)
	mov	%eax, %r8d
	apic_eoi
	say	3
handler debug_irq irq_end
	iretq
guest_end debug_irq

/* Works on its own debug registers: tells DR0, DR7, DR6, then the #DBs that it gets, by DR6. */
guest debug_own
	mov	$0x1234, %eax
	mov	%rax, %dr2
	lea	own(%rip), %rax
	mov	%rax, %dr0
	mov	$0x402, %eax
	mov	%rax, %dr7
	mov	%dr2, %rax
	out	%eax, $0x99
	mov	%dr7, %rax
	out	%eax, $0x99
	mov	%dr6, %rax
	out	%eax, $0x99
own:
handler debug_own here
	nop
handler debug_own theirs
	nop
	say	98
handler debug_own gd
	mov	$0x2400, %eax
	mov	%rax, %dr7
	mov	%dr0, %rbx
	say	99
	hlt
handler debug_own db
	push	%rax
	mov	%dr6, %rax
	out	%eax, $0x99
	mov	$0xffff0ff0, %eax
	mov	%rax, %dr6
	pop	%rax
	btsq	$16, 16(%rsp)
	iretq
guest_end debug_own

/* A loop, and memory that it reads and writes. */
guest debug_loop
	lea	-64(%rsp), %rdi
0:
handler debug_loop a
	nop
handler debug_loop b
	mov	%ax, 8(%rdi)
handler debug_loop c
	mov	(%rdi), %rax
handler debug_loop d
	int3
handler debug_loop e
	jmp	0b
handler debug_loop bp
	incl	%r8d
	iretq
guest_end debug_loop

/* Steps itself over STI: tells how far behind it the trap comes. */
guest debug_sti
	pushfq
	orl	$0x100, (%rsp)
	popfq
	sti
1:	nop
	nop
	hlt
handler debug_sti db
	mov	(%rsp), %rax
	lea	1b(%rip), %rbx
	sub	%rbx, %rax
	out	%eax, $0x99
	hlt
guest_end debug_sti

	.section .note.GNU-stack, "", @progbits

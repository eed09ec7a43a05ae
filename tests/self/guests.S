/* SPDX-License-Identifier: MIT */
/*
 * The code of the tiny guests: position-independent, 64-bit, started at GUEST_CODE. A guest tells
 * what it found by OUT of EAX to port 0x99. `guest_NAME_LABEL` is the offset of a handler.
 */
#include "guest.inc"

guest out
	mov	$0x11, %al
	out	%al, $0x99
	mov	$0x2233, %ax
	out	%ax, $0x99
	mov	$0x44556677, %eax
	mov	$0x1234, %dx
	out	%eax, (%dx)
	say	0
	hlt
guest_end out

guest in
	mov	$0x1122334455667788, %rax
	in	$0x99, %al
	mov	%rax, %rbx
	mov	$0x1122334455667788, %rax
	in	$0x99, %ax
	mov	%rax, %rcx
	mov	$0x1122334455667788, %rax
	in	$0x99, %eax
	mov	%rax, %rsi
	say	1
	hlt
guest_end in

guest cpuid
	mov	$1, %eax
	xor	%ecx, %ecx
	cpuid
	mov	%ecx, %eax
	out	%eax, $0x99
	mov	$0x40000000, %eax
	cpuid
	say	2
	hlt
guest_end cpuid

/* An unknown MSR gives #GP with error code 0, whose frame points at the RDMSR. */
guest msr
	mov	$0xc0000080, %ecx
	rdmsr
	out	%eax, $0x99
	mov	$0x12345678, %ecx
fault_at:
	rdmsr
	say	99
	hlt
handler msr gp
	pop	%rax
	out	%eax, $0x99
	pop	%rax
	lea	fault_at(%rip), %rbx
	sub	%rbx, %rax
	out	%eax, $0x99
	pop	%rax
	pop	%rax
	shr	$16, %eax
	and	$1, %eax
	out	%eax, $0x99
	hlt
guest_end msr

/* RDTSCP gives TSC_AUX as it was just written. */
guest tsc_aux
	mov	$0xc0000103, %ecx
	mov	$0x1234567, %eax
	xor	%edx, %edx
	wrmsr
	rdtscp
	mov	%ecx, %eax
	out	%eax, $0x99
	hlt
guest_end tsc_aux

/* Instructions that this processor does not have. */
guest undefined
	xor	%ebx, %ebx
	xor	%eax, %eax
	vmrun	%rax
	inc	%ebx
	vmmcall
	inc	%ebx
	clgi
	inc	%ebx
	monitor
	inc	%ebx
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler undefined ud
	addq	$3, (%rsp)
	add	$0x100, %ebx
	iretq
guest_end undefined

/* Says the number of each of these instructions that works. */
guest instructions
	lea	1f(%rip), %rbx
	rdtscp
	say	1
1:	lea	2f(%rip), %rbx
	mov	$2, %eax
	invpcid	descriptor(%rip), %rax
	say	2
2:	lea	3f(%rip), %rbx
	rdrand	%eax
	say	3
3:	lea	4f(%rip), %rbx
	rdseed	%eax
	say	4
4:	say	99
	hlt
handler instructions ud
	say	0x66
	mov	%rbx, (%rsp)
	iretq
	.balign	16
descriptor:
	.quad	0, 0
guest_end instructions

/* For 32-bit code too: with another CR3, and after a change of CR0.CD. */
guest pae
	say	7
	mov	$0x9020, %eax
	.byte	0x0f, 0x22, 0xd8	/* mov %eax, %cr3 */
	say	8
	.byte	0x0f, 0x20, 0xc0	/* mov %cr0, %eax */
	bts	$30, %eax
	.byte	0x0f, 0x22, 0xc0	/* mov %eax, %cr0 */
	say	9
	hlt
guest_end pae

/* CR0 becomes what is in EBX, then CR4 what is in ESI, for ever. */
	.code32
guest pae_control
0:	say	1
	mov	%ebx, %eax
handler pae_control cr0
	mov	%eax, %cr0
	say	2
	mov	%esi, %eax
handler pae_control cr4
	mov	%eax, %cr4
	say	3
	jmp	0b
handler pae_control gp
	say	13
	pop	%eax
	addl	$3, (%esp)
	iret
guest_end pae_control
	.code64

/* Spins for RCX times. */
guest pauses
	say	5
0:	pause
	dec	%rcx
	jnz	0b
	say	99
	hlt
guest_end pauses

guest triple_fault
	lidt	empty(%rip)
	ud2
empty:	.quad	0, 0
guest_end triple_fault

guest mmio
	mov	$0x30000000, %rdi
	movl	$0xcafe, 0x10(%rdi)
	say	3
	mov	0x18(%rdi), %ebx
	say	4
	jmp	*%rdi
guest_end mmio

guest string_io
	lea	0f(%rip), %rsi
	mov	$3, %ecx
	mov	$0x99, %dx
	rep outsb
	say	5
	hlt
0:	.ascii	"abc"
guest_end string_io

/* Timer: TSC deadline, vector 0x40, x2APIC; halts until it comes. */
guest timer
	apic_on
	mov	$0x832, %ecx
	mov	$0x40040, %eax
	wrmsr
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	add	$100000, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$0x6e0, %ecx
	wrmsr
	xor	%ebx, %ebx
	sti
	hlt
	cli
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler timer tick
	inc	%ebx
	push	%rax
	push	%rcx
	push	%rdx
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end timer

/* Self IPIs while interrupts are off, then a window; CR8 holds one off for a while. */
guest window
	apic_on
	xor	%ebx, %ebx
	mov	$0x83f, %ecx
	mov	$0x51, %eax
	wrmsr
	mov	$5, %eax
	mov	%rax, %cr8
	sti
	nop
	nop
	mov	%ebx, %eax
	out	%eax, $0x99
	xor	%eax, %eax
	mov	%rax, %cr8
	nop
	mov	%ebx, %eax
	out	%eax, $0x99
	cli
	mov	$0x83f, %ecx
	mov	$0x61, %eax
	wrmsr
	mov	%ebx, %eax
	out	%eax, $0x99
	sti
	nop
	nop
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler window irq
	inc	%ebx
	push	%rax
	push	%rcx
	push	%rdx
	apic_eoi
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq
guest_end window

/* NMIs: a second one waits until IRET has ended the first. */
guest nmi
	xor	%ebx, %ebx
	say	6
	nop
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler nmi entry
	inc	%ebx
	mov	%ebx, %eax
	out	%eax, $0x99
	mov	%ebx, %ecx
	iretq
guest_end nmi

/* Tells how many NMIs there were, then #DBs, then TF as #UD's frame had it, a digit each. */
	.macro	say_counts
	mov	%r9d, %eax
	shl	$4, %eax
	or	%r10d, %eax
	shl	$4, %eax
	or	%r8d, %eax
	out	%eax, $0x99
	.endm

guest step
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	say	5
	cpuid
	say_counts
	nop
	say_counts
	hlt
handler step nmi
	inc	%r8d
	iretq
handler step db
	inc	%r9d
	iretq
handler step ud
	mov	16(%rsp), %r10d
	shr	$8, %r10d
	and	$1, %r10d
	iretq
guest_end step

/* A breakpoint at RBX, where the kernel comes and the guest doesn't. */
guest watch
	mov	%rbx, %dr0
	mov	$0x401, %eax
	mov	%rax, %dr7
	say	1
	cpuid
	say	2
	hlt
guest_end watch

/* MOV CR4 with a bit that the processor does not have. */
guest cr4
	mov	%cr4, %rax
	bts	$23, %rax
	mov	%rax, %cr4
	say	99
	hlt
handler cr4 gp
	mov	%cr4, %rax
	shr	$23, %eax
	out	%eax, $0x99
	hlt
guest_end cr4

/* Tells CR4. */
guest cr4_read
	mov	%cr4, %rax
	out	%eax, $0x99
	hlt
guest_end cr4_read

/* A data breakpoint is armed over an exit to the VMM. */
guest watch_data
	mov	%rsp, %rax
	sub	$64, %rax
	mov	%rax, %dr0
	mov	$0x000d0402, %eax /* 4 bytes, writes */
	mov	%rax, %dr7
	say	1
	mov	$0x400, %eax
	mov	%rax, %dr7
	say	2
	hlt
guest_end watch_data

/* Values that the registers do not take; #GP's handler counts, and goes on behind the MOV. */
guest control
	xor	%ebx, %ebx
	mov	%cr0, %rax
	bts	$29, %rax /* NW without CD */
	btr	$30, %rax
	mov	%rax, %cr0
	mov	%cr0, %rax
	btr	$0, %rax /* PG without PE */
	mov	%rax, %cr0
	mov	%cr3, %rax
	bts	$52, %rax
	mov	%rax, %cr3
	mov	%cr3, %rax
	btr	$52, %rax /* none: this one is fine */
	mov	%rax, %cr3
	mov	%ebx, %eax
	out	%eax, $0x99
	hlt
handler control gp
	inc	%ebx
	addq	$3, 8(%rsp)
	add	$8, %rsp
	iretq
guest_end control

/* What no processor takes either, but emulators do: the guest goes on. */
guest mended
	mov	%dr7, %rax
	bts	$40, %rax
	mov	%rax, %dr7
	jmp	1f
handler mended gp
	add	$40, %rsp
1:	mov	$0x44, %r12d
	cpuid
	cpuid
	mov	%r12d, %eax
	out	%eax, $0x99
	hlt
guest_end mended

guest xsetbv
	mov	%cr4, %rax
	bts	$18, %rax
	mov	%rax, %cr4
	xor	%ecx, %ecx
	mov	$3, %eax
	xor	%edx, %edx
	xsetbv
	say	8
	xor	%ecx, %ecx
	mov	$2, %eax
	xor	%edx, %edx
	xsetbv
	say	99
	hlt
handler xsetbv gp
	say	9
	hlt
guest_end xsetbv

/* The same instruction in ring 3, which may use ports. */
guest xsetbv_user
	xor	%ecx, %ecx
	mov	$1, %eax
	xor	%edx, %edx
	xsetbv
	say	99
	hlt
handler xsetbv_user gp
	say	9
	hlt
guest_end xsetbv_user

/* A breakpoint of the guest's own. */
guest debug
	lea	watched(%rip), %rax
	mov	%rax, %dr0
	mov	%dr0, %rbx
	sub	%rax, %rbx
	mov	$0x402, %eax
	mov	%rax, %dr7
watched:
	nop
	say	99
	hlt
handler debug db
	mov	%ebx, %eax
	out	%eax, $0x99
	mov	%dr6, %rax
	and	$0xf, %eax
	out	%eax, $0x99
	hlt
guest_end debug

/* Does nothing but run. */
guest spin
0:	jmp	0b
guest_end spin

/*
 * Runs as well, but for three exits in each turn. The turns differ in length: Bochs with several CPUs counts
 * time by quanta of instructions, and a guest whose turns go with them may never be there when it passes.
 */
guest spin_exits
1:	xor %eax, %eax
	cpuid
	mov $0x10, %ecx /* IA32_TIME_STAMP_COUNTER */
	rdmsr
	pause
	inc %esi
	mov %esi, %ecx
	and $31, %ecx
	inc %ecx
2:	loop 2b
	jmp 1b
guest_end spin_exits

/* SSE registers outlive a return to the VMM. */
guest fpu
	mov	$0x1122334455667788, %rax
	movq	%rax, %xmm5
	say	10
	movq	%xmm5, %rbx
	xor	%eax, %eax
	cmp	%rax, %rbx
	sete	%al
	out	%eax, $0x99
	hlt
guest_end fpu

/* Reads a word outside its first 2 MiB, twice. */
guest remap
	mov	$0x400000, %rdi
	mov	(%rdi), %eax
	out	%eax, $0x99
	mov	(%rdi), %eax
	out	%eax, $0x99
	hlt
guest_end remap

/* Loops for the bench: RCX rounds, RSI first and RDI last time stamp. */
guest bench_cpuid
	mov	%rcx, %r8
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, %rsi
0:	xor	%eax, %eax
	cpuid
	dec	%r8
	jnz	0b
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	sub	%rsi, %rax
	out	%eax, $0x99
	hlt
guest_end bench_cpuid

	.section .note.GNU-stack, "", @progbits

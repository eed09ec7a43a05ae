/* SPDX-License-Identifier: MIT */
/* The code of tiny guests of tests/self/guest_ports.c: as in guests.S. */
#include "guest.inc"

/* Sets bit R8 of the page at R9 and runs without an exit for R10 ticks; again and again. */
guest monitor
	sti				/* Bochs 2.7 masks the host's with the guest's */
1:	say	1
	lock bts %r8, (%r9)
	rdtsc
	mov	%eax, %r11d
2:	pause
	rdtsc
	sub	%r11d, %eax
	cmp	%r10d, %eax
	jb	2b
	jmp	1b
guest_end monitor

/* R15: VMMCALL rather than VMCALL. What it gets stays in R8 to R11. */
guest hyperv_vmm
	mov	$0x40000005, %eax
	mov	$7, %ecx
	cpuid
	mov	%eax, %r8d
	mov	%ebx, %r9d
	mov	%ecx, %r10d
	mov	%edx, %r11d
	say	1
	mov	$0x40000020, %ecx
	rdmsr
	mov	%eax, %r8d
	mov	%edx, %r9d
	say	2
	mov	$0x12345678, %eax
	mov	$0x9abcdef0, %edx
	wrmsr
	say	3
	mov	$0x400001ff, %ecx
	rdmsr				/* the VMM lets it fault */
	say	4
	mov	$0x40000200, %ecx
	rdmsr				/* of nobody's interface */
	say	4
	call	1f
	mov	%rax, %r8
	say	6
	call	1f			/* it lets this fault, too */
	hlt
1:	test	%r15d, %r15d
	jz	2f
	vmmcall
	ret
2:	vmcall
	ret
handler hyperv_vmm gp
	add	$8, %rsp		/* the error code */
	addq	$2, (%rsp)
	say	5
	iretq
handler hyperv_vmm ud
	addq	$3, (%rsp)
	say	7
	iretq
guest_end hyperv_vmm

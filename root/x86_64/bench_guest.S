/* SPDX-License-Identifier: MIT */
/*
 * The guest of bench_vp.c: in real mode, with the segments' bases at 0 but for CS, whose base is where it
 * lies. It switches its APIC on (x2APIC), tells that by a count of 1, and spins; its handler counts up, and
 * once more at its end. (On an emulator that runs one CPU after the other, PAUSE lets the other one look.)
 */
#define APIC_BASE_MSR	 0x1b
#define APIC_BASE_X2APIC 0xc00
#define X2APIC_EOI	 0x80b
#define X2APIC_SVR	 0x80f
#define SVR_ENABLED	 0x1ff
#define COUNT		 0x800	/* BENCH_COUNT */
#define DONE		 0x804

	.section .rodata
	.globl	bench_guest, bench_guest_handler, bench_guest_size
	.code16
bench_guest:
	mov	$APIC_BASE_MSR, %ecx
	rdmsr
	or	$APIC_BASE_X2APIC, %eax
	wrmsr
	mov	$X2APIC_SVR, %ecx
	mov	$SVR_ENABLED, %eax
	xor	%edx, %edx
	wrmsr
	incl	COUNT
	sti
1:	pause
	jmp	1b
handler:
	incl	COUNT
	pause
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	incl	DONE
	iret
end:
	.code64

	.balign	2
bench_guest_handler:			/* its offset */
	.word	handler - bench_guest
bench_guest_size:
	.word	end - bench_guest

	.section .note.GNU-stack, "", @progbits

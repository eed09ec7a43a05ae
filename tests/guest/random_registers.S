/* SPDX-License-Identifier: MIT */
/* Random values in the control, debug and extended control registers, and the instructions of
 * hypervisors and firmware with random operands. What a write has changed is put back at once, so
 * that the guest itself goes on. For ever. */
#include "hostile.inc"
#define ROUNDS	    5000
#define CR0_PE	    0x00000011
#define CR0_PG	    0x80000000
#define CR4_PSE	    0x00000010
#define CR4_PAE	    0x00000020
#define CR4_XSAVE   0x00040000
#define DR7_NONE    0x00000400
#define MSR_EFER    0xc0000080
#define PAGE_LARGE  0x83
#define LARGE_SIZE  0x400000

guest_main:
	call hostile_setup
	mov $PAGE_LARGE, %eax
	xor %ecx, %ecx
1:	mov %eax, directory(, %ecx, 4)
	add $LARGE_SIZE, %eax
	inc %ecx
	cmp $1024, %ecx
	jb 1b
	movl $ROUNDS, rounds

round:	call random
	try mov %eax, %cr3
	mov $directory, %eax
	mov %eax, %cr3
	mov $CR4_PSE, %eax
	mov %eax, %cr4

	call random
	try mov %eax, %cr0
	call restore
	call random
	try lmsw %ax
	try smsw %eax
	clts
	call restore

	call random /* without paging */
	try mov %eax, %cr4
	mov $CR4_PSE, %eax
	mov %eax, %cr4
	mov %cr0, %eax /* with it */
	or $CR0_PG, %eax
	mov %eax, %cr0
	call random
	and $~CR4_PAE, %eax
	or $CR4_PSE, %eax
	try mov %eax, %cr4
	call random
	try invlpg (%eax)
	mov $CR4_PSE, %eax
	mov %eax, %cr4
	call restore

	call random
	mov %eax, %edx
	call random
	mov $MSR_EFER, %ecx
	try wrmsr
	mov %cr0, %eax
	or $CR0_PG, %eax
	try mov %eax, %cr0
	call restore
	xor %eax, %eax
	xor %edx, %edx
	mov $MSR_EFER, %ecx
	try wrmsr

	call random
	try .byte 0xf0, 0x0f, 0x22, 0xc0 /* CR8, by the LOCK prefix */
	try .byte 0xf0, 0x0f, 0x20, 0xc0
	xor %eax, %eax
	try .byte 0xf0, 0x0f, 0x22, 0xc0
	call random
	try .byte 0x0f, 0x22, 0xc8 /* CR1, CR5 */
	try .byte 0x0f, 0x22, 0xe8

	call random
	try mov %eax, %dr0
	call random
	try mov %eax, %dr3
	call random
	try mov %eax, %dr4
	call random
	try mov %eax, %dr6
	call random
	try mov %eax, %dr7
	try mov %dr6, %eax
	mov $DR7_NONE, %eax
	try mov %eax, %dr7
	try mov %eax, %dr7

	mov $CR4_PSE | CR4_XSAVE, %eax
	try mov %eax, %cr4
	call random
	mov %eax, %edx
	and $1, %eax
	mov %eax, %ecx
	call random
	try xsetbv
	xor %ecx, %ecx
	xor %edx, %edx
	call random
	try xsetbv
	xor %ecx, %ecx
	try xgetbv
	mov $1, %eax
	xor %edx, %edx
	try xsetbv

	.irp instruction, vmcall, vmmcall, vmrun, vmload, vmsave, clgi, stgi, skinit, invlpga, \
		vmlaunch, vmxoff, getsec, rsm, rdpmc, rdtscp, monitor, invd, wbinvd, xsaves64
	call random
	mov %eax, %ecx
	call random
	mov %eax, %edx
	call random
	.ifc \instruction, xsaves64
	try .byte 0x0f, 0xc7, 0x2d, 0, 0, 0, 0xfe
	.else
	try \instruction
	.endif
	.endr
	decl rounds
	jnz round
	say "guest: random registers"
	jmp round

/* No paging, caches on. */
restore:
	mov $CR0_PE, %eax
	mov %eax, %cr0
	ret

	.bss
	.balign 4096
directory:
	.skip 4096
rounds:	.skip 4

/* SPDX-License-Identifier: MIT */
/*
 * Measures round trips out of a guest, from within: the time stamp before and after many of them.
 * On an emulator whose clock counts instructions the quotient is instructions for one, the
 * guest's loop included. Prints the lines that scripts/bench reads. It also runs on the bare
 * emulator, without what needs an x2APIC if there is none: what a loop costs by itself.
 */
#include "../guest/guest.inc"
#define ROUNDS		 1000
#define CONSOLE_TICKS	 2000000
#define UNSERVED_PORT	 0x2345
#define SERVED_ADDRESS	 0xff000000 /* memory of the test device; on the bare machine nothing */
#define DOORBELL_PORT	 0x2346 /* those of root/bench.c */
#define DOORBELL_ADDRESS 0xff010000
#define CODE_SELECTOR	 0x08
#define DATA_SELECTOR	 0x10
#define CODE_64_SELECTOR 0x18
#define TRAMPOLINE	 0x8000	/* below 1 MiB, where a start-up IPI can point */
#define AP_STACK_SIZE	 1024

#define CPUID_X2APIC	 21	/* leaf 1, ECX */
#define APIC_BASE_MSR	 0x1b
#define APIC_BASE_X2APIC 0xc00	/* enabled, in x2APIC mode */
#define X2APIC_TPR	 0x808
#define X2APIC_EOI	 0x80b
#define X2APIC_SVR	 0x80f
#define X2APIC_ICR	 0x830
#define X2APIC_SELF_IPI	 0x83f
#define SVR_ENABLED	 0x1ff
#define ICR_INIT	 0x4500	/* SDM 3A 11.6.1: assert, INIT */
#define ICR_STARTUP	 0x4600
#define ICR_FIXED	 0x4000
#define EFER_MSR	 0xc0000080
#define EFER_LME	 0x100
#define CR4_PAE		 0x20
#define CR0_PG		 0x80000000
#define PAGE_TABLE	 0x3	/* present, writable */
#define PAGE_2M		 0x83
#define HIGH_GIB	 0xc0000000
#define VECTOR_SELF	 0x40
#define VECTOR_THERE	 0x41
#define VECTOR_BACK	 0x42
#define VECTOR_SPUN	 0x43	/* to a processor that spins */
#define HV_CALL_SEND_IPI 0x1000b	/* fast */

#define HV_INTERFACE	     0x40000001
#define HV_SIGNATURE	     0x31237648 /* "Hv#1" */
#define HV_MSR_GUEST_OS_ID   0x40000000
#define HV_MSR_HYPERCALL     0x40000001
#define HV_CALL_LONG_SPIN    0x10008 /* fast */
#define HV_CALL_SIGNAL_EVENT 0x1005d
#define CONNECTION	     0x2001 /* of root/bench.c */

	.macro write_msr number, low, high=0
	mov $\number, %ecx
	mov $\low, %eax
	mov $\high, %edx
	wrmsr
	.endm

/* What is measured. EDI counts the rounds and must be kept. */
	.macro do_nothing
	.endm

	.macro do_cpuid
	xor %eax, %eax
	cpuid
	.endm

	.macro do_rdmsr
	mov $APIC_BASE_MSR, %ecx
	rdmsr
	.endm

	.macro do_tpr
	write_msr X2APIC_TPR, 0
	.endm

	.macro do_eoi
	write_msr X2APIC_EOI, 0
	.endm

	/* Comes with interrupts enabled: the handler has run when the next instruction does. */
	.macro do_self_ipi
	write_msr X2APIC_SELF_IPI, VECTOR_SELF
	.endm

	.macro do_ping
	write_msr X2APIC_ICR, ICR_FIXED | VECTOR_THERE, 1
	mov $back, %esi
	call wait_for_count
	.endm

	.macro do_out
	mov $UNSERVED_PORT, %dx
	out %eax, %dx
	.endm

	.macro do_in
	mov $UNSERVED_PORT, %dx
	in %dx, %eax
	.endm

	.macro do_mmio_write
	mov %eax, SERVED_ADDRESS
	.endm

	.macro do_doorbell_out
	mov $DOORBELL_PORT, %dx
	out %eax, %dx
	.endm

	.macro do_doorbell_store
	mov $DOORBELL_ADDRESS, %ebx
	mov %eax, (%ebx)
	.endm

	.macro do_doorbell_store_64
	mov $DOORBELL_ADDRESS, %ebx
	mov %eax, (%rbx)
	.endm

	.macro do_hypercall
	mov $HV_CALL_LONG_SPIN, %ecx
	mov $hypercall_page, %ebx
	call *%rbx
	.endm

	.macro do_signal
	mov $HV_CALL_SIGNAL_EVENT, %ecx
	mov $CONNECTION, %edx
	mov $hypercall_page, %ebx
	call *%rbx
	.endm

	.macro do_mmio_read
	mov SERVED_ADDRESS, %eax
	.endm

/* measure NAME, LIMIT (none: ""), one of these. */
	.macro measure name, limit, code
	call console_wait
	rounds \code
	print_quotient "\name", "\limit"
	.endm

/* So too, in 64-bit code with paging, as drivers have it. */
	.macro measure_64 name, limit, code
	call console_wait
	call long_mode_enter
	ljmp $CODE_64_SELECTOR, $.Llong\@
	.code64
.Llong\@:
	mov %esp, %esp		/* its upper half is not defined */
	rounds \code
	ljmp *.Lback\@(%rip)
	.balign 8
.Lback\@:
	.long .Lcompatible\@
	.word CODE_SELECTOR
	.code32
.Lcompatible\@:
	call long_mode_leave
	print_quotient "\name", "\limit"
	.endm

/* EAX: the time stamps that ROUNDS of it take. */
	.macro rounds code
	\code			/* the first one may have to build something */
	rdtsc
	mov %eax, %ebp
	mov $ROUNDS, %edi
.Lround\@:
	\code
	dec %edi
	jnz .Lround\@
	rdtsc
	sub %ebp, %eax
	.endm

	.macro print_quotient name, limit
	xor %edx, %edx
	mov $ROUNDS, %ecx
	div %ecx
	mov %eax, quotient
	print_text "bench: \name: "
	mov quotient, %eax
	call print_number
	print_text " instructions\limit\r\n"
	.endm

	.macro print_text text
	.section .rodata
.Ltext\@:
	.asciz "\text"
	.text
	mov $.Ltext\@, %esi
	call print
	.endm

guest_main:
	rdtsc
	mov %eax, quotient
	print_text "bench-start: "
	mov quotient, %eax
	call print_number
	print_text "\r\n"
	call tables_load
	measure "the guest's loop alone", "", do_nothing
	measure "CPUID handled in the kernel", " (limit 250)", do_cpuid
	measure "RDMSR of APIC_BASE", "", do_rdmsr
	measure "OUT handled by the root task", " (limit 1200)", do_out
	measure "IN handled by the root task", "", do_in
	measure "MMIO write handled by the root task", "", do_mmio_write
	measure "MMIO read handled by the root task", "", do_mmio_read
	measure "doorbell rung by OUT", " (limit 400)", do_doorbell_out
	measure_64 "doorbell rung by a store", " (limit 400)", do_doorbell_store_64
	measure "doorbell rung by a store of 32-bit code", " (limit 900)", do_doorbell_store

	mov $1, %eax
	cpuid
	bt $CPUID_X2APIC, %ecx
	jnc guest_end
	call apic_enable
	sti
	measure "WRMSR of x2APIC TPR", "", do_tpr
	measure "WRMSR of x2APIC EOI", "", do_eoi
	measure "self IPI, handler and its EOI", "", do_self_ipi
	call ap_start
	measure "IPI to a halted VP and one back, both EOIs", "", do_ping
	call hyperv_start
	jne guest_end
	measure_64 "hypercall with nothing to do", " (limit 300)", do_hypercall
	measure_64 "HvCallSignalEvent to a host event port", " (limit 400)", do_signal
	call ipi_measure
guest_end:
	xor %eax, %eax
	jmp debug_exit

/* ---- hypercalls ---- */

/* ZF: the Hyper-V interface is there, and ready. */
hyperv_start:
	cli
	mov $HV_INTERFACE, %eax
	cpuid
	cmp $HV_SIGNATURE, %eax
	jne 1f
	write_msr HV_MSR_GUEST_OS_ID, 1
	write_msr HV_MSR_HYPERCALL, hypercall_page + 1
	xor %eax, %eax
1:	ret

/* ---- interrupts ---- */

	.macro gate vector, handler
	mov $\handler, %eax
	mov $idt + 8 * \vector, %edi
	call gate_set
	.endm

tables_load:
	gate VECTOR_SELF, handle_self
	gate VECTOR_THERE, handle_there
	gate VECTOR_BACK, handle_back
	gate VECTOR_SPUN, handle_spun
	/* Falls through: each processor has the same tables. */
tables_load_registers:
	lgdt gdtr
	lidt idtr
	ljmp $CODE_SELECTOR, $1f
1:	mov $DATA_SELECTOR, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	ret

/* The gate at EDI leads to EAX (SDM 3A 6.11). */
gate_set:
	mov %ax, (%edi)
	movw $CODE_SELECTOR, 2(%edi)
	movw $0x8e00, 4(%edi)
	shr $16, %eax
	mov %ax, 6(%edi)
	ret

apic_enable:
	mov $APIC_BASE_MSR, %ecx
	rdmsr
	or $APIC_BASE_X2APIC, %eax
	wrmsr
	write_msr X2APIC_SVR, SVR_ENABLED
	ret

/* A handler that counts and ends its interrupt. */
	.macro handler name, count
\name:
	push %eax
	push %ecx
	push %edx
	incl \count
	write_msr X2APIC_EOI, 0
	pop %edx
	pop %ecx
	pop %eax
	iret
	.endm

	handler handle_self, self
	handler handle_there, there
	handler handle_back, back

/* The same, and tells when it begins. */
handle_spun:
	movl $1, spun_begun
	push %eax
	push %ecx
	push %edx
	write_msr X2APIC_EOI, 0
	pop %edx
	pop %ecx
	pop %eax
	movl $1, spun_ended
	iret

/* Has the second processor spin, and sends it IPIs by hypercalls: from the call to the handler's first
 * instruction. */
ipi_measure:
	call console_wait
	movl $1, ap_spins
	write_msr X2APIC_ICR, ICR_FIXED | VECTOR_THERE, 1
1:	pause
	cmpl $2, ap_ready
	jne 1b
	movl $0, ticks
	movl $ROUNDS, rounds_left
	call long_mode_enter
	ljmp $CODE_64_SELECTOR, $1f
	.code64
1:	mov %esp, %esp
2:	rdtsc
	mov %eax, %ebp
	mov $HV_CALL_SEND_IPI, %ecx
	mov $VECTOR_SPUN, %edx
	mov $2, %r8d			/* VP 1 */
	mov $hypercall_page, %ebx
	call *%rbx
	jmp 4f
3:	pause
4:	cmpl $0, spun_begun(%rip)
	je 3b
	rdtsc
	sub %ebp, %eax
	add %eax, ticks(%rip)
	jmp 6f
5:	pause
6:	cmpl $0, spun_ended(%rip)
	je 5b
	movl $0, spun_begun(%rip)
	movl $0, spun_ended(%rip)
	decl rounds_left(%rip)
	jnz 2b
	ljmp *7f(%rip)
	.balign 8
7:	.long 8f
	.word CODE_SELECTOR
	.code32
8:	call long_mode_leave
	mov ticks, %eax
	print_quotient "synthetic cluster IPI to 1 of 2 VPs, until its handler runs", " (limit 2700)"
	ret

/* Halts until the count at ESI is not 0, and takes one from it. Interrupts are on afterwards. */
wait_for_count:
	cli
	cmpl $0, (%esi)
	jne 1f
	sti
	hlt
	jmp wait_for_count
1:	decl (%esi)
	sti
	ret

/* ---- long mode (SDM 3A 10.8.5): the first and the last GiB, in pages of 2 MiB ---- */

long_mode_enter:
	mov $low_directory, %edi
	mov $PAGE_2M, %eax
	call directory_fill
	mov $high_directory, %edi
	mov $HIGH_GIB + PAGE_2M, %eax
	call directory_fill
	movl $pointers + PAGE_TABLE, pml4
	movl $low_directory + PAGE_TABLE, pointers
	movl $high_directory + PAGE_TABLE, pointers + 8 * (HIGH_GIB >> 30)
	mov $pml4, %eax
	mov %eax, %cr3
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	write_msr EFER_MSR, EFER_LME
	mov %cr0, %eax
	or $CR0_PG, %eax
	mov %eax, %cr0
	ret

/* The page at EDI maps 1 GiB from EAX on. */
directory_fill:
	mov $512, %ecx
1:	mov %eax, (%edi)
	add $1 << 21, %eax
	add $8, %edi
	loop 1b
	ret

/* EAX is kept. */
long_mode_leave:
	mov %eax, %ebp
	mov %cr0, %eax
	and $~CR0_PG, %eax
	mov %eax, %cr0
	write_msr EFER_MSR, 0
	xor %eax, %eax
	mov %eax, %cr4
	mov %ebp, %eax
	ret

/* ---- the second processor ---- */

ap_start:
	mov $trampoline, %esi
	mov $TRAMPOLINE, %edi
	mov $trampoline_end - trampoline, %ecx
	rep movsb
	write_msr X2APIC_ICR, ICR_INIT, 1
	write_msr X2APIC_ICR, ICR_STARTUP | TRAMPOLINE >> 12, 1
1:	pause
	cmpl $0, ap_ready
	je 1b
	ret

	.code16
trampoline:
	cli
	xor %ax, %ax
	mov %ax, %ds
	lgdtl TRAMPOLINE + (trampoline_gdtr - trampoline)
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $CODE_SELECTOR, $ap_main
trampoline_gdtr:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:

	.code32
ap_main:
	mov $DATA_SELECTOR, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov $ap_stack_top, %esp
	call tables_load_registers
	call apic_enable
	movl $1, ap_ready
1:	mov $there, %esi
	call wait_for_count
	cmpl $0, ap_spins
	jne ap_spin
	write_msr X2APIC_ICR, ICR_FIXED | VECTOR_BACK, 0
	jmp 1b

ap_spin:
	movl $2, ap_ready
	sti
1:	pause
	jmp 1b

/* The host writes what was printed before, at the pace of its serial line, on this processor. */
console_wait:
	rdtsc
	mov %eax, before
1:	rdtsc
	sub before, %eax
	cmp $CONSOLE_TICKS, %eax
	jb 1b
	ret

/* EAX in decimal. */
print_number:
	mov $number_end, %esi
	mov $10, %ecx
1:	xor %edx, %edx
	div %ecx
	add $'0', %dl
	dec %esi
	mov %dl, (%esi)
	test %eax, %eax
	jnz 1b
	jmp print

	.data
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00af9b000000ffff
gdt_end:
gdtr:
	.word gdt_end - gdt - 1
	.long gdt
idtr:
	.word idt_end - idt - 1
	.long idt
before:
	.long 0
quotient:
	.long 0
self:
	.long 0
there:
	.long 0
back:
	.long 0
ap_ready:
	.long 0
ap_spins:
	.long 0
spun_begun:
	.long 0
spun_ended:
	.long 0
ticks:
	.long 0
rounds_left:
	.long 0
	.skip 10
number_end:
	.byte 0

	.bss
	.balign 8
idt:
	.skip 8 * (VECTOR_SPUN + 1)
idt_end:
	.balign 16
	.skip AP_STACK_SIZE
ap_stack_top:
	.balign 4096
pml4:
	.skip 4096
pointers:
	.skip 4096
low_directory:
	.skip 4096
high_directory:
	.skip 4096
hypercall_page:
	.skip 4096

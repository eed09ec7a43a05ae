# SPDX-License-Identifier: MIT
#
# What the Makefile asks of an architecture: x86-64.

ARCH_LEG := svm
CROSS    ?=

# Kernel and root task; the kernel alone.
ARCH_CFLAGS        := -mgeneral-regs-only -fcf-protection=none
ARCH_KERNEL_CFLAGS := -mno-red-zone -mcmodel=kernel

ARCH_BACKENDS      := svm vmx
ARCH_BACKENDS_COLD := svm/debug.c svm/state.c svm/svm.c vmx/apicv.c vmx/debug.c vmx/state.c vmx/vmx.c
# In arch/x86_64.
ARCH_COLD := acpi.c backtrace.c boot.c cpu.c cpu_start.c ioapic.c \
	multiboot2.c paging.c power.c serial.c speculation.c speculation_policy.c trap.c wall_clock.c \
	guest/apic_page.c guest/cpuid_policy.c guest/debug.c guest/guard.c guest/hv_call.c guest/hv_cpuid.c guest/hv_intercept.c guest/hv_msr.c guest/hv_vp.c guest/inspect.c guest/lapic_state.c guest/mtrr.c guest/outside.c guest/partition.c \
	guest/registers.c guest/state_apic.c guest/state_elements.c guest/tsc.c guest/tsc_exit.c guest/state_xsave.c guest/step.c guest/translate.c

ARCH_SELF_SRCS := $(wildcard tests/self/*.[cS])

# What is loaded, of KERNEL.elf; where the Linux is that guests run by default; small guests of the tests.
ARCH_IMAGE       := stripped.elf
ARCH_GUEST       := guest
ARCH_GUEST_TESTS := $(wildcard tests/guest/*.S tests/bench/*.S)

SIZE_LIMIT := 230000

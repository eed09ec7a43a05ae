# SPDX-License-Identifier: MIT
#
# What the Makefile asks of an architecture: AArch64.

ARCH_LEG := el2
CROSS    ?= aarch64-linux-gnu-

# Kernel and root task; the kernel alone. Registers of FP and SIMD are a guest's or a task's, and devices'
# memory takes no accesses that are not aligned. Code must run on cores without LSE.
ARCH_CFLAGS        := -mgeneral-regs-only -march=armv8-a -mno-outline-atomics -mbranch-protection=none
ARCH_KERNEL_CFLAGS := -mstrict-align -mcmodel=small

ARCH_BACKENDS      :=
ARCH_BACKENDS_COLD :=
# In arch/aarch64.
ARCH_COLD := acpi.c backtrace.c boot.c cpu.c cpu_start.c efi_stub.c fdt.c fdt_interrupt.c machine.c memory_list.c paging.c pci_serial.c power.c serial.c trap.c

# Self tests: those that need no guest, and its own.
ARCH_SELF_SRCS := $(addprefix tests/self/,memory.c page_table.c sched.c second_thread.c) $(wildcard tests/self/aarch64/*.[cS])

# What is loaded, of KERNEL.elf: the arm64 `Image`; where the Linux is that guests run by default.
ARCH_IMAGE       := image
ARCH_GUEST       := guest-aarch64
ARCH_GUEST_TESTS :=

# Where the C library of another architecture is fetched to.
SYSROOT        := $(OUT)/sysroot
MUSL_INCLUDE   ?= $(SYSROOT)/usr/include/aarch64-linux-musl
MUSL_LIB       ?= $(SYSROOT)/usr/lib/aarch64-linux-musl/libc.a
ARCH_LIBRARIES := $(MUSL_LIB)
# Of the same packages: what writes flattened device trees.
ROOT_LIBRARIES       := $(SYSROOT)/usr/lib/aarch64-linux-gnu/libfdt.a
ROOT_LIBRARY_INCLUDE := -isystem $(SYSROOT)/usr/include

SIZE_LIMIT := 230000

# SPDX-License-Identifier: MIT
#
# The only entry to the project: `make help` lists what can be made.
#
# Everything that is made lies below $(BUILD). Sources are found by wildcard: a new file in a
# folder that is named here needs no line in this file. Unit tests and fuzzers name the sources
# under test in a fragment of their own (tests/unit/NAME.mk, tests/fuzz/NAME.mk).

BUILD ?= build
# Tests are of all architectures, where none is named.
TEST_ARCH := $(if $(ARCH)$(filter el2,$(LEG)),,all)
# Of the three legs one tells the architecture.
ifeq ($(LEG),el2)
ARCH  := aarch64
endif
ARCH  ?= x86_64

CC      ?= gcc
CLANG   ?= clang
PYTHON  ?= python3
IASL    ?= iasl

OUT := $(BUILD)/$(ARCH)

# What is the architecture's own: the compiler's prefix CROSS, ARCH_* flags, sources in other folders,
# which of them are cold, the leg that is meant if none is named, what is loaded.
include arch/$(ARCH)/build.mk

# What objects depend on beside their sources.
BUILD_FILES := Makefile arch/$(ARCH)/build.mk

LEG     ?= $(ARCH_LEG)
# For the machine's own programs; those of the tests are the building machine's: $(CC).
ARCH_CC ?= $(if $(CROSS),$(CROSS)gcc,$(CC))
OBJCOPY ?= $(CROSS)objcopy
NM      ?= $(CROSS)nm

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

# ---------------------------------------------------------------------------------------
# Flags

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes
# What makes the output the same wherever the tree lies.
COMMON := -std=c11 -g -MMD -MP -fno-common -ffile-prefix-map=$(CURDIR)/=

# Padding between functions and loops would be a tenth of the image.
KERNEL_OPTIMIZE ?= -O2 -fno-align-functions -fno-align-loops -fno-align-jumps -fno-align-labels
KERNEL_CFLAGS := $(COMMON) $(WARNINGS) -ffreestanding -fno-strict-aliasing $(ARCH_CFLAGS) $(ARCH_KERNEL_CFLAGS) \
	-fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-ffunction-sections -fdata-sections -Iinclude -Iarch/$(ARCH)/include
# linker.ld aligns what has rights of its own to pages; the file needs no padding for that.
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,-z,max-page-size=16 -Wl,-z,noexecstack \
	-Wl,--build-id=none -Wl,--gc-sections -Wl,--orphan-handling=warn

MUSL_INCLUDE ?= /usr/include/$(ARCH)-linux-musl
MUSL_LIB     ?= /usr/lib/$(ARCH)-linux-musl/libc.a
# What an architecture has of its own stands below its name, by the same paths.
ROOT_INCLUDES := -Iinclude -Iroot -Iroot/$(ARCH)
# Asked for when it is used, and then kept: what runs first may be the installation of the compiler.
CC_INCLUDE = $(eval CC_INCLUDE := $$(shell $(ARCH_CC) -print-file-name=include))$(CC_INCLUDE)
ROOT_CFLAGS = $(COMMON) -D_POSIX_C_SOURCE=200809L -O2 $(WARNINGS) -fno-strict-aliasing $(ARCH_CFLAGS) -fno-pic \
	-fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-U_FORTIFY_SOURCE -ffunction-sections -fdata-sections -nostdinc \
	-isystem $(CC_INCLUDE) -isystem $(MUSL_INCLUDE) $(ROOT_LIBRARY_INCLUDE) $(ROOT_INCLUDES)
ROOT_LDFLAGS := -nostdlib -static -no-pie -Wl,-z,max-page-size=16 -Wl,-z,noexecstack \
	-Wl,-z,norelro -Wl,--build-id=none -Wl,--gc-sections -Wl,-T,$(OUT)/root.ld

TEST_INCLUDES := -Iinclude -Iroot -Iarch/fake/include
# Of which architecture the root task's sources are that a hosted program is made of: test_NAME_ARCH.
HOSTED_ARCH ?= x86_64
UNIT_CFLAGS := $(COMMON) -D_GNU_SOURCE= -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer $(TEST_INCLUDES) -Itests/unit
FUZZ_CFLAGS := $(COMMON) -D_GNU_SOURCE= -O1 -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer $(TEST_INCLUDES) -Itests/fuzz

# ---------------------------------------------------------------------------------------
# Sources

KERNEL_SRCS := $(sort $(wildcard kernel/*.c arch/$(ARCH)/*.[cS] arch/$(ARCH)/guest/*.[cS] \
	$(addsuffix /*.[cS],$(ARCH_BACKENDS))))
# What runs at boot, at a panic or once in a partition's life: small rather than fast.
KERNEL_COLD := $(addprefix kernel/,bundle.c cmdline.c console.c cpu.c crash_syscall.c dirty.c doorbell_syscall.c elf.c format.c hv_calls.c hv_crash.c hv_flush_calls.c hv_state.c hv_tsc.c hv_vp_calls.c hypercall.c hyperv.c hypervisor.c inspect.c main.c \
	memory_map.c memory_syscall.c monitor.c overlay.c panic.c partition.c partition_change.c partition_syscall.c partition_time.c port_syscall.c profile.c selftest.c state.c state_format.c state_syscall.c status.c symbols.c task.c vpci_syscall.c) \
	$(addprefix arch/$(ARCH)/,$(ARCH_COLD)) $(ARCH_BACKENDS_COLD)
SELF_SRCS := $(sort $(ARCH_SELF_SRCS))
ROOT_ARCHES := x86_64 aarch64
# What the root task shares with the kernel is compiled for each of them.
ROOT_SHARED := $(wildcard kernel/bundle.c kernel/elf.c kernel/state_format.c kernel/status.c)
# The local APIC's model, for partitions whose APICs are the root task's.
ifeq ($(ARCH),x86_64)
APIC_MODEL := $(addprefix arch/x86_64/guest/,lapic.c lapic_registers.c lapic_timer.c)
APIC_MODEL_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
ROOT_SHARED += $(APIC_MODEL)
else
# The walk of a guest's translation tables, for who looks at a guest.
ROOT_SHARED += arch/aarch64/guest/translation.c
WALK_CFLAGS := -Iarch/aarch64/guest
endif
ROOT_SRCS := $(sort $(filter-out $(addprefix root/,$(addsuffix /%,$(ROOT_ARCHES))),$(wildcard root/*.[cS] root/*/*.[cS])) \
	$(wildcard root/$(ARCH)/*.[cS] root/$(ARCH)/*/*.[cS])) $(ROOT_SHARED)
# A root task that does all that it can against the kernel, for the system tests.
HOSTILE_SRCS := $(sort $(wildcard tests/hostile/*.c tests/hostile/$(ARCH)/*.c)) root/$(ARCH)/lib/start.S root/lib/format.c kernel/status.c
# The guest's DSDT as `const unsigned char dsdt_aml[]` and `const size_t dsdt_aml_size`; the same of its VMBus.
ROOT_SRCS += $(addprefix $(BUILD)/gen/$(ARCH)/,dsdt.c vmbus.c)

# $(call objects,FOLDER,SOURCES): NAME.c.o or NAME.S.o; of sources below $(BUILD), what follows it.
objects = $(addprefix $(1)/,$(addsuffix .o,$(patsubst $(BUILD)/%,%,$(2))))

KERNEL_OBJS := $(call objects,$(OUT)/kernel,$(KERNEL_SRCS))
SELF_OBJS := $(call objects,$(OUT)/kernel,$(SELF_SRCS))
ROOT_OBJS := $(call objects,$(OUT)/root,$(ROOT_SRCS))
HOSTILE_OBJS := $(call objects,$(OUT)/root,$(HOSTILE_SRCS))

# ---------------------------------------------------------------------------------------
# Kernel and root task

.PHONY: all kernel root
all: kernel root
kernel: $(OUT)/trivet.elf $(OUT)/trivet-selftest.elf
root: $(OUT)/root.elf

$(OUT)/kernel/%.c.o: OPTIMIZE = $(KERNEL_OPTIMIZE)
$(addprefix $(OUT)/kernel/,$(addsuffix .o,$(KERNEL_COLD))): OPTIMIZE = -Oz
$(OUT)/kernel/%.c.o: %.c $(BUILD_FILES)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(ARCH_CC) $(KERNEL_CFLAGS) $(OPTIMIZE) -c $< -o $@

$(OUT)/kernel/%.S.o: %.S $(BUILD_FILES)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(ARCH_CC) $(KERNEL_CFLAGS) -D__ASSEMBLY__ -c $< -o $@

$(OUT)/linker.ld: linker.ld
	@mkdir -p $(@D)
	@$(ARCH_CC) -E -P -undef -D__$(ARCH)__ -x c $< -o $@

# The kernel, and the same with the self tests linked in: `selftest` on its command line runs them.
$(OUT)/trivet.first.elf $(OUT)/trivet.elf: OBJS := $(KERNEL_OBJS)
$(OUT)/trivet.first.elf: $(KERNEL_OBJS)
$(OUT)/trivet-selftest.first.elf $(OUT)/trivet-selftest.elf: OBJS := $(KERNEL_OBJS) $(SELF_OBJS)
$(OUT)/trivet-selftest.first.elf: $(KERNEL_OBJS) $(SELF_OBJS)

# Two links: the first tells where the functions lie, the second has their names in it.
$(OUT)/%.first.elf: $(OUT)/linker.ld
	@$(ARCH_CC) $(KERNEL_LDFLAGS) -T $(OUT)/linker.ld $(OBJS) -lgcc -o $@

$(OUT)/%.symbols.S: $(OUT)/%.first.elf scripts/symbols
	@$(PYTHON) scripts/symbols --nm $(NM) $< > $@

$(OUT)/%.symbols.o: $(OUT)/%.symbols.S
	@$(ARCH_CC) -c $< -o $@

$(OUT)/trivet.elf $(OUT)/trivet-selftest.elf: $(OUT)/%.elf: $(OUT)/%.first.elf $(OUT)/%.symbols.o
	@echo "  LD      $@"
	@$(ARCH_CC) $(KERNEL_LDFLAGS) -T $(OUT)/linker.ld $(OBJS) $(OUT)/$*.symbols.o -lgcc -o $@
	@$(PYTHON) scripts/symbols --nm $(NM) $@ | cmp -s - $(OUT)/$*.symbols.S || \
		{ echo "$@: functions moved between the two links" >&2; rm -f $@; exit 1; }

.PRECIOUS: $(OUT)/%.stripped.elf $(OUT)/%.image

# What is loaded: without the debugging information.
$(OUT)/%.stripped.elf: $(OUT)/%.elf
	@$(OBJCOPY) --strip-all $< $@

# And for loaders that know no ELF: just the bytes from the first one on.
$(OUT)/%.image: $(OUT)/%.elf
	@$(OBJCOPY) -O binary $< $@

$(call objects,$(OUT)/root,$(APIC_MODEL) root/$(ARCH)/vmm/user_apic.c): ROOT_CFLAGS += $(APIC_MODEL_CFLAGS)
$(call objects,$(OUT)/root,root/$(ARCH)/gdb/processor.c): ROOT_CFLAGS += $(WALK_CFLAGS)
$(call objects,$(OUT)/root,root/$(ARCH)/gdb/processor.c): ROOT_CFLAGS += $(WALK_CFLAGS)
$(OUT)/root/%.c.o: %.c $(BUILD_FILES) | $(ARCH_LIBRARIES)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(ARCH_CC) $(ROOT_CFLAGS) -c $< -o $@

$(OUT)/root/%.S.o: %.S $(BUILD_FILES)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(ARCH_CC) $(ROOT_CFLAGS) -D__ASSEMBLY__ -c $< -o $@

$(OUT)/root/gen/%.c.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	@$(ARCH_CC) $(ROOT_CFLAGS) -c $< -o $@

$(OUT)/root.ld: root/root.ld
	@mkdir -p $(@D)
	@$(ARCH_CC) -E -P -undef -D__$(ARCH)__ -x c $< -o $@

$(OUT)/root.elf: $(ROOT_OBJS) $(OUT)/root.ld
	@echo "  LD      $@"
	@$(ARCH_CC) $(ROOT_LDFLAGS) $(ROOT_OBJS) $(ROOT_LIBRARIES) $(MUSL_LIB) -lgcc -o $@

$(OUT)/hostile.elf: $(HOSTILE_OBJS) $(OUT)/root.ld
	@echo "  LD      $@"
	@$(ARCH_CC) $(ROOT_LDFLAGS) $(HOSTILE_OBJS) $(MUSL_LIB) -lgcc -o $@

# $(call tables,ARCH): what is compiled of its root/ARCH/firmware/*.asl.
define tables
$(BUILD)/gen/$(1)/%.aml: root/$(1)/firmware/%.asl
	@mkdir -p $$(@D)
	@echo "  IASL    $$<"
	@$(IASL) -p $$(basename $$@) $$< > $$(@D)/$$*.log 2>&1 || { cat $$(@D)/$$*.log; exit 1; }

$(BUILD)/gen/$(1)/%.c: $(BUILD)/gen/$(1)/%.aml scripts/embed
	@$(PYTHON) scripts/embed $$< $$*_aml > $$@
endef
$(foreach arch,$(ROOT_ARCHES),$(eval $(call tables,$(arch))))

# What the building machine's own packages don't have.
WITH_LISTS := FOREIGN_LISTS=$(abspath $(BUILD))/lists
$(SYSROOT)/%/libc.a:
	@$(WITH_LISTS) scripts/foreign arm64 $(SYSROOT) musl-dev libfdt-dev

-include $(KERNEL_OBJS:.o=.d) $(SELF_OBJS:.o=.d) $(ROOT_OBJS:.o=.d) \
	$(HOSTILE_OBJS:.o=.d)

# ---------------------------------------------------------------------------------------
# Unit tests and fuzzers

UNIT_NAMES := $(patsubst tests/unit/%.mk,%,$(sort $(wildcard tests/unit/*.mk)))
FUZZ_NAMES := $(patsubst tests/fuzz/%.mk,%,$(sort $(wildcard tests/fuzz/*.mk)))
FUZZ_SECONDS ?= 5
include $(wildcard tests/unit/*.mk tests/fuzz/*.mk)

# $(call hosted,KIND,NAME,PREFIX,COMPILER,FLAGS,LIBRARIES): the program tests/KIND/PREFIX_NAME.c
# with the sources that its fragment names.
define hosted
$(BUILD)/$(1)/$(2).objs := $(call objects,$(BUILD)/$(1)/$(2).d,tests/$(1)/$(3)_$(2).c $($(3)_$(2)_SRCS))
$(BUILD)/$(1)/$(2).d/%.c.o: %.c Makefile
	@mkdir -p $$(@D)
	@$(4) $(5) -Iroot/$(or $($(3)_$(2)_ARCH),$(HOSTED_ARCH)) $($(3)_$(2)_CFLAGS) -c $$< -o $$@
$(BUILD)/$(1)/$(2).d/gen/%.c.o: $(BUILD)/gen/%.c
	@mkdir -p $$(@D)
	@$(4) $(5) -Iroot/$(or $($(3)_$(2)_ARCH),$(HOSTED_ARCH)) $($(3)_$(2)_CFLAGS) -c $$< -o $$@
$(BUILD)/$(1)/$(3)_$(2): $$($(BUILD)/$(1)/$(2).objs)
	@echo "  LD      $$@"
	@$(4) $(5) $$^ -o $$@ $(6) $($(3)_$(2)_LIBS)
-include $$($(BUILD)/$(1)/$(2).objs:.o=.d)
endef

$(foreach n,$(UNIT_NAMES),$(eval $(call hosted,unit,$(n),test,$(CC),$(UNIT_CFLAGS),-lcmocka)))
$(foreach n,$(FUZZ_NAMES),$(eval $(call hosted,fuzz,$(n),fuzz,$(CLANG),$(FUZZ_CFLAGS),)))

.PHONY: unit unit-build fuzz fuzz-build
UNIT_TESTS := $(addprefix $(BUILD)/unit/test_,$(UNIT_NAMES))
FUZZERS := $(addprefix $(BUILD)/fuzz/fuzz_,$(FUZZ_NAMES))
unit-build: $(UNIT_TESTS)
fuzz-build: $(FUZZERS)

unit-%: $(BUILD)/unit/test_%
	$<

fuzz-%: $(BUILD)/fuzz/fuzz_%
	scripts/test --build $(BUILD) --fuzz-seconds $(FUZZ_SECONDS) --only $* fuzz

# ---------------------------------------------------------------------------------------
# Checks, tests, measurements

# What the sources define is named in the documents.
docs:
	@echo "  DOCS"
	@scripts/check-docs

.PHONY: check docs format lint size unit fuzz self system test bench bench-peers
check: deps-test all $(OTHER_IMAGES) unit-build
	@$(TEST) check unit

format:
	@echo "  FORMAT"
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror

# Each source is looked at with the headers that it is compiled with. (The kernel compares symbols
# of linker.ld, which stand at the ends of one table.)
CPPCHECK := cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr \
	--error-exitcode=1 --suppress=missingIncludeSystem -Iinclude
lint:
	@echo "  LINT"
	@$(CPPCHECK) --suppress=comparePointers -Iarch/$(ARCH)/include \
		$(filter %.c,$(KERNEL_SRCS) $(SELF_SRCS))
	@$(CPPCHECK) -Iroot -Iroot/$(ARCH) $(APIC_MODEL_CFLAGS) $(WALK_CFLAGS) $(filter-out $(BUILD)/%,$(filter %.c,$(ROOT_SRCS)))
	@$(CPPCHECK) $(wildcard tests/bench/*.c)

size: $(OUT)/trivet.$(ARCH_IMAGE)
	@size=$$(stat -c %s $<); \
		echo "  SIZE    kernel: $$size bytes, limit $(SIZE_LIMIT)"; \
		test $$size -le $(SIZE_LIMIT)

TEST := scripts/test --build $(BUILD) --arch $(or $(TEST_ARCH),$(ARCH)) --fuzz-seconds $(FUZZ_SECONDS)
IMAGE := $(OUT)/trivet.$(ARCH_IMAGE) $(OUT)/root.stripped.elf
SELF_IMAGE := $(OUT)/trivet-selftest.$(ARCH_IMAGE)
SYSTEM_IMAGES := $(OUT)/hostile.stripped.elf
BUILD_FAST = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
PEERS := $(BUILD)/peers
# Of the other architecture.
OTHER_IMAGES := $(if $(TEST_ARCH),aarch64-images)
.PHONY: aarch64-images
aarch64-images:
	@$(MAKE) --no-print-directory ARCH=aarch64 LEG=el2 system-images

# What the machines of the tests boot.
.PHONY: system-images
system-images: $(IMAGE) $(SELF_IMAGE) $(SYSTEM_IMAGES) $(addprefix $(BUILD)/$(ARCH_GUEST)/,vmlinuz initramfs hyperv/initramfs)

unit: unit-build
	@$(TEST) unit
fuzz: fuzz-build
	@$(TEST) fuzz
self: deps-test $(SELF_IMAGE) $(OTHER_IMAGES)
	@$(TEST) self
system: deps-test $(IMAGE) $(OTHER_IMAGES) $(SYSTEM_IMAGES) guest guest-tests
	@$(TEST) system
# What it needs is built by as many processors as there are; of one architecture after the other, which share folders.
test: deps-test
	+@$(BUILD_FAST) test-programs
	+@$(if $(OTHER_IMAGES),$(BUILD_FAST) $(OTHER_IMAGES))
	@$(TEST) all
.PHONY: test-programs
test-programs: $(IMAGE) $(SELF_IMAGE) $(SYSTEM_IMAGES) guest guest-tests unit-build fuzz-build
bench: deps-bench $(IMAGE) $(SELF_IMAGE) guest guest-tests
	@scripts/bench --build $(BUILD) --arch $(ARCH)
bench-peers: deps-bench $(IMAGE) guest-tests $(PEERS)/vmlinuz $(PEERS)/kvm_peer
	@scripts/bench-peers --build $(BUILD) --arch $(ARCH)

# ---------------------------------------------------------------------------------------
# Images and running

GUEST := $(BUILD)/$(ARCH_GUEST)
# The variables of `make run` go to the scripts as they are.
export LEG VPS MEM KERNEL INITRD MODULES CMDLINE DEVICES HYPERV CONF
export EMULATOR CPU CPUS HOSTMEM BOOT ACCEL ICOUNT GDB TIMEOUT KCMDLINE

# Small guests of the system tests and the measurements: 32-bit, started as Multiboot 1 says.
GUEST_TESTS := $(patsubst tests/%.S,$(BUILD)/guest-tests/%.elf,$(ARCH_GUEST_TESTS))
# Those of AArch64 are ELF files for 0x40080000, in RAM.
ARM_CC ?= aarch64-linux-gnu-gcc
ARM_GUEST_TESTS := $(patsubst tests/%.S,$(BUILD)/guest-tests/%.elf,$(wildcard tests/guest/aarch64/*.S tests/bench/aarch64/*.S))
guest-tests: $(GUEST_TESTS) $(ARM_GUEST_TESTS)
# A program of the Linux guest lies where the linker puts it.
define arm_guests
$(BUILD)/guest-tests/$(1)/aarch64/%.elf: tests/$(1)/aarch64/%.S $(wildcard tests/guest/aarch64/*.inc)
	@mkdir -p $$(@D)
	@$$(ARM_CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-N -Wl,--no-warn-rwx-segments \
		$$(if $$(filter stamp,$$*),,-Wl,-Ttext=0x40080000) $$< -o $$@
endef
$(foreach kind,guest bench,$(eval $(call arm_guests,$(kind))))
$(BUILD)/guest-tests/%.elf: tests/%.S $(wildcard tests/guest/*.inc)
	@mkdir -p $(@D)
	@$(CC) -m32 -c $< -o $(@:.elf=.o)
	@$(LD) -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 -e start $(@:.elf=.o) -o $@

# This one is a program of the Linux guest.
$(BUILD)/guest-tests/bench/stamp.elf: tests/bench/stamp.S
	@mkdir -p $(@D)
	@$(CC) -m32 -c $< -o $(@:.elf=.o)
	@$(LD) -m elf_i386 -e start $(@:.elf=.o) -o $@

# Linux's KVM, to measure it: a kernel with its modules, and the monitor, a program of that Linux.
$(PEERS)/vmlinuz:
	@scripts/guest-image kvm $(PEERS)
$(PEERS)/kvm_peer: tests/bench/kvm_peer.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(COMMON) $(WARNINGS) -D_GNU_SOURCE= -O2 -static $< -o $@

.PHONY: run iso guest guest-tests deps-run deps-bench deps-test clean help
# A guest's kernel is fetched only if none is named.
run iso: deps-run $(IMAGE) $(if $(findstring selftest,$(KCMDLINE)),$(SELF_IMAGE)) \
	$(if $(KERNEL)$(CONF),,$(GUEST)/vmlinuz) $(GUEST)/initramfs

run:
	@scripts/run --build $(BUILD) --arch $(ARCH)

iso:
	@scripts/iso --build $(BUILD) --arch $(ARCH) --output $(BUILD)/trivet.iso
	@echo "$(BUILD)/trivet.iso boots on BIOS and on UEFI machines"

guest: $(GUEST)/vmlinuz $(GUEST)/initramfs $(GUEST)/hyperv/initramfs
$(GUEST)/vmlinuz:
	@$(WITH_LISTS) GUEST_ARCH=$(ARCH) scripts/guest-image kernel $@
$(GUEST)/initramfs: scripts/guest-image scripts/guest-init
	@$(WITH_LISTS) GUEST_ARCH=$(ARCH) scripts/guest-image initramfs $@
$(GUEST)/hyperv/initramfs: scripts/guest-image scripts/guest-init
	@$(WITH_LISTS) GUEST_ARCH=$(ARCH) scripts/guest-image hyperv $(@D)

deps-run:
	@scripts/deps run
deps-bench:
	@scripts/deps bench
deps-test:
	@scripts/deps test

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

#: make run      build, and boot a Linux guest under Trivet in an emulator
#: make iso      an image for GRUB that BIOS and UEFI machines boot: build/trivet.iso
#: make test     every test; ends with "N passed, N failed"
#: make check    format, lint, size, docs, unit tests: what takes no emulator
#: make bench    instruction counts beside their limits
#: make bench-peers  the same exits under Linux's KVM beside ours: two minutes
#: make all      the kernel and the root task; also: make kernel, make root
#: make unit     unit tests (make unit-NAME: one)
#: make fuzz     each fuzzer for FUZZ_SECONDS=5 (make fuzz-NAME: one)
#: make self     the kernel's self tests, in each emulator
#: make system   whole machines (LONG=1: also what takes minutes in Bochs)
#: make clean    removes build/
#:
#: make run takes these variables:
#:   LEG=svm|vmx|el2     the backend: AMD's in QEMU, Intel's in Bochs, or Arm's (ARCH=aarch64) in QEMU
#:   VPS=1 MEM=256M      virtual processors and memory of the guest
#:   KERNEL= INITRD=     files to boot instead of Debian's kernel and a small initramfs
#:   CMDLINE= MODULES=   the guest's command line; more files for it (multiboot modules)
#:   DEVICES=            sets of devices for the guest, such as qemu-compat
#:   HYPERV=on           the Hyper-V interface, and a VMBus
#:   CONF=               a trivet.conf of your own instead of all these; the files that it
#:                       names are looked for beside it
#:   CPUS=2 HOSTMEM=2G   the emulated machine; CPU= its processor by the emulator's name
#:   KCMDLINE=           more words for Trivet's own command line (loglevel=, kmem=, ...)
#:   BOOT=bios|uefi      the machine's firmware; bios on AArch64: none, QEMU loads the kernel itself
#:   EMULATOR=qemu|bochs Bochs for SVM too; QEMU has no VMX without KVM
#:   ACCEL=kvm           QEMU with KVM and the host's processor, where nesting works
#:   ICOUNT=1            one tick of the clock for each instruction: runs that repeat exactly
#:   GDB=1               the machine waits for gdb on port 1234
#:   GDBSOCKET=FILE      the second serial line is a socket, at which gdb debugs the guest
#:   TIMEOUT=            a limit in seconds
#: Without a terminal, standard input goes to the first guest's console. Ctrl-A x ends a run.
#: scripts/run, which make run calls, tells by its exit status how the run ended: 0 all guests
#: powered off, 10 kernel panic, 11 a guest crashed, 12 the root task faulted, 13 nothing to
#: run or an error in the configuration, 14 a self test failed, 64 + N a guest ended itself
#: with status N, 124 the time limit. (make itself says "Error N" and exits with 2.)

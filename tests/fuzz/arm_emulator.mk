fuzz_arm_emulator_ARCH := aarch64
fuzz_arm_emulator_SRCS := $(wildcard root/aarch64/emulator/*.c) arch/aarch64/guest/translation.c
fuzz_arm_emulator_CFLAGS := -Iarch/aarch64/guest

test_arm_emulator_ARCH := aarch64
test_arm_emulator_SRCS := $(wildcard root/aarch64/emulator/*.c) arch/aarch64/guest/translation.c
test_arm_emulator_CFLAGS := -Iarch/aarch64/guest
test_arm_emulator_LIBS := -lcapstone

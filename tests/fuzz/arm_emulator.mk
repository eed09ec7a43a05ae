fuzz_arm_emulator_ARCH := aarch64
fuzz_arm_emulator_SRCS := $(wildcard root/aarch64/emulator/*.c)

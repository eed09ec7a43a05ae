test_arm_emulator_ARCH := aarch64
test_arm_emulator_SRCS := $(wildcard root/aarch64/emulator/*.c)
test_arm_emulator_LIBS := -lcapstone

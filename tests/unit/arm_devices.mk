test_arm_devices_ARCH := aarch64
test_arm_devices_SRCS := $(wildcard root/devices/*.c root/aarch64/devices/*.c) kernel/state_format.c

test_device_state_SRCS := $(wildcard root/devices/*.c) kernel/state_format.c

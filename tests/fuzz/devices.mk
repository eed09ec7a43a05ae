fuzz_devices_SRCS := $(wildcard root/devices/*.c) kernel/state_format.c

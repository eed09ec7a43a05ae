fuzz_devices_SRCS := $(wildcard root/devices/*.c root/x86_64/devices/*.c) kernel/state_format.c

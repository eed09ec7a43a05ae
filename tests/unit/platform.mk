test_platform_SRCS := $(wildcard kernel/state_format.c root/devices/*.c root/x86_64/devices/*.c)

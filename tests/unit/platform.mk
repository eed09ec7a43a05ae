test_platform_SRCS := $(wildcard kernel/state_format.c root/devices/*.c)

test_platform_SRCS := $(wildcard root/devices/*.c)

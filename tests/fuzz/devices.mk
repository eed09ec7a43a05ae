fuzz_devices_SRCS := $(wildcard root/devices/*.c)

fuzz_vmbus_SRCS := $(wildcard root/vmbus/*.c) root/devices/timer.c
fuzz_vmbus_CFLAGS := -Itests/unit -DGUEST_MESSAGES=64u

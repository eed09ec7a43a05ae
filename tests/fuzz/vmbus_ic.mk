fuzz_vmbus_ic_SRCS := $(wildcard root/vmbus/*.c) root/devices/timer.c
fuzz_vmbus_ic_CFLAGS := -Itests/unit -DGUEST_MESSAGES=64u

test_vmbus_ic_SRCS := $(wildcard root/vmbus/*.c) root/devices/timer.c

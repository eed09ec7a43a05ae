fuzz_pvh_SRCS := $(wildcard root/loader/*.c) root/firmware/memory_layout.c

fuzz_bzimage_SRCS := $(wildcard root/loader/*.c) root/firmware/memory_layout.c

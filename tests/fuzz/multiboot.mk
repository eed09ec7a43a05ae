fuzz_multiboot_SRCS := $(wildcard root/loader/*.c) root/firmware/memory_layout.c

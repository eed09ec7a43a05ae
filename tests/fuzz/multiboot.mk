fuzz_multiboot_SRCS := $(wildcard root/loader/*.c root/x86_64/loader/*.c) root/x86_64/firmware/memory_layout.c

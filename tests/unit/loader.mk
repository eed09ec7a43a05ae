test_loader_SRCS := $(wildcard root/loader/*.c) root/firmware/memory_layout.c

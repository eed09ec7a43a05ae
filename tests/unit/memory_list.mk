test_memory_list_SRCS := arch/aarch64/memory_list.c
test_memory_list_CFLAGS := -Iarch/aarch64/include

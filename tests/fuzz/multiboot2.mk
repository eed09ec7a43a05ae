fuzz_multiboot2_SRCS := arch/x86_64/multiboot2.c
fuzz_multiboot2_CFLAGS := -Iarch/x86_64/include

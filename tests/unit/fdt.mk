test_fdt_SRCS := arch/aarch64/fdt.c arch/aarch64/fdt_interrupt.c arch/aarch64/machine.c arch/aarch64/memory_list.c
test_fdt_CFLAGS := -Iarch/aarch64/include

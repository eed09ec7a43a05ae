test_page_table_SRCS := kernel/page_table.c vmx/ept.c arch/aarch64/page_formats.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c
test_page_table_CFLAGS := -Iarch/x86_64/include -Iarch/aarch64/include

test_page_table_SRCS := kernel/page_table.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c

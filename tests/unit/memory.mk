test_memory_SRCS := kernel/memory.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c

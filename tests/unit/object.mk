test_object_SRCS := kernel/object.c kernel/reader.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c

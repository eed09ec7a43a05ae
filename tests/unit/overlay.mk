test_overlay_SRCS := kernel/memory_map.c kernel/overlay.c kernel/dirty.c kernel/page_table.c kernel/heap.c kernel/slab.c svm/npt.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c
test_overlay_CFLAGS := -Iarch/x86_64/include

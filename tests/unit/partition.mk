test_partition_SRCS := kernel/partition.c kernel/partition_change.c kernel/partition_time.c kernel/heap.c kernel/slab.c kernel/timer.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c
test_partition_CFLAGS := -Iarch/x86_64/include

test_doorbell_SRCS := kernel/doorbell.c kernel/doorbell_syscall.c kernel/object.c kernel/reader.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c tests/unit/syscall_fake.c
test_doorbell_CFLAGS := -Iarch/x86_64/include

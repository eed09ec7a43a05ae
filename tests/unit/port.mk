test_port_SRCS := kernel/port.c kernel/port_syscall.c kernel/monitor.c kernel/hv_port_calls.c kernel/object.c kernel/reader.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c tests/unit/syscall_fake.c
test_port_CFLAGS := -Iarch/x86_64/include

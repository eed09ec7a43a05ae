test_sched_SRCS := kernel/sched.c kernel/thread.c kernel/event.c kernel/cpu.c kernel/timer.c kernel/object.c kernel/reader.c kernel/heap.c kernel/slab.c arch/fake/machine.c arch/fake/words.c arch/fake/stack.c
test_sched_CFLAGS := -DUSER_LIMIT=0x7ffffffff000ull -Dsched_yield=kernel_sched_yield

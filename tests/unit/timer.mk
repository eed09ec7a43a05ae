test_timer_SRCS := kernel/timer.c arch/fake/machine.c arch/fake/words.c tests/unit/fake_cpus.c

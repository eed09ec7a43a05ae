test_stimer_SRCS := kernel/stimer.c kernel/synic.c tests/unit/synic_stubs.c
test_stimer_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

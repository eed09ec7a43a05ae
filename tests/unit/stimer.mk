test_stimer_SRCS := $(addprefix kernel/,stimer.c synic.c synic_state.c) tests/unit/synic_stubs.c
test_stimer_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

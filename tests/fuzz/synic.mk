fuzz_synic_SRCS := $(addprefix kernel/,stimer.c synic.c synic_state.c) tests/unit/synic_stubs.c
fuzz_synic_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest -Itests/unit

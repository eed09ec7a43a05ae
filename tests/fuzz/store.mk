fuzz_store_SRCS := $(fuzz_emulator_SRCS) arch/x86_64/guest/store.c
fuzz_store_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

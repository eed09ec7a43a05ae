test_hv_crash_SRCS := kernel/hv_crash.c
test_hv_crash_CFLAGS := -Iarch/x86_64/include

test_mtrr_SRCS := arch/x86_64/guest/mtrr.c
test_mtrr_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

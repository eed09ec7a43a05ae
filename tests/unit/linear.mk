test_linear_SRCS := arch/x86_64/guest/linear.c
test_linear_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

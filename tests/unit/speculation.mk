test_speculation_SRCS := arch/x86_64/speculation_policy.c
test_speculation_CFLAGS := -Iarch/x86_64/include

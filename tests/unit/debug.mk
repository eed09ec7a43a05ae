test_debug_SRCS := $(addprefix arch/x86_64/guest/,debug.c step.c linear.c)
test_debug_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest

test_hv_calls_SRCS = $(HYPERCALL_SRCS)
test_hv_calls_CFLAGS = $(HYPERCALL_CFLAGS)

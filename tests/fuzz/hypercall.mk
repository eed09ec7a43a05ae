fuzz_hypercall_SRCS = $(HYPERCALL_SRCS)
fuzz_hypercall_CFLAGS = -Itests/unit $(HYPERCALL_CFLAGS)

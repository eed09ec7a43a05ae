test_vpci_SRCS = $(HYPERCALL_SRCS) kernel/vpci_syscall.c
test_vpci_CFLAGS = $(HYPERCALL_CFLAGS)

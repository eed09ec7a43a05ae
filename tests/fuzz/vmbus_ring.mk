fuzz_vmbus_ring_SRCS := root/vmbus/ring.c

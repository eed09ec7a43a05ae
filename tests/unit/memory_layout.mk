test_memory_layout_SRCS := root/firmware/memory_layout.c root/loader/guest_memory.c
